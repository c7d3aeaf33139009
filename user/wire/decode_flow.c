// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Data records of flows, by the operations that their template became (decode_compile.c).
 *
 * A collector reads millions of records a second, and all of a template are alike. So nothing about
 * a field is looked up here: an operation says where the value lies in the record, how it is read,
 * and where it goes in struct flow_record.
 *
 *   record   │ srcaddr │ dstaddr │ ... │ octets │        operations, in order
 *                 │         │               │            OP_ADDR4 from 0 to src
 *                 ▼         ▼               ▼            OP_ADDR4 from 4 to dst ... OP_END
 *   batch    │ flow │ flow │ flow ...  │ → sink, when it is full or the set ends
 *
 * What an operation cannot know is put right when the record is done: finish(), by the bits that
 * post_of() finds once for the set (times without a boot time, sampling that came as options ...).
 *
 * A slot of the batch is not wiped for each record: what the same template wrote there before, it
 * will overwrite.
 */
#include "wire/decode_internal.h"

#define NTP_UNIX_S 2208988800ull /* from 1900 to 1970; RFC 7011, 6.1.9 */
#define NTP_MICROSECOND_BITS 0xfffff800u

const struct flow_origin *wire_origin(const struct work *w)
{
	/* Sets that waited have the time of their own message. */
	w->domain->origin.export_ns = w->frame.export_ns;
	return &w->domain->origin;
}

void wire_flush(struct work *w)
{
	struct wire_decoder *d = w->d;
	if (!d->flows)
		return;
	wire_tally(w, WIRE_COUNT_FLOWS, d->flows);
	if (d->sink.flow.flows)
		d->sink.flow.flows(d->sink.flow.context, wire_origin(w), d->batch, d->flows);
	d->flows = 0;
}

static __always_inline struct flow_record *slot(struct wire_decoder *d, __u32 serial, bool wipe)
{
	struct flow_record *f = &d->batch[d->flows];

	if (d->prepared_for != serial) {
		d->prepared_for = serial;
		d->prepared = 0;
	}
	if (d->flows < d->prepared && !wipe)
		return f;
	memset(f, 0, sizeof(*f));
	if (d->flows == d->prepared)
		d->prepared++;
	return f;
}

struct flow_record *wire_flow_slot(struct wire_decoder *d, __u32 serial, bool wipe)
{
	return slot(d, serial, wipe);
}

static __u64 ntp_ns(__u64 ntp, __u32 fraction_bits)
{
	__u64 seconds = ntp >> 32, fraction = ntp & fraction_bits;

	/* Before 1970 is after 2036. */
	if (seconds < NTP_UNIX_S)
		seconds += 1ull << 32;
	return (seconds - NTP_UNIX_S) * WEIR_NS_PER_SEC + (fraction * WEIR_NS_PER_SEC >> 32);
}

static bool is_zero(const __u8 *at, unsigned int bytes)
{
	while (bytes--) {
		if (*at++)
			return false;
	}
	return true;
}

static void put_uint(__u8 *to, unsigned int room, __u64 value)
{
	__u64 max = room == 8 ? ~0ull : (1ull << 8 * room) - 1;
	__u8 v8;
	__u16 v16;
	__u32 v32;

	value = value < max ? value : max;
	switch (room) {
	case 1:
		v8 = value;
		memcpy(to, &v8, sizeof(v8));
		break;
	case 2:
		v16 = value;
		memcpy(to, &v16, sizeof(v16));
		break;
	case 4:
		v32 = value;
		memcpy(to, &v32, sizeof(v32));
		break;
	default:
		memcpy(to, &value, sizeof(value));
	}
}

static void put_string(char *to, const __u8 *from, size_t length)
{
	length = length < FLOW_NAME_BYTES ? length : FLOW_NAME_BYTES - 1;
	memset(to, 0, FLOW_NAME_BYTES);
	memcpy(to, from, length);
}

static __u32 rate_of(const struct domain *domain, __u64 sampler)
{
	for (unsigned int i = 0; i < domain->samplers; i++) {
		if (domain->sampler[i].id == sampler)
			return domain->sampler[i].rate;
	}
	return 0;
}

static __u64 multiplied(__u64 value, __u32 rate)
{
	__u64 product;

	return __builtin_mul_overflow(value, rate, &product) ? ~0ull : product;
}

void wire_scale(struct flow_record *f)
{
	if (!f->sampling)
		return;
	f->forward.packets = multiplied(f->forward.packets, f->sampling);
	f->forward.bytes = multiplied(f->forward.bytes, f->sampling);
	f->reverse.packets = multiplied(f->reverse.packets, f->sampling);
	f->reverse.bytes = multiplied(f->reverse.bytes, f->sampling);
}

static void forget_times(struct flow_record *f)
{
	f->forward.start_ns = f->forward.end_ns = 0;
	f->reverse.start_ns = f->reverse.end_ns = 0;
	f->known &= ~(FIELD_BIT(START) | FIELD_BIT(END) | FIELD_BIT(REVERSE_START) |
		      FIELD_BIT(REVERSE_END));
}

static __always_inline void finish(const struct work *w, struct flow_record *f, unsigned int post)
{
	bool icmp = flow_is_icmp(f);

	if (post & POST_ICMP) {
		f->icmp = icmp ? f->dport : 0;
		f->known |= icmp ? FIELD_BIT(ICMP) : 0;
	}
	if (!(post & ~POST_ICMP))
		return;
	if (post & POST_NO_BOOT)
		forget_times(f);
	/* Source and destination that contradict each other must not lose what they are. */
	if (post & POST_FAMILY && !(is_zero(f->src + 4, 12) && is_zero(f->dst + 4, 12)))
		f->family = 6;
	if (post & POST_LABELS) {
		f->labels = FLOW_LABELS;
		while (f->labels && !f->label[f->labels - 1])
			f->labels--;
	}
	if (!(f->known & FIELD_BIT(SAMPLING)) || !f->sampling)
		f->sampling = w->domain->rate;
	if (f->sampling)
		f->known |= FIELD_BIT(SAMPLING);
	else
		f->known &= ~FIELD_BIT(SAMPLING);
	if (post & POST_SCALE)
		wire_scale(f);
}

