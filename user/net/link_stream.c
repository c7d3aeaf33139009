// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/link_internal.h"

#define PIECES_MAX 16 /* of ciphertext without data, before others have their turn */

int link_down(struct link *l, int err, const char *format, ...)
{
	va_list args;

	l->phase = LINK_DOWN;
	va_start(args, format);
	why_vset(&l->why, err, format, args);
	va_end(args);
	return err;
}

/* --- Sending ------------------------------------------------------------------------------ */

/* Makes room for `bytes` behind those that wait. */
static bool reserve(struct link *l, size_t bytes)
{
	__u8 *more;

	if (l->first) {
		memmove(l->pending, l->pending + l->first, l->waiting);
		l->first = 0;
	}
	if (l->waiting + bytes <= l->room)
		return true;
	more = realloc(l->pending, l->waiting + bytes);
	if (!more)
		return false;
	l->pending = more;
	l->room = l->waiting + bytes;
	return true;
}

static void let_go(struct link *l)
{
	free(l->pending);
	l->pending = NULL;
	l->first = l->waiting = l->room = 0;
}

/* Ciphertext that OpenSSL has made. A peer that has it make answers and reads none is left. */
int link_collect(struct link *l)
{
	size_t bytes = l->secure ? secure_waiting(l->secure) : 0;

	if (!bytes)
		return 0;
	if (l->waiting + bytes > 2 * LINK_PENDING_MAX || !reserve(l, bytes))
		return link_down(l, -ENOBUFS, "%s: too much waits to be sent", l->peer);
	l->waiting += secure_take(l->secure, l->pending + l->first + l->waiting, bytes);
	return 0;
}

void link_flush(struct link *l)
{
	while (l->waiting && !l->deaf) {
		ssize_t n =
			send(l->fd, l->pending + l->first, l->waiting, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			l->deaf = true;
			why_set(&l->why, 0, "%s: %s", l->peer, strerror(errno));
			break;
		}
		l->first += n;
		l->waiting -= n;
	}
	let_go(l);
}

int link_write(struct link *l, const void *data, size_t bytes)
{
	int err = 0;

	if (l->phase != LINK_UP || l->deaf)
		return -ENOTCONN;
	if (!bytes)
		return 0;
	if (bytes > LINK_PENDING_MAX || l->waiting > LINK_PENDING_MAX - bytes || !reserve(l, bytes))
		return -ENOBUFS;
	if (l->secure) {
		err = secure_write(l->secure, data, bytes, &l->why);
		if (err)
			l->phase = LINK_DOWN;
		else
			err = link_collect(l);
	} else {
		memcpy(l->pending + l->waiting, data, bytes);
		l->waiting += bytes;
	}
	if (err)
		return -ENOTCONN;
	link_flush(l);
	return 0;
}

/* --- Reading ------------------------------------------------------------------------------ */

/* Bytes; 0: none now; a negative errno, and the link is down. */
static ssize_t receive(struct link *l, void *out, size_t room)
{
	ssize_t n = recv(l->fd, out, room, MSG_DONTWAIT);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (l->deaf) {
		l->phase = LINK_DOWN; /* for the reason that sending failed */
		return -ECONNRESET;
	}
	if (n < 0)
		return link_down(l, -errno, "%s: %s", l->peer, strerror(errno));
	if (l->step == LINK_HANDSHAKE || l->step == LINK_VERDICT)
		return link_down(l, -ECONNRESET, "%s: closed during the TLS handshake", l->peer);
	if (l->secure)
		return link_down(l, -ECONNRESET, "%s: the connection was cut", l->peer);
	return link_down(l, -EPIPE, "%s", "");
}

/* Ciphertext; as receive(). */
ssize_t link_take_in(struct link *l)
{
	__u8 cipher[LINK_RECEIVE_BYTES];
	ssize_t n = receive(l, cipher, sizeof(cipher));

	if (n > 0 && !secure_feed(l->secure, cipher, n))
		return link_down(l, -ENOMEM, "%s: %s", l->peer, strerror(ENOMEM));
	return n;
}

/* The link is down by what OpenSSL said. */
static int down_secure(struct link *l, int err)
{
	l->phase = LINK_DOWN;
	if (err == -EPIPE)
		l->why.text[0] = 0;
	return err;
}

static ssize_t read_secure(struct link *l, void *out, size_t room)
{
	for (int i = 0; i < PIECES_MAX; i++) {
		ssize_t n = secure_read(l->secure, out, room, &l->why);
		int err = link_collect(l);

		link_flush(l);
		if (n < 0)
			return down_secure(l, n);
		if (n || err)
			return n ? n : err;
		n = link_take_in(l);
		if (n <= 0)
			return n;
	}
	l->again = true;
	return 0;
}

ssize_t link_read(struct link *l, void *out, size_t room)
{
	ssize_t n;

	l->again = false;
	if (l->phase != LINK_UP)
		return l->phase == LINK_DOWN ? -ENOTCONN : 0;
	if (!room)
		return 0;
	n = l->secure ? read_secure(l, out, room) : receive(l, out, room);
	if (n > 0)
		l->again = l->secure;
	return n;
}
