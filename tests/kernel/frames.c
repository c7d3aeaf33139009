/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "kernel/frames.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTO_FRAGMENT 44
#define PROTO_AH 51

static void put16(struct frame *f, __u32 at, __u16 value)
{
	f->data[at] = value >> 8;
	f->data[at + 1] = value;
}

static void put32(struct frame *f, __u32 at, __u32 value)
{
	put16(f, at, value >> 16);
	put16(f, at + 2, value);
}

static __u32 grow(struct frame *f, __u32 bytes)
{
	__u32 at = f->bytes;

	if (at + bytes > FRAME_BYTES) {
		fprintf(stderr, "frames: a frame of more than %d bytes\n", FRAME_BYTES);
		abort();
	}
	f->bytes += bytes;
	return at;
}

/* RFC 8300 2.2 */
static __u8 next_protocol(__u16 type)
{
	static const __u16 types[] = {0, 0x0800, 0x86dd, 0x6558, 0x894f, 0x8847};
	__u8 next = 0;

	for (__u8 i = 1; i < sizeof(types) / sizeof(*types); i++)
		next = types[i] == type ? i : next;
	return next;
}

/* A new header, and its name into the one before it: `type`, the ethertype; `proto`, of IP. */
static __u32 header(struct frame *f, __u32 bytes, __u16 type, __u8 proto)
{
	switch (f->link) {
	case LINK_ETHERTYPE:
		put16(f, f->link_at, type);
		break;
	case LINK_PPP:
		put16(f, f->link_at, type == 0x0800 ? 0x0021 : type == 0x86dd ? 0x0057 : type);
		break;
	case LINK_PROTO:
		f->data[f->link_at] = proto;
		break;
	case LINK_NEXT:
		f->data[f->link_at] = next_protocol(type);
		break;
	case LINK_NONE:
		break;
	}
	f->link = LINK_NONE;
	f->header_at[f->headers++] = f->bytes;
	return grow(f, bytes);
}

static void link_next(struct frame *f, enum frame_link link, __u32 at)
{
	f->link = link;
	f->link_at = at;
}

static void length_later(struct frame *f, __u32 field_at, __u32 from)
{
	f->length[f->lengths].field_at = field_at;
	f->length[f->lengths++].from = from;
}

void frame_eth(struct frame *f)
{
	__u32 at = header(f, 14, 0x6558, 143);

	memcpy(&f->data[at], "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01", 12);
	link_next(f, LINK_ETHERTYPE, at + 12);
}

void frame_vlan(struct frame *f, __u16 tpid, __u16 tci)
{
	__u32 at = header(f, 4, tpid, 0);

	put16(f, at, tci);
	link_next(f, LINK_ETHERTYPE, at + 2);
}

void frame_mpls(struct frame *f, __u32 label)
{
	bool first = f->link == LINK_ETHERTYPE;
	__u32 at = header(f, 4, 0x8847, 137);

	if (!first)
		f->data[at - 2] &= 0xfe; /* the one above is no longer the bottom */
	put32(f, at, label << 12 | 1 << 8 | 64);
}

void frame_pppoe(struct frame *f)
{
	__u32 at = header(f, 8, 0x8864, 0);

	f->data[at] = 0x11;
	put16(f, at + 2, 0x1234);
	length_later(f, at + 4, at + 6);
	link_next(f, LINK_PPP, at + 6);
}

void frame_snap(struct frame *f)
{
	__u32 length_at = f->link_at;
	__u32 at = header(f, 8, 0, 0);

	memcpy(&f->data[at], "\xaa\xaa\x03", 3);
	length_later(f, length_at, at);
	link_next(f, LINK_ETHERTYPE, at + 6);
}

void frame_fabricpath(struct frame *f)
{
	put16(f, header(f, 2, 0x8903, 0), 1 << 6 | 32);
}

void frame_pbb(struct frame *f, __u32 isid)
{
	put32(f, header(f, 4, 0x88e7, 0), isid);
}

void frame_tag(struct frame *f, __u16 type, __u32 bytes)
{
	__u32 at = header(f, bytes + 2, type, 0);

	link_next(f, LINK_ETHERTYPE, at + bytes);
}

void frame_control_word(struct frame *f)
{
	put32(f, header(f, 4, 0, 0), 7);
}

