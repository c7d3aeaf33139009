/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where queries count when the configuration changes: what stays, what is made again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/plan.h"
#include "sketch/countdown.h"

/* A kernel in memory: what an agent would find in it. */
struct kernel {
	struct weir_label label[WEIR_QUERIES];
	struct weir_tables tables;
	unsigned int next_window;
	__u32 made; /* vectors; the n-th begins at slab n */
};

static struct kernel *kernel_new(void)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	assert_non_null(kernel);
	return kernel;
}

/* Puts a configuration into it; the plan is for free(). */
static struct plan *apply(struct kernel *kernel, const char *text)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct why err;
	struct query_error why;
	struct config c;

	assert_non_null(plan);
	if (config_read("w.yaml", text, strlen(text), &c, &err))
		fail_msg("%s", err.text);
	plan->next_window = kernel->next_window;
	plan_make(&c, kernel->label, &kernel->tables, plan);
	assert_int_equal(query_compile(plan->query, c.query_count, &c.scope, &kernel->tables, &why),
			 0);
	memcpy(kernel->tables.vector, plan->vector, sizeof(plan->vector));
	for (unsigned int q = 0; q < c.query_count; q++) {
		for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
			struct weir_vector *v = &kernel->tables.vector[plan->query[q].window][k];

			if (c.queries[q].slabs[k] && !v->slabs)
				*v = (struct weir_vector){c.queries[q].slabs[k], ++kernel->made};
		}
	}
	memcpy(kernel->label, plan->label, sizeof(plan->label));
	kernel->next_window = plan->next_window;
	config_free(&c);
	return plan;
}

/* The window of a query, -1: none. */
static int window_of(const struct kernel *kernel, const char *name)
{
	for (int w = 0; w < WEIR_QUERIES; w++)
		if (!strcmp(kernel->label[w].name, name))
			return w;
	return -1;
}

/* Which vector that was made it is, 0: none. */
static __u32 vector_of(const struct kernel *kernel, const char *name, int k)
{
	const struct weir_vector *v = &kernel->tables.vector[window_of(kernel, name)][k];

	return v->slabs ? v->first : 0;
}

#define Q(name, match, more) "- {name: " name ", match: \"" match "\"" more "}\n"
#define SIZED(size, queries) "distinct: {size: " size "}\nqueries:\n" queries

static void a_query_that_stays_keeps_its_window_and_its_vectors(void **state)
{
	struct kernel *kernel = kernel_new();
	int window;

	free(apply(kernel,
		   SIZED("32KiB", Q("a", "in", ", distinct: [src, dport]") Q("b", "out", ""))));
	window = window_of(kernel, "a");
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_SRC), 1);
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_DPORT), 2);
	free(apply(kernel, SIZED("32KiB", Q("c", "out", ", distinct: [flow]")
						  Q("a", "in", ", distinct: [dport, src]"))));
	assert_int_equal(window_of(kernel, "a"), window);
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_SRC), 1);
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_DPORT), 2);
	assert_int_equal(vector_of(kernel, "c", WEIR_DISTINCT_FLOW), 3);
	free(kernel);
}

static void what_is_asked_of_a_query_may_change_and_its_window_stays(void **state)
{
	static const char *const later[] = {"", ", distinct: [src]", ", measure: bytes",
					    ", measure: distinct dst", ", distinct: [src, flow]"};
	struct kernel *kernel = kernel_new();
	struct plan *plan;
	int window;

	free(apply(kernel, "queries:\n" Q("a", "in", "")));
	window = window_of(kernel, "a");
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "queries:\n" Q("a", "in", "%s"), later[i]);
		plan = apply(kernel, text);
		assert_int_equal(window_of(kernel, "a"), window);
		assert_false(plan->fresh[window]);
		free(plan);
	}
	plan = apply(kernel, "queries:\n" Q("a", "in and tcp", ""));
	assert_int_not_equal(window_of(kernel, "a"), window);
	assert_true(plan->fresh[window_of(kernel, "a")]);
	free(plan);
	free(kernel);
}

