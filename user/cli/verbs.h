/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a verb is. Each stands in a file of its own; main.c lists them. */
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

extern const struct verb verb_run, verb_show, verb_replay, verb_coordinate, verb_detach, verb_help;

/* main.c. Ends with NULL. */
extern const struct verb *const verbs[];

/* help.c */
const struct verb *help_find(const char *name);
/* Says that there is no such verb; returns CLI_USAGE. */
int help_unknown(const char *name);
void help_overview(FILE *out);
void help_verb(const struct verb *verb, FILE *out);
void help_manual(FILE *out);

#endif
