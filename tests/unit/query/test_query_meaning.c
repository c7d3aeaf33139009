/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Do the tables mean what the expressions say? Random expressions are grown as trees, written down
 * as text for the compiler, and evaluated here by walking the tree, with none of the code under
 * test; the kernel's own functions then ask the compiled tables about random packets.
 *
 * Values come from small pools that the packets draw from as well, so that tests hit and miss.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "query/compile.h"
#include "query/parse.h"
#include "weir/query.h"

#define ROUNDS 4000
#define PACKETS 200
#define QUERIES_MAX 6
#define NODES_MAX 64
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const addr_pool[] = {
	"0.0.0.0",
	"10.0.0.1",
	"10.1.0.0",
	"10.1.255.255",
	"10.2.0.0",
	"192.0.2.1",
	"192.0.2.255",
	"203.0.113.255",
	"255.255.255.255",
	"::",
	"::1",
	"2001:db8::1",
	"2001:db8:0:1::",
	"2001:db8:ffff::7",
	"fc00::1",
	"ff02::1",
	"ffff:ffff:ffff:ffff::",
};
static const char *const net_pool[] = {
	"0.0.0.0/0",     "10.0.0.0/8",  "10.1.0.0/16", "192.0.2.0/24",
	"192.0.2.1/32",  "128.0.0.0/1", "::/0",        "2001:db8::/32",
	"2001:db8::/64", "fc00::/7",    "::1/128",     "8000::/1",
};
static const unsigned int port_pool[] = {0, 1, 21, 22, 23, 53, 80, 1023, 1024, 32768, 65534, 65535};
static const unsigned int proto_pool[] = {0, 1, 6, 17, 33, 47, 58, 132, 136, 255};
static const unsigned int vlan_pool[] = {0, 1, 2, 100, 4094, 4095};
static const unsigned int length_pool[] = {0, 1, 59, 60, 64, 65, 1500, 1514, 9000, 4294967295u};
static const char *const flag_pool[] = {"fin", "syn", "rst", "push", "ack", "urg", "ece", "cwr"};

static const char *const inside_nets[] = {"10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32"};
static const char *const group_names[] = {"campus", "both-worlds", "all6"};
static const char *const group_nets[][2] = {
	{"10.1.0.0/16", "10.2.0.0/16"},
	{"192.0.2.1/32", "fc00::/7"},
	{"::/0", "::1/128"},
};

struct packet {
	bool out, v6, ports;
	uint8_t addr[2][16]; /* source, destination; IPv4 in the first four bytes */
	unsigned int port[2], proto, vlan, flags, qr, length;
};

enum leaf {
	LEAF_DIRECTION,
	LEAF_FAMILY,
	LEAF_PROTO_WORD,
	LEAF_PROTO,
	LEAF_VLAN,
	LEAF_FLAGS,
	LEAF_DNS,
	LEAF_LENGTH,
	LEAF_HOST,
	LEAF_NET,
	LEAF_PORT,
	LEAF_PORTRANGE,
	LEAF_GROUP,
	LEAF_INSIDE,
	LEAF_KINDS,
};

enum {
	SRC = 1,
	DST = 2
};

struct tree {
	char op; /* '&', '|', '!', or 0: a leaf */
	struct tree *left, *right;
	enum leaf leaf;
	int sides;             /* SRC, DST or both */
	const char *qualifier; /* "tcp" before a leaf about ports, or NULL */
	unsigned int count, pick[3], variant;
};

struct forest {
	struct tree tree[NODES_MAX];
	int used;
};

static unsigned int below(unsigned int n)
{
	return rand() % n;
}

/* --- Growing ------------------------------------------------------------------------------ */

static struct tree *grow_leaf(struct forest *f)
{
	struct tree *t = &f->tree[f->used++];
	static const size_t pools[LEAF_KINDS] = {
		[LEAF_PROTO] = COUNT(proto_pool),  [LEAF_VLAN] = COUNT(vlan_pool) - 1,
		[LEAF_FLAGS] = COUNT(flag_pool),   [LEAF_LENGTH] = COUNT(length_pool),
		[LEAF_HOST] = COUNT(addr_pool),    [LEAF_NET] = COUNT(net_pool),
		[LEAF_PORT] = COUNT(port_pool),    [LEAF_PORTRANGE] = COUNT(port_pool) - 2,
		[LEAF_GROUP] = COUNT(group_names),
	};

