/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A link on which hosts and coordinators talk: words out of messages out of a stream, and back.
 * What has come of a message that is not whole yet is all that is kept between turns, so that ten
 * thousand of them cost little.
 */
#ifndef PEER_TALK_H
#define PEER_TALK_H

#include "interval/words.h"
#include "net/link.h"

#define TALK_READS 16 /* at one time, so that one that never stops keeps nobody waiting */
#define TALK_MORE 1

struct talk {
	struct link *link;
	struct interval_writer writer;
	struct interval_reader *reader;
	__u8 *part; /* of a message */
	__u32 part_bytes, max_message;
	__u64 messages_in, messages_out, bytes_in, bytes_out;
};

/* The link is the talk's from then on; a message longer than max_message ends it. -ENOMEM: it is
 * still the caller's. */
int talk_begin(struct talk *t, struct link *link, __u32 domain, __u32 max_message);
/* Closes the link and frees all, not from within talk_listen(). One that is all zero may end. */
void talk_end(struct talk *t);
/* Closes the link alone: nothing is said and heard any more. */
void talk_hang_up(struct talk *t);

/* link_why() without the peer that it may begin with. */
const char *talk_why(const struct talk *t);

/* Says them, in as few messages as they need; what the socket does not take now goes later. A
 * negative errno with the reason. now_ns: Unix time. */
int talk_say(struct talk *t, const struct interval_word *words, unsigned int count, __u64 now_ns,
	     struct why *why);

/*
 * Calls fn for each word that has come. 0: there is no more now; TALK_MORE: there may be. What fn
 * returns that is not 0 stops and is returned. -EPIPE: the other end has closed; -EPROTONOSUPPORT:
 * it does not speak IPFIX; -EMSGSIZE, -EBADMSG: a message is too long, cannot be read; another
 * negative errno: the link is broken. The reason comes with all of these.
 */
int talk_listen(struct talk *t, int (*fn)(void *context, const struct interval_word *word),
		void *context, struct why *why);

#endif
