/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a host tells of its windows, and as of which second; the uplink is made up here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/report.h"

#define SEC 1000000000ull
#define UNIX_S 1763769600ll
#define UP_S 5000ull /* CLOCK_BOOTTIME */

/* --- The uplink ----------------------------------------------------------------------------- */

struct uplink {
	struct interval_ask ask[SOURCE_QUERIES];
	__u32 count;
	__u32 host;
};

static struct {
	struct uplink uplink;
	unsigned int made, freed, goodbyes, restarts, told;
	__s64 second;
	struct source_value value[SOURCE_QUERIES];
	__u64 slot[SOURCE_QUERIES][WEIR_WINDOW_MAX];
	bool up;
	unsigned int joined, lines;
	char line[256];
} seen;

#define LOOP ((struct loop *)&seen) /* only ever compared */

struct uplink *uplink_new(const struct peer_options *config, __u64 instance,
			  const struct interval_ask *asks, __u32 count,
			  void (*say)(void *context, const char *line), void *context)
{
	seen.made++;
	seen.uplink.count = count;
	seen.uplink.host = config->host;
	memcpy(seen.uplink.ask, asks, count * sizeof(*asks));
	return &seen.uplink;
}

void uplink_free(struct uplink *u, bool goodbye)
{
	seen.freed += !!u;
	seen.goodbyes += u && goodbye;
}

enum uplink_change uplink_compare(const struct uplink *u, const struct peer_options *config,
				  const struct interval_ask *asks, __u32 count)
{
	if (config->host != u->host)
		return UPLINK_ELSEWHERE;
	return count == u->count && !memcmp(asks, u->ask, count * sizeof(*asks)) ? UPLINK_SAME
										 : UPLINK_CHANGED;
}

__s64 uplink_values(struct uplink *u, __s64 unix_second, const struct source_value *values,
		    const struct interval_lack *lacks, __u32 lack_count, __u64 now_ns)
{
	seen.told++;
	seen.second = unix_second;
	for (__u32 q = 0; q < u->count; q++) {
		seen.value[q] = values[q];
		if (values[q].slots)
			memcpy(seen.slot[q], values[q].slots, values[q].slot_count * sizeof(__u64));
	}
	return seen.up ? unix_second + 7 : 0;
}

void uplink_restart(struct uplink *u, const char *why, __u64 now_ns)
{
	seen.restarts++;
}

void uplink_status(const struct uplink *u, struct uplink_status *out)
{
	memset(out, 0, sizeof(*out));
}

void uplink_watch(struct uplink *u, const struct socket_watch *watch)
{
}

void uplink_join(struct uplink *u, struct loop *loop)
{
	seen.joined += loop == LOOP;
}

/* --- The host -------------------------------------------------------------------------------- */

static struct report r;
static struct config config;
static struct meter_series series;
static struct weir_label labels[WEIR_QUERIES]; /* by window */
static const __u8 windows[WEIR_QUERIES] = {9, 3, 5, 0};

#define YAML                                                                                       \
	"queries:\n"                                                                               \
	"- { name: a, match: 'in', window: 60s }\n"                                                \
	"- { name: d, match: 'in', measure: distinct src, window: 60s }\n"                         \
	"- { name: b, match: 'out and udp', measure: bytes, window: 3s }\n"

static char address[] = "tcp://127.0.0.1";

static void keep_line(void *context, const char *line)
{
	seen.lines++;
	snprintf(seen.line, sizeof(seen.line), "%s", line);
}

/* The coordinator is not the text's: how that reads is another test's. */
static void read_config(const char *yaml)
{
	struct why err;

	if (config_read("test", yaml, strlen(yaml), &config, &err))
		fail_msg("%s", err.text);
	config.report.address.text = address;
	config.report.host = 5;
}

static void forget_config(void)
{
	memset(&config.report, 0, sizeof(config.report));
	config_free(&config);
}

static void apply(const char *yaml)
{
	forget_config();
	read_config(yaml);
	assert_int_equal(report_apply(&r, &config, windows, 1), 0);
}

static int set_scene(void **state)
{
	memset(&r, 0, sizeof(r));
	memset(&seen, 0, sizeof(seen));
	memset(labels, 0, sizeof(labels));
	r.loop = LOOP;
	r.say = keep_line;
	seen.up = true;
	read_config(YAML);
	/* Each second of each window has counts of its own. */
	for (int w = 0; w < WEIR_QUERIES; w++)
		for (int i = 0; i < WEIR_WINDOW_MAX; i++)
			series.query[w][i] = (struct weir_count){1000 * w + i, 100000 * w + i};
	return report_apply(&r, &config, windows, 1);
}

static int clear_scene(void **state)
{
	report_close(&r);
	forget_config();
	return 0;
}

static __u64 slept_ns; /* since boot */

