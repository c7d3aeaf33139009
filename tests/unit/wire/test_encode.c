// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the encoder writes: some of it byte by byte, the rest as the decoder reads it back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/wire/wire_bed.h"
#include "weir/flow.h"

#define U32_MAX 0xffffffffull

static void add(struct writer *w, const struct flow_record *f)
{
	int err = wire_add_flow(&w->e, f);

	if (err == -ENOSPC) {
		finish(w);
		err = wire_add_flow(&w->e, f);
	}
	assert_int_equal(err, 0);
}

/* --- Drawn flows ----------------------------------------------------------------------------- */

static __u64 draw(void)
{
	__u64 word = 0;

	for (int i = 0; i < 4; i++)
		word = word << 16 | (rand() & 0xffff);
	/* As many small numbers as large ones. */
	return word >> rand() % 64;
}

static struct flow_traffic draw_traffic(void)
{
	struct flow_traffic t = {.packets = draw(), .bytes = draw(), .tcp_flags = draw()};

	t.start_ns = NOW - draw() % (40ull * 86400 * SECOND);
	t.end_ns = t.start_ns + draw() % (NOW - t.start_ns + 1);
	t.end = draw() % 6;
	t.tos = draw();
	return t;
}

static struct flow_record draw_flow(enum wire_protocol protocol)
{
	struct flow_record f = {.forward = draw_traffic(), .reverse = draw_traffic()};

	f.family = protocol == WIRE_V5 || rand() % 2 ? 4 : 6;
	for (int i = 0; i < (f.family == 4 ? 4 : 16); i++) {
		f.src[i] = rand();
		f.dst[i] = rand();
	}
	f.proto = rand() % 3 ? draw() : f.family == 4 ? 1 : 58;
	if (f.proto == 1 || f.proto == 58) {
		f.icmp = draw();
	} else {
		f.sport = draw();
		f.dport = draw();
	}
	f.vlan = rand() % 4096;
	f.direction = rand() % 2;
	f.initiator = rand() % 2;
	f.in_if = draw();
	f.out_if = draw();
	if (rand() % 2)
		f.reverse.packets = 0;
	return f;
}

/* --- Round trips ----------------------------------------------------------------------------- */

static __u64 to_ms(__u64 ns)
{
	return ns / NS_PER_MS * NS_PER_MS;
}

static void assert_traffic(const struct flow_traffic *is, const struct flow_traffic *shall,
			   enum wire_protocol protocol)
{
	assert_true(is->packets == shall->packets);
	assert_true(is->bytes == shall->bytes);
	assert_true(is->start_ns == to_ms(shall->start_ns));
	assert_true(is->end_ns == to_ms(shall->end_ns));
	assert_int_equal(is->tcp_flags, shall->tcp_flags);
	assert_int_equal(is->tos, shall->tos);
	if (protocol != WIRE_V5)
		assert_int_equal(is->end, shall->end);
}

static void assert_flow(const struct flow_record *is, const struct flow_record *shall,
			enum wire_protocol protocol, bool reverse)
{
	assert_int_equal(is->family, shall->family);
	assert_memory_equal(is->src, shall->src, 16);
	assert_memory_equal(is->dst, shall->dst, 16);
	assert_int_equal(is->proto, shall->proto);
	assert_int_equal(is->sport, shall->sport);
	assert_int_equal(is->dport, shall->icmp ? shall->icmp : shall->dport);
	assert_int_equal(is->icmp, shall->icmp);
	assert_traffic(&is->forward, &shall->forward, protocol);
	if (reverse) {
		assert_traffic(&is->reverse, &shall->reverse, protocol);
		assert_int_equal(is->initiator, shall->initiator);
	}
	if (protocol == WIRE_V5) {
		assert_int_equal(is->in_if, shall->in_if > 0xffff ? 0 : shall->in_if);
		return;
	}
	assert_int_equal(is->in_if, shall->in_if);
	assert_int_equal(is->out_if, shall->out_if);
	assert_int_equal(is->vlan, shall->vlan);
	assert_int_equal(is->direction, shall->direction);
}

