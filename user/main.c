// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The list of verbs. Dispatch, help and the manual page all come from it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "cli/verbs.h"

const struct verb *const verbs[] = {
	&verb_run, &verb_show, &verb_replay, &verb_coordinate, &verb_detach, &verb_help, NULL,
};

static int flushed(void)
{
	return fflush(stdout) ? CLI_FAILED : CLI_OK;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		help_overview(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("weir %s\n", WEIR_VERSION);
		return flushed();
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help_overview(stdout);
		return flushed();
	}
	verb = help_find(argv[1]);
	if (!verb)
		return help_unknown(argv[1]);
	if (asks_for_help(argc - 1, argv + 1)) {
		help_verb(verb, stdout);
		return flushed();
	}
	return verb->run(argc - 1, argv + 1);
}
