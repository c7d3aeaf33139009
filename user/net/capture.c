// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two formats of captures, read record by record; nothing is kept but one packet and, of pcapng, the
 * interfaces of a section.
 *
 *   pcap     header: magic, snap length, link type     then packets: time, lengths, bytes
 *   pcapng   blocks: type, length, body, length again
 *            section      byte order; interfaces count from 0 again
 *            interface    link type, snap length, unit and offset of its times
 *            packet       interface, time, lengths, bytes   (enhanced, simple, obsolete)
 *            all others   are skipped
 *
 * libpcap reads both, but takes no pcapng whose interfaces differ in link type or snap length, and
 * hands out seconds as signed numbers. What stands in a block is checked before its packet is
 * handed on: a damaged file gives the packets before the damage, and one line.
 */
#include "net/capture.h"

#include <byteswap.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "net/capture_link.h"
#include "net/capture_stream.h"

#define NAME_BYTES 32
#define INTERFACES_MOST 65536u /* of a section: 16 bits are the number of one in old packets */
#define TIME_MOST ((1ull << 63) - 1)

struct interface {
	__u32 type;
	const struct capture_link *link; /* NULL: we do not read it */
	__u32 snap_bytes;                /* 0: no limit */
	__u64 units;                     /* of its times, in a second */
	__s64 offset_s;
};

struct capture {
	const char *name; /* of the file */
	struct capture_stream *in;
	struct why *why;
	bool swapped;
	unsigned int count;
	struct interface *interface;
	__u64 packets, at; /* of the file; where the record in work begins */
	__u64 left;        /* of the block in work */
	/* pcap */
	__u32 fractions;   /* of a second: 10^6 or 10^9 */
	__u32 extra_bytes; /* of a packet's header, not needed */
	bool lengths_swap; /* some old ones have the lengths the other way round */
	/* The packet in work */
	__u8 *data;
	struct capture_raw raw;
	__u64 now_ns;
	bool timed;
	__u32 fraction;  /* of a bad time: a second or more; else 0 */
	unsigned int of; /* interface */
	bool pending;
	/* The first link type that is not read, and how many packets are of such */
	__u32 unread;
	__u64 unread_packets;
	/* The first bad time, in which packet, and how many there are */
	__u32 bad_fraction;
	__u64 bad_packet, bad_times;

	capture_fn *fn;
	void *context;
	struct capture_counts *counts;
};

const struct capture_counter_info capture_counters[CAPTURE_COUNTER_MAX] = {
#define X(id, name, kind, text) [CAPTURE_##id] = {#name, text, CAPTURE_KIND_##kind},
	CAPTURE_COUNTERS(X)
#undef X
};

/* Where in the file, and what is wrong there. */
__attribute__((format(printf, 2, 3))) static int damaged(struct capture *c, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return why_set(c->why, -EBADMSG, "%.512s: after packet %llu, at byte %llu: %s", c->name,
		       c->packets, c->at, text);
}

static __u32 get32(const struct capture *c, const void *from)
{
	__u32 value;

	memcpy(&value, from, sizeof(value));
	return c->swapped ? bswap_32(value) : value;
}

static __u16 get16(const struct capture *c, const void *from)
{
	__u16 value;

	memcpy(&value, from, sizeof(value));
	return c->swapped ? bswap_16(value) : value;
}

/* 1; 0: the file ends here; -EBADMSG. Where it `may_end`, that is no damage. */
static int take(struct capture *c, void *to, __u32 bytes, bool may_end)
{
	struct why why = {};
	ssize_t got = capture_stream_read(c->in, to, bytes, &why);

	if (got < 0)
		return damaged(c, "%s", why.text);
	if (got == bytes)
		return 1;
	if (!got && may_end)
		return 0;
	return damaged(c, "the file ends here: %zd of %u bytes", got, bytes);
}

/* --- Packets --------------------------------------------------------------------------------- */

static void count(struct capture *c, enum capture_counter counter)
{
	c->counts->count[counter].packets++;
	c->counts->count[counter].bytes += c->raw.wire_bytes;
}

