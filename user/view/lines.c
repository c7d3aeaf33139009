// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/print.h"

#include <string.h>

#include "base/counters.h"
#include "base/time_text.h"
#include "view/exporting.h"
#include "view/kernel.h"
#include "view/reporting.h"
#include "view/text.h"

/* --- Each second --------------------------------------------------------------------------- */

static void second_query(const struct snapshot_query *q, const char *clock, FILE *out)
{
	const double covered_s = distinct_seconds(q->rate.covered_ns);
	const struct weir_count *last = &q->rate.last, *window = &q->rate.window;
	char span[TIME_SPAN_BYTES];

	fprintf(out, "%s %s: ", clock, q->label.name);
	if (q->rate.whole)
		fprintf(out, "%llu packets/s, %llu bits/s", last->packets, last->bytes * 8);
	else
		fputc('-', out);
	fprintf(out, "; over %s: ", time_span(covered_s, q->window_s, span));
	if (covered_s > 0)
		fprintf(out, "%.2f packets/s, %.1f bits/s", window->packets / covered_s,
			8.0 * window->bytes / covered_s);
	else
		fputc('-', out);
	distinct_append(&q->distinct, out);
	fputc('\n', out);
}

static void second_totals(const struct snapshot *s, const char *clock, FILE *out)
{
	const struct weir_count *count = s->books.count;

	fprintf(out,
		"%s seen: in %llu packets %llu bytes, out %llu packets %llu bytes; flows %llu live, "
		"%llu resident",
		clock, count[WEIR_SEEN_IN].packets, count[WEIR_SEEN_IN].bytes,
		count[WEIR_SEEN_OUT].packets, count[WEIR_SEEN_OUT].bytes, s->census.live,
		s->census.resident);
	for (int c = 0; c < WEIR_COUNTER_MAX; c++)
		if (text_is_loss(c) && count[c].packets)
			fprintf(out, "; %s %llu", counter_names[c].name, count[c].packets);
	fputc('\n', out);
}

void lines_second(const struct snapshot *s, FILE *out)
{
	char clock[TEXT_TIME_BYTES];

	text_clock(s->time_ns / WEIR_NS_PER_SEC, clock);
	for (unsigned int q = 0; q < s->query_count; q++)
		second_query(&s->query[q], clock, out);
	second_totals(s, clock, out);
	for (unsigned int i = 0; i < s->exporter_count; i++) {
		fprintf(out, "%s export ", clock);
		exporting_text(&s->exporter[i], out, "\n");
	}
	if (s->reports) {
		fprintf(out, "%s report ", clock);
		reporting_text(&s->report, out, "\n");
	}
}

static void stopped_exporter(const struct exporter_state *s, FILE *out)
{
	fprintf(out,
		"  export %s: %s, %llu packets; queued %llu, dropped %llu, not exportable %llu\n",
		s->to, exporter_phase_text(s->phase), s->sent.packets, s->queued.packets,
		s->dropped.packets, s->unencodable.packets);
}

void lines_stopped(const struct snapshot *s, FILE *out)
{
	const struct meter_balance *b = &s->balance;
	char up[32];

	text_uptime(s->uptime_s, up, sizeof(up));
	fprintf(out, "stopped after %s, detached\n", up);
	fprintf(out, "  %-18s %14s %18s\n", "", "packets", "bytes");
	for (int c = 0; c < WEIR_COUNTER_MAX; c++) {
		const struct weir_count *count = &b->books.count[c];

		if (c <= WEIR_SEEN_OUT || count->packets || count->bytes)
			fprintf(out, "  %-18s %14llu %18llu\n", counter_names[c].name,
				count->packets, count->bytes);
	}
	fprintf(out, "  %-18s %14llu %18llu   %llu flows\n", "resident", b->resident.packets,
		b->resident.bytes, b->flows);
	for (unsigned int i = 0; i < s->exporter_count; i++)
		stopped_exporter(&s->exporter[i].state, out);
	fprintf(out, "%s\n", text_balance(b));
}

/* --- Status -------------------------------------------------------------------------------- */

