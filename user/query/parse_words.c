// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The words of the match language and the tests they make. parse.c knows and, or, not; each test
 * between them is read here, into a leaf (dimension, set of values) or a small tree of leaves.
 *
 *   sided_tests   host, net, port, portrange: about one end of a packet; without src or dst, of
 *                 either, which is an OR of two leaves
 *   plain_tests   in, ip, tcp, ...: one value of one dimension; some may qualify a sided test
 *                 (`tcp port 22`), which is an AND
 *   the rest      proto, vlan, tcp flags, dns, less, greater: a function each
 *
 * The language has one ambiguity: `or` joins tests as well as values (`port 22 or 23`, `port 22 or
 * host x`). One word of look-ahead settles it: a list continues unless the word behind `or` is a
 * keyword, which is why no group may be named by one. Values are read by value_reader functions,
 * which leave the reason empty where "expected ..., got ..." says it better.
 */
#include <stdint.h>
#include <string.h>

#include "query/parse_internal.h"
#include "query/value.h"
#include "weir/query.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	SRC = 1 << 0,
	DST = 1 << 1,
};

static struct query_node *test_new(struct parser *p, enum query_dim dim,
				   const struct query_set *set)
{
	struct query_node *node = node_new(p, QUERY_TEST);

	if (!node || !set)
		return parser_too_large(p);
	node->column = p->test;
	node->dim = dim;
	node->set = set;
	return node;
}

static const struct sided {
	const char *word;
	value_reader *read;
	enum query_dim src, dst;
	const char *value;
} sided_tests[] = {
	{"host", prefix_parse_host, QUERY_SRC, QUERY_DST, "an address"},
	{"net", prefix_parse_net, QUERY_SRC, QUERY_DST, "a prefix ADDRESS/LENGTH"},
	{"port", value_read_port, QUERY_SPORT, QUERY_DPORT,
	 "a port, 0 to 65535, or a service's name"},
	{"portrange", value_read_ports, QUERY_SPORT, QUERY_DPORT, "two ports A-B"},
};

static const char *const place_words[] = {"src", "dst", "group", "inside", "outside"};

static const struct {
	const char *word;
	enum query_dim dim;
	unsigned int value;
	bool qualifies; /* may stand right before host, port ... */
} plain_tests[] = {
	{"in", QUERY_DIRECTION, 0, false}, {"out", QUERY_DIRECTION, 1, false},
	{"ip", QUERY_FAMILY, 0, true},     {"ip6", QUERY_FAMILY, 1, true},
	{"tcp", QUERY_PROTO, 6, true},     {"udp", QUERY_PROTO, 17, true},
	{"sctp", QUERY_PROTO, 132, true},  {"icmp", QUERY_PROTO, 1, false},
	{"icmp6", QUERY_PROTO, 58, false},
};

static const struct {
	const char *word;
	unsigned int bit;
} flag_words[] = {
	{"fin", WEIR_TCP_FIN}, {"syn", WEIR_TCP_SYN}, {"rst", WEIR_TCP_RST}, {"push", WEIR_TCP_PSH},
	{"ack", WEIR_TCP_ACK}, {"urg", WEIR_TCP_URG}, {"ece", WEIR_TCP_ECE}, {"cwr", WEIR_TCP_CWR},
};

static const struct sided *sided_find(const struct token *token)
{
	for (size_t i = 0; i < COUNT(sided_tests); i++) {
		if (token_is(token, sided_tests[i].word))
			return &sided_tests[i];
	}
	return NULL;
}

static bool is_sided(const struct token *token)
{
	for (size_t i = 0; i < COUNT(place_words); i++) {
		if (token_is(token, place_words[i]))
			return true;
	}
	return sided_find(token);
}

static bool is_keyword(const struct token *token)
{
	static const char *const others[] = {"proto", "vlan", "dns", "less", "greater"};

	if (token->kind != TOKEN_WORD || is_sided(token))
		return true;
	for (size_t i = 0; i < COUNT(plain_tests); i++) {
		if (token_is(token, plain_tests[i].word))
			return true;
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		if (token_is(token, others[i]))
			return true;
	}
	return false;
}

