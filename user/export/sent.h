/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages that were sent and may have to be sent again: refused by the host they went to (UDP), or
 * not acked when the connection broke (TCP, TLS). Each is kept with the totals as they were before
 * it, so that going back means restoring these.
 */
#ifndef EXPORT_SENT_H
#define EXPORT_SENT_H

#include "export/queue.h"

#define SENT_MAX 1024 /* messages; the oldest makes room */

struct sent_message {
	struct queue_totals before;
	__u64 head;    /* after it */
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 end;     /* stream: bytes of the connection up to the message's last */
};

struct sent {
	__u64 first, next; /* those that may have to be sent again, by number */
	struct sent_message message[SENT_MAX];
};

static inline struct sent_message *sent_at(struct sent *sent, __u64 number)
{
	return &sent->message[number % SENT_MAX];
}

static inline struct sent_message *sent_add(struct sent *sent)
{
	if (sent->next - sent->first == SENT_MAX)
		sent->first++;
	return sent_at(sent, sent->next++);
}

static inline void sent_clear(struct sent *sent)
{
	sent->first = sent->next;
}

#endif
