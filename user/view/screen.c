// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What weir run prints each second: a table that is drawn in place on a
 * terminal, lines into a pipe, a JSON object a second for programs.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/counters.h"
#include "base/version.h"
#include "view/page.h"
#include "view/json.h"
#include "view/reporting.h"
#include "view/text.h"

struct reading {
	struct meter_rate rates[WEIR_QUERIES];
	struct distinct_answers distinct[WEIR_QUERIES];
	struct weir_books books;
	struct weir_count in, out; /* a second */
	__u64 resident, live;
	struct timespec at; /* time of day */
	unsigned long up_s;
};

static struct weir_count per_second(const struct weir_count *now, const struct weir_count *then,
				    double seconds)
{
	return (struct weir_count){
		.packets = (now->packets - then->packets) / seconds + 0.5,
		.bytes = (now->bytes - then->bytes) / seconds + 0.5,
	};
}

/* Says why something cannot be read when that begins, not each second. `said`: 0, or the last. */
static void say_unread(struct agent *a, const char *what, int code, int *said)
{
	if (code && code != *said)
		notes_say(&a->notes, "%s: %s", what, strerror(-code));
	*said = code;
}

/* What cannot be told is left out. */
static void read_distinct(struct agent *a, struct reading *r)
{
	for (int w = 0; w < WEIR_QUERIES; w++) {
		const struct weir_label *label = &a->queries.label[w];
		char what[128];
		int code = 0;

		snprintf(what, sizeof(what), "distinct counts of query '%s' are left out",
			 label->name);
		if (distinct_has(&a->meter, w))
			code = distinct_read(&a->meter, w, label, meter_now(), label->window_s,
					     &r->distinct[w]);
		say_unread(a, what, code, &a->uncounted[w]);
	}
}

static int read_queries(const struct agent *a, struct reading *r)
{
	__u32 windows[WEIR_QUERIES];

	for (int w = 0; w < WEIR_QUERIES; w++)
		windows[w] = a->queries.label[w].window_s;
	if (!a->series_code)
		meter_series_rates(&a->series, windows, r->rates);
	return a->series_code;
}

static int take_reading(struct agent *a, struct reading *r)
{
	struct meter_census census;
	__u64 now_ns = meter_now();
	int code;

	memset(r, 0, sizeof(*r));
	clock_gettime(CLOCK_REALTIME, &r->at);
	r->up_s = now_ns / WEIR_NS_PER_SEC - a->start_s;
	code = read_queries(a, r);
	if (!code)
		code = meter_books(&a->meter, WEIR_INTERFACES, &r->books);
	if (code)
		return code;
	now_ns = meter_now();
	read_distinct(a, r);
	census = meter_census(&a->meter, &a->config.timeouts);
	r->resident = census.resident;
	r->live = census.live;
	if (a->books_ns) {
		double seconds = (double)(now_ns - a->books_ns) / WEIR_NS_PER_SEC;

		r->in = per_second(&r->books.count[WEIR_SEEN_IN], &a->books.count[WEIR_SEEN_IN],
				   seconds);
		r->out = per_second(&r->books.count[WEIR_SEEN_OUT], &a->books.count[WEIR_SEEN_OUT],
				    seconds);
	}
	a->books = r->books;
	a->books_ns = now_ns;
	return 0;
}

/* Neither seen nor in a flow: what a person looks for when numbers disagree. */
static bool is_loss(int counter)
{
	enum weir_counter_kind kind = counter_names[counter].kind;

	return kind == WEIR_KIND_OVERFLOW || kind == WEIR_KIND_NAMED || kind == WEIR_KIND_NOTE;
}

/* --- A terminal ------------------------------------------------------------------------ */

static void draw_head(const struct agent *a, const struct reading *r, FILE *out)
{
	char up[32], hooks[256], clock[TEXT_TIME_BYTES];

	text_uptime(r->up_s, up, sizeof(up));
	text_clock(r->at.tv_sec, clock);
	fprintf(out, "weir %s%*s up %s" PAGE_EOL, WEIR_VERSION,
		(int)(79 - strlen(WEIR_VERSION) - 9 - strlen(up)), clock, up);
	for (unsigned int i = 0; i < a->ports.count; i++) {
		const struct port *p = &a->ports.port[i];

		text_hooks(&p->hooks, hooks, sizeof(hooks));
		fprintf(out, "%-*s %.*s" PAGE_EOL, 10, p->name, 69,
			p->ifindex ? hooks : "waiting for it");
	}
}

