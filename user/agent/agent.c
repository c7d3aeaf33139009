// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir run: attach, and report each second until stopped.
 *
 *   SIGINT, SIGTERM  detach, print the totals, leave nothing behind
 *   SIGHUP           read the config again; what is wrong with it changes nothing
 *   SIGKILL          everything in the kernel goes on; the next run adopts it
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "agent/agent.h"
#include "view/kernel.h"
#include "view/text.h"
#include "cli/standing.h"
#include "meter/netlink.h"

#define RING_EACH_MS 100
/* After the second has begun, so that the last one is complete on every CPU. */
#define TICK_AFTER_NS (20 * NS_PER_MS)
#define LAST_NS (5000 * NS_PER_MS) /* what a collector has at the end to take what waits */

void agent_say(struct agent *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	notes_add(&a->notes, a->options.output == OUTPUT_SCREEN, format, args);
	va_end(args);
}

/* --- The configuration ----------------------------------------------------------------- */

static int load_config(struct agent *a, struct config *out)
{
	struct why why;
	int code = config_load(a->options.config_path, out, &why);

	if (code)
		agent_say(a, "%s", why.text);
	return code;
}

static void check_size(struct agent *a, __u32 flow_size)
{
	__u32 sets = flow_size / WEIR_WAYS / a->meter.cpus;

	if (!sets)
		sets = 1;
	if (sets * a->meter.cpus != a->meter.sets)
		agent_say(
			a,
			"flow.size %u needs 'weir detach --all'; the cache keeps %u entries until then",
			flow_size, a->meter.sets * WEIR_WAYS);
}

/* Interfaces that the new config no longer names are detached, new ones attached. */
static void rewant(struct agent *a)
{
	struct agent_port *old = malloc(sizeof(a->port));
	unsigned int count = a->ports;

	if (!old)
		return;
	memcpy(old, a->port, sizeof(a->port));
	memset(a->port, 0, sizeof(a->port));
	a->ports = 0;
	if (ports_want(a)) {
		memcpy(a->port, old, sizeof(a->port));
		a->ports = count;
	}
	for (unsigned int i = 0; i < a->ports; i++)
		for (unsigned int k = 0; k < count; k++)
			if (!strcmp(a->port[i].name, old[k].name))
				a->port[i] = old[k];
	free(old);
	ports_trim(a);
	ports_sync(a, false);
}

static void say_line(void *context, const char *line)
{
	agent_say(context, "%s", line);
}

static int apply_exports(struct agent *a, struct config *config)
{
	a->exports.meter = &a->meter;
	a->exports.timeouts = config->timeouts;
	a->exports.folder = EXPORTS_DIR;
	return exports_apply(&a->exports, config, say_line, a);
}

static int check_report(struct agent *a, const struct config *config)
{
	const struct peer_options *to = &config->report;
	char why[UPLINK_WHY_BYTES];
	int code = to->address.text ? uplink_check(to, why) : 0;

	if (code)
		agent_say(a, "report: %s", why);
	return code;
}

static int apply_report(struct agent *a, const struct config *config)
{
	return report_apply(&a->report, config, a->window, meter_identity(&a->meter));
}

static void reload(struct agent *a)
{
	struct config config;

	if (!a->options.config_path) {
		agent_say(a, "no configuration to reload: the defaults stay");
		return;
	}
	/* Either says why not; everything goes on as it was. */
	if (load_config(a, &config))
		return;
	if (check_report(a, &config) || queries_apply(a, &config)) {
		config_free(&config);
		return;
	}
	apply_exports(a, &config); /* says what cannot be opened; the others go on */
	apply_report(a, &config);
	config_free(&a->config);
	a->config = config;
	agent_say(a, "reloaded %s: %u queries", a->options.config_path, config.query_count);
	queries_say_memory(a);
	check_size(a, config.flow_size);
	rewant(a);
}

/* --- While it runs --------------------------------------------------------------------- */

static void ignore_link(void *ctx, const struct netlink_link *link)
{
	(void)ctx;
	(void)link;
}

/* An address may come long after its interface. */
static void follow_networks(struct agent *a)
{
	struct agent_networks now;

	if (a->config.inside_given)
		return;
	ports_networks(a, &now);
	if (!memcmp(&now, &a->networks, sizeof(now)))
		return;
	if (queries_apply(a, &a->config))
		return;
	agent_say(a, "interface addresses changed: 'inside' updated");
	apply_report(a, &a->config); /* the queries may count in other windows */
}

/* 1: stop. */
static int take_signal(struct agent *a, int fd)
{
	const enum standing_signal signal = standing_take_signal(fd);

	if (signal == SIGNAL_RELOAD)
		reload(a);
	return signal == SIGNAL_STOP;
}

static __u64 next_tick(__u64 now)
{
	return (now - TICK_AFTER_NS) / WEIR_NS_PER_SEC * WEIR_NS_PER_SEC + WEIR_NS_PER_SEC +
	       TICK_AFTER_NS;
}

/* The coordinator hears of a second as soon as it is over. */
static void end_second(struct agent *a)
{
	__u64 now_ns = meter_now();

	if (a->options.quiet && !a->report.uplink)
		return;
	a->series_code = meter_series(&a->meter, now_ns, &a->series);
	report_second(&a->report, a->series_code ? NULL : &a->series, a->series_code, now_ns,
		      clock_offset_ns());
}

