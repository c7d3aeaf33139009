// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records and announcements become messages, and messages that were taken become progress. */
#include <errno.h>
#include <string.h>

#include "export/exporter_internal.h"

/* v5 and v9 count times in 32 bits of milliseconds, 49 days, from the start of the host. For a host
 * that is up longer, and for flows of another time, it was started later or earlier. */
#define UPTIME_MAX_NS ((1ull << 32) * NS_PER_MS)
#define UPTIME_BEFORE_NS (3 * 3600 * WEIR_NS_PER_SEC) /* flows last an hour and wait another */

static __u64 clock_now(const struct exporter *e)
{
	const __u64 *clock = e->facts.clock_ns;

	return clock ? __atomic_load_n(clock, __ATOMIC_RELAXED) : clock_unix_ns();
}

static bool has_uptime(const struct exporter *e, __u64 ns)
{
	return e->encoder.protocol == WIRE_IPFIX ||
	       (ns >= e->encoder.boot_ns && ns - e->encoder.boot_ns < UPTIME_MAX_NS);
}

static __u64 boot_before(__u64 ns)
{
	return ns > UPTIME_BEFORE_NS ? ns - UPTIME_BEFORE_NS : 0;
}

/* A time that is not known is sent as 0, from wherever the message counts. */
static bool is_sendable(const struct exporter *e, __u64 ns)
{
	return !ns || has_uptime(e, ns);
}

/* False: the flow's times cannot be expressed from where the message counts. */
static bool suit_uptime(struct exporter *e, const struct flow_ended *flow)
{
	if (!is_sendable(e, flow->start_ns) || !is_sendable(e, flow->end_ns)) {
		if (e->encoder.records)
			return false;
		e->encoder.boot_ns = boot_before(flow->start_ns ? flow->start_ns : flow->end_ns);
	}
	if (e->latest_ns < flow->end_ns)
		e->latest_ns = flow->end_ns;
	return true;
}

bool session_has_more(const struct exporter *e)
{
	return e->announcement.left || queue_tail(e->queue) != queue_head(&e->totals);
}

/* Ends the message in the next free buffer; false: nothing is in it. */
static bool end_message(struct exporter *e, struct queue_totals *next)
{
	__u64 now = clock_now(e);
	size_t length =
		wire_end(&e->encoder, has_uptime(e, now) ? now : e->latest_ns, next->sequence);
	struct queue_batch *batch;

	if (!length)
		return false;
	batch = queue_batch(e->queue);
	next->sequence += wire_sequence_step(&e->encoder);
	next->messages++;
	next->wire_bytes += length;
	e->totals = *next;
	e->pieces[e->count] = (struct iovec){session_buffer(e, e->count), length};
	batch->message[e->count] = (struct queue_message){*next, length, 0};
	batch->vector[e->count].msg_hdr =
		(struct msghdr){.msg_iov = &e->pieces[e->count], .msg_iovlen = 1};
	e->count++;
	return true;
}

static void begin_message(struct exporter *e, size_t room)
{
	const __u64 now = clock_now(e);

	if (!has_uptime(e, now))
		e->encoder.boot_ns = boot_before(now);
	e->latest_ns = 0;
	wire_begin(&e->encoder, session_buffer(e, e->count), room);
}

static struct wire_statistics own_statistics(const struct exporter *e)
{
	struct queue_view view;

	queue_view(e->queue, &view);
	return (struct wire_statistics){
		.exported_messages = e->totals.messages,
		.exported_bytes = e->totals.wire_bytes,
		.exported_flows = e->totals.sent.records,
		.unsent_flows = view.mark.dropped.records + e->totals.unencodable.records,
		.unsent_packets = view.mark.dropped.packets + e->totals.unencodable.packets,
		.unsent_bytes = view.mark.dropped.bytes + e->totals.unencodable.bytes,
	};
}

static void fill_announcement(struct exporter *e)
{
	struct wire_statistics own = own_statistics(e);
	struct queue_totals next = e->totals;

	begin_message(e, e->room);
	announce(&e->announcement, &e->encoder, &e->facts, &own);
	/* v5 announces nothing. */
	if (!end_message(e, &next))
		e->announcement.left = 0;
}

bool session_announce(struct exporter *e)
{
	if (e->announcement.left)
		fill_announcement(e);
	return e->count;
}

void session_say_last(struct exporter *e)
{
	if (e->probing || e->count)
		return;
	e->announcement = (struct announcement){.left = ANNOUNCE_STATISTICS | ANNOUNCE_DISTINCT};
	while (!transport_is_late(e) && session_announce(e) && !e->transport->send(e))
		;
}

/* What the collector knows is written down once it has gone out. */
void session_follow_names(struct exporter *e)
{
	const struct names *names = e->facts.names;
	__u64 digest;

	announce_news(&e->announcement, &e->facts);
	if (!names || e->count || e->announcement.left || e->digested == e->announcement.told)
		return;
	digest = names_digest(names);
	if (names_version(names) != e->announcement.told)
		return;
	e->digested = e->announcement.told;
	if (e->status.names == digest)
		return;
	e->status.names = digest;
	queue_set_status(e->queue, &e->status);
}

void session_recall_names(struct exporter *e)
{
	const struct names *names = e->facts.names;
	const __u64 version = names ? names_version(names) : 0;

	if (names && e->status.names == names_digest(names))
		e->announcement.told = version;
}

/* --- Records ------------------------------------------------------------------------------ */

static void add_count(struct queue_count *count, const struct flow_ended *flow)
{
	count->records++;
	count->packets += flow->packets;
	count->bytes += flow->bytes;
}

