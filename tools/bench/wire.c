// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Flow records per second that one core writes as messages of up to 1400 bytes, and reads back.
 *
 * 16384 flows, a quarter of them IPv6 (none in v5), in no order, all values drawn; they and the
 * messages made of them are larger than the second-level cache. CPU time. What is read is summed
 * up, so that each record is looked at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench.h"
#include "weir/base.h"
#include "wire/decode.h"

#define ROUNDS 11
#define REPEATS 16
#define FLOWS 16384
#define MESSAGE_BYTES 1400
#define MESSAGES 2048 /* more than are needed */
#define NOW_NS (1700000000 * WEIR_NS_PER_SEC)

struct lane {
	enum wire_protocol protocol;
	const char *encode, *decode, *goal;
	double encode_rps[ROUNDS], decode_rps[ROUNDS];
};

static struct lane lanes[] = {
	{WIRE_IPFIX, "ipfix_encode_rps", "ipfix_decode_rps", ">= 1e7"},
	{WIRE_V9, "v9_encode_rps", "v9_decode_rps", ""},
	{WIRE_V5, "v5_encode_rps", "v5_decode_rps", ""},
};

#define LANES (sizeof(lanes) / sizeof(*lanes))

static struct messages {
	unsigned int count;
	__u16 length[MESSAGES];
	__u8 bytes[MESSAGES][MESSAGE_BYTES];
} messages;

static __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct flow_record *draw_flows(void)
{
	struct flow_record *flows = calloc(FLOWS, sizeof(*flows));
	__u64 state = 1;

	if (!flows)
		fail("flows", ENOMEM);
	for (struct flow_record *f = flows; f < flows + FLOWS; f++) {
		f->family = draw(&state) % 4 ? 4 : 6;
		for (int i = 0; i < (f->family == 4 ? 4 : 16); i++) {
			f->src[i] = draw(&state);
			f->dst[i] = draw(&state);
		}
		f->proto = draw(&state) % 3 ? 6 : 17;
		f->sport = draw(&state);
		f->dport = draw(&state);
		f->in_if = draw(&state) % 32;
		f->forward.start_ns = NOW_NS - draw(&state) % HOUR_NS;
		f->forward.end_ns = f->forward.start_ns + draw(&state) % WEIR_NS_PER_SEC;
		f->forward.packets = draw(&state) % 1000;
		f->forward.bytes = draw(&state) % 1000000;
		f->forward.tcp_flags = draw(&state);
	}
	return flows;
}

static void begin(struct wire_encoder *e)
{
	if (messages.count == MESSAGES)
		fail("messages", ENOSPC);
	wire_begin(e, messages.bytes[messages.count], MESSAGE_BYTES);
}

static void finish(struct wire_encoder *e, __u32 *sequence)
{
	messages.length[messages.count++] = wire_end(e, NOW_NS, *sequence);
	*sequence += wire_sequence_step(e);
}

/* The first message has templates only. Returns how many records there are. */
static unsigned int encode(const struct lane *l, const struct flow_record *flows)
{
	struct wire_encoder e = {.protocol = l->protocol, .boot_ns = NOW_NS - HOUR_NS};
	unsigned int records = 0;
	__u32 sequence = 0;

	messages.count = 0;
	begin(&e);
	check(wire_add_templates(&e), "templates");
	finish(&e, &sequence);
	begin(&e);
	for (const struct flow_record *f = flows; f < flows + FLOWS; f++) {
		int err = wire_add_flow(&e, f);

		if (err == -ENOSPC) {
			finish(&e, &sequence);
			begin(&e);
			err = wire_add_flow(&e, f);
		}
		if (err != -EAFNOSUPPORT)
			check(err, "flow");
		records += !err;
	}
	finish(&e, &sequence);
	return records;
}

static void sum_up(void *context, const struct flow_origin *origin, const struct flow_record *flows,
		   unsigned int count)
{
	__u64 *sum = context;

	(void)origin;
	for (unsigned int i = 0; i < count; i++)
		sum[0] += flows[i].forward.bytes;
	sum[1] += count;
}

static void decode(struct wire_decoder *d)
{
	const struct wire_peer peer = {.address = {192, 0, 2, 1}, .family = 4};

	for (unsigned int i = 0; i < messages.count; i++) {
		if (messages.length[i])
			check(wire_decode(d, &peer, messages.bytes[i], messages.length[i], NOW_NS),
			      "decode");
	}
}

static void measure(struct lane *l, const struct flow_record *flows, int round)
{
	__u64 sum[2] = {0};
	const struct wire_sink sink = {.flow = {.context = sum, .flows = sum_up}};
	struct wire_decoder *d = wire_decoder_new(&wire_decoder_defaults, &sink);
	unsigned int records = encode(l, flows);
	double start = seconds_of(CLOCK_THREAD_CPUTIME_ID), end;

	if (!d)
		fail("decoder", ENOMEM);
	for (int i = 0; i < REPEATS; i++)
		encode(l, flows);
	end = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	l->encode_rps[round] = REPEATS * (double)records / (end - start);
	decode(d);
	start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < REPEATS; i++)
		decode(d);
	end = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	l->decode_rps[round] = REPEATS * (double)records / (end - start);
	if (sum[1] != (REPEATS + 1ull) * records)
		fail("not all records came back", EBADMSG);
	wire_decoder_free(d);
}

void bench_codec(void)
{
	struct flow_record *flows = draw_flows();

	for (int round = 0; round < ROUNDS; round++) {
		for (struct lane *l = lanes; l < lanes + LANES; l++)
			measure(l, flows, round);
	}
	for (struct lane *l = lanes; l < lanes + LANES; l++) {
		tell(l->encode, median(l->encode_rps, ROUNDS), l->goal);
		tell(l->decode, median(l->decode_rps, ROUNDS), l->goal);
	}
	free(flows);
}
