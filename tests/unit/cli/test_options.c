/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/options.h"

#define WORDS 140

struct asked {
	bool json, quiet;
	const char *config;
	struct cli_list interfaces;
	unsigned int top, any, order;
};

static const struct cli_option options[] = {
	{.letter = 'j',
	 .name = "json",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct asked, json),
	 .help = "print JSON"},
	{.name = "quiet",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct asked, quiet),
	 .help = "print nothing"},
	{.letter = 'c',
	 .name = "config",
	 .argument = "FILE",
	 .kind = CLI_TEXT,
	 .at = offsetof(struct asked, config),
	 .help = "read FILE"},
	{.letter = 'i',
	 .name = "interface",
	 .argument = "IF",
	 .kind = CLI_LIST,
	 .at = offsetof(struct asked, interfaces),
	 .help = "measure IF"},
	{.letter = 'n',
	 .name = "top",
	 .argument = "N",
	 .kind = CLI_NUMBER,
	 .at = offsetof(struct asked, top),
	 .min = 2,
	 .max = 1000,
	 .help = "at most N"},
	{.name = "any",
	 .argument = "N",
	 .kind = CLI_NUMBER,
	 .at = offsetof(struct asked, any),
	 .max = ~0u,
	 .help = "any N"},
	{.name = "order",
	 .argument = "WORD",
	 .kind = CLI_CHOICE,
	 .at = offsetof(struct asked, order),
	 .values = "packets bytes last",
	 .help = "greatest WORD first"},
	{},
};

/* What one parse did. */
struct outcome {
	struct asked asked;
	int at;
	char *argv[WORDS + 1]; /* as options_parse() left it */
	char said[1024];       /* on standard error */
};

/* Standard error goes to a file meanwhile, for that is where refusals go. */
static void parse_words(struct outcome *o, const char *const *words)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO), argc = 0;
	size_t bytes;

	memset(o, 0, sizeof(*o));
	for (; words[argc]; argc++)
		o->argv[argc] = (char *)words[argc]; /* getopt moves them, no more */
	assert_non_null(file);
	assert_true(saved >= 0);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	o->at = options_parse(options, argc, o->argv, &o->asked);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	bytes = fread(o->said, 1, sizeof(o->said) - 1, file);
	o->said[bytes] = '\0';
	fclose(file);
}

#define parse(o, ...) parse_words(o, (const char *[]){"show", ##__VA_ARGS__, NULL})

static void expect_refusal(const struct outcome *o, const char *why)
{
	char line[256];

	snprintf(line, sizeof(line), "weir: show: %s (see 'weir help show')\n", why);
	assert_int_equal(o->at, -1);
	assert_string_equal(o->said, line);
}

static void no_options_ask_for_nothing(void **state)
{
	static const struct asked nothing;
	struct outcome o;

	parse(&o);
	assert_int_equal(o.at, 1);
	assert_memory_equal(&o.asked, &nothing, sizeof(nothing));
	assert_string_equal(o.said, "");
}

static void a_letter_and_a_name_ask_for_the_same(void **state)
{
	static const char *const ways[][7] = {
		{"show", "-j", "-c", "f", "-n", "5"},
		{"show", "--json", "--config", "f", "--top", "5"},
		{"show", "--json", "--config=f", "--top=5"},
		{"show", "-jcf", "-n5"},
		{"show", "--js", "--conf=f", "--to", "5"}, /* as long as it is clear */
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct outcome o;

		parse_words(&o, ways[i]);
		assert_string_equal(o.said, "");
		assert_true(o.at > 0);
		assert_null(o.argv[o.at]);
		assert_true(o.asked.json);
		assert_string_equal(o.asked.config, "f");
		assert_int_equal(o.asked.top, 5);
		assert_false(o.asked.quiet);
	}
}

static void operands_may_stand_anywhere(void **state)
{
	struct outcome o;

	parse(&o, "flows", "-j", "all", "--top", "7");
	assert_int_equal(o.at, 4);
	assert_string_equal(o.argv[4], "flows");
	assert_string_equal(o.argv[5], "all");
	assert_null(o.argv[6]);
	assert_true(o.asked.json);
	assert_int_equal(o.asked.top, 7);
}

static void after_two_dashes_all_are_operands(void **state)
{
	struct outcome o;

	parse(&o, "-j", "--", "--quiet", "-n");
	assert_int_equal(o.at, 3);
	assert_string_equal(o.argv[3], "--quiet");
	assert_string_equal(o.argv[4], "-n");
	assert_false(o.asked.quiet);
	parse(&o, "-c", "--", "-j"); /* an argument is one, whatever it looks like */
	assert_string_equal(o.asked.config, "--");
	assert_true(o.asked.json);
}

static void a_dash_alone_is_an_operand(void **state)
{
	struct outcome o;

	parse(&o, "-j", "-");
	assert_int_equal(o.at, 2);
	assert_string_equal(o.argv[2], "-");
}

static void the_last_of_several_counts_except_in_lists(void **state)
{
	struct outcome o;

	parse(&o, "-n", "5", "-c", "a", "-i", "eth0", "-c", "b", "-i", "eth1", "-n", "6");
	assert_int_equal(o.asked.top, 6);
	assert_string_equal(o.asked.config, "b");
	assert_int_equal(o.asked.interfaces.count, 2);
	assert_string_equal(o.asked.interfaces.item[0], "eth0");
	assert_string_equal(o.asked.interfaces.item[1], "eth1");
}

