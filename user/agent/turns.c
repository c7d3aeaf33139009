// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Turns: from the ring and the cache to exporters' queues and to sinks. turns_open.c opens these. */
#include "agent/turns.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

#define EVENTS_EACH 8192 /* in a turn */
#define BATCH 64         /* flows that a sink is given at once */
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

/* Is there anyone to take flows? For those who do, turns_apply() opens the ledger. */
static bool is_wanted(const struct turns *t)
{
	return t->ledger;
}

static void stage(void *context, const struct flow_ended *flow)
{
	struct turns *t = context;

	for (int i = 0; i < EXPORTS_MAX; i++)
		if (t->exporter[i])
			exporter_stage(t->exporter[i], flow);
	if (t->ended)
		t->ended[t->ended_count++] = *flow;
}

static __u64 unix_now(const struct turns *t)
{
	return t->folder ? meter_now() + t->offset_ns : t->clock_ns;
}

/* What was committed, to those that are no exporters. */
static void give_to_sinks(struct turns *t)
{
	const struct flow_origin origin = flow_origin_local(unix_now(t));
	struct flow_record batch[BATCH];

	for (unsigned int at = 0; at < t->ended_count;) {
		unsigned int count = 0;

		while (count < BATCH && at < t->ended_count)
			flow_ended_record(&t->ended[at++], &batch[count++]);
		for (unsigned int i = 0; i < t->sink_count; i++)
			if (t->sink[i].flows)
				t->sink[i].flows(t->sink[i].context, &origin, batch, count);
	}
	t->ended_count = 0;
}

static void turn_sinks(struct turns *t)
{
	for (unsigned int i = 0; i < t->sink_count; i++)
		if (t->sink[i].turn)
			t->sink[i].turn(t->sink[i].context, unix_now(t));
}

/* For a turn's flows. Who took nothing all the while is not waited for again until it does. */
static void wait_for_room(struct turns *t)
{
	for (int i = 0; i < EXPORTS_MAX; i++) {
		__u64 space = t->exporter[i] ? exporter_space(t->exporter[i]) : t->turn_room;
		__u64 began_ns = clock_monotonic_ns();
		__u64 until_ns = t->room_until_ns ? t->room_until_ns : began_ns + t->patience_ns;

		if (space >= t->turn_room)
			t->stuck[i] = false;
		if (space >= t->turn_room || t->stuck[i] ||
		    exporter_wait_space(t->exporter[i], t->turn_room, until_ns))
			continue;
		if (until_ns <= began_ns || exporter_space(t->exporter[i]) > space)
			t->put_off = true;
		else
			t->stuck[i] = true;
	}
}

static void commit(struct turns *t)
{
	harvest_emit(&t->harvest, stage, t);
	memset(t->turn.mark, 0, sizeof(t->turn.mark));
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (t->exporter[i])
			exporter_mark(t->exporter[i], &t->turn.mark[i]);
	ledger_commit(t->ledger, &t->turn);
	meter_ring_release(t->meter, t->turn.ring_position);
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (t->exporter[i])
			exporter_publish(t->exporter[i]);
	give_to_sinks(t);
	if (t->patience_ns || t->room_until_ns)
		wait_for_room(t);
}

static void add(struct turns *t, __u32 slot, const struct weir_flow *flow,
		const struct weir_pair6 *pair, enum weir_end end, bool stays)
{
	__u32 cpu = slot / (t->meter->sets / t->meter->parts * WEIR_WAYS), packets;
	struct flow_ended part;
	__u64 bytes;

	/* First: what the ledger notes as taken belongs to the turn that it goes out in. */
	if (t->harvest.parts >= t->turn_room)
		commit(t);
	if (!ledger_take(t->ledger, slot, flow, stays, &packets, &bytes))
		return;
	flow_ended_of(flow, pair, end, t->offset_ns, &part);
	part.packets = packets;
	part.bytes = bytes;
	harvest_add(&t->harvest, &part, cpu);
}

static int take_event(void *context, const struct weir_event *event)
{
	struct turns *t = context;

	t->events++;
	if (is_wanted(t))
		add(t, event->slot, &event->flow, &event->pair, event->end, false);
	return 0;
}

