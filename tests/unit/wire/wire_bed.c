// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/wire/wire_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

const __u16 packets[][2] = {{2, 4}};

static void keep_flows(void *context, const struct flow_origin *origin,
		       const struct flow_record *flows, unsigned int count)
{
	struct bed *bed = context;

	bed->origin = *origin;
	for (unsigned int i = 0; i < count; i++, bed->flows++) {
		if (bed->flows < BED_FLOWS)
			bed->flow[bed->flows] = flows[i];
	}
}

static void keep_option(void *context, const struct flow_origin *origin,
			const struct wire_option *option)
{
	struct bed *bed = context;

	if (bed->options < BED_OPTIONS)
		bed->option[bed->options] = *option;
	bed->options++;
}

struct bed *bed_new(const struct wire_decoder_options *options)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct wire_sink sink = {
		.flow = {.context = bed, .flows = keep_flows},
		.context = bed,
		.option = keep_option,
	};

	assert_non_null(bed);
	bed->peer = (struct wire_peer){.address = {192, 0, 2, 1}, .family = 4};
	bed->now_ns = 1000 * SECOND;
	bed->d = wire_decoder_new(options ? options : &wire_decoder_defaults, &sink);
	assert_non_null(bed->d);
	return bed;
}

struct bed *bed_with(void (*change)(struct wire_decoder_options *o))
{
	struct wire_decoder_options options = wire_decoder_defaults;

	if (change)
		change(&options);
	return bed_new(&options);
}

void small_rooms(struct wire_decoder_options *o)
{
	o->max_bytes = 64 << 10;
	o->max_held_bytes = 4 << 10;
	o->max_peers = 3;
	o->max_domains = 4;
	o->max_templates = 10;
	o->max_fields = 8;
}

void bed_free(struct bed *bed)
{
	wire_decoder_free(bed->d);
	free(bed);
}

/* From memory of its own, so that reading beyond the end is found. */
int bed_decode(struct bed *bed, const void *message, size_t length)
{
	void *copy = malloc(length ? length : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, message, length);
	err = wire_decode(bed->d, &bed->peer, copy, length, bed->now_ns);
	free(copy);
	return err;
}

__u64 bed_count(const struct bed *bed, enum wire_count what)
{
	return wire_decoder_counts(bed->d)->count[what];
}

void put8(struct message *m, unsigned int value)
{
	assert_true(m->length < BED_MESSAGE);
	m->bytes[m->length++] = value;
}

void put16(struct message *m, unsigned int value)
{
	put8(m, value >> 8);
	put8(m, value);
}

void put32(struct message *m, unsigned int value)
{
	put16(m, value >> 16);
	put16(m, value);
}

void put64(struct message *m, __u64 value)
{
	put32(m, value >> 32);
	put32(m, value);
}

void put_bytes(struct message *m, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put8(m, ((const __u8 *)bytes)[i]);
}

void begin_ipfix(struct message *m, unsigned int sequence, unsigned int domain)
{
	m->length = m->set = 0;
	put16(m, 10);
	put16(m, 0);
	put32(m, EXPORT_S);
	put32(m, sequence);
	put32(m, domain);
}

void begin_v9(struct message *m, unsigned int uptime_ms, unsigned int sequence, unsigned int domain)
{
	m->length = m->set = 0;
	put16(m, 9);
	put16(m, 1);
	put32(m, uptime_ms);
	put32(m, EXPORT_S);
	put32(m, sequence);
	put32(m, domain);
}

void begin_set(struct message *m, unsigned int id)
{
	m->set = m->length;
	put16(m, id);
	put16(m, 0);
}

void end_set(struct message *m)
{
	wire_put16(m->bytes + m->set + 2, m->length - m->set);
}

void end_ipfix(struct message *m)
{
	wire_put16(m->bytes + 2, m->length);
}

void put_template(struct message *m, unsigned int id, unsigned int count, const __u16 fields[][2])
{
	put16(m, id);
	put16(m, count);
	for (unsigned int i = 0; i < count; i++) {
		put16(m, fields[i][0]);
		put16(m, fields[i][1]);
	}
}

