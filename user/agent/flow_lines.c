// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "agent/flow_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "flow/json.h"
#include "view/json.h"

#define LINE_ROOM 4096 /* a line is shorter: some 400 bytes, with all that foreign flows may have */

_Static_assert(LINE_ROOM <= PIPE_BUF, "a pipe takes a line at once");

/* A file has a place to write at that belongs to its descriptor; it does not block anyway. */
static int open_again(struct flow_lines *l, int fd)
{
	char path[32];
	struct stat file;

	if (fstat(fd, &file))
		return -1;
	l->socket = S_ISSOCK(file.st_mode);
	if (!l->socket && !S_ISREG(file.st_mode)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		l->fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (l->fd >= 0)
			return 0;
		l->shared = true; /* we may write there, and may not open it */
	}
	l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return l->fd < 0 ? -1 : 0;
}

int flow_lines_open(struct flow_lines *l, int fd, bool waits)
{
	const int flags = fcntl(fd, F_GETFL);

	*l = (struct flow_lines){.fd = -1, .waits = waits};
	if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY) /* opened again it would be writable */
		return -EBADF;
	if (open_again(l, fd))
		return -errno;
	l->buffer = malloc(FLOW_LINES_BUFFER);
	l->line = open_memstream(&l->text, &l->size);
	if (l->buffer && l->line)
		return 0;
	flow_lines_close(l, 0);
	return -ENOMEM;
}

bool flow_lines_pending(const struct flow_lines *l)
{
	return l->end > l->start && !l->broken;
}

/* How many bytes of what waits are whole lines that a pipe takes at once. */
static size_t next_chunk(const struct flow_lines *l)
{
	const size_t bytes = l->end - l->start;
	const char *from = l->buffer + l->start, *last;

	if (bytes <= PIPE_BUF)
		return bytes;
	last = memrchr(from, '\n', PIPE_BUF);
	return last ? (size_t)(last + 1 - from) : PIPE_BUF;
}

static void count_lines(const char *from, size_t bytes, __u64 *count)
{
	const char *end = from + bytes;

	while ((from = memchr(from, '\n', end - from))) {
		(*count)++;
		if (++from == end)
			break;
	}
}

static void drop_rest(struct flow_lines *l)
{
	count_lines(l->buffer + l->start, l->end - l->start, &l->dropped);
	l->start = l->end = 0;
}

static ssize_t write_some(const struct flow_lines *l)
{
	struct pollfd out = {.fd = l->fd, .events = POLLOUT};
	const char *from = l->buffer + l->start;
	const size_t bytes = next_chunk(l);

	if (l->socket)
		return send(l->fd, from, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (l->shared && !poll(&out, 1, 0)) {
		errno = EAGAIN;
		return -1;
	}
	return write(l->fd, from, bytes);
}

void flow_lines_flush(struct flow_lines *l)
{
	while (flow_lines_pending(l)) {
		ssize_t wrote = write_some(l);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0 && errno == EAGAIN)
			return;
		if (wrote < 0) {
			l->broken = errno;
			drop_rest(l);
			return;
		}
		count_lines(l->buffer + l->start, wrote, &l->written);
		l->start += wrote;
	}
	l->start = l->end = 0;
}

static void wait_for_reader(const struct flow_lines *l, __u64 until_ns)
{
	struct pollfd out = {.fd = l->fd, .events = POLLOUT};
	const __u64 now_ns = clock_monotonic_ns();

	poll(&out, 1, until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS + 1 : 0);
}

/* False: a line would find no room. What waits is moved only where much can be won by it. */
static bool make_room(struct flow_lines *l)
{
	if (FLOW_LINES_BUFFER - l->end >= LINE_ROOM)
		return true;
	flow_lines_flush(l);
	while (l->waits && flow_lines_pending(l)) {
		wait_for_reader(l, clock_monotonic_ns() + WEIR_NS_PER_SEC);
		flow_lines_flush(l);
	}
	if (l->start >= FLOW_LINES_BUFFER / 2) {
		memmove(l->buffer, l->buffer + l->start, l->end - l->start);
		l->end -= l->start;
		l->start = 0;
	}
	return !l->broken && FLOW_LINES_BUFFER - l->end >= LINE_ROOM;
}

/* False: no memory, or longer than any line is. */
static bool add_line(struct flow_lines *l, const struct flow_record *flow)
{
	rewind(l->line);
	if (json_line(flow_record_to_json(flow), l->line) || fflush(l->line) || ferror(l->line) ||
	    l->size > LINE_ROOM)
		return false;
	memcpy(l->buffer + l->end, l->text, l->size);
	l->end += l->size;
	return true;
}

static void take_flows(void *context, const struct flow_origin *origin,
		       const struct flow_record *flows, unsigned int count)
{
	struct flow_lines *l = context;
	bool room = true; /* once there is none, the reader is not tried again for each flow */

	(void)origin;
	for (unsigned int i = 0; i < count; i++) {
		l->ended++;
		room = room && !l->broken && make_room(l);
		if (!room || !add_line(l, &flows[i]))
			l->dropped++;
	}
	flow_lines_flush(l);
}

static void take_turn(void *context, __u64 now_ns)
{
	(void)now_ns;
	flow_lines_flush(context);
}

struct flow_sink flow_lines_sink(struct flow_lines *l)
{
	return (struct flow_sink){.context = l, .flows = take_flows, .turn = take_turn};
}

void flow_lines_close(struct flow_lines *l, __u64 deadline_ns)
{
	flow_lines_flush(l);
	while (flow_lines_pending(l) && (l->waits || clock_monotonic_ns() < deadline_ns)) {
		wait_for_reader(l, l->waits ? clock_monotonic_ns() + WEIR_NS_PER_SEC : deadline_ns);
		flow_lines_flush(l);
	}
	drop_rest(l);
	if (l->line)
		fclose(l->line);
	free(l->text);
	free(l->buffer);
	close(l->fd);
	l->line = NULL;
	l->text = l->buffer = NULL;
	l->fd = -1;
}
