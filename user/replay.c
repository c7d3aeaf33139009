// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* libexec/weir/replay, which `weir replay` becomes: alone for libzstd, which nothing else needs. */
#include "agent/replay.h"
#include "base/log.h"
#include "base/streams.h"
#include "cli/replay.h"
#include "cli/verbs.h"
#include "export/options.h"

static int replay(const struct replay_asked *asked, char *const *captures, unsigned int count)
{
	struct replay *r = replay_open(&(struct replay_options){
		.config_path = asked->config,
		.flows = asked->flows,
		.json = asked->json,
	});
	int status = CLI_OK;

	if (!r)
		return CLI_FAILED;
	for (unsigned int i = 0; i < asked->to.count && !status; i++)
		status = replay_export(r, asked->to.item[i]) ? CLI_USAGE : CLI_OK;
	if (!status && replay_run(r, captures, count))
		status = CLI_FAILED;
	replay_close(r);
	return status;
}

static int run(int argc, char **argv)
{
	struct replay_asked asked = {};
	int first;

	argv[0] = (char *)verb_replay.name;
	first = options_parse(verb_replay.options, argc, argv, &asked);
	if (first < 0)
		return CLI_USAGE;
	if (first == argc)
		return options_refuse(argv[0], "which capture?");
	if (asked.flows && asked.to.count)
		return options_refuse(argv[0], "either --flows or --export");
	if (asked.to.count > EXPORTS_MAX)
		return options_refuse(argv[0], "--export: at most %d addresses", EXPORTS_MAX);
	return replay(&asked, argv + first, argc - first);
}

int main(int argc, char **argv)
{
	streams_open();
	return streams_close(run(argc, argv));
}