/* 1: whoever read along has gone. */
static int tick(struct agent *a)
{
	end_second(a);
	if (screen_tick(a))
		return 1;
	ports_sync(a, false);
	follow_networks(a);
	return 0;
}

enum wait_for {
	WAIT_SIGNALS,
	WAIT_LINKS,
	WAIT_RING,
	WAIT_REPORT,
	WAIT_MAX
};

static int wait_until(struct agent *a, struct pollfd *fds, __u64 tick_ns)
{
	const __u64 report_ns = report_due_ns(&a->report), now_ns = meter_now();
	const __u64 until_ns = report_ns < tick_ns ? report_ns : tick_ns;
	__u64 wait_ms = until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS + 1 : 0;

	fds[WAIT_REPORT].fd = report_fd(&a->report);
	fds[WAIT_REPORT].events = report_events(&a->report);
	return poll(fds, WAIT_MAX, wait_ms < RING_EACH_MS ? wait_ms : RING_EACH_MS) < 0 &&
			       errno != EINTR
		       ? -errno
		       : 0;
}

static int loop(struct agent *a, int signals, struct netlink *links)
{
	__u64 tick_ns = next_tick(meter_now());
	struct pollfd fds[WAIT_MAX] = {
		[WAIT_SIGNALS] = {.fd = signals, .events = POLLIN},
		[WAIT_LINKS] = {.fd = netlink_fd(links), .events = POLLIN},
		[WAIT_RING] = {.fd = meter_ring_fd(&a->meter), .events = POLLIN},
	};

	for (;;) {
		int code = wait_until(a, fds, tick_ns);

		if (code)
			return code;
		if (fds[WAIT_SIGNALS].revents && take_signal(a, signals))
			return 0;
		if (fds[WAIT_LINKS].revents) {
			netlink_read(links, ignore_link, NULL);
			ports_sync(a, false);
		}
		report_turn(&a->report, meter_now());
		if (meter_now() >= tick_ns) {
			tick_ns = next_tick(meter_now());
			if (tick(a))
				return 0;
		}
		code = exports_turn(&a->exports);
		if (code) {
			agent_say(a, "flows: %s", strerror(-code));
			return code;
		}
	}
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
		agent_say(a, "adopted what was running");
	if (!code && a->meter.adopted)
		check_size(a, a->config.flow_size);
	return code;
}

static int start_report(struct agent *a)
{
	int code = check_report(a, &a->config);

	a->report.say = say_line;
	a->report.context = a;
	a->report.file = REPORT_FILE;
	return code ? code : apply_report(a, &a->config);
}

static int start_measuring(struct agent *a)
{
	int code = queries_adopt(a);

	code = code ? code : queries_apply(a, &a->config);
	code = code ? code : apply_exports(a, &a->config);
	code = code ? code : start_report(a);
	code = code ? code : ports_sync(a, true);
	if (code) {
		struct why why;

		report_close(&a->report);
		exports_close(&a->exports, 0, say_line, a);
		ports_detach(a, true);
		if (!a->meter.adopted && !meter_unpin(&why))
			exports_remove_ledger();
		return code;
	}
	ports_trim(a);
	queries_say_memory(a);
	return 0;
}

/* What is still in the cache goes out too. */
static void flow_out(struct agent *a)
{
	/* A packet that was in the programs when they were taken off has left them by then. */
	const struct timespec moment = {.tv_nsec = NS_PER_MS};
	const __u64 deadline_ns = meter_now() + LAST_NS;
	int code;

	nanosleep(&moment, NULL);
	code = exports_flush(&a->exports, meter_now(), deadline_ns);
	if (code < 0)
		log_err("flows: %s", strerror(-code));
	exports_settle(&a->exports, deadline_ns);
}

static int stop(struct agent *a)
{
	struct meter_balance balance;
	struct why why = {};
	int code;

	report_close(&a->report);
	ports_detach(a, false);
	flow_out(a);
	code = meter_balance(&a->meter, &balance);
	if (!code)
		code = screen_totals(a, &balance);
	exports_close(&a->exports, 0, say_line, a);
	if (meter_unpin(&why))
		log_err("%s", why.text);
	else
		exports_remove_ledger();
	return code;
}

static void say_lacks(struct agent *a)
{
	char line[KERNEL_LACKS_BYTES];
	struct meter_kernel kernel;

	meter_probe(&a->meter, &kernel);
	if (kernel_lacks(&kernel, line))
		agent_say(a, "%s", line);
}

static int measure(struct agent *a, int signals, struct netlink *links)
{
	int code = start_measuring(a);

	if (code)
		return code;
	say_lacks(a);
	a->start_s = meter_now() / WEIR_NS_PER_SEC;
	screen_open(a);
	code = loop(a, signals, links);
	screen_close(a);
	return stop(a) ? -EIO : code;
}

int agent_run(struct agent *a)
{
	struct netlink *links = NULL;
	int signals = standing_watch_signals(), code = netlink_watch(&links);

	if (signals < 0 || code) {
		code = code ? code : -errno;
		log_err("cannot watch for signals and interfaces: %s", strerror(-code));
		return code;
	}
	ports_say_absent(a);
	code = start_meter(a);
	if (!code) {
		code = measure(a, signals, links);
		meter_close(&a->meter);
	}
	netlink_close(links);
	close(signals);
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
	if (load_config(a, &a->config) || ports_want(a) || ports_check(a)) {
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
	config_free(&a->config);
	free(a);
}
