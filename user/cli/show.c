// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* weir show: what the pinned maps say, whether an agent lives or not. */
#include "cli/show.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "config/coordinate.h"
#include "base/counters.h"
#include "base/log.h"
#include "agent/turns.h"
#include "view/kernel.h"
#include "agent/lock.h"
#include "agent/plan.h"
#include "agent/report.h"
#include "view/json.h"
#include "view/reporting.h"
#include "view/text.h"
#include "cli/verbs.h"
#include "weir/window.h"

static const struct cli_option options[] = {
	{.letter = 'j',
	 .name = "json",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct show, json),
	 .help = "JSON; lists as one object a line"},
	{.letter = 'w',
	 .name = "window",
	 .argument = "SEC",
	 .kind = CLI_NUMBER,
	 .at = offsetof(struct show, window_s),
	 .min = 1,
	 .max = WEIR_WINDOW_MAX,
	 .help = "queries, distinct: over so many seconds, not the query's own window"},
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

/* Has this account an interface? */
static bool has_interface(const struct show *s, __u32 account, struct weir_interface *out)
{
	return !meter_interface(&s->meter, account, out) && out->ifindex;
}

/* --- status ---------------------------------------------------------------------------- */

static void add_exporter(void *list, const struct exporter_state *state, const char *why)
{
	json_array_append_new(list, state ? exports_state_json(state)
					  : json_pack("{s:s}", "unreadable", why));
}

static void print_exporter(void *context, const struct exporter_state *state, const char *why)
{
	(void)context;
	printf("%-11s ", "export");
	if (state)
		exports_state_text(state, stdout, "\n");
	else
		printf("%s\n", why);
}

/* 0; -ENOENT: none is reported to. An agent that was killed has left its last word. */
static int read_coordinator(pid_t agent, struct uplink_status *out)
{
	int code = report_state_read(REPORT_FILE, out);

	if (code || agent)
		return code;
	out->phase = UPLINK_DOWN;
	snprintf(out->why, sizeof(out->why), "no agent is running");
	return 0;
}

static json_t *coordinator_json(pid_t agent)
{
	struct uplink_status status;

	return read_coordinator(agent, &status) ? json_null() : reporting_json(&status);
}

static void print_coordinator(pid_t agent)
{
	struct uplink_status status;
	int code = read_coordinator(agent, &status);

	if (code == -ENOENT)
		return;
	printf("coordinator ");
	if (code)
		printf(REPORT_FILE ": %s\n", strerror(-code));
	else
		reporting_text(&status, stdout, "\n");
}

static int status_json(const struct show *s, const struct meter_census *c, pid_t agent,
		       unsigned int queries)
{
	json_t *interfaces = json_array(), *exporters = json_array();
	struct weir_interface interface;
	struct meter_kernel kernel;
	unsigned int vectors;
	const __u32 slabs = distinct_slabs(&s->meter, &vectors);

	meter_probe(&s->meter, &kernel);
	exporter_states(EXPORTS_DIR, add_exporter, exporters);
	for (__u32 i = 1; i < WEIR_INTERFACES; i++)
		if (has_interface(s, i, &interface) && !interface.gone)
			json_array_append_new(interfaces, json_interface(&interface));
	return json_line(
		json_pack(
			"{s:b, s:o, s:{s:I, s:I, s:I}, s:i, s:i, s:i, s:{s:i, s:I}, s:o, s:o, s:o, "
			"s:o}",
			"pinned", 1, "agent", agent ? json_integer(agent) : json_null(), "flows",
			"live", (json_int_t)c->live, "resident", (json_int_t)c->resident,
			"capacity", (json_int_t)s->meter.sets * WEIR_WAYS, "cpus", s->meter.cpus,
			"queries", (int)queries, "terms", (int)show_tables(s)->terms, "distinct",
			"vectors", (int)vectors, "bytes",
			(json_int_t)meter_vector_bytes(&s->meter, slabs), "interfaces", interfaces,
			"export", exporters, "coordinator", coordinator_json(agent), "kernel",
			kernel_json(&kernel)),
		stdout);
}

static void status_text(const struct show *s, const struct meter_census *c, pid_t agent,
			unsigned int queries)
{
	const struct weir_tables *t = show_tables(s);
	struct weir_interface interface;
	char hooks[256], memory[PLAN_MEMORY_BYTES];
	struct meter_kernel kernel;

	printf("pinned      %s\n", WEIR_PIN_DIR);
	if (agent)
		printf("agent       pid %d\n", (int)agent);
	else
		printf("agent       none; the kernel goes on counting\n");
	printf("flows       %llu live, %llu resident of %u\n", c->live, c->resident,
	       s->meter.sets * WEIR_WAYS);
	printf("timeouts    idle %.3g s, active %.3g s, closed %.3g s\n", t->timeouts.idle_ns / 1e9,
	       t->timeouts.active_ns / 1e9, t->timeouts.closed_ns / 1e9);
	printf("queries     %u, of %u terms; tunnels: %s\n", queries, t->terms,
	       t->inner ? "inner" : "outer");
	if (plan_memory_text(&s->meter, memory))
		printf("distinct    %s\n", memory);
	printf("CPUs        %d\n", s->meter.cpus);
	for (__u32 i = 1; i < WEIR_INTERFACES; i++) {
		if (!has_interface(s, i, &interface) || interface.gone)
			continue;
		text_hooks(&interface, hooks, sizeof(hooks));
		printf("%-11s %s\n", interface.name, hooks);
	}
	exporter_states(EXPORTS_DIR, print_exporter, NULL);
	print_coordinator(agent);
	meter_probe(&s->meter, &kernel);
	kernel_text(&kernel, stdout);
}