/* A flow too large for one v5 message goes in several; false: this message is full. */
static bool add_part(struct exporter *e, const struct flow_ended *flow, struct queue_totals *next)
{
	struct flow_record rest, part;
	bool more = true;

	flow_ended_record(flow, &rest);
	for (__u64 i = 0; i <= next->parts; i++)
		more = wire_cut_v5(&rest, &part);
	if (wire_add_flow(&e->encoder, &part))
		return false;
	next->parts++;
	if (!more) {
		add_count(&next->sent, flow);
		next->parts = 0;
	}
	return true;
}

/* The record at the head, or two that are one biflow; false: this message is full. */
static bool add_record(struct exporter *e, __u64 tail, struct queue_totals *next)
{
	const __u64 head = queue_head(next);
	const struct flow_ended *flow = queue_at(e->queue, head), *reverse = NULL;
	struct flow_record record;
	struct queue_count *count = &next->sent;
	int err;

	if (!suit_uptime(e, flow))
		return false;
	if (next->parts)
		return add_part(e, flow, next);
	if (e->encoder.biflow && head + 1 < tail &&
	    flow_ended_reverses(flow, queue_at(e->queue, head + 1)))
		reverse = queue_at(e->queue, head + 1);
	if (reverse)
		flow_ended_biflow(flow, reverse, &record);
	else
		flow_ended_record(flow, &record);
	err = wire_add_flow(&e->encoder, &record);
	if (err == -ENOSPC)
		return false;
	if (err == -E2BIG)
		return add_part(e, flow, next);
	if (err)
		count = &next->unencodable;
	add_count(count, flow);
	if (reverse)
		add_count(count, reverse);
	return true;
}

static void fill_records(struct exporter *e, __u64 tail)
{
	struct queue_totals next = e->totals;

	begin_message(e, e->room);
	while (queue_head(&next) < tail && add_record(e, tail, &next))
		;
	/* A large flow needs up to thirty records of v5, and those one message, if it is cut into
	 * fragments by IP. */
	if (!e->encoder.records && queue_head(&next) < tail) {
		begin_message(e, WIRE_MESSAGE_MAX);
		add_record(e, tail, &next);
	}
	if (!end_message(e, &next))
		e->totals = next;
}

/* Records that cannot be sent at all are passed without a message to go along with. */
static void commit_passed(struct exporter *e)
{
	struct queue_progress progress = *queue_progress(e->queue);

	if (e->count || queue_head(&progress.total) == queue_head(&e->totals))
		return;
	progress.total = e->totals;
	queue_advance(e->queue, &progress);
}

void session_fill(struct exporter *e)
{
	const __u64 tail = queue_tail(e->queue);

	while (e->announcement.left && e->count < e->transport->batch)
		fill_announcement(e);
	while (queue_head(&e->totals) < tail && e->count < e->transport->batch) {
		fill_records(e, tail);
		if (e->probing)
			break;
	}
	commit_passed(e);
}

void session_drop(struct exporter *e)
{
	e->count = 0;
	queue_batch(e->queue);
	e->totals = queue_progress(e->queue)->total;
}

void session_begin(struct exporter *e, unsigned int what, bool from_zero)
{
	session_drop(e);
	sent_clear(e->sent);
	e->announcement = (struct announcement){.left = what};
	if (from_zero)
		e->totals.sequence = 0;
}

void session_rewind(struct exporter *e, __u64 number)
{
	session_drop(e);
	if (number < e->sent->first)
		number = e->sent->first;
	for (; number < e->sent->next; number++) {
		if (queue_rewind(e->queue, &sent_at(e->sent, number)->before)) {
			e->sent->next = number;
			break;
		}
	}
	e->totals = queue_progress(e->queue)->total;
	__atomic_store_n(&e->finished_tail, 0, __ATOMIC_RELEASE);
}

/* --- Sending ------------------------------------------------------------------------------ */

static void remember(struct exporter *e, const struct queue_totals *before, unsigned int taken)
{
	const struct queue_message *message = queue_batch(e->queue)->message;
	const __u64 now = clock_monotonic_ns();

	for (unsigned int i = 0; i < taken; i++) {
		struct sent_message *m = sent_add(e->sent);

		e->written += message[i].length;
		*m = (struct sent_message){
			.before = i ? message[i - 1].after : *before,
			.head = queue_head(&message[i].after),
			.time_ns = now,
			.end = e->written,
		};
		if (m->head != queue_head(&m->before))
			e->data_ns = now;
	}
}

int session_send(struct exporter *e)
{
	const struct queue_totals before = queue_progress(e->queue)->total;
	int taken = queue_send(e->queue, e->fd, e->count);
	struct queue_batch *batch;

	if (taken < 0)
		return taken;
	if (!taken) {
		const struct queue_message *first = queue_message(e->queue);
		size_t part = first->done - (first->length - e->pieces[0].iov_len);

		e->pieces[0].iov_base = (char *)e->pieces[0].iov_base + part;
		e->pieces[0].iov_len -= part;
		return 0;
	}
	remember(e, &before, taken);
	batch = queue_batch(e->queue);
	e->count -= taken;
	e->since_templates += taken;
	memmove(batch->message, batch->message + taken, e->count * sizeof(*batch->message));
	memmove(e->pieces, e->pieces + taken, e->count * sizeof(*e->pieces));
	e->backoff_ns = BACKOFF_MIN_NS;
	commit_passed(e);
	exporter_progressed(e);
	return taken;
}
