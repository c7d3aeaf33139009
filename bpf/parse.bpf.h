/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a frame to a flow key.
 *
 *   link headers ≤ 12 ─── IPv4, IPv6 + extension headers ≤ 8 ─── transport
 *     (links.bpf.h)                   ▲                            │
 *          ▲                          └── IP-in-IP, 6in4, GTP-U ───┤  tunnels: inner
 *          └──── GRE, VXLAN, GENEVE, ERSPAN, L2TPv3 ───────────────┘  (tunnels.bpf.h)
 *
 * There is one layer unless tunnels are followed. Every stop gives an answer: before the
 * first IP header the name of a counter, after it the flow of the last header understood.
 *
 * Most frames are read where they lie, and have nothing but what is in the first layer: Ethernet,
 * two tags at most, perhaps PPPoE, IP. Of the others, with other link headers, extension headers,
 * tunnels to follow, or headers outside the part that can be read in place, a copy of the beginning
 * is read again, by functions that the verifier looks at once. On frames where they lie these
 * would have to take a pointer, which takes BTF of the kernel, or to be inlined, which is 60,000
 * more instructions for the verifier (6.18): each way to a layer is then a way to all that comes
 * after it.
 */
#ifndef WEIR_PARSE_BPF_H
#define WEIR_PARSE_BPF_H

#include "cursor.bpf.h"
#include "links.bpf.h"
#include "tunnels.bpf.h"

#define LAYERS 4
#define EXTENSIONS 8
#define OPTIONS 8 /* of IPv6, in front of the one that is sought */

#define JUMBO 0xc2            /* RFC 2675 */
#define OFFLOAD_FRAME_MIN 577 /* no link asks for smaller packets, of which it makes several */
#define FRAGMENTS_NS (60 * WEIR_NS_PER_SEC) /* RFC 8200 4.5, RFC 1122 3.3.2 */

/* Will the hardware fill in this length of 0, when it cuts the packet into many? In place, part of the
 * frame may be elsewhere: the copy says how long it is. */
static __always_inline bool is_offloaded(const struct cursor *c, const struct packet *p, __u8 proto)
{
	return c->copied && (proto == PROTO_TCP || proto == PROTO_UDP) &&
	       p->frame_bytes >= OFFLOAD_FRAME_MIN;
}

static __always_inline bool is_extension(__u8 proto)
{
	switch (proto) {
	case PROTO_HOPOPT:
	case PROTO_ROUTING:
	case PROTO_FRAGMENT:
	case PROTO_AH:
	case PROTO_DSTOPTS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return true;
	}
	return false;
}

/* Nothing follows most of these: they are what the packet is about. */
static __always_inline bool is_message(__u8 proto)
{
	return proto == PROTO_MOBILITY || proto == PROTO_HIP || proto == PROTO_SHIM6;
}

/* Does the packet, by its length, end before these bytes? What follows in the frame is padding. */
static __always_inline bool ends_before(const struct packet *p, __u32 at, __u32 bytes)
{
	return p->ip_bytes && at + bytes > p->ip_offset + p->ip_bytes;
}

/* The length of a jumbogram is in the hop-by-hop options, at the packet's stand: sets p->ip_bytes,
 * which is that of an empty packet, if there is one. */
__noinline int read_jumbo(__u32 bytes)
{
	struct packet *p = this_packet();
	struct cursor c;
	__u32 end;
	__u8 *h;

	if (!p)
		return 0;
	c = copy_cursor(p, bytes);
	h = take(&c, 2);
	if (!h)
		return 0;
	end = c.stand.at + 6 + h[1] * 8;
#pragma unroll
	for (int i = 0; i < OPTIONS; i++) {
		h = peek(&c, 6);
		if (!h)
			return 0;
		if (h[0] == JUMBO)
			break;
		c.stand.at = forget(c.stand.at + (h[0] ? 2 + h[1] : 1)); /* Pad1 is one byte */
	}
	h = peek(&c, 6);
	if (c.stand.at + 6 <= end && h && h[0] == JUMBO && h[1] == 4 && load32(h + 2) > 0xffff &&
	    load32(h + 2) < 1u << 31)
		p->ip_bytes = sizeof(struct ipv6) + load32(h + 2);
	return 0;
}

/* Continues at the packet's stand, in its copy of `bytes`. Stops early, with the protocol of the
 * header that it stopped at, when the chain is cut, too long, or longer than the packet. */
