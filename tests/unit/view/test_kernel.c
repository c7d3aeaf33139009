/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is said of a kernel, here made up: one that has all, one of 5.10, one that says nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view/kernel.h"
#include "view/notes.h"

static struct meter_kernel kernel(enum meter_given given)
{
	struct meter_kernel k = {.release = "9.9.9-made-up"};

	for (int f = 0; f < METER_FEATURES; f++)
		k.given[f] = given;
	return k;
}

/* Linux 5.10: what came later is not there. */
static struct meter_kernel kernel_5_10(void)
{
	struct meter_kernel k = kernel(METER_GIVES);

	k.given[FEATURE_MEMORY] = METER_LACKS;
	k.given[FEATURE_FRAGS] = METER_LACKS;
	k.given[FEATURE_TCX] = METER_LACKS;
	k.given[FEATURE_VLAN] = METER_LACKS;
	return k;
}

static char *text_of(const struct meter_kernel *k)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	kernel_text(k, out);
	fclose(out);
	return text;
}

static void a_kernel_that_has_all_is_passed_over_in_silence(void **state)
{
	struct meter_kernel k = kernel(METER_GIVES);
	char line[KERNEL_LACKS_BYTES];

	assert_int_equal(kernel_lacks(&k, line), 0);
	assert_string_equal(line, "");
}

static void what_is_missing_is_said_in_one_line_with_its_age_and_what_takes_its_place(void **state)
{
	struct meter_kernel k = kernel_5_10();
	char line[KERNEL_LACKS_BYTES];

	assert_int_equal(kernel_lacks(&k, line), 3);
	assert_string_equal(
		line,
		"this kernel has no multi-buffer XDP (Linux 5.18): XDP where a frame fits into a "
		"page, else TC; no TCX (Linux 6.6): clsact instead; no VLAN hint (Linux 6.8): XDP "
		"misses tags that devices took off; attach.ingress: tc reads them");
}

static void the_longest_line_there_can_be_is_whole(void **state)
{
	struct meter_kernel k = kernel(METER_LACKS);
	const char *last = meter_features[FEATURE_JIT].without;
	char line[KERNEL_LACKS_BYTES];

	kernel_lacks(&k, line);
	assert_true(strlen(line) < KERNEL_LACKS_BYTES - 1 && strlen(line) < NOTE_BYTES - 1);
	assert_string_equal(line + strlen(line) - strlen(last), last);
}

static void a_kernel_function_is_missing_for_want_of_BTF_or_of_machine_code(void **state)
{
	struct meter_kernel k = kernel(METER_GIVES);
	char line[KERNEL_LACKS_BYTES];

	k.given[FEATURE_VLAN] = METER_LACKS;
	k.no_btf = true;
	assert_int_equal(kernel_lacks(&k, line), 1);
	assert_non_null(strstr(line, "no VLAN hint (no BTF): "));
	k.no_btf = false;
	k.given[FEATURE_JIT] = METER_LACKS;
	assert_int_equal(kernel_lacks(&k, line), 2);
	assert_non_null(strstr(line, "no VLAN hint (no JIT): "));
	assert_non_null(strstr(line, "no JIT: "));
}

static void what_may_not_be_asked_is_neither_there_nor_missing(void **state)
{
	struct meter_kernel k = kernel(METER_UNTOLD);
	char line[KERNEL_LACKS_BYTES], *text = text_of(&k);
	json_t *all = kernel_json(&k), *feature;
	const char *key;

	assert_int_equal(kernel_lacks(&k, line), 0);
	assert_null(strstr(text, " yes "));
	assert_null(strstr(text, " no "));
	json_object_foreach(json_object_get(all, "features"), key, feature) {
		assert_true(json_is_null(json_object_get(feature, "given")));
		assert_true(json_is_null(json_object_get(feature, "means")));
	}
	json_decref(all);
	free(text);
}

