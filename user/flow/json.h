/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A flow record as JSON. */
#ifndef FLOW_JSON_H
#define FLOW_JSON_H

#include <jansson.h>

#include "flow/record.h"

/*
 * {src dst sport dport proto vlan packets bytes first last tcp_flags end direction}, as
 * flow_record_json() has them: times in Unix seconds, `end` a word or null, and as the destination
 * port of ICMP its type * 256 + code. Then of what is known: tos icmp in_if out_if sampling src_as
 * dst_as src_mask dst_mask next_hop bgp_next_hop in_vrf out_vrf vrf_name post_vlan nat_src nat_dst
 * nat_sport nat_dport nat_event labels initiator, and reverse: {packets bytes first last tcp_flags
 * end tos}. NULL: no memory.
 *
 * Next hops and translated addresses may be of another family than the flow: they are IPv4 when all
 * but the first four bytes are zero and the flow is IPv4 or those four are not zero.
 */
json_t *flow_record_to_json(const struct flow_record *flow);

#endif
