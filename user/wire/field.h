/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Information elements: what the values in IPFIX and v9 messages mean.
 *
 * A flow has one field for each thing (flow/fields.h); exporters have several elements for it. A
 * flow's start comes in seven elements: seconds, milliseconds, uptime ... Encoder and decoder are
 * both made from these tables, so an element is one row:
 *
 *   WIRE_ELEMENTS   IANA's elements: which field each is, and how its value is written
 *   WIRE_OWN        weir's own: no fields of flows; sent in type records (RFC 5610) too
 *
 *   row ──field──→ flow_fields[]: where it lies in struct flow_record
 *    └────kind───→ how the value on the wire becomes the field's
 *
 * Where a template has several elements for one field, the one of the lowest rank holds, wherever it
 * stands; no two have the same. IPv6 comes before IPv4: where a record has both, the flow is IPv4 in
 * IPv6, and the outer addresses are those on the wire. Counters rank by what they count, deltas first.
 * Times rank by precision; those of flows come before those of observations. A counter of 0 is a
 * value; elsewhere exporters send 0 for unknown, so the next by rank is read too and holds in records
 * where the first is 0.
 *
 * The reverse direction of a biflow has the elements of the forward one, under another enterprise
 * number (RFC 5103): flow_field_reverse() finds their field.
 *
 * v9 has the same numbers, except for scopes.
 */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "flow/fields.h"
#include "wire/encode.h"
#include "wire/message.h"

/* What an element may be besides a field of a flow. */
enum {
	FIELD_NONE = FIELD_MAX, /* no field of a flow: it is for options, or helps others */
	FIELD_MOMENT,           /* both START and END, where nothing better is there */
};

/* Abstract data types and units: RFC 5610, 3.1 and 3.2. Semantics: 3.3. */
enum wire_type {
	WIRE_OCTETS = 0,
	WIRE_U8 = 1,
	WIRE_U16 = 2,
	WIRE_U32 = 3,
	WIRE_U64 = 4,
	WIRE_S32 = 7,
	WIRE_S64 = 8,
	WIRE_FLOAT64 = 10,
	WIRE_BOOLEAN = 11,
	WIRE_STRING = 13,
	WIRE_SECONDS = 14,
	WIRE_MILLISECONDS = 15,
	WIRE_MICROSECONDS = 16,
	WIRE_NANOSECONDS = 17,
	WIRE_ADDR4 = 18,
	WIRE_ADDR6 = 19,
};

enum wire_semantics {
	WIRE_DEFAULT = 0,
	WIRE_QUANTITY = 1,
	WIRE_TOTAL_COUNTER = 2,
	WIRE_IDENTIFIER = 4,
};

enum wire_units {
	WIRE_UNIT_NONE = 0,
	WIRE_UNIT_OCTETS = 2,
	WIRE_UNIT_PACKETS = 3,
	WIRE_UNIT_SECONDS = 5,
	WIRE_UNIT_MILLISECONDS = 6,
};

/* How an element's value becomes its field's. */
enum wire_kind {
	WIRE_KIND_OPTION, /* means something in options only */
	WIRE_KIND_UINT,
	WIRE_KIND_DPORT, /* as UINT; of ICMP its type and code are sent */
	WIRE_KIND_ICMP,  /* as UINT; 0 is sent unless it is ICMP */
	WIRE_KIND_ICMP_TYPE,
	WIRE_KIND_ICMP_CODE,
	WIRE_KIND_FLAGS, /* the low 8 bits of a UINT */
	WIRE_KIND_ADDR4,
	WIRE_KIND_ADDR6,
	WIRE_KIND_TIME_S,
	WIRE_KIND_TIME_MS,
	WIRE_KIND_TIME_NTP, /* RFC 7011, 6.1.9 and 6.1.10: 32 bits since 1900, 32 bits fraction */
	WIRE_KIND_TIME_BEFORE_US, /* before the export time */
	WIRE_KIND_UPTIME,         /* milliseconds since boot */
	WIRE_KIND_BOOT,           /* when that was */
	WIRE_KIND_LABEL,          /* FLOW_LABELS elements in a row, one for each member */
	WIRE_KIND_STRING,
	WIRE_KIND_DURATION, /* gives the missing end or start */
	WIRE_KIND_SAMPLER,  /* whose rate is in options data */
	WIRE_KIND_LINE_CARD,
	WIRE_KIND_RATE,        /* with others it makes the rate: struct rate_words */
	WIRE_KIND_LINK_HEADER, /* its bytes in each packet, included in counters of layer 2 */
	WIRE_KIND_FAMILY,
};