__noinline int read_extensions(__u32 bytes)
{
	struct packet *p = this_packet();
	struct stand *stand;
	struct cursor c;

	if (!p)
		return 0;
	stand = &p->stand;
	c = copy_cursor(p, bytes);
#pragma unroll /* the verifier loses a counter kept on the stack: "infinite loop detected" (6.18) */
	for (int i = 0; i < EXTENSIONS; i++) {
		struct extension *h;
		__u32 length;

		if (!is_extension(stand->proto) || stand->fragment == 2)
			return 0;
		if (!(p->key.flags & WEIR_KEY_V6) && stand->proto != PROTO_AH)
			return 0;
		if (stand->proto == PROTO_HOPOPT && p->ip_bytes == sizeof(struct ipv6))
			read_jumbo(bytes);
		if (ends_before(p, stand->at, sizeof(*h)))
			return 0;
		c.stand.at = stand->at;
		h = peek(&c, sizeof(*h));
		if (!h)
			return 0;
		if (is_message(stand->proto) && h->next == PROTO_NONE)
			return 0;
		length = (h->length + 1) * 8;
		if (stand->proto == PROTO_AH)
			length = (h->length + 2) * 4;
		if (stand->proto == PROTO_FRAGMENT) {
			length = 8;
			stand->id = weir_be32(h->id);
			stand->fragment_proto = h->next;
			if (weir_be16(h->fragment) & 0xfff9)
				stand->fragment = weir_be16(h->fragment) & 0xfff8 ? 2 : 1;
		}
		stand->proto = h->next;
		stand->at += length;
	}
	if (is_extension(stand->proto))
		p->too_deep = true;
	return 0;
}

static __always_inline void parse_extensions(struct cursor *c, struct packet *p)
{
	if (!c->copied) {
		p->cut = true;
		return;
	}
	p->stand = c->stand;
	read_extensions(c->end - c->start);
	c->stand = p->stand;
}

static __always_inline int parse_ipv4(struct cursor *c, struct packet *p)
{
	struct ipv4 *h = peek(c, sizeof(*h));
	__u32 header, length, fragment;

	if (!h)
		return WEIR_TRUNCATED;
	header = (h->version_ihl & 15) * 4;
	if (h->version_ihl >> 4 != 4 || header < sizeof(*h))
		return WEIR_MALFORMED;
	length = weir_be16(h->total_length);
	if (unlikely(length < header)) {
		p->cut |= !length;
		if (length || !is_offloaded(c, p, h->proto))
			return WEIR_MALFORMED;
	}
	p->ip_bytes = length;
	p->ip_offset = c->stand.at;
	p->key.src4 = h->src;
	p->key.dst4 = h->dst;
	p->key.flags &= ~WEIR_KEY_V6;
	p->tos = h->tos;
	c->stand.proto = h->proto;
	fragment = weir_be16(h->fragment);
	c->stand.fragment = 0;
	if (unlikely(fragment & 0x3fff)) {
		c->stand.fragment = forget(fragment & 0x1fff ? 2 : 1);
		c->stand.id = weir_be16(h->id);
		c->stand.fragment_proto = h->proto;
	}
	c->stand.at = forget(c->stand.at + header);
	if (unlikely(h->proto == PROTO_AH))
		parse_extensions(c, p);
	return PARSED;
}

static __always_inline int parse_ipv6(struct cursor *c, struct packet *p)
{
	struct ipv6 *h = peek(c, sizeof(*h));

	if (!h)
		return WEIR_TRUNCATED;
	if ((weir_be32(h->version_class_label) >> 28) != 6)
		return WEIR_MALFORMED;
	p->ip_bytes = weir_be16(h->payload_length) + sizeof(*h);
	if (unlikely(!h->payload_length)) {
		p->cut = true;
		if (is_offloaded(c, p, h->next))
			p->ip_bytes = 0;
	}
	p->ip_offset = c->stand.at;
	__builtin_memcpy(&p->pair, h->src, sizeof(p->pair));
	p->key.addrs = weir_fold6(&p->pair);
	p->key.flags |= WEIR_KEY_V6;
	p->tos = weir_be32(h->version_class_label) >> 20;
	c->stand.at = forget(c->stand.at + sizeof(*h));
	c->stand.proto = h->next;
	c->stand.fragment = 0;
	if (is_extension(h->next))
		parse_extensions(c, p);
	return PARSED;
}

static __always_inline bool has_ports(__u8 proto)
{
	switch (proto) {
	case PROTO_TCP:
	case PROTO_UDP:
	case PROTO_DCCP:
	case PROTO_SCTP:
	case PROTO_UDPLITE:
		return true;
	}
	return false;
}

static __always_inline bool has_type(__u8 proto)
{
	return proto == PROTO_ICMP || proto == PROTO_ICMPV6;
}