static void note_time(struct capture_counts *counts, __u64 now_ns)
{
	if (!counts->timed || now_ns < counts->first_ns)
		counts->first_ns = now_ns;
	if (!counts->timed || now_ns > counts->last_ns)
		counts->last_ns = now_ns;
	counts->timed = true;
}

/* The packet in work, read whole. 0, or what stops. */
static int hand_on(struct capture *c)
{
	const struct interface *i = &c->interface[c->of];
	struct capture_packet packet = {.now_ns = c->now_ns};
	enum capture_counter fate = CAPTURE_LINK_TYPE;

	c->packets++;
	c->raw.type = i->type;
	if (c->raw.wire_bytes < c->raw.bytes) {
		c->raw.wire_bytes = c->raw.bytes;
		count(c, CAPTURE_SHORT_WIRE);
	}
	count(c, CAPTURE_READ);
	if (c->timed)
		note_time(c->counts, c->now_ns);
	else
		count(c, c->fraction ? CAPTURE_BAD_TIME : CAPTURE_NO_TIME);
	if (i->link)
		fate = capture_link_frame(i->link, &c->raw, &packet);
	if (fate == CAPTURE_READ)
		return c->fn(c->context, &packet);
	count(c, fate);
	if (fate == CAPTURE_LINK_TYPE && !c->unread_packets++)
		c->unread = c->raw.type;
	return 0;
}

/* Bytes of a packet, as many as the file says. */
static int take_bytes(struct capture *c, __u32 bytes, __u32 wire_bytes)
{
	if (bytes > CAPTURE_BYTES)
		return damaged(c, "a packet of %u captured bytes", bytes);
	c->raw = (struct capture_raw){
		.data = c->data + CAPTURE_LEAD,
		.bytes = bytes,
		.wire_bytes = wire_bytes,
		.swapped = c->swapped,
	};
	return take(c, c->raw.data, bytes, false);
}

