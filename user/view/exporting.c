// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/exporting.h"

#include <string.h>

#include "view/json.h"
#include "view/text.h"

#define DIGITS 3
#define UNREADABLE "unreadable"

void exporting_text(const struct snapshot_exporter *exporter, FILE *out, const char *end)
{
	const struct exporter_state *s = &exporter->state;
	char date[TEXT_TIME_BYTES];

	if (exporter->unreadable.text[0]) {
		fprintf(out, "%s%s", exporter->unreadable.text, end);
		return;
	}
	fprintf(out, "%s: %s, sent %llu flows in %llu messages, queued %llu, dropped %llu", s->to,
		exporter_phase_text(s->phase), s->sent.records, s->messages, s->queued.records,
		s->dropped.records);
	if (s->unencodable.records)
		fprintf(out, ", not exportable %llu", s->unencodable.records);
	if (s->error[0])
		fprintf(out, "; last error, %s: %s", text_date(s->error_ns / WEIR_NS_PER_SEC, date),
			s->error);
	fputs(end, out);
}

static json_t *fate_json(const struct queue_count *count)
{
	return json_pack("{s:I, s:I, s:I}", "flow_count", (json_int_t)count->records, "packets",
			 (json_int_t)count->packets, "bytes", (json_int_t)count->bytes);
}

json_t *exporting_json(const struct snapshot_exporter *exporter)
{
	const struct exporter_state *s = &exporter->state;

	if (exporter->unreadable.text[0])
		return json_pack(
			"{s:n, s:s, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:o, s:n, "
			"s:n}",
			"to", "state", UNREADABLE, "since", "since_ns", "sent", "exported",
			"queued", "dropped", "not_exportable", "resent", "errors", "last_error",
			json_text(exporter->unreadable.text), "last_error_time",
			"last_error_time_ns");
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o}",
			 "to", json_text(s->to), "state", exporter_phase_text(s->phase), "since",
			 json_time_or_null(s->since_ns, DIGITS), "since_ns", json_ns(s->since_ns),
			 "sent", json_traffic(s->messages, s->wire_bytes), "exported",
			 fate_json(&s->sent), "queued", fate_json(&s->queued), "dropped",
			 fate_json(&s->dropped), "not_exportable", fate_json(&s->unencodable),
			 "resent", (json_int_t)s->resent, "errors", (json_int_t)s->errors,
			 "last_error", json_text_or_null(s->error), "last_error_time",
			 json_time_or_null(s->error_ns, DIGITS), "last_error_time_ns",
			 json_ns(s->error_ns));
}

static void read_fate(const json_t *json, const char *name, struct queue_count *out)
{
	const json_t *count = json_object_get(json, name);

	out->records = json_number_of(count, "flow_count");
	out->packets = json_number_of(count, "packets");
	out->bytes = json_number_of(count, "bytes");
}

bool exporting_read(const json_t *json, struct snapshot_exporter *out)
{
	const char *to = json_text_of(json, "to"), *phase = json_text_of(json, "state");
	const json_t *sent = json_object_get(json, "sent");
	struct exporter_state *s = &out->state;

	*out = (struct snapshot_exporter){};
	if (!strcmp(phase, UNREADABLE)) {
		why_set(&out->unreadable, 0, "%s", json_text_of(json, "last_error"));
		return true;
	}
	while (s->phase < QUEUE_CLOSED && strcmp(phase, exporter_phase_text(s->phase)) != 0)
		s->phase++;
	snprintf(s->to, sizeof(s->to), "%s", to);
	s->since_ns = json_number_of(json, "since_ns");
	s->messages = json_number_of(sent, "messages");
	s->wire_bytes = json_number_of(sent, "bytes");
	read_fate(json, "exported", &s->sent);
	read_fate(json, "queued", &s->queued);
	read_fate(json, "dropped", &s->dropped);
	read_fate(json, "not_exportable", &s->unencodable);
	s->resent = json_number_of(json, "resent");
	s->errors = json_number_of(json, "errors");
	s->error_ns = json_number_of(json, "last_error_time_ns");
	snprintf(s->error, sizeof(s->error), "%s", json_text_of(json, "last_error"));
	return *to;
}
