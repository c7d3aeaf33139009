/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An exporter from inside: the one loop that all transports share, and what they fill in.
 *
 *   open ──→ turn ──→ (announcements, records → messages) ──→ send ──→ turn ... ──→ close
 *    ↑ └─────────┬──────────────────────────────────────────────┘
 *    └─ back-off ← an error: the reason, and a negative errno
 */
#ifndef EXPORT_EXPORTER_INTERNAL_H
#define EXPORT_EXPORTER_INTERNAL_H

#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "export/announce.h"
#include "export/exporter.h"
#include "export/pace.h"
#include "export/sent.h"

/* From one attempt to the next; doubled each time, and back to the least once something is sent. */
#define BACKOFF_MIN_NS (1100 * NS_PER_MS) /* a host refuses datagrams once a second: icmp(7) */
#define BACKOFF_MAX_NS (30000 * NS_PER_MS)

struct tls;
struct file;

struct transport {
	unsigned int batch; /* messages that are encoded before they are sent */
	/* Checks options without any effect; NULL: nothing to check. */
	int (*check)(const struct export_options *options, struct why *why);
	bool hopes; /* what check() finds may pass: it is reported, but the exporter starts */
	/* Makes what lasts as long as the exporter. */
	int (*init)(struct exporter *e);
	/* Connects. Sets fd, room, and what is to be announced. */
	int (*open)(struct exporter *e);
	/* Before each round, `more`: records wait. Reads what the other side sends. */
	int (*turn)(struct exporter *e, bool more);
	/* Sends e->count messages. */
	int (*send)(struct exporter *e);
	/* Nothing waits any more. Is it settled, too? Else the next question is at e->due_ns. */
	bool (*settled)(struct exporter *e);
	/* Ends the connection, in order or because of an error. */
	void (*close)(struct exporter *e, bool in_order);
	void (*destroy)(struct exporter *e);
};

extern const struct transport transport_udp, transport_tcp, transport_tls, transport_file;

struct exporter {
	const struct export_options *options;
	struct export_facts facts;
	struct queue *queue;
	const struct transport *transport;
	pthread_t thread;
	int wake;     /* eventfd: something was published, or the deadline moved */
	int progress; /* eventfd: something was sent, or the phase changed */

	/* Shared with who waits. */
	__u64 deadline_ns;   /* when closing; else ~0 */
	__u64 finished_tail; /* all before it is settled; 0: nothing is, else one more than that */

	/* The thread's. */
	struct queue_status status;
	struct why why;
	bool connected;
	bool try_next;    /* another of the host's addresses, before backing off */
	short events;     /* what the last wait saw at the socket */
	bool was_up;      /* when the process before this one ended */
	bool probing;     /* UDP: one message, then a while to hear that it is refused */
	__u64 backoff_ns; /* the next */
	__u64 due_ns;     /* when the next turn is due though nothing happens */
	int fd;           /* the socket; -1 */

	/* The messages in work. */
	struct wire_encoder encoder;
	__u64 latest_ns; /* at which a flow of the message in work ended */
	struct announcement announcement;
	__u64 digested;             /* version of the names that the status has the digest of */
	struct queue_totals totals; /* after the last that is encoded */
	size_t room;                /* bytes a message may have */
	unsigned int count;
	__u64 written; /* bytes of this connection that the kernel took */
	__u8 *buffers; /* `batch` of WIRE_MESSAGE_MAX */
	struct iovec pieces[QUEUE_BATCH];

	/* Templates and options again (CLOCK_BOOTTIME); messages since the templates. */
	__u64 templates_ns, options_ns;
	__u32 since_templates;

	struct sent *sent;
	struct pace pace;
	__u64 data_ns;        /* when records were sent last, monotonic */
	unsigned int address; /* which of the host's is next */
	struct tls *tls;
	struct file *file;
};

/* Fills e->why. Returns `err`. */
int transport_fail(struct exporter *e, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Waits for `events` on fd (-1: none), a wake-up or a time; never past the deadline. The revents. */
short transport_wait(struct exporter *e, int fd, short events, __u64 until_ns);
bool transport_is_late(const struct exporter *e);
__u64 transport_time_left(const struct exporter *e); /* ns; ~0: there is no deadline */

/* When options that are sent now are due again: CLOCK_BOOTTIME, as a collector does not sleep with us;
 * ~0: in the next connection. */
__u64 transport_options_again(const struct exporter *e);

/* Counts and shows the error in e->why. */
void exporter_note(struct exporter *e);
void exporter_set_phase(struct exporter *e, enum queue_phase phase);
void exporter_progressed(struct exporter *e);
void exporter_state_of(const struct queue_view *view, struct exporter_state *out);

/* --- Encoding (session.c) ----------------------------------------------------------------- */

/* Encodes announcements that are due, then records, into messages e->count to transport->batch. */
void session_fill(struct exporter *e);
/* Forgets messages that are encoded and not sent; what they announced is announced again. */
void session_drop(struct exporter *e);
/* A new connection: what is announced, and (stream, file) sequence numbers from 0. */
void session_begin(struct exporter *e, unsigned int announce, bool from_zero);
/* The numbers at the session's end: without a refresh the collector has only those of its start. */
void session_say_last(struct exporter *e);
/* What is new among the names is announced. */
void session_follow_names(struct exporter *e);
/* The previous process sent the names: they are announced only if they have changed. */
void session_recall_names(struct exporter *e);
/* Encodes one message of what is still to be announced; false: nothing is. */
bool session_announce(struct exporter *e);
/* Goes back to the message of that number, or the first after it that is whole. */
void session_rewind(struct exporter *e, __u64 number);
/* Hands the messages to the socket once, and keeps those it took in e->sent. Returns as
 * queue_send(). */
int session_send(struct exporter *e);

static inline __u8 *session_buffer(const struct exporter *e, unsigned int n)
{
	return e->buffers + (size_t)n * WIRE_MESSAGE_MAX;
}

/* Is there something to encode? */
bool session_has_more(const struct exporter *e);

/* --- The loop (exporter_thread.c) --------------------------------------------------------- */

/* Of a struct exporter, until its deadline, or until all is sent once it has one. */
void *exporter_thread(void *exporter);

#endif
