/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exporters: flows leave the host. Each has a queue (export/queue.h) and a thread, so that one whose
 * collector, name server or disk is down delays neither the others nor the harvester.
 *
 *   exporter_stage() ... exporter_mark() → ledger → exporter_publish()     one thread calls these
 *                                                        │
 *                        thread: encode ── udp │ tcp │ tls │ file
 *
 * At any moment, in records, packets and bytes:
 *
 *   what was staged = sent + queued + dropped + unencodable
 */
#ifndef EXPORT_EXPORTER_H
#define EXPORT_EXPORTER_H

#include "export/names.h"
#include "export/options.h"
#include "net/sockets.h"
#include "wire/encode.h"
#include "export/queue.h"

struct exporter;

/*
 * What an exporter reports besides flows. The functions are called by its thread, and guard
 * themselves against other threads; NULL: there is nothing to report.
 */
struct export_facts {
	void *context;
	/* Changes are sent in the open session, after exporter_wake() at once. */
	const struct names *names;
	const struct socket_watch *sockets; /* NULL: nobody wants to know */
	/* All but what was exported or not sent, which the exporter knows itself. */
	void (*statistics)(void *context, struct wire_statistics *out);
	/* The n-th count of different values, from 0 on; false: there are no more. */
	bool (*distinct)(void *context, unsigned int n, struct wire_distinct *out);
	/* Unix time that v5's and v9's milliseconds count from; 0: when the host was booted. */
	__u64 boot_ns;
	/* Unix time for the headers of messages, moved on by another thread; NULL: the time of day.
	 * Flows of the past want a clock of their time, for v5 and v9 count up to it. */
	const __u64 *clock_ns;
};

struct exporter_state {
	char to[QUEUE_TO_BYTES];
	enum queue_phase phase;
	__u64 since_ns; /* Unix time, as all of these */
	__u64 messages, wire_bytes;
	struct queue_count sent, queued, dropped, unencodable;
	__u64 resent; /* records that were put back to be sent again */
	__u64 errors;
	__u64 error_ns;
	char error[QUEUE_ERROR_BYTES];
};

/*
 * `options` must stay as long as the exporter. `folder` holds queue files and is made when it is not
 * there; NULL: the queue is in memory and dies with the exporter. `recovered`: see queue_open().
 *
 * 0, and `why` is as it was or has a warning; or a negative errno and the reason.
 */
int exporter_open(const struct export_options *options, const struct export_facts *facts,
		  const char *folder, const struct queue_mark *recovered, struct exporter **out,
		  struct why *why);

/*
 * Whether an exporter with these options would find what it needs on this machine: its certificates,
 * and folders that it may write to. 0, or a negative errno and the reason. Has no effect, and asks
 * neither a name server nor a collector.
 */
int exporter_check(const struct export_options *options, const char *folder, struct why *why);

void exporter_stage(struct exporter *e, const struct flow_ended *flow);
void exporter_mark(const struct exporter *e, struct queue_mark *out);
void exporter_publish(struct exporter *e);
/* There is something new to send. */
void exporter_wake(struct exporter *e);

/* How many records can be staged; waits until `records` can. False: not in time. Deadlines are of
 * CLOCK_MONOTONIC, in ns. */
__u64 exporter_space(struct exporter *e);
bool exporter_wait_space(struct exporter *e, __u64 records, __u64 deadline_ns);

/* Waits until all that was published is sent (TCP, TLS: and acked). How many records are not. */
__u64 exporter_flush(struct exporter *e, __u64 deadline_ns);
/* Flushes and ends. How many records are not sent; they wait in the file for the next process. */
__u64 exporter_close(struct exporter *e, __u64 deadline_ns);

void exporter_state(const struct exporter *e, struct exporter_state *out);
/* "starting", "up", "refused", "closed". */
const char *exporter_phase_text(enum queue_phase phase);

/* --- Files of exporters, whether a process has them or not --------------------------------- */

/* FOLDER/ID.queue, ID being 16 hex digits of a hash of `to`. */
void exporter_path(const char *folder, const char *to, char *out, size_t size);
/*
 * Calls `fn` for each queue file in the folder, with its state; or with NULL and why it is
 * unreadable. 0; -errno of opening the folder, ENOENT included.
 */
int exporter_states(const char *folder,
		    void (*fn)(void *context, const struct exporter_state *state, const char *why),
		    void *context);
/*
 * Removes the queue files of exporters that are not among `keep` (entries without `to` are
 * skipped), and adds up in *lost what waited in them. Those that another process has open stay. 0,
 * or -errno of opening the folder.
 */
int exporter_forget(const char *folder, const struct export_options *keep, unsigned int count,
		    struct queue_count *lost);

#endif
