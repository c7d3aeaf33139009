/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Why connections are refused or ended: counted, and a few lines a second for people. */
#ifndef COORDINATE_REFUSALS_H
#define COORDINATE_REFUSALS_H

#include <linux/types.h>

#include "view/notes.h"

/* X(id, name, text); those without a name are counted by the engine. */
#define COORDINATE_REFUSALS(X)                                                                     \
	X(CERTIFICATE, "refused_handshakes",                                                       \
	  "connections refused: no certificate of our CA, no TLS")                                 \
	X(NOT_IPFIX, "refused_bytes", "connections ended: the data is not IPFIX")                  \
	X(MESSAGE, "refused_messages", "connections ended: a message cannot be read")              \
	X(OVERSIZED, "refused_oversized", "connections ended: a message is too long")              \
	X(ORDER, "refused_order", "connections ended: words out of order")                         \
	X(SILENT, "refused_silent", "connections ended: no hello in time")                         \
	X(FULL, "refused_full", "connections refused: too many connections")                       \
	X(ADDRESS, "refused_address", "connections refused: too many of one address wait")         \
	X(BOUND, "refused_bound", "sessions refused: the host is another certificate's")           \
	X(SLOW, "ended_slow", "connections ended: the host does not read")                         \
	X(TWICE, NULL, NULL)                                                                       \
	X(STRANGER, NULL, NULL)                                                                    \
	X(WORDS, NULL, NULL)                                                                       \
	X(QUERY, NULL, NULL)

enum refusal {
#define X(id, name, text) REFUSAL_##id,
	COORDINATE_REFUSALS(X)
#undef X
	REFUSAL_MAX,
};

struct refusal_name {
	const char *name, *text; /* NULL: not counted here */
};
extern const struct refusal_name refusal_names[REFUSAL_MAX];

struct refusals {
	struct notes *notes;
	__u64 count[REFUSAL_MAX];
	struct {
		__u64 second;
		unsigned int lines, unsaid; /* in that second; since the last line */
		char why[96];
	} said[REFUSAL_MAX];
};

/* Counts it, and says it unless too much was said of its kind in this second. */
void refusals_add(struct refusals *r, enum refusal reason, const char *who, const char *why,
		  __u64 now_ns);
/* Now and then: how many of each kind were not said, once their second is over. */
void refusals_sweep(struct refusals *r, __u64 now_ns);

#endif
