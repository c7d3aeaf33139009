// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define OPTIONS_MAX 32
#define LONG_BASE 256 /* getopt's value of the option at this place of the table */

int options_refuse(const char *verb, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_err("%s: %s (see 'weir help %s')", verb, text, verb);
	return CLI_USAGE;
}

/* Place of `word` among words separated by blanks, or -1. */
static int choice_index(const char *values, const char *word)
{
	size_t length = strlen(word);

	for (int i = 0; *values; i++) {
		size_t span = strcspn(values, " ");

		if (span == length && !memcmp(values, word, span))
			return i;
		values += span;
		values += strspn(values, " ");
	}
	return -1;
}

static int store_number(const char *verb, const struct cli_option *o, const char *text,
			unsigned int *to)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < o->min || value > o->max) {
		options_refuse(verb, "--%s: '%s' is not a number from %u to %u", o->name, text,
			       o->min, o->max);
		return -1;
	}
	*to = value;
	return 0;
}

static int store(const char *verb, const struct cli_option *o, const char *text, void *to)
{
	void *at = (char *)to + o->at;
	struct cli_list *list = at;
	int index;

	switch (o->kind) {
	case CLI_FLAG:
		*(bool *)at = true;
		return 0;
	case CLI_TEXT:
		*(const char **)at = text;
		return 0;
	case CLI_LIST:
		if (list->count == CLI_LIST_MAX) {
			options_refuse(verb, "--%s: more than %d", o->name, CLI_LIST_MAX);
			return -1;
		}
		list->item[list->count++] = text;
		return 0;
	case CLI_NUMBER:
		return store_number(verb, o, text, at);
	case CLI_CHOICE:
		index = choice_index(o->values, text);
		if (index < 0) {
			options_refuse(verb, "--%s: '%s' must be one of: %s", o->name, text,
				       o->values);
			return -1;
		}
		*(unsigned int *)at = index;
		return 0;
	}
	return -1;
}

/* `code` is getopt's. Of a letter, which may stand among others, it says which; else the last word
 * it read is meant. */
static int refuse_word(char **argv, int code)
{
	const char letter[] = {'-', optopt, '\0'};
	const char *word = optopt && optopt < LONG_BASE ? letter : argv[optind - 1];

	if (code == ':')
		options_refuse(argv[0], "option '%s' needs an argument", word);
	else
		options_refuse(argv[0], "unknown option '%s'", word);
	return -1;
}

int options_parse(const struct cli_option *options, int argc, char **argv, void *to)
{
	struct option longs[OPTIONS_MAX + 1] = {};
	char shorts[2 * OPTIONS_MAX + 2] = ":", *s = shorts + 1;
	int count = 0, code;

	for (; options[count].name && count < OPTIONS_MAX; count++) {
		const struct cli_option *o = &options[count];

		longs[count].name = o->name;
		longs[count].has_arg = o->kind == CLI_FLAG ? no_argument : required_argument;
		longs[count].val = LONG_BASE + count;
		if (!o->letter)
			continue;
		*s++ = o->letter;
		if (o->kind != CLI_FLAG)
			*s++ = ':';
	}
	*s = '\0';
	optind = 0; /* glibc: start again */
	while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int i = 0;

		if (code == ':' || code == '?')
			return refuse_word(argv, code);
		while (i < count && code != LONG_BASE + i && code != options[i].letter)
			i++;
		if (i == count || store(argv[0], &options[i], optarg, to))
			return -1;
	}
	return optind;
}

void options_help(const struct cli_option *options, FILE *out)
{
	for (const struct cli_option *o = options; o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
			 o->argument ? " " : "", o->argument ? o->argument : "");
		fprintf(out, "  %-24s %s\n", left, o->help);
	}
}