int bed_take(struct bed *bed, const struct message *m)
{
	return bed_decode(bed, m->bytes, m->length);
}

void take_template(struct bed *bed, unsigned int domain, unsigned int id, unsigned int count,
		   const __u16 fields[][2])
{
	struct message m;

	begin_ipfix(&m, 0, domain);
	begin_set(&m, 2);
	put_template(&m, id, count, fields);
	end_set(&m);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
}

void take_data(struct bed *bed, unsigned int sequence, unsigned int domain, unsigned int id,
	       const void *data, size_t length)
{
	struct message m;

	begin_ipfix(&m, sequence, domain);
	begin_set(&m, id);
	put_bytes(&m, data, length);
	end_set(&m);
	end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
}

__u64 real_bits(double value)
{
	__u64 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

__u64 ntp_bits(__u64 unix_s)
{
	return (unix_s + 2208988800u) << 32;
}

static void put_cell(struct message *m, const struct cell *cell)
{
	if (cell->bytes == IPFIX_VARIABLE) {
		put8(m, 1);
		put8(m, 'x');
		return;
	}
	for (unsigned int i = cell->bytes; i--;)
		put8(m, i < 8 ? cell->value >> 8 * i : 0);
}

static void put_head(struct message *m, bool v9, unsigned int id, unsigned int scopes,
		     unsigned int count)
{
	begin_set(m, (v9 ? 0 : 2) + !!scopes);
	put16(m, id);
	put16(m, v9 && scopes ? 4 * scopes : count);
	if (scopes)
		put16(m, v9 ? 4 * (count - scopes) : scopes);
}

void take_record(struct bed *bed, enum wire_protocol protocol, unsigned int domain, unsigned int id,
		 unsigned int scopes, unsigned int count, const struct cell *cells)
{
	bool v9 = protocol == WIRE_V9;
	struct message m;

	if (v9)
		begin_v9(&m, BED_UPTIME_MS, 0, domain);
	else
		begin_ipfix(&m, 0, domain);
	put_head(&m, v9, id, scopes, count);
	for (unsigned int i = 0; i < count; i++) {
		put16(&m, cells[i].number);
		put16(&m, cells[i].bytes);
	}
	end_set(&m);
	begin_set(&m, id);
	for (unsigned int i = 0; i < count; i++)
		put_cell(&m, &cells[i]);
	end_set(&m);
	if (!v9)
		end_ipfix(&m);
	assert_int_equal(bed_take(bed, &m), 0);
}

const struct flow_record *take_flow(struct bed *bed, enum wire_protocol protocol,
				    unsigned int count, const struct cell *cells)
{
	bed->flows = 0;
	take_record(bed, protocol, 1, 300, 0, count, cells);
	assert_int_equal(bed->flows, 1);
	return &bed->flow[0];
}

struct writer *writer_new(enum wire_protocol protocol, size_t room)
{
	struct writer *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->e = (struct wire_encoder){.protocol = protocol, .domain = 0x0102, .boot_ns = BOOT};
	w->room = room;
	w->bed = bed_new(NULL);
	wire_begin(&w->e, w->buffer, room);
	return w;
}

void writer_free(struct writer *w)
{
	bed_free(w->bed);
	free(w);
}

void finish(struct writer *w)
{
	w->length = wire_end(&w->e, NOW, w->sequence);
	assert_in_range(w->length, 0, w->room);
	w->sequence += wire_sequence_step(&w->e);
	if (w->length) {
		assert_int_equal(bed_decode(w->bed, w->buffer, w->length), 0);
		w->messages++;
	}
	wire_begin(&w->e, w->buffer, w->room);
}

void assert_nothing_bad(const struct bed *bed)
{
	for (int i = 0; i < WIRE_COUNT_MAX; i++) {
		if (wire_count_names[i].kind != WIRE_KIND_OF_COUNT && bed_count(bed, i))
			fail_msg("%s: %llu", wire_count_names[i].name, bed_count(bed, i));
	}
	assert_int_equal(bed_count(bed, WIRE_COUNT_OTHER_OPTIONS), 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_LATE), 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_RESTARTS), 0);
}
