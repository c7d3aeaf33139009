/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a collector has to know besides the flows, written message by message. */
#ifndef EXPORT_ANNOUNCE_H
#define EXPORT_ANNOUNCE_H

#include "export/exporter.h"

/* In the order they are sent. */
#define ANNOUNCE_TYPES (1u << 0) /* first: what templates name is known then */
#define ANNOUNCE_TEMPLATES (1u << 1)
#define ANNOUNCE_INTERFACES (1u << 2)
#define ANNOUNCE_SAMPLING (1u << 3)
#define ANNOUNCE_STATISTICS (1u << 4)
#define ANNOUNCE_DISTINCT (1u << 5)
#define ANNOUNCE_OPTIONS                                                                           \
	(ANNOUNCE_TYPES | ANNOUNCE_INTERFACES | ANNOUNCE_SAMPLING | ANNOUNCE_STATISTICS |          \
	 ANNOUNCE_DISTINCT)

struct announcement {
	unsigned int left;                      /* which are still to be written */
	unsigned int type, interface, distinct; /* how far the long ones are */
	__u64 told, telling;                    /* versions of the names */
};

/* These are due, from the beginning; of interfaces all. */
void announce_again(struct announcement *a, unsigned int what);
/* Interfaces that are new or were renamed since they were last sent are due. */
void announce_news(struct announcement *a, const struct export_facts *facts);
/* Fills the message that was begun with as much as fits. */
void announce(struct announcement *a, struct wire_encoder *encoder,
	      const struct export_facts *facts, const struct wire_statistics *own);

#endif