static struct clocks clocks_at(__u64 boot_ns, __s64 clock_ns)
{
	return (struct clocks){boot_ns - slept_ns, boot_ns, boot_ns + clock_ns};
}

/* The second that ends `up_s` after boot is over, by 20 ms; the clock is ahead of that by clock_ns. */
static void end_second(__u64 up_s, __s64 clock_ns)
{
	struct clocks now;

	series.now_ns = up_s * SEC + 20000000;
	now = clocks_at(series.now_ns, clock_ns);
	report_second(&r, &series, labels, 0, &now);
}

static void end_unread_second(__u64 up_s, __s64 clock_ns)
{
	const struct clocks now = clocks_at(up_s * SEC, clock_ns);

	report_second(&r, NULL, labels, -EIO, &now);
}

#define CLOCK_NS ((UNIX_S - (__s64)UP_S) * (__s64)SEC)

static void only_what_adds_up_is_asked_for(void **state)
{
	assert_int_equal(seen.made, 1);
	assert_int_equal(seen.uplink.count, 2);
	assert_string_equal(seen.uplink.ask[0].name, "a");
	assert_string_equal(seen.uplink.ask[0].measure, "packets");
	assert_string_equal(seen.uplink.ask[0].match, "in");
	assert_int_equal(seen.uplink.ask[0].window_ms, 60000);
	assert_string_equal(seen.uplink.ask[1].name, "b");
	assert_string_equal(seen.uplink.ask[1].measure, "bytes");
	assert_int_equal(seen.uplink.ask[1].window_ms, 3000);
	assert_int_equal(seen.joined, 1);
}

static void a_value_is_the_sum_of_its_windows_seconds(void **state)
{
	__u64 counts, sum = 0;
	__s64 tick;

	end_second(UP_S, CLOCK_NS);
	assert_int_equal(seen.told, 1);
	assert_int_equal(seen.second, UNIX_S);
	/* Query a counts in window 9, its 60 seconds are those of index 2 to 61. */
	for (int i = 0; i < 60; i++) {
		assert_int_equal(seen.slot[0][i], 9000 + 2 + i);
		sum += 9002 + i;
	}
	assert_true(seen.value[0].known);
	assert_int_equal(seen.value[0].slot_count, 60);
	assert_int_equal(seen.value[0].value, sum * 1000);
	assert_int_equal(seen.value[0].error, 0);
	/* Query b, the third, in window 5, in bytes. */
	assert_int_equal(seen.value[1].slot_count, 3);
	assert_int_equal(seen.slot[1][0], 500059);
	assert_int_equal(seen.value[1].value, (500059 + 500060 + 500061) * 1000ll);
	assert_true(report_told(&r, 0, &tick, &counts));
	assert_int_equal(tick, UNIX_S + 7);
	assert_int_equal(counts, sum);
	assert_false(report_told(&r, 1, &tick, &counts));
	assert_true(report_told(&r, 2, &tick, &counts));
	assert_int_equal(counts, 500059 + 500060 + 500061);
}

/* At 18 packets a second, from 0.3 s into a second on. */
static void a_value_is_what_the_full_window_would_hold_at_the_rate_so_far(void **state)
{
	struct weir_count *end = series.query[9] + WEIR_WINDOW_MAX;
	__u64 counts;
	__s64 tick;

	labels[9].since_ns = UP_S * SEC + 300000000;
	end_second(UP_S + 1, CLOCK_NS);
	assert_false(seen.value[0].known);
	assert_true(seen.value[1].known);
	for (int seconds = 1; seconds < 60; seconds++) {
		memset(series.query[9], 0, sizeof(series.query[9]));
		for (int i = 1; i <= seconds; i++)
			end[-i].packets = 18;
		end[-seconds - 1].packets = 13; /* its slot has only a part of that second */
		end_second(UP_S + 1 + seconds, CLOCK_NS);
		assert_true(seen.value[0].known);
		assert_int_equal(seen.value[0].value, 60 * 18 * 1000);
		assert_null(seen.value[0].slots);
		assert_int_equal(seen.value[0].since, UNIX_S + 1);
		assert_true(report_told(&r, 0, &tick, &counts));
		assert_int_equal(counts, 60 * 18);
	}
	end_second(UP_S + 61, CLOCK_NS);
	assert_int_equal(seen.value[0].slot_count, 60);
	assert_int_equal(seen.value[0].value, (59 * 18 + 13) * 1000);
}

static void what_was_not_sent_was_not_told(void **state)
{
	__u64 counts;
	__s64 tick;

	seen.up = false;
	end_second(UP_S, CLOCK_NS);
	assert_false(report_told(&r, 0, &tick, &counts));
	seen.up = true;
	end_second(UP_S + 1, CLOCK_NS);
	assert_true(report_told(&r, 0, &tick, &counts));
	end_unread_second(UP_S + 2, CLOCK_NS);
	assert_false(report_told(&r, 0, &tick, &counts));
}

