// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Turns: from the ring and the cache to the queues. exports_open.c opens and closes these. */
#include "agent/turns.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "view/text.h"

#define EVENTS_EACH 8192 /* in a turn */
/* The kernel programs' clock is up to a tick late, and what was in work when a scan began is not
 * when its flow has been over for so long. */
#define MARGIN_NS (100 * NS_PER_MS)
/* A scan a second, but no more than a twentieth of the time. */
#define SCAN_EACH_NS WEIR_NS_PER_SEC
#define SCAN_SHARE 20
/* What is over in the cache is safe there: a scan waits so long for queues that are being emptied,
 * and then leaves the rest to the next. The ring must hold out as long. */
#define SCAN_ROOM_NS (100 * NS_PER_MS)

/* --- Turns ------------------------------------------------------------------------------- */

static void stage(void *context, const struct flow_ended *flow)
{
	struct exports *x = context;

	for (int i = 0; i < EXPORTS_MAX; i++)
		if (x->exporter[i])
			exporter_stage(x->exporter[i], flow);
}

/* For a turn's flows. Who took nothing all the while is not waited for again until it does. */
static void wait_for_room(struct exports *x)
{
	for (int i = 0; i < EXPORTS_MAX; i++) {
		__u64 space = x->exporter[i] ? exporter_space(x->exporter[i]) : x->turn_room;
		__u64 began_ns = meter_now();
		__u64 until_ns = x->room_until_ns ? x->room_until_ns : began_ns + x->patience_ns;

		if (space >= x->turn_room)
			x->stuck[i] = false;
		if (space >= x->turn_room || x->stuck[i] ||
		    exporter_wait_space(x->exporter[i], x->turn_room, until_ns))
			continue;
		if (until_ns <= began_ns || exporter_space(x->exporter[i]) > space)
			x->put_off = true;
		else
			x->stuck[i] = true;
	}
}

static void commit(struct exports *x)
{
	harvest_emit(&x->harvest, stage, x);
	memset(x->turn.mark, 0, sizeof(x->turn.mark));
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (x->exporter[i])
			exporter_mark(x->exporter[i], &x->turn.mark[i]);
	ledger_commit(x->ledger, &x->turn);
	meter_ring_release(x->meter, x->turn.ring_position);
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (x->exporter[i])
			exporter_publish(x->exporter[i]);
	if (x->patience_ns || x->room_until_ns)
		wait_for_room(x);
}

static void add(struct exports *x, __u32 slot, const struct weir_flow *flow,
		const struct weir_pair6 *pair, enum weir_end end, bool stays)
{
	__u32 cpu = slot / (x->meter->sets / x->meter->cpus * WEIR_WAYS), packets;
	struct flow_ended part;
	__u64 bytes;

	/* First: what the ledger notes as taken belongs to the turn that it goes out in. */
	if (x->harvest.parts >= x->turn_room)
		commit(x);
	if (!ledger_take(x->ledger, slot, flow, stays, &packets, &bytes))
		return;
	part = (struct flow_ended){
		.key = flow->key,
		.end = end,
		.tcp_flags = flow->tcp_flags,
		.tos = flow->tos,
		.pair = *pair,
		.start_ns = flow->first_ns + x->offset_ns,
		.end_ns = flow->last_ns + x->offset_ns,
		.packets = packets,
		.bytes = bytes,
	};
	harvest_add(&x->harvest, &part, cpu);
}

static int take_event(void *context, const struct weir_event *event)
{
	struct exports *x = context;

	x->events++;
	if (x->count)
		add(x, event->slot, &event->flow, &event->pair, event->end, false);
	return 0;
}

int exports_drain(struct exports *x)
{
	int taken;

	if (!x->count) {
		taken = meter_ring_drain(x->meter, take_event, x);
		return taken < 0 ? taken : 0;
	}
	exports_follow_distinct(x);
	do {
		taken = meter_ring_take(x->meter, &x->turn.ring_position, EVENTS_EACH, take_event,
					x);
		if (taken)
			commit(x);
	} while (taken == EVENTS_EACH);
	return taken < 0 ? taken : 0;
}

static int take_over(void *context, __u32 slot, const struct weir_flow *flow,
		     const struct weir_pair6 *pair)
{
	struct exports *x = context;
	enum weir_end end = weir_flow_over(flow, &x->timeouts, x->now_ns, 0);

	if (x->put_off && !x->all)
		return 1;
	if (x->all && !end)
		end = WEIR_END_FORCED;
	if (end)
		add(x, slot, flow, pair, end, true);
	return 0;
}

