/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A collector for tests, on loopback, in a thread. It reads IPFIX, v9 and v5 by the RFCs alone and
 * knows records by their identity: flow_of(id) has id + 1 packets.
 */
#ifndef UNIT_COLLECTOR_H
#define UNIT_COLLECTOR_H

#include <openssl/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/ended.h"
#include "export/exporter.h"

#define COLLECTOR_IDS (1u << 23)
#define COLLECTOR_TEMPLATES 32
#define COLLECTOR_FIELDS 64
#define SEC 1000000000ull

struct collector_field {
	uint16_t element, length;
	uint32_t pen;
};

struct collector_template {
	uint16_t id;
	bool options;
	unsigned int count;
	struct collector_field field[COLLECTOR_FIELDS];
};

/* What one session has sent: a connection, a file, or all datagrams. */
struct collector_session {
	struct collector_template template[COLLECTOR_TEMPLATES];
	unsigned int templates;
	uint32_t sequence; /* expected next */
	bool begun;        /* the first sequence number was seen */
};

struct collector_counts {
	uint64_t messages, template_messages, flows, options;
	uint64_t packets, bytes;     /* of flows, both directions */
	uint64_t twice;              /* identities that came more than once */
	uint64_t gaps;               /* sequence numbers that were not the expected ones */
	uint64_t malformed, unknown; /* data without their template */
	uint64_t sessions, cut;      /* connections; those that ended within a message */
	uint64_t reverse;            /* flows that came as the other direction of a biflow */
};

struct collector {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct collector_counts counts;
	struct collector_session session;
	uint8_t seen[COLLECTOR_IDS];
	int listener, stop; /* sockets; an eventfd */
	uint16_t port;
	SSL_CTX *tls; /* NULL: plain TCP */
	bool stream;
	bool paused; /* stream: does not read */
	bool reset;  /* stream: is to break the connection */
};

/* A collector without a socket, for files; its memory is shared with forked processes. */
struct collector *collector_new(void);
void collector_free(struct collector *c);

/* Port 0: any. A UDP receive buffer as large as it may be. */
void collector_start_udp(struct collector *c, uint16_t port);
void collector_start_tcp(struct collector *c, uint16_t port, SSL_CTX *tls);
void collector_stop(struct collector *c);
/* Breaks the connection that is open, with a reset. */
void collector_reset(struct collector *c);
void collector_pause(struct collector *c, bool pause);

struct collector_folder {
	unsigned int whole, hidden; /* files */
};

/* Reads the files of a folder and removes them; one that ends within a message fails the test. */
struct collector_folder collector_take_folder(struct collector *c, const char *folder);
void collector_take(struct collector *c, const uint8_t *message, size_t length);
struct collector_counts collector_counts(struct collector *c);
/* Waits until `flows` have arrived; fails the test after half a minute. */
void collector_wait(struct collector *c, uint64_t flows);
/* Each identity of [0, ids) came exactly once, and no other. */
void collector_assert_exactly_once(struct collector *c, uint64_t ids);

/* A port that nobody listens on. */
uint16_t unused_port(int type);

/* --- Exporters under test ----------------------------------------------------------------- */

uint64_t now_ns(void);
struct flow_ended flow_of(uint64_t id);
struct flow_ended flow6_of(uint64_t id);

/* An exporter, what it was made from, and what was staged. */
struct subject {
	struct export_options options;
	struct export_facts facts;
	struct exporter *exporter;
	struct queue_count staged;
	char folder[64];   /* "": in memory */
	const char *warns; /* what opening says and goes on; NULL: nothing */
};

/* With the defaults for "SCHEME://127.0.0.1:PORT". */
void subject_init(struct subject *s, const char *scheme, uint16_t port);
void subject_init_to(struct subject *s, const char *to);
void subject_free(struct subject *s);
/* Its queue is in a new folder. */
void subject_in_folder(struct subject *s);
void subject_open(struct subject *s);
/* Stages and publishes flows of [from, to). */
void subject_put(struct subject *s, uint64_t from, uint64_t to);
void subject_stage(struct subject *s, const struct flow_ended *flow);
/* Staged = sent + queued + dropped + unencodable, in records, packets and bytes. */
void subject_assert_conserved(const struct subject *s, const struct exporter_state *state);
struct exporter_state subject_state(const struct subject *s);
void subject_wait_phase(const struct subject *s, enum queue_phase phase);
void subject_wait_errors(const struct subject *s, uint64_t errors);
/* Closes within half a minute; returns how many records were not sent. */
uint64_t subject_close(struct subject *s);

#endif
