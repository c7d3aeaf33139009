// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/local.h"
#include "view/exporting.h"
#include "view/json.h"
#include "view/reporting.h"

const char *const snapshot_states[SNAPSHOT_STATES] = {
	[SNAPSHOT_ATTACHED] = "attached", [SNAPSHOT_DETACHED] = "detached",
	[SNAPSHOT_GONE] = "gone",         [SNAPSHOT_ABSENT] = "absent",
	[SNAPSHOT_FORESEEN] = "foreseen", [SNAPSHOT_REFUSED] = "refused",
	[SNAPSHOT_LEFT_OUT] = "left_out",
};

struct snapshot *snapshot_new(void)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s)
		s->time_ns = clock_unix_ns();
	return s;
}

/* --- Queries ------------------------------------------------------------------------------- */

/* Labels by place; reading each is a system call. */
static int read_labels(const struct meter *m, struct weir_label *labels)
{
	int code = 0;

	for (__u32 place = 0; place < WEIR_QUERIES && !code; place++)
		code = meter_label(m, place, &labels[place]);
	return code;
}

static int read_rates(const struct meter *m, const struct snapshot_known *known,
		      const struct meter_span *spans, struct meter_rate *rates)
{
	if (!known->series)
		return meter_rates(m, meter_now(), spans, rates);
	meter_series_rates(known->series, spans, rates);
	return 0;
}

static void add_query(struct snapshot *s, __u32 place, const struct weir_label *label,
		      const struct meter_rate *rate, __u32 window_s)
{
	struct snapshot_query *q = &s->query[s->query_count++];

	q->place = place;
	q->label = *label;
	q->window_s = window_s;
	q->rate = *rate;
	q->reported = false;
	q->distinct_code = 0;
	memset(&q->distinct, 0, sizeof(q->distinct));
}

static void read_distinct(struct snapshot *s, const struct meter *m, __u64 now_ns)
{
	for (unsigned int i = 0; i < s->query_count; i++) {
		struct snapshot_query *q = &s->query[i];

		if (distinct_has(m, q->place))
			q->distinct_code = distinct_read(m, q->place, &q->label, now_ns,
							 q->window_s, &q->distinct);
	}
}

static int read_queries(struct snapshot *s, const struct meter *m,
			const struct snapshot_known *known)
{
	struct weir_label *own = known->label ? NULL : calloc(WEIR_QUERIES, sizeof(*own));
	const struct weir_label *labels = known->label ? known->label : own;
	const unsigned int count = known->place ? known->query_count : WEIR_QUERIES;
	struct meter_rate rates[WEIR_QUERIES];
	struct meter_span spans[WEIR_QUERIES];
	int code = labels ? 0 : -ENOMEM;

	if (!code && own)
		code = read_labels(m, own);
	for (int place = 0; place < WEIR_QUERIES && !code; place++)
		spans[place] = (struct meter_span){
			.window_s = known->window_s ? known->window_s : labels[place].window_s,
			.since_ns = labels[place].since_ns,
		};
	code = code ? code : read_rates(m, known, spans, rates);
	s->query_count = 0;
	for (unsigned int i = 0; i < count && !code; i++) {
		const __u32 place = known->place ? known->place[i] : i;

		if (labels[place].name[0])
			add_query(s, place, &labels[place], &rates[place], spans[place].window_s);
	}
	free(own);
	return code;
}

/* --- Books and interfaces ------------------------------------------------------------------ */

static struct weir_count per_second(const struct weir_count *now, const struct weir_count *then,
				    double seconds)
{
	return (struct weir_count){
		.packets = (now->packets - then->packets) / seconds + 0.5,
		.bytes = (now->bytes - then->bytes) / seconds + 0.5,
	};
}

