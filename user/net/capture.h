/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading captures, pcap and pcapng, plain or compressed by gzip or zstd, as Ethernet frames. */
#ifndef NET_CAPTURE_H
#define NET_CAPTURE_H

#include <linux/types.h>
#include <stdbool.h>

#include "base/why.h"
#include "weir/counters.h"

#define CAPTURE_BYTES 262144 /* of a captured packet, at most, as in libpcap and tshark */

/*
 * What became of the packets in captures: `read` is all of them. `named` were not handed on, for
 * the reason that the name says; a `note` says something more about one that was.
 */
#define CAPTURE_COUNTERS(X)                                                                        \
	X(READ, read, READ, "in the captures")                                                     \
	X(LINK_TYPE, link_type, NAMED, "of a link type that weir does not read")                   \
	X(NO_DATA, wlan_no_data, NAMED, "802.11: management, control or empty")                    \
	X(PROTECTED, wlan_protected, NAMED, "802.11: encrypted")                                   \
	X(PARTS, wlan_parts, NAMED, "802.11: a later fragment, or several packets in one frame")   \
	X(SHORT_WIRE, short_wire, NOTE,                                                            \
	  "shorter on the wire than captured: the captured length is used")                        \
	X(NO_TIME, no_time, NOTE, "without a time: the previous packet's, if any, is used")        \
	X(BAD_TIME, bad_time, NOTE,                                                                \
	  "with a fraction of a second or more: the previous packet's time is used")

enum capture_kind {
	CAPTURE_KIND_READ,
	CAPTURE_KIND_NAMED,
	CAPTURE_KIND_NOTE
};

enum capture_counter {
#define X(id, name, kind, text) CAPTURE_##id,
	CAPTURE_COUNTERS(X)
#undef X
	CAPTURE_COUNTER_MAX,
};

struct capture_counter_info {
	const char *name, *text;
	enum capture_kind kind;
};
extern const struct capture_counter_info capture_counters[CAPTURE_COUNTER_MAX];

/* Packets and bytes on the wire, link headers as they were; the times are of what has one. */
struct capture_counts {
	struct weir_count count[CAPTURE_COUNTER_MAX];
	bool timed;
	__u64 first_ns, last_ns; /* the earliest and the latest; Unix time */
};

/* An Ethernet frame: `bytes` as captured, `wire_bytes`, no less, as sent. now_ns: Unix time, less
 * than 2^63. */
struct capture_packet {
	__u64 now_ns;
	const void *frame;
	__u32 bytes, wire_bytes;
};
typedef int capture_fn(void *context, const struct capture_packet *packet);

/*
 * Calls fn for each packet of a file, or of standard input for "-". A packet with another link
 * header than Ethernet's is given one of 14 bytes in its place, in its length on the wire too; one
 * whose link header was not captured whole has 0 bytes. `counts` goes on from what it was.
 *
 * Non-zero from fn stops and is returned. -EBADMSG, and the reason: it is no capture, is damaged, or
 * has packets of a link type that we do not read; fn was called for the good packets before that,
 * or beside it. -ENOMEM.
 */
int capture_read(const char *path, capture_fn *fn, void *context, struct capture_counts *counts,
		 struct why *why);

#endif