	*t = (struct tree){.leaf = below(LEAF_KINDS), .count = 1 + below(3), .variant = below(6)};
	t->sides = 1 + below(3);
	for (unsigned int i = 0; i < 3 && pools[t->leaf]; i++)
		t->pick[i] = below(pools[t->leaf]);
	if (t->leaf == LEAF_PORT && below(4) == 0)
		t->qualifier = below(2) ? "tcp" : "udp";
	return t;
}

static struct tree *grow(struct forest *f, int depth)
{
	struct tree *t;
	int shape = depth ? below(8) : 7;

	if (shape >= 6 || f->used > NODES_MAX / 2)
		return grow_leaf(f);
	t = &f->tree[f->used++];
	*t = (struct tree){.op = shape < 3 ? '&' : shape < 5 ? '|' : '!'};
	t->left = grow(f, depth - 1);
	if (t->op != '!')
		t->right = grow(f, depth - 1);
	return t;
}

/* --- Writing ------------------------------------------------------------------------------ */

static void add(char **at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*at += vsprintf(*at, format, args);
	va_end(args);
}

static const char *const proto_words[] = {"tcp", "udp", "icmp", "icmp6", "sctp", "tcp"};
static const unsigned int proto_numbers[] = {6, 17, 1, 58, 132, 6};

static void write_value(char **at, const struct tree *t, unsigned int i)
{
	unsigned int n = t->pick[i];

	switch (t->leaf) {
	case LEAF_PROTO:
		add(at, "%u", proto_pool[n]);
		break;
	case LEAF_VLAN:
		add(at, "%u", vlan_pool[n + 1]);
		break;
	case LEAF_HOST:
		add(at, "%s", addr_pool[n]);
		break;
	case LEAF_NET:
		add(at, "%s", net_pool[n]);
		break;
	case LEAF_PORT:
		add(at, "%u", port_pool[n]);
		break;
	case LEAF_PORTRANGE:
		add(at, "%u-%u", port_pool[n], port_pool[n + 2]);
		break;
	default:
		add(at, "%s", group_names[n]);
		break;
	}
}

static void write_list(char **at, const struct tree *t)
{
	bool parentheses = t->variant % 2;

	add(at, parentheses ? "( " : "");
	for (unsigned int i = 0; i < t->count; i++) {
		add(at, i == 0 ? "" : t->variant < 3 ? " or " : "||");
		write_value(at, t, i);
	}
	add(at, parentheses ? ")" : "");
}

static void write_leaf(char **at, const struct tree *t)
{
	static const char *const names[LEAF_KINDS] = {
		[LEAF_PROTO] = "proto", [LEAF_VLAN] = "vlan", [LEAF_HOST] = "host",
		[LEAF_NET] = "net",     [LEAF_PORT] = "port", [LEAF_PORTRANGE] = "portrange",
		[LEAF_GROUP] = "group",
	};
	const bool odd = t->variant & 1;

	if (t->qualifier)
		add(at, "%s ", t->qualifier);
	if (t->leaf >= LEAF_HOST)
		add(at, t->sides == SRC ? "src " : t->sides == DST ? "dst " : "");
	if (t->leaf == LEAF_DIRECTION) {
		add(at, odd ? "out" : "in");
	} else if (t->leaf == LEAF_FAMILY) {
		add(at, odd ? "ip6" : "ip");
	} else if (t->leaf == LEAF_PROTO_WORD) {
		add(at, "%s", proto_words[t->variant]);
	} else if (t->leaf == LEAF_FLAGS) {
		for (unsigned int i = 0; i < t->count; i++)
			add(at, "%s%s",
			    i == 0 ? "tcp flags "
			    : odd  ? ","
				   : " , ",
			    flag_pool[t->pick[i]]);
	} else if (t->leaf == LEAF_DNS) {
		add(at, odd ? "dns response" : "dns query");
	} else if (t->leaf == LEAF_LENGTH) {
		add(at, "%s %u", odd ? "greater" : "less", length_pool[t->pick[0]]);
	} else if (t->leaf == LEAF_INSIDE) {
		add(at, odd ? "outside" : "inside");
	} else if (t->leaf == LEAF_VLAN && t->variant == 0) {
		add(at, "vlan");
	} else {
		add(at, "%s ", names[t->leaf]);
		write_list(at, t);
	}
}

