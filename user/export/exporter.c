// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/exporter.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"
#include "export/exporter_internal.h"

/* A protocol is a format: the two are one list, each in its room. */
_Static_assert((int)URL_IPFIX == WIRE_IPFIX && (int)URL_V9 == WIRE_V9 && (int)URL_V5 == WIRE_V5,
	       "in the same order");

static const struct transport *const transports[] = {
	[URL_UDP] = &transport_udp,
	[URL_TCP] = &transport_tcp,
	[URL_TLS] = &transport_tls,
	[URL_FILE] = &transport_file,
};

static int open_queue(struct exporter *e, const char *folder, const struct queue_mark *recovered,
		      struct why *why)
{
	char path[PATH_MAX];
	int err;

	if (!folder)
		return queue_open(NULL, e->options->to, e->options->queue, NULL, &e->queue, why);
	exporter_path(folder, e->options->to, path, sizeof(path));
	err = folder_make_for(path);
	if (err)
		return why_set(why, err, "%.512s: %s", folder, strerror(-err));
	return queue_open(path, e->options->to, e->options->queue, recovered, &e->queue, why);
}

static __u64 boot_time_ns(void)
{
	return clock_unix_ns() - clock_ns(CLOCK_BOOTTIME);
}

static void set_encoder(struct exporter *e)
{
	e->encoder.protocol = (enum wire_protocol)e->options->url.format;
	e->encoder.biflow = e->options->biflow;
	e->encoder.domain = e->options->domain;
	e->encoder.boot_ns = e->facts.boot_ns ? e->facts.boot_ns : boot_time_ns();
}

int exporter_check(const struct export_options *options, const char *folder, struct why *why)
{
	const struct transport *transport = transports[options->url.transport];
	struct why reason = {};
	char path[PATH_MAX];
	int code;

	exporter_path(folder, options->to, path, sizeof(path));
	code = folder_check_for(path);
	if (code)
		why_set(&reason, code, "%.512s: %s", folder, strerror(-code));
	else if (transport->check)
		code = transport->check(options, &reason);
	return code ? why_set(why, code, "%s: %s", options->to, reason.text) : 0;
}

/* All that can fail without a collector's help. */
static int prepare(struct exporter *e, struct why *warning)
{
	const bool hopes = e->transport->hopes;
	int code = e->transport->check ? e->transport->check(e->options, hopes ? warning : &e->why)
				       : 0;

	if (code && !hopes)
		return code;
	e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->progress = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->sent = calloc(1, sizeof(*e->sent));
	e->buffers = malloc((size_t)e->transport->batch * WIRE_MESSAGE_MAX);
	if (e->wake < 0 || e->progress < 0)
		return transport_fail(e, -errno, "%s", strerror(errno));
	if (!e->sent || !e->buffers)
		return transport_fail(e, -ENOMEM, "%s", strerror(ENOMEM));
	set_encoder(e);
	return e->transport->init ? e->transport->init(e) : 0;
}

static int start(struct exporter *e)
{
	struct queue_view view;
	sigset_t all, before;
	int err;

	queue_view(e->queue, &view);
	e->status = view.status;
	/* The process before was killed while it was up: there is no need to start slowly. */
	e->was_up = e->status.phase == QUEUE_UP;
	if (!e->was_up) {
		e->status.since_ns = clock_unix_ns();
		e->status.phase = QUEUE_STARTING;
		queue_set_status(e->queue, &e->status);
	}
	e->totals = queue_progress(e->queue)->total;
	/* Signals are for the thread that asked for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&e->thread, NULL, exporter_thread, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err ? transport_fail(e, -err, "%s", strerror(err)) : 0;
}

static void destroy(struct exporter *e)
{
	if (e->transport->destroy)
		e->transport->destroy(e);
	queue_close(e->queue);
	if (e->wake >= 0)
		close(e->wake);
	if (e->progress >= 0)
		close(e->progress);
	free(e->sent);
	free(e->buffers);
	free(e);
}

int exporter_open(const struct export_options *options, const struct export_facts *facts,
		  const char *folder, const struct queue_mark *recovered, struct exporter **out,
		  struct why *why)
{
	struct exporter *e = calloc(1, sizeof(*e));
	struct why warning = {};
	int code;

	if (!e)
		return why_set(why, -ENOMEM, "%s: %s", options->to, strerror(ENOMEM));
	e->options = options;
	e->facts = *facts;
	e->transport = transports[options->url.transport];
	e->fd = e->wake = e->progress = -1;
	e->deadline_ns = ~0ull;
	e->backoff_ns = BACKOFF_MIN_NS;
	code = open_queue(e, folder, recovered, &warning);
	if (!code)
		code = prepare(e, &warning);
	if (!code)
		code = start(e);
	/* If there is a thread, e->why is the thread's from here on. */
	if (warning.text[0] || code)
		why_set(why, code, "%s: %s", options->to,
			code && e->why.text[0] ? e->why.text : warning.text);
	if (code)
		destroy(e);
	else
		*out = e;
	return code;
}

