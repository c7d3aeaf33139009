/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The match language: its errors, its terms, its limits. That the tables mean what the expressions
 * say is test_query_meaning.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "query/compile.h"
#include "query/parse.h"
#include "weir/query.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_BYTES (1 << 16)

#define V4(a, b, c, d)                                                                             \
	(((query_value)0xffff << 32) | ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d)))

static struct query_range inside[] = {{V4(10, 0, 0, 0), V4(10, 255, 255, 255)}};
static struct query_range campus_prefixes[] = {{V4(10, 1, 0, 0), V4(10, 1, 255, 255)}};
static struct query_group groups[] = {{(char *)"campus", campus_prefixes, 1}};
static const struct query_scope scope = {inside, 1, groups, 1};

/* Compiles up to 64 expressions, the i-th in window i. */
static int compile(const char *const *texts, unsigned int count, struct weir_tables *t,
		   struct query_error *err)
{
	struct query_expr *exprs[WEIR_QUERIES] = {NULL};
	struct query queries[WEIR_QUERIES] = {{0}};
	int ret = 0;

	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(query_parse(texts[i], &exprs[i], err), 0);
		queries[i] = (struct query){exprs[i], i};
	}
	ret = query_compile(queries, count, &scope, t, err);
	for (unsigned int i = 0; i < count; i++)
		query_free(exprs[i]);
	return ret;
}

static unsigned int terms_of(const char *text)
{
	static struct weir_tables t;
	struct query_error err;

	if (compile(&text, 1, &t, &err))
		fail_msg("%s: column %u: %s", text, err.column, err.why.text);
	return t.terms;
}

static void a_syntax_error_names_its_column_and_what_was_expected(void **state)
{
	static const struct {
		const char *text;
		unsigned int column;
		const char *says;
	} cases[] = {
		{"tpc", 1, "expected a test"},
		{"tcp and", 8, "got the end"},
		{"tcp  udp", 6, "expected 'and', 'or' or the end, got 'udp'"},
		{"tcp and (udp or icmp", 21, "expected 'and', 'or' or ')', got the end"},
		{"tcp)", 4, "got ')'"},
		{"()", 2, "got ')'"},
		{"not", 4, "got the end"},
		{"in & out", 4, "got '&'"},
		{"in | out", 4, "got '|'"},
		{"in,out", 3, "got ','"},
		{"port", 5, "expected a port"},
		{"dst port 65536", 10, "expected a port, 0 to 65535"},
		{"port -1", 6, "expected a port"},
		{"port no-such-service", 6, "'no-such-service' is no service"},
		{"port 22 or 70000", 12, "got '70000'"},
		{"port (22 or tcp)", 13, "expected a port"},
		{"port (22 23)", 10, "expected 'or' or ')'"},
		{"port 22 and 23", 13, "got '23'"},
		{"portrange 5", 11, "expected two ports A-B, got '5'"},
		{"portrange 5-", 11, "expected two ports"},
		{"portrange 9-5", 11, "ends before it starts"},
		{"src host 10.0.0.256", 10, "'10.0.0.256' is no IPv4 or IPv6 address"},
		{"host ::ffff:10.0.0.1", 6, "write the IPv4 address"},
		{"net 10.0.0.1", 5, "ADDRESS/LENGTH"},
		{"net 10.0.0.1/8", 5, "10.0.0.0/8?"},
		{"net 2001:db8::1/32", 5, "2001:db8::/32?"},
		{"net 10.0.0.0/33", 5, "not 0 to 32"},
		{"net 2001:db8::/129", 5, "not 0 to 128"},
		{"net ::ffff:0:0/96", 5, "write the IPv4 address"},
		{"src 10.0.0.1", 5, "expected host, net, port"},
		{"src tcp", 5, "expected host, net, port"},
		{"group tcp", 7, "expected the name of a group"},
		{"proto 256", 7, "0 to 255"},
		{"proto tcp", 7, "expected a protocol number"},
		{"vlan 0", 6, "1 to 4095"},
		{"vlan 4096", 6, "1 to 4095"},
		{"tcp flags", 10, "one of fin syn"},
		{"tcp flags syn,", 15, "one of fin syn"},
		{"tcp flags syn, xmas", 16, "got 'xmas'"},
		{"dns", 4, "expected query or response"},
		{"dns reply", 5, "expected query or response"},
		{"less", 5, "expected a length"},
		{"greater 4294967296", 9, "expected a length"},
		{"less 1k", 6, "got '1k'"},
		{"in and \x01\x02", 8, "got '\?\?'"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct query_expr *untouched = (struct query_expr *)&cases, *expr = untouched;
		struct query_error err;

		if (!query_parse(cases[i].text, &expr, &err))
			fail_msg("accepted: %s", cases[i].text);
		if (err.column != cases[i].column || !strstr(err.why.text, cases[i].says))
			fail_msg("%s: column %u: %s", cases[i].text, err.column, err.why.text);
		assert_ptr_equal(expr, untouched);
	}
}

static void an_error_of_meaning_names_its_column(void **state)
{
	static const struct {
		const char *text;
		unsigned int column;
		const char *says;
	} cases[] = {
		{"in and src group nowhere", 18, "expected the name of a group, got 'nowhere'"},
		{"group campus or moon", 17, "got 'moon'"},
		{"tcp and udp", 9, "can never match"},
		{"in and tcp and (out and udp)", 17, "can never match"},
		{"in and not in", 8, "can never match"},
		{"icmp and port 22", 1, "can never match"},
		{"udp and tcp flags syn", 1, "can never match"},
		{"tcp and dns query", 1, "can never match"},
		{"ip6 and host 10.0.0.1", 1, "can never match"},
		{"src host 10.0.0.1 and dst host ::1", 1, "can never match"},
		{"less 10 and greater 11", 13, "can never match"},
		{"not (in or src inside or out)", 26, "can never match"},
	};
	struct weir_tables *t = calloc(1, sizeof(*t));

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct query_error err;

		if (!compile(&cases[i].text, 1, t, &err))
			fail_msg("accepted: %s", cases[i].text);
		if (err.query != 0 || err.column != cases[i].column ||
		    !strstr(err.why.text, cases[i].says))
			fail_msg("%s: column %u: %s", cases[i].text, err.column, err.why.text);
	}
	free(t);
}