/* Parentheses where the grammar needs them, and at times where it does not. */
static void write_tree(char **at, const struct tree *t, char parent)
{
	bool needed = (t->op == '|' && (parent == '&' || parent == '!')) ||
		      (t->op == '&' && parent == '!');
	bool parentheses = needed || below(6) == 0;

	add(at, parentheses ? "(" : "");
	if (!t->op) {
		write_leaf(at, t);
	} else if (t->op == '!') {
		add(at, below(2) ? "not " : "!");
		write_tree(at, t->left, '!');
	} else {
		write_tree(at, t->left, t->op);
		add(at, t->op == '&' ? (below(2) ? " and " : " && ") : below(2) ? " or " : "||");
		write_tree(at, t->right, t->op);
	}
	add(at, parentheses ? ")" : "");
}

/* --- Evaluating --------------------------------------------------------------------------- */

static bool addr_in(const uint8_t *addr, bool v6, const char *net)
{
	char text[64];
	uint8_t want[16];
	int bits = v6 ? 128 : 32;
	char *slash;

	snprintf(text, sizeof(text), "%s", net);
	slash = strchr(text, '/');
	if (slash) {
		bits = atoi(slash + 1);
		*slash = 0;
	}
	if (inet_pton(v6 ? AF_INET6 : AF_INET, text, want) != 1)
		return false; /* of the other family */
	for (int i = 0; i < bits; i++) {
		if ((addr[i / 8] ^ want[i / 8]) & 0x80 >> i % 8)
			return false;
	}
	return true;
}

static bool addr_inside(const struct packet *p, int side)
{
	for (size_t i = 0; i < COUNT(inside_nets); i++) {
		if (addr_in(p->addr[side], p->v6, inside_nets[i]))
			return true;
	}
	return false;
}

/* The i-th value of a list, for one side of the packet. */
static bool side_holds(const struct tree *t, const struct packet *p, int side, unsigned int i)
{
	const unsigned int n = t->pick[i];
	const uint8_t *addr = p->addr[side];

	switch (t->leaf) {
	case LEAF_HOST:
		return addr_in(addr, p->v6, addr_pool[n]);
	case LEAF_NET:
		return addr_in(addr, p->v6, net_pool[n]);
	case LEAF_GROUP:
		return addr_in(addr, p->v6, group_nets[n][0]) ||
		       addr_in(addr, p->v6, group_nets[n][1]);
	case LEAF_PORT:
		return p->ports && p->port[side] == port_pool[n];
	default:
		return p->ports && p->port[side] >= port_pool[n] &&
		       p->port[side] <= port_pool[n + 2];
	}
}

static bool sided_holds(const struct tree *t, const struct packet *p)
{
	if (t->qualifier && p->proto != (strcmp(t->qualifier, "tcp") ? 17 : 6))
		return false;
	for (int side = 0; side < 2; side++) {
		if (!(t->sides & (side ? DST : SRC)))
			continue;
		if (t->leaf == LEAF_INSIDE) {
			if (addr_inside(p, side) != (t->variant & 1))
				return true;
			continue;
		}
		for (unsigned int i = 0; i < t->count; i++) {
			if (side_holds(t, p, side, i))
				return true;
		}
	}
	return false;
}

static bool flags_hold(const struct tree *t, const struct packet *p)
{
	for (unsigned int i = 0; i < t->count; i++) {
		/* The pool is in the order of the bits. */
		if (p->flags > 255 || !(p->flags & 1 << t->pick[i]))
			return false;
	}
	return true;
}

static bool listed(const unsigned int *pool, const struct tree *t, unsigned int value)
{
	for (unsigned int i = 0; i < t->count; i++) {
		if (pool[t->pick[i]] == value)
			return true;
	}
	return false;
}