static void trip(enum wire_protocol protocol, bool biflow, unsigned int count, size_t room)
{
	struct flow_record *flows = calloc(count, sizeof(*flows));
	struct writer *w = writer_new(protocol, room);

	assert_non_null(flows);
	w->e.biflow = biflow;
	assert_int_equal(wire_add_templates(&w->e), 0);
	for (unsigned int i = 0; i < count; i++) {
		flows[i] = draw_flow(protocol);
		if (protocol == WIRE_V5) {
			flows[i].forward.packets &= U32_MAX;
			flows[i].forward.bytes &= U32_MAX;
		}
		add(w, &flows[i]);
	}
	finish(w);
	assert_nothing_bad(w->bed);
	assert_int_equal(w->bed->flows, count);
	for (unsigned int i = 0; i < count; i++)
		assert_flow(&w->bed->flow[i], &flows[i], protocol,
			    biflow && flows[i].reverse.packets);
	writer_free(w);
	free(flows);
}

static void flows_come_back_as_they_were(void **state)
{
	for (int round = 0; round < 60; round++) {
		srand(round);
		trip(WIRE_IPFIX, round & 1, 1 + rand() % 300, 1000 + rand() % 1000);
		trip(WIRE_V9, false, 1 + rand() % 300, 600 + rand() % 1000);
		trip(WIRE_V5, false, 1 + rand() % 300, 72 + rand() % 2000);
	}
}

/* IPFIX and v9 have templates without ports and ICMP's type for what has none that are known. */
static void what_is_not_known_of_a_fragment_is_not_sent(void **state)
{
	const __u64 transport = FIELD_BIT(SPORT) | FIELD_BIT(DPORT) | FIELD_BIT(ICMP);

	for (enum wire_protocol p = WIRE_IPFIX; p <= WIRE_V9; p++) {
		for (int i = 0; i < 200; i++) {
			struct writer *w = writer_new(p, 1400);
			struct flow_record f = draw_flow(p);

			f.known = (FLOW_BASIC | FIELD_BIT(FAMILY)) & ~transport;
			f.sport = f.dport = f.icmp = 0;
			w->e.biflow = p == WIRE_IPFIX && i & 1;
			assert_int_equal(wire_add_templates(&w->e), 0);
			add(w, &f);
			finish(w);
			assert_nothing_bad(w->bed);
			assert_int_equal(w->bed->flows, 1);
			assert_false(w->bed->flow[0].known & transport);
			assert_true(w->bed->flow[0].known & FIELD_BIT(PROTO));
			assert_flow(&w->bed->flow[0], &f, p, false);
			writer_free(w);
		}
	}
}

/* At no room of a message does it grow beyond it, and what did not fit left no trace. */
/* Of a flow that has no times, uptime 0: read back as when the host was started. */
static void a_time_that_is_not_known_is_sent_as_0(void **state)
{
	static const enum wire_protocol with_uptime[] = {WIRE_V9, WIRE_V5};

	for (int i = 0; i < 2; i++) {
		const enum wire_protocol p = with_uptime[i];
		struct flow_record f = {.family = 4, .forward = {.packets = 1, .bytes = 100}};
		struct writer *w = writer_new(p, 1400);

		w->e.boot_ns = NOW - 5000 * SECOND;
		if (p == WIRE_V9)
			assert_int_equal(wire_add_templates(&w->e), 0);
		add(w, &f);
		f.forward.end_ns = NOW - SECOND;
		add(w, &f);
		finish(w);
		assert_int_equal(w->bed->flows, 2);
		assert_true(w->bed->flow[0].forward.start_ns == to_ms(w->e.boot_ns));
		assert_true(w->bed->flow[0].forward.end_ns == to_ms(w->e.boot_ns));
		assert_true(w->bed->flow[1].forward.start_ns == to_ms(w->e.boot_ns));
		assert_true(w->bed->flow[1].forward.end_ns == to_ms(NOW - SECOND));
		assert_nothing_bad(w->bed);
		writer_free(w);
	}
}

static void messages_keep_within_their_room(void **state)
{
	for (size_t room = 0; room < 900; room++) {
		for (enum wire_protocol p = WIRE_IPFIX; p <= WIRE_V5; p++) {
			struct writer *w = writer_new(p, room);
			__u8 *guard = w->buffer + room;
			unsigned int added = 0;

			memset(w->buffer, 0xa5, sizeof(w->buffer));
			srand(room);
			if (wire_add_templates(&w->e))
				assert_int_equal(w->e.records, 0);
			for (int i = 0; i < 12; i++) {
				struct flow_record f = draw_flow(p);
				struct wire_encoder before = w->e;

				f.forward.packets = f.forward.bytes = 1;
				if (!wire_add_flow(&w->e, &f))
					added++;
				else
					assert_memory_equal(&before, &w->e, sizeof(before));
			}
			wire_add_interface(&w->e, 1, "eth0", "");
			w->length = wire_end(&w->e, NOW, 0);
			assert_in_range(w->length, 0, room);
			for (int i = 0; i < 64; i++)
				assert_int_equal(guard[i], 0xa5);
			writer_free(w);
		}
	}
}

