/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What flow export messages look like from outside; all numbers in network order.
 *
 *   IPFIX, v9   header │ set │ set │ ...     set: id, length │ record │ record │ ... │ padding
 *   v5          header │ up to 30 records of 48 bytes
 *
 * A set holds templates, options templates, or the data records of the template that its id names.
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "weir/base.h"

#define IPFIX_VERSION 10
#define V9_VERSION 9
#define V5_VERSION 5

/* Set ids. Data sets have their template's, from 256 on. */
#define IPFIX_SET_TEMPLATES 2
#define IPFIX_SET_OPTIONS 3
#define V9_SET_TEMPLATES 0
#define V9_SET_OPTIONS 1
#define WIRE_SET_DATA_MIN 256

#define IPFIX_ENTERPRISE 0x8000u /* of a field's number: an enterprise number follows */
#define IPFIX_VARIABLE 0xffffu   /* as a field's length: each value says its own */
#define IPFIX_LONG_LENGTH 255    /* as a value's length: two more bytes say it */
#define IPFIX_TRUE 1             /* booleans: RFC 7011, 6.1.5 */
#define IPFIX_FALSE 2
#define IPFIX_REVERSE_PEN 29305 /* RFC 5103: the element of the reverse direction */

/* RFC 7011, 3.1. */
struct ipfix_header {
	__be16 version, length;
	__be32 export_s; /* Unix time */
	__be32 sequence; /* of the first data record */
	__be32 domain;
};

/* RFC 3954, 5.1. */
struct v9_header {
	__be16 version, count; /* count: records of all kinds */
	__be32 uptime_ms;
	__be32 export_s;
	__be32 sequence; /* of the message */
	__be32 source;
};

struct wire_set {
	__be16 id, length; /* with this header */
};

struct v5_header {
	__be16 version, count;
	__be32 uptime_ms;
	__be32 export_s, export_ns;
	__be32 sequence; /* of the first record */
	__u8 engine_type, engine_id;
	__be16 sampling; /* 2 bits mode, 14 bits interval */
};

struct v5_record {
	__u8 src[4], dst[4], next_hop[4];
	__be16 in_if, out_if;
	__be32 packets, bytes;
	__be32 first_ms, last_ms; /* on the header's uptime clock */
	__be16 sport, dport;
	__u8 pad1;
	__u8 tcp_flags, proto, tos;
	__be16 src_as, dst_as;
	__u8 src_mask, dst_mask;
	__be16 pad2;
};

_Static_assert(sizeof(struct ipfix_header) == 16, "IPFIX header");
_Static_assert(sizeof(struct v9_header) == 20, "v9 header");
_Static_assert(sizeof(struct v5_header) == 24, "v5 header");
_Static_assert(sizeof(struct v5_record) == 48, "v5 record");
_Static_assert(offsetof(struct v5_record, first_ms) == 24, "v5 record");
_Static_assert(offsetof(struct v5_record, src_as) == 40, "v5 record");

#define V5_RECORDS_MAX 30
#define V5_SAMPLING_MODE_BITS 14
#define V5_SAMPLING_PACKETS 1 /* mode: one in so many packets */

/* Big-endian numbers anywhere in a buffer. */
static __always_inline __u16 wire_get16(const void *at)
{
	__u16 v;

	memcpy(&v, at, sizeof(v));
	return weir_be16(v);
}

static __always_inline __u32 wire_get32(const void *at)
{
	__u32 v;

	memcpy(&v, at, sizeof(v));
	return weir_be32(v);
}

static __always_inline __u64 wire_get64(const void *at)
{
	__u64 v;

	memcpy(&v, at, sizeof(v));
	return weir_be64(v);
}

static __always_inline void wire_put16(void *at, __u16 value)
{
	value = weir_be16(value);
	memcpy(at, &value, sizeof(value));
}

static __always_inline void wire_put32(void *at, __u32 value)
{
	value = weir_be32(value);
	memcpy(at, &value, sizeof(value));
}

static __always_inline void wire_put64(void *at, __u64 value)
{
	value = weir_be64(value);
	memcpy(at, &value, sizeof(value));
}

/* 0 to 8 bytes, as reduced-size encoding has them (RFC 7011, 6.2). */
static inline __u64 wire_get_uint(const __u8 *at, unsigned int bytes)
{
	__u64 v = 0;

	while (bytes--)
		v = v << 8 | *at++;
	return v;
}

/* A number of IEEE 754, 8 bytes or reduced to 4. What is none, or of another length, is 0. */
static inline double wire_get_real(const __u8 *at, size_t bytes)
{
	__u64 bits = bytes == 8 ? wire_get64(at) : 0;
	__u32 bits4 = bytes == 4 ? wire_get32(at) : 0;
	double value;
	float value4;

	memcpy(&value, &bits, sizeof(value));
	memcpy(&value4, &bits4, sizeof(value4));
	value = bytes == 4 ? value4 : value;
	return __builtin_isfinite(value) ? value : 0;
}

static inline void wire_put_uint(__u8 *at, unsigned int bytes, __u64 value)
{
	for (; bytes--; value >>= 8)
		at[bytes] = value;
}

struct wire_template_field {
	__u32 pen;
	__u16 number, bytes;
	__u16 scope; /* 1: it is one; of v9: which, plus 1 */
};

/* One field of a template, without its scope. What follows it; NULL: it ends beyond `end`. */
const __u8 *wire_field_at(const __u8 *at, const __u8 *end, bool v9, struct wire_template_field *f);
/* A value of variable length (RFC 7011, 7); NULL: it ends beyond `end`. */
const __u8 *wire_value_at(const __u8 *at, const __u8 *end, size_t *length);

#endif