static bool holds(const struct tree *t, const struct packet *p)
{
	const unsigned int odd = t->variant & 1;

	if (t->op == '!')
		return !holds(t->left, p);
	if (t->op == '&')
		return holds(t->left, p) && holds(t->right, p);
	if (t->op == '|')
		return holds(t->left, p) || holds(t->right, p);
	switch (t->leaf) {
	case LEAF_DIRECTION:
		return p->out == odd;
	case LEAF_FAMILY:
		return p->v6 == odd;
	case LEAF_PROTO_WORD:
		return p->proto == proto_numbers[t->variant];
	case LEAF_PROTO:
		return listed(proto_pool, t, p->proto);
	case LEAF_VLAN:
		return t->variant ? listed(vlan_pool + 1, t, p->vlan) : p->vlan > 0;
	case LEAF_FLAGS:
		return flags_hold(t, p);
	case LEAF_DNS:
		return p->qr == (odd ? WEIR_QR_RESPONSE : WEIR_QR_QUERY);
	case LEAF_LENGTH:
		return odd ? p->length >= length_pool[t->pick[0]]
			   : p->length <= length_pool[t->pick[0]];
	default:
		return sided_holds(t, p);
	}
}

/* --- Packets ------------------------------------------------------------------------------ */

static void random_addr(struct packet *p, int side)
{
	int family = p->v6 ? AF_INET6 : AF_INET;

	while (inet_pton(family, addr_pool[below(COUNT(addr_pool))], p->addr[side]) != 1)
		;
	if (below(4) == 0)
		p->addr[side][below(p->v6 ? 16 : 4)] ^= 1 << below(8);
}

/* As the parser delivers them: only some have ports, only TCP flags, only DNS a QR. */
static struct packet random_packet(void)
{
	static const unsigned int protos[] = {6, 6, 6, 17, 17, 17, 132, 33, 136, 1, 58, 47, 0, 255};
	struct packet p = {.out = below(2), .v6 = below(2), .flags = WEIR_FLAGS_NONE};
	const bool cut = below(8) == 0;

	p.proto = protos[below(COUNT(protos))];
	p.vlan = vlan_pool[below(COUNT(vlan_pool))];
	p.length = length_pool[below(COUNT(length_pool))] + (below(2) ? below(3) : 0);
	p.ports = (p.proto == 6 || p.proto == 17 || p.proto == 33 || p.proto == 132 ||
		   p.proto == 136) &&
		  !cut;
	for (int side = 0; side < 2; side++) {
		random_addr(&p, side);
		p.port[side] = port_pool[below(COUNT(port_pool))];
		if (below(8) == 0)
			p.port[side] = below(65536);
	}
	if (p.proto == 6 && !cut)
		p.flags = below(256);
	if (p.proto == 17 && p.ports && (p.port[0] == 53 || p.port[1] == 53))
		p.qr = below(WEIR_QR_MAX);
	return p;
}

static void key_of(const struct packet *p, struct weir_flow_key *key, struct weir_pair6 *pair)
{
	*key = (struct weir_flow_key){.proto = p->proto, .vlan = p->vlan};
	memset(pair, 0, sizeof(*pair));
	key->flags = (p->out ? WEIR_KEY_OUT : 0) | (p->v6 ? WEIR_KEY_V6 : 0) |
		     (p->ports ? 0 : WEIR_KEY_NOPORTS);
	/* Without ports these hold something else: no test may look. */
	key->sport = htons(p->port[0]);
	key->dport = htons(p->port[1]);
	if (p->v6) {
		memcpy(pair->src, p->addr[0], 16);
		memcpy(pair->dst, p->addr[1], 16);
		key->addrs = weir_fold6(pair);
	} else {
		memcpy(&key->src4, p->addr[0], 4);
		memcpy(&key->dst4, p->addr[1], 4);
	}
}

/* Windows whose queries the tables find to match; also checks who is inside. */
static uint64_t windows_of(const struct weir_tables *t, const struct packet *p)
{
	const struct weir_traits traits = {p->length, p->flags, p->qr, 0};
	struct weir_flow_key key;
	struct weir_pair6 pair;
	uint64_t terms, windows = 0;
	__u8 src, dst;

	key_of(p, &key, &pair);
	terms = weir_classify_key(t, &key) & weir_classify_addrs(t, &key, &pair, &src, &dst);
	assert_int_equal(src, addr_inside(p, 0));
	assert_int_equal(dst, addr_inside(p, 1));
	terms = weir_classify_packet(t, terms, &traits);
	for (; terms; terms &= terms - 1)
		windows |= 1ull << t->term_query[weir_term_slot(terms & -terms)];
	return windows;
}

/* --- The test ----------------------------------------------------------------------------- */

