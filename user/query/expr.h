/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What parse.c builds and terms.c expands. */
#ifndef QUERY_EXPR_H
#define QUERY_EXPR_H

#include "query/parse.h"
#include "query/set.h"

/* The dimensions of a packet. Where a packet may lack a value, "none" is one more value. */
enum query_dim {
	QUERY_DIRECTION, /* 0 in, 1 out */
	QUERY_FAMILY,    /* 0 IPv4, 1 IPv6 */
	QUERY_PROTO,
	QUERY_SPORT, /* none: QUERY_NO_PORT */
	QUERY_DPORT,
	QUERY_VLAN,  /* none: 0 */
	QUERY_FLAGS, /* none: WEIR_FLAGS_NONE */
	QUERY_QR,    /* enum weir_qr */
	QUERY_LENGTH,
	QUERY_SRC, /* IPv4 as ::ffff:a.b.c.d */
	QUERY_DST,
	QUERY_DIMS,
};

#define QUERY_NO_PORT 65536

enum query_kind {
	QUERY_AND, /* of its children; true when it has none */
	QUERY_OR,
	QUERY_NOT,   /* of its only child */
	QUERY_TEST,  /* the packet's value in `dim` is in `set` */
	QUERY_GROUP, /* the address is in the group `name` */
	QUERY_INSIDE,
	QUERY_OUTSIDE,
};

struct query_node {
	enum query_kind kind;
	unsigned int column;
	enum query_dim dim;
	const struct query_set *set;
	const char *name;
	struct query_node *child, *last_child, *next;
};

struct query_expr {
	struct query_arena arena;
	struct query_node *root;
};

#endif
