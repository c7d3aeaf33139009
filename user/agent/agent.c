// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir run: attach, and report each second until stopped.
 *
 *   SIGINT, SIGTERM  detach, print the totals, leave nothing behind
 *   SIGHUP           reload the config; what is wrong with it changes nothing
 *   SIGKILL          everything in the kernel goes on; the next run adopts it
 *
 * One thread and one loop join what the other files own. What may wake it:
 *
 *   signals          as above
 *   netlink          interfaces have come or gone, or are named otherwise
 *   the ring         flows have left the cache; looked at each 100 ms in any case, for the kernel
 *                    programs wake nobody for a few of them
 *   the coordinator  its connection, and when something is due on it
 *   the tick         a second is over: report it, print it, see to interfaces and addresses
 *
 * Before it waits again it takes what flows there are. A start takes its steps in the order meter,
 * queries, exporters, coordinator, interfaces, so that the first packet finds all of it; the end goes
 * the other way round, and the totals are read when nothing counts any more.
 */
#include "agent/agent_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "view/kernel.h"
#include "meter/netlink.h"

#define RING_EACH_MS 100
/* After the second has begun, so that the last one is complete on every CPU. */
#define TICK_AFTER_NS (20 * NS_PER_MS)
#define LAST_NS (5000 * NS_PER_MS)   /* what a collector has at the end to take what waits */
#define READER_NS (1000 * NS_PER_MS) /* and the reader of flows on standard output */

/* The loop, and what it waits for. */
struct running {
	struct agent *a;
	struct loop *loop;
	struct netlink *links;
	struct loop_watch link_watch, ring_watch, lines_watch;
	struct loop_timer tick, ring_timer, ports_timer;
	bool links_lost;  /* what the kernel said of links, and it was not read again yet */
	bool lines_broke; /* and people know */
};

/* --- The configuration ----------------------------------------------------------------- */

static int load_config(struct agent *a, struct config *out)
{
	struct why why = {};
	int code = config_load(config_path(a->options.config_path), out, &why);

	if (code)
		notes_warn(&a->notes, "%s", why_text(&why, code));
	return code;
}

static void check_size(struct agent *a, __u32 flow_size)
{
	__u32 sets = flow_size / WEIR_WAYS / a->meter.cpus;

	if (!sets)
		sets = 1;
	if (sets * a->meter.cpus != a->meter.sets)
		notes_warn(
			&a->notes,
			"flow.size %u needs 'weir detach --all'; the cache keeps %u entries until then",
			flow_size, a->meter.sets * WEIR_WAYS);
}

/* Those that were asked for, else the configuration's. */
static int want_ports(struct agent *a)
{
	const struct agent_options *o = &a->options;

	a->ports.policy = a->config.attach;
	a->ports.mode = a->config.count;
	a->ports.inner = a->config.inner;
	if (o->interface_count)
		return ports_want(&a->ports, o->interfaces, o->interface_count);
	return ports_want(&a->ports, (const char *const *)a->config.interfaces,
			  a->config.interface_count);
}

/* Interfaces that the new config no longer names are detached, new ones attached. */
static void rewant(struct agent *a)
{
	const unsigned int before = a->ports.changes;

	want_ports(a); /* if it cannot, says why, and those before stay */
	ports_trim(&a->ports);
	ports_sync(&a->ports, false);
	if (a->ports.changes != before)
		queries_restart(&a->queries);
}

static void say_line(void *context, const char *line)
{
	struct agent *a = context;

	notes_say(&a->notes, "%s", line);
}

static void warn_line(void *context, const char *line)
{
	struct agent *a = context;

	notes_warn(&a->notes, "%s", line);
}

/* Before a socket opens for it, and before the kernel programs leave it out. */
static int apply_queries(struct agent *a, const struct config *config)
{
	struct port_networks networks;

	__atomic_store_n(&a->own.watch.bind, !config->count_own, __ATOMIC_RELAXED);
	ports_networks(&a->ports, &networks);
	return queries_apply(&a->queries, config, &networks);
}

static int apply_exports(struct agent *a, struct config *config)
{
	a->turns.timeouts = config->timeouts;
	a->turns.folder = EXPORTS_DIR;
	return turns_apply(&a->turns, config, warn_line, a);
}