static int show_status(struct show *s)
{
	struct meter_census census = meter_census(&s->meter, &show_tables(s)->timeouts);
	struct weir_label label;
	unsigned int queries = 0;
	pid_t agent = lock_holder();

	for (__u32 w = 0; w < WEIR_QUERIES; w++)
		queries += !meter_label(&s->meter, w, &label) && label.name[0];
	if (s->json)
		return status_json(s, &census, agent, queries) ? CLI_FAILED : CLI_OK;
	status_text(s, &census, agent, queries);
	return CLI_OK;
}

/* --- queries --------------------------------------------------------------------------- */

static void print_rates(const struct meter_rate *rate, unsigned int window_s)
{
	char pps[TEXT_SI_BYTES], bps[TEXT_SI_BYTES], wpps[TEXT_SI_BYTES], wbps[TEXT_SI_BYTES];

	printf("%9s %9s %9s %9s", text_si(rate->last.packets, pps),
	       text_si(8.0 * rate->last.bytes, bps),
	       text_si((double)rate->window.packets / window_s, wpps),
	       text_si(8.0 * rate->window.bytes / window_s, wbps));
}

static int print_query(const struct show *s, __u32 query, const struct weir_label *label,
		       const struct meter_rate *rate, unsigned int window_s)
{
	char measure[DISTINCT_MEASURE_BYTES];
	struct distinct_answers answers;
	int code = distinct_read(&s->meter, query, label, meter_now(), window_s, &answers);

	if (code)
		return code;
	if (s->json)
		return json_line(json_query(label, rate, &answers, window_s), stdout);
	printf("%-16s ", label->name);
	if (distinct_measure(label, &answers, 39, measure)[0]) {
		fputs(measure, stdout);
		window_s = lround(answers.of[label->distinct].covered_s);
	} else {
		print_rates(rate, window_s);
	}
	printf(" %3us  %s\n", window_s, label->match);
	distinct_lines(&answers, distinct_of(label), 46, "\n", stdout);
	return 0;
}

static int show_queries(struct show *s)
{
	struct weir_label labels[WEIR_QUERIES];
	struct meter_rate rates[WEIR_QUERIES];
	__u32 windows[WEIR_QUERIES];
	bool any = false;
	int code = 0;

	for (__u32 w = 0; w < WEIR_QUERIES && !code; w++) {
		code = meter_label(&s->meter, w, &labels[w]);
		windows[w] = s->window_s ? s->window_s : labels[w].window_s;
	}
	code = code ? code : meter_rates(&s->meter, meter_now(), windows, rates);
	if (!code && !s->json)
		printf("%16s %19s %19s\n%-16s %9s %9s %9s %9s %4s  %s\n", "", "the last second",
		       "the window", "query", "packets/s", "bits/s", "packets/s", "bits/s", "win",
		       "match");
	for (__u32 w = 0; w < WEIR_QUERIES && !code; w++) {
		if (!show_wants(s, &labels[w]))
			continue;
		any = true;
		code = print_query(s, w, &labels[w], &rates[w], windows[w]);
	}
	if (code)
		log_err("queries: %s", strerror(-code));
	else if (s->query && !any)
		log_err("no query is named '%s'", s->query);
	return code || (s->query && !any) ? CLI_FAILED : CLI_OK;
}

/* --- losses ---------------------------------------------------------------------------- */

static int losses_json(const struct meter_balance *b)
{
	json_t *exporters = json_array();

	exporter_states(EXPORTS_DIR, add_exporter, exporters);
	return json_line(json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:b, s:b}", "seen",
				   json_counts(&b->seen_after), "resident",
				   json_counts(&b->resident), "flows", (json_int_t)b->flows,
				   "counters", json_books(&b->books), "low", json_counts(&b->low),
				   "high", json_counts(&b->high), "export", exporters, "exact",
				   (int)b->quiet, "conserved", (int)b->holds),
			 stdout);
}

static void print_count(const char *sign, const char *name, const struct weir_count *c,
			const char *text)
{
	printf("%1s %-18s %14llu %18llu  %s\n", sign, name, c->packets, c->bytes, text);
}

static void print_fate(const char *name, const struct queue_count *c, const char *text)
{
	const struct weir_count count = {c->packets, c->bytes};

	print_count("", name, &count, text);
}

