// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/reporting.h"

#include <string.h>

#include "view/json.h"
#include "view/text.h"

static const char *const phases[UPLINK_PHASES] = {"down", "up", "refused"};

const char *reporting_phase_text(const struct uplink_status *s)
{
	return phases[s->phase];
}

void reporting_text(const struct uplink_status *s, FILE *out, const char *end)
{
	char date[TEXT_TIME_BYTES];

	fprintf(out, "%s: %s since %s", s->address, reporting_phase_text(s),
		text_date(s->since_ns / WEIR_NS_PER_SEC, date));
	if (s->phase == UPLINK_UP)
		fprintf(out, ", host %llu%s%s%s (%s)", s->host, *s->name ? " of '" : "", s->name,
			*s->name ? "'" : "", interval_methods[s->method].word);
	else if (s->why.text[0])
		fprintf(out, ": %s", s->why.text);
	if (s->refused_count)
		fprintf(out, "; %u quer%s refused", s->refused_count,
			s->refused_count == 1 ? "y" : "ies");
	fprintf(out, "; %llu updates in %llu ticks, %llu grants, %llu bytes sent, %llu received%s",
		s->updates, s->ticks, s->grants, s->sent_bytes, s->read_bytes, end);
}

void reporting_refused(const struct uplink_status *s, const char *lead, FILE *out)
{
	for (unsigned int i = 0; i < s->refused_count; i++)
		fprintf(out, "%s%s\n", lead, s->refused[i].why);
}

static json_t *refused_json(const struct uplink_status *s)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < s->refused_count; i++)
		json_add(&list, json_pack("{s:o, s:o}", "query", json_text(s->refused[i].query),
					  "why", json_text(s->refused[i].why)));
	return list;
}

json_t *reporting_json(const struct uplink_status *s)
{
	const bool up = s->phase == UPLINK_UP;
	const __u64 as_of_ns = s->tick > 0 ? s->tick * WEIR_NS_PER_SEC : 0;

	return json_pack(
		"{s:o, s:I, s:s, s:o, s:o, s:o, s:s?, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
		"to", json_text(s->address), "host", (json_int_t)s->host, "state",
		reporting_phase_text(s), "since", json_time_or_null(s->since_ns, 3), "since_ns",
		json_ns(s->since_ns), "coordinator", json_text_or_null(up ? s->name : NULL),
		"method", up ? interval_methods[s->method].word : NULL, "why",
		json_text_or_null(up ? NULL : s->why.text), "refused_queries", refused_json(s),
		"sessions", (json_int_t)s->sessions, "updates", (json_int_t)s->updates, "ticks",
		(json_int_t)s->ticks, "grants", (json_int_t)s->grants, "received",
		json_traffic(s->read_messages, s->read_bytes), "sent",
		json_traffic(s->sent_messages, s->sent_bytes), "as_of",
		json_time_or_null(as_of_ns, 0), "as_of_ns", json_ns(as_of_ns));
}

static __u64 phase_of(const char *text)
{
	for (__u64 i = 0; i < UPLINK_PHASES; i++)
		if (!strcmp(phases[i], text))
			return i;
	return UPLINK_DOWN;
}

static __u64 method_of(const char *text)
{
	for (__u64 i = 0; i < INTERVAL_METHODS; i++)
		if (!strcmp(interval_methods[i].word, text))
			return i;
	return INTERVAL_AUTO;
}

static void read_refused(const json_t *list, struct uplink_status *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (i == SOURCE_QUERIES)
			return;
		snprintf(out->refused[i].query, sizeof(out->refused[i].query), "%s",
			 json_text_of(one, "query"));
		snprintf(out->refused[i].why, sizeof(out->refused[i].why), "%s",
			 json_text_of(one, "why"));
		out->refused_count++;
	}
}

bool reporting_read(const json_t *json, struct uplink_status *out)
{
	const json_t *sent = json_object_get(json, "sent");
	const json_t *received = json_object_get(json, "received");
	const char *to = json_text_of(json, "to");

	*out = (struct uplink_status){
		.phase = phase_of(json_text_of(json, "state")),
		.since_ns = json_number_of(json, "since_ns"),
		.method = method_of(json_text_of(json, "method")),
		.host = json_number_of(json, "host"),
		.sessions = json_number_of(json, "sessions"),
		.updates = json_number_of(json, "updates"),
		.ticks = json_number_of(json, "ticks"),
		.grants = json_number_of(json, "grants"),
		.sent_messages = json_number_of(sent, "messages"),
		.sent_bytes = json_number_of(sent, "bytes"),
		.read_messages = json_number_of(received, "messages"),
		.read_bytes = json_number_of(received, "bytes"),
		.tick = json_number_of(json, "as_of_ns") / WEIR_NS_PER_SEC,
	};
	snprintf(out->address, sizeof(out->address), "%s", to);
	snprintf(out->name, sizeof(out->name), "%s", json_text_of(json, "coordinator"));
	snprintf(out->why.text, sizeof(out->why.text), "%s", json_text_of(json, "why"));
	read_refused(json_object_get(json, "refused_queries"), out);
	return *to;
}