static void a_vector_stays_when_others_come_and_go(void **state)
{
	struct kernel *kernel = kernel_new();

	free(apply(kernel, "queries:\n" Q("a", "in", ", distinct: [src]")));
	free(apply(kernel, "queries:\n" Q("a", "in", ", distinct: [src, dst]")));
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_SRC), 1);
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_DST), 2);
	free(apply(kernel, "queries:\n" Q("a", "in", ", distinct: [dst]")));
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_SRC), 0);
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_DST), 2);
	free(kernel);
}

static void a_vector_of_another_size_or_window_is_a_new_one(void **state)
{
	struct kernel *kernel = kernel_new();

	free(apply(kernel, SIZED("32KiB", Q("a", "in", ", distinct: [src]"))));
	free(apply(kernel, SIZED("48KiB", Q("a", "in", ", distinct: [src]"))));
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_SRC), 2);
	free(apply(kernel, SIZED("48KiB", Q("a", "in", ", distinct: [src], window: 5s"))));
	assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_SRC), 3);
	free(kernel);
}

static void a_new_query_in_the_only_window_left_does_not_inherit_its_vector(void **state)
{
	static const char *const matches[] = {"in", "out"};
	struct kernel *kernel = kernel_new();
	static char text[1 << 13];

	for (int i = 0; i < 2; i++) {
		int at = sprintf(text, "queries:\n" Q("a", "%s", ", distinct: [src]"), matches[i]);

		for (int q = 1; q < 64; q++)
			at += sprintf(text + at, Q("q%d", "in", ""), q);
		free(apply(kernel, text));
		assert_int_equal(window_of(kernel, "a"), 0);
		assert_int_equal(vector_of(kernel, "a", WEIR_DISTINCT_SRC), i + 1);
	}
	free(kernel);
}

/* --- At random --------------------------------------------------------------------------- */

struct wish {
	bool there;
	unsigned int match, size, keys; /* size in slabs, keys a mask */
};

#define NAMES 20

static void write_text(const struct wish *wishes, char *text)
{
	static const char *const matches[] = {"in", "port 22", "tcp or icmp"};
	static const char *const keys[] = {"flow", "src", "dst", "pair", "dport"};
	const char *start = text;

	text += sprintf(text, "queries:\n");
	for (int n = 0; n < NAMES; n++) {
		const char *comma = "";

		if (!wishes[n].there)
			continue;
		text += sprintf(text, "- {name: n%d, match: %s, distinct: {size: %uKiB, keys: [", n,
				matches[wishes[n].match], wishes[n].size * 16);
		for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
			if (!(wishes[n].keys & 1u << k))
				continue;
			text += sprintf(text, "%s%s", comma, keys[k]);
			comma = ", ";
		}
		text += sprintf(text, "]}}\n");
	}
	assert_true(text - start < 1 << 13);
}

static void change(struct wish *wishes)
{
	for (int n = 0; n < NAMES; n++) {
		struct wish *wish = &wishes[n];

		if (random() % 4 == 0)
			wish->there = !wish->there;
		if (random() % 4 == 0)
			wish->match = random() % 3;
		if (random() % 4 == 0)
			wish->size = 1 + random() % 2;
		if (random() % 4 == 0)
			wish->keys = random() & random() & 31;
	}
}

static void check_change(const struct kernel *old, const struct kernel *new,
			 const struct wish *before, const struct wish *after)
{
	for (int n = 0; n < NAMES; n++) {
		bool stays = before[n].there && after[n].there && before[n].match == after[n].match;
		char name[8];

		snprintf(name, sizeof(name), "n%d", n);
		assert_int_equal(window_of(new, name) >= 0, after[n].there);
		if (!after[n].there)
			continue;
		assert_true(!stays || window_of(new, name) == window_of(old, name));
		for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
			bool asked = after[n].keys & 1u << k;
			bool kept = stays && asked && before[n].keys & 1u << k &&
				    before[n].size == after[n].size;

			assert_int_equal(vector_of(new, name, k) != 0, asked);
			assert_int_equal(asked && vector_of(new, name, k) <= old->made, kept);
			if (kept)
				assert_int_equal(vector_of(new, name, k), vector_of(old, name, k));
		}
	}
}