static int check_report(struct agent *a, const struct config *config)
{
	const struct peer_options *to = &config->report;
	struct why why = {};
	int code = to->address.text ? uplink_check(to, &why) : 0;

	if (code)
		notes_warn(&a->notes, "report: %s", why.text);
	return code;
}

static int apply_report(struct agent *a, const struct config *config)
{
	return report_apply(&a->report, config, a->queries.window, meter_identity(&a->meter));
}

static void reload(struct agent *a)
{
	const char *path = config_path(a->options.config_path);
	struct config config;

	if (!path) {
		notes_warn(&a->notes, "no configuration to reload: what was read before stays");
		return;
	}
	/* Either says why not; everything goes on as it was. */
	if (load_config(a, &config))
		return;
	if (check_report(a, &config) || apply_queries(a, &config)) {
		config_free(&config);
		return;
	}
	apply_exports(a, &config); /* says what cannot be opened; the others go on */
	apply_report(a, &config);
	config_free(&a->config);
	a->config = config;
	notes_say(&a->notes, "reloaded %s: %u queries", path, config.query_count);
	queries_say_memory(&a->queries);
	check_size(a, config.flow_size);
	rewant(a);
}

/* --- While it runs --------------------------------------------------------------------- */

/* An address may come long after its interface. */
static void follow_networks(struct agent *a)
{
	struct port_networks now;

	if (a->config.inside_given)
		return;
	ports_networks(&a->ports, &now);
	if (!memcmp(&now, &a->queries.networks, sizeof(now)))
		return;
	if (queries_apply(&a->queries, &a->config, &now))
		return;
	notes_say(&a->notes, "interface addresses changed: 'inside' updated");
	apply_report(a, &a->config); /* the queries may count in other windows */
}

/* The kernel programs' seconds, which are not CLOCK_MONOTONIC's once the machine has slept. */
static __u64 next_tick(void)
{
	const struct clocks now = clocks_read();

	return clocks_next_second_ns(&now, TICK_AFTER_NS);
}

/* Seconds asleep are in the windows, and nothing was counted in them. */
static void follow_sleep(struct agent *a, const struct clocks *now)
{
	const __u64 slept_ns = now->boot_ns - now->monotonic_ns;

	if (slept_ns > a->slept_ns + WEIR_NS_PER_SEC)
		queries_restart(&a->queries);
	a->slept_ns = slept_ns;
}

/* The coordinator hears of a second as soon as it is over. */
static void end_second(struct agent *a)
{
	const struct clocks now = clocks_read();

	follow_sleep(a, &now);
	if (a->options.quiet && !a->report.uplink)
		return;
	a->series_code = meter_series(&a->meter, now.boot_ns, &a->series);
	report_second(&a->report, a->series_code ? NULL : &a->series, a->queries.label,
		      a->series_code, &now);
}

/* Until it works: the next second tries again. */
static void read_links(struct running *r)
{
	struct agent *a = r->a;
	int code = ports_read_links(&a->ports);

	if (code && !r->links_lost)
		notes_warn(&a->notes, "interfaces: %s; what is known of them may be old",
			   strerror(-code));
	r->links_lost = code;
	if (!code)
		ports_name(&a->ports);
}

/* Reads changes of links; where the kernel dropped some, reads all links again. */
static void follow_links(struct running *r)
{
	struct ports *p = &r->a->ports;

	if (netlink_read(r->links, ports_link, p) || r->links_lost)
		read_links(r);
	ports_sync(p, false);
	loop_timer(r->loop, &r->ports_timer, p->more ? clock_monotonic_ns() : LOOP_NEVER);
}

static void tick(void *context, __u64 now_ns)
{
	struct running *r = context;
	struct agent *a = r->a;

	(void)now_ns;
	loop_timer(r->loop, &r->tick, next_tick());
	end_second(a);
	if (second_print(a)) {
		loop_stop(r->loop, 0); /* nobody reads any more */
		return;
	}
	follow_links(r);
	ports_settle(&a->ports);
	follow_networks(a);
}

static void links_changed(void *context, short events)
{
	(void)events;
	follow_links(context);
}

static void ports_left(void *context, __u64 now_ns)
{
	(void)now_ns;
	follow_links(context);
}

