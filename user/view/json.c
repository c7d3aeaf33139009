// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that read weir read many of its verbs, and each verb that wrote its own JSON had its own
 * names. So what is printed is put together here, from the smallest piece up:
 *
 *   line         schema, end of line
 *   time, text   what they look like, and when they are null
 *   traffic      counts, rates, books
 *   part         an interface, a query, the flows of the cache
 *   whole        a second of weir run, its end, a topic of weir show
 *
 * Parts and wholes read a snapshot. One that has a second reader has its own file: exporting.c,
 * reporting.c, distinct.c, kernel.c, answers.c. A value that cannot be had is NULL, json_pack() makes
 * NULL of what would hold it, and json_line() says -ENOMEM: a line is whole, or it is not printed.
 * tests/e2e/json has the keys of every verb.
 */
#include "view/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time_text.h"
#include "base/counters.h"
#include "view/exporting.h"
#include "view/kernel.h"
#include "view/reporting.h"
#include "view/text.h"

#define STATE_DIGITS 3

/* --- Lines ------------------------------------------------------------------------------- */

/* 16 digits: 0.1 is printed as such. */
int json_line(json_t *object, FILE *out)
{
	json_t *line = object ? json_pack("{s:i}", "weir", JSON_SCHEMA) : NULL;
	int code = -ENOMEM;

	if (line && !json_object_update(line, object)) {
		code = json_dumpf(line, out, JSON_COMPACT | JSON_REAL_PRECISION(16));
		code = code && !ferror(out) ? -ENOMEM : 0;
		putc('\n', out);
	}
	json_decref(line);
	json_decref(object);
	return code;
}

void json_add(json_t **list, json_t *value)
{
	if (!*list) {
		json_decref(value);
	} else if (json_array_append_new(*list, value)) {
		json_decref(*list);
		*list = NULL;
	}
}

/* --- Times and texts --------------------------------------------------------------------- */

json_t *json_time(__u64 unix_ns, unsigned int digits)
{
	char text[TIME_TEXT_BYTES];

	return json_string(time_text(unix_ns, digits, text));
}

json_t *json_time_or_null(__u64 unix_ns, unsigned int digits)
{
	return unix_ns ? json_time(unix_ns, digits) : json_null();
}

json_t *json_ns(__u64 unix_ns)
{
	return unix_ns ? json_integer(unix_ns) : json_null();
}

int json_set_time(json_t *object, const char *name, __u64 unix_ns, unsigned int digits)
{
	char name_ns[64];

	snprintf(name_ns, sizeof(name_ns), "%s_ns", name);
	return json_object_set_new(object, name, json_time_or_null(unix_ns, digits)) ||
			       json_object_set_new(object, name_ns, json_ns(unix_ns))
		       ? -ENOMEM
		       : 0;
}

json_t *json_text_or_null(const char *text)
{
	return text && *text ? json_text(text) : json_null();
}

/* --- Traffic ----------------------------------------------------------------------------- */

json_t *json_counts(const struct weir_count *count)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)count->packets, "bytes",
			 (json_int_t)count->bytes);
}

json_t *json_rates(const struct weir_count *sum, double seconds)
{
	if (!(seconds > 0))
		return json_pack("{s:n, s:n}", "packets_per_second", "bits_per_second");
	return json_pack("{s:f, s:f}", "packets_per_second", sum->packets / seconds,
			 "bits_per_second", 8.0 * sum->bytes / seconds);
}

json_t *json_traffic(__u64 messages, __u64 bytes)
{
	return json_pack("{s:I, s:I}", "messages", (json_int_t)messages, "bytes",
			 (json_int_t)bytes);
}

json_t *json_books(const struct weir_books *books)
{
	json_t *all = json_object();

	for (int c = 0; all && c < WEIR_COUNTER_MAX; c++) {
		if (json_object_set_new(all, counter_names[c].name,
					json_counts(&books->count[c]))) {
			json_decref(all);
			all = NULL;
		}
	}
	return all;
}

/* --- Interfaces and queries -------------------------------------------------------------- */

