// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a decoder remembers, for how long, and how much of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/wire/wire_bed.h"

static const __u16 bytes[][2] = {{1, 4}};

static void put_withdrawal(struct message *m, unsigned int set, unsigned int id)
{
	begin_set(m, set);
	put16(m, id);
	put16(m, 0);
	end_set(m);
}

/* --- Templates ----------------------------------------------------------------------------- */

static void domains_and_peers_have_templates_of_their_own(void **state)
{
	struct bed *bed = bed_new(NULL);

	take_template(bed, 1, 300, 1, packets);
	take_template(bed, 2, 300, 1, bytes);
	take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
	take_data(bed, 0, 2, 300, "\0\0\0\6", 4);
	assert_int_equal(bed->flow[0].forward.packets, 5);
	assert_int_equal(bed->flow[1].forward.bytes, 6);
	bed->peer.port = 9;
	take_data(bed, 0, 1, 300, "\0\0\0\7", 4);
	assert_int_equal(bed->flows, 2);
	assert_int_equal(bed_count(bed, WIRE_COUNT_HELD), 1);
	bed_free(bed);
}

static void a_template_told_anew_is_used_from_then_on(void **state)
{
	struct bed *bed = bed_new(NULL);

	take_template(bed, 1, 300, 1, packets);
	take_template(bed, 1, 300, 1, packets);
	assert_int_equal(bed_count(bed, WIRE_COUNT_REFRESHED), 1);
	take_template(bed, 1, 300, 1, bytes);
	assert_int_equal(bed_count(bed, WIRE_COUNT_REDEFINED), 1);
	take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
	assert_int_equal(bed->flow[0].forward.bytes, 5);
	assert_int_equal(bed->flow[0].forward.packets, 0);
	bed_free(bed);
}

static void streams_withdraw_templates_and_datagrams_do_not(void **state)
{
	for (unsigned int session = 0; session < 2; session++) {
		struct bed *bed = bed_new(NULL);
		struct message m;

		bed->peer.session = session;
		take_template(bed, 1, 300, 1, packets);
		take_template(bed, 1, 301, 1, packets);
		take_template(bed, 1, 302, 1, packets);
		begin_ipfix(&m, 0, 1);
		put_withdrawal(&m, 2, 301);
		end_ipfix(&m);
		bed_take(bed, &m);
		take_data(bed, 0, 1, 301, "\0\0\0\5", 4);
		assert_int_equal(bed_count(bed, WIRE_COUNT_HELD), session);
		assert_int_equal(bed_count(bed, WIRE_COUNT_WITHDRAWN), session);
		assert_int_equal(bed_count(bed, WIRE_COUNT_WITHDRAWAL), !session);
		begin_ipfix(&m, 1, 1);
		put_withdrawal(&m, 3, 3);
		put_withdrawal(&m, 2, 2);
		end_ipfix(&m);
		bed_take(bed, &m);
		assert_int_equal(bed_count(bed, WIRE_COUNT_WITHDRAWN), 3 * session);
		bed_free(bed);
	}
}

static void any_port(struct wire_decoder_options *o)
{
	o->any_port = true;
}

static void ports_of_an_address_share_templates_where_that_is_asked_for(void **state)
{
	for (unsigned int shared = 0; shared < 2; shared++) {
		struct bed *bed = bed_with(shared ? any_port : NULL);

		bed->peer.port = 1;
		take_template(bed, 1, 300, 1, packets);
		/* Each port counts its own records. */
		for (unsigned int i = 0; i < 3; i++) {
			for (bed->peer.port = 2; bed->peer.port < 5; bed->peer.port++)
				take_data(bed, 1000 * bed->peer.port + i, 1, 300, "\0\0\0\5", 4);
		}
		assert_int_equal(bed->flows, shared ? 9 : 0);
		assert_int_equal(bed_count(bed, WIRE_COUNT_HELD), shared ? 0 : 9);
		assert_int_equal(bed_count(bed, WIRE_COUNT_LOST_RECORDS), 0);
		assert_int_equal(bed_count(bed, WIRE_COUNT_LATE), 0);
		assert_int_equal(bed_count(bed, WIRE_COUNT_RESTARTS), 0);
		bed->peer.port = 2;
		take_data(bed, 2003, 1, 300, "\0\0\0\5", 4);
		take_data(bed, 2006, 1, 300, "\0\0\0\5", 4);
		assert_int_equal(bed_count(bed, WIRE_COUNT_LOST_RECORDS), shared ? 2 : 0);
		/* More ports than are followed lose nothing but the count of what is missing. */
		for (bed->peer.port = 100; bed->peer.port < 200; bed->peer.port++)
			take_data(bed, 7 * bed->peer.port, 1, 300, "\0\0\0\5", 4);
		assert_int_equal(bed_count(bed, WIRE_COUNT_RESTARTS), 0);
		assert_int_equal(bed->flows, shared ? 111 : 0);
		/* Other addresses and streams stay what they are. */
		bed->peer.session = 1;
		take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
		bed->peer.session = 0;
		bed->peer.address[3] = 77;
		take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
		assert_int_equal(bed->flows, shared ? 111 : 0);
		bed->peer.address[3] = 1;
		bed->peer.port = 9;
		wire_decoder_close(bed->d, &bed->peer);
		assert_int_equal(bed_count(bed, WIRE_COUNT_NO_TEMPLATE), 0);
		bed_free(bed);
	}
}