static __always_inline struct fragment_key datagram_of(const struct packet *p, __u32 id, __u8 proto)
{
	struct fragment_key key = {
		.id = id,
		.ifindex = p->key.ifindex,
		.vlan = p->key.vlan,
		.proto = proto,
		.flags = p->key.flags & (WEIR_KEY_OUT | WEIR_KEY_V6),
	};

	if (p->key.flags & WEIR_KEY_V6)
		key.pair = p->pair;
	else
		key.pair.word[0] = p->key.addrs;
	return key;
}

/* Keeps what the first fragment has for the later ones, or forgets that of an earlier datagram. */
__noinline int keep_first_fragment(__u32 id, __u8 proto)
{
	struct packet *p = this_packet();
	struct first_fragment first = {};
	struct fragment_key key;

	if (!p)
		return 0;
	key = datagram_of(p, id, proto);
	if (p->key.flags & WEIR_KEY_UNKNOWN)
		return bpf_map_delete_elem(&fragments, &key);
	first.seen_ns = p->now_ns;
	first.proto = p->key.proto;
	first.ports = p->key.sport | (__u32)p->key.dport << 16;
	return bpf_map_update_elem(&fragments, &key, &first, BPF_ANY);
}

/* A later fragment has the ports, or type and code, of the first; IP sends them in the first only.
 * Datagram ids are reused, so an entry long past, or in replay long ahead, is another datagram's. */
__noinline int find_first_fragment(__u32 id, __u8 proto)
{
	struct packet *p = this_packet();
	struct first_fragment *first;
	struct fragment_key key;

	if (!p)
		return 0;
	key = datagram_of(p, id, proto);
	first = bpf_map_lookup_elem(&fragments, &key);
	if (!first || p->now_ns - first->seen_ns + FRAGMENTS_NS > 2 * FRAGMENTS_NS) {
		p->no_first_fragment = true;
		p->key.flags |= WEIR_KEY_UNKNOWN;
		return 0;
	}
	p->key.proto = first->proto;
	p->key.sport = first->ports;
	p->key.dport = first->ports >> 16;
	if (has_ports(p->key.proto))
		p->key.flags &= ~WEIR_KEY_NOPORTS;
	return 0;
}

static __always_inline void parse_tcp(struct cursor *c, struct packet *p)
{
	__u8 *h = peek(c, 14);

	if (ends_before(p, c->stand.at, 14))
		return;
	if (!h) {
		p->cut = true;
		return;
	}
	if (h[12] >> 4 < 5) /* no TCP header is shorter than 20 bytes */
		return;
	p->tcp_flags = h[13];
	p->traits.flags = h[13];
	p->header_bytes = c->stand.at + (h[12] >> 4) * 4;
}

static __always_inline void parse_dns(struct cursor *c, struct packet *p)
{
	__u8 *h = peek(c, 8 + 12);

	if (weir_be16(p->key.sport) != PORT_DNS && weir_be16(p->key.dport) != PORT_DNS)
		return;
	if (ends_before(p, c->stand.at, 8 + 12))
		return;
	if (!h) {
		p->cut = true;
		return;
	}
	p->traits.qr = h[10] & 0x80 ? WEIR_QR_RESPONSE : WEIR_QR_QUERY;
}

/* Ports, or type and code. False: they are not there. */
static __always_inline bool parse_ports(struct cursor *c, struct packet *p)
{
	struct ports *h = peek(c, sizeof(*h));
	bool ends = ends_before(p, c->stand.at, sizeof(*h));

	if (!h || ends) {
		p->no_transport = true;
		p->cut |= !ends;
		p->key.flags |= WEIR_KEY_UNKNOWN;
		return false;
	}
	if (has_type(c->stand.proto)) {
		p->key.dport = h->src; /* the first two bytes */
		return true;
	}
	p->key.sport = h->src;
	p->key.dport = h->dst;
	p->key.flags &= ~WEIR_KEY_NOPORTS;
	return true;
}

