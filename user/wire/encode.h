/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writing flow records as NetFlow v5, NetFlow v9 (RFC 3954) or IPFIX (RFC 7011) messages.
 *
 *   wire_begin(&e, buffer, room)         a message in `buffer`, never longer than `room`
 *   wire_add_...(&e, ...)                0, or -ENOSPC: it does not fit, the message is as it was
 *   length = wire_end(&e, now, seq)      the header is written; 0: nothing was added
 *
 * Pure: no clock, no sockets, no allocation. An encoder is small and may be copied.
 */
#ifndef WIRE_ENCODE_H
#define WIRE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "flow/record.h"
#include "flow/sink.h"

enum wire_protocol {
	WIRE_IPFIX = FLOW_PROTOCOL_IPFIX,
	WIRE_V9 = FLOW_PROTOCOL_V9,
	WIRE_V5 = FLOW_PROTOCOL_V5,
};

#define WIRE_MESSAGE_MAX 65535
#define WIRE_NAME_BYTES 64

/* The private enterprise number of weir's own elements. 32473 is the one RFC 5612 sets aside for
 * examples; it stands in one place until weir has its own. */
#define WIRE_WEIR_PEN 32473

struct wire_encoder {
	enum wire_protocol protocol;
	bool biflow;   /* IPFIX: a record's reverse direction is sent along (RFC 5103) */
	__u32 domain;  /* observation domain, v9 source id; v5: engine type, id: its low 16 bits */
	__u64 boot_ns; /* v5, v9: the Unix time that their milliseconds count from */

	/* The message in work; wire_begin() sets these. */
	__u8 *message;
	size_t room, length;
	size_t set; /* where the open set begins; 0: none is open */
	__u16 set_id;
	__u16 records; /* all that v5 and v9 count in the header */
	__u16 data;    /* data records: IPFIX counts these in its sequence */
};

/* What an exporting and metering process says of itself, totals since it began. */
struct wire_statistics {
	__u64 start_ns; /* Unix time that the totals began at */
	__u64 exported_messages, exported_bytes, exported_flows;
	__u64 unsent_flows, unsent_packets,
		unsent_bytes;                   /* dropped: the exporter's queue was full */
	__u64 ignored_packets, ignored_bytes;   /* named counters: not IP, malformed ... */
	__u64 overflow_packets, overflow_bytes; /* weir's element: in no flow */
	__u64 seen_packets, seen_bytes;         /* weir's element: handed to us */
};

/* How many different values of `key` a query's packets had in its window, as estimated. */
struct wire_distinct {
	char query[WIRE_NAME_BYTES], key[16]; /* weir's element, as all of these */
	__u32 window_ms;
	__u32 covered_ms; /* the part of the window that was counted */
	__u64 count;
	double error;   /* standard error, in values; 0 when saturated */
	bool saturated; /* `count` or more */
};

void wire_begin(struct wire_encoder *e, void *buffer, size_t room);

/* -EAFNOSUPPORT: IPv6 in v5. In v5 and v9, and without `biflow`, the reverse direction is not sent:
 * the caller sends it as a record of its own. -E2BIG: v5 would need more records than a message
 * has, which takes some 128 GB: see wire_cut_v5(). */
int wire_add_flow(struct wire_encoder *e, const struct flow_record *flow);

/* Moves to *part what of *rest one v5 message can tell; true while something is left in *rest. */
bool wire_cut_v5(struct flow_record *rest, struct flow_record *part);

/* All templates, of flows and of options but types'; v5 has none: 0. */
int wire_add_templates(struct wire_encoder *e);
/* IPFIX over TCP, TLS: all templates are withdrawn (RFC 7011 8.1); otherwise -EOPNOTSUPP. */
int wire_add_withdrawal(struct wire_encoder *e);

/* Options data. v5: 0, and nothing is sent; sampling is in each v5 header. */
int wire_add_interface(struct wire_encoder *e, __u32 ifindex, const char *name, const char *about);
int wire_add_sampling(struct wire_encoder *e); /* one in one, said out loud */
int wire_add_statistics(struct wire_encoder *e, const struct wire_statistics *s);
/* IPFIX; v5, v9: 0, and nothing is sent, for they have no enterprise elements. */
int wire_add_distinct(struct wire_encoder *e, const struct wire_distinct *d);
/* RFC 5610 type records of weir's own elements, from *next on, as many as fit, and at first their
 * template; *next is moved on, 0 when done. -ENOSPC: not even one fits. Sent before the other
 * templates, they let collectors know the elements that those name. */
int wire_add_types(struct wire_encoder *e, unsigned int *next);

/* `sequence`: IPFIX, v5: of the first data record, v9: of the message. */
size_t wire_end(struct wire_encoder *e, __u64 now_ns, __u32 sequence);
/* By how much the message that was ended moves the sequence on. */
__u32 wire_sequence_step(const struct wire_encoder *e);

#endif