static void draw_rates(const struct meter_rate *rate, unsigned int window_s, FILE *out)
{
	char pps[TEXT_SI_BYTES], bps[TEXT_SI_BYTES], wpps[TEXT_SI_BYTES], wbps[TEXT_SI_BYTES];

	text_si(rate->last.packets, pps);
	text_si(8.0 * rate->last.bytes, bps);
	text_si((double)rate->window.packets / window_s, wpps);
	text_si(8.0 * rate->window.bytes / window_s, wbps);
	fprintf(out, "%9s %8s %9s %8s", pps, bps, wpps, wbps);
}

static void draw_query(const struct weir_label *label, const struct meter_rate *rate,
		       const struct distinct_answers *answers, FILE *out)
{
	bool cut = strlen(label->match) > 25;
	char measure[DISTINCT_MEASURE_BYTES];
	unsigned int window_s = label->window_s;

	fprintf(out, "%-10.10s ", label->name);
	if (distinct_measure(label, answers, 37, measure)[0]) {
		fputs(measure, out);
		window_s = lround(answers->of[label->distinct].covered_s);
	} else {
		draw_rates(rate, window_s, out);
	}
	fprintf(out, " %2us  %.*s%s" PAGE_EOL, window_s, cut ? 23 : 25, label->match,
		cut ? ".." : "");
	distinct_lines(answers, distinct_of(label), 39, PAGE_EOL, out);
}

static void draw_way(const char *name, const struct weir_count *rate, const struct weir_count *all,
		     FILE *out)
{
	char pps[TEXT_SI_BYTES], bps[TEXT_SI_BYTES];

	fprintf(out, "%-10s %9s %8s %20llu %22llu" PAGE_EOL, name, text_si(rate->packets, pps),
		text_si(8.0 * rate->bytes, bps), all->packets, all->bytes);
}

static void draw_losses(const struct weir_books *books, FILE *out)
{
	bool any = false;

	for (int c = 0; c < WEIR_COUNTER_MAX; c++) {
		const struct weir_count *count = &books->count[c];

		if (!is_loss(c) || !count->packets)
			continue;
		if (!any)
			fprintf(out, "\033[1m%-18s %12s %14s%33s\033[0m" PAGE_EOL, "by name",
				"packets", "bytes", "");
		any = true;
		fprintf(out, "%-18s %12llu %14llu  %.31s" PAGE_EOL, counter_names[c].name,
			count->packets, count->bytes, counter_names[c].text);
	}
	if (!any)
		fprintf(out, "nothing lost" PAGE_EOL);
}

static void draw_exporter(void *page, const struct exporter_state *s)
{
	fprintf(page, "%-32.32s %-8s %14llu %8llu %8llu" PAGE_EOL, s->to,
		exporter_phase_text(s->phase), s->sent.records, s->queued.records,
		s->dropped.records);
}

static void draw_exporters(const struct turns *t, FILE *out)
{
	if (!t->count)
		return;
	fprintf(out, "\033[1m%-32s %-8s %14s %8s %8s%5s\033[0m" PAGE_EOL, "flows exported to", "",
		"sent", "queued", "dropped", "");
	turns_each_exporter(t, draw_exporter, out);
	fprintf(out, PAGE_EOL);
}

static void draw_coordinator(const struct report *report, FILE *out)
{
	struct uplink_status s;
	bool up;

	if (!report->uplink)
		return;
	uplink_status(report->uplink, &s);
	up = s.phase == UPLINK_UP;
	fprintf(out, "\033[1m%-32s %-8s %14s %8s %8s%5s\033[0m" PAGE_EOL, "reports to", "",
		"updates", "ticks", "grants", "");
	fprintf(out, "%-32.32s %-8s %14llu %8llu %8llu" PAGE_EOL, s.address,
		reporting_phase_text(&s), s.updates, s.ticks, s.grants);
	fprintf(out, "%.79s" PAGE_EOL PAGE_EOL, up ? s.name : s.why);
}

static void draw_queries(const struct agent *a, const struct reading *r, FILE *out)
{
	fprintf(out, PAGE_EOL "%-10s %18s %18s" PAGE_EOL, "", "the last second", "the window");
	fprintf(out, "\033[1m%-10s %9s %8s %9s %8s %3s  %-25s\033[0m" PAGE_EOL, "query",
		"packets/s", "bits/s", "packets/s", "bits/s", "win", "match");
	for (unsigned int q = 0; q < a->config.query_count; q++) {
		const unsigned int w = a->queries.window[q];

		draw_query(&a->queries.label[w], &r->rates[w], &r->distinct[w], out);
	}
}

