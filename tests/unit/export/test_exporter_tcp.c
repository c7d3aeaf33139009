// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/export/collector.h"

static void every_record_arrives_once_and_templates_come_first(void **state)
{
	struct collector *c = collector_new();
	struct subject s;

	collector_start_tcp(c, 0, NULL);
	subject_init(&s, "ipfix+tcp", c->port);
	subject_open(&s);
	for (uint64_t id = 0; id < 50000; id += 5000) {
		assert_true(exporter_wait_space(s.exporter, 5000, now_ns() + 30 * SEC));
		subject_put(&s, id, id + 5000);
	}
	assert_int_equal(exporter_flush(s.exporter, now_ns() + 30 * SEC), 0);
	assert_int_equal(subject_state(&s).phase, QUEUE_UP);
	assert_int_equal(subject_close(&s), 0);
	collector_wait(c, 50000);
	collector_assert_exactly_once(c, 50000);
	assert_int_equal(collector_counts(c).gaps, 0);
	assert_int_equal(collector_counts(c).sessions, 1);
	subject_free(&s);
	collector_free(c);
}

static void a_collector_that_is_down_at_first_gets_everything(void **state)
{
	struct collector *c = collector_new();
	uint16_t port = unused_port(SOCK_STREAM);
	struct subject s;

	subject_init(&s, "ipfix+tcp", port);
	subject_open(&s);
	subject_put(&s, 0, 10000);
	subject_wait_phase(&s, QUEUE_REFUSED);
	assert_non_null(strstr(subject_state(&s).error, "Connection refused"));
	assert_int_equal(subject_state(&s).queued.records, 10000);
	collector_start_tcp(c, port, NULL);
	collector_wait(c, 10000);
	assert_int_equal(subject_close(&s), 0);
	collector_assert_exactly_once(c, 10000);
	subject_free(&s);
	collector_free(c);
}

static void all_addresses_of_a_name_are_tried(void **state)
{
	struct collector *c = collector_new();
	struct subject s;
	char to[64];

	/* localhost is ::1 too on most hosts, and nobody listens there. */
	collector_start_tcp(c, 0, NULL);
	snprintf(to, sizeof(to), "ipfix+tcp://localhost:%u", c->port);
	subject_init_to(&s, to);
	subject_open(&s);
	subject_put(&s, 0, 100);
	collector_wait(c, 100);
	assert_int_equal(subject_close(&s), 0);
	collector_assert_exactly_once(c, 100);
	subject_free(&s);
	collector_free(c);
}

/* A collector that stops in order has read what was acked. */
static void a_collector_that_restarts_misses_nothing(void **state)
{
	struct collector *c = collector_new();
	uint64_t id = 0;
	struct subject s;

	collector_start_tcp(c, 0, NULL);
	subject_init(&s, "ipfix+tcp", c->port);
	subject_open(&s);
	for (int round = 0; round < 3; round++) {
		subject_put(&s, id, id + 3000);
		id += 3000;
		collector_wait(c, id);
		assert_int_equal(exporter_flush(s.exporter, now_ns() + 30 * SEC), 0);
		collector_stop(c);
		subject_wait_errors(&s, round + 1);
		subject_put(&s, id, id + 3000);
		id += 3000;
		collector_start_tcp(c, c->port, NULL);
	}
	collector_wait(c, id);
	assert_int_equal(subject_close(&s), 0);
	collector_assert_exactly_once(c, id);
	assert_int_equal(collector_counts(c).gaps, 0);
	assert_int_equal(collector_counts(c).sessions, 4);
	subject_free(&s);
	collector_free(c);
}

/* It has acked what it did not read, as a host does for a program that dies: that is gone. What it
 * had not acked is sent again, from the start of the first message that is not complete. */
static void a_connection_that_is_reset_costs_no_more_than_was_acked(void **state)
{
	struct collector *c = collector_new();
	struct exporter_state before, after;
	struct subject s;

	collector_start_tcp(c, 0, NULL);
	subject_init(&s, "ipfix+tcp", c->port);
	s.options.queue = 1 << 18;
	subject_open(&s);
	subject_put(&s, 0, 100);
	collector_wait(c, 100);
	assert_int_equal(exporter_flush(s.exporter, now_ns() + 30 * SEC), 0);
	collector_pause(c, true);
	subject_put(&s, 100, 200000);
	/* Until the connection takes no more. */
	do {
		before = subject_state(&s);
		usleep(100000);
		after = subject_state(&s);
	} while (before.sent.records != after.sent.records || after.sent.records < 1000);
	collector_reset(c);
	subject_wait_errors(&s, 1);
	collector_pause(c, false);
	assert_true(subject_state(&s).resent > 0);
	assert_int_equal(subject_close(&s), 0);
	/* The last is there; nothing came twice; and what is missing is one run. */
	collector_wait(c, 1000);
	while (!c->seen[199999])
		usleep(1000);
	assert_int_equal(collector_counts(c).twice, 0);
	assert_int_equal(collector_counts(c).malformed, 0);
	for (uint64_t id = 1, edges = 0; id < 200000; id++) {
		edges += c->seen[id] != c->seen[id - 1];
		assert_true(edges <= 2);
	}
	subject_free(&s);
	collector_free(c);
}

static void a_peer_that_does_not_read_is_not_waited_for_beyond_the_deadline(void **state)
{
	struct collector *c = collector_new();
	struct subject s;
	uint64_t left;

	collector_start_tcp(c, 0, NULL);
	collector_pause(c, true);
	subject_init(&s, "ipfix+tcp", c->port);
	s.options.queue = 1 << 18;
	subject_open(&s);
	subject_put(&s, 0, 1 << 18);
	subject_wait_phase(&s, QUEUE_UP);
	left = exporter_close(s.exporter, now_ns() + SEC / 10);
	assert_true(left > 0);
	collector_pause(c, false);
	/* What the kernel took is still delivered. */
	collector_wait(c, (1 << 18) - left);
	collector_assert_exactly_once(c, (1 << 18) - left);
	subject_free(&s);
	collector_free(c);
}

static void no_thread_of_an_exporter_takes_a_signal(void **state)
{
	struct subject s;
	sigset_t usr, before;
	siginfo_t info;

	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	subject_init(&s, "ipfix+tcp", unused_port(SOCK_STREAM));
	subject_open(&s);
	/* Blocked here too, the signal has nowhere to go but to stay. */
	pthread_sigmask(SIG_BLOCK, &usr, &before);
	kill(getpid(), SIGUSR1);
	subject_wait_phase(&s, QUEUE_REFUSED);
	assert_int_equal(sigwaitinfo(&usr, &info), SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	exporter_close(s.exporter, now_ns());
	subject_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_arrives_once_and_templates_come_first),
		cmocka_unit_test(a_collector_that_is_down_at_first_gets_everything),
		cmocka_unit_test(all_addresses_of_a_name_are_tried),
		cmocka_unit_test(a_collector_that_restarts_misses_nothing),
		cmocka_unit_test(a_connection_that_is_reset_costs_no_more_than_was_acked),
		cmocka_unit_test(a_peer_that_does_not_read_is_not_waited_for_beyond_the_deadline),
		cmocka_unit_test(no_thread_of_an_exporter_takes_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