static int read_books(struct snapshot *s, const struct meter *m)
{
	const struct weir_books before = s->books;
	const __u64 now_ns = meter_now(), before_ns = s->books_ns;
	const double seconds = (double)(now_ns - before_ns) / WEIR_NS_PER_SEC;
	int code = meter_books(m, WEIR_INTERFACES, &s->books);

	if (code)
		return code;
	s->books_ns = now_ns;
	s->seen_in = s->seen_out = (struct weir_count){};
	if (!before_ns || now_ns <= before_ns)
		return 0;
	s->seen_in =
		per_second(&s->books.count[WEIR_SEEN_IN], &before.count[WEIR_SEEN_IN], seconds);
	s->seen_out =
		per_second(&s->books.count[WEIR_SEEN_OUT], &before.count[WEIR_SEEN_OUT], seconds);
	return 0;
}

static enum snapshot_state state_of(const struct weir_interface *i)
{
	if (i->gone)
		return SNAPSHOT_GONE;
	if (i->left_out)
		return SNAPSHOT_LEFT_OUT;
	return i->in || i->out || i->why[0] ? SNAPSHOT_ATTACHED : SNAPSHOT_DETACHED;
}

static int read_interfaces(struct snapshot *s, const struct meter *m, bool with_books)
{
	s->interface_count = 0;
	for (__u32 account = 1; account < WEIR_INTERFACES; account++) {
		struct snapshot_interface *i = &s->interface[s->interface_count];
		int code;

		if (meter_interface(m, account, &i->hooks) || !i->hooks.ifindex ||
		    (i->hooks.gone && !with_books))
			continue;
		i->state = state_of(&i->hooks);
		i->also = (struct link_set){};
		why_set(&i->why, 0, "%s", i->state == SNAPSHOT_LEFT_OUT ? i->hooks.why : "");
		code = with_books ? meter_books(m, account, &i->books) : 0;
		if (code)
			return code;
		s->interface_count++;
	}
	return 0;
}

/* As the links are now; if they cannot be read, nothing is known to be counted twice. */
static void find_twice(struct snapshot *s, bool inner)
{
	struct link_place place[SNAPSHOT_INTERFACES];
	__u32 ifindex[SNAPSHOT_INTERFACES];
	struct links links = {};

	for (unsigned int i = 0; i < s->interface_count; i++)
		ifindex[i] = s->interface[i].state == SNAPSHOT_ATTACHED
				     ? s->interface[i].hooks.ifindex
				     : 0;
	if (!links_read(&links) &&
	    !links_place(&links, ifindex, s->interface_count, inner, place)) {
		for (unsigned int i = 0; i < s->interface_count; i++)
			s->interface[i].also = links_also(place, s->interface_count, i);
	}
	links_free(&links);
}

static bool counts(const struct snapshot_interface *i)
{
	return i->state == SNAPSHOT_ATTACHED || i->state == SNAPSHOT_FORESEEN;
}

bool snapshot_twice(const struct snapshot *s, unsigned int interface, unsigned int other)
{
	const struct snapshot_interface *a = &s->interface[interface], *b = &s->interface[other];

	return link_set_has(&a->also, other) && counts(a) && counts(b);
}

/* --- The whole ----------------------------------------------------------------------------- */

static void read_tables(struct snapshot *s, const struct meter *m)
{
	const struct weir_tables *t = meter_tables(m);

	s->cpus = m->cpus;
	s->terms = t->terms;
	s->inner = t->inner;
	s->timeouts = t->timeouts;
	s->vector_bytes = meter_vector_bytes(m, distinct_slabs(m, &s->vectors));
}

