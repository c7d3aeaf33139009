/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses and prefixes as intervals of one 128-bit space. IPv4 lies in it where IPv6 has the
 * IPv4-mapped addresses, ::ffff:0:0/96, which no IPv6 packet carries (RFC 4291, 2.5.5.2). So
 * `not host 10.0.0.1` is one set, true of all IPv6, and `net ::/0` leaves that hole out.
 */
#ifndef QUERY_PREFIX_H
#define QUERY_PREFIX_H

#include "base/why.h"
#include "query/set.h"

#define QUERY_V4_FIRST ((query_value)0xffff << 32)
#define QUERY_V4_LAST (QUERY_V4_FIRST | 0xffffffff)
#define QUERY_ADDR_LAST (~(query_value)0)

/*
 * From text: ADDRESS, and ADDRESS/LENGTH with no bits set beyond LENGTH. Return 0, or -EINVAL
 * and why.
 */
int prefix_parse_host(const char *text, struct query_range *out, struct why *why);
int prefix_parse_net(const char *text, struct query_range *out, struct why *why);

/*
 * The network of `bits` bits that an interface's address lies in. family: AF_INET, AF_INET6;
 * addr: struct in_addr or in6_addr. -EINVAL for another family, too many bits, or a prefix within
 * the IPv4-mapped addresses.
 */
int prefix_of_addr(int family, const void *addr, unsigned int bits, struct query_range *out);

/* The addresses of `count` prefixes. NULL when the arena is full. */
const struct query_set *prefix_set(struct query_arena *arena, const struct query_range *prefixes,
				   unsigned int count);

#endif
