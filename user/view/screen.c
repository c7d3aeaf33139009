// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/print.h"

#include <string.h>

#include "base/version.h"
#include "base/counters.h"
#include "base/time_text.h"
#include "view/page.h"
#include "view/reporting.h"
#include "view/text.h"

#define COLUMNS 79

static void draw_interface(const struct snapshot_interface *i, FILE *out)
{
	char hooks[256];

	text_hooks(&i->hooks, hooks, sizeof(hooks));
	fprintf(out, "%-10s %.69s" PAGE_EOL, i->hooks.name,
		i->state == SNAPSHOT_ABSENT ? "waiting for it" : hooks);
}

static void draw_head(const struct snapshot *s, FILE *out)
{
	char up[32], clock[TEXT_TIME_BYTES];

	text_uptime(s->uptime_s, up, sizeof(up));
	text_clock(s->time_ns / WEIR_NS_PER_SEC, clock);
	fprintf(out, "weir %s%*s up %s" PAGE_EOL, WEIR_VERSION,
		(int)(COLUMNS - strlen(WEIR_VERSION) - 9 - strlen(up)), clock, up);
	for (unsigned int i = 0; i < s->interface_count; i++)
		draw_interface(&s->interface[i], out);
}

/* A window that is not full yet says so in the first columns of the match. */
static void draw_match(const char *span, const char *match, FILE *out)
{
	const int room = COLUMNS - 51 - (int)strlen(span);
	const bool cut = (int)strlen(match) > room;

	fprintf(out, " %s  %.*s%s" PAGE_EOL, span, cut ? room - 2 : room, match, cut ? ".." : "");
}

static void draw_query(const struct snapshot_query *q, FILE *out)
{
	const int columns[] = {9, 8};
	char measure[DISTINCT_MEASURE_BYTES], text[TIME_SPAN_BYTES], span[TIME_SPAN_BYTES];
	double covered_s = distinct_seconds(q->rate.covered_ns);

	fprintf(out, "%-10.10s ", q->label.name);
	if (distinct_measure(&q->label, &q->distinct, 37, measure)[0]) {
		fputs(measure, out);
		covered_s = q->distinct.of[q->label.distinct].covered_s;
	} else {
		text_rates(&q->rate.last, q->rate.whole, columns, out);
		fputc(' ', out);
		text_rates(&q->rate.window, covered_s, columns, out);
	}
	snprintf(span, sizeof(span), "%4s", time_span(covered_s, q->window_s, text));
	draw_match(span, q->label.match, out);
	distinct_lines(&q->distinct, distinct_of(&q->label), 39, PAGE_EOL, out);
}

static void draw_queries(const struct snapshot *s, FILE *out)
{
	fprintf(out, PAGE_EOL "%-10s %18s %18s" PAGE_EOL, "", "the last second", "the window");
	fprintf(out, "\033[1m%-10s %9s %8s %9s %8s %4s  %-24s\033[0m" PAGE_EOL, "query",
		"packets/s", "bits/s", "packets/s", "bits/s", "over", "match");
	for (unsigned int q = 0; q < s->query_count; q++)
		draw_query(&s->query[q], out);
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

		if (!text_is_loss(c) || !count->packets)
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

static void draw_exporters(const struct snapshot *s, FILE *out)
{
	if (!s->exporter_count)
		return;
	fprintf(out, "\033[1m%-32s %-8s %14s %8s %8s%5s\033[0m" PAGE_EOL, "flows exported to", "",
		"sent", "queued", "dropped", "");
	for (unsigned int i = 0; i < s->exporter_count; i++) {
		const struct exporter_state *e = &s->exporter[i].state;

		fprintf(out, "%-32.32s %-8s %14llu %8llu %8llu" PAGE_EOL, e->to,
			exporter_phase_text(e->phase), e->sent.records, e->queued.records,
			e->dropped.records);
	}
	fprintf(out, PAGE_EOL);
}

static void draw_report(const struct snapshot *s, FILE *out)
{
	const struct uplink_status *r = &s->report;

	if (!s->reports)
		return;
	fprintf(out, "\033[1m%-32s %-8s %14s %8s %8s%5s\033[0m" PAGE_EOL, "reports to", "",
		"updates", "ticks", "grants", "");
	fprintf(out, "%-32.32s %-8s %14llu %8llu %8llu" PAGE_EOL, r->address,
		reporting_phase_text(r), r->updates, r->ticks, r->grants);
	fprintf(out, "%.79s" PAGE_EOL PAGE_EOL,
		r->phase != UPLINK_UP ? r->why.text
		: r->refused_count    ? r->refused[0].why
				      : r->name);
}

static void draw_totals(const struct snapshot *s, FILE *out)
{
	fprintf(out, PAGE_EOL "\033[1m%-10s %9s %8s %20s %22s%6s\033[0m" PAGE_EOL, "seen",
		"packets/s", "bits/s", "packets", "bytes", "");
	draw_way("in", &s->seen_in, &s->books.count[WEIR_SEEN_IN], out);
	draw_way("out", &s->seen_out, &s->books.count[WEIR_SEEN_OUT], out);
	fprintf(out, PAGE_EOL "flows      %llu live, %llu resident of %llu, %llu evicted" PAGE_EOL,
		s->census.live, s->census.resident, s->capacity, s->evicted);
	fprintf(out, PAGE_EOL);
	draw_exporters(s, out);
	draw_report(s, out);
	draw_losses(&s->books, out);
}

struct drawing {
	const struct snapshot *snapshot;
	const struct notes *notes;
};

static void draw(const void *context, FILE *part[PAGE_PARTS])
{
	const struct drawing *d = context;

	draw_head(d->snapshot, part[PAGE_HEAD]);
	if (d->snapshot->has & SNAPSHOT_QUERIES)
		draw_queries(d->snapshot, part[PAGE_QUERIES]);
	if (d->snapshot->has & SNAPSHOT_BOOKS)
		draw_totals(d->snapshot, part[PAGE_TOTALS]);
	notes_draw(d->notes, part[PAGE_NOTES]);
}

int screen_draw(const struct snapshot *s, const struct notes *notes)
{
	const struct drawing drawing = {.snapshot = s, .notes = notes};

	return page_redraw(draw, &drawing);
}
