// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "export/queue_internal.h"

/* Records that the writer takes the room of at once, so that it seldom needs the lock. */
#define CLAIM 256

int queue_open(const char *path, const char *to, __u32 capacity, const struct queue_mark *recovered,
	       struct queue **out, struct why *why)
{
	struct queue *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return why_set(why, -ENOMEM, "%s", strerror(ENOMEM));
	if (path)
		err = queue_file_open(q, path, to, capacity, recovered, why);
	else
		err = queue_memory_open(q, to, capacity, why);
	if (err) {
		free(q);
		return err;
	}
	twin_read(&q->header->mark, &q->staged);
	twin_read(&q->header->progress, &q->progress);
	q->released = q->floor = queue_head(&q->progress.total);
	q->limit = q->floor + q->mask + 1;
	pthread_mutex_init(&q->lock, NULL);
	*out = q;
	return 0;
}

void queue_close(struct queue *q)
{
	if (!q)
		return;
	munmap(q->header, q->bytes);
	if (q->fd >= 0)
		close(q->fd);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* --- Writer ------------------------------------------------------------------------------- */

__u64 queue_space(struct queue *q)
{
	__u64 space;

	pthread_mutex_lock(&q->lock);
	space = q->released + q->mask + 1 - q->staged.taken.records;
	pthread_mutex_unlock(&q->lock);
	return space;
}

/* Moves the limit on, over what the reader has released; false: the ring is full. */
static bool claim(struct queue *q)
{
	const __u64 capacity = q->mask + 1, tail = q->staged.taken.records;
	__u64 end;

	pthread_mutex_lock(&q->lock);
	end = q->released + capacity;
	if (end > tail + CLAIM)
		end = tail + CLAIM;
	if (end > q->limit) {
		q->limit = end;
		q->floor = end - capacity;
	}
	pthread_mutex_unlock(&q->lock);
	return tail < q->limit;
}

static void count(struct queue_count *count, const struct flow_ended *flow)
{
	count->records++;
	count->packets += flow->packets;
	count->bytes += flow->bytes;
}

void queue_stage(struct queue *q, const struct flow_ended *flow)
{
	__u64 tail = q->staged.taken.records;

	if (tail == q->limit && !claim(q)) {
		count(&q->staged.dropped, flow);
		return;
	}
	q->ring[tail & q->mask] = *flow;
	count(&q->staged.taken, flow);
}

void queue_mark(const struct queue *q, struct queue_mark *out)
{
	*out = q->staged;
}

void queue_publish(struct queue *q)
{
	twin_write(&q->header->mark, &q->staged);
}

/* --- Reader ------------------------------------------------------------------------------- */

__u64 queue_tail(const struct queue *q)
{
	struct queue_mark mark;

	twin_read(&q->header->mark, &mark);
	return mark.taken.records;
}

const struct flow_ended *queue_at(const struct queue *q, __u64 position)
{
	return &q->ring[position & q->mask];
}

const struct queue_progress *queue_progress(const struct queue *q)
{
	return &q->progress;
}

static void let_go(struct queue *q)
{
	__u64 head = queue_head(&q->progress.total);

	pthread_mutex_lock(&q->lock);
	if (!q->hold)
		q->released = head;
	pthread_mutex_unlock(&q->lock);
}

void queue_advance(struct queue *q, const struct queue_progress *progress)
{
	q->progress = *progress;
	twin_write(&q->header->progress, progress);
	let_go(q);
}

void queue_hold(struct queue *q, bool hold)
{
	q->hold = hold;
	let_go(q);
}

void queue_release(struct queue *q, __u64 position)
{
	pthread_mutex_lock(&q->lock);
	if (position > q->released)
		q->released = position;
	pthread_mutex_unlock(&q->lock);
}

bool queue_rewind(struct queue *q, const struct queue_totals *to)
{
	struct queue_progress back = q->progress;
	bool intact;

	pthread_mutex_lock(&q->lock);
	intact = queue_head(to) >= q->floor;
	if (intact && q->released > queue_head(to))
		q->released = queue_head(to);
	pthread_mutex_unlock(&q->lock);
	if (!intact)
		return false;
	back.resent += back.total.sent.records - to->sent.records;
	back.total = *to;
	queue_advance(q, &back);
	return true;
}

struct queue_batch *queue_batch(struct queue *q)
{
	__atomic_store_n(&q->header->batch.serial, 0, __ATOMIC_RELEASE);
	return &q->header->batch;
}

const struct queue_message *queue_message(const struct queue *q)
{
	return q->header->batch.message;
}

unsigned int queue_settle(struct queue_header *header, struct queue_progress *progress)
{
	struct queue_batch *batch = &header->batch;
	unsigned int taken = 0;

	if (batch->serial != header->progress.serial + 1)
		return 0;
	while (taken < batch->count && batch->message[taken].done + batch->vector[taken].msg_len ==
					       batch->message[taken].length)
		taken++;
	if (!taken)
		return 0;
	/* The serial number moves on, and with that the batch is over. */
	progress->total = batch->message[taken - 1].after;
	twin_write(&header->progress, progress);
	return taken;
}

int queue_send(struct queue *q, int fd, unsigned int messages)
{
	struct queue_header *header = q->header;
	struct queue_batch *batch = &header->batch;
	unsigned int taken, part;

	for (unsigned int i = 0; i < messages; i++)
		batch->vector[i].msg_len = 0;
	batch->count = messages;
	__atomic_store_n(&batch->serial, header->progress.serial + 1, __ATOMIC_RELEASE);
	if (sendmmsg(fd, batch->vector, messages, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	taken = queue_settle(header, &q->progress);
	if (taken) {
		let_go(q);
		return taken;
	}
	/* Killed between the two stores, a part counts for less than it is, and the message is sent
	 * whole again, as it is anyway. */
	part = batch->vector[0].msg_len;
	__atomic_store_n(&batch->vector[0].msg_len, 0, __ATOMIC_RELEASE);
	batch->message[0].done += part;
	return 0;
}

void queue_set_status(struct queue *q, const struct queue_status *status)
{
	twin_write(&q->header->status, status);
}

char *queue_part(struct queue *q)
{
	return q->header->part;
}