bool query_is_keyword(const char *word)
{
	struct token token = token_next(word);

	return is_keyword(&token);
}

/* Is there an `or` here that continues the list? */
static bool list_goes_on(struct parser *p, bool in_parentheses)
{
	struct token next;

	if (p->token.kind != TOKEN_OR)
		return false;
	next = token_next(p->token.at + p->token.length);
	if (!in_parentheses && is_keyword(&next))
		return false;
	parser_advance(p);
	return true;
}

/* A copy of the word at hand. */
static char *copy_word(struct parser *p)
{
	char *word = arena_alloc(p->arena, p->token.length + 1);

	if (!word)
		return parser_too_large(p);
	memcpy(word, p->token.at, p->token.length);
	return word;
}

static void *read_value(struct parser *p, value_reader *read, const char *what,
			struct query_range *out)
{
	struct why why = {};
	char *word;

	if (is_keyword(&p->token))
		return parser_expected(p, what);
	word = copy_word(p);
	if (!word)
		return NULL;
	if (read(word, out, &why))
		return why.text[0] ? parser_refuse(p, "%s", why.text) : parser_expected(p, what);
	parser_advance(p);
	return out;
}

/* list(V), as a set. */
static const struct query_set *read_list(struct parser *p, value_reader *read, const char *what)
{
	bool parentheses = parser_take(p, TOKEN_OPEN);
	struct query_range *ranges = NULL;
	unsigned int count = 0, room = 0;
	const struct query_set *set;

	do {
		if (count == room) {
			struct query_range *more;

			room = room ? 2 * room : 4;
			more = arena_alloc(p->arena, room * sizeof(*more));
			if (!more)
				return parser_too_large(p);
			if (count)
				memcpy(more, ranges, count * sizeof(*more));
			ranges = more;
		}
		if (!read_value(p, read, what, &ranges[count++]))
			return NULL;
	} while (list_goes_on(p, parentheses));
	if (parentheses && !parser_take(p, TOKEN_CLOSE))
		return parser_expected(p, "'or' or ')'");
	set = ranges ? prefix_set(p->arena, ranges, count) : NULL;
	return set ? set : parser_too_large(p);
}

/* A leaf about one address, for each side asked for. */
static struct query_node *add_places(struct parser *p, struct query_node *any, unsigned int sides,
				     enum query_kind kind, const char *name)
{
	for (int side = SRC; side <= DST; side <<= 1) {
		struct query_node *leaf;

		if (!(sides & side))
			continue;
		leaf = node_new(p, kind);
		if (!node_add(any, leaf))
			return NULL;
		leaf->dim = side == SRC ? QUERY_SRC : QUERY_DST;
		leaf->name = name;
		if (!name)
			leaf->column = p->test;
	}
	return any;
}

static struct query_node *parse_groups(struct parser *p, struct query_node *any, unsigned int sides)
{
	bool parentheses = parser_take(p, TOKEN_OPEN);

	do {
		const char *name;

		if (is_keyword(&p->token))
			return parser_expected(p, "the name of a group");
		name = copy_word(p);
		if (!name || !add_places(p, any, sides, QUERY_GROUP, name))
			return NULL;
		parser_advance(p);
	} while (list_goes_on(p, parentheses));
	if (parentheses && !parser_take(p, TOKEN_CLOSE))
		return parser_expected(p, "'or' or ')'");
	return any;
}

static struct query_node *parse_sided(struct parser *p)
{
	struct query_node *any = node_new(p, QUERY_OR);
	unsigned int sides = SRC | DST;
	const struct query_set *set;
	const struct sided *test;

	if (!any)
		return NULL;
	if (parser_take_if(p, "src"))
		sides = SRC;
	else if (parser_take_if(p, "dst"))
		sides = DST;

	if (parser_take_if(p, "group"))
		return parse_groups(p, any, sides);
	if (parser_take_if(p, "inside"))
		return add_places(p, any, sides, QUERY_INSIDE, NULL);
	if (parser_take_if(p, "outside"))
		return add_places(p, any, sides, QUERY_OUTSIDE, NULL);
	test = sided_find(&p->token);
	if (!test)
		return parser_expected(p, "host, net, port, portrange, group, inside or outside");
	parser_advance(p);
	set = read_list(p, test->read, test->value);
	if (!set)
		return NULL;
	if ((sides & SRC) && !node_add(any, test_new(p, test->src, set)))
		return NULL;
	if ((sides & DST) && !node_add(any, test_new(p, test->dst, set)))
		return NULL;
	return any;
}

