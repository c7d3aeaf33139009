/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stream of datagrams into one decoder that has little room: length (2 bytes), peer (1 byte),
 * the message. Memory stays within its bound, flows are well-formed, and a flow that is encoded and
 * decoded again does not change.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "wire/decode.h"
#include "wire/field.h"

#define HEAD_BYTES 3
#define MAX_BYTES (96 << 10)
#define START_NS (1000 * WEIR_NS_PER_SEC)
#define STEP_NS (3 * WEIR_NS_PER_SEC)

static void check(int holds)
{
	if (!holds)
		abort();
}

static void keep(void *context, const struct flow_origin *origin, const struct flow_record *flows,
		 unsigned int count)
{
	check(count == 1);
	*(struct flow_record *)context = *flows;
}

/* IPFIX carries a flow, but for what only foreign exporters tell and for parts of milliseconds. */
static void check_again(const struct flow_record *flow)
{
	const struct wire_peer peer = {.family = 4};
	struct flow_record again = {0};
	const struct wire_sink sink = {.flow = {.context = &again, .flows = keep}};
	struct wire_decoder *d = wire_decoder_new(&wire_decoder_defaults, &sink);
	struct wire_encoder e = {.protocol = WIRE_IPFIX, .biflow = true};
	__u8 message[1400];
	size_t length;

	check(d != NULL);
	wire_begin(&e, message, sizeof(message));
	check(!wire_add_templates(&e));
	check(!wire_add_flow(&e, flow));
	length = wire_end(&e, START_NS, 0);
	check(length && length <= sizeof(message));
	check(!wire_decode(d, &peer, message, length, START_NS));
	check(again.forward.packets == flow->forward.packets);
	check(again.forward.bytes == flow->forward.bytes);
	check(again.forward.start_ns / NS_PER_MS == flow->forward.start_ns / NS_PER_MS);
	check(again.forward.end_ns / NS_PER_MS == flow->forward.end_ns / NS_PER_MS);
	check(again.reverse.packets == flow->reverse.packets);
	check(!memcmp(again.src, flow->src, sizeof(flow->src)));
	check(!memcmp(again.dst, flow->dst, sizeof(flow->dst)));
	check(again.family == flow->family && again.proto == flow->proto);
	check(again.sport == flow->sport && again.vlan == flow->vlan);
	check(again.in_if == flow->in_if && again.out_if == flow->out_if);
	check(again.dport == (flow_is_icmp(flow) && flow->icmp ? flow->icmp : flow->dport));
	wire_decoder_free(d);
}

/* What is known is a time, and no flow ends before it begins. */
static void check_times(const struct flow_record *flow, const struct flow_traffic *t,
			unsigned int reverse)
{
	bool start = flow->known >> (FIELD_START + reverse) & 1;
	bool end = flow->known >> (FIELD_END + reverse) & 1;

	check(start == !!t->start_ns && end == !!t->end_ns);
	check(!(t->start_ns >> 63) && !(t->end_ns >> 63));
	check(!start || !end || t->start_ns <= t->end_ns);
}

static void flows(void *context, const struct flow_origin *origin, const struct flow_record *flow,
		  unsigned int count)
{
	unsigned int *budget = context;

	check(count > 0);
	for (; count--; flow++) {
		check(!(flow->known >> FIELD_MAX) && !(flow->known & FIELD_BIT(MOMENT)));
		check(flow->labels <= FLOW_LABELS);
		check(memchr(flow->vrf_name, 0, sizeof(flow->vrf_name)) != NULL);
		check(!(flow->known & FIELD_BIT(SAMPLING)) == !flow->sampling);
		check(flow->counted < FLOW_COUNTED_MAX);
		check_times(flow, &flow->forward, 0);
		check_times(flow, &flow->reverse, FLOW_REVERSE);
		if ((flow->family == 4 || flow->family == 6) && *budget) {
			--*budget;
			check_again(flow);
		}
	}
}

/* It fits in the room that a file keeps for each. */
static void check_distinct(const struct wire_distinct *d)
{
	struct wire_encoder e = {.protocol = WIRE_IPFIX};
	__u8 message[128];

	check(memchr(d->query, 0, sizeof(d->query)) && memchr(d->key, 0, sizeof(d->key)));
	check(__builtin_isfinite(d->error));
	wire_begin(&e, message, sizeof(message));
	check(!wire_add_distinct(&e, d));
}

static void option(void *context, const struct flow_origin *origin, const struct wire_option *o)
{
	check(o->kind <= WIRE_OPTION_TYPE);
	if (o->kind == WIRE_OPTION_SAMPLING)
		check(o->sampling.rate > 0 && o->sampling.scope < WIRE_RATE_SCOPE_MAX);
	if (o->kind == WIRE_OPTION_INTERFACE)
		check(memchr(o->interface.about, 0, sizeof(o->interface.about)) != NULL);
	if (o->kind == WIRE_OPTION_DISTINCT)
		check_distinct(&o->distinct);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int budget = 20; /* of flows that are encoded again */
	const struct wire_sink sink = {
		.flow = {.context = &budget, .flows = flows},
		.context = &budget,
		.option = option,
	};
	struct wire_decoder_options options = wire_decoder_defaults;
	struct wire_peer peer = {.family = 4};
	__u64 now_ns = START_NS;
	struct wire_decoder *d;

	options.max_bytes = MAX_BYTES;
	options.max_held_bytes = 8 << 10;
	options.max_peers = 4;
	options.max_domains = 4;
	options.max_templates = 16;
	options.max_rates = 20;
	options.any_port = size & 1;
	options.scale = size & 2;
	options.rate_lifetime_ns = 30 * WEIR_NS_PER_SEC;
	options.max_fields = 64;
	options.held_lifetime_ns = 10 * WEIR_NS_PER_SEC;
	options.template_lifetime_ns = 60 * WEIR_NS_PER_SEC;
	d = wire_decoder_new(&options, &sink);
	check(d != NULL);
	for (; size > HEAD_BYTES; now_ns += STEP_NS) {
		size_t length = wire_get16(data);
		__u8 *message;

		peer.port = data[2] & 7;
		peer.session = data[2] >> 3 & 1;
		size -= HEAD_BYTES;
		data += HEAD_BYTES;
		length = length < size ? length : size;
		message = malloc(length + !length);
		check(message != NULL);
		memcpy(message, data, length);
		wire_decode(d, &peer, message, length, now_ns);
		free(message);
		data += length;
		size -= length;
		check(wire_decoder_bytes(d) <= MAX_BYTES);
		if (length % 7 == 0)
			wire_decoder_expire(d, now_ns);
	}
	wire_decoder_free(d);
	return 0;
}
