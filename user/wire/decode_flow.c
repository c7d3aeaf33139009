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
 * post_of() finds once for the set (times that cannot be, sampling that came as options ...).
 *
 * A slot of the batch is not wiped for each record: what the same template wrote there before, it
 * will overwrite.
 *
 * Some exporters send a first packet some milliseconds after the last: from the clocks of two line
 * cards, or from one clock read twice. Both were moments of the flow, so the earlier one is its start;
 * no negative duration leaves this room.
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

	if (!ntp)
		return 0;
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

/* Without going round: what is too much is the largest number. */
static __always_inline __u64 multiplied(__u64 value, __u64 by)
{
	__u64 product;

	return __builtin_mul_overflow(value, by, &product) ? ~0ull : product;
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

__attribute__((noinline, cold)) void wire_mend_times(struct work *w, struct flow_record *f,
						     struct flow_traffic *t, unsigned int reverse)
{
	const __u64 start = FIELD_BIT(START) << reverse, end = FIELD_BIT(END) << reverse;
	__u64 other;

	if (t->start_ns >> 63 || t->end_ns >> 63)
		wire_tally(w, WIRE_COUNT_TIME, 1);
	t->start_ns = t->start_ns >> 63 ? 0 : t->start_ns;
	t->end_ns = t->end_ns >> 63 ? 0 : t->end_ns;
	f->known &= t->start_ns ? ~0ull : ~start;
	f->known &= t->end_ns ? ~0ull : ~end;
	if (!t->start_ns || t->start_ns <= t->end_ns || !t->end_ns)
		return;
	wire_tally(w, WIRE_COUNT_ORDER, 1);
	other = t->start_ns;
	t->start_ns = t->end_ns;
	t->end_ns = other;
}

/* Unsigned, without going round: what is too late is no time, see wire_mend_times(). */
static __u64 sum(__u64 a, __u64 b)
{
	__u64 all;

	return __builtin_add_overflow(a, b, &all) ? ~0ull : all;
}

/* The duration is in the place of the time that it gives. */
static void use_duration(struct flow_traffic *t, enum duration_gives gives)
{
	if (gives == DURATION_GIVES_END)
		t->end_ns = t->start_ns ? sum(t->start_ns, t->end_ns) : 0;
	else if (gives == DURATION_GIVES_START)
		t->start_ns = t->end_ns > t->start_ns ? t->end_ns - t->start_ns : 0;
}

/* Bytes of layer 2 become those of IP, except for padding, where the record has both. */
static void take_off_headers(struct flow_record *f, __u32 header_bytes)
{
	bool layer2 = f->counted == FLOW_COUNTED_LAYER2 || f->counted == FLOW_COUNTED_POST_LAYER2 ||
		      f->counted == FLOW_COUNTED_LAYER2_TOTAL ||
		      f->counted == FLOW_COUNTED_POST_LAYER2_TOTAL;
	__u64 headers = multiplied(f->forward.packets, header_bytes);

	if (!layer2 || !header_bytes || !(f->known & FIELD_BIT(PACKETS)) ||
	    f->forward.bytes < headers)
		return;
	f->forward.bytes -= headers;
	f->counted = f->counted == FLOW_COUNTED_LAYER2         ? FLOW_COUNTED_IP
		     : f->counted == FLOW_COUNTED_POST_LAYER2  ? FLOW_COUNTED_POST
		     : f->counted == FLOW_COUNTED_LAYER2_TOTAL ? FLOW_COUNTED_TOTAL
							       : FLOW_COUNTED_POST_TOTAL;
}

#define POST_SELDOM                                                                                \
	(POST_DURATION | POST_LABELS | POST_LINK_HEADER | POST_RATE | POST_SCALE | POST_FAMILY)

static __attribute__((noinline, cold)) void finish_seldom(const struct work *w,
							  const struct template *t,
							  struct flow_record *f, unsigned int post)
{
	if (post & POST_DURATION) {
		use_duration(&f->forward, t->duration[0]);
		use_duration(&f->reverse, t->duration[1]);
	}
	/* Source and destination that contradict each other must not lose what they are. */
	if (post & POST_FAMILY && !(is_zero(f->src + 4, 12) && is_zero(f->dst + 4, 12)))
		f->family = 6;
	if (post & POST_LABELS) {
		f->labels = FLOW_LABELS;
		while (f->labels && !f->label[f->labels - 1])
			f->labels--;
	}
	if (post & POST_LINK_HEADER)
		take_off_headers(f, w->aside.link_header);
	if (post & POST_RATE) {
		f->sampling = wire_rate_find(w, t, f);
		f->known |= f->sampling ? FIELD_BIT(SAMPLING) : 0;
	}
	if (post & POST_SCALE)
		wire_scale(f);
}

static __always_inline void finish(struct work *w, const struct template *t, struct flow_record *f,
				   unsigned int post)
{
	bool icmp = flow_is_icmp(f);

	if (post & POST_ICMP) {
		f->icmp = icmp ? f->dport : 0;
		f->known |= icmp ? FIELD_BIT(ICMP) : 0;
	}
	if (post & POST_NO_ICMP && !icmp)
		f->known &= ~FIELD_BIT(ICMP);
	if (post & POST_SAMPLING) {
		f->sampling = w->rate;
		f->known |= FIELD_BIT(SAMPLING);
	}
	if (post & POST_SELDOM)
		finish_seldom(w, t, f, post);
	if (post & POST_TIMES && wire_times_odd(&f->forward))
		wire_mend_times(w, f, &f->forward, 0);
	if (post & POST_REVERSE_TIMES && wire_times_odd(&f->reverse))
		wire_mend_times(w, f, &f->reverse, FLOW_REVERSE);
}

static __u64 before(__u64 moment_ns, __u64 us)
{
	__u64 ns = multiplied(us, NS_PER_US);

	return ns <= moment_ns ? moment_ns - ns : ~0ull;
}

/* Operations that few templates have: out of the way of the others, which are all in one loop. */
static __attribute__((noinline, cold)) void read_seldom(struct work *w, const struct op *op,
							const __u8 *from, struct flow_record *f)
{
	void *to = (__u8 *)f + op->to, *aside = (__u8 *)&w->aside + op->to;

	switch (op->code) {
	case OP_NTP_US:
		*(__u64 *)to = ntp_ns(wire_get64(from), NTP_MICROSECOND_BITS);
		break;
	case OP_NTP_NS:
		*(__u64 *)to = ntp_ns(wire_get64(from), ~0u);
		break;
	case OP_BEFORE_US:
		*(__u64 *)to = before(w->frame.export_ns, wire_get_uint(from, op->bytes));
		break;
	case OP_SECONDS_ANY:
		*(__u64 *)to = multiplied(wire_get_uint(from, op->bytes), WEIR_NS_PER_SEC);
		break;
	case OP_MS_ANY:
	case OP_DURATION_MS:
		*(__u64 *)to = multiplied(wire_get_uint(from, op->bytes), NS_PER_MS);
		break;
	case OP_DURATION_US:
		*(__u64 *)to = multiplied(wire_get_uint(from, op->bytes), NS_PER_US);
		break;
	/* Those of the other family are 0. */
	case OP_ICMP_TYPE:
		f->icmp |= *from << 8;
		break;
	case OP_ICMP_CODE:
		f->icmp |= *from;
		break;
	case OP_LABEL:
		*(__u32 *)to = wire_get_uint(from, 3);
		break;
	case OP_STRING:
		put_string(to, from, op->bytes);
		break;
	case OP_ASIDE:
		put_uint(aside, op->room, wire_get_uint(from, op->bytes));
		break;
	case OP_ASIDE_REAL:
		*(double *)aside = wire_get_real(from, op->bytes);
		break;
	case OP_FAMILY:
		f->family = op->room;
		break;
	case OP_COUNTED:
		f->counted = op->room;
		break;
	}
}

/* How long the exporter had been up when it sent the record. */
struct uptime {
	__u32 ms;
	bool known;
};

/* A boot time of 0 is unknown. */
static __always_inline struct uptime since_boot(const struct frame *frame, struct uptime otherwise,
						__u64 boot_ms)
{
	if (!boot_ms)
		return otherwise;
	return (struct uptime){frame->export_ns / NS_PER_MS - boot_ms, true};
}

/* What follows the value; NULL: the record ends beyond `end`. */
static __always_inline const __u8 *read_variable(const struct op *op, const __u8 *from,
						 const __u8 *end, void *to)
{
	size_t length;

	from = wire_value_at(from, end, &length);
	if (!from || (size_t)(end - from) - length < op->room)
		return NULL;
	if (op->code == OP_VARIABLE_STRING)
		put_string(to, from, length);
	return from + length;
}

/* Where the next record begins; NULL: this one ends beyond `end`. At `at` there are at least the
 * template's min_bytes. */
static __always_inline const __u8 *read_flow(struct work *w, const struct template *t,
					     const __u8 *at, const __u8 *end, struct flow_record *f)
{
	const struct frame *frame = &w->frame;
	struct uptime uptime = {frame->uptime_ms, frame->has_uptime};
	const __u8 *base = at;

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
			*(__u64 *)to = multiplied(wire_get64(from), NS_PER_MS);
			break;
		case OP_UPTIME:
			*(__u64 *)to = wire_uptime_ns(frame, uptime.ms, wire_get32(from));
			break;
		case OP_UPTIME_TOLD:
			if (uptime.known)
				*(__u64 *)to = wire_uptime_ns(frame, uptime.ms,
							      wire_get_uint(from, op->bytes));
			break;
		case OP_BOOT:
			uptime = since_boot(frame, uptime, wire_get_uint(from, op->bytes));
			break;
		case OP_SKIP_ZERO:
			if (is_zero(from, op->bytes))
				op += op->room;
			break;
		case OP_SKIP_TOLD:
			if (!is_zero(to, op->bytes))
				op += op->room;
			break;
		case OP_VARIABLE:
		case OP_VARIABLE_STRING:
			base = read_variable(op, from, end, to);
			if (!base)
				return NULL;
			break;
		default:
			read_seldom(w, op, from, f);
			break;
		}
	}
}

static unsigned int post_of(struct work *w, const struct template *t)
{
	unsigned int post = t->post | wire_rate_post(w, t);

	if (t->uptime && !t->boot && !w->frame.has_uptime)
		wire_tally(w, WIRE_COUNT_NO_BOOT, 1);
	if (w->d->options.scale)
		post |= POST_SCALE;
	w->aside = (struct aside){.rate.space_told = t->sampling & TELLS_SPACE};
	/* Fields that are no longer written would stay in the slots. */
	if (w->d->prepared_post != post)
		w->d->prepared = 0;
	w->d->prepared_post = post;
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
		if (!t->flow) {
			wire_tally(w, WIRE_COUNT_OTHER_RECORDS, 1);
			continue;
		}
		finish(w, t, f, post);
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
