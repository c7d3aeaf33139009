/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What waits for one exporter: a ring of flows in a file on tmpfs that outlives the process, so
 * that an agent killed at any instant and started again continues exactly where it was.
 *
 *                     kept for           waiting          written, not
 *                  a rewind (UDP),       to be sent       yet to be seen
 *                  not acked (TCP)
 *   ──────────────┬─────────────────┬───────────────────┬───────────────┬──────────────
 *    overwritten  │ ■ ■ ■ ■ ■ ■ ■ ■ │ ■ ■ ■ ■ ■ ■ ■ ■ ■ │ ▒ ▒ ▒ ▒ ▒ ▒ ▒ │  free
 *   ──────────────┴─────────────────┴───────────────────┴───────────────┴──────────────
 *              released            head                tail           staged
 *
 * Positions count records from the file's first on and never go back, but for head, by a rewind.
 * One thread writes, one reads.
 *
 * In. The harvester takes flows from the kernel and records in its own ledger how far it got. So
 * that neither can be ahead of the other, writing has three steps:
 *
 *   queue_stage() ...    flows go behind the tail; when the ring is full they are counted as dropped
 *   queue_mark()         → {tail, what was dropped} as they will be. The harvester commits the marks
 *                        of all queues and its own position in one store
 *   queue_publish()      the reader sees what was staged
 *
 * If it is killed before its commit, the next harvester finds the old marks: what was staged is
 * forgotten, and read from the kernel again. If it is killed after that, the next one hands the mark
 * to queue_open(), which publishes it.
 *
 * Out. sendmmsg(2) stores the length of each message in the caller's vector, within the system call,
 * as soon as the message is handed down (Linux, __sys_sendmmsg(): put_user() after
 * ___sys_sendmsg()), and SIGKILL takes effect when a thread returns to user mode, not in between. So
 * the vector lies in the file, with where each message leaves the totals:
 *
 *   vector   msg_len 1420 │ msg_len 1420 │ msg_len 0 │ msg_len 0      what the kernel has taken
 *   message  after: ...   │ after: ...   │ after ... │ after: ...     what it means
 *
 * The process after a crash reads there how many were taken and advances exactly that far, by the
 * same code that does it in normal operation. The header is locked into memory where that is
 * allowed: the store must not wait for a page.
 *
 * The file's id distinguishes its marks from those of a file that was there before.
 */
#ifndef EXPORT_QUEUE_H
#define EXPORT_QUEUE_H

#include <linux/types.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/why.h"
#include "flow/ended.h"

#define QUEUE_BATCH 32 /* messages handed down at once */
#define QUEUE_TO_BYTES 512
#define QUEUE_PART_BYTES 1024
#define QUEUE_ERROR_BYTES 184

struct queue;

struct queue_count {
	__u64 records, packets, bytes;
};

struct queue_mark {
	__u64 file;               /* id */
	struct queue_count taken; /* taken.records: the tail */
	struct queue_count dropped;
};

/* How far sending has come. The head is sent.records + unencodable.records. */
struct queue_totals {
	struct queue_count sent, unencodable;
	__u64 messages, wire_bytes;
	__u64 sequence; /* the next message's; its low 32 bits are sent */
	__u64 parts;    /* of the record at the head that have been sent (v5: see wire_cut_v5()) */
};

struct queue_progress {
	struct queue_totals total;
	__u64 resent;        /* records put back to be sent again */
	__u64 file_bytes;    /* file: bytes of the part file that must not be lost */
	__u64 file_start_ns; /* Unix time; 0: none is open */
};

enum queue_phase {
	QUEUE_STARTING,
	QUEUE_UP,
	QUEUE_REFUSED,
	QUEUE_CLOSED,
};

struct queue_status {
	__u64 phase; /* enum queue_phase */
	__u64 since_ns;
	__u64 errors;
	__u64 error_ns; /* when the last was; 0: never */
	char error[QUEUE_ERROR_BYTES];
	__u64 names; /* names_digest() of those that the session sent; 0: none */
};

/* A message of the batch. */
struct queue_message {
	struct queue_totals after; /* once it is sent */
	__u32 length;
	__u32 done; /* bytes of it that earlier calls took */
};

struct queue_batch {
	__u64 serial; /* the progress's, plus one, while a call may be under way */
	__u64 count;
	struct queue_message message[QUEUE_BATCH];
	struct mmsghdr vector[QUEUE_BATCH];
};

static inline __u64 queue_head(const struct queue_totals *totals)
{
	return totals->sent.records + totals->unencodable.records;
}

/*
 * The queue of exporter `to` at `path`, made when it is not there; NULL: in memory of its own, which
 * dies with the process. `capacity`: a power of two; a file of another size is moved, unless it
 * holds more. `recovered`: the mark that the harvester committed last, NULL: the queue's own.
 *
 * Returns 0, and `why` is as it was or a warning: a file that is damaged or of another layout was
 * replaced. Otherwise a negative errno and the reason: -EBUSY, another process has it.
 */
int queue_open(const char *path, const char *to, __u32 capacity, const struct queue_mark *recovered,
	       struct queue **out, struct why *why);
void queue_close(struct queue *q);

/* --- Writer ------------------------------------------------------------------------------- */

void queue_stage(struct queue *q, const struct flow_ended *flow);
void queue_mark(const struct queue *q, struct queue_mark *out);
void queue_publish(struct queue *q);
/* How many records can be staged before the next is dropped. */
__u64 queue_space(struct queue *q);

/* --- Reader ------------------------------------------------------------------------------- */

__u64 queue_tail(const struct queue *q);
const struct flow_ended *queue_at(const struct queue *q, __u64 position);
const struct queue_progress *queue_progress(const struct queue *q);
/* Commits what did not go through queue_send(). */
void queue_advance(struct queue *q, const struct queue_progress *progress);

/* Records that are sent stay until queue_release(); otherwise the writer may take their room. */
void queue_hold(struct queue *q, bool hold);
void queue_release(struct queue *q, __u64 position);
/* Goes back; false: records from there on have been overwritten, and nothing was done. */
bool queue_rewind(struct queue *q, const struct queue_totals *to);

/* The batch, to be filled: message[i].after, length, done = 0, and vector[i].msg_hdr. */
struct queue_batch *queue_batch(struct queue *q);
/* Its first message, while it is being sent. */
const struct queue_message *queue_message(const struct queue *q);
/*
 * Hands the first `count` messages of the batch to a socket. Returns how many were taken completely,
 * and the progress has advanced over them; 0 when only a part of the first was, its `done`; a
 * negative errno when nothing was. Does not block.
 */
int queue_send(struct queue *q, int fd, unsigned int count);

void queue_set_status(struct queue *q, const struct queue_status *status);
/* Path of the file exporter's part file: QUEUE_PART_BYTES. */
char *queue_part(struct queue *q);

/* --- Anyone ------------------------------------------------------------------------------- */

struct queue_view {
	char to[QUEUE_TO_BYTES];
	struct queue_mark mark;
	struct queue_progress progress;
	struct queue_status status;
};

void queue_view(const struct queue *q, struct queue_view *out);
/* The same of a file of any process. -EBADMSG and the reason: it is not a queue, or damaged. */
int queue_peek(const char *path, struct queue_view *out, struct why *why);

#endif
