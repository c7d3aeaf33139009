// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets of weir's own connections. The connections are real sockets on loopback, of which the meter
 * is told as exporters tell it; the packets are made here.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>
#include <unistd.h>

#include "kernel/bed.h"

#define LEFT_OUT                                                                                   \
	"count_own: false\nqueries: [{ name: all, match: 'ip or ip6', distinct: [flow] }]\n"
#define COUNTED "queries: [{ name: all, match: 'ip or ip6' }]\n"

static struct bed bed;
static struct meter_own own;

/* A UDP socket that is connected to 127.0.0.1 or ::1. */
static int connected(int family, __u16 *port, __u16 peer_port)
{
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6,
				   .sin6_addr = in6addr_loopback,
				   .sin6_port = htons(peer_port)};
	struct sockaddr_in to4 = {.sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(peer_port)};
	const struct sockaddr *to = family == AF_INET ? (struct sockaddr *)&to4
						      : (struct sockaddr *)&to6;
	socklen_t bytes = family == AF_INET ? sizeof(to4) : sizeof(to6);
	struct sockaddr_in6 local;
	int fd = socket(family, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, to, bytes), 0);
	socket_opens(&own.watch, fd, to);
	bytes = sizeof(local);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&local, &bytes), 0);
	*port = ntohs(local.sin6_port); /* where sin_port is */
	return fd;
}

static void end(int fd)
{
	socket_closes(&own.watch, fd);
	close(fd);
}

static void feed(const char *address, __u16 sport, __u16 dport)
{
	struct frame f = frame_of_udp(address, address, sport, dport, 58);

	bed_feed(&bed, &f);
}

static void start(const char *yaml)
{
	bed_tables(&bed, yaml);
	bed_reset(&bed);
	bed.now_ns = meter_now();
}

static __u64 flows(void)
{
	struct bed_flow found[16];

	return bed_flows(&bed, found, 16);
}

static __u64 counted(void)
{
	struct meter_rate r;

	assert_int_equal(meter_rate(&bed.m, 0, bed.now_ns + 2 * BED_SECOND, 60, &r), 0);
	return r.window.packets;
}

static void what_weir_sends_and_gets_is_in_its_counter_and_nowhere_else(void **state)
{
	static const struct {
		int family;
		const char *address;
		__u32 bytes;
	} of[] = {{AF_INET, "127.0.0.1", 100}, {AF_INET6, "::1", 120}};

	for (int i = 0; i < 2; i++) {
		struct meter_distinct d;
		__u16 port;
		int fd = connected(of[i].family, &port, 4739);

		start(LEFT_OUT);
		for (int n = 0; n < 3; n++) {
			feed(of[i].address, port, 4739);
			feed(of[i].address, 4739, port);
		}
		assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 6);
		assert_int_equal(bed_books(&bed, WEIR_OWN).bytes, 6 * of[i].bytes);
		assert_int_equal(flows(), 0);
		assert_int_equal(counted(), 0);
		assert_int_equal(bed_drain(&bed), 0);
		assert_int_equal(bed_books(&bed, WEIR_OUTSIDE).bytes, 0);
		assert_int_equal(meter_distinct(&bed.m, 0, WEIR_DISTINCT_FLOW, bed.now_ns, 0,
						BED_SECOND, &d),
				 0);
		assert_true(d.keys.count < 0.5);
		bed_expect_conserved(&bed);
		bed_expect_balance(&bed);
		end(fd);
	}
}

static void whatever_differs_is_another_s(void **state)
{
	__u16 port;
	int fd = connected(AF_INET, &port, 4739);
	struct frame tcp = frame_of_tcp("127.0.0.1", "127.0.0.1", port, 4739, WEIR_TCP_ACK);

	start(LEFT_OUT);
	feed("127.0.0.1", port + 1, 4739);
	feed("127.0.0.1", port, 4740);
	feed("127.0.0.2", port, 4739);
	feed("::1", port, 4739);
	bed_feed(&bed, &tcp);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 0);
	assert_int_equal(flows(), 5);
	assert_int_equal(counted(), 5);
	bed_expect_conserved(&bed);
	end(fd);
}

static void by_default_it_is_counted(void **state)
{
	__u16 port;
	int fd = connected(AF_INET, &port, 4739);

	start(COUNTED);
	feed("127.0.0.1", port, 4739);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 0);
	assert_int_equal(flows(), 1);
	assert_int_equal(counted(), 1);
	end(fd);
}

/* The flow that it had until then keeps what it has. */
static void a_reload_is_in_force_with_the_next_packet(void **state)
{
	__u16 port;
	int fd = connected(AF_INET, &port, 4739);

	start(COUNTED);
	feed("127.0.0.1", port, 4739);
	feed("127.0.0.1", port, 4739);
	bed_tables(&bed, LEFT_OUT);
	for (int n = 0; n < 3; n++)
		feed("127.0.0.1", port, 4739);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 3);
	assert_int_equal(bed_only_flow(&bed).flow.packets, 2);
	bed_expect_conserved(&bed);
	bed_tables(&bed, COUNTED);
	feed("127.0.0.1", port, 4739);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 3);
	assert_int_equal(bed_only_flow(&bed).flow.packets, 3);
	bed_expect_conserved(&bed);
	end(fd);
}

