// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <netinet/in.h>
#include <setjmp.h>
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
#include "wire/field.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void seen_packets(void *context, struct wire_statistics *out)
{
	out->seen_packets = *(uint64_t *)context;
}

static bool two_distinct(void *context, unsigned int n, struct wire_distinct *out)
{
	*out = (struct wire_distinct){.query = "all", .key = "src", .count = n};
	return n < 2;
}

static void each_protocol_delivers_every_record_once(void **state)
{
	static const char *const schemes[] = {"ipfix+udp", "v9+udp", "v5+udp"};

	static struct names names;

	names_set(&names, &(struct interface_name){.index = 1, .name = "eth0"});
	names_set(&names, &(struct interface_name){.index = 2, .name = "eth1"});
	for (size_t i = 0; i < COUNT(schemes); i++) {
		struct collector *c = collector_new();
		uint64_t seen = 4711;
		struct collector_counts counts;
		struct subject s;

		collector_start_udp(c, 0);
		subject_init(&s, schemes[i], c->port);
		s.facts = (struct export_facts){.context = &seen,
						.names = &names,
						.statistics = seen_packets,
						.distinct = two_distinct};
		subject_open(&s);
		for (uint64_t id = 0; id < 5000; id += 500) {
			subject_put(&s, id, id + 500);
			collector_wait(c, id + 500);
		}
		assert_int_equal(exporter_flush(s.exporter, now_ns() + 30 * SEC), 0);
		assert_int_equal(subject_state(&s).phase, QUEUE_UP);
		assert_int_equal(subject_close(&s), 0);
		collector_assert_exactly_once(c, 5000);
		counts = collector_counts(c);
		assert_int_equal(counts.gaps, 0);
		assert_int_equal(counts.packets, s.staged.packets);
		assert_int_equal(counts.bytes, s.staged.bytes);
		/* One message has the templates; in IPFIX, another one before has that of the types. */
		assert_int_equal(counts.template_messages, 2 - i);
		/* Two interfaces, each its name and its description; sampling, exporting and
		 * metering process, these once more at the end; in IPFIX types and distinct
		 * counts, these at the end too. */
		if (i == 1)
			assert_int_equal(counts.options, 7 + 2);
		else if (i == 0)
			assert_int_equal(counts.options,
					 7 + WIRE_INTERVAL_FIRST - WIRE_OWN_FIRST + 2 + 2 + 2);
		subject_free(&s);
		collector_free(c);
	}
}

static void what_is_sent_to_a_collector_that_is_down_waits_for_it(void **state)
{
	struct collector *c = collector_new();
	uint16_t port = unused_port(SOCK_DGRAM);
	struct subject s;

	subject_init(&s, "ipfix+udp", port);
	subject_open(&s);
	subject_put(&s, 0, 3000);
	subject_wait_phase(&s, QUEUE_REFUSED);
	assert_int_equal(subject_state(&s).queued.records, 3000);
	assert_non_null(strstr(subject_state(&s).error, "Connection refused"));
	subject_wait_errors(&s, 2);
	collector_start_udp(c, port);
	collector_wait(c, 3000);
	assert_int_equal(subject_close(&s), 0);
	collector_assert_exactly_once(c, 3000);
	assert_int_equal(collector_counts(c).gaps, 0);
	subject_free(&s);
	collector_free(c);
}

static void a_refusal_over_ipv6_is_heard_too(void **state)
{
	struct subject s;

	subject_init_to(&s, "ipfix+udp://[::1]:9");
	subject_open(&s);
	subject_put(&s, 0, 100);
	subject_wait_errors(&s, 2);
	assert_int_equal(subject_state(&s).queued.records, 100);
	assert_int_equal(exporter_close(s.exporter, now_ns()), 100);
	subject_free(&s);
}