struct scope {
	struct query_scope scope;
	struct query_range inside[COUNT(inside_nets)];
	struct query_range nets[COUNT(group_names)][2];
	struct query_group groups[COUNT(group_names)];
};

static void scope_make(struct scope *s)
{
	struct why why = {};

	for (size_t i = 0; i < COUNT(inside_nets); i++)
		assert_int_equal(prefix_parse_net(inside_nets[i], &s->inside[i], &why), 0);
	for (size_t i = 0; i < COUNT(group_names); i++) {
		for (int j = 0; j < 2; j++)
			assert_int_equal(prefix_parse_net(group_nets[i][j], &s->nets[i][j], &why),
					 0);
		s->groups[i] = (struct query_group){(char *)group_names[i], s->nets[i], 2};
	}
	s->scope =
		(struct query_scope){s->inside, COUNT(inside_nets), s->groups, COUNT(group_names)};
}

struct tally {
	unsigned int compiled, never, too_many, matched, asked;
};

static void check_packets(const struct weir_tables *t, struct tree *const *roots,
			  const struct query *queries, unsigned int count, const char *text,
			  unsigned int seed, struct tally *tally)
{
	for (int i = 0; i < PACKETS; i++) {
		const struct packet p = random_packet();
		uint64_t expected = 0, got = windows_of(t, &p);

		for (unsigned int q = 0; q < count; q++) {
			if (holds(roots[q], &p))
				expected |= 1ull << queries[q].window;
		}
		if (got != expected)
			fail_msg("seed %u, packet %d: windows %#llx, not %#llx; the last of %u: %s",
				 seed, i, (unsigned long long)got, (unsigned long long)expected,
				 count, text);
		tally->matched += !!expected;
		tally->asked++;
	}
}

static void round_with(unsigned int seed, const struct query_scope *scope, struct weir_tables *t,
		       struct tally *tally)
{
	static struct forest forest[QUERIES_MAX];
	struct query_expr *exprs[QUERIES_MAX] = {NULL};
	struct query queries[QUERIES_MAX] = {{NULL, 0}};
	struct tree *roots[QUERIES_MAX];
	struct query_error err = {0};
	static char text[65536];
	unsigned int count, first;
	int ret;

	srand(seed);
	count = 1 + below(QUERIES_MAX);
	first = below(WEIR_QUERIES);
	for (unsigned int q = 0; q < count; q++) {
		char *at = text;

		forest[q].used = 0;
		roots[q] = grow(&forest[q], 4);
		write_tree(&at, roots[q], 0);
		if (query_parse(text, &exprs[q], &err))
			fail_msg("seed %u: column %u: %s: %s", seed, err.column, err.why.text,
				 text);
		queries[q] = (struct query){exprs[q], (first + 11 * q) % WEIR_QUERIES};
	}
	ret = query_compile(queries, count, scope, t, &err);
	if (!ret) {
		tally->compiled++;
		check_packets(t, roots, queries, count, text, seed, tally);
	} else if (strstr(err.why.text, "never")) {
		tally->never++;
		for (int i = 0; i < PACKETS; i++) {
			const struct packet p = random_packet();

			if (holds(roots[err.query], &p))
				fail_msg("seed %u: query %d can match", seed, err.query);
		}
	} else {
		assert_non_null(strstr(err.why.text, "terms"));
		tally->too_many++;
	}
	for (unsigned int q = 0; q < count; q++)
		query_free(exprs[q]);
}

static void tables_match_what_the_expressions_say(void **state)
{
	const char *given = getenv("WEIR_SEED");
	const unsigned int start = given ? strtoul(given, NULL, 10) : 1;
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct tally tally = {0};
	struct scope s;

	scope_make(&s);
	for (unsigned int seed = start; seed < start + ROUNDS; seed++)
		round_with(seed, &s.scope, t, &tally);
	print_message("seeds %u to %u: %u sets of queries compiled, %u can never match, %u need "
		      "too many terms; %u of %u packets matched\n",
		      start, start + ROUNDS - 1, tally.compiled, tally.never, tally.too_many,
		      tally.matched, tally.asked);
	assert_true(tally.compiled > ROUNDS / 4);
	assert_true(tally.matched > tally.asked / 10 && tally.matched < tally.asked / 10 * 9);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_match_what_the_expressions_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
