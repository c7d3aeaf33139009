// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir replay: captures through the kernel programs, on the captures' own clock.
 *
 *   capture ─→ feed() ─→ kernel programs ─┬→ windows ─→ harvest() ─→ totals of queries
 *                                         └→ ring, cache ─→ turns ─→ exporters, --flows
 *
 * Windows hold a minute, captures hours: what has left the last seconds is added
 * to each query's total as the clock goes on. Packets are allowed to be some
 * seconds out of order (SETTLED_S); what is older is named and not in the totals.
 */
#include "agent/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/config.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/time_text.h"
#include "net/capture.h"
#include "agent/flow_lines.h"
#include "agent/turns.h"
#include "agent/plan.h"
#include "view/exporting.h"
#include "view/json.h"
#include "view/text.h"
#include "meter/meter.h"

#define SETTLED_S 30
#define EVENTS_EACH 4096                   /* packets between two looks at the ring */
#define PATIENCE_NS (10 * WEIR_NS_PER_SEC) /* with a collector that takes nothing */

struct replay {
	struct meter meter;
	struct config config;
	bool json, flows;
	struct flow_lines lines;
	struct config wanted; /* its exports */
	struct turns turns;
	struct plan plan;
	bool started;
	bool failed;     /* something other than a capture did */
	bool incomplete; /* not all of the captures could be read */
	struct capture_counts captured;
	__u64 first_ns;    /* lowest time seen, 0: none yet */
	__u64 last_ns;     /* highest */
	__u64 harvested_s; /* seconds below this are in `total` */
	__u64 packets;
	struct weir_count unordered; /* older than what is harvested */
	struct weir_count total[WEIR_QUERIES];
};

static int take_ring(struct replay *r)
{
	__atomic_store_n(&r->turns.clock_ns, r->last_ns, __ATOMIC_RELAXED);
	return turns_drain(&r->turns);
}

/* Adds the seconds [harvested_s, until_s) to the totals. */
static int harvest(struct replay *r, __u64 until_s)
{
	struct meter_span spans[WEIR_QUERIES] = {};
	struct meter_rate rates[WEIR_QUERIES];
	int code;

	for (int q = 0; q < WEIR_QUERIES; q++)
		spans[q].window_s = until_s - r->harvested_s;
	code = meter_rates(&r->meter, until_s * WEIR_NS_PER_SEC, spans, rates);
	if (code)
		return code;
	for (int q = 0; q < WEIR_QUERIES; q++) {
		r->total[q].packets += rates[q].window.packets;
		r->total[q].bytes += rates[q].window.bytes;
	}
	r->harvested_s = until_s;
	return 0;
}

/* Before a packet of second `now_s` may clear slots, their seconds are harvested. */
static int advance(struct replay *r, __u64 now_s)
{
	__u64 last_s = r->last_ns / WEIR_NS_PER_SEC;
	int code;

	if (now_s < r->harvested_s + 2 * SETTLED_S)
		return 0;
	if (now_s > last_s + SETTLED_S) { /* a gap: all that came before it is settled */
		code = harvest(r, last_s + 1);
		if (now_s - SETTLED_S > r->harvested_s)
			r->harvested_s = now_s - SETTLED_S;
		return code;
	}
	return harvest(r, now_s - SETTLED_S);
}

static void count(struct weir_count *c, __u32 bytes)
{
	c->packets++;
	c->bytes += bytes;
}

static void say(void *context, const char *line)
{
	(void)context;
	log_err("%s", line);
}

/* What the configuration says of an address holds here too. */
int replay_export(struct replay *r, const char *to)
{
	struct export_options *wanted = &r->wanted.exports[r->wanted.export_count];
	struct why why = {};
	int code;

	for (unsigned int i = 0; i < r->config.export_count; i++) {
		struct export_options *known = &r->config.exports[i];

		if (!known->to || strcmp(known->to, to))
			continue;
		*wanted = *known;
		*known = (struct export_options){};
		r->wanted.export_count++;
		return 0;
	}
	code = export_options_make(to, wanted, &why);
	if (code)
		log_err("--export %s: %s", to, why.text);
	else
		r->wanted.export_count++;
	return code;
}

/* v5 and v9 count milliseconds from some time before the first packet's. */
static int open_exports(struct replay *r, __u64 first_ns)
{
	r->turns.meter = &r->meter;
	r->turns.timeouts = r->config.timeouts;
	r->turns.patience_ns = PATIENCE_NS;
	r->turns.clock_ns = first_ns;
	r->turns.facts.boot_ns = first_ns > HOUR_NS ? first_ns - HOUR_NS : 0;
	return turns_apply(&r->turns, &r->wanted, say, NULL);
}