/* X(name, number, field, kind, rank, type, bytes that we send where those are not the type's).
 * Interfaces' strings have a length, for nfdump reads no others in options ("nbar option size
 * error"); flags of two bytes are none to pmacct, and one is as good (RFC 7011, 6.2). */
#define WIRE_ELEMENTS(X)                                                                           \
	X(octetDeltaCount, 1, BYTES, UINT, FLOW_COUNTED_IP, U64, 0)                                \
	X(packetDeltaCount, 2, PACKETS, UINT, FLOW_COUNTED_IP, U64, 0)                             \
	X(protocolIdentifier, 4, PROTO, UINT, 0, U8, 0)                                            \
	X(ipClassOfService, 5, TOS, UINT, 0, U8, 0)                                                \
	X(tcpControlBits, 6, TCP_FLAGS, FLAGS, 0, U16, 1)                                          \
	X(sourceTransportPort, 7, SPORT, UINT, 0, U16, 0)                                          \
	X(sourceIPv4Address, 8, SRC, ADDR4, 1, ADDR4, 0)                                           \
	X(sourceIPv4PrefixLength, 9, SRC_MASK, UINT, 1, U8, 0)                                     \
	X(ingressInterface, 10, IN_IF, UINT, 0, U32, 0)                                            \
	X(destinationTransportPort, 11, DPORT, DPORT, 0, U16, 0)                                   \
	X(destinationIPv4Address, 12, DST, ADDR4, 1, ADDR4, 0)                                     \
	X(destinationIPv4PrefixLength, 13, DST_MASK, UINT, 1, U8, 0)                               \
	X(egressInterface, 14, OUT_IF, UINT, 0, U32, 0)                                            \
	X(ipNextHopIPv4Address, 15, NEXT_HOP, ADDR4, 1, ADDR4, 0)                                  \
	X(bgpSourceAsNumber, 16, SRC_AS, UINT, 0, U32, 0)                                          \
	X(bgpDestinationAsNumber, 17, DST_AS, UINT, 0, U32, 0)                                     \
	X(bgpNextHopIPv4Address, 18, BGP_NEXT_HOP, ADDR4, 1, ADDR4, 0)                             \
	X(flowEndSysUpTime, 21, END, UPTIME, 4, U32, 0)                                            \
	X(flowStartSysUpTime, 22, START, UPTIME, 4, U32, 0)                                        \
	X(postOctetDeltaCount, 23, BYTES, UINT, FLOW_COUNTED_POST, U64, 0)                         \
	X(postPacketDeltaCount, 24, PACKETS, UINT, FLOW_COUNTED_POST, U64, 0)                      \
	X(sourceIPv6Address, 27, SRC, ADDR6, 0, ADDR6, 0)                                          \
	X(destinationIPv6Address, 28, DST, ADDR6, 0, ADDR6, 0)                                     \
	X(sourceIPv6PrefixLength, 29, SRC_MASK, UINT, 0, U8, 0)                                    \
	X(destinationIPv6PrefixLength, 30, DST_MASK, UINT, 0, U8, 0)                               \
	X(icmpTypeCodeIPv4, 32, ICMP, ICMP, 1, U16, 0)                                             \
	X(samplingInterval, 34, SAMPLING, RATE, 0, U32, 0)                                         \
	X(samplingAlgorithm, 35, NONE, OPTION, 0, U8, 0)                                           \
	X(exportedOctetTotalCount, 40, NONE, OPTION, 0, U64, 0)                                    \
	X(exportedMessageTotalCount, 41, NONE, OPTION, 0, U64, 0)                                  \
	X(exportedFlowRecordTotalCount, 42, NONE, OPTION, 0, U64, 0)                               \
	X(samplerId, 48, SAMPLING, SAMPLER, 0, U8, 0)                                              \
	X(samplerRandomInterval, 50, SAMPLING, RATE, 0, U32, 0)                                    \
	X(vlanId, 58, VLAN, UINT, 1, U16, 0)                                                       \
	X(postVlanId, 59, POST_VLAN, UINT, 1, U16, 0)                                              \
	X(ipVersion, 60, FAMILY, FAMILY, 0, U8, 0)                                                 \
	X(flowDirection, 61, DIRECTION, UINT, 0, U8, 0)                                            \
	X(ipNextHopIPv6Address, 62, NEXT_HOP, ADDR6, 0, ADDR6, 0)                                  \
	X(bgpNextHopIPv6Address, 63, BGP_NEXT_HOP, ADDR6, 0, ADDR6, 0)                             \
	X(mplsTopLabelStackSection, 70, LABELS, LABEL, 0, OCTETS, 3)                               \
	X(mplsLabelStackSection2, 71, LABELS, LABEL, 0, OCTETS, 3)                                 \
	X(mplsLabelStackSection3, 72, LABELS, LABEL, 0, OCTETS, 3)                                 \
	X(mplsLabelStackSection4, 73, LABELS, LABEL, 0, OCTETS, 3)                                 \
	X(mplsLabelStackSection5, 74, LABELS, LABEL, 0, OCTETS, 3)                                 \
	X(mplsLabelStackSection6, 75, LABELS, LABEL, 0, OCTETS, 3)                                 \
	X(mplsLabelStackSection7, 76, LABELS, LABEL, 0, OCTETS, 3)                                 \
	X(mplsLabelStackSection8, 77, LABELS, LABEL, 0, OCTETS, 3)                                 \
	X(mplsLabelStackSection9, 78, LABELS, LABEL, 0, OCTETS, 3)                                 \
	X(mplsLabelStackSection10, 79, LABELS, LABEL, 0, OCTETS, 3)                                \
	X(interfaceName, 82, NONE, OPTION, 0, STRING, 16)                                          \
	X(interfaceDescription, 83, NONE, OPTION, 0, STRING, 64)                                   \
	X(octetTotalCount, 85, BYTES, UINT, FLOW_COUNTED_TOTAL, U64, 0)                            \
	X(packetTotalCount, 86, PACKETS, UINT, FLOW_COUNTED_TOTAL, U64, 0)                         \
	X(flowEndReason, 136, END_REASON, UINT, 0, U8, 0)                                          \
	X(observationPointId, 138, NONE, OPTION, 0, U64, 0)                                        \
	X(icmpTypeCodeIPv6, 139, ICMP, ICMP, 0, U16, 0)                                            \
	X(lineCardId, 141, SAMPLING, LINE_CARD, 0, U32, 0)                                         \
	X(portId, 142, NONE, OPTION, 0, U32, 0)                                                    \
	X(meteringProcessId, 143, NONE, OPTION, 0, U32, 0)                                         \
	X(exportingProcessId, 144, NONE, OPTION, 0, U32, 0)                                        \
	X(templateId, 145, NONE, OPTION, 0, U16, 0)                                                \
	X(observationDomainId, 149, NONE, OPTION, 0, U32, 0)                                       \
	X(flowStartSeconds, 150, START, TIME_S, 5, SECONDS, 0)                                     \
	X(flowEndSeconds, 151, END, TIME_S, 5, SECONDS, 0)                                         \
	X(flowStartMilliseconds, 152, START, TIME_MS, 3, MILLISECONDS, 0)                          \
	X(flowEndMilliseconds, 153, END, TIME_MS, 3, MILLISECONDS, 0)                              \
	X(flowStartMicroseconds, 154, START, TIME_NTP, 1, MICROSECONDS, 0)                         \
	X(flowEndMicroseconds, 155, END, TIME_NTP, 1, MICROSECONDS, 0)                             \
	X(flowStartNanoseconds, 156, START, TIME_NTP, 0, NANOSECONDS, 0)                           \
	X(flowEndNanoseconds, 157, END, TIME_NTP, 0, NANOSECONDS, 0)                               \
	X(flowStartDeltaMicroseconds, 158, START, TIME_BEFORE_US, 2, U32, 0)                       \
	X(flowEndDeltaMicroseconds, 159, END, TIME_BEFORE_US, 2, U32, 0)                           \
	X(systemInitTimeMilliseconds, 160, NONE, BOOT, 0, MILLISECONDS, 0)                         \
	X(flowDurationMilliseconds, 161, NONE, DURATION, 1, U32, 0)                                \
	X(flowDurationMicroseconds, 162, NONE, DURATION, 0, U32, 0)                                \
	X(ignoredPacketTotalCount, 164, NONE, OPTION, 0, U64, 0)                                   \
	X(ignoredOctetTotalCount, 165, NONE, OPTION, 0, U64, 0)                                    \
	X(notSentFlowTotalCount, 166, NONE, OPTION, 0, U64, 0)                                     \
	X(notSentPacketTotalCount, 167, NONE, OPTION, 0, U64, 0)                                   \
	X(notSentOctetTotalCount, 168, NONE, OPTION, 0, U64, 0)                                    \
	X(postOctetTotalCount, 171, BYTES, UINT, FLOW_COUNTED_POST_TOTAL, U64, 0)                  \
	X(postPacketTotalCount, 172, PACKETS, UINT, FLOW_COUNTED_POST_TOTAL, U64, 0)               \
	X(icmpTypeIPv4, 176, ICMP, ICMP_TYPE, 0, U8, 0)                                            \
	X(icmpCodeIPv4, 177, ICMP, ICMP_CODE, 0, U8, 0)                                            \
	X(icmpTypeIPv6, 178, ICMP, ICMP_TYPE, 0, U8, 0)                                            \
	X(icmpCodeIPv6, 179, ICMP, ICMP_CODE, 0, U8, 0)                                            \
	X(paddingOctets, 210, NONE, OPTION, 0, OCTETS, 1)                                          \
	X(postNATSourceIPv4Address, 225, NAT_SRC, ADDR4, 1, ADDR4, 0)                              \
	X(postNATDestinationIPv4Address, 226, NAT_DST, ADDR4, 1, ADDR4, 0)                         \
	X(postNAPTSourceTransportPort, 227, NAT_SPORT, UINT, 0, U16, 0)                            \
	X(postNAPTDestinationTransportPort, 228, NAT_DPORT, UINT, 0, U16, 0)                       \
	X(natEvent, 230, NAT_EVENT, UINT, 0, U8, 0)                                                \
	X(initiatorOctets, 231, BYTES, UINT, FLOW_COUNTED_PAYLOAD, U64, 0)                         \
	X(responderOctets, 232, REVERSE_BYTES, UINT, FLOW_COUNTED_PAYLOAD, U64, 0)                 \
	X(firewallEvent, 233, EVENT, UINT, 0, U8, 0)                                               \
	X(ingressVRFID, 234, IN_VRF, UINT, 0, U32, 0)                                              \
	X(egressVRFID, 235, OUT_VRF, UINT, 0, U32, 0)                                              \
	X(VRFname, 236, VRF_NAME, STRING, 0, STRING, 0)                                            \
	X(biflowDirection, 239, INITIATOR, UINT, 0, U8, 0)                                         \
	X(ethernetHeaderLength, 240, BYTES, LINK_HEADER, 0, U8, 0)                                 \
	X(dot1qVlanId, 243, VLAN, UINT, 0, U16, 0)                                                 \
	X(ingressPhysicalInterface, 252, IN_IF, UINT, 1, U32, 0)                                   \
	X(egressPhysicalInterface, 253, OUT_IF, UINT, 1, U32, 0)                                   \
	X(postDot1qVlanId, 254, POST_VLAN, UINT, 0, U16, 0)                                        \
	X(postNATSourceIPv6Address, 281, NAT_SRC, ADDR6, 0, ADDR6, 0)                              \
	X(postNATDestinationIPv6Address, 282, NAT_DST, ADDR6, 0, ADDR6, 0)                         \
	X(initiatorPackets, 298, PACKETS, UINT, FLOW_COUNTED_PAYLOAD, U64, 0)                      \
	X(responderPackets, 299, REVERSE_PACKETS, UINT, FLOW_COUNTED_PAYLOAD, U64, 0)              \
	X(selectorId, 302, SAMPLING, SAMPLER, 0, U64, 0)                                           \
	X(informationElementId, 303, NONE, OPTION, 0, U16, 0)                                      \
	X(selectorAlgorithm, 304, SAMPLING, RATE, 0, U16, 0)                                       \
	X(samplingPacketInterval, 305, SAMPLING, RATE, 0, U32, 0)                                  \
	X(samplingPacketSpace, 306, SAMPLING, RATE, 0, U32, 0)                                     \
	X(samplingSize, 309, SAMPLING, RATE, 0, U32, 0)                                            \
	X(samplingPopulation, 310, SAMPLING, RATE, 0, U32, 0)                                      \
	X(samplingProbability, 311, SAMPLING, RATE, 0, FLOAT64, 0)                                 \
	X(observationTimeSeconds, 322, MOMENT, TIME_S, 9, SECONDS, 0)                              \
	X(observationTimeMilliseconds, 323, MOMENT, TIME_MS, 8, MILLISECONDS, 0)                   \
	X(observationTimeMicroseconds, 324, MOMENT, TIME_NTP, 7, MICROSECONDS, 0)                  \
	X(observationTimeNanoseconds, 325, MOMENT, TIME_NTP, 6, NANOSECONDS, 0)                    \
	X(informationElementDataType, 339, NONE, OPTION, 0, U8, 0)                                 \
	X(informationElementDescription, 340, NONE, OPTION, 0, STRING, 0)                          \
	X(informationElementName, 341, NONE, OPTION, 0, STRING, 0)                                 \
	X(informationElementRangeBegin, 342, NONE, OPTION, 0, U64, 0)                              \
	X(informationElementRangeEnd, 343, NONE, OPTION, 0, U64, 0)                                \
	X(informationElementSemantics, 344, NONE, OPTION, 0, U8, 0)                                \
	X(informationElementUnits, 345, NONE, OPTION, 0, U16, 0)                                   \
	X(privateEnterpriseNumber, 346, NONE, OPTION, 0, U32, 0)                                   \
	X(layer2OctetDeltaCount, 352, BYTES, UINT, FLOW_COUNTED_LAYER2, U64, 0)                    \
	X(layer2OctetTotalCount, 353, BYTES, UINT, FLOW_COUNTED_LAYER2_TOTAL, U64, 0)              \
	X(postLayer2OctetDeltaCount, 417, BYTES, UINT, FLOW_COUNTED_POST_LAYER2, U64, 0)           \
	X(postLayer2OctetTotalCount, 420, BYTES, UINT, FLOW_COUNTED_POST_LAYER2_TOTAL, U64, 0)     \
	X(asaExtendedEvent, 33002, EVENT_DETAIL, UINT, 0, U16, 0)                                  \
	X(asaXlateSourceIPv4Address, 40001, NAT_SRC, ADDR4, 2, ADDR4, 0)                           \
	X(asaXlateDestinationIPv4Address, 40002, NAT_DST, ADDR4, 2, ADDR4, 0)                      \
	X(asaXlateSourcePort, 40003, NAT_SPORT, UINT, 1, U16, 0)                                   \
	X(asaXlateDestinationPort, 40004, NAT_DPORT, UINT, 1, U16, 0)                              \
	X(asaEvent, 40005, EVENT, UINT, 1, U8, 0)

