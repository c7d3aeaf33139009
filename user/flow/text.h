/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows in words. */
#ifndef FLOW_TEXT_H
#define FLOW_TEXT_H

#include "weir/flow.h"

/* IPv6 in brackets, with a port. */
#define FLOW_ENDPOINT_BYTES 64
#define FLOW_PROTO_BYTES 16

/* idle, active, end, forced, resources; "live" for WEIR_END_NONE. */
const char *flow_end_text(enum weir_end end);

/* Of numbers of IANA's registries firewallEvent and natEvent; NULL: it is not there. */
const char *flow_event_text(unsigned int event);
const char *flow_nat_event_text(unsigned int event);
/* ip, payload, post, layer2 ...; NULL beyond enum flow_counted. */
const char *flow_counted_text(unsigned int counted);

/* "192.0.2.1:53", "[2001:db8::1]:53"; without a port where the flow has none. */
void flow_source_text(const struct weir_flow_key *key, const struct weir_pair6 *pair,
		      char out[FLOW_ENDPOINT_BYTES]);
void flow_dest_text(const struct weir_flow_key *key, const struct weir_pair6 *pair,
		    char out[FLOW_ENDPOINT_BYTES]);
/* "tcp", "icmp 8/0" ("icmp" where that is not known), "89". */
void flow_proto_text(const struct weir_flow_key *key, char out[FLOW_PROTO_BYTES]);

#endif