/* Windows, vectors and what the kernel recycles belong to a CPU, so the same capture over two CPUs
 * would give different results. Exporters' threads are not affected. */
static int stay_on_this_cpu(void)
{
	cpu_set_t *set;
	int cpu = sched_getcpu(), code;

	if (cpu < 0)
		return -errno;
	set = CPU_ALLOC(cpu + 1);
	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(CPU_ALLOC_SIZE(cpu + 1), set);
	CPU_SET_S(cpu, CPU_ALLOC_SIZE(cpu + 1), set);
	code = sched_setaffinity(0, CPU_ALLOC_SIZE(cpu + 1), set) ? -errno : 0;
	CPU_FREE(set);
	return code;
}

static void begin(struct replay *r, __u64 now_ns)
{
	__u64 now_s = now_ns / WEIR_NS_PER_SEC;

	r->harvested_s = now_s > SETTLED_S ? now_s - SETTLED_S : 0;
	r->last_ns = now_ns;
	r->started = true;
}

/* A packet without a time, such as those before the first one that has any, begins nothing. */
static void follow_first(struct replay *r, __u64 now_ns)
{
	if (!now_ns)
		return;
	if (!r->first_ns)
		plan_begin_vectors(&r->plan, &r->meter.tables[r->meter.control->generation & 1],
				   now_ns);
	if (!r->first_ns || now_ns < r->first_ns)
		r->first_ns = now_ns;
}

static int feed_packet(struct replay *r, const struct capture_packet *packet)
{
	const __u64 now_ns = packet->now_ns, now_s = now_ns / WEIR_NS_PER_SEC;
	int code = 0;

	if (!r->started) {
		begin(r, now_ns);
		code = open_exports(r, now_ns);
		code = code ? code : stay_on_this_cpu();
		if (code)
			return code;
	}
	code = advance(r, now_s);
	if (code)
		return code;
	if (now_s < r->harvested_s)
		count(&r->unordered, packet->wire_bytes);
	if (now_ns > r->last_ns)
		r->last_ns = now_ns;
	follow_first(r, now_ns);
	if (++r->packets % EVENTS_EACH == 0) {
		code = take_ring(r);
		if (code)
			return code;
	}
	return meter_feed(&r->meter, now_ns, packet->frame, packet->bytes, packet->wire_bytes);
}

static int feed(void *context, const struct capture_packet *packet)
{
	struct replay *r = context;
	int code = feed_packet(r, packet);

	r->failed = code;
	return code;
}

/* As an agent does where nothing runs yet: the i-th query counts in window i. */
static int set_tables(struct replay *r, struct weir_tables *tables, struct why *why)
{
	int code;

	plan_make(&r->config, NULL, tables, &r->plan);
	code = plan_tables(&r->plan, &r->config, &r->meter, tables, why);
	if (code)
		return code;
	/* The exporters tell distinct counts by the labels. */
	for (__u32 w = 0; w < WEIR_QUERIES && !code; w++)
		if (r->plan.label[w].name[0])
			code = meter_set_label(&r->meter, w, &r->plan.label[w]);
	if (!code)
		code = meter_set_tables(&r->meter, tables);
	if (code)
		why_set(why, code, "cannot start: %s", strerror(-code));
	return code;
}

static int start(struct replay *r, struct why *why)
{
	const struct meter_options options = {
		.flow_size = r->config.flow_size, .replay = true, .same = true};
	struct weir_tables *tables = calloc(1, sizeof(*tables));
	int code = tables ? meter_load(&options, &r->meter, why) : -ENOMEM;

	if (!code) {
		code = set_tables(r, tables, why);
		if (code)
			meter_close(&r->meter);
	}
	free(tables);
	return code;
}

/* As of the last packet. */
static int read_queries(struct replay *r, struct snapshot *s)
{
	struct meter_series *series = malloc(sizeof(*series));
	__u8 place[WEIR_QUERIES];
	const struct snapshot_known known = {
		.label = r->plan.label,
		.place = place,
		.query_count = r->config.query_count,
		.series = series,
		.now_ns = &r->last_ns,
	};
	int code = series ? meter_series(&r->meter, r->last_ns, series) : -ENOMEM;

	for (unsigned int i = 0; i < WEIR_QUERIES; i++) {
		place[i] = i;
		r->plan.label[i].since_ns = r->first_ns;
	}
	if (!code) {
		series->ended = true;
		code = snapshot_read(s, &r->meter,
				     SNAPSHOT_QUERIES | SNAPSHOT_DISTINCT | SNAPSHOT_BALANCE,
				     &known);
	}
	for (unsigned int i = 0; i < s->query_count && !code; i++)
		code = s->query[i].distinct_code;
	free(series);
	return code;
}

