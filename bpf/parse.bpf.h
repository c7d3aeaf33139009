/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a frame to a flow key.
 *
 *   Ethernet ─ VLAN ≤ 2 ─┬─ PPPoE ─┐
 *                        ├─ MPLS ≤ 8 ─┤
 *                        └────────────┴─ IPv4, IPv6 + extension headers ≤ 8 ─ transport
 *          ▲                             ▲                                       │
 *          └──── VXLAN, GENEVE, GRE ─────┴──── IP-in-IP, 6in4, GRE ──────────────┘  tunnels: inner
 *
 * There is one layer unless tunnels are followed. Every stop gives an answer: before the
 * first IP header the name of a counter, after it the flow of the last header understood.
 *
 * Most frames are read where they lie, and have nothing but what is in the first layer.
 * Of the others, with extension headers, tunnels to follow, or headers outside the part
 * that can be read in place, a copy of the beginning is read again, by functions that
 * the verifier looks at once. On frames where they lie these would have to take a pointer,
 * which takes BTF of the kernel, or to be inlined, which is 60,000 more instructions for
 * the verifier (6.18): each way to a layer is then a way to all that comes after it.
 */
#ifndef WEIR_PARSE_BPF_H
#define WEIR_PARSE_BPF_H

#include "headers.bpf.h"
#include "packet.bpf.h"

#define LAYERS 4
#define MPLS_LABELS 8
#define EXTENSIONS 8

/* Where in the readable part [start, end) of a frame, or in its copy, the parser stands. */
struct cursor {
	void *start, *end;
	bool copied; /* what is read is the packet's copy, `head` */
	struct stand stand;
};

/* The next `bytes`, or NULL where the readable part of the frame ends. Does not move on. */
static __always_inline void *peek(const struct cursor *c, __u32 bytes)
{
	void *h;

	if (c->stand.at > REACH)
		return NULL;
	h = c->start + weir_bounded(c->stand.at, REACH);
	return h + bytes <= c->end ? h : NULL;
}

static __always_inline void *take(struct cursor *c, __u32 bytes)
{
	void *h = peek(c, bytes);

	c->stand.at += bytes;
	return h;
}

static __always_inline bool is_vlan(__u32 type)
{
	return type == ETH_VLAN || type == ETH_QINQ || type == ETH_QINQ_OLD;
}

static __always_inline int parse_mpls(struct cursor *c)
{
	for (int i = 0; i < MPLS_LABELS; i++) {
		__u8 *label = peek(c, 5);

		if (!label)
			return WEIR_TRUNCATED;
		c->stand.at = forget(c->stand.at + 4);
		if (label[2] & 1) {
			__u8 nibble = label[4] >> 4;

			c->stand.type = nibble == 4 ? ETH_IPV4 : nibble == 6 ? ETH_IPV6 : 0;
			return PARSED;
		}
	}
	return WEIR_NOT_IP;
}

static __always_inline int parse_pppoe(struct cursor *c)
{
	struct pppoe *h = take(c, sizeof(*h));

	if (!h)
		return WEIR_TRUNCATED;
	switch (weir_be16(h->protocol)) {
	case PPP_IPV4:
		c->stand.type = ETH_IPV4;
		return PARSED;
	case PPP_IPV6:
		c->stand.type = ETH_IPV6;
		return PARSED;
	}
	return WEIR_NOT_IP;
}

static __always_inline int parse_link(struct cursor *c, struct packet *p)
{
	if (c->stand.type == ETH_LINK) {
		struct ethernet *h = take(c, sizeof(*h));

		if (!h)
			return WEIR_TRUNCATED;
		c->stand.type = weir_be16(h->type);
	}
	for (int i = 0; i < 2 && unlikely(is_vlan(c->stand.type)); i++) {
		struct vlan_tag *h = take(c, sizeof(*h));

		if (!h)
			return WEIR_TRUNCATED;
		if (!p->key.vlan)
			p->key.vlan = weir_be16(h->tci) & 4095;
		c->stand.type = weir_be16(h->type);
	}
	if (likely(c->stand.type == ETH_IPV4))
		return PARSED;
	if (c->stand.type == ETH_PPPOE)
		return parse_pppoe(c);
	if (c->stand.type == ETH_MPLS || c->stand.type == ETH_MPLS_MULTICAST)
		return parse_mpls(c);
	return PARSED;
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
	if (length && length < header)
		return WEIR_MALFORMED;
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
	}
	c->stand.at = forget(c->stand.at + header);
	return PARSED;
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

static __always_inline struct cursor copy_cursor(struct packet *p, __u32 bytes)
{
	return (struct cursor){.start = p->head,
			       .end = p->head + weir_bounded(bytes, 2 * REACH + 1),
			       .copied = true,
			       .stand = p->stand};
}