static void terms_are_as_few_as_the_expression_allows(void **state)
{
	static const struct {
		const char *text;
		unsigned int terms;
	} cases[] = {
		{"", 1},
		{"in or out", 1},
		{"dst port 22 or 23 or 21", 1},
		{"dst port 22 or dst port 23 or dst port 21", 1},
		{"port 22", 2},
		{"port 22 or port 23", 2},
		{"not port 22", 1},
		{"not (port 22 or host 10.0.0.1 or vlan)", 1},
		{"tcp or udp or icmp", 1},
		{"tcp or tcp and in", 1},
		{"in and tcp or out and tcp", 1},
		{"in and tcp or out and udp", 2},
		{"(src port 1 or dst port 2) and (vlan or icmp6)", 2}, /* ICMPv6 has no ports */
		{"(src port 1 or dst port 2) and (vlan or udp)", 4},
		{"less 64 or greater 1500", 2},
		{"not (less 64 or greater 1500)", 1},
		{"(src inside and dst outside) or (src outside and dst inside)", 2},
		{"in", 1},
		{"in and tcp flags syn and not tcp flags ack", 1},
		{"out and dns query", 1},
		{"in and src outside and tcp flags syn and not tcp flags ack and dst port 22 or "
		 "23 or 21 or 513 or 514 or 512 or 3389 or 5900",
		 1},
		{"inside", 2},
		{"not inside", 1},
		{"tcp dst port 80", 1},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		if (terms_of(cases[i].text) != cases[i].terms)
			fail_msg("%s: %u terms", cases[i].text, terms_of(cases[i].text));
	}
}