static void short_lives(struct wire_decoder_options *o)
{
	o->template_lifetime_ns = 100 * SECOND;
	o->held_lifetime_ns = 10 * SECOND;
}

static void templates_of_datagrams_expire_and_of_streams_do_not(void **state)
{
	for (unsigned int session = 0; session < 2; session++) {
		struct bed *bed = bed_with(short_lives);

		bed->peer.session = session;
		take_template(bed, 1, 300, 1, packets);
		take_template(bed, 1, 301, 1, packets);
		bed->now_ns += 100 * SECOND;
		take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
		assert_int_equal(bed->flows, 1);
		bed->now_ns += 1;
		take_data(bed, 1, 1, 300, "\0\0\0\5", 4);
		assert_int_equal(bed->flows, 1 + session);
		wire_decoder_expire(bed->d, bed->now_ns);
		assert_int_equal(bed_count(bed, WIRE_COUNT_EXPIRED), session ? 0 : 2);
		bed_free(bed);
	}
}

/* --- Data before their template -------------------------------------------------------------- */

static void data_wait_for_their_template(void **state)
{
	struct bed *bed = bed_new(NULL);
	struct message m;

	for (unsigned int i = 0; i < 3; i++)
		take_data(bed, i, 1, 300, "\0\0\0\5", 4);
	take_data(bed, 3, 1, 301, "\0\0\0\6", 4);
	assert_int_equal(bed->flows, 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_HELD), 4);
	take_template(bed, 2, 300, 1, packets);
	assert_int_equal(bed->flows, 0);
	take_template(bed, 1, 300, 1, packets);
	assert_int_equal(bed->flows, 3);
	take_template(bed, 1, 301, 1, packets);
	assert_int_equal(bed->flow[3].forward.packets, 6);
	assert_int_equal(bed_count(bed, WIRE_COUNT_NO_TEMPLATE), 0);

	/* With the times of the message they came in. */
	begin_v9(&m, 5000, 0, 1);
	begin_set(&m, 300);
	put32(&m, 4000);
	put32(&m, 1);
	end_set(&m);
	bed_take(bed, &m);
	begin_v9(&m, 900000, 1, 1);
	begin_set(&m, 0);
	put_template(&m, 300, 2, (const __u16[][2]){{22, 4}, {2, 4}});
	end_set(&m);
	bed_take(bed, &m);
	assert_true(bed->flow[4].forward.start_ns == (EXPORT_S - 1ull) * SECOND);
	bed_free(bed);
}

static void data_do_not_wait_forever(void **state)
{
	struct bed *bed = bed_with(short_lives);

	take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
	bed->now_ns += 10 * SECOND + 1;
	wire_decoder_expire(bed->d, bed->now_ns);
	assert_int_equal(bed_count(bed, WIRE_COUNT_NO_TEMPLATE), 1);
	take_template(bed, 1, 300, 1, packets);
	assert_int_equal(bed->flows, 0);
	bed_free(bed);
}

static void no_more_waits_than_there_is_room_for(void **state)
{
	struct bed *bed = bed_with(small_rooms);
	__u64 held;

	for (unsigned int i = 0; i < 1000; i++)
		take_data(bed, i, 1, 300, "\0\0\0\5", 4);
	held = bed_count(bed, WIRE_COUNT_HELD);
	assert_int_equal(held, 4);
	assert_int_equal(bed_count(bed, WIRE_COUNT_NO_TEMPLATE), 1000 - held);
	take_template(bed, 1, 300, 1, packets);
	assert_int_equal(bed->flows, held);
	bed_free(bed);
}

/* --- Floods -------------------------------------------------------------------------------- */

