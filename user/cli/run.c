// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/lock.h"
#include "base/log.h"
#include "cli/standing.h"
#include "cli/verbs.h"

struct asked {
	const char *config;
	struct cli_list interfaces;
	bool json, quiet, flows, check;
};

static const struct cli_option options[] = {
	STANDING_CONFIG(struct asked),
	{.letter = 'i',
	 .name = "interface",
	 .argument = "IF",
	 .kind = CLI_LIST,
	 .at = offsetof(struct asked, interfaces),
	 .help = "measure this interface, not those of the configuration; repeatable"},
	OPTION_JSON(struct asked, "one JSON object a second; with --check, one"),
	STANDING_QUIET(struct asked),
	{.name = "flows",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct asked, flows),
	 .help = "print flows as JSON Lines when they end, and nothing else; a reader that is too "
		 "slow loses lines, a crash may lose or repeat some"},
	{.name = "check",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct asked, check),
	 .help = "measure nothing: show what this kernel provides, and what would be attached "
		 "where"},
	{},
};

static int take_lock(void)
{
	pid_t holder = 0;
	int lock = lock_take(&holder);

	if (lock == -EWOULDBLOCK)
		log_err("weir run is already running (pid %d)", (int)holder);
	else if (lock == -EACCES || lock == -EPERM)
		log_err("weir run needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: try sudo");
	else if (lock < 0)
		log_err(LOCK_FILE ": %s", strerror(-lock));
	return lock;
}

static int measure(struct agent *a)
{
	int lock = take_lock(), code;

	if (lock < 0)
		return lock;
	code = agent_run(a);
	close(lock);
	return code;
}

static int run(int argc, char **argv)
{
	struct asked asked = {};
	int at = options_parse(options, argc, argv, &asked), code;
	struct agent *a;

	if (at < 0)
		return CLI_USAGE;
	if (at < argc)
		return options_refuse(argv[0], "unexpected argument '%s'", argv[at]);
	if (asked.flows && (asked.json || asked.check))
		return options_refuse(argv[0], "--flows goes with neither --json nor --check");
	a = agent_open(&(struct agent_options){
		.config_path = asked.config,
		.interfaces = asked.interfaces.item,
		.interface_count = asked.interfaces.count,
		.output = standing_output(asked.json, asked.quiet || asked.flows),
		.quiet = asked.quiet || asked.flows,
		.flows = asked.flows,
	});
	if (!a)
		return CLI_FAILED;
	code = asked.check ? agent_check(a) : measure(a);
	agent_close(a);
	return code ? CLI_FAILED : CLI_OK;
}

const struct verb verb_run = {
	.name = "run",
	.operands = "",
	.summary = "measure interfaces and report each second until stopped",
	.about =
		"Attaches to the interfaces and reports each second: a table on a terminal, lines into\n"
		"a pipe. Interfaces may come and go meanwhile.\n\n"
		"SIGINT and SIGTERM detach and print the totals. SIGHUP reloads the configuration;\n"
		"queries that did not change lose no count. An agent that was killed leaves everything\n"
		"running in the kernel, and the next one adopts it.\n\n"
		"--check loads the programs as a start would, attaches nothing, and shows what this\n"
		"kernel provides and what it lacks, how much of the verifier's budget each program\n"
		"used, and what would be attached to each interface and why. It refuses what a start\n"
		"would refuse, and export folders that cannot be written to. It creates no files, takes\n"
		"no locks and sends nothing, so it does not look up collectors' names. An agent may be\n"
		"running meanwhile.\n\n"
		"--flows prints each flow as a line of JSON when it ends (messages go to standard\n"
		"error). This is not exactly once, as export is: an agent that is killed loses the\n"
		"lines that were not written yet, and the next one may repeat some. Nothing waits for\n"
		"the reader: lines that find 1 MiB waiting for it are dropped. How many flows ended,\n"
		"how many lines were written and how many dropped is printed at the end. If the reader\n"
		"goes away, weir says so and goes on measuring, and the exit status is 1.\n\n"
		"With export in the configuration, flows go to collectors or files when they end. What\n"
		"collectors have not taken five seconds after the end waits for the next run.",
	.options = options,
	.run = run,
};
