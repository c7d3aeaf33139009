// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "base/time_text.h"
#include "view/text.h"

/* --- Lines ------------------------------------------------------------------------------- */

/* 16 digits: 0.1 is printed as such. */
int json_line(json_t *object, FILE *out)
{
	json_t *line = object ? json_pack("{s:i}", "weir", JSON_SCHEMA) : NULL;
	int code = -ENOMEM;

	if (line && !json_object_update(line, object)) {
		code = json_dumpf(line, out, JSON_COMPACT | JSON_REAL_PRECISION(16));
		code = code || putc('\n', out) == EOF ? -EIO : 0;
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

int json_set_time(json_t *object, const char *name, __u64 unix_ns, unsigned int digits)
{
	char name_ns[64];

	snprintf(name_ns, sizeof(name_ns), "%s_ns", name);
	return json_object_set_new(object, name, json_time_or_null(unix_ns, digits)) ||
			       json_object_set_new(object, name_ns,
						   unix_ns ? json_integer(unix_ns) : json_null())
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

json_t *json_interface(const struct weir_interface *interface)
{
	return json_pack("{s:o, s:i, s:s, s:s, s:s, s:b}", "name", json_text(interface->name),
			 "ifindex", (int)interface->ifindex, "in", text_hook(interface->in), "out",
			 text_hook(interface->out), "why", interface->why, "gone",
			 (int)interface->gone);
}

json_t *json_query(const struct weir_label *label, const struct meter_rate *rate,
		   const struct distinct_answers *answers, unsigned int window_s)
{
	char measure[TEXT_MEASURE_BYTES];

	return json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "name", label->name, "match",
			 label->match, "measure", text_measure(label, measure), "window",
			 (int)window_s, "last", json_rates(&rate->last, 1), "average",
			 json_rates(&rate->window, window_s), "distinct",
			 distinct_answers_json(answers));
}
