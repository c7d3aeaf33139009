// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The local socket: who connects gets the state as JSON Lines, first {status with hosts}, then one
 * line for each answer, and is let go. Whoever does not read in time is let go too.
 * A file that is not this coordinator's socket is never removed.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/log.h"
#include "coordinate/coordinate.h"
#include "view/json.h"
#include "view/text.h"

#define LOCAL_NS 5000000000ull
#define BACKLOG 64

struct coordinate_local {
	struct coordinate_watch watch; /* first; its fd is -1: free */
	char *text;
	size_t at, size;
	__u64 since_ns;
};

/* Is somebody listening there? */
static bool is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served;

	if (fd < 0)
		return false;
	served = !connect(fd, (const struct sockaddr *)address, sizeof(*address)) ||
		 errno == EAGAIN;
	close(fd);
	return served;
}

static int bind_at(int fd, const struct sockaddr_un *address)
{
	/* Never open to others, not even for a moment. */
	const mode_t mask = umask(0117);
	int code = bind(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;

	umask(mask);
	if (!code && listen(fd, BACKLOG))
		code = -errno;
	return code;
}

/* Ours from here on; another's may be there by the time that we stop. */
static int remember_file(struct coordinate *c)
{
	struct stat st;

	if (lstat(c->socket, &st))
		return -errno;
	c->local_device = st.st_dev;
	c->local_inode = st.st_ino;
	return 0;
}

static void remove_file(const struct coordinate *c)
{
	struct stat st;

	if (!lstat(c->socket, &st) && st.st_dev == c->local_device && st.st_ino == c->local_inode)
		unlink(c->socket);
}

int local_open(struct coordinate *c)
{
	const char *path = c->socket;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, code;

	snprintf(c->socket, sizeof(c->socket), "%s", c->config.coordinate.socket);
	c->locals = calloc(COORDINATE_LOCALS, sizeof(*c->locals));
	if (!c->locals)
		return -ENOMEM;
	for (int i = 0; i < COORDINATE_LOCALS; i++)
		c->locals[i].watch = (struct coordinate_watch){.kind = COORDINATE_LOCAL, .fd = -1};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (is_served(&address)) {
		log_err("%s: another weir coordinate is at work there", path);
		return -EADDRINUSE;
	}
	code = folder_make_for(path);
	/* Left behind by one that was killed; anything else is not ours to remove. */
	if (!code && !lstat(path, &st) && S_ISSOCK(st.st_mode))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!code)
		code = fd < 0 ? -errno : bind_at(fd, &address);
	if (!code)
		code = remember_file(c);
	if (!code)
		code = coordinate_watch(c, &c->local_listener, fd, POLLIN);
	if (!code) {
		c->local_fd = fd;
		return 0;
	}
	log_err("%s: %s", path, strerror(-code));
	if (fd >= 0)
		close(fd);
	return code;
}

static void let_go(struct coordinate *c, struct coordinate_local *local)
{
	const int fd = local->watch.fd;

	if (fd < 0)
		return;
	coordinate_watch(c, &local->watch, -1, 0);
	close(fd);
	free(local->text);
	local->text = NULL;
}

void local_close(struct coordinate *c)
{
	for (int i = 0; i < COORDINATE_LOCALS && c->locals; i++)
		let_go(c, &c->locals[i]);
	free(c->locals);
	c->locals = NULL;
	if (c->local_fd < 0)
		return;
	coordinate_watch(c, &c->local_listener, -1, 0);
	remove_file(c);
	close(c->local_fd);
	c->local_fd = -1;
}

static int write_state(struct coordinate *c, struct coordinate_local *local)
{
	FILE *out = open_memstream(&local->text, &local->size);
	int code = out ? json_line(coordinate_status_json(c, true), out) : -ENOMEM;

	for (unsigned int i = 0; i < c->ask_count && !code; i++)
		if (c->last[i].json)
			code = json_line(json_incref(c->last[i].json), out);
	if (out && fclose(out))
		code = -ENOMEM;
	local->at = 0;
	return code;
}

void local_turn(struct coordinate *c, struct coordinate_watch *watch)
{
	struct coordinate_local *local = (struct coordinate_local *)watch;

	while (watch->fd >= 0 && local->at < local->size) {
		ssize_t sent = send(watch->fd, local->text + local->at, local->size - local->at,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0)
			break;
		local->at += sent;
	}
	let_go(c, local);
}

void local_enter(struct coordinate *c)
{
	int fd;

	while ((fd = accept4(c->local_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct coordinate_local *local = NULL;

		for (int i = 0; i < COORDINATE_LOCALS && !local; i++)
			if (c->locals[i].watch.fd < 0)
				local = &c->locals[i];
		if (!local) {
			close(fd);
			continue;
		}
		local->since_ns = coordinate_now(c);
		if (coordinate_watch(c, &local->watch, fd, POLLOUT)) {
			local->watch.fd = -1;
			close(fd);
		} else if (write_state(c, local)) {
			let_go(c, local);
		} else {
			local_turn(c, &local->watch);
		}
	}
	/* Whoever cannot be taken now waits for the next sweep, and does not wake us until then. */
	if (errno != EAGAIN)
		coordinate_watch(c, &c->local_listener, c->local_fd, 0);
}

void local_sweep(struct coordinate *c, __u64 now_ns)
{
	for (int i = 0; i < COORDINATE_LOCALS; i++)
		if (c->locals[i].watch.fd >= 0 && now_ns - c->locals[i].since_ns >= LOCAL_NS)
			let_go(c, &c->locals[i]);
	coordinate_watch(c, &c->local_listener, c->local_fd, POLLIN);
}
