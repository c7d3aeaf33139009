// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "agent/second.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/local.h"
#include "view/json.h"
#include "view/print.h"
#include "view/page.h"
#include "view/text.h"

#define READ (SNAPSHOT_BOOKS | SNAPSHOT_QUERIES | SNAPSHOT_DISTINCT | SNAPSHOT_CENSUS)

/* Says why something fails when that begins, not each second. `said`: 0, or the last reason. */
static void say_once(struct agent *a, const char *what, int code, int *said)
{
	if (code && code != *said)
		notes_warn(&a->notes, "%s: %s", what, strerror(-code));
	*said = code;
}

/* --- The snapshot ------------------------------------------------------------------------- */

static void say_uncounted(struct agent *a, const struct snapshot_query *q)
{
	char what[128];

	snprintf(what, sizeof(what), "distinct counts of query '%s' are left out", q->label.name);
	say_once(a, what, q->distinct_code, &a->second.uncounted[q->place]);
}

/* In the configuration's order, as the queries of the snapshot. */
static void add_reported(struct agent *a, struct snapshot *s)
{
	for (unsigned int q = 0; q < s->query_count; q++) {
		struct snapshot_query *query = &s->query[q];

		query->reported = report_told(&a->report, q, &query->tick, &query->counts);
	}
}

/* Those that are wanted, in the order in which they are named. */
static void add_ports(const struct agent *a, struct snapshot *s)
{
	s->interface_count = 0;
	for (unsigned int i = 0; i < a->ports.count; i++) {
		const struct port *port = &a->ports.port[i];
		struct snapshot_interface *out = &s->interface[s->interface_count++];

		*out = (struct snapshot_interface){
			.hooks = port->hooks,
			.also = links_also(a->ports.place, a->ports.count, i),
		};
		if (port->ifindex)
			continue;
		if (port->left_out) {
			out->state = SNAPSHOT_LEFT_OUT;
			why_set(&out->why, 0, "%s", port->hooks.why);
			continue;
		}
		out->state = SNAPSHOT_ABSENT;
		out->hooks = (struct weir_interface){};
		snprintf(out->hooks.name, sizeof(out->hooks.name), "%s", port->name);
	}
}

static void add_own(struct agent *a, struct snapshot *s)
{
	s->agent = getpid();
	s->uptime_s = (meter_now() - a->second.start_ns) / WEIR_NS_PER_SEC;
	s->evicted = a->turns.events;
	add_ports(a, s);
	s->exporter_count = 0;
	turns_each_exporter(&a->turns, snapshot_add_exporter, s);
	s->reports = a->report.uplink;
	if (s->reports)
		uplink_status(a->report.uplink, &s->report);
	s->has |= SNAPSHOT_INTERFACES_NOW | SNAPSHOT_EXPORTS | SNAPSHOT_AGENT;
}

/* `series`: of the second that ended last; NULL: it is read now. */
static int take(struct agent *a, const struct meter_series *series)
{
	struct snapshot *s = a->second.snapshot;
	const struct snapshot_known known = {
		.label = a->queries.label,
		.place = a->queries.window,
		.query_count = a->config.query_count,
		.series = series,
		.census = turns_census(&a->turns),
	};
	int code = snapshot_read(s, &a->meter, READ, &known);

	for (unsigned int q = 0; q < s->query_count && !code; q++)
		say_uncounted(a, &s->query[q]);
	if (!code)
		add_reported(a, s);
	add_own(a, s);
	return code;
}

/* For clients of the socket: the second that ended last, with exporters and the session as they are
 * now. Where nothing is printed no second is taken, so the first client of one has it taken, and
 * those who ask more often get it again. */
static int write_answer(void *agent, FILE *out)
{
	struct agent *a = agent;
	const struct snapshot *s = a->second.snapshot;
	const __u64 age_ns = clock_unix_ns() - s->time_ns;
	int code = 0;

	if (!s->has || (a->options.quiet && age_ns >= WEIR_NS_PER_SEC))
		code = take(a, NULL);
	else
		add_own(a, a->second.snapshot);
	return code ? code : json_line(json_second(a->second.snapshot), out);
}

/* --- Printing ----------------------------------------------------------------------------- */

/* Without it weir show says less; that is no reason not to measure. */
static void serve(struct agent *a, struct loop *loop)
{
	const struct local_options options = {
		.path = SNAPSHOT_SOCKET,
		.what = "weir run",
		.group = LOCAL_GROUP,
		.patience_ns = LOCAL_PATIENCE_NS,
		.write = write_answer,
		.context = a,
	};
	struct why why = {};

	if (local_serve(loop, &options, &a->second.local, &why))
		notes_warn(&a->notes, "%s", why.text);
}

int second_open(struct agent *a, struct loop *loop)
{
	a->second.start_ns = meter_now();
	a->second.snapshot = snapshot_new();
	if (!a->second.snapshot) {
		log_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	serve(a, loop);
	if (a->options.output == OUTPUT_SCREEN) {
		page_open();
		a->notes.drawn = true;
	}
	return 0;
}

void second_close(struct agent *a)
{
	if (!a->notes.drawn)
		return;
	a->notes.drawn = false;
	page_close();
}

void second_free(struct second *second)
{
	local_end(second->local);
	second->local = NULL;
	free(second->snapshot);
	second->snapshot = NULL;
}

static int print(struct agent *a, bool whole)
{
	const struct snapshot *s = a->second.snapshot;

	if (a->options.output == OUTPUT_SCREEN)
		return screen_draw(s, &a->notes);
	if (!whole)
		return 0;
	if (a->options.output == OUTPUT_JSON)
		return json_line(json_second(s), stdout);
	lines_second(s, stdout);
	return 0;
}

/* Only what is wrong with the output itself is the end. */
int second_print(struct agent *a)
{
	int code = a->series_code;

	if (a->options.quiet)
		return 0;
	if (code) {
		a->second.snapshot->has = 0;
		a->second.snapshot->time_ns = clock_unix_ns();
		add_own(a, a->second.snapshot);
	} else {
		code = take(a, &a->series);
	}
	/* Before the screen is drawn, with the note on it. */
	say_once(a, "the numbers of this moment are left out", code, &a->second.unread);
	code = print(a, !code);
	say_once(a, "nothing can be printed at this moment", code, &a->second.unprinted);
	return fflush(stdout) || ferror(stdout) ? -EIO : 0; /* the reason is said at the end */
}

int second_totals(struct agent *a)
{
	struct snapshot *s = a->second.snapshot;
	int code = s ? snapshot_read(s, &a->meter, SNAPSHOT_BALANCE, NULL) : -ENOMEM;

	if (code)
		return code;
	add_own(a, s);
	if (a->options.flows) { /* standard output is theirs */
		if (!s->balance.holds)
			log_err("%s", text_balance(&s->balance));
	} else if (a->options.output == OUTPUT_JSON) {
		json_line(json_stopped(s), stdout);
	} else {
		lines_stopped(s, stdout);
	}
	fflush(stdout); /* before what is said from now on */
	return s->balance.holds ? 0 : -EIO;
}
