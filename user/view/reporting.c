// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/reporting.h"

#include "view/text.h"

const char *reporting_phase_text(const struct uplink_status *s)
{
	static const char *const texts[UPLINK_PHASES] = {"down", "up", "refused"};

	return texts[s->phase];
}

void reporting_text(const struct uplink_status *s, FILE *out, const char *end)
{
	char date[TEXT_TIME_BYTES];

	fprintf(out, "%s: %s since %s", s->address, reporting_phase_text(s),
		text_date(s->since_ns / WEIR_NS_PER_SEC, date));
	if (s->phase == UPLINK_UP)
		fprintf(out, ", host %llu%s%s%s (%s)", s->host, *s->name ? " of '" : "", s->name,
			*s->name ? "'" : "", interval_methods[s->method].word);
	else if (s->why[0])
		fprintf(out, ": %s", s->why);
	fprintf(out, "; %llu updates in %llu ticks, %llu grants, %llu bytes sent, %llu received%s",
		s->updates, s->ticks, s->grants, s->sent_bytes, s->read_bytes, end);
}

json_t *reporting_json(const struct uplink_status *s)
{
	const bool up = s->phase == UPLINK_UP;

	return json_pack(
		"{s:s, s:I, s:s, s:f, s:s?, s:s?, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"address", s->address, "host", (json_int_t)s->host, "state",
		reporting_phase_text(s), "since", (double)s->since_ns / WEIR_NS_PER_SEC, "name",
		up && *s->name ? s->name : NULL, "method",
		up ? interval_methods[s->method].word : NULL, "why",
		up || !s->why[0] ? NULL : s->why, "sessions", (json_int_t)s->sessions, "updates",
		(json_int_t)s->updates, "ticks", (json_int_t)s->ticks, "grants",
		(json_int_t)s->grants, "sent_bytes", (json_int_t)s->sent_bytes, "read_bytes",
		(json_int_t)s->read_bytes, "last_tick", (json_int_t)s->tick);
}
