// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* weir show distinct: how many different keys the queries saw, by query and key. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/time_text.h"
#include "cli/show.h"
#include "view/json.h"
#include "view/text.h"

static int print_json(const char *query, int k, const struct distinct_answer *answer)
{
	json_t *line =
		json_pack("{s:o, s:s}", "query", json_text(query), "key", countdown_key_name(k));
	json_t *rest = distinct_json(answer);

	if (line && rest) {
		json_object_update(line, rest);
		json_object_set_new(line, "bytes", json_integer(answer->bytes));
		json_object_set_new(line, "cells", json_integer(answer->cells));
	}
	json_decref(rest);
	return json_line(line, stdout);
}

static void print_text(const char *query, int k, const struct distinct_answer *answer)
{
	char memory[TEXT_MEMORY_BYTES], span[TIME_SPAN_BYTES];
	struct distinct_text text;

	distinct_text(answer, &text);
	printf("%-16s %-5s %-10s %9s %12s  %s\n", query, countdown_key_name(k),
	       time_span(answer->covered_s, answer->window_s, span),
	       text_memory(answer->bytes, memory), text.count, text.error);
}

static int print_query(const struct show *s, __u32 query, const struct weir_label *label)
{
	const __u32 window_s = s->window_s ? s->window_s : label->window_s;
	struct distinct_answers answers;
	int code = distinct_read(&s->meter, query, label, meter_now(), window_s, &answers);

	for (int k = 0; k < WEIR_DISTINCT_MAX && !code; k++) {
		if (!answers.of[k].asked)
			continue;
		if (s->json)
			code = print_json(label->name, k, &answers.of[k]);
		else
			print_text(label->name, k, &answers.of[k]);
	}
	return code;
}

/* Labels of those that are asked for and have vectors, no names of others; *named, *counted: is one
 * asked for at all, has one vectors? */
static int gather(const struct show *s, struct weir_label *labels, bool *named, bool *counted)
{
	*named = *counted = false;
	for (__u32 w = 0; w < WEIR_QUERIES; w++) {
		int code = meter_label(&s->meter, w, &labels[w]);

		if (code)
			return code;
		*named |= show_wants(s, &labels[w]);
		if (!show_wants(s, &labels[w]) || !distinct_has(&s->meter, w))
			labels[w].name[0] = '\0';
		*counted |= labels[w].name[0];
	}
	return 0;
}

/* Is there nothing to print? Then says why; *status is what to exit with. */
static bool refuse(const struct show *s, const struct weir_label *labels, bool named, bool counted,
		   int *status)
{
	*status = CLI_OK;
	if (s->query && !named) {
		log_err("no query is named '%s'", s->query);
		*status = CLI_FAILED;
		return true;
	}
	if (!counted) {
		log_info("%s asks for %sdistinct counts: distinct: [src] under a query in the "
			 "configuration",
			 s->query ? s->query : "no query", s->query ? "no " : "");
		return true;
	}
	for (int w = 0; w < WEIR_QUERIES; w++) {
		if (!labels[w].name[0] || s->window_s <= labels[w].window_s)
			continue;
		*status = options_refuse("show",
					 "--window: %u s is more than the %u s of query '%s'",
					 s->window_s, labels[w].window_s, labels[w].name);
		return true;
	}
	return false;
}

int show_distinct(struct show *s)
{
	struct weir_label labels[WEIR_QUERIES];
	bool named, counted;
	int code = gather(s, labels, &named, &counted), status;

	if (!code && refuse(s, labels, named, counted, &status))
		return status;
	if (!code && !s->json)
		printf("%-16s %-5s %-10s %9s %12s  %s\n", "query", "key", "over", "memory",
		       "distinct", "standard error");
	for (__u32 w = 0; w < WEIR_QUERIES && !code; w++)
		if (labels[w].name[0])
			code = print_query(s, w, &labels[w]);
	if (code)
		log_err("distinct: %s", strerror(-code));
	return code ? CLI_FAILED : CLI_OK;
}
