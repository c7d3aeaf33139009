/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a verb is. The table of them stands in main.c. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/options.h"

/* argv[0] is the verb's name; returns the exit status. */
struct verb {
	const char *name;
	const char *operands; /* "" for none */
	const char *summary;  /* half a line */
	const char *about;    /* paragraphs, separated by empty lines */
	const struct cli_option *options;
	int (*run)(int argc, char **argv);
};

/* Ends with an entry without a name. */
extern const struct verb verbs[];

extern const struct cli_option run_options[], show_options[], replay_options[], detach_options[],
	help_options[], coordinate_options[];

int cmd_run(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_coordinate(int argc, char **argv);

/* help.c */
void help_overview(const struct verb *table, FILE *out);
void help_verb(const struct verb *verb, FILE *out);
void help_manual(const struct verb *table, FILE *out);

#endif
