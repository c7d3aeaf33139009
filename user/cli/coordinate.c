// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/standing.h"
#include "cli/verbs.h"
#include "coordinate/coordinate.h"

struct asked {
	const char *config, *read, *at;
	bool json, quiet;
};

static const struct cli_option options[] = {
	STANDING_CONFIG(struct asked),
	OPTION_JSON(struct asked, "one JSON object a second; of a log, one for each change"),
	STANDING_QUIET(struct asked),
	{.name = "read",
	 .argument = "FILE",
	 .kind = CLI_TEXT,
	 .at = offsetof(struct asked, read),
	 .help = "print the intervals of a log instead, at each second at which one changed"},
	{.name = "at",
	 .argument = "SECOND",
	 .kind = CLI_TEXT,
	 .at = offsetof(struct asked, at),
	 .help = "with --read: as they were so many seconds after its start, or at a time "
		 "2026-11-22T01:58:29Z"},
	{},
};

/* Seconds after the start, or "2026-11-22T01:58:29Z". */
static int parse_at(const char *text, struct coordinate_at *out)
{
	struct tm utc = {};
	char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);

	if (end && !*end) {
		*out = (struct coordinate_at){.second = timegm(&utc)};
		return 0;
	}
	errno = 0;
	*out = (struct coordinate_at){.second = strtoll(text, &end, 10), .of_start = true};
	return *text < '0' || *text > '9' || *end || errno ? -EINVAL : 0;
}

static int read_log(const struct asked *asked)
{
	struct coordinate_at at;

	if (asked->at && parse_at(asked->at, &at))
		return options_refuse("coordinate",
				      "--at: '%s' is not a number of seconds, nor a time like "
				      "2026-11-22T01:58:29Z",
				      asked->at);
	return coordinate_read(asked->read, asked->at ? &at : NULL, asked->json) ? CLI_FAILED
										 : CLI_OK;
}

static int run(int argc, char **argv)
{
	struct asked asked = {};
	int at = options_parse(options, argc, argv, &asked);

	if (at < 0)
		return CLI_USAGE;
	if (at < argc)
		return options_refuse(argv[0], "unexpected argument '%s'", argv[at]);
	if (asked.at && !asked.read)
		return options_refuse(argv[0], "--at needs --read");
	if (asked.read)
		return read_log(&asked);
	return coordinate_run(&(struct coordinate_options){
		       .config_path = asked.config,
		       .output = standing_output(asked.json, asked.quiet),
		       .quiet = asked.quiet,
	       })
		       ? CLI_FAILED
		       : CLI_OK;
}

const struct verb verb_coordinate = {
	.name = "coordinate",
	.operands = "",
	.summary = "combine many hosts' counts into answers with guaranteed bounds",
	.about =
		"Hosts that name it in the section 'report' of their configuration send what their queries\n"
		"count. Each answer is an interval that holds the exact sum over the hosts and is no wider\n"
		"than its precision; hosts send nothing while that is so. When a host is silent, the answer\n"
		"says that it is incomplete, who is missing and since when.\n\n"
		"Prints the answers each second: a table on a terminal, lines into a pipe. 'weir show answers'\n"
		"asks for them from elsewhere on this machine. With coordinate.log it keeps a file a day of all\n"
		"intervals, which --read prints.\n\n"
		"SIGINT and SIGTERM stop it. SIGHUP reads the configuration again; hosts stay connected\n"
		"unless the rules have changed.",
	.options = options,
	.run = run,
};
