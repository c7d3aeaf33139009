// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* weir show: measurements from the pinned maps, with or without a running agent. */
#include "cli/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lock.h"
#include "agent/turns.h"
#include "base/log.h"
#include "cli/verbs.h"
#include "config/coordinate.h"
#include "view/exporting.h"
#include "view/json.h"
#include "view/print.h"
#include "weir/window.h"

static const struct cli_option options[] = {
	OPTION_JSON(struct show, "JSON; lists as one object a line"),
	{.letter = 'w',
	 .name = "window",
	 .argument = "SEC",
	 .kind = CLI_NUMBER,
	 .at = offsetof(struct show, window_s),
	 .min = 1,
	 .max = WEIR_WINDOW_MAX,
	 .help = "queries, distinct: over this many seconds instead of the query's window"},
	{.letter = 'n',
	 .name = "top",
	 .argument = "N",
	 .kind = CLI_NUMBER,
	 .at = offsetof(struct show, top),
	 .max = 1u << 30,
	 .help = "flows: at most N (20), 0 for all"},
	{.letter = 's',
	 .name = "sort",
	 .argument = "KEY",
	 .kind = CLI_CHOICE,
	 .at = offsetof(struct show, order),
	 .values = "packets bytes last first",
	 .help = "flows: by packets, bytes, last or first, highest first"},
	{.letter = 'Q',
	 .name = "query",
	 .argument = "QUERY",
	 .kind = CLI_TEXT,
	 .at = offsetof(struct show, query),
	 .help = "flows, queries, distinct: of this query (in flows, its TCP flags and "
		 "length do not count)"},
	{.name = "hosts",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct show, hosts),
	 .help = "answers: the coordinator's hosts instead"},
	{.name = "socket",
	 .argument = "PATH",
	 .kind = CLI_TEXT,
	 .at = offsetof(struct show, socket),
	 .help = "answers: of the coordinator there (" CONFIG_COORDINATE_SOCKET ")"},
	{},
};

const struct weir_tables *show_tables(const struct show *s)
{
	return meter_tables(&s->meter);
}

bool show_wants(const struct show *s, const struct weir_label *label)
{
	return label->name[0] && (!s->query || !strcmp(s->query, label->name));
}

int show_read(struct show *s, unsigned int parts)
{
	return snapshot_read(s->snapshot, &s->meter, parts,
			     &(struct snapshot_known){.window_s = s->window_s});
}

/* A line that says why the topic fails; the exit status. */
static int finish(const char *topic, int code)
{
	if (code)
		log_err("%s: %s", topic, strerror(-code));
	return code ? CLI_FAILED : CLI_OK;
}

/* Exporters, and the session with the coordinator: from the agent, if one is running. Without it
 * there is no session. Queues may be left of exporters that no agent has open. */
static void ask_agent(struct snapshot *s)
{
	struct why why = {};

	s->agent = lock_holder();
	if (s->agent && snapshot_ask(s, SNAPSHOT_SOCKET, &why))
		log_warn("%s", why.text);
	snapshot_exporters(s, EXPORTS_DIR);
}

static int show_status(struct show *s)
{
	int code = show_read(s, SNAPSHOT_CENSUS | SNAPSHOT_QUERIES | SNAPSHOT_INTERFACES_NOW |
					SNAPSHOT_TABLES | SNAPSHOT_KERNEL);

	ask_agent(s->snapshot);
	if (!code && s->json)
		code = json_line(json_status(s->snapshot), stdout);
	else if (!code)
		lines_status(s->snapshot, stdout);
	return finish("status", code);
}

static int show_queries(struct show *s)
{
	const struct snapshot *snapshot = s->snapshot;
	int code = show_read(s, SNAPSHOT_QUERIES | SNAPSHOT_DISTINCT);
	bool any = false;

	if (!code && !s->json)
		lines_queries_head(stdout);
	for (unsigned int i = 0; i < snapshot->query_count && !code; i++) {
		const struct snapshot_query *q = &snapshot->query[i];

		if (!show_wants(s, &q->label))
			continue;
		any = true;
		code = q->distinct_code;
		if (!code && s->json)
			code = json_line(json_query(q), stdout);
		else if (!code)
			lines_query(q, stdout);
	}
	if (!code && s->query && !any) {
		log_err("no query is named '%s'", s->query);
		return CLI_FAILED;
	}
	return finish("queries", code);
}

