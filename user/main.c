// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The list of verbs. Dispatch, help and the manual page all come from it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/streams.h"
#include "base/version.h"
#include "cli/verbs.h"

const struct verb *const verbs[] = {
	&verb_run, &verb_show, &verb_replay, &verb_coordinate, &verb_detach, &verb_help, NULL,
};

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static int run(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		help_overview(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("weir %s\n", WEIR_VERSION);
		return CLI_OK;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help_overview(stdout);
		return CLI_OK;
	}
	verb = help_find(argv[1]);
	if (!verb)
		return help_unknown(argv[1]);
	if (asks_for_help(argc - 1, argv + 1)) {
		help_verb(verb, stdout);
		return CLI_OK;
	}
	return verb->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	streams_open();
	return streams_close(run(argc, argv));
}