static void a_collector_that_restarts_misses_nothing(void **state)
{
	struct collector *c = collector_new();
	struct subject s;
	uint64_t id = 0;

	collector_start_udp(c, 0);
	subject_init(&s, "ipfix+udp", c->port);
	subject_open(&s);
	for (int round = 0; round < 2; round++) {
		subject_put(&s, id, id + 1000);
		id += 1000;
		collector_wait(c, id);
		collector_stop(c);
		subject_put(&s, id, id + 1000);
		id += 1000;
		subject_wait_errors(&s, round + 1);
		assert_int_equal(subject_state(&s).queued.records, 1000);
		assert_true(subject_state(&s).resent >= 20);
		subject_put(&s, id, id + 1000);
		id += 1000;
		collector_start_udp(c, c->port);
		collector_wait(c, id);
		subject_wait_phase(&s, QUEUE_UP);
	}
	assert_int_equal(subject_close(&s), 0);
	collector_assert_exactly_once(c, id);
	assert_int_equal(collector_counts(c).gaps, 0);
	subject_free(&s);
	collector_free(c);
}

static void a_collector_that_never_comes_costs_what_does_not_fit(void **state)
{
	struct subject s;
	struct exporter_state last;

	subject_init(&s, "ipfix+udp", unused_port(SOCK_DGRAM));
	s.options.queue = 1024;
	subject_open(&s);
	subject_put(&s, 0, 1000);
	subject_wait_phase(&s, QUEUE_REFUSED);
	subject_put(&s, 1000, 5000);
	last = subject_state(&s);
	/* What came first is kept. */
	assert_int_equal(last.queued.records, 1024);
	assert_int_equal(last.queued.packets, 1024 * 1025 / 2);
	assert_int_equal(last.dropped.records, 5000 - 1024);
	assert_int_equal(exporter_space(s.exporter), 0);
	assert_false(exporter_wait_space(s.exporter, 1, now_ns() + SEC / 100));
	assert_int_equal(exporter_close(s.exporter, now_ns()), 1024);
	subject_free(&s);
}

static void one_that_is_down_does_not_hold_up_another(void **state)
{
	struct collector *c = collector_new();
	struct subject up, down, nameless;

	collector_start_udp(c, 0);
	subject_init(&up, "ipfix+udp", c->port);
	subject_init(&down, "ipfix+tcp", unused_port(SOCK_STREAM));
	subject_init_to(&nameless, "ipfix+udp://nowhere.example");
	down.options.queue = nameless.options.queue = 1024;
	subject_open(&down);
	subject_open(&nameless);
	subject_open(&up);
	for (uint64_t id = 0; id < 20000; id += 1000) {
		subject_put(&down, id, id + 1000);
		subject_put(&nameless, id, id + 1000);
		subject_put(&up, id, id + 1000);
		collector_wait(c, id + 1000);
	}
	subject_wait_phase(&down, QUEUE_REFUSED);
	assert_int_equal(subject_state(&down).dropped.records, 20000 - 1024);
	assert_int_equal(subject_state(&nameless).sent.records, 0);
	assert_int_equal(exporter_close(down.exporter, now_ns()), 1024);
	assert_int_equal(exporter_close(nameless.exporter, now_ns()), 1024);
	assert_int_equal(subject_close(&up), 0);
	collector_assert_exactly_once(c, 20000);
	subject_free(&up);
	subject_free(&down);
	subject_free(&nameless);
	collector_free(c);
}