/* Operations that few templates have: out of the way of the others, which are all in one loop. */
static __attribute__((noinline, cold)) void read_seldom(const struct work *w, const struct op *op,
							const __u8 *from, struct flow_record *f)
{
	void *to = (__u8 *)f + op->to;

	switch (op->code) {
	case OP_NTP_US:
		*(__u64 *)to = ntp_ns(wire_get64(from), NTP_MICROSECOND_BITS);
		break;
	case OP_NTP_NS:
		*(__u64 *)to = ntp_ns(wire_get64(from), ~0u);
		break;
	case OP_BEFORE_US:
		*(__u64 *)to = w->frame.export_ns - wire_get32(from) * 1000ull;
		break;
	case OP_ICMP_TYPE:
		f->icmp = *from << 8 | (f->icmp & 0xff);
		break;
	case OP_ICMP_CODE:
		f->icmp = (f->icmp & 0xff00) | *from;
		break;
	case OP_LABEL:
		*(__u32 *)to = wire_get_uint(from, 3);
		break;
	case OP_STRING:
		put_string(to, from, op->bytes);
		break;
	case OP_SAMPLER:
		*(__u32 *)to = rate_of(w->domain, wire_get_uint(from, op->bytes));
		break;
	case OP_FAMILY:
		f->family = op->room;
		break;
	}
}

/* Where the next record begins; NULL: this one ends beyond `end`. At `at` there are at least the
 * template's min_bytes. */
static __always_inline const __u8 *read_flow(const struct work *w, const struct template *t,
					     const __u8 *at, const __u8 *end, struct flow_record *f)
{
	const struct frame *frame = &w->frame;
	__u32 uptime_ms = frame->uptime_ms;
	const __u8 *base = at;
	size_t length;

	f->known = t->known;
	f->family = t->family;
	for (const struct op *op = t->op;; op++) {
		const __u8 *from = base + op->from;
		void *to = (__u8 *)f + op->to;

		switch (op->code) {
		case OP_END:
			return from;
		case OP_U8:
			*(__u8 *)to = *from;
			break;
		case OP_U16:
			*(__u16 *)to = wire_get16(from);
			break;
		case OP_U32:
			*(__u32 *)to = wire_get32(from);
			break;
		case OP_U64:
			*(__u64 *)to = wire_get64(from);
			break;
		case OP_UINT:
			put_uint(to, op->room, wire_get_uint(from, op->bytes));
			break;
		case OP_FLAGS:
			*(__u8 *)to = from[op->bytes - 1];
			break;
		case OP_ADDR4:
			memcpy(to, from, 4);
			break;
		case OP_ADDR6:
			memcpy(to, from, 16);
			break;
		case OP_SECONDS:
			*(__u64 *)to = wire_get32(from) * WEIR_NS_PER_SEC;
			break;
		case OP_MS:
			*(__u64 *)to = wire_get64(from) * NS_PER_MS;
			break;
		case OP_UPTIME:
			*(__u64 *)to = wire_uptime_ns(frame, uptime_ms, wire_get32(from));
			break;
		case OP_BOOT:
			uptime_ms = frame->export_ns / NS_PER_MS - wire_get64(from);
			break;
		case OP_SKIP_TOLD:
			if (!is_zero(to, op->bytes))
				op += op->room;
			break;
		case OP_VARIABLE:
		case OP_VARIABLE_STRING:
			from = wire_value_at(from, end, &length);
			if (!from || (size_t)(end - from) - length < op->room)
				return NULL;
			if (op->code == OP_VARIABLE_STRING)
				put_string(to, from, length);
			base = from + length;
			break;
		default:
			read_seldom(w, op, from, f);
			break;
		}
	}
}

static unsigned int post_of(struct work *w, const struct template *t)
{
	unsigned int post = t->post;

	if (t->uptime && !t->boot && !w->frame.has_uptime) {
		post |= POST_NO_BOOT;
		wire_tally(w, WIRE_COUNT_NO_BOOT, 1);
	}
	if (w->domain->rate || t->known & FIELD_BIT(SAMPLING))
		post |= POST_SAMPLING;
	if (w->d->options.scale)
		post |= POST_SCALE;
	return post;
}

void wire_read_flows(struct work *w, const struct template *t, const __u8 *at, const __u8 *end)
{
	struct wire_decoder *d = w->d;
	unsigned int post = post_of(w, t);

	while (end - at >= t->min_bytes) {
		struct flow_record *f = slot(d, t->serial, t->wipe);

		at = read_flow(w, t, at, end, f);
		if (!at) {
			wire_tally(w, WIRE_COUNT_RECORD, 1);
			break;
		}
		w->records++;
		/* Where the template has no element that we know, it is something else. */
		if (!t->known) {
			wire_tally(w, WIRE_COUNT_OTHER_RECORDS, 1);
			continue;
		}
		finish(w, f, post);
		if (++d->flows == BATCH_FLOWS)
			wire_flush(w);
	}
	wire_flush(w);
}

void wire_read_data(struct work *w, const struct template *t, const __u8 *at, const __u8 *end)
{
	if (t->options)
		wire_read_options(w, t, at, end);
	else
		wire_read_flows(w, t, at, end);
}