/* X(name, number, type, semantics, units, description), by rising number. What an exporter sends: from
 * 1 on what the metering process counts, from 16 on what is said of a query, from 32 on distinct
 * counts. What hosts and coordinators say to each other (interval/words.h): from 48 on. */
#define WIRE_OWN(X) WIRE_OWN_EXPORTED(X) WIRE_OWN_INTERVAL(X)

#define WIRE_OWN_EXPORTED(X)                                                                       \
	X(overflowPacketTotalCount, 1, U64, TOTAL_COUNTER, UNIT_PACKETS,                           \
	  "packets in no flow record, for the flow cache was full")                                \
	X(overflowOctetTotalCount, 2, U64, TOTAL_COUNTER, UNIT_OCTETS,                             \
	  "octets of packets in no flow record, for the flow cache was full")                      \
	X(seenPacketTotalCount, 3, U64, TOTAL_COUNTER, UNIT_PACKETS,                               \
	  "packets handed to the metering process")                                                \
	X(seenOctetTotalCount, 4, U64, TOTAL_COUNTER, UNIT_OCTETS,                                 \
	  "octets handed to the metering process")                                                 \
	X(queryName, 16, STRING, DEFAULT, UNIT_NONE,                                               \
	  "the query, by its name in the configuration")                                           \
	X(queryWindowMilliseconds, 17, U32, QUANTITY, UNIT_MILLISECONDS,                           \
	  "the time, up to now, that the query is answered for")                                   \
	X(distinctKey, 32, STRING, DEFAULT, UNIT_NONE,                                             \
	  "what has the different values that are counted: flow, src, dst, pair, dport")           \
	X(distinctCount, 33, U64, QUANTITY, UNIT_NONE,                                             \
	  "estimated number of different values in the window")                                    \
	X(distinctStandardError, 34, FLOAT64, QUANTITY, UNIT_NONE,                                 \
	  "standard error of distinctCount, in values; 0 when it is saturated")                    \
	X(distinctSaturated, 35, BOOLEAN, DEFAULT, UNIT_NONE,                                      \
	  "there are more values than can be told apart: distinctCount or more")                   \
	X(distinctCoveredMilliseconds, 36, U32, QUANTITY, UNIT_MILLISECONDS,                       \
	  "how much of the window was counted: less than all of it while the query is new")