static json_t *query_json(const struct replay *r, const struct snapshot_query *q)
{
	json_t *query = json_query(q);

	if (query && json_object_set_new(query, "total", json_counts(&r->total[q->place]))) {
		json_decref(query);
		query = NULL;
	}
	return query;
}

/* Every packet that was read is with the kernel programs, which account for it, or in a counter. */
static bool is_conserved(const struct replay *r, const struct meter_balance *b)
{
	__u64 packets = b->seen_after.packets;

	for (int c = 0; c < CAPTURE_COUNTER_MAX; c++)
		if (capture_counters[c].kind == CAPTURE_KIND_NAMED)
			packets += r->captured.count[c].packets;
	return b->holds && b->quiet && packets == r->captured.count[CAPTURE_READ].packets;
}

static json_t *captured_json(const struct capture_counts *captured, bool incomplete)
{
	json_t *object = json_pack("{s:b}", "incomplete", (int)incomplete);
	int code = 0;

	if (json_set_time(object, "first", captured->first_ns, 9) ||
	    json_set_time(object, "last", captured->last_ns, 9))
		code = -ENOMEM;
	for (int c = 0; c < CAPTURE_COUNTER_MAX && !code; c++)
		code = json_object_set_new(object, capture_counters[c].name,
					   json_counts(&captured->count[c]));
	if (!code)
		return object;
	json_decref(object);
	return NULL;
}

static int print_json(const struct replay *r, const struct snapshot *s)
{
	const struct meter_balance *b = &s->balance;
	json_t *queries = json_array();

	for (unsigned int i = 0; i < s->query_count; i++)
		json_add(&queries, query_json(r, &s->query[i]));
	return json_line(json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:b}", "queries",
				   queries, "captured", captured_json(&r->captured, r->incomplete),
				   "exporters", json_exporters(s), "counters",
				   json_books(&b->books), "unordered", json_counts(&r->unordered),
				   "flow_count", (json_int_t)b->flows, "cached",
				   json_counts(&b->resident), "seen", json_counts(&b->seen_after),
				   "conserved", (int)is_conserved(r, b)),
			 stdout);
}

static void print_queries(const struct replay *r, const struct snapshot *s)
{
	printf("%-16s %14s %16s   in its last window\n", "query", "packets", "bytes");
	for (unsigned int i = 0; i < s->query_count; i++) {
		const struct snapshot_query *q = &s->query[i];
		const struct weir_count *total = &r->total[q->place], *sum = &q->rate.window;
		const double covered_s = distinct_seconds(q->rate.covered_ns);
		char span[TIME_SPAN_BYTES];

		printf("%-16s %14llu %16llu   ", q->label.name, total->packets, total->bytes);
		if (covered_s > 0)
			printf("%.3f packets/s, %.1f bits/s ", sum->packets / covered_s,
			       8.0 * sum->bytes / covered_s);
		printf("over %s\n", time_span(covered_s, q->window_s, span));
		distinct_lines(&q->distinct, WEIR_DISTINCT_MAX, 31, "\n", stdout);
	}
}

static void print_captured(const struct capture_counts *captured)
{
	char first[TIME_TEXT_BYTES], last[TIME_TEXT_BYTES];

	printf("\n%-16s %14llu %16llu", "read", captured->count[CAPTURE_READ].packets,
	       captured->count[CAPTURE_READ].bytes);
	if (captured->timed)
		printf("   from %s to %s",
		       time_text(captured->first_ns, time_digits(captured->first_ns), first),
		       time_text(captured->last_ns, time_digits(captured->last_ns), last));
	printf("\n");
	for (int c = CAPTURE_READ + 1; c < CAPTURE_COUNTER_MAX; c++)
		if (captured->count[c].packets)
			printf("%-16s %14llu %16llu   %s\n", capture_counters[c].name,
			       captured->count[c].packets, captured->count[c].bytes,
			       capture_counters[c].text);
}

