/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How answers are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view/distinct.h"
#include "view/text.h"

static struct distinct_answer answer(double count, double error, bool saturated, double covered_s)
{
	return (struct distinct_answer){
		.asked = true,
		.estimate = {.count = count, .error = error, .saturated = saturated},
		.window_s = 60,
		.covered_s = covered_s,
	};
}

static void an_estimate_is_told_with_its_error_and_what_it_lacks(void **state)
{
	static const struct {
		double count, error;
		bool saturated;
		double covered_s;
		const char *says[3];
	} cases[] = {
		{12345.4, 43.2, false, 60, {"12345", "± 43 (0.35 %)", ""}},
		{12345.6, 43.2, false, 12.3, {"12346", "± 43 (0.35 %)", "over 12 of 60 s"}},
		{61234.5, 0, true, 60, {">= 61234", "saturated", ""}},
		{61234.5, 0, true, 0.001, {">= 61234", "saturated", "over 0 of 60 s"}},
		{0, 0, false, 60, {"0", "± 0", ""}},
		{1, 160, false, 60, {"1", "± 160", ""}},
		{0.2, 0.3, false, 60, {"0", "± 0.3", ""}},
		{1, 0.01, false, 60, {"1", "± 0.01", ""}},
		{0.73, 0.67, false, 60, {"1", "± 0.7", ""}},
		{9.4, 0.96, false, 60, {"9", "± 1.0", ""}},
		{9.6, 0.96, false, 60, {"10", "± 0.96 (10 %)", ""}},
		{100, 9.94, false, 60, {"100", "± 9.9 (9.9 %)", ""}},
		{100, 10.4, false, 60, {"100", "± 10 (10 %)", ""}},
		{3, 3, false, 60, {"3", "± 3.0", ""}},
		{999999999, 5e6, false, 60, {"999999999", "± 5000000 (0.50 %)", ""}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct distinct_answer a = answer(cases[i].count, cases[i].error,
						  cases[i].saturated, cases[i].covered_s);
		struct distinct_text text;

		distinct_text(&a, &text);
		assert_string_equal(text.count, cases[i].says[0]);
		assert_string_equal(text.error, cases[i].says[1]);
		assert_string_equal(text.over, cases[i].says[2]);
	}
}

static void a_measure_fills_the_columns_of_rates(void **state)
{
	struct weir_label label = {.measure = WEIR_MEASURE_DISTINCT,
				   .distinct = WEIR_DISTINCT_DPORT};
	struct distinct_answers all = {.of[WEIR_DISTINCT_DPORT] =
					       answer(999999999, 5e6, false, 60)};
	char text[DISTINCT_MEASURE_BYTES], measure[TEXT_MEASURE_BYTES];

	assert_string_equal(distinct_measure(&label, &all, 37, text),
			    "   999999999 dport ± 5000000 (0.50 %)");
	assert_int_equal(distinct_columns(text), 37);
	assert_string_equal(text_measure(&label, measure), "distinct dport");
	label.distinct = WEIR_DISTINCT_SRC; /* which it has no vector for */
	assert_string_equal(distinct_measure(&label, &all, 37, text), "");
	label.distinct = 200;
	assert_string_equal(distinct_measure(&label, &all, 37, text), "");
	assert_string_equal(text_measure(&label, measure), "packets");
	label.measure = WEIR_MEASURE_BYTES;
	assert_string_equal(distinct_measure(&label, &all, 37, text), "");
	assert_string_equal(text_measure(&label, measure), "bytes");
}

/* What `tell` prints of two answers, for free(). */
static char *printed(void (*tell)(const struct distinct_answers *all, FILE *out))
{
	struct distinct_answers all = {
		.of[WEIR_DISTINCT_SRC] = answer(12345, 43, false, 60),
		.of[WEIR_DISTINCT_DPORT] = answer(61234, 0, true, 12),
	};
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	tell(&all, out);
	fclose(out);
	return text;
}

static void tell_lines(const struct distinct_answers *all, FILE *out)
{
	distinct_lines(all, WEIR_DISTINCT_MAX, 31, "\n", out);
}

static void tell_all_but_src(const struct distinct_answers *all, FILE *out)
{
	distinct_lines(all, WEIR_DISTINCT_SRC, 31, "|", out);
}

static void tell_json(const struct distinct_answers *all, FILE *out)
{
	json_t *json = distinct_answers_json(all);

	json_dumpf(json, out, JSON_COMPACT);
	putc('\n', out);
	json_decref(json);
}

static void each_answer_has_a_line_a_clause_or_an_object(void **state)
{
	char *lines = printed(tell_lines), *one = printed(tell_all_but_src);
	char *clauses = printed(distinct_append), *json = printed(tell_json);

	assert_string_equal(lines, "  distinct src            12345 ± 43 (0.35 %)\n"
				   "  distinct dport       >= 61234 saturated, over 12 of 60 s\n");
	assert_string_equal(one, "  distinct dport       >= 61234 saturated, over 12 of 60 s|");
	assert_string_equal(clauses, "; 12345 src ± 43 (0.35 %); >= 61234 dport saturated, "
				     "over 12 of 60 s");
	assert_string_equal(json, "{\"src\":{\"window_s\":60,\"covered_s\":60.0,\"count\":12345,"
				  "\"error\":43.0,\"saturated\":false},"
				  "\"dport\":{\"window_s\":60,\"covered_s\":12.0,\"count\":61234,"
				  "\"error\":null,\"saturated\":true}}\n");
	free(lines);
	free(one);
	free(clauses);
	free(json);
}

static void a_window_shorter_than_was_asked_for_is_said(void **state)
{
	struct distinct_answers all = {.of[WEIR_DISTINCT_SRC] = answer(12345, 43, false, 60)};
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	for (unsigned int wanted_s = 59; wanted_s <= 61; wanted_s++) {
		all.of[WEIR_DISTINCT_SRC].wanted_s = wanted_s;
		distinct_lines(&all, WEIR_DISTINCT_MAX, 31, "\n", out);
	}
	all.of[WEIR_DISTINCT_SRC].covered_s = 4;
	distinct_lines(&all, WEIR_DISTINCT_MAX, 31, "\n", out);
	fclose(out);
	assert_string_equal(text, "  distinct src            12345 ± 43 (0.35 %)\n"
				  "  distinct src            12345 ± 43 (0.35 %)\n"
				  "  distinct src            12345 ± 43 (0.35 %), over 60 s\n"
				  "  distinct src            12345 ± 43 (0.35 %), over 4 of "
				  "60 s\n");
	free(text);
}

static void memory_is_told_in_powers_of_1024(void **state)
{
	char text[TEXT_MEMORY_BYTES];

	assert_string_equal(text_memory(16384, text), "16 KiB");
	assert_string_equal(text_memory(1023 * 1024, text), "1023 KiB");
	assert_string_equal(text_memory(1536 * 1024, text), "1.5 MiB");
	assert_string_equal(text_memory(5ull << 29, text), "2.5 GiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_estimate_is_told_with_its_error_and_what_it_lacks),
		cmocka_unit_test(a_measure_fills_the_columns_of_rates),
		cmocka_unit_test(each_answer_has_a_line_a_clause_or_an_object),
		cmocka_unit_test(a_window_shorter_than_was_asked_for_is_said),
		cmocka_unit_test(memory_is_told_in_powers_of_1024),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