void frame_nsh(struct frame *f, __u32 context_bytes)
{
	__u32 at = header(f, 8 + context_bytes, 0x894f, 0);

	put16(f, at, 63 << 6 | (8 + context_bytes) / 4);
	f->data[at + 2] = 2; /* metadata of variable length */
	put32(f, at + 4, 42 << 8 | 255);
	memset(&f->data[at + 8], 0x3c, context_bytes);
	link_next(f, LINK_NEXT, at + 3);
}

void frame_arp(struct frame *f)
{
	__u32 at = header(f, 28, 0x0806, 0);

	memcpy(&f->data[at], "\x00\x01\x08\x00\x06\x04\x00\x01", 8);
}

void frame_ethertype(struct frame *f, __u16 type)
{
	header(f, 0, type, 0);
}

void frame_proto(struct frame *f, __u8 proto)
{
	header(f, 0, 0, proto);
}

void frame_ip4_options(struct frame *f, const char *src, const char *dst, __u32 option_bytes)
{
	__u32 at = header(f, 20 + option_bytes, 0x0800, 4);

	f->ip_at[f->ips++] = at;
	f->data[at] = 0x40 | (20 + option_bytes) / 4;
	f->data[at + 8] = 64;
	inet_pton(AF_INET, src, &f->data[at + 12]);
	inet_pton(AF_INET, dst, &f->data[at + 16]);
	memset(&f->data[at + 20], 1, option_bytes); /* no operation */
	length_later(f, at + 2, at);
	link_next(f, LINK_PROTO, at + 9);
}

void frame_ip4(struct frame *f, const char *src, const char *dst)
{
	frame_ip4_options(f, src, dst, 0);
}

void frame_ip4_fragment(struct frame *f, __u16 id, __u16 offset, bool more)
{
	__u32 at = f->ip_at[f->ips - 1];

	put16(f, at + 4, id);
	put16(f, at + 6, offset | (more ? 0x2000 : 0));
}

void frame_ip6(struct frame *f, const char *src, const char *dst)
{
	__u32 at = header(f, 40, 0x86dd, 41);

	f->ip_at[f->ips++] = at;
	f->data[at] = 0x60;
	f->data[at + 7] = 64;
	inet_pton(AF_INET6, src, &f->data[at + 8]);
	inet_pton(AF_INET6, dst, &f->data[at + 24]);
	length_later(f, at + 4, at + 40);
	link_next(f, LINK_PROTO, at + 6);
}

void frame_extension(struct frame *f, __u8 proto, __u32 bytes)
{
	__u32 at = header(f, bytes, 0, proto);

	f->data[at + 1] = proto == PROTO_AH ? bytes / 4 - 2 : bytes / 8 - 1;
	link_next(f, LINK_PROTO, at);
}

void frame_ip6_fragment(struct frame *f, __u32 id, __u16 offset, bool more)
{
	__u32 at = header(f, 8, 0, PROTO_FRAGMENT);

	put16(f, at + 2, offset << 3 | more);
	put32(f, at + 4, id);
	link_next(f, LINK_PROTO, at);
}

static __u32 ports(struct frame *f, __u32 bytes, __u8 proto, __u16 sport, __u16 dport)
{
	__u32 at = header(f, bytes, 0, proto);

	put16(f, at, sport);
	put16(f, at + 2, dport);
	return at;
}

void frame_tcp(struct frame *f, __u16 sport, __u16 dport, __u8 flags)
{
	__u32 at = ports(f, 20, 6, sport, dport);

	f->data[at + 12] = 5 << 4;
	f->data[at + 13] = flags;
}

void frame_udp(struct frame *f, __u16 sport, __u16 dport)
{
	__u32 at = ports(f, 8, 17, sport, dport);

	length_later(f, at + 4, at);
}

void frame_ports(struct frame *f, __u8 proto, __u16 sport, __u16 dport)
{
	ports(f, 16, proto, sport, dport);
}

void frame_icmp(struct frame *f, __u8 type, __u8 code)
{
	ports(f, 8, 1, type << 8 | code, 0);
}

void frame_icmp6(struct frame *f, __u8 type, __u8 code)
{
	ports(f, 8, 58, type << 8 | code, 0);
}

void frame_dns(struct frame *f, bool response)
{
	__u32 at = header(f, 12, 0, 0);

	put16(f, at + 2, response ? 0x8180 : 0x0100);
	put16(f, at + 4, 1);
}

void frame_gre(struct frame *f, bool checksum, bool key, bool sequence)
{
	__u32 bytes = 4 + 4 * (checksum + key + sequence);
	__u32 at = header(f, bytes, 0x880b, 47);

	put16(f, at, (checksum ? 0x8000 : 0) | (key ? 0x2000 : 0) | (sequence ? 0x1000 : 0));
	memset(&f->data[at + 4], 0xa5, bytes - 4);
	link_next(f, LINK_ETHERTYPE, at + 2);
}

