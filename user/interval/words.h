/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What hosts and coordinators tell each other (interval/interval.h) as IPFIX: data records of
 * weir's own elements, over one stream that both ends write to. Each end announces its templates
 * and, in type records (RFC 5610), its elements at the start of its direction; after that
 *
 *   message = header │ sets: records that were said together
 *
 * so that one second of a host is one message. Pure.
 */
#ifndef INTERVAL_WORDS_H
#define INTERVAL_WORDS_H

#include <sys/types.h>

#include "base/why.h"
#include "interval/interval.h"

enum interval_word_kind {
	INTERVAL_HELLO,
	INTERVAL_ASK,
	INTERVAL_UPDATE,
	INTERVAL_TICK,
	INTERVAL_LACK,
	INTERVAL_SINCE,
	INTERVAL_GOODBYE,
	INTERVAL_WELCOME,
	INTERVAL_GRANT,
	INTERVAL_REFUSAL,
	INTERVAL_OTHER,
	INTERVAL_WORDS,
};

struct interval_word {
	enum interval_word_kind kind;
	union {
		struct interval_hello hello;
		struct interval_ask ask;
		struct interval_update update;
		struct interval_tick tick;
		struct interval_lack lack;
		struct interval_since since;
		struct interval_welcome welcome;
		struct interval_grant grant;
		char refusal[INTERVAL_TEXT_BYTES];
		/* Coordinator to host, for a query that is left out: the coordinator's query of
		 * that name. Without a measure: it has none. Width and name are not sent. */
		struct interval_ask other;
	};
};

/* One direction's writing end. */
struct interval_writer {
	__u32 domain;
	__u32 sequence;
	bool announced;
};

/* Words that fit in one message whatever they are; no message is longer, announcements included. */
#define INTERVAL_WORDS_MIN 16
#define INTERVAL_MESSAGE_MAX 16384

/*
 * Writes words into one message, after the announcements in messages of their own where they have
 * not been made; at most `room` bytes. Returns bytes written, *taken: how many of the words (the
 * caller goes on with the others), none where there was room for the announcements alone. -ENOSPC:
 * room for nothing; -EINVAL: the first word says what cannot be, nothing was written.
 */
ssize_t interval_write(struct interval_writer *w, const struct interval_word *words,
		       unsigned int count, __u64 now_ns, __u8 *out, size_t room,
		       unsigned int *taken);

/* One direction's reading end. */
struct interval_reader;
/* max_message: what is longer is refused. NULL: no memory. */
struct interval_reader *interval_reader_new(size_t max_message);
void interval_reader_free(struct interval_reader *r);
/*
 * Reads one whole message (wire_stream_length() bytes of it) and calls fn for each word. A non-zero
 * return of fn stops and is returned. Templates may come with other lengths (reduced-size encoding)
 * and more elements than ours; records of other templates are passed over and counted.
 * -EBADMSG and why: it cannot be read, or says what cannot be (a course that is not sound, a
 * width out of range, text that is not UTF-8 or has control characters).
 */
int interval_read(struct interval_reader *r, const __u8 *message, size_t length,
		  int (*fn)(void *context, const struct interval_word *word), void *context,
		  struct why *why);

/* Records that were passed over, options aside; a set without template counts as one. */
__u64 interval_reader_passed(const struct interval_reader *r);

#endif