static void a_list_is_full_at_sixty_four(void **state)
{
	const char *words[WORDS + 1] = {"show"};
	struct outcome o;

	for (int i = 1; i <= 128; i += 2) {
		words[i] = "-i";
		words[i + 1] = "eth0";
	}
	parse_words(&o, words);
	assert_int_equal(o.at, 129);
	assert_int_equal(o.asked.interfaces.count, 64);
	words[129] = "-ieth0";
	parse_words(&o, words);
	expect_refusal(&o, "--interface: more than 64");
}

static void numbers_are_decimal_and_within_their_limits(void **state)
{
	static const char *const wrong[] = {"1",    "1001", "-5",         "+5",
					    " 5",   "5 ",   "5k",         "0x10",
					    "five", "",     "4294967298", "99999999999999999999"};
	struct outcome o;

	parse(&o, "--top", "2", "--any", "0");
	assert_int_equal(o.asked.top, 2);
	assert_int_equal(o.asked.any, 0);
	parse(&o, "--top", "1000", "--any", "4294967295");
	assert_int_equal(o.asked.top, 1000);
	assert_int_equal(o.asked.any, 4294967295);
	parse(&o, "--top", "010"); /* not octal */
	assert_int_equal(o.asked.top, 10);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char why[80];

		snprintf(why, sizeof(why), "--top: '%s' is not a number from 2 to 1000", wrong[i]);
		parse(&o, "-n", wrong[i]);
		expect_refusal(&o, why);
		assert_int_equal(o.asked.top, 0);
	}
	parse(&o, "--any", "4294967296");
	expect_refusal(&o, "--any: '4294967296' is not a number from 0 to 4294967295");
}

static void a_choice_is_one_of_its_words_whole(void **state)
{
	static const char *const words[] = {"packets", "bytes", "last"};
	static const char *const wrong[] = {"",      " ", "pack", "packetss", "packets bytes",
					    "Bytes", "0"};
	struct outcome o;

	for (unsigned int i = 0; i < 3; i++) {
		parse(&o, "--order", words[i]);
		assert_int_equal(o.asked.order, i);
		assert_int_equal(o.at, 3);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char why[80];

		snprintf(why, sizeof(why), "--order: '%s' must be one of: packets bytes last",
			 wrong[i]);
		parse(&o, "--order", wrong[i]);
		expect_refusal(&o, why);
	}
}

static void an_unknown_option_is_refused_by_its_name(void **state)
{
	struct outcome o;

	parse(&o, "--frobnicate");
	expect_refusal(&o, "unknown option '--frobnicate'");
	parse(&o, "-j", "--frobnicate=3", "flows");
	expect_refusal(&o, "unknown option '--frobnicate=3'");
	parse(&o, "-z");
	expect_refusal(&o, "unknown option '-z'");
	parse(&o, "flows", "-zj");
	expect_refusal(&o, "unknown option '-z'");
	parse(&o, "-jz");
	expect_refusal(&o, "unknown option '-z'");
	parse(&o, "--json=yes"); /* a flag takes no argument */
	expect_refusal(&o, "unknown option '--json=yes'");
}

static void an_argument_that_is_missing_is_asked_for(void **state)
{
	struct outcome o;

	parse(&o, "--top");
	expect_refusal(&o, "option '--top' needs an argument");
	parse(&o, "-j", "-c");
	expect_refusal(&o, "option '-c' needs an argument");
	parse(&o, "-jc");
	expect_refusal(&o, "option '-c' needs an argument");
}

static void what_was_refused_is_forgotten_by_the_next_parse(void **state)
{
	struct outcome o;

	parse(&o, "-zj");
	assert_int_equal(o.at, -1);
	parse(&o, "-j", "flows");
	assert_int_equal(o.at, 2);
	assert_true(o.asked.json);
}

static void help_lists_the_options_in_two_columns(void **state)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	options_help(options, out);
	fclose(out);
	assert_string_equal(text, "  -j, --json               print JSON\n"
				  "      --quiet              print nothing\n"
				  "  -c, --config FILE        read FILE\n"
				  "  -i, --interface IF       measure IF\n"
				  "  -n, --top N              at most N\n"
				  "      --any N              any N\n"
				  "      --order WORD         greatest WORD first\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_options_ask_for_nothing),
		cmocka_unit_test(a_letter_and_a_name_ask_for_the_same),
		cmocka_unit_test(operands_may_stand_anywhere),
		cmocka_unit_test(after_two_dashes_all_are_operands),
		cmocka_unit_test(a_dash_alone_is_an_operand),
		cmocka_unit_test(the_last_of_several_counts_except_in_lists),
		cmocka_unit_test(a_list_is_full_at_sixty_four),
		cmocka_unit_test(numbers_are_decimal_and_within_their_limits),
		cmocka_unit_test(a_choice_is_one_of_its_words_whole),
		cmocka_unit_test(an_unknown_option_is_refused_by_its_name),
		cmocka_unit_test(an_argument_that_is_missing_is_asked_for),
		cmocka_unit_test(what_was_refused_is_forgotten_by_the_next_parse),
		cmocka_unit_test(help_lists_the_options_in_two_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