static void each_second_of_the_kernel_is_one_tick_though_the_clock_wanders(void **state)
{
	const __s64 wander_ns[] = {0, 999999999, 1000000000, -1, -1000000000, 1999999999, 300};

	for (size_t i = 0; i < sizeof(wander_ns) / sizeof(wander_ns[0]); i++) {
		end_second(UP_S + i, CLOCK_NS + wander_ns[i]);
		assert_int_equal(seen.second, UNIX_S + i);
	}
	assert_int_equal(seen.restarts, 0);
}

static void a_clock_that_was_set_begins_a_new_session(void **state)
{
	const __s64 set_ns[] = {2 * (__s64)SEC, 2 * (__s64)SEC - 3600 * (__s64)SEC};

	end_second(UP_S, CLOCK_NS);
	for (int i = 0; i < 2; i++) {
		end_second(UP_S + 1 + i, CLOCK_NS + set_ns[i]);
		assert_int_equal(seen.restarts, i + 1);
		assert_int_equal(seen.second, UNIX_S + 1 + i + set_ns[i] / (__s64)SEC);
	}
	end_second(UP_S + 3, CLOCK_NS + set_ns[1]);
	assert_int_equal(seen.restarts, 2);
}

/* An hour of sleep is an hour of the kernel's seconds; the clock was not set. */
static void a_session_that_the_machine_slept_through_is_opened_again(void **state)
{
	slept_ns = 77 * SEC;
	end_second(UP_S, CLOCK_NS);
	end_second(UP_S + 1, CLOCK_NS);
	assert_int_equal(seen.restarts, 0);
	slept_ns += 3600 * SEC;
	end_second(UP_S + 3602, CLOCK_NS);
	assert_int_equal(seen.restarts, 1);
	assert_int_equal(seen.second, UNIX_S + 3602);
	end_second(UP_S + 3603, CLOCK_NS);
	assert_int_equal(seen.restarts, 1);
	assert_int_equal(seen.second, UNIX_S + 3603);
	slept_ns = 0;
}

static void what_cannot_be_read_is_said_once_and_nothing_is_told(void **state)
{
	for (int times = 1; times <= 2; times++) {
		seen.told = 0;
		for (int i = 0; i < 3; i++)
			end_unread_second(UP_S + i, CLOCK_NS);
		assert_int_equal(seen.told, 0);
		assert_int_equal(seen.lines, times);
		assert_non_null(strstr(seen.line, "Input/output error"));
		end_second(UP_S + 3, CLOCK_NS);
		assert_int_equal(seen.told, 1);
		assert_int_equal(seen.lines, times);
	}
}

static void another_window_of_the_same_queries_goes_on_in_the_session(void **state)
{
	static const __u8 moved[WEIR_QUERIES] = {8, 3, 5};

	assert_int_equal(report_apply(&r, &config, moved, 1), 0);
	assert_int_equal(seen.made, 1);
	assert_int_equal(seen.freed, 0);
	end_second(UP_S, CLOCK_NS);
	assert_int_equal(seen.slot[0][0], 8002);
}

static void goodbye_is_said_to_who_is_left_and_not_for_other_queries(void **state)
{
	apply("queries: [{ name: a, match: 'in', window: 30s }]\n");
	assert_int_equal(seen.made, 2);
	assert_int_equal(seen.freed, 1);
	assert_int_equal(seen.goodbyes, 0);
	config.report.host = 6;
	assert_int_equal(report_apply(&r, &config, windows, 1), 0);
	assert_int_equal(seen.made, 3);
	assert_int_equal(seen.goodbyes, 1);
	config.report.address.text = NULL;
	assert_int_equal(report_apply(&r, &config, windows, 1), 0);
	assert_int_equal(seen.made, 3);
	assert_int_equal(seen.goodbyes, 2);
	assert_int_equal(seen.joined, 3);
	assert_null(r.uplink);
	end_second(UP_S, CLOCK_NS);
	assert_int_equal(seen.told, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(only_what_adds_up_is_asked_for),
		TEST(a_value_is_the_sum_of_its_windows_seconds),
		TEST(a_value_is_what_the_full_window_would_hold_at_the_rate_so_far),
		TEST(what_was_not_sent_was_not_told),
		TEST(each_second_of_the_kernel_is_one_tick_though_the_clock_wanders),
		TEST(a_clock_that_was_set_begins_a_new_session),
		TEST(a_session_that_the_machine_slept_through_is_opened_again),
		TEST(what_cannot_be_read_is_said_once_and_nothing_is_told),
		TEST(another_window_of_the_same_queries_goes_on_in_the_session),
		TEST(goodbye_is_said_to_who_is_left_and_not_for_other_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