static void status_tables(const struct snapshot *s, FILE *out)
{
	const struct weir_timeouts *t = &s->timeouts;
	char memory[TEXT_VECTORS_BYTES];

	fprintf(out, "timeouts    idle %.3g s, active %.3g s, closed %.3g s\n", t->idle_ns / 1e9,
		t->active_ns / 1e9, t->closed_ns / 1e9);
	fprintf(out, "queries     %u, of %u terms; tunnels: %s\n", s->query_count, s->terms,
		s->inner ? "inner" : "outer");
	if (s->vectors)
		fprintf(out, "distinct    %s\n",
			text_vectors(s->vectors, s->vector_bytes, s->cpus, memory));
	fprintf(out, "CPUs        %d\n", s->cpus);
}

void lines_status(const struct snapshot *s, FILE *out)
{
	char hooks[256];

	fprintf(out, "pinned      %s\n", WEIR_PIN_DIR);
	if (s->agent)
		fprintf(out, "agent       pid %d\n", (int)s->agent);
	else
		fprintf(out, "agent       none; the kernel goes on counting\n");
	fprintf(out, "flows       %llu live, %llu resident of %llu\n", s->census.live,
		s->census.resident, s->capacity);
	status_tables(s, out);
	for (unsigned int i = 0; i < s->interface_count; i++) {
		text_hooks(&s->interface[i].hooks, hooks, sizeof(hooks));
		fprintf(out, "%-11s %s\n", s->interface[i].hooks.name, hooks);
		lines_twice(s, i, "            counted twice with ", out);
	}
	for (unsigned int i = 0; i < s->exporter_count; i++) {
		fprintf(out, "%-11s ", "export");
		exporting_text(&s->exporter[i], out, "\n");
	}
	if (s->reports) {
		fprintf(out, "%-11s ", "report");
		reporting_text(&s->report, out, "\n");
		reporting_refused(&s->report, "            ", out);
	}
	kernel_text(&s->kernel, out);
}

/* --- Queries ------------------------------------------------------------------------------- */

void lines_queries_head(FILE *out)
{
	fprintf(out, "%16s %19s %19s\n%-16s %9s %9s %9s %9s %10s  %s\n", "", "the last second",
		"the window", "query", "packets/s", "bits/s", "packets/s", "bits/s", "over",
		"match");
}

void lines_query(const struct snapshot_query *q, FILE *out)
{
	const int columns[] = {9, 9};
	double covered_s = distinct_seconds(q->rate.covered_ns);
	char measure[DISTINCT_MEASURE_BYTES], span[TIME_SPAN_BYTES];

	fprintf(out, "%-16s ", q->label.name);
	if (distinct_measure(&q->label, &q->distinct, 39, measure)[0]) {
		fputs(measure, out);
		covered_s = q->distinct.of[q->label.distinct].covered_s;
	} else {
		text_rates(&q->rate.last, q->rate.whole, columns, out);
		fputc(' ', out);
		text_rates(&q->rate.window, covered_s, columns, out);
	}
	fprintf(out, " %10s  %s\n", time_span(covered_s, q->window_s, span), q->label.match);
	distinct_lines(&q->distinct, distinct_of(&q->label), 46, "\n", out);
}

/* --- Interfaces and exporters -------------------------------------------------------------- */

void lines_twice(const struct snapshot *s, unsigned int interface, const char *margin, FILE *out)
{
	bool any = false;

	for (unsigned int i = 0; i < s->interface_count; i++) {
		if (!snapshot_twice(s, interface, i))
			continue;
		fprintf(out, "%s%s", any ? ", " : margin, s->interface[i].hooks.name);
		any = true;
	}
	if (any)
		fputc('\n', out);
}

void lines_interface(const struct snapshot *s, unsigned int interface, FILE *out)
{
	const struct snapshot_interface *i = &s->interface[interface];
	char hooks[256];

	text_hooks(&i->hooks, hooks, sizeof(hooks));
	fprintf(out, "%s (ifindex %u): %s\n", i->hooks.name, i->hooks.ifindex,
		i->state == SNAPSHOT_GONE ? "gone; its counts stay" : hooks);
	lines_twice(s, interface, "  counted twice with ", out);
	for (int c = 0; c < WEIR_COUNTER_MAX; c++) {
		const struct weir_count *count = &i->books.count[c];

		if (counter_names[c].kind == WEIR_KIND_SEEN || count->packets || count->bytes)
			fprintf(out, "  %-18s %14llu packets %18llu bytes\n", counter_names[c].name,
				count->packets, count->bytes);
	}
}