static void a_connection_s_last_packets_are_its_own_and_its_port_then_another_s(void **state)
{
	__u16 port;
	int fd = connected(AF_INET, &port, 4739);

	start(LEFT_OUT);
	end(fd);
	bed.now_ns = meter_now() + 50 * BED_SECOND;
	feed("127.0.0.1", port, 4739);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 1);
	bed.now_ns = meter_now() + 61 * BED_SECOND;
	feed("127.0.0.1", port, 4739);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 1);
	assert_int_equal(flows(), 1);
	bed_expect_conserved(&bed);
}

static void what_a_killed_agent_left_open_is_closed_by_the_next(void **state)
{
	struct meter_own next;
	__u16 port;
	int fd = connected(AF_INET, &port, 4739);

	start(LEFT_OUT);
	bed.now_ns = meter_now() + 3600 * BED_SECOND;
	feed("127.0.0.1", port, 4739);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 1);
	meter_own_open(&bed.m, &next);
	feed("127.0.0.1", port, 4739);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 1);
	bed.now_ns = meter_now() + 50 * BED_SECOND;
	feed("127.0.0.1", port, 4739);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 2);
	end(fd);
}

/* Closed within a minute, twice as many as the map holds: those that end first make room. */
static void connections_without_end_are_known(void **state)
{
	__u16 first, port, kept_port;
	int kept = connected(AF_INET, &kept_port, 4739);

	start(LEFT_OUT);
	for (int n = 0; n < WEIR_OWN_ENTRIES; n++) {
		int fd = connected(AF_INET, &port, 5000 + n);

		if (!n)
			first = port;
		feed("127.0.0.1", port, 5000 + n);
		feed("127.0.0.1", 5000 + n, port);
		end(fd);
	}
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 2 * WEIR_OWN_ENTRIES);
	assert_true(meter_now() < bed.now_ns + 60 * BED_SECOND);
	feed("127.0.0.1", kept_port, 4739);
	feed("127.0.0.1", port, 5000 + WEIR_OWN_ENTRIES - 1);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 2 * WEIR_OWN_ENTRIES + 2);
	assert_int_equal(flows(), 0);
	feed("127.0.0.1", first, 5000);
	assert_int_equal(flows(), 1);
	bed_expect_conserved(&bed);
	end(kept);
}

static unsigned int entries(bool drop)
{
	struct weir_own key;
	unsigned int count = 0;

	if (drop)
		while (!bpf_map_get_next_key(bed.m.map[MAP_OWN], NULL, &key))
			assert_int_equal(bpf_map_delete_elem(bed.m.map[MAP_OWN], &key), 0);
	for (void *at = NULL; !bpf_map_get_next_key(bed.m.map[MAP_OWN], at, &key); at = &key)
		count++;
	return count;
}

/* There is room for one of its two directions. */
static void a_connection_is_known_in_both_directions_or_not_at_all(void **state)
{
	struct weir_own key = {};
	__u16 port;
	int fd;

	start(LEFT_OUT);
	entries(true);
	for (key.ports = 1; key.ports < WEIR_OWN_ENTRIES; key.ports++)
		assert_int_equal(bpf_map_update_elem(bed.m.map[MAP_OWN], &key,
						     &(__u64){WEIR_OWN_OPEN}, BPF_NOEXIST),
				 0);
	own.watch.bind = true; /* count_own: false */
	fd = connected(AF_INET, &port, 4739);
	assert_true(own.said);
	assert_int_equal(entries(false), WEIR_OWN_ENTRIES - 1);
	feed("127.0.0.1", port, 4739);
	feed("127.0.0.1", 4739, port);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 0);
	assert_int_equal(flows(), 2);
	end(fd);
	assert_int_equal(entries(true), 0);
}

/* It was closed without a word, or has another peer now. */
static void a_socket_that_opens_again_ends_what_it_was(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(4740)};
	__u16 port;
	int fd = connected(AF_INET, &port, 4739);

	start(LEFT_OUT);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	socket_opens(&own.watch, fd, (struct sockaddr *)&to);
	feed("127.0.0.1", port, 4739);
	feed("127.0.0.1", port, 4740);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 2);
	bed.now_ns = meter_now() + 61 * BED_SECOND;
	feed("127.0.0.1", port, 4739);
	feed("127.0.0.1", 4739, port);
	assert_int_equal(flows(), 2);
	feed("127.0.0.1", port, 4740);
	assert_int_equal(bed_books(&bed, WEIR_OWN).packets, 3);
	end(fd);
}

static int open_bed(void **state)
{
	bed_open(&bed, &(struct meter_options){.flow_size = 1024, .replay = true}, LEFT_OUT);
	meter_own_open(&bed.m, &own);
	*state = &bed;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_weir_sends_and_gets_is_in_its_counter_and_nowhere_else),
		cmocka_unit_test(whatever_differs_is_another_s),
		cmocka_unit_test(by_default_it_is_counted),
		cmocka_unit_test(a_reload_is_in_force_with_the_next_packet),
		cmocka_unit_test(
			a_connection_s_last_packets_are_its_own_and_its_port_then_another_s),
		cmocka_unit_test(what_a_killed_agent_left_open_is_closed_by_the_next),
		cmocka_unit_test(connections_without_end_are_known),
		cmocka_unit_test(a_connection_is_known_in_both_directions_or_not_at_all),
		cmocka_unit_test(a_socket_that_opens_again_ends_what_it_was),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, bed_close_group);
}