#define WIRE_OWN_INTERVAL(X)                                                                       \
	X(queryNumber, 48, U32, IDENTIFIER, UNIT_NONE, "the query, by its number in this session") \
	X(queryMeasure, 49, STRING, DEFAULT, UNIT_NONE, "what the query counts: packets, bytes")   \
	X(queryMatch, 50, STRING, DEFAULT, UNIT_NONE,                                              \
	  "the expression of the packets that the query counts")                                   \
	X(intervalTick, 51, SECONDS, DEFAULT, UNIT_SECONDS,                                        \
	  "the second, by the coordinator's clock, with which the window ends")                    \
	X(intervalCentre, 52, S64, QUANTITY, UNIT_NONE,                                            \
	  "the value at intervalTick: a count within the window, in thousandths")                  \
	X(intervalWidth, 53, U64, QUANTITY, UNIT_NONE,                                             \
	  "the value stays within half of it around its course, in thousandths")                   \
	X(intervalError, 54, U64, QUANTITY, UNIT_NONE,                                             \
	  "the value is known to be within so much of intervalCentre, in thousandths")             \
	X(intervalStep, 55, U64, QUANTITY, UNIT_NONE,                                              \
	  "how far the value strays from its course in a second: root mean square, thousandths")   \
	X(intervalCourse, 56, OCTETS, DEFAULT, UNIT_NONE,                                          \
	  "lines from intervalCentre on: a shift; for each knot LEB128 of the seconds since the "  \
	  "last "                                                                                  \
	  "and zigzag LEB128 of the move >> shift")                                                \
	X(intervalMethod, 57, STRING, DEFAULT, UNIT_NONE,                                          \
	  "how widths are found: auto, adaptive, static")                                          \
	X(intervalPeriod, 58, U32, QUANTITY, UNIT_SECONDS,                                         \
	  "widths shrink at each second that it divides; 0: never")                                \
	X(intervalShrink, 59, U32, QUANTITY, UNIT_NONE,                                            \
	  "by how much widths shrink then, in millionths")                                         \
	X(clockShift, 60, S32, QUANTITY, UNIT_SECONDS,                                             \
	  "what the host adds to its clock to have intervalTick")                                  \
	X(grantSerial, 61, U32, IDENTIFIER, UNIT_NONE,                                             \
	  "number of the grant of a width in this session, from 1")                                \
	X(grantConfirmed, 62, U32, IDENTIFIER, UNIT_NONE,                                          \
	  "grants up to this grantSerial hold from intervalTick on")                               \
	X(missingHosts, 63, STRING, DEFAULT, UNIT_NONE,                                            \
	  "who is missing in the query's values from intervalTick on; empty: nobody")              \
	X(sessionHostId, 64, U32, IDENTIFIER, UNIT_NONE,                                           \
	  "the host, by its number in the configuration")                                          \
	X(sessionHostName, 65, STRING, DEFAULT, UNIT_NONE, "the host, by its name")                \
	X(sessionInstance, 66, U64, IDENTIFIER, UNIT_NONE,                                         \
	  "tells two machines of one sessionHostId apart")                                         \
	X(sessionTime, 67, MILLISECONDS, DEFAULT, UNIT_MILLISECONDS, "the host's clock")           \
	X(sessionCoordinatorName, 68, STRING, DEFAULT, UNIT_NONE, "the coordinator, by its name")  \
	X(sessionRefusal, 69, STRING, DEFAULT, UNIT_NONE,                                          \
	  "why the coordinator does not take the host")                                            \
	X(sessionLeave, 70, BOOLEAN, DEFAULT, UNIT_NONE,                                           \
	  "the host leaves for good: answers no longer wait for it")                               \
	X(queryMeasureThere, 71, STRING, DEFAULT, UNIT_NONE,                                       \
	  "what the coordinator's differing query of that name counts; empty: it has none")        \
	X(countedSince, 72, SECONDS, DEFAULT, UNIT_SECONDS,                                        \
	  "values from intervalTick on count what came since then, and are scaled up to the "      \
	  "window's length where that is less; 0: not known")

