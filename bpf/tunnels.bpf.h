/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tunnels behind an IP header, each with what is in it. A new one is a line in one of the two tables
 * and a function that moves the cursor into it: to an IP header, or to any header of a link
 * (links.bpf.h). Returns false: it is none of these, or carries something else.
 */
#ifndef WEIR_TUNNELS_BPF_H
#define WEIR_TUNNELS_BPF_H

#include "links.bpf.h"

#define GTP_EXTENSIONS 4

/* X(id, IP protocol, function) */
#define TUNNELS_OF_IP(X)                                                                           \
	X(IPIP, PROTO_IPIP, enter_ipip)                                                            \
	X(SIT, PROTO_IPV6, enter_sit)                                                              \
	X(GRE, PROTO_GRE, enter_gre)                                                               \
	X(L2TP, PROTO_L2TP, enter_l2tp)

/* X(id, UDP port that it is sent to, function); VXLAN's ports are in the tables. */
#define TUNNELS_OF_UDP(X)                                                                          \
	X(GENEVE, PORT_GENEVE, enter_geneve)                                                       \
	X(VXLAN_GPE, PORT_VXLAN_GPE, enter_vxlan_gpe)                                              \
	X(GTP, PORT_GTP, enter_gtp)                                                                \
	X(L2TP_UDP, PORT_L2TP, enter_l2tp_udp)

#define TUNNELS(X)                                                                                 \
	TUNNELS_OF_IP(X)                                                                           \
	TUNNELS_OF_UDP(X)                                                                          \
	X(VXLAN, 0, enter_vxlan)

enum tunnel {
	TUNNEL_NONE,
#define X(id, number, function) TUNNEL_##id,
	TUNNELS(X)
#undef X
};

/* Without branches, because the verifier follows both ways of each. */
static __always_inline bool is_vxlan_port(const struct weir_tables *t, __be16 port)
{
	__u64 others = 1;

	for (int i = 0; i < WEIR_VXLAN_PORTS; i++)
		others &= weir_less(0, t->vxlan_port[i] ^ weir_be16(port));
	return !others;
}

static __always_inline enum tunnel tunnel_of_port(const struct weir_tables *t, __be16 port)
{
	if (is_vxlan_port(t, port))
		return TUNNEL_VXLAN;
	switch (weir_be16(port)) {
#define X(id, number, function)                                                                    \
	case number:                                                                               \
		return TUNNEL_##id;
		TUNNELS_OF_UDP(X)
#undef X
	}
	return TUNNEL_NONE;
}

/* Which tunnel is at the cursor; cheaper than trying to enter it. */
static __always_inline enum tunnel tunnel_of(const struct cursor *c, const struct packet *p,
					     const struct weir_tables *t)
{
	if (c->stand.fragment)
		return TUNNEL_NONE;
	switch (c->stand.proto) {
	case PROTO_UDP:
		return tunnel_of_port(t, p->key.dport);
#define X(id, number, function)                                                                    \
	case number:                                                                               \
		return TUNNEL_##id;
		TUNNELS_OF_IP(X)
#undef X
	}
	return TUNNEL_NONE;
}

/* --- How to go in ----------------------------------------------------------------------- */

static __always_inline bool enter_ipip(struct cursor *c, __u32 bytes)
{
	c->stand.type = ETH_IPV4;
	return true;
}

static __always_inline bool enter_sit(struct cursor *c, __u32 bytes)
{
	c->stand.type = ETH_IPV6;
	return true;
}

/* Type I, which has no sequence number, has no header either. */
static __always_inline bool enter_erspan(struct cursor *c, bool sequence)
{
	c->stand.at += sequence ? 8 : 0;
	c->stand.type = ETH_LINK;
	return true;
}

/* Frame type 0 is Ethernet, 2 is IP; the last bit says that a subheader of the platform follows. */
static __always_inline bool enter_erspan3(struct cursor *c)
{
	__u8 *h = take(c, 12), *next;

	if (!h)
		return false;
	c->stand.at += h[11] & 1 ? 8 : 0;
	c->stand.type = ETH_LINK;
	if ((h[10] >> 2 & 31) == 2) {
		next = peek(c, 1);
		if (!next)
			return false;
		c->stand.type = *next >> 4 == 6 ? ETH_IPV6 : ETH_IPV4;
		return true;
	}
	return !(h[10] >> 2 & 31);
}