static void sixty_four_terms_fit_and_one_more_is_refused(void **state)
{
	const char *texts[WEIR_QUERIES];
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct query_error err;

	for (int i = 0; i < 33; i++)
		texts[i] = i < 32 ? "port 22" : " \tport 22";
	assert_int_equal(compile(texts, 32, t, &err), 0);
	assert_int_equal(t->terms, 64);
	assert_int_not_equal(compile(texts, 33, t, &err), 0);
	assert_int_equal(err.query, 32);
	assert_int_equal(err.column, 3);
	assert_string_equal(err.why.text, "needs 2 terms, 0 are left");
	texts[31] = "in";
	assert_int_not_equal(compile(texts, 33, t, &err), 0);
	assert_string_equal(err.why.text, "needs 2 terms, 1 are left");
	free(t);
}

/* `count` clauses that differ in two dimensions, so that none merge. */
static const char *clauses(char *text, const char *before, int count, const char *after)
{
	int at = sprintf(text, "%s", before);

	for (int i = 0; i < count; i++)
		at += sprintf(text + at, "%ssrc port %d and dst port %d", i ? " or " : "", i, i);
	sprintf(text + at, "%s", after);
	return text;
}

static void an_expression_that_explodes_is_refused(void **state)
{
	static char text[TEXT_BYTES];
	const char *const texts[] = {text};
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct query_error err;

	clauses(text, "", 64, "");
	assert_int_equal(compile(texts, 1, t, &err), 0);
	clauses(text, "", 65, "");
	assert_int_not_equal(compile(texts, 1, t, &err), 0);
	assert_string_equal(err.why.text, "needs 65 terms, 64 are left");
	/* Two to the power of 100 terms, or one that all packets without ports share. */
	clauses(text, "in and not (", 100, ")");
	assert_int_not_equal(compile(texts, 1, t, &err), 0);
	assert_string_equal(err.why.text, "needs more than 256 terms, 64 are left");
	assert_int_equal(err.column, 13);
	free(t);
}

static void an_expression_too_long_or_too_deep_is_refused(void **state)
{
	static char text[TEXT_BYTES];
	struct query_expr *expr;
	struct query_error err;

	memset(text, ' ', QUERY_TEXT_MAX + 1);
	assert_int_not_equal(query_parse(text, &expr, &err), 0);
	assert_int_equal(err.column, QUERY_TEXT_MAX + 1);
	text[QUERY_TEXT_MAX] = 0;
	assert_int_equal(query_parse(text, &expr, &err), 0);
	query_free(expr);

	memset(text, '(', 65);
	strcpy(text + 65, "in");
	assert_int_not_equal(query_parse(text, &expr, &err), 0);
	assert_int_equal(err.column, 65);
	memset(text, '!', 64);
	strcpy(text + 64, "in");
	assert_int_equal(query_parse(text, &expr, &err), 0);
	query_free(expr);
}

/* Query i is true of the ports with bit i set: every port has a class of its own. */
static int compile_port_bits(int ports, struct weir_tables *t, struct query_error *err)
{
	static char text[9][TEXT_BYTES];
	const char *texts[9];

	for (int bit = 0; bit < 9; bit++) {
		int at = sprintf(text[bit], "dst port 65535");

		for (int port = 0; port < ports; port++) {
			if (port >> bit & 1)
				at += sprintf(text[bit] + at, " or %d", port);
		}
		texts[bit] = text[bit];
	}
	return compile(texts, 9, t, err);
}

static void more_than_256_classes_of_ports_are_refused(void **state)
{
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct query_error err;

	/* Class 0 is "no port", one is that of 65535; port 0 is as all the other ports are. */
	assert_int_equal(compile_port_bits(254, t, &err), 0);
	for (int i = 0; i < 254; i++) {
		assert_int_not_equal(t->dport_class[i], WEIR_NONE_CLASS);
		for (int j = 0; j < i; j++)
			assert_int_not_equal(t->dport_class[i], t->dport_class[j]);
	}
	assert_int_equal(t->dport_mask[WEIR_NONE_CLASS], 0);
	assert_int_not_equal(compile_port_bits(255, t, &err), 0);
	assert_non_null(strstr(err.why.text, "ports would fall in more than 256 classes"));
	free(t);
}

/* Intervals before the padding, which repeats the highest address. */
static unsigned int used4(const struct weir_tables *t)
{
	unsigned int n = WEIR_RANGES;

	while (n > 1 && t->start4[n - 1] == UINT32_MAX &&
	       t->src4_mask[n - 1] == t->src4_mask[n - 2])
		n--;
	return n;
}