static void print_exporter(const struct exporter_state *s, int width, FILE *out)
{
	char sent[TEXT_SI_BYTES], queued[TEXT_SI_BYTES], dropped[TEXT_SI_BYTES];
	char messages[TEXT_SI_BYTES], bytes[TEXT_SI_BYTES], date[TEXT_TIME_BYTES];

	fprintf(out, "%-*s %-8s %-19s %8s %8s %8s %8s %8s\n", width, s->to,
		exporter_phase_text(s->phase),
		s->since_ns ? text_date(s->since_ns / WEIR_NS_PER_SEC, date) : "-",
		text_si(s->sent.records, sent), text_si(s->queued.records, queued),
		text_si(s->dropped.records, dropped), text_si(s->messages, messages),
		text_si(s->wire_bytes, bytes));
	if (s->error[0])
		fprintf(out, "  last error, %s: %s\n",
			text_date(s->error_ns / WEIR_NS_PER_SEC, date), s->error);
}

void lines_exporters(const struct snapshot *s, FILE *out)
{
	int width = strlen("exporter");

	for (unsigned int i = 0; i < s->exporter_count; i++)
		if ((int)strlen(s->exporter[i].state.to) > width)
			width = strlen(s->exporter[i].state.to);
	fprintf(out, "%-*s %-8s %-19s %8s %8s %8s %8s %8s\n", width, "exporter", "state", "since",
		"sent", "queued", "dropped", "messages", "bytes");
	for (unsigned int i = 0; i < s->exporter_count; i++) {
		if (s->exporter[i].unreadable.text[0])
			fprintf(out, "%s\n", s->exporter[i].unreadable.text);
		else
			print_exporter(&s->exporter[i].state, width, out);
	}
}

/* --- Losses -------------------------------------------------------------------------------- */

static void print_count(const char *sign, const char *name, const struct weir_count *c,
			const char *text, FILE *out)
{
	fprintf(out, "%1s %-18s %14llu %18llu  %s\n", sign, name, c->packets, c->bytes, text);
}

static void print_fate(const char *name, const struct queue_count *c, const char *text, FILE *out)
{
	const struct weir_count count = {c->packets, c->bytes};

	print_count("", name, &count, text, out);
}

/* What became of the packets of flows that left the cache, or were taken in it. */
static void losses_exporter(const struct snapshot_exporter *e, FILE *out)
{
	if (e->unreadable.text[0]) {
		fprintf(out, "\n%s\n", e->unreadable.text);
		return;
	}
	fprintf(out, "\nto %s\n", e->state.to);
	print_fate("sent", &e->state.sent, "in flows that were sent", out);
	print_fate("queued", &e->state.queued, "in flows that wait to be sent", out);
	print_fate("dropped", &e->state.dropped, "in flows that found the queue full", out);
	print_fate("not_exportable", &e->state.unencodable,
		   "in flows that the protocol cannot carry", out);
}

/* `notes`: the counters of which all are part, or only remarks; else those that the sum is of. */
static void print_counters(const struct weir_books *books, bool notes, FILE *out)
{
	for (int c = 0; c < WEIR_COUNTER_MAX; c++) {
		const enum weir_counter_kind kind = counter_names[c].kind;

		if ((kind == WEIR_KIND_SEEN || kind == WEIR_KIND_NOTE) == notes)
			print_count(notes ? "" : "+", counter_names[c].name, &books->count[c],
				    counter_names[c].text, out);
	}
}

void lines_losses(const struct snapshot *s, FILE *out)
{
	const struct meter_balance *b = &s->balance;
	char flows[64];

	fprintf(out, "  %-18s %14s %18s\n", "", "packets", "bytes");
	print_count("", "seen", &b->seen_after, "in and out", out);
	snprintf(flows, sizeof(flows), "in %llu flows of the cache now", b->flows);
	print_count("=", "resident", &b->resident, flows, out);
	print_counters(&b->books, false, out);
	fprintf(out, "\nof these\n");
	print_counters(&b->books, true, out);
	for (unsigned int i = 0; i < s->exporter_count; i++)
		losses_exporter(&s->exporter[i], out);
	if (!b->quiet)
		fprintf(out,
			"\ncounters moved while they were read: from %llu to %llu packets are "
			"accounted for,\nfrom %llu to %llu were seen\n",
			b->low.packets, b->high.packets, b->seen_before.packets,
			b->seen_after.packets);
	fprintf(out, "\n%s\n", text_balance(b));
}
