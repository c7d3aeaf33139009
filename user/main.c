// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of verbs. Dispatch, help and the manual page all come from it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "cli/verbs.h"

static int cmd_help(int argc, char **argv);

struct help_asked {
	bool manual;
};

const struct cli_option help_options[] = {
	{.name = "man",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct help_asked, manual),
	 .help = "print the manual page weir(8), in troff"},
	{},
};

const struct verb verbs[] = {
	{
		.name = "run",
		.operands = "",
		.summary = "measure interfaces and report each second until stopped",
		.about =
			"Attaches to the interfaces and reports each second: a table on a "
			"terminal, lines into\na pipe. Interfaces may come and go meanwhile.\n\n"
			"SIGINT and SIGTERM detach and print the totals. SIGHUP reads the "
			"configuration again;\nqueries that did not change lose no count. An "
			"agent that was killed leaves everything\nrunning in the kernel, and the "
			"next one adopts it.\n\n"
			"--check loads the programs as a start would, attaches nothing, and says "
			"what this kernel\ngives and what it does not, how much work the programs "
			"were for its verifier, and what would\nbe attached to each interface and "
			"why. An agent may be at work meanwhile.\n\n"
			"With export in the configuration, flows go to collectors or files when "
			"they are over; what\ncollectors have not taken five seconds after the end "
			"waits for the next run.",
		.options = run_options,
		.run = cmd_run,
	},
	{
		.name = "show",
		.operands = "status|queries|flows|distinct|losses|interfaces|answers",
		.summary = "look at what is measured, whether weir run lives or not",
		.about = "status      what runs, how full it is, and what the kernel gives it\n"
			 "queries     rates of the last second and of the window, or what the "
			 "measure is\n"
			 "flows       the flows in the cache now\n"
			 "distinct    how many different flows, sources, ... queries saw in their "
			 "windows\n"
			 "losses      where every packet went; exits with 1 if one is missing\n"
			 "interfaces  where weir is attached, how and why, with all counters\n"
			 "answers     what a coordinator on this machine answers, or --hosts: who "
			 "is "
			 "there",
		.options = show_options,
		.run = cmd_show,
	},
	{
		.name = "replay",
		.operands = "CAPTURE...",
		.summary = "run captures through the kernel programs, on their own clock",
		.about = "Feeds pcap and pcapng files to the programs that weir run attaches, "
			 "and prints totals and\nqueries, or the flows. Needs no interface.",
		.options = replay_options,
		.run = cmd_replay,
	},
	{
		.name = "coordinate",
		.operands = "",
		.summary = "gather the queries of many hosts into intervals that hold the truth",
		.about = "Hosts that name it in their configuration (coordinator) tell it what "
			 "their queries count.\nEach answer is an interval that holds the exact "
			 "sum over the hosts and is no wider than its\nprecision; hosts say "
			 "nothing as long as that is so. Where a host is silent, the answer "
			 "says\nthat it is incomplete, who is missing and since when.\n\n"
			 "Prints the answers each second: a table on a terminal, lines into a "
			 "pipe. 'weir show answers'\nasks it from elsewhere on this machine. "
			 "With coordinate.log it keeps a file a day of all\nintervals, which "
			 "--read prints.\n\n"
			 "SIGINT and SIGTERM stop it. SIGHUP reads the configuration again; "
			 "hosts stay connected\nunless the rules have changed.",
		.options = coordinate_options,
		.run = cmd_coordinate,
	},
	{
		.name = "detach",
		.operands = "",
		.summary = "remove what a dead agent left in the kernel",
		.about = "Takes weir's programs off some interfaces, or off all, and then removes "
			 "what is pinned\ntoo, counts included.",
		.options = detach_options,
		.run = cmd_detach,
	},
	{
		.name = "help",
		.operands = "[VERB]",
		.summary = "tell about weir, or about one verb",
		.about = "The same as weir VERB --help.",
		.options = help_options,
		.run = cmd_help,
	},
	{},
};

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

static int unknown_verb(const char *name)
{
	log_err("no such verb as '%s' (see 'weir help')", name);
	return CLI_USAGE;
}

static int flushed(void)
{
	return fflush(stdout) ? CLI_FAILED : CLI_OK;
}

static int cmd_help(int argc, char **argv)
{
	struct help_asked asked = {};
	int at = options_parse(help_options, argc, argv, &asked);
	const struct verb *verb;

	if (at < 0)
		return CLI_USAGE;
	if (argc - at > 1 || (asked.manual && at < argc))
		return options_refuse(argv[0], "one verb at a time");
	if (asked.manual) {
		help_manual(verbs, stdout);
	} else if (at == argc) {
		help_overview(verbs, stdout);
	} else {
		verb = find_verb(argv[at]);
		if (!verb)
			return unknown_verb(argv[at]);
		help_verb(verb, stdout);
	}
	return flushed();
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
		help_overview(verbs, stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("weir %s\n", WEIR_VERSION);
		return flushed();
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help_overview(verbs, stdout);
		return flushed();
	}
	verb = find_verb(argv[1]);
	if (!verb)
		return unknown_verb(argv[1]);
	if (asks_for_help(argc - 1, argv + 1)) {
		help_verb(verb, stdout);
		return flushed();
	}
	return verb->run(argc - 1, argv + 1);
}
