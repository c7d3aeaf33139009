// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The loop of an exporter's thread, its waits, and the state that it reports. */
#include "export/exporter_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/utf8.h"

int transport_fail(struct exporter *e, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	why_vset(&e->why, err, format, args);
	va_end(args);
	return err;
}

/* --- Waiting ------------------------------------------------------------------------------ */

static __u64 deadline(const struct exporter *e)
{
	return __atomic_load_n(&e->deadline_ns, __ATOMIC_ACQUIRE);
}

bool transport_is_late(const struct exporter *e)
{
	return clock_monotonic_ns() >= deadline(e);
}

__u64 transport_time_left(const struct exporter *e)
{
	__u64 until = deadline(e), now = clock_monotonic_ns();

	return until == ~0ull ? until : until > now ? until - now : 0;
}

short transport_wait(struct exporter *e, int fd, short events, __u64 until_ns)
{
	struct pollfd fds[2] = {{e->wake, POLLIN, 0}, {fd, events, 0}};
	__u64 now = clock_monotonic_ns(), left = 0;
	struct timespec timeout;
	eventfd_t ignored;

	if (until_ns > deadline(e))
		until_ns = deadline(e);
	if (until_ns > now)
		left = until_ns - now;
	if (left > 3600 * WEIR_NS_PER_SEC)
		left = 3600 * WEIR_NS_PER_SEC;
	timeout = (struct timespec){left / WEIR_NS_PER_SEC, left % WEIR_NS_PER_SEC};
	if (ppoll(fds, 2, &timeout, NULL) <= 0)
		return 0;
	if (fds[0].revents)
		eventfd_read(e->wake, &ignored);
	return fds[1].revents;
}

__u64 transport_options_again(const struct exporter *e)
{
	__u64 refresh = e->options->options_refresh_ns;

	return refresh ? clock_boot_ns() + refresh : ~0ull;
}

/* --- State -------------------------------------------------------------------------------- */

void exporter_progressed(struct exporter *e)
{
	eventfd_write(e->progress, 1);
}

void exporter_set_phase(struct exporter *e, enum queue_phase phase)
{
	if (e->status.phase == phase)
		return;
	e->status.phase = phase;
	e->status.since_ns = clock_unix_ns();
	queue_set_status(e->queue, &e->status);
	exporter_progressed(e);
}

void exporter_note(struct exporter *e)
{
	e->status.errors++;
	e->status.error_ns = clock_unix_ns();
	snprintf(e->status.error, sizeof(e->status.error), "%.*s",
		 (int)utf8_cut(e->why.text, sizeof(e->status.error) - 1), e->why.text);
	queue_set_status(e->queue, &e->status);
	exporter_progressed(e);
}

/* --- The loop ----------------------------------------------------------------------------- */

static void set_finished(struct exporter *e, __u64 tail)
{
	if (e->finished_tail == tail)
		return;
	__atomic_store_n(&e->finished_tail, tail, __ATOMIC_RELEASE);
	exporter_progressed(e);
}

static bool is_over(const struct exporter *e)
{
	return deadline(e) != ~0ull &&
	       (transport_is_late(e) || e->finished_tail == queue_tail(e->queue) + 1);
}

static int step(struct exporter *e)
{
	__u64 tail;
	int err;

	if (!e->connected) {
		err = e->transport->open(e);
		if (err)
			return err;
		e->connected = true;
		if (!e->probing)
			exporter_set_phase(e, QUEUE_UP);
	}
	tail = queue_tail(e->queue);
	e->due_ns = ~0ull;
	err = e->transport->turn(e, tail != queue_head(&e->totals));
	if (err)
		return err;
	session_fill(e);
	if (e->count || e->probing)
		return e->transport->send(e);
	if (e->transport->settled(e) && tail == queue_head(&e->totals))
		set_finished(e, tail + 1);
	if (!is_over(e) && !session_has_more(e))
		e->events = transport_wait(e, e->fd, POLLIN, e->due_ns);
	return 0;
}

/* The connection is gone; the next attempt is after a while, and later each time. */
static void fall_back(struct exporter *e)
{
	__u64 until = clock_monotonic_ns() + e->backoff_ns;

	e->transport->close(e, false);
	session_drop(e);
	e->connected = false;
	exporter_note(e);
	exporter_set_phase(e, QUEUE_REFUSED);
	if (e->try_next)
		return;
	e->backoff_ns *= 2;
	if (e->backoff_ns > BACKOFF_MAX_NS)
		e->backoff_ns = BACKOFF_MAX_NS;
	while (clock_monotonic_ns() < until && !transport_is_late(e))
		transport_wait(e, -1, 0, until);
}

void *exporter_thread(void *exporter)
{
	struct exporter *e = exporter;

	while (!is_over(e)) {
		if (step(e))
			fall_back(e);
	}
	if (e->connected)
		e->transport->close(e, true);
	exporter_set_phase(e, QUEUE_CLOSED);
	return NULL;
}
