// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "peer/talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/decode.h"

#define ROOM 65536 /* more than a message has at most */

int talk_begin(struct talk *t, struct link *link, __u32 domain, __u32 max_message)
{
	struct interval_reader *reader = interval_reader_new(max_message);

	if (!reader)
		return -ENOMEM;
	*t = (struct talk){
		.link = link,
		.writer = {.domain = domain},
		.reader = reader,
		.max_message = max_message,
	};
	return 0;
}

void talk_hang_up(struct talk *t)
{
	link_close(t->link);
	t->link = NULL;
}

void talk_end(struct talk *t)
{
	talk_hang_up(t);
	interval_reader_free(t->reader);
	free(t->part);
	memset(t, 0, sizeof(*t));
}

const char *talk_why(const struct talk *t)
{
	const char *why = link_why(t->link), *peer = link_peer(t->link);
	const size_t length = strlen(peer);

	if (length && !strncmp(why, peer, length) && !strncmp(why + length, ": ", 2))
		why += length + 2;
	return why;
}

/* The link knows better than an errno why it is broken. */
static int broken(const struct talk *t, int code, struct why *why)
{
	const char *known = talk_why(t);

	return why_set(why, code, "%s",
		       *known             ? known
		       : code == -EPIPE   ? "it has closed the connection"
		       : code == -ENOBUFS ? "it does not take what is sent"
					  : strerror(-code));
}

/* Announcements are messages of their own. */
static unsigned int count_messages(const __u8 *bytes, size_t length)
{
	unsigned int count = 0;

	for (size_t at = 0; at < length; at += wire_stream_length(bytes + at))
		count++;
	return count;
}

int talk_say(struct talk *t, const struct interval_word *words, unsigned int count, __u64 now_ns,
	     struct why *why)
{
	__u8 message[ROOM];

	while (count) {
		unsigned int taken = 0;
		ssize_t bytes = interval_write(&t->writer, words, count, now_ns, message,
					       sizeof(message), &taken);
		int code = bytes < 0 ? (int)bytes : link_write(t->link, message, bytes);

		if (code)
			return broken(t, code, why);
		t->messages_out += count_messages(message, bytes);
		t->bytes_out += bytes;
		words += taken;
		count -= taken;
	}
	return 0;
}

/* --- Listening ---------------------------------------------------------------------------- */

static int refuse_message(const struct talk *t, size_t length, struct why *why)
{
	if (!length)
		return why_set(why, -EPROTONOSUPPORT, "it does not speak IPFIX");
	return why_set(why, -EMSGSIZE, "a message of %zu bytes is longer than %u", length,
		       t->max_message);
}

/* Reads the whole messages of `bytes`; *used: how far. */
static int read_messages(struct talk *t, const __u8 *at, size_t bytes, size_t *used,
			 int (*fn)(void *, const struct interval_word *), void *context,
			 struct why *why)
{
	int code = 0;

	*used = 0;
	while (!code && bytes - *used >= WIRE_STREAM_HEAD_BYTES) {
		size_t length = wire_stream_length(at + *used);

		if (!length || length > t->max_message)
			return refuse_message(t, length, why);
		if (length > bytes - *used)
			break;
		t->messages_in++;
		code = interval_read(t->reader, at + *used, length, fn, context, why);
		*used += length;
	}
	return code;
}

/* Keeps what is left for the next time. */
static int keep(struct talk *t, const __u8 *rest, size_t bytes)
{
	__u8 *part = bytes ? malloc(bytes) : NULL;

	if (bytes && !part)
		return -ENOMEM;
	if (bytes)
		memcpy(part, rest, bytes);
	free(t->part);
	t->part = part;
	t->part_bytes = bytes;
	return 0;
}

int talk_listen(struct talk *t, int (*fn)(void *context, const struct interval_word *word),
		void *context, struct why *why)
{
	__u8 room[2 * ROOM];

	for (int reads = 0; reads < TALK_READS; reads++) {
		size_t have = t->part_bytes, used;
		ssize_t bytes;
		int code;

		if (have)
			memcpy(room, t->part, have);
		bytes = link_read(t->link, room + have, ROOM);
		if (bytes <= 0)
			return bytes ? broken(t, bytes, why) : 0;
		t->bytes_in += bytes;
		have += bytes;
		code = read_messages(t, room, have, &used, fn, context, why);
		if (code)
			return code;
		code = keep(t, room + used, have - used);
		if (code)
			return broken(t, code, why);
	}
	return TALK_MORE;
}