static void draw_totals(const struct agent *a, const struct reading *r, FILE *out)
{
	fprintf(out, PAGE_EOL "\033[1m%-10s %9s %8s %20s %22s%6s\033[0m" PAGE_EOL, "seen",
		"packets/s", "bits/s", "packets", "bytes", "");
	draw_way("in", &r->in, &r->books.count[WEIR_SEEN_IN], out);
	draw_way("out", &r->out, &r->books.count[WEIR_SEEN_OUT], out);
	fprintf(out, PAGE_EOL "flows      %llu live, %llu resident of %u, %llu evicted" PAGE_EOL,
		r->live, r->resident, a->meter.sets * WEIR_WAYS, a->turns.events);
	fprintf(out, PAGE_EOL);
	draw_exporters(&a->turns, out);
	draw_coordinator(&a->report, out);
	draw_losses(&r->books, out);
}

/* What is drawn. Without numbers where they could not be read: a note says why. */
struct drawing {
	const struct agent *agent;
	const struct reading *reading;
	bool whole;
};

static void draw(const void *context, FILE *part[PAGE_PARTS])
{
	const struct drawing *d = context;

	draw_head(d->agent, d->reading, part[PAGE_HEAD]);
	if (d->whole) {
		draw_queries(d->agent, d->reading, part[PAGE_QUERIES]);
		draw_totals(d->agent, d->reading, part[PAGE_TOTALS]);
	}
	notes_draw(&d->agent->notes, part[PAGE_NOTES]);
}

static int redraw(const struct agent *a, const struct reading *r, bool whole)
{
	const struct drawing drawing = {.agent = a, .reading = r, .whole = whole};

	return page_redraw(draw, &drawing);
}

int screen_open(struct agent *a)
{
	if (a->options.output != OUTPUT_SCREEN)
		return 0;
	page_open();
	a->notes.drawn = true;
	return 0;
}

void screen_close(struct agent *a)
{
	if (!a->notes.drawn)
		return;
	a->notes.drawn = false;
	page_close();
}

/* --- A pipe ---------------------------------------------------------------------------- */

static void print_exporter(void *clock, const struct exporter_state *state)
{
	printf("%s export ", (const char *)clock);
	exports_state_text(state, stdout, "\n");
}

static void print_coordinator(const struct report *report, const char *clock)
{
	struct uplink_status status;

	if (!report->uplink)
		return;
	uplink_status(report->uplink, &status);
	printf("%s coordinator ", clock);
	reporting_text(&status, stdout, "\n");
}

static void print_lines(const struct agent *a, const struct reading *r)
{
	char clock[TEXT_TIME_BYTES];

	text_clock(r->at.tv_sec, clock);
	for (unsigned int q = 0; q < a->config.query_count; q++) {
		const struct weir_label *label = &a->queries.label[a->queries.window[q]];
		const struct meter_rate *rate = &r->rates[a->queries.window[q]];

		printf("%s %s: %llu packets/s, %llu bits/s; %u s: %.2f packets/s, %.1f bits/s",
		       clock, label->name, rate->last.packets, rate->last.bytes * 8,
		       label->window_s, (double)rate->window.packets / label->window_s,
		       8.0 * rate->window.bytes / label->window_s);
		distinct_append(&r->distinct[a->queries.window[q]], stdout);
		putchar('\n');
	}
	printf("%s seen: in %llu packets %llu bytes, out %llu packets %llu bytes; flows %llu live, "
	       "%llu resident",
	       clock, r->books.count[WEIR_SEEN_IN].packets, r->books.count[WEIR_SEEN_IN].bytes,
	       r->books.count[WEIR_SEEN_OUT].packets, r->books.count[WEIR_SEEN_OUT].bytes, r->live,
	       r->resident);
	for (int c = 0; c < WEIR_COUNTER_MAX; c++)
		if (is_loss(c) && r->books.count[c].packets)
			printf("; %s %llu", counter_names[c].name, r->books.count[c].packets);
	putchar('\n');
	turns_each_exporter(&a->turns, print_exporter, clock);
	print_coordinator(&a->report, clock);
}