static void lines_ready(void *context, short events)
{
	struct running *r = context;

	(void)events;
	flow_lines_flush(&r->a->lines);
}

/* A file cannot be waited for, and need not be. */
static void watch_lines(struct running *r)
{
	const struct flow_lines *l = &r->a->lines;

	if (!r->a->options.flows)
		return;
	loop_watch(r->loop, &r->lines_watch, flow_lines_pending(l) ? l->fd : -1, POLLOUT);
	if (l->broken && !r->lines_broke) {
		notes_warn(&r->a->notes, "standard output: %s: lines are dropped from now on",
			   strerror(l->broken));
		r->lines_broke = true;
	}
}

static void take_flows(void *context)
{
	struct running *r = context;
	int code = turns_take(&r->a->turns);

	watch_lines(r);
	loop_timer(r->loop, &r->ring_timer, clock_monotonic_ns() + RING_EACH_MS * NS_PER_MS);
	if (!code)
		return;
	notes_warn(&r->a->notes, "flows: %s", strerror(-code));
	loop_stop(r->loop, code);
}

static void signal_reload(void *context)
{
	struct running *r = context;

	reload(r->a);
}

static void signal_stop(void *context)
{
	struct running *r = context;

	loop_stop(r->loop, 0);
}

static int wait(struct running *r)
{
	int code = loop_watch(r->loop, &r->link_watch, netlink_fd(r->links), POLLIN);

	code = code ? code
		    : loop_watch(r->loop, &r->ring_watch, meter_ring_fd(&r->a->meter), POLLIN);
	if (code) {
		notes_warn(&r->a->notes, "cannot wait: %s", strerror(-code));
		return code;
	}
	loop_timer(r->loop, &r->tick, next_tick());
	loop_each(r->loop, take_flows, r);
	return loop_run(r->loop);
}

/* --- Start and stop -------------------------------------------------------------------- */

static int start_meter(struct agent *a)
{
	const struct meter_options options = {.flow_size = a->config.flow_size};
	struct why why = {};
	int code = meter_start(&options, &a->meter, &why);

	if (code == -EPERM || code == -EACCES)
		log_err("weir run needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: try sudo");
	else if (code)
		log_err("%s", why.text);
	else if (a->meter.adopted)
		notes_say(&a->notes, "adopted what was running");
	if (!code)
		meter_own_open(&a->meter, &a->own);
	if (!code && a->meter.adopted)
		check_size(a, a->config.flow_size);
	return code;
}

static int start_report(struct agent *a)
{
	int code = check_report(a, &a->config);

	a->report.say = say_line;
	a->report.context = a;
	return code ? code : apply_report(a, &a->config);
}

static int open_lines(struct agent *a)
{
	struct flow_sink sink;
	int code;

	if (!a->options.flows)
		return 0;
	code = flow_lines_open(&a->lines, STDOUT_FILENO, false);
	if (code) {
		log_err("standard output: %s", strerror(-code));
		return code;
	}
	sink = flow_lines_sink(&a->lines);
	return turns_add_sink(&a->turns, &sink);
}

static void close_lines(struct agent *a, __u64 deadline_ns)
{
	if (a->turns.sink_count)
		flow_lines_close(&a->lines, deadline_ns);
}

static int start_ports(struct agent *a)
{
	int code = ports_read_links(&a->ports);

	if (code)
		log_err("cannot read the links: %s", strerror(-code));
	return code ? code : ports_sync(&a->ports, true);
}

static int start_measuring(struct agent *a)
{
	const struct clocks now = clocks_read();
	int code = queries_adopt(&a->queries);

	a->slept_ns = now.boot_ns - now.monotonic_ns;
	code = code ? code : apply_queries(a, &a->config);
	code = code ? code : open_lines(a);
	ports_name(&a->ports); /* exporters begin with what they know of interfaces */
	code = code ? code : apply_exports(a, &a->config);
	code = code ? code : start_report(a);
	code = code ? code : start_ports(a);
	if (code) {
		struct why why;

		report_close(&a->report);
		turns_close(&a->turns, 0, warn_line, a);
		close_lines(a, 0);
		ports_detach(&a->ports, true);
		if (!a->meter.adopted && !meter_unpin(&why))
			turns_remove_ledger();
		return code;
	}
	ports_trim(&a->ports);
	ports_settle(&a->ports);
	if (a->ports.changes)
		queries_restart(&a->queries);
	queries_say_memory(&a->queries);
	return 0;
}

