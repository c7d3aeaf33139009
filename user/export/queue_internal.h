/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A queue's file:
 *
 *   0            │ identity │ mark │ progress │ status │ batch │ part │
 *   QUEUE_HEADER_BYTES │ flow │ flow │ ... (capacity of them)
 *
 * In all layouts, everything up to the first words of the progress's copies has its place forever: so
 * a program can tell how many records a file of another layout held.
 */
#ifndef EXPORT_QUEUE_INTERNAL_H
#define EXPORT_QUEUE_INTERNAL_H

#include <pthread.h>

#include "export/queue.h"
#include "base/twin.h"

#define QUEUE_MAGIC "weirqueu"
#define QUEUE_LAYOUT 1
#define QUEUE_HEADER_BYTES 16384u

struct queue_header {
	char magic[8]; /* written last */
	__u32 layout;
	__u32 capacity;
	__u64 id;
	__u64 progress_bytes; /* how far apart the progress's copies are */
	char to[QUEUE_TO_BYTES];
	TWIN(struct queue_mark) mark;
	TWIN(struct queue_progress) progress;
	TWIN(struct queue_status) status;
	struct queue_batch batch;
	char part[QUEUE_PART_BYTES];
};

_Static_assert(offsetof(struct queue_header, to) == 32, "fixed in all layouts");
_Static_assert(offsetof(struct queue_header, mark) == 544, "fixed in all layouts");
_Static_assert(sizeof(struct queue_mark) == 56, "fixed in all layouts");
_Static_assert(offsetof(struct queue_header, progress) == 664, "fixed in all layouts");
_Static_assert(offsetof(struct queue_totals, unencodable) == 24, "fixed in all layouts");
_Static_assert(offsetof(struct queue_header, batch) == 1336, "of layout 1");
_Static_assert(sizeof(struct queue_header) <= QUEUE_HEADER_BYTES, "the ring follows");

struct queue {
	struct queue_header *header;
	struct flow_ended *ring;
	size_t bytes; /* of the mapping */
	__u32 mask;   /* capacity - 1 */
	int fd;       /* locked; -1: memory only */

	/* The writer's. */
	struct queue_mark staged;
	__u64 limit; /* up to where it may write */

	/* The reader's; the header's copy follows. */
	struct queue_progress progress;
	bool hold;

	/* Between the two: what the reader lets go, and up to where the writer has taken it. */
	pthread_mutex_t lock;
	__u64 released, floor;
};

size_t queue_file_bytes(__u32 capacity);

/* Maps the file at `path`, made or adopted; fills header, ring, bytes, mask, fd. As queue_open(). */
int queue_file_open(struct queue *q, const char *path, const char *to, __u32 capacity,
		    const struct queue_mark *recovered, struct why *why);
int queue_memory_open(struct queue *q, const char *to, __u32 capacity, struct why *why);

/* Advances over the messages that the kernel took in the call that is under way, or was when the
 * process was killed. Returns how many, 0 when no call is. */
unsigned int queue_settle(struct queue_header *header, struct queue_progress *progress);

#endif