static void v5_leaves_ipv6_out_and_says_so(void **state)
{
	struct collector *c = collector_new();
	struct exporter_state last;
	struct subject s;

	collector_start_udp(c, 0);
	subject_init(&s, "v5+udp", c->port);
	subject_open(&s);
	for (uint64_t id = 0; id < 300; id++) {
		struct flow_ended flow = flow_of(id), flow6 = flow6_of(id);

		subject_stage(&s, &flow6);
		subject_stage(&s, &flow);
		subject_stage(&s, &flow6);
	}
	exporter_publish(s.exporter);
	assert_int_equal(exporter_flush(s.exporter, now_ns() + 30 * SEC), 0);
	last = subject_state(&s);
	assert_int_equal(last.sent.records, 300);
	assert_int_equal(last.unencodable.records, 600);
	assert_int_equal(last.unencodable.packets, 2 * 300 * 301 / 2);
	/* Nothing but IPv6: nothing is sent, and nothing is stuck. */
	for (uint64_t id = 0; id < 100; id++) {
		struct flow_ended flow6 = flow6_of(id);

		subject_stage(&s, &flow6);
	}
	exporter_publish(s.exporter);
	assert_int_equal(exporter_flush(s.exporter, now_ns() + 30 * SEC), 0);
	assert_int_equal(subject_state(&s).unencodable.records, 700);
	assert_int_equal(subject_close(&s), 0);
	collector_assert_exactly_once(c, 300);
	assert_int_equal(collector_counts(c).gaps, 0);
	subject_free(&s);
	collector_free(c);
}