static int show_losses(struct show *s)
{
	int code = show_read(s, SNAPSHOT_BALANCE);

	snapshot_exporters(s->snapshot, EXPORTS_DIR);
	if (!code && s->json)
		code = json_line(json_losses(s->snapshot), stdout);
	else if (!code)
		lines_losses(s->snapshot, stdout);
	return finish("losses", code) || !s->snapshot->balance.holds ? CLI_FAILED : CLI_OK;
}

static int interface_line(const struct snapshot *s, unsigned int interface)
{
	json_t *all = json_interface(s, interface);

	if (json_object_set_new(all, "counters", json_books(&s->interface[interface].books))) {
		json_decref(all);
		all = NULL;
	}
	return json_line(all, stdout);
}

static int show_interfaces(struct show *s)
{
	int code = show_read(s, SNAPSHOT_INTERFACE_BOOKS);

	for (unsigned int i = 0; i < s->snapshot->interface_count && !code; i++) {
		if (s->json)
			code = interface_line(s->snapshot, i);
		else
			lines_interface(s->snapshot, i, stdout);
	}
	return finish("interfaces", code);
}

static int show_exporters(struct show *s)
{
	int code = 0;

	ask_agent(s->snapshot);
	for (unsigned int i = 0; i < s->snapshot->exporter_count && s->json && !code; i++)
		code = json_line(exporting_json(&s->snapshot->exporter[i]), stdout);
	if (!s->json && !s->snapshot->exporter_count)
		log_info("flows are sent nowhere: export: under a URL in the configuration");
	else if (!s->json)
		lines_exporters(s->snapshot, stdout);
	return finish("exporters", code);
}

/* --------------------------------------------------------------------------------------- */

static const struct topic {
	const char *name;
	int (*show)(struct show *s);
	bool apart; /* from what is pinned */
} topics[] = {
	{"status", show_status},
	{"queries", show_queries},
	{"flows", show_flows},
	{"distinct", show_distinct},
	{"losses", show_losses},
	{"interfaces", show_interfaces},
	{"exporters", show_exporters, true},
	{"answers", show_answers, true},
};

static int run(int argc, char **argv)
{
	struct show show = {.top = 20};
	int at = options_parse(options, argc, argv, &show), status;
	const struct topic *topic = NULL;
	struct why why = {};

	if (at < 0)
		return CLI_USAGE;
	if (argc - at != 1)
		return options_refuse(argv[0],
				      at == argc ? "missing topic: status, queries, flows, ..."
						 : "one topic at a time");
	for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++)
		if (!strcmp(topics[i].name, argv[at]))
			topic = &topics[i];
	if (!topic)
		return options_refuse(argv[0], "unknown topic '%s'", argv[at]);
	if (!topic->apart && meter_peek(&show.meter, &why)) {
		log_err("%s", why.text);
		return CLI_FAILED;
	}
	show.snapshot = snapshot_new();
	status = show.snapshot ? topic->show(&show) : finish(topic->name, -ENOMEM);
	free(show.snapshot);
	if (!topic->apart)
		meter_close(&show.meter);
	return status;
}

const struct verb verb_show = {
	.name = "show",
	.operands = "status|queries|flows|distinct|losses|interfaces|exporters|answers",
	.summary = "show measurements, with or without a running agent",
	.about =
		"status      what runs, how full it is, and what the kernel provides\n"
		"queries     rates of the last second and of the window, or what the measure is\n"
		"flows       the flows in the cache now\n"
		"distinct    how many different flows, sources, ... queries saw in their windows\n"
		"losses      where every packet went; exits with 1 if one is missing\n"
		"interfaces  where weir is attached, how and why, with all counters\n"
		"exporters   where flows are sent, and what waits or was lost\n"
		"answers     what a coordinator on this machine answers, or --hosts: which hosts are\n"
		"            connected",
	.options = options,
	.run = run,
};