static int read_parts(struct snapshot *s, const struct meter *m, unsigned int parts,
		      const struct snapshot_known *known)
{
	int code = 0;

	if (parts & (SNAPSHOT_QUERIES | SNAPSHOT_DISTINCT))
		code = read_queries(s, m, known);
	if (!code && parts & SNAPSHOT_DISTINCT)
		read_distinct(s, m, known->now_ns ? *known->now_ns : meter_now());
	if (!code && parts & SNAPSHOT_BOOKS)
		code = read_books(s, m);
	if (!code && parts & (SNAPSHOT_INTERFACES_NOW | SNAPSHOT_INTERFACE_BOOKS))
		code = read_interfaces(s, m, parts & SNAPSHOT_INTERFACE_BOOKS);
	if (!code && parts & (SNAPSHOT_INTERFACES_NOW | SNAPSHOT_INTERFACE_BOOKS))
		find_twice(s, meter_tables(m)->inner);
	if (!code && parts & SNAPSHOT_BALANCE)
		code = meter_balance(m, &s->balance);
	if (code)
		return code;
	s->capacity = (__u64)m->sets * WEIR_WAYS;
	if (parts & SNAPSHOT_CENSUS)
		s->census = known->census ? *known->census
					  : meter_census(m, &meter_tables(m)->timeouts);
	if (parts & SNAPSHOT_TABLES)
		read_tables(s, m);
	if (parts & SNAPSHOT_KERNEL)
		meter_probe(m, &s->kernel);
	return 0;
}

int snapshot_read(struct snapshot *s, const struct meter *m, unsigned int parts,
		  const struct snapshot_known *known)
{
	static const struct snapshot_known nothing;
	int code;

	s->time_ns = clock_unix_ns();
	code = read_parts(s, m, parts, known ? known : &nothing);
	s->has = code ? 0 : parts;
	return code;
}

/* --- Exporters ----------------------------------------------------------------------------- */

static bool has_exporter(const struct snapshot *s, const char *to)
{
	for (unsigned int i = 0; i < s->exporter_count; i++) {
		if (!strcmp(s->exporter[i].state.to, to))
			return true;
	}
	return false;
}

static void add_exporter(void *context, const struct exporter_state *state, const char *why)
{
	struct snapshot *s = context;
	struct snapshot_exporter *e = &s->exporter[s->exporter_count];

	if (s->exporter_count == SNAPSHOT_EXPORTERS || (state && has_exporter(s, state->to)))
		return;
	*e = (struct snapshot_exporter){};
	if (state)
		e->state = *state;
	else
		why_set(&e->unreadable, 0, "%s", why ? why : "unreadable");
	s->exporter_count++;
}

void snapshot_add_exporter(void *snapshot, const struct exporter_state *state)
{
	add_exporter(snapshot, state, NULL);
}

void snapshot_exporters(struct snapshot *s, const char *folder)
{
	exporter_states(folder, add_exporter, s);
	s->has |= SNAPSHOT_EXPORTS;
}

/* --- The agent ----------------------------------------------------------------------------- */

#define PATIENCE_NS (2 * WEIR_NS_PER_SEC) /* it answers between two turns */

static bool take_said(struct snapshot *s, const json_t *said)
{
	const json_t *list = json_object_get(said, "exporters");
	const json_t *report = json_object_get(said, "report");
	const json_t *exporter;
	size_t i;

	if (json_number_of(said, "weir") != JSON_SCHEMA || !json_is_array(list))
		return false;
	s->uptime_s = json_number_of(said, "uptime_s");
	s->evicted = json_number_of(json_object_get(said, "flows"), "evicted");
	s->reports = json_is_object(report) && reporting_read(report, &s->report);
	s->exporter_count = 0;
	json_array_foreach(list, i, exporter) {
		if (i < SNAPSHOT_EXPORTERS &&
		    exporting_read(exporter, &s->exporter[s->exporter_count]))
			s->exporter_count++;
	}
	s->has |= SNAPSHOT_EXPORTS | SNAPSHOT_AGENT;
	return true;
}

int snapshot_ask(struct snapshot *s, const char *path, struct why *why)
{
	char *text = NULL;
	size_t size;
	int code = local_ask(path, PATIENCE_NS, &text, &size, why);
	json_t *said = code ? NULL : json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);

	if (!code && !size)
		code = why_set(why, -EBADMSG,
			       "%s: gives no answer: only root and its group may ask", path);
	else if (!code && !take_said(s, said))
		code = why_set(why, -EBADMSG, "%s: that is no weir run of this version", path);
	json_decref(said);
	free(text);
	return code;
}