static void a_flood_of_templates_leaves_those_before_it_alone(void **state)
{
	struct bed *bed = bed_with(small_rooms);

	take_template(bed, 1, 400, 1, packets);
	for (unsigned int id = 1000; id < 2000; id++)
		take_template(bed, 1, id, 1, bytes);
	assert_int_equal(bed_count(bed, WIRE_COUNT_FLOOD), 1000 - 9);
	take_template(bed, 1, 400, 1, packets);
	take_data(bed, 0, 1, 400, "\0\0\0\5", 4);
	assert_int_equal(bed->flow[0].forward.packets, 5);
	bed_free(bed);
}

static void a_flood_of_domains_leaves_those_before_it_alone(void **state)
{
	struct bed *bed = bed_with(small_rooms);
	struct message m;

	take_template(bed, 1, 300, 1, packets);
	for (unsigned int domain = 2; domain < 1000; domain++) {
		begin_ipfix(&m, 0, domain);
		end_ipfix(&m);
		bed_take(bed, &m);
	}
	assert_int_equal(bed_count(bed, WIRE_COUNT_FLOOD), 998 - 3);
	take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
	assert_int_equal(bed->flows, 1);
	bed_free(bed);
}

static void the_peer_silent_longest_is_forgotten_first(void **state)
{
	struct bed *bed = bed_with(small_rooms);

	for (unsigned int port = 1; port <= 3; port++) {
		bed->peer.port = port;
		take_template(bed, 1, 300, 1, packets);
	}
	bed->peer.port = 1;
	take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
	bed->peer.port = 4;
	take_template(bed, 1, 300, 1, packets);
	assert_int_equal(bed_count(bed, WIRE_COUNT_FORGOTTEN), 1);
	for (unsigned int port = 1; port <= 4; port++) {
		if (port == 2)
			continue;
		bed->peer.port = port;
		take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
	}
	assert_int_equal(bed->flows, 4);
	bed_free(bed);
}

static void what_is_no_message_makes_no_peer_known(void **state)
{
	struct bed *bed = bed_with(small_rooms);

	bed->peer.port = 1;
	take_template(bed, 1, 300, 1, packets);
	for (unsigned int port = 2; port < 100; port++) {
		bed->peer.port = port;
		assert_int_equal(bed_decode(bed, "\0\7garbage of another version", 28), -EBADMSG);
	}
	assert_int_equal(bed_count(bed, WIRE_COUNT_VERSION), 98);
	bed->peer.port = 1;
	take_data(bed, 0, 1, 300, "\0\0\0\5", 4);
	assert_int_equal(bed->flows, 1);
	bed_free(bed);
}

static void memory_stays_within_its_bound(void **state)
{
	struct bed *bed = bed_with(small_rooms);

	for (unsigned int i = 0; i < 5000; i++) {
		bed->peer.port = i % 50;
		if (i % 3)
			take_template(bed, i % 7, 256 + i, 1, packets);
		else
			take_data(bed, i, i % 7, 9000 + i, "\0\0\0\5", 4);
		assert_in_range(wire_decoder_bytes(bed->d), 1, 64 << 10);
	}
	for (unsigned int i = 0; i < 50; i++) {
		bed->peer.port = i;
		wire_decoder_close(bed->d, &bed->peer);
	}
	assert_int_equal(wire_decoder_bytes(bed->d), 0);
	bed_free(bed);
}

static void a_domain_that_is_silent_makes_room_for_another(void **state)
{
	struct bed *bed = bed_with(small_rooms);

	for (unsigned int domain = 0; domain < 100; domain++) {
		take_template(bed, domain, 300, 1, packets);
		take_data(bed, 0, domain, 301, "\0\0\0\5", 4);
		bed->now_ns += 1000 * SECOND;
		wire_decoder_expire(bed->d, bed->now_ns);
	}
	assert_int_equal(bed_count(bed, WIRE_COUNT_FLOOD), 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_EXPIRED), 99);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_and_peers_have_templates_of_their_own),
		cmocka_unit_test(a_template_told_anew_is_used_from_then_on),
		cmocka_unit_test(streams_withdraw_templates_and_datagrams_do_not),
		cmocka_unit_test(ports_of_an_address_share_templates_where_that_is_asked_for),
		cmocka_unit_test(templates_of_datagrams_expire_and_of_streams_do_not),
		cmocka_unit_test(data_wait_for_their_template),
		cmocka_unit_test(data_do_not_wait_forever),
		cmocka_unit_test(no_more_waits_than_there_is_room_for),
		cmocka_unit_test(a_flood_of_templates_leaves_those_before_it_alone),
		cmocka_unit_test(a_flood_of_domains_leaves_those_before_it_alone),
		cmocka_unit_test(the_peer_silent_longest_is_forgotten_first),
		cmocka_unit_test(what_is_no_message_makes_no_peer_known),
		cmocka_unit_test(memory_stays_within_its_bound),
		cmocka_unit_test(a_domain_that_is_silent_makes_room_for_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
