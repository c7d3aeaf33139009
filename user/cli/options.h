/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Options by tables: a table parses the command line, prints the help and the manual.
 *
 *   static const struct cli_option options[] = {
 *           {.letter = 'n', .name = "top", .argument = "N", .kind = CLI_NUMBER,
 *            .at = offsetof(struct asked, top), .max = 1000, .help = "at most N flows"},
 *           {},
 *   };
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#define CLI_LIST_MAX 64

enum cli_kind {
	CLI_FLAG,   /* bool */
	CLI_TEXT,   /* const char * */
	CLI_LIST,   /* struct cli_list; may be given more than once */
	CLI_NUMBER, /* unsigned int, min..max */
	CLI_CHOICE, /* unsigned int, place in `values` */
};

struct cli_list {
	const char *item[CLI_LIST_MAX];
	unsigned int count;
};

/* letter: 0 for none; argument: its name in the help; values: separated by blanks. A table ends
 * with an entry without a name. */
struct cli_option {
	char letter;
	enum cli_kind kind;
	const char *name, *argument, *help;
	size_t at;
	unsigned int min, max;
	const char *values;
};

/* The option that every verb that prints has, for a table of `type`, which has it as `json`. */
#define OPTION_JSON(type, text)                                                                    \
	{                                                                                          \
		.letter = 'j', .name = "json", .kind = CLI_FLAG, .at = offsetof(type, json),       \
		.help = (text)                                                                     \
	}

/*
 * Puts what argv (argv[0] is the verb) asks for into `to`. Returns the index of the first operand,
 * or -1 after a line that says what is wrong: exit with CLI_USAGE.
 */
int options_parse(const struct cli_option *options, int argc, char **argv, void *to);
void options_help(const struct cli_option *options, FILE *out);

/* Says what is wrong with the use of a verb; returns CLI_USAGE. */
int options_refuse(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Exit status. */
enum {
	CLI_OK = 0,
	CLI_FAILED = 1, /* refused, or failed */
	CLI_USAGE = 2,  /* wrong usage */
};

#endif