static __always_inline bool enter_gre(struct cursor *c, __u32 bytes)
{
	struct gre *h = take(c, sizeof(*h));
	__u32 flags;

	if (!h)
		return false;
	flags = weir_be16(h->flags);
	if (flags & 0x4007) /* routing (RFC 1701), or version 1 (PPTP) */
		return false;
	c->stand.at +=
		(flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
	c->stand.at = forget(c->stand.at);
	c->stand.type = weir_be16(h->type);
	switch (c->stand.type) {
	case ETH_TEB:
		c->stand.type = ETH_LINK;
		return true;
	case ETH_ERSPAN:
		return enter_erspan(c, flags & 0x1000);
	case ETH_ERSPAN3:
		return enter_erspan3(c);
	}
	return true;
}

/*
 * L2TPv3 (RFC 3931): behind the session's number may be a cookie of 4 or 8 bytes and a sublayer's
 * header of 4. Only the two ends know, so Ethernet is looked for behind each.
 */
static __always_inline bool enter_session(struct cursor *c, __u32 bytes)
{
	__u8 *h = take(c, 4);

	if (!h || !load32(h)) /* session 0: a control message */
		return false;
	c->stand.type = ETH_LINK;
	c->stand.at = forget(c->stand.at);
#pragma unroll
	for (int i = 0; i < 4; i++) {
		if (ethernet_at(bytes, c->stand.at) == SURELY)
			return true;
		c->stand.at += 4;
	}
	return false;
}

static __always_inline bool enter_l2tp(struct cursor *c, __u32 bytes)
{
	return enter_session(c, bytes);
}

/* The 8 bytes behind the UDP header. */
static __always_inline __u8 *in_udp(struct cursor *c)
{
	__u8 *h = take(c, 16);

	return h ? h + 8 : NULL;
}

static __always_inline bool enter_l2tp_udp(struct cursor *c, __u32 bytes)
{
	__u8 *h = in_udp(c);

	if (!h || h[0] & 0x80 || (h[1] & 15) != 3) /* data, of version 3 */
		return false;
	c->stand.at -= 4;
	return enter_session(c, bytes);
}

static __always_inline bool enter_vxlan(struct cursor *c, __u32 bytes)
{
	__u8 *h = in_udp(c);

	c->stand.type = ETH_LINK;
	return h && h[0] & 0x08; /* it has a VNI */
}

static __always_inline bool enter_vxlan_gpe(struct cursor *c, __u32 bytes)
{
	__u8 *h = in_udp(c);

	if (!h || h[0] & 0x30 || !(h[0] & 0x08)) /* version 0, and it has a VNI */
		return false;
	c->stand.type = h[0] & 0x04 ? type_of_next(h[3]) : ETH_LINK;
	return c->stand.type;
}

static __always_inline bool enter_geneve(struct cursor *c, __u32 bytes)
{
	__u8 *h = in_udp(c);

	if (!h || h[0] >> 6) /* version 0 */
		return false;
	c->stand.type = load16(h + 2);
	if (c->stand.type == ETH_TEB)
		c->stand.type = ETH_LINK;
	c->stand.at += (h[0] & 63) * 4;
	return true;
}

/* The extension headers of GTP-U, the first of which is of type `next`. */
static __always_inline bool skip_gtp_extensions(struct cursor *c, __u32 next)
{
	__u8 *h;

	for (int i = 0; i < GTP_EXTENSIONS && next; i++) {
		h = peek(c, 4);
		if (!h || !h[0])
			return false;
		c->stand.at =
			forget(c->stand.at + h[0] * 4 - 1); /* the last byte says what is next */
		h = take(c, 1);
		if (!h)
			return false;
		next = forget(*h);
	}
	return !next;
}

/* 3GPP TS 29.281: version 1, GTP and not GTP', a user's packet. Only the two ends know whether it has
 * IP in it; they seldom send anything else, such as Ethernet. */
static __always_inline bool enter_gtp(struct cursor *c, __u32 bytes)
{
	__u8 *h = in_udp(c);

	if (!h || h[0] >> 4 != 3 || h[1] != 255)
		return false;
	if (h[0] & 7) {
		__u8 has_next = h[0] & 4;

		h = take(c, 4);
		if (!h || !skip_gtp_extensions(c, has_next ? h[3] : 0))
			return false;
	}
	h = peek(c, 1);
	if (!h)
		return false;
	c->stand.type = *h >> 4 == 6 ? ETH_IPV6 : ETH_IPV4;
	return true;
}

/* Goes into the tunnel at the cursor, if there is one that can be followed. */
static __always_inline bool enter_tunnel(struct cursor *c, const struct packet *p, __u32 bytes,
					 const struct weir_tables *t)
{
	switch (tunnel_of(c, p, t)) {
	case TUNNEL_NONE:
		return false;
#define X(id, number, function)                                                                    \
	case TUNNEL_##id:                                                                          \
		return function(c, bytes);
		TUNNELS(X)
#undef X
	}
	return false;
}

/* Is there a tunnel to follow from the packet's stand? Goes in. */
__noinline int read_tunnel(__u32 bytes, __u32 generation)
{
	const struct weir_tables *t = current_tables(generation);
	struct packet *p = this_packet();
	struct cursor c;
	bool found;

	if (!p || !t)
		return false;
	c = copy_cursor(p, bytes);
	found = enter_tunnel(&c, p, bytes, t);
	p->stand = c.stand;
	return found;
}

#endif