/* With what the coordinator was told of it, so that what it answers can be checked. */
static json_t *query_json(const struct agent *a, const struct reading *r, unsigned int query)
{
	const unsigned int w = a->queries.window[query];
	json_t *json = json_query(&a->queries.label[w], &r->rates[w], &r->distinct[w],
				  a->queries.label[w].window_s);
	__u64 counts;
	__s64 tick;

	if (report_told(&a->report, query, &tick, &counts)) {
		json_object_set_new(json, "tick", json_integer(tick));
		json_object_set_new(json, "value", json_integer(counts));
	}
	return json;
}

static int print_json(const struct agent *a, const struct reading *r)
{
	json_t *queries = json_array(), *ports = json_array();

	for (unsigned int q = 0; q < a->config.query_count; q++)
		json_array_append_new(queries, query_json(a, r, q));
	for (unsigned int i = 0; i < a->ports.count; i++)
		if (a->ports.port[i].ifindex)
			json_array_append_new(ports, json_interface(&a->ports.port[i].hooks));
	return json_line(json_pack("{s:f, s:I, s:o, s:o, s:o, s:o, s:o, s:{s:I, s:I, s:I, s:I}}",
				   "time", r->at.tv_sec + r->at.tv_nsec / 1e9, "uptime",
				   (json_int_t)r->up_s, "interfaces", ports, "export",
				   exports_json(&a->turns), "coordinator", report_json(&a->report),
				   "queries", queries, "counters", json_books(&r->books), "flows",
				   "live", (json_int_t)r->live, "resident", (json_int_t)r->resident,
				   "capacity", (json_int_t)a->meter.sets * WEIR_WAYS, "evicted",
				   (json_int_t)a->turns.events),
			 stdout);
}

static int print_turn(struct agent *a, struct reading *r)
{
	int code = take_reading(a, r);

	/* Before the screen is drawn, with the note on it. */
	say_unread(a, "the numbers of this moment are left out", code, &a->unread);
	if (a->options.output == OUTPUT_SCREEN)
		return redraw(a, r, !code);
	if (code)
		return 0;
	if (a->options.output == OUTPUT_JSON)
		return print_json(a, r);
	print_lines(a, r);
	return 0;
}

/* Only what is wrong with the output itself is the end. */
int screen_tick(struct agent *a)
{
	struct reading *r;
	int code = -ENOMEM;

	if (a->options.quiet)
		return 0;
	r = malloc(sizeof(*r));
	if (r)
		code = print_turn(a, r);
	free(r);
	say_unread(a, "nothing can be printed at this moment", code, &a->unprinted);
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

/* --- The end --------------------------------------------------------------------------- */

static void print_exported(void *context, const struct exporter_state *state)
{
	(void)context;
	printf("  export %s: %s, %llu packets; queued %llu, dropped %llu, not exportable %llu\n",
	       state->to, exporter_phase_text(state->phase), state->sent.packets,
	       state->queued.packets, state->dropped.packets, state->unencodable.packets);
}

int screen_totals(struct agent *a, const struct meter_balance *b)
{
	char up[32];

	if (a->options.output == OUTPUT_JSON) {
		json_line(json_pack("{s:b, s:o, s:o, s:o, s:o, s:I, s:b}", "stopped", 1, "export",
				    exports_json(&a->turns), "seen", json_counts(&b->seen_after),
				    "counters", json_books(&b->books), "resident",
				    json_counts(&b->resident), "flows", (json_int_t)b->flows,
				    "conserved", (int)b->holds),
			  stdout);
		fflush(stdout);
		return b->holds ? 0 : -EIO;
	}
	text_uptime(meter_now() / WEIR_NS_PER_SEC - a->start_s, up, sizeof(up));
	printf("stopped after %s, detached\n", up);
	printf("  %-18s %14s %18s\n", "", "packets", "bytes");
	for (int c = 0; c < WEIR_COUNTER_MAX; c++) {
		const struct weir_count *count = &b->books.count[c];

		if (c <= WEIR_SEEN_OUT || count->packets || count->bytes)
			printf("  %-18s %14llu %18llu\n", counter_names[c].name, count->packets,
			       count->bytes);
	}
	printf("  %-18s %14llu %18llu   %llu flows\n", "resident", b->resident.packets,
	       b->resident.bytes, b->flows);
	turns_each_exporter(&a->turns, print_exported, NULL);
	printf("%s\n", text_balance(b));
	fflush(stdout);
	return b->holds ? 0 : -EIO;
}