/* What ladder.c says of that side, "in: PHRASE; out: PHRASE", unless it is the hook's name alone. */
static json_t *side_why(const struct weir_interface *i, bool in, const char *hook)
{
	static const char out_from[] = "; out: ", in_from[] = "in: ";
	char phrase[sizeof(i->why) + 1], *end;
	const char *from = phrase;

	snprintf(phrase, sizeof(phrase), "%.*s", (int)sizeof(i->why), i->why);
	end = strstr(phrase, out_from);
	if (strncmp(phrase, in_from, strlen(in_from)) != 0 || !end)
		return json_text_or_null(phrase);
	if (in) {
		from += strlen(in_from);
		*end = '\0';
	} else {
		from = end + strlen(out_from);
	}
	return strcmp(from, hook) != 0 ? json_text_or_null(from) : json_null();
}

static json_t *side(const struct snapshot_interface *interface, bool in)
{
	const struct weir_interface *i = &interface->hooks;
	const __u8 hook = in ? i->in : i->out;
	const char *name = text_hook(hook);

	if (interface->state != SNAPSHOT_ATTACHED && interface->state != SNAPSHOT_FORESEEN)
		return json_pack("{s:n, s:n}", "hook", "why");
	return json_pack("{s:s?, s:o}", "hook", hook == WEIR_HOOK_NONE ? NULL : name, "why",
			 side_why(i, in, name));
}

static json_t *twice(const struct snapshot *s, unsigned int interface)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < s->interface_count; i++)
		if (snapshot_twice(s, interface, i))
			json_add(&list, json_text(s->interface[i].hooks.name));
	return list;
}

json_t *json_interface(const struct snapshot *s, unsigned int interface)
{
	const struct snapshot_interface *i = &s->interface[interface];

	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "name", json_text(i->hooks.name),
			 "ifindex", i->hooks.ifindex ? json_integer(i->hooks.ifindex) : json_null(),
			 "state", snapshot_states[i->state], "why", json_text_or_null(i->why.text),
			 "ingress", side(i, true), "egress", side(i, false), "counted_twice_with",
			 twice(s, interface));
}

json_t *json_query(const struct snapshot_query *q)
{
	const struct weir_label *label = &q->label;
	const double covered_s = distinct_seconds(q->rate.covered_ns);
	char measure[TEXT_MEASURE_BYTES];

	return json_pack("{s:o, s:o, s:s, s:i, s:o, s:o, s:o, s:o}", "query",
			 json_text(label->name), "match", json_text(label->match), "measure",
			 text_measure(label, measure), "window_s", (int)q->window_s, "covered_s",
			 json_seconds(covered_s), "last", json_rates(&q->rate.last, q->rate.whole),
			 "average", json_rates(&q->rate.window, covered_s), "distinct",
			 distinct_answers_json(&q->distinct));
}

/* What was sent to the coordinator, so that its answers can be checked. */
static json_t *reported(const struct snapshot_query *q)
{
	const __u64 as_of_ns = q->tick * WEIR_NS_PER_SEC;

	if (!q->reported)
		return json_null();
	return json_pack("{s:o, s:o, s:I}", "as_of", json_time(as_of_ns, 0), "as_of_ns",
			 json_ns(as_of_ns), "value", (json_int_t)q->counts);
}

static json_t *second_query(const struct snapshot_query *q)
{
	json_t *query = json_query(q);

	if (query && json_object_set_new(query, "reported", reported(q))) {
		json_decref(query);
		query = NULL;
	}
	return query;
}

/* --- Sections of a snapshot -------------------------------------------------------------- */

json_t *json_interfaces(const struct snapshot *s)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < s->interface_count; i++)
		json_add(&list, json_interface(s, i));
	return list;
}

static json_t *number_if(bool known, __u64 number)
{
	return known ? json_integer(number) : json_null();
}

json_t *json_flows(const struct snapshot *s)
{
	const bool census = s->has & SNAPSHOT_CENSUS;

	return json_pack("{s:o, s:o, s:o, s:o}", "live", number_if(census, s->census.live),
			 "resident", number_if(census, s->census.resident), "capacity",
			 number_if(s->capacity, s->capacity), "evicted",
			 number_if(s->has & SNAPSHOT_AGENT, s->evicted));
}

json_t *json_vectors(const struct snapshot *s)
{
	return json_pack("{s:i, s:I}", "count", (int)s->vectors, "bytes",
			 (json_int_t)s->vector_bytes);
}