/* --- Writing ------------------------------------------------------------------------------ */

void exporter_stage(struct exporter *e, const struct flow_ended *flow)
{
	queue_stage(e->queue, flow);
}

void exporter_mark(const struct exporter *e, struct queue_mark *out)
{
	queue_mark(e->queue, out);
}

void exporter_publish(struct exporter *e)
{
	queue_publish(e->queue);
	exporter_wake(e);
}

void exporter_wake(struct exporter *e)
{
	eventfd_write(e->wake, 1);
}

__u64 exporter_space(struct exporter *e)
{
	return queue_space(e->queue);
}

/* Until something has moved; false: the deadline has passed. */
static bool wait_progress(struct exporter *e, __u64 deadline_ns)
{
	struct pollfd fd = {e->progress, POLLIN, 0};
	__u64 now = clock_monotonic_ns();
	struct timespec left;
	eventfd_t ignored;

	if (now >= deadline_ns)
		return false;
	left.tv_sec = (deadline_ns - now) / WEIR_NS_PER_SEC;
	left.tv_nsec = (deadline_ns - now) % WEIR_NS_PER_SEC;
	if (ppoll(&fd, 1, deadline_ns == ~0ull ? NULL : &left, NULL) > 0)
		eventfd_read(e->progress, &ignored);
	return true;
}

bool exporter_wait_space(struct exporter *e, __u64 records, __u64 deadline_ns)
{
	while (queue_space(e->queue) < records) {
		if (!wait_progress(e, deadline_ns))
			return false;
	}
	return true;
}

static __u64 unsent(const struct exporter *e)
{
	struct queue_view view;

	queue_view(e->queue, &view);
	return view.mark.taken.records - queue_head(&view.progress.total);
}

static bool is_finished(const struct exporter *e)
{
	return __atomic_load_n(&e->finished_tail, __ATOMIC_ACQUIRE) == queue_tail(e->queue) + 1;
}

__u64 exporter_flush(struct exporter *e, __u64 deadline_ns)
{
	while (!is_finished(e) && wait_progress(e, deadline_ns))
		;
	return unsent(e);
}

__u64 exporter_close(struct exporter *e, __u64 deadline_ns)
{
	__u64 left;

	__atomic_store_n(&e->deadline_ns, deadline_ns, __ATOMIC_RELEASE);
	eventfd_write(e->wake, 1);
	pthread_join(e->thread, NULL);
	left = unsent(e);
	destroy(e);
	return left;
}

/* --- State -------------------------------------------------------------------------------- */

const char *exporter_phase_text(enum queue_phase phase)
{
	static const char *const words[] = {
		[QUEUE_STARTING] = "starting",
		[QUEUE_UP] = "up",
		[QUEUE_REFUSED] = "refused",
		[QUEUE_CLOSED] = "closed",
	};

	return phase < sizeof(words) / sizeof(words[0]) ? words[phase] : "unknown";
}

void exporter_state(const struct exporter *e, struct exporter_state *out)
{
	struct queue_view view;

	queue_view(e->queue, &view);
	exporter_state_of(&view, out);
}