/* What is still in the cache goes out too. */
static void flow_out(struct agent *a)
{
	/* A packet that was in the programs when they were taken off has left them by then. */
	const struct timespec moment = {.tv_nsec = NS_PER_MS};
	const __u64 deadline_ns = clock_monotonic_ns() + LAST_NS;
	int code;

	nanosleep(&moment, NULL);
	code = turns_flush(&a->turns, meter_now(), deadline_ns);
	if (code < 0)
		log_err("flows: %s", strerror(-code));
	turns_settle(&a->turns, deadline_ns);
}

static int stop(struct agent *a)
{
	struct why why = {};
	int code;

	report_close(&a->report);
	ports_detach(&a->ports, false);
	flow_out(a);
	close_lines(a, clock_monotonic_ns() + READER_NS);
	if (a->options.flows)
		log_info("flows: %llu ended, %llu lines written, %llu dropped", a->lines.ended,
			 a->lines.written, a->lines.dropped);
	code = second_totals(a);
	turns_close(&a->turns, 0, warn_line, a);
	if (meter_unpin(&why))
		log_err("%s", why.text);
	else
		turns_remove_ledger();
	return code;
}

static void say_lacks(struct agent *a)
{
	char line[KERNEL_LACKS_BYTES];
	struct meter_kernel kernel;

	meter_probe(&a->meter, &kernel);
	if (kernel_lacks(&kernel, line))
		notes_say(&a->notes, "%s", line);
}

static int measure(struct running *r)
{
	struct agent *a = r->a;
	int code = start_measuring(a);

	if (code)
		return code;
	say_lacks(a);
	code = second_open(a, r->loop);
	if (!code)
		code = wait(r);
	second_close(a);
	if (stop(a) || a->lines.broken)
		code = -EIO;
	second_free(&a->second);
	return code;
}

/* Signals first: the exporters' threads must not get them. */
static int open_loop(struct running *r)
{
	int code;

	r->loop = loop_new();
	if (!r->loop)
		return -errno;
	code = loop_signal(r->loop, SIGINT, signal_stop, r);
	code = code ? code : loop_signal(r->loop, SIGTERM, signal_stop, r);
	code = code ? code : loop_signal(r->loop, SIGHUP, signal_reload, r);
	return code ? code : netlink_watch(&r->links);
}

int agent_run(struct agent *a)
{
	struct running r = {
		.a = a,
		.link_watch = {links_changed, &r},
		.lines_watch = {lines_ready, &r},
		.tick = {tick, &r},
		.ports_timer = {ports_left, &r},
	};
	int code = open_loop(&r);

	if (code) {
		log_err("cannot watch for signals and interfaces: %s", strerror(-code));
		goto out;
	}
	a->report.loop = r.loop;
	ports_say_absent(&a->ports);
	code = start_meter(a);
	if (!code) {
		code = measure(&r);
		meter_close(&a->meter);
	}
out:
	netlink_close(r.links);
	loop_free(r.loop);
	return code;
}

struct agent *agent_open(const struct agent_options *options)
{
	struct agent *a = calloc(1, sizeof(*a));

	if (!a) {
		log_err("%s", strerror(ENOMEM));
		return NULL;
	}
	a->options = *options;
	a->notes.screen = options->output == OUTPUT_SCREEN;
	a->ports.meter = a->queries.meter = a->turns.meter = &a->meter;
	a->ports.notes = a->queries.notes = &a->notes;
	a->ports.names = &a->turns.names;
	a->turns.sockets = a->report.sockets = &a->own.watch;
	if (load_config(a, &a->config) || want_ports(a) ||
	    (options->interface_count && ports_check(&a->ports))) {
		agent_close(a);
		return NULL;
	}
	return a;
}

int agent_check(struct agent *a)
{
	int code = check_report(a, &a->config);

	return code ? code : check_run(a);
}

void agent_close(struct agent *a)
{
	ports_free(&a->ports);
	config_free(&a->config);
	free(a);
}
