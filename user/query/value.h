/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The values of the match language. A reader returns 0 and the value as an interval, or -EINVAL,
 * and why, or leaves `why` to the caller, who knows what was expected.
 * Addresses and prefixes: prefix_parse_host(), prefix_parse_net().
 */
#ifndef QUERY_VALUE_H
#define QUERY_VALUE_H

#include "query/prefix.h"

typedef int value_reader(const char *word, struct query_range *out, struct why *why);

value_reader value_read_proto;  /* 0..255 */
value_reader value_read_vlan;   /* 1..4095 */
value_reader value_read_port;   /* 0..65535, or a service's name */
value_reader value_read_ports;  /* A-B */
value_reader value_read_length; /* 32 bits */

#endif
