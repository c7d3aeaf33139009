// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The server's side of the local socket.
 *
 * A file that is in the way may be a living process's socket, the socket of one that was killed, or
 * something else. Connecting tells the first, and only the second is removed. What is removed at
 * the end is the file that was made, known by its inode: by then another may have taken the path.
 *
 * The text is made when a client comes, so that it sees one moment, and sent as fast as it reads.
 */
#include "net/local.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folder.h"
#include "base/log.h"

#define BACKLOG 64
#define RETRY_NS (250 * NS_PER_MS) /* after the system had no descriptor or memory for a client */
#define GROUPS_MAX 65536           /* of a process: NGROUPS_MAX of the kernel */

struct client {
	struct loop_watch watch;
	struct local *local;
	int fd; /* -1: free */
	char *text;
	size_t at, size;
	__u64 due_ns;
};

struct local {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer timer;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t device;
	ino_t inode;
	gid_t group;
	__u64 patience_ns;
	int (*write)(void *context, FILE *out);
	void *context;
	struct client client[LOCAL_CLIENTS];
};

/* --- The path -------------------------------------------------------------------------- */

static int address_of(const char *path, struct sockaddr_un *out, struct why *why)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(out->sun_path))
		return why_set(why, -ENAMETOOLONG,
			       "%s: too long, the path of a socket has at most %zu bytes", path,
			       sizeof(out->sun_path) - 1);
	strcpy(out->sun_path, path);
	return 0;
}

/* 0: somebody serves there; -ENOENT: there is nothing; -ECONNREFUSED: nobody has the file open. */
static int knock(const struct sockaddr_un *address)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int code;

	if (fd < 0)
		return -errno;
	code = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	close(fd);
	return code == -EAGAIN ? 0 : code; /* its queue is full */
}

static int clear_path(const struct sockaddr_un *address, const char *what, struct why *why)
{
	const char *path = address->sun_path;
	const int code = knock(address);
	struct stat st;

	if (!code)
		return why_set(why, -EADDRINUSE, "%s: another %s is running", path, what);
	if (code == -ENOENT)
		return 0;
	if (code != -ECONNREFUSED)
		return why_set(why, code, "%s: %s", path, strerror(-code));
	if (lstat(path, &st))
		return errno == ENOENT ? 0 : why_set(why, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return why_set(why, -EEXIST, "%s: is not a socket, and is not removed", path);
	if (unlink(path) && errno != ENOENT)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

/* Nobody else may connect before the group is right: the mode is the socket's own from the start,
 * and umask, which belongs to all threads, is left alone. */
static int make_file(struct local *l, const struct sockaddr_un *address, const char *group)
{
	const struct group *known = group ? getgrnam(group) : NULL;
	struct stat st;

	if (fchmod(l->fd, 0600) || bind(l->fd, (const struct sockaddr *)address, sizeof(*address)))
		return -errno;
	strcpy(l->path, address->sun_path);
	if (lstat(l->path, &st))
		return -errno;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	l->group = st.st_gid;
	if (known && !lchown(l->path, -1, known->gr_gid))
		l->group = known->gr_gid;
	else if (known)
		log_warn("%s: cannot be given to the group %s, and stays with our own: %s", l->path,
			 group, strerror(errno));
	return chmod(l->path, 0660) || listen(l->fd, BACKLOG) ? -errno : 0;
}

static void remove_file(const struct local *l)
{
	struct stat st;

	if (l->path[0] && !lstat(l->path, &st) && st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->path);
}

/* --- Clients --------------------------------------------------------------------------- */

static bool in_group(int fd, gid_t group)
{
	socklen_t size = 64 * sizeof(gid_t);
	bool found = false;
	gid_t *groups = malloc(size);

	if (groups && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) && errno == ERANGE &&
	    size <= GROUPS_MAX * sizeof(gid_t)) {
		free(groups);
		groups = malloc(size);
	}
	if (groups && !getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size)) {
		for (size_t i = 0; i < size / sizeof(gid_t) && !found; i++)
			found = groups[i] == group;
	}
	free(groups);
	return found;
}

static bool may_ask(const struct local *l, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	return !peer.uid || peer.uid == geteuid() || peer.gid == l->group || in_group(fd, l->group);
}

static struct client *free_client(struct local *l)
{
	for (int i = 0; i < LOCAL_CLIENTS; i++) {
		if (l->client[i].fd < 0)
			return &l->client[i];
	}
	return NULL;
}

/* Whether clients may come: not while as many are here as can be, nor before `retry_ns`. */
static void watch_door(struct local *l, __u64 retry_ns)
{
	__u64 due_ns = retry_ns;

	for (int i = 0; i < LOCAL_CLIENTS; i++) {
		if (l->client[i].fd >= 0 && l->client[i].due_ns < due_ns)
			due_ns = l->client[i].due_ns;
	}
	loop_timer(l->loop, &l->timer, due_ns);
	if (loop_watch(l->loop, &l->watch, l->fd,
		       retry_ns == LOOP_NEVER && free_client(l) ? POLLIN : 0))
		loop_timer(l->loop, &l->timer, clock_monotonic_ns() + RETRY_NS);
}

static void let_go(struct client *c)
{
	if (c->fd < 0)
		return;
	loop_watch(c->local->loop, &c->watch, -1, 0);
	close(c->fd);
	c->fd = -1;
	free(c->text);
	c->text = NULL;
}