/* 2^40 bytes in v5's 32 bits: 257 records, the last one of what is left, in nine messages. */
static void v5_cuts_a_flow_that_is_too_large_for_a_message(void **state)
{
	struct flow_ended large = flow_of(0);
	struct collector *c = collector_new();
	struct collector_counts counts;
	struct subject s;

	large.packets = 1 << 30;
	large.bytes = 1ull << 40;
	collector_start_udp(c, 0);
	subject_init(&s, "v5+udp", c->port);
	s.options.message_bytes = 1024;
	subject_open(&s);
	subject_stage(&s, &large);
	subject_put(&s, 1, 2);
	assert_int_equal(exporter_flush(s.exporter, now_ns() + 30 * SEC), 0);
	assert_int_equal(subject_state(&s).sent.records, 2);
	assert_int_equal(subject_close(&s), 0);
	counts = collector_counts(c);
	assert_int_equal(counts.packets, s.staged.packets);
	assert_int_equal(counts.bytes, s.staged.bytes);
	assert_int_equal(counts.gaps, 0);
	subject_free(&s);
	collector_free(c);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* As a capture has them whose first packets have no time: the first flow has none, the second only an
 * end. What the header tells is when they are exported, three hours after the start of the host. */
static void v5_tells_no_date_for_a_time_that_is_not_known(void **state)
{
	const struct timeval patience = {.tv_sec = 30};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct flow_ended timeless = flow_of(0), half = flow_of(1);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t size = sizeof(at);
	__u64 clock_ns = half.end_ns;
	uint8_t m[2048];
	struct subject s;

	assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	subject_init(&s, "v5+udp", ntohs(at.sin_port));
	s.facts.clock_ns = &clock_ns;
	subject_open(&s);
	timeless.start_ns = timeless.end_ns = half.start_ns = 0;
	subject_stage(&s, &timeless);
	subject_stage(&s, &half);
	exporter_publish(s.exporter);
	assert_int_equal(recv(fd, m, sizeof(m), 0), 24 + 2 * 48);
	assert_int_equal(get32(m + 8), clock_ns / SEC);
	assert_int_equal(get32(m + 4), 3 * 3600 * 1000);
	assert_int_equal(get32(m + 24 + 24), 0);
	assert_int_equal(get32(m + 24 + 28), 0);
	assert_int_equal(get32(m + 72 + 24), 0);
	assert_int_equal(get32(m + 72 + 28), 3 * 3600 * 1000);
	assert_int_equal(subject_close(&s), 0);
	subject_free(&s);
	close(fd);
}

static void two_directions_go_as_one_biflow(void **state)
{
	struct collector *c = collector_new();
	struct subject s;

	collector_start_udp(c, 0);
	subject_init(&s, "ipfix+udp", c->port);
	s.options.biflow = 1;
	subject_open(&s);
	for (uint64_t id = 0; id < 400; id += 2) {
		struct flow_ended there = flow_of(id), back = flow_of(id + 1);

		back.key = there.key;
		back.key.src4 = there.key.dst4;
		back.key.dst4 = there.key.src4;
		back.key.sport = there.key.dport;
		back.key.dport = there.key.sport;
		back.key.flags = WEIR_KEY_OUT;
		subject_stage(&s, &there);
		subject_stage(&s, &back);
	}
	exporter_publish(s.exporter);
	subject_put(&s, 400, 500);
	assert_int_equal(subject_close(&s), 0);
	collector_assert_exactly_once(c, 500);
	assert_int_equal(collector_counts(c).reverse, 200);
	assert_int_equal(collector_counts(c).gaps, 0);
	subject_free(&s);
	collector_free(c);
}

static void templates_come_again_after_so_many_messages(void **state)
{
	struct collector *c = collector_new();
	struct subject s;

	collector_start_udp(c, 0);
	subject_init(&s, "v9+udp", c->port);
	s.options.template_messages = 10;
	subject_open(&s);
	for (uint64_t id = 0; id < 40; id++) {
		subject_put(&s, id, id + 1);
		collector_wait(c, id + 1);
	}
	assert_int_equal(subject_close(&s), 0);
	assert_true(collector_counts(c).template_messages >= 4);
	assert_int_equal(collector_counts(c).gaps, 0);
	subject_free(&s);
	collector_free(c);
}

static void templates_and_options_come_again_after_a_time(void **state)
{
	struct collector *c = collector_new();
	uint64_t until = now_ns() + 30 * SEC;
	struct subject s;

	collector_start_udp(c, 0);
	subject_init(&s, "ipfix+udp", c->port);
	s.options.template_refresh_ns = SEC / 50;
	s.options.options_refresh_ns = SEC / 20;
	subject_open(&s);
	while (collector_counts(c).template_messages < 10 && now_ns() < until)
		usleep(1000);
	assert_int_equal(subject_close(&s), 0);
	assert_true(collector_counts(c).template_messages >= 10);
	assert_int_equal(collector_counts(c).gaps, 0);
	subject_free(&s);
	collector_free(c);
}

static void a_queue_in_a_file_goes_on_after_a_stop(void **state)
{
	struct collector *c = collector_new();
	uint16_t port = unused_port(SOCK_DGRAM);
	struct subject s;

	subject_init(&s, "ipfix+udp", port);
	subject_in_folder(&s);
	subject_open(&s);
	subject_put(&s, 0, 2000);
	assert_int_equal(exporter_close(s.exporter, now_ns()), 2000);
	s.options.queue = 4096;
	collector_start_udp(c, port);
	subject_open(&s);
	subject_put(&s, 2000, 4000);
	assert_int_equal(subject_close(&s), 0);
	collector_assert_exactly_once(c, 4000);
	assert_int_equal(collector_counts(c).gaps, 0);
	subject_free(&s);
	collector_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_protocol_delivers_every_record_once),
		cmocka_unit_test(what_is_sent_to_a_collector_that_is_down_waits_for_it),
		cmocka_unit_test(a_refusal_over_ipv6_is_heard_too),
		cmocka_unit_test(a_collector_that_restarts_misses_nothing),
		cmocka_unit_test(a_collector_that_never_comes_costs_what_does_not_fit),
		cmocka_unit_test(one_that_is_down_does_not_hold_up_another),
		cmocka_unit_test(v5_leaves_ipv6_out_and_says_so),
		cmocka_unit_test(v5_cuts_a_flow_that_is_too_large_for_a_message),
		cmocka_unit_test(v5_tells_no_date_for_a_time_that_is_not_known),
		cmocka_unit_test(two_directions_go_as_one_biflow),
		cmocka_unit_test(templates_come_again_after_so_many_messages),
		cmocka_unit_test(templates_and_options_come_again_after_a_time),
		cmocka_unit_test(a_queue_in_a_file_goes_on_after_a_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