/* Where the packets of flows have come that left the cache, or were taken in it. */
static void print_exported(void *context, const struct exporter_state *state, const char *why)
{
	(void)context;
	if (!state) {
		printf("\n%s\n", why);
		return;
	}
	printf("\nto %s\n", state->to);
	print_fate("sent", &state->sent, "in flows that were sent");
	print_fate("queued", &state->queued, "in flows that wait to be sent");
	print_fate("dropped", &state->dropped, "in flows that found the queue full");
	print_fate("not_exportable", &state->unencodable, "in flows that the protocol cannot tell");
}

static void losses_text(const struct meter_balance *b)
{
	char flows[64];

	printf("  %-18s %14s %18s\n", "", "packets", "bytes");
	print_count("", "seen", &b->seen_after, "in and out");
	snprintf(flows, sizeof(flows), "in %llu flows of the cache now", b->flows);
	print_count("=", "resident", &b->resident, flows);
	for (int c = 0; c < WEIR_COUNTER_MAX; c++) {
		enum weir_counter_kind kind = counter_names[c].kind;

		if (kind != WEIR_KIND_SEEN && kind != WEIR_KIND_NOTE)
			print_count("+", counter_names[c].name, &b->books.count[c],
				    counter_names[c].text);
	}
	printf("\nof these\n");
	for (int c = 0; c < WEIR_COUNTER_MAX; c++) {
		enum weir_counter_kind kind = counter_names[c].kind;

		if (kind == WEIR_KIND_SEEN || kind == WEIR_KIND_NOTE)
			print_count("", counter_names[c].name, &b->books.count[c],
				    counter_names[c].text);
	}
	exporter_states(EXPORTS_DIR, print_exported, NULL);
	if (!b->quiet)
		printf("\ncounters moved while they were read: from %llu to %llu packets are "
		       "accounted for,\nfrom %llu to %llu were seen\n",
		       b->low.packets, b->high.packets, b->seen_before.packets,
		       b->seen_after.packets);
	printf("\n%s\n", text_balance(b));
}

static int show_losses(struct show *s)
{
	struct meter_balance balance;
	int code = meter_balance(&s->meter, &balance);

	if (!code && s->json)
		code = losses_json(&balance);
	else if (!code)
		losses_text(&balance);
	if (code)
		log_err("losses: %s", strerror(-code));
	return code || !balance.holds ? CLI_FAILED : CLI_OK;
}

/* --- interfaces ------------------------------------------------------------------------ */

static int interface_json(const struct weir_interface *interface, const struct weir_books *books)
{
	json_t *all = json_interface(interface);

	if (all)
		json_object_set_new(all, "counters", json_books(books));
	return json_line(all, stdout);
}

static void interface_text(const struct weir_interface *interface, const struct weir_books *books)
{
	char hooks[256];

	text_hooks(interface, hooks, sizeof(hooks));
	printf("%s (ifindex %u): %s\n", interface->name, interface->ifindex,
	       interface->gone ? "gone; its counts stay" : hooks);
	for (int c = 0; c < WEIR_COUNTER_MAX; c++) {
		const struct weir_count *count = &books->count[c];

		if (counter_names[c].kind == WEIR_KIND_SEEN || count->packets || count->bytes)
			printf("  %-18s %14llu packets %18llu bytes\n", counter_names[c].name,
			       count->packets, count->bytes);
	}
}

static int show_interfaces(struct show *s)
{
	struct weir_interface interface;
	struct weir_books books;
	int code = 0;

	for (__u32 i = 1; i < WEIR_INTERFACES && !code; i++) {
		if (!has_interface(s, i, &interface))
			continue;
		code = meter_books(&s->meter, i, &books);
		if (!code && s->json)
			code = interface_json(&interface, &books);
		else if (!code)
			interface_text(&interface, &books);
	}
	if (code)
		log_err("interfaces: %s", strerror(-code));
	return code ? CLI_FAILED : CLI_OK;
}

/* --------------------------------------------------------------------------------------- */

static const struct topic {
	const char *name;
	int (*show)(struct show *s);
	bool apart; /* from what is pinned */
} topics[] = {
	{"status", show_status},         {"queries", show_queries}, {"flows", show_flows},
	{"distinct", show_distinct},     {"losses", show_losses},   {"interfaces", show_interfaces},
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
	status = topic->show(&show);
	if (!topic->apart)
		meter_close(&show.meter);
	if (fflush(stdout) && status == CLI_OK)
		status = CLI_FAILED;
	return status;
}

const struct verb verb_show = {
	.name = "show",
	.operands = "status|queries|flows|distinct|losses|interfaces|answers",
	.summary = "show measurements, with or without a running agent",
	.about =
		"status      what runs, how full it is, and what the kernel provides\n"
		"queries     rates of the last second and of the window, or what the measure is\n"
		"flows       the flows in the cache now\n"
		"distinct    how many different flows, sources, ... queries saw in their windows\n"
		"losses      where every packet went; exits with 1 if one is missing\n"
		"interfaces  where weir is attached, how and why, with all counters\n"
		"answers     what a coordinator on this machine answers, or --hosts: which hosts are\n"
		"            connected",
	.options = options,
	.run = run,
};