/* --- Byte by byte ---------------------------------------------------------------------------- */

static void an_ipfix_flow_is_written_as_its_template_says(void **state)
{
	static const __u8 shall[] = {
		0,    10,   0, 81,   0x65, 0x53, 0xf1, 0,    0, 0, 0, 9, 0, 0, 1, 2, /* header */
		1,    0,    0, 65,                                                   /* set 256 */
		192,  0,    2, 1,    192,  0,    2,    2,    0, 0, /* addresses, ICMP */
		0x30, 0x39, 1, 0xbb, 6,    1,    0,    7,          /* ports, TCP, egress, VLAN */
		0,    0,    0, 2,    0,    0,    0,    3,          /* interfaces */
		0,    0,    0, 0,    0,    0,    0,    5,          /* packets */
		0,    0,    0, 0,    0,    0,    1,    0,          /* bytes */
		0x10, 0x1b, 3,                                     /* TOS, TCP flags, end of flow */
		0,    0,    1, 0x8b, 0xcf, 0xe5, 0x64, 0x18,       /* EXPORT_S - 1 s */
		0,    0,    1, 0x8b, 0xcf, 0xe5, 0x68, 0x00,       /* EXPORT_S */
	};
	const struct flow_record f = {
		.forward = {.start_ns = (EXPORT_S - 1) * SECOND,
			    .end_ns = EXPORT_S * SECOND,
			    .packets = 5,
			    .bytes = 256,
			    .tcp_flags = 0x1b,
			    .tos = 0x10,
			    .end = WEIR_END_FLOW},
		.src = {192, 0, 2, 1},
		.dst = {192, 0, 2, 2},
		.sport = 12345,
		.dport = 443,
		.proto = 6,
		.family = 4,
		.direction = 1,
		.vlan = 7,
		.in_if = 2,
		.out_if = 3,
	};
	struct writer *w = writer_new(WIRE_IPFIX, 1400);

	assert_int_equal(wire_add_flow(&w->e, &f), 0);
	w->length = wire_end(&w->e, NOW, 9);
	assert_int_equal(w->length, sizeof(shall));
	assert_memory_equal(w->buffer, shall, sizeof(shall));
	assert_int_equal(wire_sequence_step(&w->e), 1);
	writer_free(w);
}

static void a_v5_header_says_one_in_one(void **state)
{
	const struct flow_record f = {.family = 4, .forward = {BOOT, NOW, 1, 40}};
	struct writer *w = writer_new(WIRE_V5, 1400);

	assert_int_equal(wire_add_flow(&w->e, &f), 0);
	finish(w);
	assert_int_equal(w->length, 72);
	assert_memory_equal(w->buffer, "\0\5\0\1", 4);
	assert_int_equal(wire_get32(w->buffer + 8), EXPORT_S);
	assert_int_equal(wire_get32(w->buffer + 12), 987000000); /* whole milliseconds */
	assert_memory_equal(w->buffer + 20, "\1\2\x40\1", 4);    /* engine, mode 1, interval 1 */
	assert_int_equal(w->bed->flow[0].sampling, 1);
	writer_free(w);
}

static void a_withdrawal_names_both_kinds_of_templates(void **state)
{
	static const __u8 shall[] = {0, 2, 0, 8, 0, 2, 0, 0, 0, 3, 0, 8, 0, 3, 0, 0};
	struct writer *w = writer_new(WIRE_IPFIX, 1400);

	w->bed->peer.session = 1;
	assert_int_equal(wire_add_templates(&w->e), 0);
	finish(w);
	assert_int_equal(wire_add_withdrawal(&w->e), 0);
	finish(w);
	assert_int_equal(w->length, 32);
	assert_memory_equal(w->buffer + 16, shall, sizeof(shall));
	assert_int_equal(bed_count(w->bed, WIRE_COUNT_WITHDRAWN),
			 bed_count(w->bed, WIRE_COUNT_TEMPLATES));
	w->e.protocol = WIRE_V9;
	assert_int_equal(wire_add_withdrawal(&w->e), -EOPNOTSUPP);
	writer_free(w);
}