static int add_interface(struct capture *c, const struct interface *i)
{
	struct interface *more;

	if (c->count == INTERFACES_MOST)
		return damaged(c, "more than %u interfaces", INTERFACES_MOST);
	more = array_grow(c->interface, c->count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	c->interface = more;
	more[c->count] = *i;
	more[c->count++].link = capture_link_find(i->type);
	return 0;
}

/* --- pcap ------------------------------------------------------------------------------------ */

#define PCAP_MICRO 0xa1b2c3d4
#define PCAP_NANO 0xa1b23c4d
#define PCAP_MODIFIED 0xa1b2cd34 /* Kuznetsov's: 8 bytes more about each packet */
#define PCAP_HEADER_BYTES 24
#define PCAP_PACKET_BYTES 16
#define PCAP_LINK_BITS 0x03ffffff /* above them: how long the FCS is */

/* Some writers' fractions reach a second and more. Which time was meant, nobody knows. */
static void set_pcap_time(struct capture *c, __u32 seconds, __u32 fraction)
{
	c->timed = fraction < c->fractions;
	c->fraction = c->timed ? 0 : fraction;
	if (c->timed) {
		c->now_ns = seconds * WEIR_NS_PER_SEC +
			    (__u64)fraction * (WEIR_NS_PER_SEC / c->fractions);
		return;
	}
	if (!c->now_ns) /* no time before: the second, which was told, is nearer than 1970 */
		c->now_ns = seconds * WEIR_NS_PER_SEC;
	if (!c->bad_times++) {
		c->bad_fraction = fraction;
		c->bad_packet = c->packets + 1;
	}
}

/* Before version 2.3 the length on the wire stood first; in 2.3 it depends on who wrote it. */
static int read_pcap_packet(struct capture *c)
{
	__u8 head[PCAP_PACKET_BYTES];
	__u32 bytes, wire_bytes;
	int code;

	c->at = capture_stream_at(c->in);
	code = take(c, head, sizeof(head), true);
	if (code <= 0)
		return code;
	if (c->extra_bytes)
		code = take(c, NULL, c->extra_bytes, false);
	if (code < 0)
		return code;
	bytes = get32(c, head + 8);
	wire_bytes = get32(c, head + 12);
	code = c->lengths_swap && bytes > wire_bytes ? take_bytes(c, wire_bytes, bytes)
						     : take_bytes(c, bytes, wire_bytes);
	if (code < 0)
		return code;
	set_pcap_time(c, get32(c, head), get32(c, head + 4));
	code = hand_on(c);
	return code ? code : 1;
}

static int read_pcap(struct capture *c, __u32 magic)
{
	__u8 head[PCAP_HEADER_BYTES - sizeof(magic)];
	struct interface i = {};
	int code = take(c, head, sizeof(head), false);

	if (code < 0)
		return code;
	if (get16(c, head) != 2)
		return damaged(c, "pcap version %u.%u, but weir reads only 2.x", get16(c, head),
			       get16(c, head + 2));
	c->lengths_swap = get16(c, head + 2) <= 3;
	c->fractions = magic == PCAP_NANO ? 1000000000 : 1000000;
	c->extra_bytes = magic == PCAP_MODIFIED ? 8 : 0;
	i.type = get32(c, head + 16) & PCAP_LINK_BITS;
	code = add_interface(c, &i);
	if (!code && !c->interface->link)
		return why_set(c->why, -EBADMSG,
			       "%.512s: link type %u (%s) is not one that weir reads", c->name,
			       i.type, capture_link_name(i.type));
	code = code ? code : 1;
	while (code == 1)
		code = read_pcap_packet(c);
	return code;
}

/* --- pcapng: draft-ietf-opsawg-pcapng -------------------------------------------------------- */

#define NG_SECTION 0x0a0d0d0a
#define NG_INTERFACE 1
#define NG_OLD_PACKET 2
#define NG_SIMPLE_PACKET 3
#define NG_PACKET 6
#define NG_BYTE_ORDER 0x1a2b3c4d
#define NG_AROUND 12 /* bytes: type, length, length again */
#define NG_OPTION_UNITS 9
#define NG_OPTION_OFFSET 14

/* Of the block in work, which must have so many. */
static int take_body(struct capture *c, void *to, __u32 bytes)
{
	if (bytes > c->left)
		return damaged(c, "a block too short for its contents");
	c->left -= bytes;
	return take(c, to, bytes, false);
}

static int skip_body(struct capture *c, __u32 bytes)
{
	return take_body(c, NULL, bytes);
}

/* A unit of time is 10^-n or, with the highest bit, 2^-n seconds. */
static int set_units(struct capture *c, struct interface *i, __u8 exponent)
{
	__u32 base = exponent & 0x80 ? 2 : 10, n = exponent & 0x7f;

	if (n > (base == 2 ? 63 : 19))
		return damaged(c, "times in units of %u^-%u seconds", base, n);
	for (i->units = 1; n; n--)
		i->units *= base;
	return 1;
}

static int read_option(struct capture *c, struct interface *i, __u32 code, __u32 bytes)
{
	__u32 padded = (bytes + 3) / 4 * 4;
	__u8 value[8];
	__u64 offset;
	int got;

	if (!(code == NG_OPTION_UNITS && bytes == 1) && !(code == NG_OPTION_OFFSET && bytes == 8))
		return skip_body(c, padded);
	got = take_body(c, value, padded);
	if (got < 0)
		return got;
	if (code == NG_OPTION_UNITS)
		return set_units(c, i, *value);
	memcpy(&offset, value, sizeof(offset));
	i->offset_s = c->swapped ? bswap_64(offset) : offset;
	return 1;
}

static int read_interface(struct capture *c)
{
	struct interface i = {.units = 1000000};
	__u8 head[8], option[4];
	int code = take_body(c, head, sizeof(head));

	if (code < 0)
		return code;
	i.type = get16(c, head);
	i.snap_bytes = get32(c, head + 4);
	while (c->left >= sizeof(option)) {
		code = take_body(c, option, sizeof(option));
		if (code < 0 || !get16(c, option))
			break;
		code = read_option(c, &i, get16(c, option), get16(c, option + 2));
		if (code < 0)
			break;
	}
	return code < 0 ? code : add_interface(c, &i);
}

/* 1, or -EBADMSG: that moment is before 1970, or not one that 63 bits of nanoseconds can be. */
static int set_time(struct capture *c, const __u8 *high_low)
{
	const struct interface *i = &c->interface[c->of];
	__u64 since = (__u64)get32(c, high_low) << 32 | get32(c, high_low + 4);
	__int128 ns = (__int128)since * WEIR_NS_PER_SEC / i->units +
		      (__int128)i->offset_s * WEIR_NS_PER_SEC;

	if (ns < 0 || ns > TIME_MOST)
		return damaged(c, "a time before 1970 or after 2261");
	c->now_ns = ns;
	c->timed = true;
	return 1;
}

static int set_interface(struct capture *c, __u32 number)
{
	if (number >= c->count)
		return damaged(c, "a packet of interface %u, but the section has %u", number,
			       c->count);
	c->of = number;
	return 1;
}

static int take_packet(struct capture *c, __u32 bytes, __u32 wire_bytes)
{
	if (bytes > c->left)
		return damaged(c, "a packet of %u bytes in a block with %llu left", bytes, c->left);
	c->left -= bytes;
	c->pending = true;
	return take_bytes(c, bytes, wire_bytes);
}

/* `old`: the interface is a number of 16 bits, before another such. */
static int read_packet(struct capture *c, bool old)
{
	__u8 head[20];
	int code = take_body(c, head, sizeof(head));

	if (code > 0)
		code = set_interface(c, old ? get16(c, head) : get32(c, head));
	if (code > 0)
		code = take_packet(c, get32(c, head + 12), get32(c, head + 16));
	return code < 0 ? code : set_time(c, head + 4);
}

/* Of the first interface, without a time, and as long as it, its snap length and the block say. */
static int read_simple_packet(struct capture *c)
{
	__u32 snap_bytes, bytes, wire_bytes;
	__u8 head[4];
	int code = take_body(c, head, sizeof(head));

	if (code > 0)
		code = set_interface(c, 0);
	if (code < 0)
		return code;
	snap_bytes = c->interface->snap_bytes;
	bytes = wire_bytes = get32(c, head);
	if (snap_bytes && bytes > snap_bytes)
		bytes = snap_bytes;
	if (bytes > c->left)
		bytes = c->left;
	c->timed = false;
	return take_packet(c, bytes, wire_bytes);
}

static int read_body(struct capture *c, __u32 type)
{
	switch (type) {
	case NG_INTERFACE:
		return read_interface(c);
	case NG_OLD_PACKET:
		return read_packet(c, true);
	case NG_SIMPLE_PACKET:
		return read_simple_packet(c);
	case NG_PACKET:
		return read_packet(c, false);
	}
	return 1;
}

/* The byte order of a section is what its own header is in; its length is not needed. */
static int begin_section(struct capture *c, __u8 length[4])
{
	__u8 head[8];
	__u32 magic;
	int code = take(c, head, sizeof(head), false);

	if (code < 0)
		return code;
	memcpy(&magic, head, sizeof(magic));
	c->swapped = magic == bswap_32(NG_BYTE_ORDER);
	if (magic != NG_BYTE_ORDER && !c->swapped)
		return damaged(c, "a section without a valid byte-order mark");
	if (get16(c, head + 4) != 1)
		return damaged(c, "pcapng version %u.%u, but weir reads only 1.x",
			       get16(c, head + 4), get16(c, head + 6));
	c->count = 0;
	return get32(c, length) >= NG_AROUND + sizeof(head)
		       ? (int)sizeof(head)
		       : damaged(c, "a block of %u bytes", get32(c, length));
}

/* 1, 0 at the end; or what stops. `type`: of the first block, which has been read; else 0. */
static int read_block(struct capture *c, __u32 type)
{
	__u8 head[8], again[4];
	int code, taken = 0;

	c->at = capture_stream_at(c->in) - (type ? sizeof(type) : 0);
	memcpy(head, &type, sizeof(type));
	code = type ? take(c, head + 4, 4, false) : take(c, head, sizeof(head), true);
	if (code <= 0)
		return code;
	memcpy(&type, head, sizeof(type));
	if (type == NG_SECTION) /* the same in both byte orders */
		taken = begin_section(c, head + 4);
	if (taken < 0)
		return taken;
	c->left = get32(c, head + 4);
	if (c->left < NG_AROUND || c->left % 4)
		return damaged(c, "a block of %llu bytes, %s", c->left,
			       c->left % 4 ? "not a multiple of 4" : "fewer than any block has");
	c->left -= NG_AROUND + taken;
	c->pending = false;
	code = read_body(c, get32(c, head));
	while (code >= 0 && c->left)
		code = skip_body(c, c->left < CAPTURE_BYTES ? c->left : CAPTURE_BYTES);
	if (code >= 0)
		code = take(c, again, sizeof(again), false);
	if (code < 0)
		return code;
	if (memcmp(again, head + 4, sizeof(again)))
		return damaged(c, "a block of %u bytes whose end says %u", get32(c, head + 4),
			       get32(c, again));
	code = c->pending ? hand_on(c) : 0;
	return code ? code : 1;
}

static int read_pcapng(struct capture *c)
{
	int code = read_block(c, NG_SECTION);

	while (code == 1)
		code = read_block(c, 0);
	return code;
}

/* --------------------------------------------------------------------------------------------- */

static int read_all(struct capture *c)
{
	__u32 magic;
	struct why why = {};
	ssize_t got = capture_stream_read(c->in, &magic, sizeof(magic), &why);

	if (got < 0)
		return why_set(c->why, got, "%.512s: %s", c->name, why.text);
	if (got == sizeof(magic) && magic == NG_SECTION)
		return read_pcapng(c);
	for (int swapped = 0; got == sizeof(magic) && swapped < 2; swapped++) {
		if (magic == PCAP_MICRO || magic == PCAP_NANO || magic == PCAP_MODIFIED) {
			c->swapped = swapped;
			return read_pcap(c, magic);
		}
		magic = bswap_32(magic);
	}
	return why_set(c->why, -EBADMSG, "%.512s: neither pcap nor pcapng", c->name);
}

/* Packets that were left out of an undamaged file. */
static int say_unread(const struct capture *c)
{
	if (!c->unread_packets && c->bad_times)
		return why_set(c->why, -EBADMSG,
			       "%.512s: times of %llu of %llu packets have a fraction of a second "
			       "or more, the first in packet %llu: %u/%u",
			       c->name, c->bad_times, c->packets, c->bad_packet, c->bad_fraction,
			       c->fractions);
	if (!c->unread_packets)
		return 0;
	return why_set(c->why, -EBADMSG,
		       "%.512s: %llu of %llu packets are of link type %u (%s), which weir does not "
		       "read",
		       c->name, c->unread_packets, c->packets, c->unread,
		       capture_link_name(c->unread));
}

int capture_read(const char *path, capture_fn *fn, void *context, struct capture_counts *counts,
		 struct why *why)
{
	struct capture c = {
		.name = strcmp(path, "-") ? path : "standard input",
		.why = why,
		.fn = fn,
		.context = context,
		.counts = counts,
		.now_ns = counts->timed ? counts->last_ns : 0,
	};
	struct why reason = {};
	int code;

	c.in = capture_stream_open(path, &reason);
	if (!c.in)
		return why_set(why, -EBADMSG, "%.512s: %s", c.name, reason.text);
	c.data = malloc(CAPTURE_LEAD + CAPTURE_BYTES);
	code = c.data ? read_all(&c) : -ENOMEM;
	if (code == -ENOMEM)
		why_set(why, code, "%.512s: %s", c.name, strerror(ENOMEM));
	free(c.data);
	free(c.interface);
	capture_stream_close(c.in);
	return code ? code : say_unread(&c);
}