static void more_than_4096_intervals_of_addresses_are_refused(void **state)
{
	enum {
		HOSTS = 2048,
	};
	struct query_range *hosts = calloc(HOSTS, sizeof(*hosts));
	struct query_group many = {(char *)"many", hosts, HOSTS};
	const struct query_scope wide = {NULL, 0, &many, 1};
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct query query = {.window = 5};
	struct query_expr *expr;
	struct query_error err;

	/* n hosts with gaps: n intervals in the group and n + 1 out of it. */
	for (int i = 0; i < HOSTS; i++)
		hosts[i].first = hosts[i].last = V4(10, 0, 0, 1) + 2 * i;
	assert_int_equal(query_parse("src group many", &expr, &err), 0);
	query.expr = expr;
	assert_int_not_equal(query_compile(&query, 1, &wide, t, &err), 0);
	assert_string_equal(err.why.text, "IPv4 addresses would fall in more than 4096 intervals");
	assert_int_equal(err.query, 0);
	many.prefix_count = HOSTS - 1;
	assert_int_equal(query_compile(&query, 1, &wide, t, &err), 0);
	assert_int_equal(used4(t), 2 * (HOSTS - 1) + 1);
	/* The last address in the group: no interval out of it after that. */
	many.prefix_count = HOSTS;
	hosts[HOSTS - 1].first = hosts[HOSTS - 1].last = V4(255, 255, 255, 255);
	assert_int_equal(query_compile(&query, 1, &wide, t, &err), 0);
	assert_int_equal(used4(t), 4096);
	assert_int_equal(t->start4[4095], 0xffffffff);
	assert_int_equal(t->src4_mask[4095], 1);
	assert_int_equal(t->src4_mask[4094], 0);
	query_free(expr);
	free(hosts);
	free(t);
}

static void a_failed_compilation_leaves_the_tables_alone(void **state)
{
	const char *const bad[] = {"in", "tcp and udp"}, *const good[] = {"in"};
	struct weir_tables *t = malloc(sizeof(*t)), *before = malloc(sizeof(*t));
	struct query_error err;

	memset(t, 0xa5, sizeof(*t));
	memset(before, 0xa5, sizeof(*before));
	assert_int_not_equal(compile(bad, 2, t, &err), 0);
	assert_int_equal(err.query, 1);
	assert_memory_equal(t, before, sizeof(*t));
	assert_int_equal(compile(good, 1, t, &err), 0);
	assert_memory_equal(t, before, offsetof(struct weir_tables, terms));
	assert_int_equal(t->start4[0], 0);
	assert_int_equal(t->start6[0][0] | t->start6[0][1], 0);
	free(before);
	free(t);
}

static void a_query_keeps_the_window_it_is_given(void **state)
{
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct query queries[2] = {{.window = 63}, {.window = 7}};
	struct query_expr *in, *out;
	struct query_error err;

	assert_int_equal(query_parse("in", &in, &err), 0);
	assert_int_equal(query_parse("out", &out, &err), 0);
	queries[0].expr = in;
	queries[1].expr = out;
	assert_int_equal(query_compile(queries, 2, &scope, t, &err), 0);
	assert_int_equal(t->term_query[weir_term_slot(t->direction_mask[0])], 63);
	assert_int_equal(t->term_query[weir_term_slot(t->direction_mask[1])], 7);
	queries[1].window = WEIR_QUERIES;
	assert_int_not_equal(query_compile(queries, 2, &scope, t, &err), 0);
	assert_int_equal(err.query, 1);
	assert_int_equal(query_compile(queries, 0, &scope, t, &err), 0);
	assert_int_equal(t->terms, 0);
	assert_int_equal(t->direction_mask[0] | t->direction_mask[1], 0);
	query_free(in);
	query_free(out);
	free(t);
}