static void v9_sets_end_on_four_bytes_and_all_records_count(void **state)
{
	struct flow_record f = {.family = 4, .forward = {NOW, NOW, 1, 40}};
	struct writer *w = writer_new(WIRE_V9, 1400);

	assert_int_equal(wire_add_templates(&w->e), 0);
	for (int i = 0; i < 7; i++) {
		f.family = i % 3 ? 4 : 6;
		assert_int_equal(wire_add_flow(&w->e, &f), 0);
	}
	finish(w);
	assert_int_equal(wire_get16(w->buffer + 2), 9 + 7);
	assert_int_equal(w->sequence, 1);
	for (size_t at = 20; at < w->length; at += wire_get16(w->buffer + at + 2))
		assert_int_equal(wire_get16(w->buffer + at + 2) % 4, 0);
	assert_nothing_bad(w->bed);
	writer_free(w);
}

/* --- Counters beyond 32 bits in v5 ------------------------------------------------------------ */

static void sums_stay_true_in_v5(void **state)
{
	static const __u64 counts[][2] = {
		{U32_MAX, U32_MAX},         {U32_MAX + 1, 1ull << 33},
		{1, 30 * U32_MAX},          {3, 29 * U32_MAX + 1},
		{30 * U32_MAX, 7},          {0, 0},
		{2 * U32_MAX, 2 * U32_MAX}, {123456789012, 98765432109ull}};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		const struct flow_record f = {.family = 4,
					      .sport = 5,
					      .forward = {BOOT, NOW, counts[i][0], counts[i][1]}};
		struct writer *w = writer_new(WIRE_V5, 1464);
		__u64 sum[2] = {0};

		add(w, &f);
		finish(w);
		for (unsigned int j = 0; j < w->bed->flows; j++) {
			sum[0] += w->bed->flow[j].forward.packets;
			sum[1] += w->bed->flow[j].forward.bytes;
			assert_int_equal(w->bed->flow[j].sport, 5);
		}
		assert_true(sum[0] == counts[i][0] && sum[1] == counts[i][1]);
		assert_int_equal(w->sequence, w->bed->flows);
		assert_nothing_bad(w->bed);
		writer_free(w);
	}
}

static void what_no_v5_message_can_tell_is_cut(void **state)
{
	struct flow_record rest = {.family = 4, .forward = {BOOT, NOW, 1ull << 36, 1ull << 41}},
			   part;
	struct writer *w = writer_new(WIRE_V5, 1464);
	__u64 sum[2] = {0};
	bool more;

	assert_int_equal(wire_add_flow(&w->e, &rest), -E2BIG);
	do {
		more = wire_cut_v5(&rest, &part);
		add(w, &part);
	} while (more);
	finish(w);
	for (unsigned int j = 0; j < w->bed->flows; j++) {
		sum[0] += w->bed->flow[j].forward.packets;
		sum[1] += w->bed->flow[j].forward.bytes;
	}
	assert_true(sum[0] == 1ull << 36 && sum[1] == 1ull << 41);
	writer_free(w);
}

static void v5_takes_no_ipv6(void **state)
{
	const struct flow_record v6 = {.family = 6}, none = {0};
	struct writer *w = writer_new(WIRE_V5, 1464);

	assert_int_equal(wire_add_flow(&w->e, &v6), -EAFNOSUPPORT);
	assert_int_equal(wire_add_flow(&w->e, &none), -EAFNOSUPPORT);
	assert_int_equal(wire_end(&w->e, NOW, 0), 0);
	writer_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_come_back_as_they_were),
		cmocka_unit_test(what_is_not_known_of_a_fragment_is_not_sent),
		cmocka_unit_test(a_time_that_is_not_known_is_sent_as_0),
		cmocka_unit_test(messages_keep_within_their_room),
		cmocka_unit_test(an_ipfix_flow_is_written_as_its_template_says),
		cmocka_unit_test(a_v5_header_says_one_in_one),
		cmocka_unit_test(a_withdrawal_names_both_kinds_of_templates),
		cmocka_unit_test(v9_sets_end_on_four_bytes_and_all_records_count),
		cmocka_unit_test(sums_stay_true_in_v5),
		cmocka_unit_test(what_no_v5_message_can_tell_is_cut),
		cmocka_unit_test(v5_takes_no_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