/*
 * What has left the cache before `now_ns` is taken from the ring first: an incarnation that stands
 * in the cache now may only be written down when the one before it in its slot has been dealt with.
 */
static int scan(struct exports *x, __u64 now_ns, bool all)
{
	int code;

	x->put_off = false;
	code = exports_drain(x);
	if (code || !x->count)
		return code;
	x->now_ns = now_ns;
	x->all = all;
	code = meter_each_flow(x->meter, take_over, x);
	commit(x);
	return code < 0 ? code : 0;
}

void exports_follow_clock(struct exports *x)
{
	if (x->folder)
		x->offset_ns = clock_offset_ns();
}

int exports_turn(struct exports *x)
{
	__u64 now = meter_now(), took;
	int code;

	if (now < x->scan_ns)
		return exports_drain(x);
	exports_follow_clock(x);
	x->room_until_ns = now + SCAN_ROOM_NS;
	code = scan(x, now - MARGIN_NS, false);
	x->room_until_ns = 0;
	took = (meter_now() - now) * SCAN_SHARE;
	x->scan_ns = now + (took > SCAN_EACH_NS ? took : SCAN_EACH_NS);
	return code;
}

int exports_flush(struct exports *x, __u64 now_ns, __u64 room_until_ns)
{
	exports_follow_clock(x);
	x->room_until_ns = room_until_ns;
	if (room_until_ns)
		wait_for_room(x);
	exports_ask_distinct(x, now_ns);
	return scan(x, now_ns, true);
}

void exports_settle(struct exports *x, __u64 deadline_ns)
{
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (x->exporter[i])
			exporter_flush(x->exporter[i], deadline_ns);
}

void exports_each(const struct exports *x, exports_state_fn *fn, void *context)
{
	struct exporter_state state;

	for (int i = 0; i < EXPORTS_MAX; i++) {
		if (!x->exporter[i])
			continue;
		exporter_state(x->exporter[i], &state);
		fn(context, &state);
	}
}

static void see_unsent(void *all_sent, const struct exporter_state *state)
{
	if (state->queued.records || state->dropped.records)
		*(bool *)all_sent = false;
}

bool exports_all_sent(const struct exports *x)
{
	bool all_sent = true;

	exports_each(x, see_unsent, &all_sent);
	return all_sent;
}

/* --- For people and programs -------------------------------------------------------------- */

void exports_state_text(const struct exporter_state *s, FILE *out, const char *end)
{
	char clock[32];
	time_t at = s->error_ns / WEIR_NS_PER_SEC;

	fprintf(out, "%s: %s, sent %llu flows in %llu messages, queued %llu, dropped %llu", s->to,
		exporter_phase_text(s->phase), s->sent.records, s->messages, s->queued.records,
		s->dropped.records);
	if (s->unencodable.records)
		fprintf(out, ", not exportable %llu", s->unencodable.records);
	if (s->error[0]) {
		fprintf(out, "; last error, %s: %s", text_date(at, clock), s->error);
	}
	fputs(end, out);
}

static json_t *count_json(const struct queue_count *count)
{
	return json_pack("{s:I, s:I, s:I}", "flows", (json_int_t)count->records, "packets",
			 (json_int_t)count->packets, "bytes", (json_int_t)count->bytes);
}

json_t *exports_state_json(const struct exporter_state *s)
{
	return json_pack("{s:s, s:s, s:f, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:s?, s:f}", "to",
			 s->to, "state", exporter_phase_text(s->phase), "since",
			 (double)s->since_ns / WEIR_NS_PER_SEC, "messages", (json_int_t)s->messages,
			 "wire_bytes", (json_int_t)s->wire_bytes, "sent", count_json(&s->sent),
			 "queued", count_json(&s->queued), "dropped", count_json(&s->dropped),
			 "not_exportable", count_json(&s->unencodable), "resent",
			 (json_int_t)s->resent, "errors", (json_int_t)s->errors, "last_error",
			 s->error[0] ? s->error : NULL, "last_error_time",
			 (double)s->error_ns / WEIR_NS_PER_SEC);
}

static void add_exporter(void *list, const struct exporter_state *state)
{
	json_array_append_new(list, exports_state_json(state));
}

json_t *exports_json(const struct exports *x)
{
	json_t *list = json_array();

	exports_each(x, add_exporter, list);
	return list;
}