/* The releases that brought them, from the kernel's history. */
static void every_feature_stands_in_text_and_JSON_with_its_release(void **state)
{
	static const struct {
		const char *key, *since;
	} want[] = {
		{"ring_buffer", "5.8"}, {"xdp_link", "5.9"}, {"memory_cgroup", "5.11"},
		{"xdp_frags", "5.18"},  {"tcx", "6.6"},      {"vlan_hint", "6.8"},
		{"jit", NULL},
	};
	struct meter_kernel k = kernel_5_10();
	json_t *all = kernel_json(&k), *features = json_object_get(all, "features");
	char *text = text_of(&k);

	assert_int_equal(json_object_size(features), METER_FEATURES);
	assert_int_equal(sizeof(want) / sizeof(*want), METER_FEATURES);
	assert_string_equal(json_string_value(json_object_get(all, "release")), k.release);
	for (int f = 0; f < METER_FEATURES; f++) {
		const json_t *feature = json_object_get(features, want[f].key);
		const json_t *since = json_object_get(feature, "linux");
		const char *means = json_string_value(json_object_get(feature, "means"));
		const bool given = json_is_true(json_object_get(feature, "given"));
		char line[160];

		if (want[f].since)
			assert_string_equal(json_string_value(since), want[f].since);
		else
			assert_true(json_is_null(since));
		assert_int_equal(given, k.given[f] == METER_GIVES);
		assert_string_equal(means,
				    given ? meter_features[f].with : meter_features[f].without);
		snprintf(line, sizeof(line), "  %s  %s\n", given ? "yes" : "no ", means);
		assert_non_null(strstr(text, line));
	}
	json_decref(all);
	free(text);
}

static void what_the_programs_were_loaded_without_is_off_whatever_the_kernel_gives(void **state)
{
	struct meter_kernel k = kernel(METER_GIVES);
	const json_t *feature;
	char *text;
	json_t *all;

	k.unused[FEATURE_FRAGS] = true;
	all = kernel_json(&k);
	text = text_of(&k);
	feature = json_object_get(json_object_get(all, "features"), "xdp_frags");
	assert_true(json_is_true(json_object_get(feature, "given")));
	assert_true(json_is_false(json_object_get(feature, "used")));
	assert_non_null(strstr(text, "  off  XDP where a frame fits into a page, else TC\n"));
	json_decref(all);
	free(text);
}

static void the_verifiers_work_is_told_of_the_programs_it_is_known_of(void **state)
{
	struct meter_kernel k = kernel(METER_GIVES);
	const json_t *verifier, *programs;
	char *text;
	json_t *all;

	k.verified[PROG_XDP] = 34029;
	k.verified[PROG_L3_OUT] = 7;
	all = kernel_json(&k);
	text = text_of(&k);
	verifier = json_object_get(all, "verifier");
	programs = json_object_get(verifier, "programs");
	assert_int_equal(json_integer_value(json_object_get(verifier, "limit")), 1000000);
	assert_int_equal(json_integer_value(json_object_get(programs, "weir_xdp")), 34029);
	assert_true(json_is_null(json_object_get(programs, "weir_tc_in")));
	assert_non_null(strstr(text, "verifier    weir_xdp     34029 of 1000000 instructions\n"
				     "            weir_l3_out      7 of 1000000 instructions\n"));
	json_decref(all);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_that_has_all_is_passed_over_in_silence),
		cmocka_unit_test(
			what_is_missing_is_said_in_one_line_with_its_age_and_what_takes_its_place),
		cmocka_unit_test(the_longest_line_there_can_be_is_whole),
		cmocka_unit_test(a_kernel_function_is_missing_for_want_of_BTF_or_of_machine_code),
		cmocka_unit_test(what_may_not_be_asked_is_neither_there_nor_missing),
		cmocka_unit_test(every_feature_stands_in_text_and_JSON_with_its_release),
		cmocka_unit_test(
			what_the_programs_were_loaded_without_is_off_whatever_the_kernel_gives),
		cmocka_unit_test(the_verifiers_work_is_told_of_the_programs_it_is_known_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