/* No vectors but those of the queries that are there, and none twice. */
static void check_shares(const struct kernel *kernel)
{
	bool *used = calloc(kernel->made + 1, sizeof(*used));

	assert_non_null(used);
	for (int w = 0; w < WEIR_QUERIES; w++) {
		for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
			const struct weir_vector *v = &kernel->tables.vector[w][k];

			if (!v->slabs)
				continue;
			assert_true(kernel->label[w].name[0]);
			assert_false(used[v->first]);
			used[v->first] = true;
		}
	}
	free(used);
}

static void of_random_changes_what_stayed_the_same_stays(void **state)
{
	struct kernel *kernel = kernel_new(), *old = kernel_new();
	struct wish before[NAMES], after[NAMES] = {{.there = false}};
	static char text[1 << 14];

	srandom(4);
	for (int n = 0; n < NAMES; n++)
		after[n].size = 1;
	for (int i = 0; i < 300; i++) {
		memcpy(before, after, sizeof(after));
		memcpy(old, kernel, sizeof(*kernel));
		change(after);
		write_text(after, text);
		if (!strstr(text, "name"))
			continue;
		free(apply(kernel, text));
		check_change(old, kernel, before, after);
		check_shares(kernel);
	}
	free(kernel);
	free(old);
}

static void a_query_that_stays_has_counted_since_it_began(void **state)
{
	struct kernel *kernel = kernel_new();
	struct plan *plan =
		apply(kernel, "queries: [{name: a, match: tcp}, {name: b, match: udp}]");
	unsigned int a = plan->query[0].window, b = plan->query[1].window;

	plan_begin_labels(plan, 5000);
	assert_int_equal(plan->label[a].since_ns, 5000);
	assert_int_equal(plan->label[b].since_ns, 5000);
	memcpy(kernel->label, plan->label, sizeof(plan->label));
	free(plan);
	plan = apply(kernel, "queries: [{name: b, match: udp and in}, {name: a, match: tcp}]");
	plan_begin_labels(plan, 9000);
	assert_int_equal(plan->query[1].window, a);
	assert_int_equal(plan->label[a].since_ns, 5000);
	assert_int_equal(plan->label[plan->query[0].window].since_ns, 9000);
	free(plan);
	free(kernel);
}

static void a_vector_that_stays_has_counted_since_it_was_made(void **state)
{
	struct kernel *kernel = kernel_new();
	struct plan *plan = apply(kernel, "queries:\n" Q("a", "in", ", distinct: [src]"));
	unsigned int a = plan->query[0].window;

	plan_begin_vectors(plan, &kernel->tables, 5000);
	free(plan);
	plan = apply(kernel, "queries:\n" Q("a", "in", ", distinct: [src, dst]"));
	plan_begin_vectors(plan, &kernel->tables, 9000);
	assert_int_equal(kernel->tables.vector[a][WEIR_DISTINCT_SRC].since_ns, 5000);
	assert_int_equal(kernel->tables.vector[a][WEIR_DISTINCT_DST].since_ns, 9000);
	assert_int_equal(kernel->tables.vector[a][WEIR_DISTINCT_FLOW].since_ns, 0);
	free(plan);
	free(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_that_stays_keeps_its_window_and_its_vectors),
		cmocka_unit_test(what_is_asked_of_a_query_may_change_and_its_window_stays),
		cmocka_unit_test(a_vector_stays_when_others_come_and_go),
		cmocka_unit_test(a_vector_of_another_size_or_window_is_a_new_one),
		cmocka_unit_test(a_new_query_in_the_only_window_left_does_not_inherit_its_vector),
		cmocka_unit_test(of_random_changes_what_stayed_the_same_stays),
		cmocka_unit_test(a_query_that_stays_has_counted_since_it_began),
		cmocka_unit_test(a_vector_that_stays_has_counted_since_it_was_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