/* Rows of the table: IANA's elements by rising number, then weir's own. */
enum wire_row {
#define X(name, ...) WIRE_##name,
	WIRE_ELEMENTS(X) WIRE_OWN_FIRST,
	WIRE_BEFORE_OWN = WIRE_OWN_FIRST - 1,
	WIRE_OWN_EXPORTED(X) WIRE_INTERVAL_FIRST,
	WIRE_BEFORE_INTERVAL = WIRE_INTERVAL_FIRST - 1,
	WIRE_OWN_INTERVAL(X)
#undef X
	WIRE_ROWS,
};

struct wire_element {
	const char *name, *about;
	__u32 pen; /* 0: IANA */
	__u16 number;
	__u8 type, semantics, units;
	__u8 bytes; /* of a value that we send; 0: as many as the type has */
	__u8 field, kind;
	__u8 rank; /* among the elements of its field; of counters, enum flow_counted */
};

extern const struct wire_element wire_elements[WIRE_ROWS];

/* The tables themselves: for field.c, and for code that the compiler is to make for each row. */
#define WIRE_ELEMENT(name, number, field, kind, rank, type, bytes)                                 \
	{#name, "", 0, number, WIRE_##type, 0, 0, bytes, FIELD_##field, WIRE_KIND_##kind, rank},
#define WIRE_OWN_ELEMENT(name, number, type, semantics, units, about)                              \
	{#name, about,      WIRE_WEIR_PEN,    number, WIRE_##type, WIRE_##semantics, WIRE_##units, \
	 0,     FIELD_NONE, WIRE_KIND_OPTION, 0},
#define WIRE_ELEMENT_TABLE                                                                         \
	{                                                                                          \
		WIRE_ELEMENTS(WIRE_ELEMENT) WIRE_OWN(WIRE_OWN_ELEMENT)                             \
	}

/* Of a value in our templates; IPFIX_VARIABLE for most strings. */
static __always_inline unsigned int wire_element_bytes(const struct wire_element *element)
{
	if (element->bytes)
		return element->bytes;
	switch (element->type) {
	case WIRE_U8:
	case WIRE_BOOLEAN:
		return 1;
	case WIRE_U16:
		return 2;
	case WIRE_U32:
	case WIRE_S32:
	case WIRE_SECONDS:
	case WIRE_ADDR4:
		return 4;
	case WIRE_ADDR6:
		return 16;
	case WIRE_STRING:
	case WIRE_OCTETS:
		return IPFIX_VARIABLE;
	default:
		return 8;
	}
}

/* NULL: nothing is known of it. Of reverse elements, ask with pen 0. */
const struct wire_element *wire_element_find(__u32 pen, __u16 number);

#endif