static __always_inline void parse_transport(struct cursor *c, struct packet *p)
{
	const bool told = has_ports(c->stand.proto) || has_type(c->stand.proto);

	p->key.proto = c->stand.proto;
	p->key.sport = 0;
	p->key.dport = 0;
	p->key.flags = (p->key.flags | WEIR_KEY_NOPORTS) & ~WEIR_KEY_UNKNOWN;
	p->tcp_flags = 0;
	p->traits.flags = WEIR_FLAGS_NONE;
	p->traits.qr = WEIR_QR_NONE;
	p->no_transport = false;
	p->header_bytes = c->stand.at;
	if (unlikely(c->stand.fragment == 2)) {
		if (told || is_extension(c->stand.proto))
			find_first_fragment(c->stand.id, c->stand.fragment_proto);
		return;
	}
	if (told && parse_ports(c, p)) {
		if (c->stand.proto == PROTO_TCP) {
			parse_tcp(c, p);
		} else if (c->stand.proto == PROTO_UDP) {
			p->header_bytes += 8;
			parse_dns(c, p);
		}
	}
	if (unlikely(c->stand.fragment) && (told || c->stand.fragment_proto != c->stand.proto))
		keep_first_fragment(c->stand.id, c->stand.fragment_proto);
}

/* The IP header at the cursor, if there is one, and what it carries. */
static __always_inline int parse_ip(struct cursor *c, struct packet *p)
{
	int fate;

	c->stand.at = forget(c->stand.at);
	c->stand.type = forget(c->stand.type);
	if (likely(c->stand.type == ETH_IPV4))
		fate = parse_ipv4(c, p);
	else if (c->stand.type == ETH_IPV6)
		fate = parse_ipv6(c, p);
	else
		return c->stand.type == ETH_ARP ? WEIR_ARP : WEIR_NOT_IP;
	if (fate != PARSED)
		return fate;
	parse_transport(c, p);
	return PARSED;
}

/* --- Where the frame lies --------------------------------------------------------------- */

static __always_inline int parse_link(struct cursor *c, struct packet *p)
{
	int fate = c->stand.type == ETH_LINK ? link_ethernet(c) : PARSED;

	for (int i = 0; i < 2 && fate == PARSED && unlikely(is_vlan(c->stand.type)); i++)
		fate = link_vlan(c, p);
	if (fate != PARSED || likely(c->stand.type == ETH_IPV4))
		return fate;
	if (c->stand.type == ETH_PPPOE)
		return link_pppoe(c);
	p->cut = link_of(c->stand.type) != LINK_NONE;
	return PARSED;
}

/*
 * The first layer of a frame where it lies. Fills p->key, pair, traits and the lengths of a frame
 * of p->frame_bytes. `type`: ETH_LINK, or the ethertype on devices without a link header; `t` says
 * whether tunnels are followed. Returns PARSED or the counter for a packet that is in no flow. Sets
 * p->cut when that is not all: parse_copy() reads the rest.
 */
static __noinline int parse_frame(struct packet *p, void *start, void *end, __u32 type,
				  const struct weir_tables *t)
{
	struct cursor c = {.start = start, .end = end, .stand.type = type};
	int fate = parse_link(&c, p);

	if (fate == PARSED && !p->cut)
		fate = parse_ip(&c, p);
	if (fate == WEIR_TRUNCATED || (fate == PARSED && unlikely(t->inner) && tunnel_of(&c, p, t)))
		p->cut = true;
	return fate;
}

/* --- In the copy of its beginning ------------------------------------------------------- */

static __always_inline bool is_ip(const struct packet *p)
{
	return p->stand.type == ETH_IPV4 || p->stand.type == ETH_IPV6;
}

/* The layer at the packet's stand. */
__noinline int read_layer(__u32 bytes)
{
	struct packet *p = this_packet();
	struct cursor c;
	int fate;

	if (!p)
		return WEIR_TRUNCATED;
#pragma unroll /* see read_extensions() */
	for (int i = 0; i < LINKS && !is_ip(p); i++) {
		fate = read_link(bytes);
		if (fate != PARSED)
			return fate;
	}
	c = copy_cursor(p, bytes);
	fate = parse_ip(&c, p);
	p->stand = c.stand;
	return fate;
}

/* What parse_frame() does, and the other layers, by the `bytes` of the frame that p->head has. */
__noinline int parse_copy(__u32 bytes, __u32 type, __u32 key_flags, __u32 vlan, __u32 generation)
{
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	int fate;

	if (!p || !t)
		return WEIR_TRUNCATED;
	blank(p, key_flags);
	p->key.vlan = vlan;
	p->stand = (struct stand){.type = type};
	fate = read_layer(bytes);
	if (fate != PARSED || !t->inner)
		return fate;
#pragma unroll
	for (__u32 layer = 1; layer < LAYERS; layer++) {
		vlan = p->key.vlan;
		if (!read_tunnel(bytes, generation))
			return PARSED;
		if (read_layer(bytes) != PARSED) {
			p->key.vlan = vlan; /* tags inside are those of no flow */
			return PARSED;
		}
	}
	p->too_deep |= read_tunnel(bytes, generation);
	return PARSED;
}

#endif
