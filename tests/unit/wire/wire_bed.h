/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages made by hand, and a decoder whose findings are kept. */
#ifndef TESTS_WIRE_BED_H
#define TESTS_WIRE_BED_H

#include "wire/decode.h"
#include "wire/field.h"

#define BED_FLOWS 4096
#define BED_OPTIONS 64
#define BED_MESSAGE 8192
#define SECOND WEIR_NS_PER_SEC
#define EXPORT_S 1700000000u

/* What a decoder handed on. */
struct bed {
	struct wire_decoder *d;
	struct wire_peer peer;
	__u64 now_ns;
	unsigned int flows, options;
	struct flow_record flow[BED_FLOWS];
	struct wire_option option[BED_OPTIONS];
	struct flow_origin origin; /* of the last flows */
};

/* options: NULL for the defaults. */
struct bed *bed_new(const struct wire_decoder_options *options);
/* The defaults, changed. */
struct bed *bed_with(void (*change)(struct wire_decoder_options *o));
/* Bounds soon reached: 64 KiB, 4 of them held, 3 peers, 4 domains, 10 templates, 8 fields. */
void small_rooms(struct wire_decoder_options *o);
void bed_free(struct bed *bed);
int bed_decode(struct bed *bed, const void *message, size_t length);
__u64 bed_count(const struct bed *bed, enum wire_count what);

/* A message in the making: big-endian numbers one after the other. */
struct message {
	size_t length, set;
	__u8 bytes[BED_MESSAGE];
};

void put8(struct message *m, unsigned int value);
void put16(struct message *m, unsigned int value);
void put32(struct message *m, unsigned int value);
void put64(struct message *m, __u64 value);
void put_bytes(struct message *m, const void *bytes, size_t length);

/* Headers; the lengths and counts in them are made right by end_...(). */
void begin_ipfix(struct message *m, unsigned int sequence, unsigned int domain);
void begin_v9(struct message *m, unsigned int uptime_ms, unsigned int sequence,
	      unsigned int domain);
void begin_set(struct message *m, unsigned int id);
void end_set(struct message *m);
void end_ipfix(struct message *m);
/* A template of `count` pairs {number, length}. */
void put_template(struct message *m, unsigned int id, unsigned int count, const __u16 fields[][2]);

/* A template of one field: packets, in four bytes. */
extern const __u16 packets[][2];

/* bed_decode() of a message that was ended. */
int bed_take(struct bed *bed, const struct message *m);

/* An IPFIX message that tells one template; one that has one set of data of it. */
void take_template(struct bed *bed, unsigned int domain, unsigned int id, unsigned int count,
		   const __u16 fields[][2]);
void take_data(struct bed *bed, unsigned int sequence, unsigned int domain, unsigned int id,
	       const void *data, size_t length);

/* A field of a template, and the value that it has: the low `bytes` bytes of it; IPFIX_VARIABLE: a
 * text of one character. */
struct cell {
	__u16 number, bytes;
	__u64 value;
};

/* The bits of a float64, and of a moment of whole seconds as NTP writes it. */
__u64 real_bits(double value);
__u64 ntp_bits(__u64 unix_s);

/* A message of a template and one record of it: of data, or of options with so many scopes. v9's
 * uptime is BED_UPTIME_MS. */
#define BED_UPTIME_MS 3600000u
void take_record(struct bed *bed, enum wire_protocol protocol, unsigned int domain, unsigned int id,
		 unsigned int scopes, unsigned int count, const struct cell *cells);
/* The flow that it was. */
const struct flow_record *take_flow(struct bed *bed, enum wire_protocol protocol,
				    unsigned int count, const struct cell *cells);

/* An encoder whose messages a decoder reads. */
#define NOW (EXPORT_S * SECOND + 987654321)
#define BOOT                                                                                       \
	(NOW - 60ull * 86400 * SECOND) /* so long ago that 32 bits of milliseconds went round */

struct writer {
	struct wire_encoder e;
	__u32 sequence;
	unsigned int messages;
	struct bed *bed;
	__u8 buffer[WIRE_MESSAGE_MAX];
	size_t room, length;
};

struct writer *writer_new(enum wire_protocol protocol, size_t room);
void writer_free(struct writer *w);
/* Ends the message, gives it to the decoder, begins the next. */
void finish(struct writer *w);
/* Nothing was lost or bad, and everything was understood. */
void assert_nothing_bad(const struct bed *bed);

#endif