/* Sends what it takes. True: it is over, all was sent or the client has gone. */
static bool send_text(struct client *c)
{
	while (c->at < c->size) {
		const ssize_t sent =
			send(c->fd, c->text + c->at, c->size - c->at, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno != EAGAIN;
		c->at += sent;
	}
	return true;
}

static void take_turn(void *context, short events)
{
	struct client *c = context;

	(void)events;
	if (!send_text(c))
		return;
	let_go(c);
	watch_door(c->local, LOOP_NEVER);
}

static int write_text(struct client *c)
{
	FILE *out = open_memstream(&c->text, &c->size);
	int code;

	c->at = 0;
	if (!out)
		return -ENOMEM;
	code = c->local->write(c->local->context, out);
	return fclose(out) ? -ENOMEM : code;
}

static void welcome(struct local *l, int fd)
{
	struct client *c = free_client(l);

	c->fd = fd;
	c->due_ns = clock_monotonic_ns() + l->patience_ns;
	if (!may_ask(l, fd) || write_text(c) || send_text(c) ||
	    loop_watch(l->loop, &c->watch, fd, POLLOUT))
		let_go(c);
}

static void take_clients(void *context, short events)
{
	struct local *l = context;
	__u64 retry_ns = LOOP_NEVER;

	(void)events;
	for (int i = 0; i < LOCAL_CLIENTS && free_client(l); i++) {
		const int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno != EAGAIN && errno != EINTR)
				retry_ns = clock_monotonic_ns() + RETRY_NS;
			break;
		}
		welcome(l, fd);
	}
	watch_door(l, retry_ns);
}

static void let_slow_go(void *context, __u64 now_ns)
{
	struct local *l = context;

	for (int i = 0; i < LOCAL_CLIENTS; i++) {
		if (l->client[i].fd >= 0 && now_ns >= l->client[i].due_ns)
			let_go(&l->client[i]);
	}
	watch_door(l, LOOP_NEVER);
}

/* --- Start and end --------------------------------------------------------------------- */

static struct local *new_local(struct loop *loop, const struct local_options *options)
{
	struct local *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->loop = loop;
	l->patience_ns = options->patience_ns;
	l->write = options->write;
	l->context = options->context;
	l->watch = (struct loop_watch){.turn = take_clients, .context = l};
	l->timer = (struct loop_timer){.turn = let_slow_go, .context = l};
	for (int i = 0; i < LOCAL_CLIENTS; i++) {
		struct client *c = &l->client[i];

		*c = (struct client){.local = l, .fd = -1};
		c->watch = (struct loop_watch){.turn = take_turn, .context = c};
	}
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return l;
}

int local_serve(struct loop *loop, const struct local_options *options, struct local **out,
		struct why *why)
{
	struct sockaddr_un address;
	struct local *l;
	int code = address_of(options->path, &address, why);

	code = code ? code : clear_path(&address, options->what, why);
	if (code)
		return code;
	l = new_local(loop, options);
	if (!l)
		return why_set(why, -ENOMEM, "%s: %s", options->path, strerror(ENOMEM));
	code = l->fd < 0 ? -errno : folder_make_for(options->path);
	code = code ? code : make_file(l, &address, options->group);
	code = code ? code : loop_watch(loop, &l->watch, l->fd, POLLIN);
	if (code) {
		local_end(l);
		return why_set(why, code, "%s: %s", options->path, strerror(-code));
	}
	*out = l;
	return 0;
}

void local_end(struct local *l)
{
	if (!l)
		return;
	for (int i = 0; i < LOCAL_CLIENTS; i++)
		let_go(&l->client[i]);
	loop_timer(l->loop, &l->timer, LOOP_NEVER);
	loop_watch(l->loop, &l->watch, -1, 0);
	remove_file(l);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

/* --- The client's side ----------------------------------------------------------------- */

static int wait_for_text(int fd, __u64 due_ns)
{
	const __u64 now_ns = clock_monotonic_ns();
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int count;

	if (now_ns >= due_ns)
		return -ETIMEDOUT;
	count = poll(&ready, 1, (due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
	return count > 0 || (count < 0 && errno == EINTR) ? 0 : count ? -errno : -ETIMEDOUT;
}

/* All of it up to the end of the stream. */
static int read_all(int fd, __u64 due_ns, FILE *out)
{
	char part[16384];

	for (;;) {
		const int code = wait_for_text(fd, due_ns);
		ssize_t got;

		if (code)
			return code;
		got = recv(fd, part, sizeof(part), MSG_DONTWAIT);
		if (!got)
			return 0;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got > 0 && fwrite(part, 1, got, out) != (size_t)got)
			return -ENOMEM;
	}
}

/* A server whose queue is full is waited for, as one that is slow is. */
static int call(const struct sockaddr_un *address, __u64 patience_ns)
{
	const struct timeval patience = {.tv_sec = patience_ns / WEIR_NS_PER_SEC,
					 .tv_usec = patience_ns % WEIR_NS_PER_SEC / 1000};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int code;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return fd;
	code = errno == EAGAIN ? -ETIMEDOUT : -errno;
	close(fd);
	return code;
}

int local_ask(const char *path, __u64 patience_ns, char **text, size_t *size, struct why *why)
{
	const __u64 due_ns = clock_monotonic_ns() + patience_ns;
	struct sockaddr_un address;
	char *read = NULL;
	size_t length = 0;
	FILE *out;
	int fd, code = address_of(path, &address, why);

	if (code)
		return code;
	fd = call(&address, patience_ns);
	if (fd < 0)
		return why_set(why, fd, "%s: %s", path, strerror(-fd));
	out = open_memstream(&read, &length);
	code = out ? read_all(fd, due_ns, out) : -ENOMEM;
	if (out && fclose(out) && !code)
		code = -ENOMEM;
	close(fd);
	if (code) {
		free(read);
		return why_set(why, code, "%s: %s", path, strerror(-code));
	}
	*text = read;
	*size = length;
	return 0;
}
