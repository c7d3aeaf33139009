// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/distinct.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/json_text.h"
#include "base/time_text.h"

bool distinct_has(const struct meter *m, __u32 query)
{
	const struct weir_vector *vector = meter_tables(m)->vector[query];

	for (int k = 0; k < WEIR_DISTINCT_MAX; k++)
		if (vector[k].slabs)
			return true;
	return false;
}

__u32 distinct_slabs(const struct meter *m, unsigned int *vectors)
{
	const struct weir_tables *tables = meter_tables(m);
	__u32 slabs = 0;

	*vectors = 0;
	for (int q = 0; q < WEIR_QUERIES; q++) {
		for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
			*vectors += tables->vector[q][k].slabs != 0;
			slabs += tables->vector[q][k].slabs;
		}
	}
	return slabs;
}

int distinct_read(const struct meter *m, __u32 query, const struct weir_label *label, __u64 now_ns,
		  __u32 window_s, struct distinct_answers *out)
{
	const __u32 own_s = window_s < label->window_s ? window_s : label->window_s;
	struct distinct_answers answers = {};

	for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
		struct meter_distinct d;
		int code = meter_distinct(m, query, k, now_ns, label->since_ns,
					  own_s * WEIR_NS_PER_SEC, &d);

		if (code == -ENOENT)
			continue;
		if (code)
			return code;
		answers.of[k] = (struct distinct_answer){
			.asked = true,
			.estimate = d.keys,
			.wanted_s = window_s,
			.window_s = own_s,
			.covered_s = distinct_seconds(d.covered_ns),
			.bytes = d.bytes,
			.cells = (__u64)d.slabs * WEIR_SLAB_LINES * WEIR_CELLS,
		};
	}
	*out = answers;
	return 0;
}

unsigned int distinct_of(const struct weir_label *label)
{
	return label->measure == WEIR_MEASURE_DISTINCT && label->distinct < WEIR_DISTINCT_MAX
		       ? label->distinct
		       : WEIR_DISTINCT_MAX;
}

/* --- For people ------------------------------------------------------------------------ */

/* Two digits of small numbers, all of large ones. */
static int decimals(double value)
{
	return value < 0.995 ? 2 : value < 9.95;
}

/* For few keys the count has one digit, and the error no more than that. */
static int few_decimals(double error)
{
	return error < 0.005 ? 0 : error < 0.095 ? 2 : error < 9.95;
}

static void print_error(const struct countdown_estimate *e, char *out, size_t size)
{
	const double percent = 100 * e->error / e->count;

	snprintf(out, size, "± %.*f (%.*f %%)", decimals(e->error), e->error, decimals(percent),
		 percent);
}

void distinct_text(const struct distinct_answer *answer, struct distinct_text *out)
{
	const struct countdown_estimate *e = &answer->estimate;

	char span[TIME_SPAN_BYTES];

	memset(out, 0, sizeof(*out));
	snprintf(out->count, sizeof(out->count), "%s%.0f", e->saturated ? ">= " : "", e->count);
	if (e->saturated)
		snprintf(out->error, sizeof(out->error), "saturated");
	else if (e->count < 9.5)
		snprintf(out->error, sizeof(out->error), "± %.*f", few_decimals(e->error),
			 e->error);
	else
		print_error(e, out->error, sizeof(out->error));
	if (answer->wanted_s > answer->window_s || answer->covered_s < answer->window_s)
		snprintf(out->over, sizeof(out->over), "over %s",
			 time_span(answer->covered_s, answer->window_s, span));
}

int distinct_columns(const char *text)
{
	int columns = 0;

	for (; *text; text++)
		columns += (*text & 0xc0) != 0x80; /* UTF-8 goes on */
	return columns;
}

const char *distinct_measure(const struct weir_label *label, const struct distinct_answers *answers,
			     int columns, char out[DISTINCT_MEASURE_BYTES])
{
	const unsigned int k = distinct_of(label);
	char words[DISTINCT_MEASURE_BYTES];
	struct distinct_text text;

	out[0] = '\0';
	if (k == WEIR_DISTINCT_MAX || !answers->of[k].asked)
		return out;
	distinct_text(&answers->of[k], &text);
	snprintf(words, sizeof(words), "%s %s %s", text.count, countdown_key_name(k), text.error);
	snprintf(out, DISTINCT_MEASURE_BYTES, "%*s",
		 columns + (int)strlen(words) - distinct_columns(words), words);
	return out;
}

void distinct_lines(const struct distinct_answers *answers, unsigned int skip, int column,
		    const char *end, FILE *out)
{
	for (unsigned int k = 0; k < WEIR_DISTINCT_MAX; k++) {
		struct distinct_text text;

		if (!answers->of[k].asked || k == skip)
			continue;
		distinct_text(&answers->of[k], &text);
		fprintf(out, "  distinct %-5s %*s %s%s%s%s", countdown_key_name(k), column - 17,
			text.count, text.error, text.over[0] ? ", " : "", text.over, end);
	}
}

void distinct_append(const struct distinct_answers *answers, FILE *out)
{
	for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
		struct distinct_text text;

		if (!answers->of[k].asked)
			continue;
		distinct_text(&answers->of[k], &text);
		fprintf(out, "; %s %s %s%s%s", text.count, countdown_key_name(k), text.error,
			text.over[0] ? ", " : "", text.over);
	}
}

/* --- For programs ---------------------------------------------------------------------- */

json_t *distinct_json(const struct distinct_answer *answer)
{
	const struct countdown_estimate *e = &answer->estimate;

	return json_pack("{s:i, s:o, s:I, s:o, s:b}", "window_s", (int)answer->window_s,
			 "covered_s", json_seconds(answer->covered_s), "count",
			 (json_int_t)llround(e->count), "error",
			 e->saturated ? json_null() : json_real(e->error), "saturated",
			 (int)e->saturated);
}

json_t *distinct_answers_json(const struct distinct_answers *answers)
{
	json_t *all = json_object();

	for (int k = 0; k < WEIR_DISTINCT_MAX; k++)
		if (answers->of[k].asked)
			json_object_set_new(all, countdown_key_name(k),
					    distinct_json(&answers->of[k]));
	return all;
}