static void the_terms_of_queries_with_vectors_are_marked(void **state)
{
	static const char *const texts[] = {"in", "port 22", "tcp or icmp or dns query",
					    "not less 9"};
	struct weir_tables *t = calloc(1, sizeof(*t));
	struct query_expr *exprs[4];
	struct query_error err;

	srandom(1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(query_parse(texts[i], &exprs[i], &err), 0);
	for (int round = 0; round < 50; round++) {
		unsigned int count = random() % 13;
		struct query queries[12];
		bool has[WEIR_QUERIES] = {false};

		for (unsigned int q = 0; q < count; q++)
			queries[q] = (struct query){exprs[random() % 4], 63 - q};
		assert_int_equal(query_compile(queries, count, &scope, t, &err), 0);
		assert_int_equal(t->distinct_terms, 0);
		for (unsigned int q = 0; q < count; q++) {
			for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
				t->vector[63 - q][k].slabs = random() % 8 == 0;
				has[63 - q] |= t->vector[63 - q][k].slabs;
			}
		}
		query_mark_vectors(t);
		for (unsigned int i = 0; i < t->terms; i++)
			assert_int_equal(t->distinct_terms >> i & 1,
					 has[t->term_query[weir_term_slot(1ull << i)]]);
		assert_true(t->terms == 64 || !(t->distinct_terms >> t->terms));
	}
	for (int i = 0; i < 4; i++)
		query_free(exprs[i]);
	free(t);
}

static void every_term_has_a_slot_of_its_own(void **state)
{
	uint64_t seen = 0;

	for (int i = 0; i < WEIR_TERMS; i++)
		seen |= 1ull << weir_term_slot(1ull << i);
	assert_true(seen == UINT64_MAX);
}

static void a_comparison_without_branches_compares(void **state)
{
	static const uint64_t edges[] = {0,
					 1,
					 2,
					 INT64_MAX - 1ull,
					 INT64_MAX,
					 1ull << 63,
					 (1ull << 63) + 1,
					 UINT64_MAX - 1,
					 UINT64_MAX};

	for (size_t i = 0; i < COUNT(edges); i++) {
		for (size_t j = 0; j < COUNT(edges); j++)
			assert_int_equal(weir_less(edges[i], edges[j]), edges[i] < edges[j]);
	}
}

static void an_address_becomes_its_network(void **state)
{
	const uint8_t v4[4] = {192, 0, 2, 77}, v6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 9};
	const uint8_t mapped[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
	struct why why = {};
	struct query_range a, b;

	assert_int_equal(prefix_of_addr(AF_INET, v4, 24, &a), 0);
	assert_int_equal(prefix_parse_net("192.0.2.0/24", &b, &why), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(prefix_of_addr(AF_INET6, v6, 64, &a), 0);
	assert_int_equal(prefix_parse_net("2001:db8::/64", &b, &why), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(prefix_of_addr(AF_INET, v4, 0, &a), 0);
	assert_int_equal(prefix_parse_net("0.0.0.0/0", &b, &why), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_not_equal(prefix_of_addr(AF_INET, v4, 33, &a), 0);
	assert_int_not_equal(prefix_of_addr(AF_INET6, mapped, 128, &a), 0);
	assert_int_not_equal(prefix_of_addr(AF_UNIX, v4, 8, &a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syntax_error_names_its_column_and_what_was_expected),
		cmocka_unit_test(an_error_of_meaning_names_its_column),
		cmocka_unit_test(terms_are_as_few_as_the_expression_allows),
		cmocka_unit_test(sixty_four_terms_fit_and_one_more_is_refused),
		cmocka_unit_test(an_expression_that_explodes_is_refused),
		cmocka_unit_test(an_expression_too_long_or_too_deep_is_refused),
		cmocka_unit_test(more_than_256_classes_of_ports_are_refused),
		cmocka_unit_test(more_than_4096_intervals_of_addresses_are_refused),
		cmocka_unit_test(a_failed_compilation_leaves_the_tables_alone),
		cmocka_unit_test(a_query_keeps_the_window_it_is_given),
		cmocka_unit_test(the_terms_of_queries_with_vectors_are_marked),
		cmocka_unit_test(every_term_has_a_slot_of_its_own),
		cmocka_unit_test(a_comparison_without_branches_compares),
		cmocka_unit_test(an_address_becomes_its_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