static void print_text(const struct replay *r, const struct snapshot *s)
{
	const struct meter_balance *b = &s->balance;

	print_queries(r, s);
	print_captured(&r->captured);
	printf("%-16s %14llu %16llu\n", "seen", b->seen_after.packets, b->seen_after.bytes);
	printf("%-16s %14llu %16llu   %llu of them\n", "in flows now", b->resident.packets,
	       b->resident.bytes, b->flows);
	for (int c = WEIR_EVICTED; c < WEIR_COUNTER_MAX; c++) {
		if (b->books.count[c].packets || b->books.count[c].bytes)
			printf("%-16s %14llu %16llu\n", counter_names[c].name,
			       b->books.count[c].packets, b->books.count[c].bytes);
	}
	if (r->unordered.packets)
		printf("%-16s %14llu %16llu   more than %d s out of order: in no query's total\n",
		       "unordered", r->unordered.packets, r->unordered.bytes, SETTLED_S);
	for (unsigned int i = 0; i < s->exporter_count; i++)
		exporting_text(&s->exporter[i], stdout, "\n");
	printf("%s\n", is_conserved(r, b) ? "every packet is accounted for"
					  : "PACKETS ARE NOT ALL ACCOUNTED FOR");
}

/* -EIO: not all packets are accounted for. */
static int print_totals(struct replay *r)
{
	struct snapshot *s = snapshot_new();
	int code = s ? read_queries(r, s) : -ENOMEM;

	if (!code)
		turns_each_exporter(&r->turns, snapshot_add_exporter, s);
	if (!code && !r->flows && r->json)
		code = print_json(r, s);
	else if (!code && !r->flows)
		print_text(r, s);
	if (!code && !is_conserved(r, &s->balance))
		code = -EIO;
	free(s);
	return code;
}

/* The cache's flows, and whatever waits. -ECOMM: not all could be sent; printed is how many. */
static int export_rest(struct replay *r)
{
	int code = turns_flush(&r->turns, r->last_ns, 0);

	turns_settle(&r->turns, clock_monotonic_ns() + PATIENCE_NS);
	return code ? code : turns_all_sent(&r->turns) ? 0 : -ECOMM;
}

static int finish(struct replay *r)
{
	int unsent = 0, code = 0;

	if (r->started) {
		code = harvest(r, r->last_ns / WEIR_NS_PER_SEC + 1);
		code = code ? code : take_ring(r);
		if (!code && (r->turns.count || r->flows))
			unsent = export_rest(r);
	}
	if (!code)
		code = print_totals(r);
	return code ? code : unsent;
}

static int open_lines(struct replay *r)
{
	struct flow_sink sink;
	int code = flow_lines_open(&r->lines, STDOUT_FILENO, true);

	if (code) {
		log_err("standard output: %s", strerror(-code));
		return code;
	}
	sink = flow_lines_sink(&r->lines);
	return turns_add_sink(&r->turns, &sink);
}

/* -EPIPE or its like: not all could be written. */
static int close_lines(struct replay *r)
{
	flow_lines_close(&r->lines, 0);
	if (!r->lines.dropped)
		return 0;
	log_err("replay: %llu of %llu flows could not be written: %s", r->lines.dropped,
		r->lines.ended, strerror(r->lines.broken ? r->lines.broken : ENOMEM));
	return -EIO;
}

/* What could be read of a damaged capture, and the other captures, are kept. -EBADMSG: at least one
 * could not be read to its end. */
static int feed_all(struct replay *r, char *const *captures, unsigned int count)
{
	int code;

	for (unsigned int i = 0; i < count && !r->failed; i++) {
		struct why why = {};

		code = capture_read(captures[i], feed, r, &r->captured, &why);
		if (code)
			log_err("%s", why_text(&why, code));
		r->incomplete |= code != 0;
	}
	if (r->failed || (r->incomplete && !r->captured.count[CAPTURE_READ].packets))
		return -EBADMSG;
	code = finish(r);
	if (code)
		log_err("replay: %s", strerror(-code));
	return code ? code : r->incomplete ? -EBADMSG : 0;
}

int replay_run(struct replay *r, char *const *captures, unsigned int count)
{
	struct why why = {};
	int code = start(r, &why);

	if (code) {
		log_err("%s", why_text(&why, code));
		return code;
	}
	code = r->flows ? open_lines(r) : 0;
	if (!code) {
		code = feed_all(r, captures, count);
		turns_close(&r->turns, 0, say, NULL);
		if (r->flows && close_lines(r))
			code = -EIO;
	}
	meter_close(&r->meter);
	return code;
}

struct replay *replay_open(const struct replay_options *options)
{
	struct replay *r = calloc(1, sizeof(*r));
	struct why why = {};
	int code = r ? config_load(options->config_path, &r->config, &why) : -ENOMEM;

	if (code) {
		log_err("%s", why_text(&why, code));
		free(r);
		return NULL;
	}
	r->json = options->json;
	r->flows = options->flows;
	return r;
}

void replay_close(struct replay *r)
{
	config_free(&r->config);
	config_free(&r->wanted);
	free(r);
}