/* Continues at the packet's stand, in its copy of `bytes`. Stops early, with the protocol of the
 * header that it stopped at, when the chain is cut or too long. */
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
		c.stand.at = stand->at;
		h = peek(&c, sizeof(*h));
		if (!h) {
			p->cut = true;
			return 0;
		}
		length = (h->length + 1) * 8;
		if (stand->proto == PROTO_AH)
			length = (h->length + 2) * 4;
		if (stand->proto == PROTO_FRAGMENT) {
			length = 8;
			stand->id = weir_be32(h->id);
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

static __always_inline int parse_ipv6(struct cursor *c, struct packet *p)
{
	struct ipv6 *h = peek(c, sizeof(*h));

	if (!h)
		return WEIR_TRUNCATED;
	if ((weir_be32(h->version_class_label) >> 28) != 6)
		return WEIR_MALFORMED;
	/* Length 0 stands for a jumbogram; what the frame holds is then the length. */
	p->ip_bytes = h->payload_length ? weir_be16(h->payload_length) + sizeof(*h) : 0;
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

/* Ports of a later fragment are those of the first; IP sends them in the first only. */
__noinline int fragment_ports(__u32 fragment, __u32 id)
{
	struct fragment_key key = {.id = id};
	struct packet *p = this_packet();
	__u32 *known, ports;

	if (!p)
		return 0;
	key.proto = p->key.proto;
	if (p->key.flags & WEIR_KEY_V6)
		key.pair = p->pair;
	else
		key.pair.word[0] = p->key.addrs;
	if (fragment == 1) {
		ports = p->key.sport | (__u32)p->key.dport << 16;
		return bpf_map_update_elem(&fragments, &key, &ports, BPF_ANY);
	}
	known = bpf_map_lookup_elem(&fragments, &key);
	if (!known) {
		p->no_first_fragment = true;
		return 0;
	}
	p->key.sport = *known;
	p->key.dport = *known >> 16;
	p->key.flags &= ~WEIR_KEY_NOPORTS;
	return 0;
}

static __always_inline bool has_ports(__u8 proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP;
}

static __always_inline void parse_tcp(struct cursor *c, struct packet *p)
{
	__u8 *h = peek(c, 14);

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
	if (!h) {
		p->cut = true;
		return;
	}
	p->traits.qr = h[10] & 0x80 ? WEIR_QR_RESPONSE : WEIR_QR_QUERY;
}

static __always_inline void parse_transport(struct cursor *c, struct packet *p)
{
	struct ports *h = peek(c, sizeof(*h));

	p->key.proto = c->stand.proto;
	p->key.sport = 0;
	p->key.dport = 0;
	p->key.flags |= WEIR_KEY_NOPORTS;
	p->tcp_flags = 0;
	p->traits.flags = WEIR_FLAGS_NONE;
	p->traits.qr = WEIR_QR_NONE;
	p->no_transport = false;
	p->header_bytes = c->stand.at;
	if (!has_ports(c->stand.proto) && c->stand.proto != PROTO_ICMP &&
	    c->stand.proto != PROTO_ICMPV6)
		return;
	if (unlikely(c->stand.fragment == 2)) {
		if (has_ports(c->stand.proto))
			fragment_ports(2, c->stand.id);
		return;
	}
	if (!h) {
		p->no_transport = true;
		p->cut = true;
		return;
	}
	if (!has_ports(c->stand.proto)) {
		p->key.dport = h->src; /* type and code, the first two bytes */
		return;
	}
	p->key.sport = h->src;
	p->key.dport = h->dst;
	p->key.flags &= ~WEIR_KEY_NOPORTS;
	if (c->stand.proto == PROTO_TCP) {
		parse_tcp(c, p);
	} else if (c->stand.proto == PROTO_UDP) {
		p->header_bytes += 8;
		parse_dns(c, p);
	}
	if (unlikely(c->stand.fragment))
		fragment_ports(1, c->stand.id);
}

static __always_inline bool enter_gre(struct cursor *c, struct packet *p)
{
	struct gre *h = take(c, sizeof(*h));
	__u32 flags;

	if (!h) {
		p->cut = true;
		return false;
	}
	flags = weir_be16(h->flags);
	if (flags & 0x4007) /* routing (RFC 1701), or version 1 (PPTP) */
		return false;
	c->stand.at +=
		(flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
	c->stand.type = weir_be16(h->type);
	if (c->stand.type == ETH_TEB)
		c->stand.type = ETH_LINK;
	return true;
}

/*
 * The tunnels there are, each with what is in it. A new one gets its line in tunnel_of(), and
 * enter_tunnel() does not compile until it says how to go in.
 */
enum tunnel {
	TUNNEL_NONE,
	TUNNEL_IPIP,   /* IPv4 */
	TUNNEL_6IN4,   /* IPv6 */
	TUNNEL_GRE,    /* by ethertype */
	TUNNEL_VXLAN,  /* over UDP: Ethernet */
	TUNNEL_GENEVE, /* over UDP: by ethertype */
};

/* What the transport header is that the cursor stands at. Cheaper to ask than to go in. */
static __always_inline enum tunnel tunnel_of(const struct cursor *c, const struct packet *p)
{
	if (c->stand.fragment)
		return TUNNEL_NONE;
	switch (c->stand.proto) {
	case PROTO_IPIP:
		return TUNNEL_IPIP;
	case PROTO_IPV6:
		return TUNNEL_6IN4;
	case PROTO_GRE:
		return TUNNEL_GRE;
	case PROTO_UDP:
		if (p->key.dport == weir_be16(PORT_VXLAN))
			return TUNNEL_VXLAN;
		if (p->key.dport == weir_be16(PORT_GENEVE))
			return TUNNEL_GENEVE;
	}
	return TUNNEL_NONE;
}

/* The 8 bytes behind the UDP header. */
static __always_inline __u8 *in_udp(struct cursor *c, struct packet *p)
{
	__u8 *h = peek(c, 16);

	if (h)
		return h + 8;
	p->cut = true;
	return NULL;
}

static __always_inline bool enter_vxlan(struct cursor *c, struct packet *p)
{
	__u8 *h = in_udp(c, p);

	if (!h || !(h[0] & 0x08)) /* it has a VNI */
		return false;
	c->stand.at += 16;
	c->stand.type = ETH_LINK;
	return true;
}

static __always_inline bool enter_geneve(struct cursor *c, struct packet *p)
{
	__u8 *h = in_udp(c, p);

	if (!h || h[0] >> 6) /* version 0 */
		return false;
	c->stand.type = h[2] << 8 | h[3];
	if (c->stand.type == ETH_TEB)
		c->stand.type = ETH_LINK;
	c->stand.at += 16 + (h[0] & 63) * 4;
	return true;
}

/* Goes into the tunnel at the cursor, if there is one that can be followed. */
static __always_inline bool enter_tunnel(struct cursor *c, struct packet *p)
{
	switch (tunnel_of(c, p)) {
	case TUNNEL_NONE:
		return false;
	case TUNNEL_IPIP:
		c->stand.type = ETH_IPV4;
		return true;
	case TUNNEL_6IN4:
		c->stand.type = ETH_IPV6;
		return true;
	case TUNNEL_GRE:
		return enter_gre(c, p);
	case TUNNEL_VXLAN:
		return enter_vxlan(c, p);
	case TUNNEL_GENEVE:
		return enter_geneve(c, p);
	}
	return false;
}

static __always_inline int parse_layer(struct cursor *c, struct packet *p)
{
	int fate = parse_link(c, p);

	if (fate != PARSED)
		return fate;
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

/*
 * The first layer of a frame where it lies. Fills p->key, pair, traits and the lengths of a frame
 * of p->frame_bytes. `type`: ETH_LINK, or the ethertype on devices without a link header; `inner`:
 * follow tunnels. Returns PARSED or the counter for a packet that is in no flow. Sets p->cut when
 * that is not all: parse_copy() reads the rest.
 */
static __noinline int parse_frame(struct packet *p, void *start, void *end, __u32 type, bool inner)
{
	struct cursor c = {.start = start, .end = end, .stand.type = type};
	int fate = parse_layer(&c, p);

	if (fate == WEIR_TRUNCATED || (fate == PARSED && unlikely(inner) && tunnel_of(&c, p)))
		p->cut = true;
	return fate;
}

/* At the packet's stand. */
__noinline int read_layer(__u32 bytes)
{
	struct packet *p = this_packet();
	struct cursor c;
	int fate;

	if (!p)
		return WEIR_TRUNCATED;
	c = copy_cursor(p, bytes);
	fate = parse_layer(&c, p);
	p->stand = c.stand;
	return fate;
}

/* Is there a tunnel to follow from the packet's stand? Goes in. */
__noinline int read_tunnel(__u32 bytes)
{
	struct packet *p = this_packet();
	struct cursor c;
	bool found;

	if (!p)
		return false;
	c = copy_cursor(p, bytes);
	found = enter_tunnel(&c, p);
	p->stand = c.stand;
	return found;
}

/* What parse_frame() does, and the other layers, by the `bytes` of the frame that p->head has. */
__noinline int parse_copy(__u32 bytes, __u32 type, __u32 key_flags, __u32 vlan, bool inner)
{
	struct packet *p = this_packet();
	int fate;

	if (!p)
		return WEIR_TRUNCATED;
	blank(p, key_flags);
	p->key.vlan = vlan;
	p->stand = (struct stand){.type = type};
	fate = read_layer(bytes);
	if (fate != PARSED || !inner)
		return fate;
#pragma unroll
	for (__u32 layer = 1; layer < LAYERS; layer++) {
		if (!read_tunnel(bytes) || read_layer(bytes) != PARSED)
			return PARSED;
	}
	p->too_deep |= read_tunnel(bytes);
	return PARSED;
}

#endif
