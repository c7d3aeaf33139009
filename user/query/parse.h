/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The match language, in spirit pcap-filter(7):
 *
 *   expr   = and { or and }                  or: "or", "||"
 *   and    = unary { and unary }             and: "and", "&&"; binds tighter than "or"
 *   unary  = not unary | "(" expr ")" | test        not: "not", "!"
 *   test   = in | out | ip | ip6 | tcp | udp | sctp | icmp | icmp6
 *          | ( ip | ip6 | tcp | udp | sctp ) sided          both hold
 *          | sided
 *          | proto list(0..255)
 *          | vlan [ list(1..4095) ]
 *          | tcp flags F { "," F }           all of them set: fin syn rst push ack urg ece cwr
 *          | dns ( query | response )        the QR bit of DNS over UDP
 *          | less N | greater N              frame bytes <= N, >= N
 *   sided  = [ src | dst ] ( host list(ADDR) | net list(PREFIX) | port list(PORT)
 *          | portrange list(A-B) | group list(NAME) | inside | outside )
 *   list(V) = V { or V } | "(" V { or V } ")"
 *
 * Unlike pcap-filter, which reads `and` and `or` from left to right, `and` comes first. A list
 * binds tightest of all: `not port 22 or 23` is `not (port 22 or port 23)`. Without src or dst
 * either may hold: `outside` is true of a packet with one end outside. A test on what a packet
 * does not have is false, so `not port 22` is true of ICMP. PORT may be a name that the host's
 * services(5) knows. No text, or blanks only, is true of every packet.
 */
#ifndef QUERY_PARSE_H
#define QUERY_PARSE_H

#include <stdbool.h>

#include "base/why.h"

#define QUERY_TEXT_MAX 4096 /* characters of an expression */

struct query_expr;

struct query_error {
	int query;           /* which of the queries being compiled, -1: none in particular */
	unsigned int column; /* 1-based, in bytes */
	struct why why;
};

/*
 * Return 0 and an expression for query_free(), or -EINVAL (-ENOMEM), `err` filled and `out` as it
 * was.
 */
int query_parse(const char *text, struct query_expr **out, struct query_error *err);
void query_free(struct query_expr *expr);

/* Is this a word of the language? Then it names no group. */
bool query_is_keyword(const char *word);

#endif