static struct query_node *test_range(struct parser *p, enum query_dim dim, query_value first,
				     query_value last)
{
	struct query_range range = {first, last};

	return test_new(p, dim, set_make(p->arena, &range, 1));
}

static struct query_node *parse_flags(struct parser *p)
{
	struct query_range ranges[WEIR_FLAGS_NONE];
	unsigned int all = 0, count = 0;

	do {
		size_t i = 0;

		while (i < COUNT(flag_words) && !token_is(&p->token, flag_words[i].word))
			i++;
		if (i == COUNT(flag_words))
			return parser_expected(p, "one of fin syn rst push ack urg ece cwr");
		all |= flag_words[i].bit;
		parser_advance(p);
	} while (parser_take(p, TOKEN_COMMA));
	for (unsigned int flags = 0; flags < WEIR_FLAGS_NONE; flags++) {
		if ((flags & all) == all)
			ranges[count++] = (struct query_range){flags, flags};
	}
	return test_new(p, QUERY_FLAGS, set_make(p->arena, ranges, count));
}

static struct query_node *parse_dns(struct parser *p)
{
	unsigned int qr = token_is(&p->token, "query") ? WEIR_QR_QUERY : WEIR_QR_RESPONSE;

	if (!parser_take_if(p, "query") && !parser_take_if(p, "response"))
		return parser_expected(p, "query or response");
	return test_range(p, QUERY_QR, qr, qr);
}

static struct query_node *parse_vlan(struct parser *p)
{
	const struct query_set *set;

	/* `vlan (` may open a list only: no operator stands before the parenthesis. */
	if (p->token.kind != TOKEN_OPEN && is_keyword(&p->token))
		return test_range(p, QUERY_VLAN, 1, 4095);
	set = read_list(p, value_read_vlan, "a VLAN id, 1 to 4095");
	return set ? test_new(p, QUERY_VLAN, set) : NULL;
}

static struct query_node *parse_length(struct parser *p, bool less)
{
	struct query_range n;

	if (!read_value(p, value_read_length, "a length in bytes", &n))
		return NULL;
	return test_range(p, QUERY_LENGTH, less ? 0 : n.first, less ? n.last : UINT32_MAX);
}

/* A word that is one value of one dimension, and what it may qualify. */
static struct query_node *parse_plain(struct parser *p)
{
	size_t i = 0;
	struct query_node *both;
	bool tcp;

	while (i < COUNT(plain_tests) && !token_is(&p->token, plain_tests[i].word))
		i++;
	if (i == COUNT(plain_tests))
		return parser_expected(p,
				       "a test (in, ip, tcp, src, host, port, ...), 'not' or '('");
	tcp = token_is(&p->token, "tcp");
	both = node_new(p, QUERY_AND);
	parser_advance(p);
	if (tcp && parser_take_if(p, "flags"))
		return parse_flags(p);
	if (!both || !node_add(both, test_range(p, plain_tests[i].dim, plain_tests[i].value,
						plain_tests[i].value)))
		return NULL;
	if (plain_tests[i].qualifies && is_sided(&p->token))
		return node_add(both, parse_sided(p));
	return both;
}

struct query_node *parse_test(struct parser *p)
{
	const struct query_set *set;

	p->test = parser_column(p);
	if (is_sided(&p->token))
		return parse_sided(p);
	if (parser_take_if(p, "proto")) {
		set = read_list(p, value_read_proto, "a protocol number, 0 to 255");
		return set ? test_new(p, QUERY_PROTO, set) : NULL;
	}
	if (parser_take_if(p, "vlan"))
		return parse_vlan(p);
	if (parser_take_if(p, "dns"))
		return parse_dns(p);
	if (token_is(&p->token, "less") || token_is(&p->token, "greater")) {
		bool less = token_is(&p->token, "less");

		parser_advance(p);
		return parse_length(p, less);
	}
	return parse_plain(p);
}
