/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which element tells which member of struct wire_statistics and struct wire_distinct, to encoder
 * and decoder. */
#ifndef WIRE_STATISTICS_H
#define WIRE_STATISTICS_H

#include "wire/field.h"

/* X(element, member), in the order of our records. */
#define WIRE_EXPORTING_STATISTICS(X)                                                               \
	X(exportedMessageTotalCount, exported_messages)                                            \
	X(exportedOctetTotalCount, exported_bytes)                                                 \
	X(exportedFlowRecordTotalCount, exported_flows)                                            \
	X(notSentFlowTotalCount, unsent_flows)                                                     \
	X(notSentPacketTotalCount, unsent_packets)                                                 \
	X(notSentOctetTotalCount, unsent_bytes)

#define WIRE_METERING_STATISTICS(X)                                                                \
	X(ignoredPacketTotalCount, ignored_packets)                                                \
	X(ignoredOctetTotalCount, ignored_bytes)

/* Of weir's elements, so in IPFIX only. */
#define WIRE_OWN_STATISTICS(X)                                                                     \
	X(overflowPacketTotalCount, overflow_packets)                                              \
	X(overflowOctetTotalCount, overflow_bytes)                                                 \
	X(seenPacketTotalCount, seen_packets)                                                      \
	X(seenOctetTotalCount, seen_bytes)

/* X(element, member, kind), in the order of our record, the two that are its scope first. In IPFIX
 * only, these too. */
#define WIRE_DISTINCT(X)                                                                           \
	X(queryName, query, text)                                                                  \
	X(distinctKey, key, text)                                                                  \
	X(queryWindowMilliseconds, window_ms, number)                                              \
	X(distinctCoveredMilliseconds, covered_ms, number)                                         \
	X(distinctCount, count, number)                                                            \
	X(distinctStandardError, error, real)                                                      \
	X(distinctSaturated, saturated, truth)

#endif
