// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "world.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "interval/source.h"
#include "interval/words.h"

#define BEGIN 1000000 /* the tick before the first */
#define NS_PER_S 1000000000ull

struct world {
	const struct world_plan *plan;
	struct coordinator *coordinator;
	struct source *source[WORLD_HOSTS];
	__u32 session[WORLD_HOSTS];
	__u64 slots[WORLD_HOSTS][WORLD_QUERIES][60];
	__s64 truth[2][WORLD_QUERIES]; /* by tick & 1 */
	__s64 value[WORLD_HOSTS][WORLD_QUERIES];
	struct interval_writer writer;
	__u64 updates, grants, bytes, knots, changes, answers;
};

/* --- Bytes ---------------------------------------------------------------------------------- */

/* Of one message that says so. */
static __u64 bytes_of(struct world *w, const struct interval_word *words, unsigned int count)
{
	__u8 message[INTERVAL_MESSAGE_MAX];
	unsigned int taken;
	ssize_t bytes = interval_write(&w->writer, words, count, BEGIN * NS_PER_S, message,
				       sizeof(message), &taken);

	if (bytes < 0 || taken != count)
		fail("message", bytes < 0 ? bytes : ENOBUFS);
	return bytes;
}

/* What updates add to the message that a host sends each second. */
static __u64 bytes_of_updates(struct world *w, const struct interval_update *updates, __u32 count,
			      const struct interval_tick *tick)
{
	struct interval_word words[WORLD_QUERIES + 1];

	for (__u32 i = 0; i < count; i++)
		words[i] = (struct interval_word){INTERVAL_UPDATE, .update = updates[i]};
	words[count] = (struct interval_word){INTERVAL_TICK, .tick = *tick};
	return bytes_of(w, words, count + 1) - bytes_of(w, &words[count], 1);
}

/* --- What comes out of the coordinator ---------------------------------------------------- */

static void take_grant(void *context, __u32 session, const struct interval_grant *grant)
{
	const struct interval_word word = {INTERVAL_GRANT, .grant = *grant};
	struct world *w = context;

	for (int h = 0; h < WORLD_HOSTS; h++) {
		if (w->session[h] != session)
			continue;
		w->grants++;
		w->bytes += bytes_of(w, &word, 1);
		if (source_grant(w->source[h], grant))
			fail("grant", EPROTO);
	}
}

static void take_answer(void *context, const struct coordinator_answer *answer)
{
	struct world *w = context;
	__s64 truth = w->truth[answer->tick & 1][answer->index];

	if (answer->missing)
		return;
	w->answers++;
	if (truth < answer->low || truth > answer->high)
		fail("an answer does not hold the truth", ERANGE);
	if (answer->precise && (__u64)(answer->high - answer->low) > answer->budget)
		fail("an answer is too wide", ERANGE);
}

/* --- A tick --------------------------------------------------------------------------------- */

static void value_of(struct world *w, int h, __u32 q, __u32 t, struct source_value *out)
{
	const struct work *work = w->plan->work;
	__u64 *slots = w->slots[h][q];

	*out = (struct source_value){.known = true};
	if (!work->count[h][q]) {
		out->value = work->value[h][q][t];
	} else {
		memmove(slots, slots + 1, (work->window_s - 1) * sizeof(*slots));
		slots[work->window_s - 1] = work->count[h][q][t];
		for (__u32 i = 0; i < work->window_s; i++)
			out->value += slots[i] * INTERVAL_ONE;
		out->slots = slots;
		out->slot_count = work->window_s;
	}
}

static void host_tick(struct world *w, int h, __u32 t, __u64 now_ns)
{
	const __u32 queries = w->plan->work->queries;
	struct source_value values[WORLD_QUERIES];
	struct interval_update updates[WORLD_QUERIES];
	struct interval_tick tick;
	struct why why = {};
	__u32 count;

	for (__u32 q = 0; q < queries; q++) {
		value_of(w, h, q, t, &values[q]);
		w->changes += values[q].value != w->value[h][q];
		w->value[h][q] = values[q].value;
		w->truth[(BEGIN + t + 1) & 1][q] += values[q].value;
	}
	count = source_tick(w->source[h], BEGIN + t + 1, values, updates, &tick);
	w->updates += count;
	w->bytes += count ? bytes_of_updates(w, updates, count, &tick) : 0;
	for (__u32 i = 0; i < count; i++) {
		w->knots += updates[i].course.knots;
		if (coordinator_update(w->coordinator, w->session[h], &updates[i], now_ns, &why))
			fail(why.text, EPROTO);
	}
	if (coordinator_tick(w->coordinator, w->session[h], &tick, now_ns, &why))
		fail(why.text, EPROTO);
}