void frame_vxlan(struct frame *f, __u32 vni)
{
	__u32 at = header(f, 8, 0, 0);

	f->data[at] = 0x08;
	put32(f, at + 4, vni << 8);
}

void frame_geneve(struct frame *f, __u32 option_bytes)
{
	__u32 at = header(f, 8 + option_bytes, 0, 0);

	f->data[at] = option_bytes / 4;
	memset(&f->data[at + 8], 0x5a, option_bytes);
	link_next(f, LINK_ETHERTYPE, at + 2);
}

void frame_vxlan_gpe(struct frame *f)
{
	__u32 at = header(f, 8, 0, 0);

	f->data[at] = 0x0c;
	put32(f, at + 4, 77 << 8);
	link_next(f, LINK_NEXT, at + 3);
}

void frame_erspan(struct frame *f, int type, bool platform)
{
	__u32 bytes = type == 2 ? 8 : platform ? 20 : 12;
	__u32 at = header(f, bytes, type == 2 ? 0x88be : 0x22eb, 0);

	put16(f, at, (type - 1) << 12 | 100);
	put16(f, at + 2, 9);
	f->data[at + 11] = type == 3 && platform;
}

void frame_gtp(struct frame *f, __u8 flags, const __u8 extension_bytes[4])
{
	__u32 at = header(f, flags ? 12 : 8, 0, 0), next = at + 11;

	f->data[at] = 0x30 | flags;
	f->data[at + 1] = 255;
	put32(f, at + 4, 0xcafe);
	length_later(f, at + 2, at + 8);
	for (int i = 0; flags & 4 && i < 4 && extension_bytes[i]; i++) {
		f->data[next] = 0x85;
		at = grow(f, extension_bytes[i]);
		f->data[at] = extension_bytes[i] / 4;
		next = at + extension_bytes[i] - 1;
	}
}

void frame_l2tp(struct frame *f, bool udp, __u32 cookie_bytes, bool sublayer)
{
	__u32 at = header(f, (udp ? 8 : 4) + cookie_bytes + sublayer * 4, 0, 115);

	if (udp) {
		put16(f, at, 3);
		at += 4;
	}
	put32(f, at, 0x1234);
	memset(&f->data[at + 4], 0xc0, cookie_bytes);
}

void frame_payload(struct frame *f, __u32 bytes)
{
	__u32 at = grow(f, bytes);

	for (__u32 i = 0; i < bytes; i++)
		f->data[at + i] = 'a' + i % 26;
}

static void sum_header(struct frame *f, __u32 at)
{
	__u32 bytes = (f->data[at] & 15) * 4, sum = 0;

	put16(f, at + 10, 0);
	for (__u32 i = 0; i < bytes; i += 2)
		sum += f->data[at + i] << 8 | f->data[at + i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(f, at + 10, ~sum);
}

void frame_end(struct frame *f)
{
	for (__u32 i = 0; i < f->lengths; i++)
		put16(f, f->length[i].field_at, f->bytes - f->length[i].from);
	for (__u32 i = 0; i < f->ips; i++) {
		if (f->data[f->ip_at[i]] >> 4 == 4)
			sum_header(f, f->ip_at[i]);
	}
	f->header_at[f->headers] = f->bytes;
}

void frame_pad(struct frame *f, __u32 to_bytes)
{
	if (to_bytes > f->bytes)
		grow(f, to_bytes - f->bytes); /* zero already */
}

static void addresses(struct frame *f, const char *src, const char *dst)
{
	frame_eth(f);
	if (strchr(src, ':'))
		frame_ip6(f, src, dst);
	else
		frame_ip4(f, src, dst);
}

struct frame frame_of_tcp(const char *src, const char *dst, __u16 sport, __u16 dport, __u8 flags)
{
	struct frame f = {};

	addresses(&f, src, dst);
	frame_tcp(&f, sport, dport, flags);
	frame_end(&f);
	return f;
}

struct frame frame_of_udp(const char *src, const char *dst, __u16 sport, __u16 dport,
			  __u32 payload_bytes)
{
	struct frame f = {};

	addresses(&f, src, dst);
	frame_udp(&f, sport, dport);
	frame_payload(&f, payload_bytes);
	frame_end(&f);
	return f;
}