int turns_drain(struct turns *t)
{
	int taken;

	if (!is_wanted(t)) {
		taken = meter_ring_drain(t->meter, take_event, t);
		return taken < 0 ? taken : 0;
	}
	turns_follow_distinct(t);
	if (unix_now(t) >= t->sinks_ns + WEIR_NS_PER_SEC || unix_now(t) < t->sinks_ns) {
		t->sinks_ns = unix_now(t);
		turn_sinks(t);
	}
	do {
		taken = meter_ring_take(t->meter, &t->turn.ring_position, EVENTS_EACH, take_event,
					t);
		if (taken)
			commit(t);
	} while (taken == EVENTS_EACH);
	return taken < 0 ? taken : 0;
}

static int take_over(void *context, __u32 slot, const struct weir_flow *flow,
		     const struct weir_pair6 *pair)
{
	struct turns *t = context;
	enum weir_end end = weir_flow_over(flow, &t->timeouts, t->now_ns, 0);

	if (t->put_off && !t->all)
		return 1;
	t->counting.resident++;
	t->counting.live += !end;
	if (t->all && !end)
		end = WEIR_END_FORCED;
	if (end)
		add(t, slot, flow, pair, end, true);
	return 0;
}

/*
 * What has left the cache before `now_ns` is taken from the ring first: an incarnation that stands
 * in the cache now may only be written down when the one before it in its slot has been dealt with.
 */
static int scan(struct turns *t, __u64 now_ns, bool all)
{
	int code;

	t->put_off = false;
	code = turns_drain(t);
	if (code || !is_wanted(t))
		return code;
	t->now_ns = now_ns;
	t->all = all;
	t->counting = (struct meter_census){};
	code = meter_each_flow(t->meter, take_over, t);
	if (!code) {
		t->census = t->counting;
		t->counted = true;
	}
	commit(t);
	return code < 0 ? code : 0;
}

void turns_follow_clock(struct turns *t)
{
	if (t->folder)
		t->offset_ns = clock_offset_ns();
}

/* Exporters with nothing to send would not look. */
static void tell_names(struct turns *t)
{
	const __u64 version = names_version(&t->names);

	for (int i = 0; i < EXPORTS_MAX && t->names_told != version; i++)
		if (t->exporter[i])
			exporter_wake(t->exporter[i]);
	t->names_told = version;
}

int turns_take(struct turns *t)
{
	__u64 now = clock_monotonic_ns(), took;
	int code;

	tell_names(t);
	if (now < t->scan_ns)
		return turns_drain(t);
	turns_follow_clock(t);
	t->room_until_ns = now + SCAN_ROOM_NS;
	code = scan(t, meter_now() - MARGIN_NS, false);
	t->room_until_ns = 0;
	took = (clock_monotonic_ns() - now) * SCAN_SHARE;
	t->scan_ns = now + (took > SCAN_EACH_NS ? took : SCAN_EACH_NS);
	return code;
}

int turns_flush(struct turns *t, __u64 now_ns, __u64 room_until_ns)
{
	int code;

	turns_follow_clock(t);
	t->room_until_ns = room_until_ns;
	if (room_until_ns)
		wait_for_room(t);
	turns_read_distinct(t, now_ns);
	code = scan(t, now_ns, true);
	turn_sinks(t);
	return code;
}

void turns_settle(struct turns *t, __u64 deadline_ns)
{
	for (int i = 0; i < EXPORTS_MAX; i++)
		if (t->exporter[i])
			exporter_flush(t->exporter[i], deadline_ns);
}

void turns_each_exporter(const struct turns *t, turns_exporter_fn *fn, void *context)
{
	struct exporter_state state;

	for (int i = 0; i < EXPORTS_MAX; i++) {
		if (!t->exporter[i])
			continue;
		exporter_state(t->exporter[i], &state);
		fn(context, &state);
	}
}

static void see_unsent(void *all_sent, const struct exporter_state *state)
{
	if (state->queued.records || state->dropped.records)
		*(bool *)all_sent = false;
}

bool turns_all_sent(const struct turns *t)
{
	bool all_sent = true;

	turns_each_exporter(t, see_unsent, &all_sent);
	return all_sent;
}

const struct meter_census *turns_census(const struct turns *t)
{
	return is_wanted(t) && t->counted ? &t->census : NULL;
}
