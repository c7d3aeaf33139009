/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A flow as JSON, by the table of fields (flow/fields.h): each field that has a value, under its
 * name.
 *
 *   {src dst sport dport proto vlan packets bytes first first_ns last last_ns tcp_flags tos
 *    end_reason direction ... reverse: {packets bytes first ...}}
 *
 * FLOW_BASIC says which fields are always there, null where they are unknown. A time is a text of
 * RFC 3339, with as many digits as it has, and beside it in nanoseconds of Unix time; an event is a
 * word, null where its number has none, and beside it the number (event_number); end_reason is a word
 * (flow/text.h) or null; direction "in" or "out". The destination port of ICMP is its type * 256 +
 * code. `reverse` is there for a biflow, with what is known of that direction.
 *
 * Next hops and translated addresses may be of another family than the flow: they are IPv4 when all
 * but the first four bytes are zero and the flow is IPv4 or those four are not zero.
 */
#ifndef FLOW_JSON_H
#define FLOW_JSON_H

#include <jansson.h>

#include "flow/ended.h"
#include "flow/fields.h"

/* NULL: no memory. */
json_t *flow_record_to_json(const struct flow_record *flow);
/* The same of a flow in the cache, whose times plus `clock_offset_ns` are Unix time. */
json_t *flow_live_json(const struct flow_ended *flow, __s64 clock_offset_ns);

/* By a table of `count` rows, of which the first are those of `flow_fields`, in their order; others
 * may lie behind *flow in a larger struct. */
json_t *flow_fields_json(const struct flow_field_row *rows, unsigned int count,
			 const struct flow_record *flow);

#endif