json_t *json_exporters(const struct snapshot *s)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < s->exporter_count; i++)
		json_add(&list, exporting_json(&s->exporter[i]));
	return list;
}

json_t *json_reporting(const struct snapshot *s)
{
	return s->reports ? reporting_json(&s->report) : json_null();
}

/* --- Whole lines ------------------------------------------------------------------------- */

json_t *json_second(const struct snapshot *s)
{
	const bool books = s->has & SNAPSHOT_BOOKS;
	json_t *queries = s->has & SNAPSHOT_QUERIES ? json_array() : NULL;

	for (unsigned int q = 0; queries && q < s->query_count; q++)
		json_add(&queries, second_query(&s->query[q]));
	return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:o?, s:o, s:o}", "time",
			 json_time(s->time_ns, STATE_DIGITS), "time_ns", json_ns(s->time_ns),
			 "uptime_s", (json_int_t)s->uptime_s, "interfaces", json_interfaces(s),
			 "exporters", json_exporters(s), "report", json_reporting(s), "queries",
			 queries, "counters", books ? json_books(&s->books) : json_null(), "flows",
			 json_flows(s));
}

json_t *json_stopped(const struct snapshot *s)
{
	const struct meter_balance *b = &s->balance;

	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:I, s:b}", "stopped", 1, "exporters",
			 json_exporters(s), "seen", json_counts(&b->seen_after), "counters",
			 json_books(&b->books), "cached", json_counts(&b->resident), "flow_count",
			 (json_int_t)b->flows, "conserved", (int)b->holds);
}

static json_t *timeouts(const struct weir_timeouts *t)
{
	return json_pack("{s:f, s:f, s:f}", "idle_s", t->idle_ns / 1e9, "active_s",
			 t->active_ns / 1e9, "closed_s", t->closed_ns / 1e9);
}

/* Of what is loaded, running or not; its tables are not known where the kernel takes none. */
static json_t *machine(const struct snapshot *s, bool pinned)
{
	const bool tables = s->has & SNAPSHOT_TABLES;

	return json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:s?, s:o, s:o, s:o}",
			 "time", json_time(s->time_ns, STATE_DIGITS), "time_ns",
			 json_ns(s->time_ns), "pinned", (int)pinned, "agent",
			 number_if(s->agent, s->agent), "flows", json_flows(s), "timeouts",
			 tables ? timeouts(&s->timeouts) : json_null(), "cpus",
			 number_if(tables, s->cpus), "query_count",
			 number_if(tables, s->query_count), "term_count",
			 number_if(tables, s->terms), "tunnels",
			 !tables    ? NULL
			 : s->inner ? "inner"
				    : "outer",
			 "vectors", tables ? json_vectors(s) : json_null(), "interfaces",
			 json_interfaces(s), "kernel", kernel_json(&s->kernel));
}

/* `object` with the members of `more`; both are taken. */
static json_t *joined(json_t *object, json_t *more)
{
	if (!object || !more || json_object_update(object, more)) {
		json_decref(object);
		object = NULL;
	}
	json_decref(more);
	return object;
}

json_t *json_status(const struct snapshot *s)
{
	return joined(machine(s, true),
		      json_pack("{s:o, s:o, s:o}", "uptime_s",
				number_if(s->has & SNAPSHOT_AGENT, s->uptime_s), "exporters",
				json_exporters(s), "report", json_reporting(s)));
}

json_t *json_check(const struct snapshot *s, const struct check_facts *facts)
{
	return joined(machine(s, facts->pinned),
		      json_pack("{s:o, s:o}", "config", json_text_or_null(facts->config), "refused",
				json_text_or_null(facts->refused)));
}

json_t *json_losses(const struct snapshot *s)
{
	const struct meter_balance *b = &s->balance;

	return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:b, s:b}", "seen",
			 json_counts(&b->seen_after), "cached", json_counts(&b->resident),
			 "flow_count", (json_int_t)b->flows, "counters", json_books(&b->books),
			 "at_least", json_counts(&b->low), "at_most", json_counts(&b->high),
			 "exporters", json_exporters(s), "exact", (int)b->quiet, "conserved",
			 (int)b->holds);
}

/* --- What was said ----------------------------------------------------------------------- */

__u64 json_number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *json_text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}