static void tick(struct world *w, __u32 t)
{
	__u64 now_ns = (BEGIN + 1ull + t) * NS_PER_S;

	memset(w->truth[(BEGIN + t + 1) & 1], 0, sizeof(w->truth[0]));
	coordinator_turn(w->coordinator, now_ns);
	for (int h = 0; h < WORLD_HOSTS; h++)
		host_tick(w, h, t, now_ns + 1);
}

/* --- Begin, end ------------------------------------------------------------------------------ */

static void join(struct world *w, int h, __u64 now_ns)
{
	const struct work *work = w->plan->work;
	struct interval_hello hello = {.host = h + 1, .instance = 1, .time_ms = now_ns / 1000000};
	struct interval_welcome welcome;
	struct why why = {};
	__u32 replaced;

	snprintf(hello.name, sizeof(hello.name), "host%d", h + 1);
	if (coordinator_hello(w->coordinator, &hello, now_ns, &welcome, &w->session[h], &replaced,
			      &why))
		fail(why.text, EPROTO);
	w->source[h] = calloc(1, sizeof(*w->source[h]));
	if (!w->source[h])
		fail("world", ENOMEM);
	source_begin(w->source[h], &welcome.rules, work->queries);
	for (__u32 q = 0; q < work->queries; q++) {
		struct interval_ask ask = {.query = q, .window_ms = work->window_s * 1000};

		snprintf(ask.name, sizeof(ask.name), "Q%u", q + 1);
		if (coordinator_query(w->coordinator, w->session[h], &ask, now_ns, &why))
			fail(why.text, EPROTO);
	}
}

static void open_world(struct world *w, const struct world_plan *plan)
{
	struct coordinator_query queries[WORLD_QUERIES] = {0};
	struct coordinator_ask asks[WORLD_QUERIES] = {0};
	const struct coordinator_plan c = {
		.rules = plan->rules,
		.queries = queries,
		.asks = asks,
		.query_count = plan->work->queries,
		.ask_count = plan->work->queries,
	};
	const struct coordinator_sink sink = {w, take_grant, take_answer};
	__u64 now_ns = BEGIN * NS_PER_S;

	*w = (struct world){.plan = plan, .writer = {.domain = 1, .announced = true}};
	for (__u32 q = 0; q < plan->work->queries; q++) {
		snprintf(queries[q].name, sizeof(queries[q].name), "Q%u", q + 1);
		queries[q].window_s = plan->work->window_s;
		snprintf(asks[q].name, sizeof(asks[q].name), "Q%u", q + 1);
		asks[q].query = q;
		asks[q].precision = llrint(plan->precision[q] * 1e6);
	}
	w->coordinator = coordinator_new(&c, &sink, now_ns);
	if (!w->coordinator)
		fail("world", ENOMEM);
	for (int h = 0; h < WORLD_HOSTS; h++)
		join(w, h, now_ns);
}

struct world_result world_run(const struct world_plan *plan)
{
	const __u32 ticks = plan->work->ticks;
	const struct interval_update plain = {.course.tick = BEGIN};
	struct world *w = malloc(sizeof(*w));
	struct world_result r;

	if (!w)
		fail("world", ENOMEM);
	open_world(w, plan);
	for (__u32 t = 0; t < ticks && !bench_stopped; t++)
		tick(w, t);
	if (w->answers < (__u64)plan->work->queries * (ticks - 10))
		fail("answers are missing", ENODATA);
	r = (struct world_result){
		.updates = (double)w->updates / ticks,
		.grants = (double)w->grants / ticks,
		.bytes = (double)w->bytes / ticks,
		.every_mps = (double)w->changes / ticks,
		.every_bytes = (double)w->changes / ticks *
			       bytes_of_updates(w, &plain, 1, &(struct interval_tick){BEGIN, 1}),
		.knots = (double)w->knots / w->updates,
	};
	for (int h = 0; h < WORLD_HOSTS; h++)
		free(w->source[h]);
	coordinator_free(w->coordinator);
	free(w);
	return r;
}
