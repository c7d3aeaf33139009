/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What may stand between the beginning of a frame and its first IP header, in any order:
 *
 *   Ethernet            IEEE 802.1Q, 802.1ad tags     PPPoE
 *   802.3 with LLC, SNAP      MPLS labels             Network Service Header
 *   Cisco FabricPath, 802.1ah, Ethernet pseudowires: Ethernet in Ethernet      VN-Tag, 802.1BR
 *
 * Plain Ethernet, two tags and PPPoE are read where the frame lies (parse.bpf.h), all of them in
 * the copy of its beginning. A new one gets its line in link_of(), and enter_link() does not compile
 * until it says how to go on.
 *
 * MPLS does not say what follows its labels (RFC 4928): 4 and 6 in the first four bits mean IP, 0 the
 * control word of a pseudowire, but pseudowires without one begin with whatever their payload does,
 * such as an Ethernet address. So nothing is taken for IP there before its lengths or its checksum
 * say so, too. By chance one in 65536 does.
 */
#ifndef WEIR_LINKS_BPF_H
#define WEIR_LINKS_BPF_H

#include "cursor.bpf.h"

#define LINKS 12 /* headers of one layer */
#define MPLS_LABELS 8
#define TAGS_SOUGHT 2 /* in a pseudowire */

#define LEAST_FRAME 64  /* shorter ones are padded */
#define TRAILER_BYTES 4 /* that a longer one may have: a check sequence */

enum link {
	LINK_NONE,
	LINK_ETHERNET,
	LINK_VLAN,
	LINK_PPPOE,
	LINK_MPLS,
	LINK_LABELLED,
	LINK_LLC,
	LINK_PBB,
	LINK_FABRICPATH,
	LINK_VNTAG,
	LINK_ETAG,
	LINK_NSH,
};

static __always_inline bool is_vlan(__u32 type)
{
	return type == ETH_VLAN || type == ETH_QINQ || type == ETH_QINQ_OLD;
}

/* Which of them the header at the cursor is. */
static __always_inline enum link link_of(__u32 type)
{
	if (type < ETH_LENGTHS)
		return LINK_LLC;
	switch (type) {
	case ETH_LINK:
		return LINK_ETHERNET;
	case ETH_VLAN:
	case ETH_QINQ:
	case ETH_QINQ_OLD:
		return LINK_VLAN;
	case ETH_PPPOE:
		return LINK_PPPOE;
	case ETH_MPLS:
	case ETH_MPLS_MULTICAST:
		return LINK_MPLS;
	case ETH_LABELLED:
		return LINK_LABELLED;
	case ETH_PBB:
		return LINK_PBB;
	case ETH_FABRICPATH:
		return LINK_FABRICPATH;
	case ETH_VNTAG:
		return LINK_VNTAG;
	case ETH_ETAG:
		return LINK_ETAG;
	case ETH_NSH:
		return LINK_NSH;
	}
	return LINK_NONE;
}

/* --- Frames that are read where they lie, too ------------------------------------------- */

static __always_inline int link_ethernet(struct cursor *c)
{
	struct ethernet *h = take(c, sizeof(*h));

	if (!h)
		return WEIR_TRUNCATED;
	c->stand.type = weir_be16(h->type);
	return PARSED;
}

static __always_inline int link_vlan(struct cursor *c, struct packet *p)
{
	struct vlan_tag *h = take(c, sizeof(*h));

	if (!h)
		return WEIR_TRUNCATED;
	if (!p->key.vlan)
		p->key.vlan = weir_be16(h->tci) & 4095;
	c->stand.type = weir_be16(h->type);
	return PARSED;
}

static __always_inline int link_pppoe(struct cursor *c)
{
	struct pppoe *h = take(c, sizeof(*h));
	__u32 protocol;

	if (!h)
		return WEIR_TRUNCATED;
	protocol = weir_be16(h->protocol);
	if (unlikely(protocol & 0x100)) { /* compressed to one byte (RFC 1661 6.5) */
		protocol >>= 8;
		c->stand.at--;
	}
	switch (protocol) {
	case PPP_IPV4:
		c->stand.type = ETH_IPV4;
		return PARSED;
	case PPP_IPV6:
		c->stand.type = ETH_IPV6;
		return PARSED;
	}
	return WEIR_NOT_IP;
}

/* --- Is it IP, where no number says so? ------------------------------------------------- */

enum {
	SURELY_NOT,
	SURELY,
	CANNOT_SEE
};

/* A packet of `length` fills what there is of the frame, but for padding. */
static __always_inline bool fills(__u32 length, __u32 room, __u32 frame_bytes)
{
	return length <= room &&
	       room - length <= (frame_bytes <= LEAST_FRAME ? LEAST_FRAME : TRAILER_BYTES);
}

/* Is the checksum of an IPv4 header of so many bytes right? False: or not all of it was captured. */
static __always_inline bool sums_up(const struct packet *p, __u64 at, __u64 header, __u32 bytes)
{
	__s64 sum;

	if (at + header > bytes || at > REACH || header > 60)
		return false;
	sum = bpf_csum_diff(NULL, 0, (__be32 *)(p->head + weir_bounded(at, REACH)),
			    weir_bounded(header, 60), 0);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* Is there an IP header of that version `at` bytes into the copy? */
__noinline int ip_at(__u32 bytes, __u32 at, __u32 version)
{
	struct packet *p = this_packet();
	__u32 room, length, header;
	struct cursor c;
	__u8 *h;

	if (!p)
		return SURELY_NOT;
	c = copy_cursor(p, bytes);
	c.stand.at = at;
	h = peek(&c, version == 4 ? 20 : 40);
	if (!h)
		return CANNOT_SEE;
	room = p->frame_bytes - at;
	if (version == 6) {
		length = load16(h + 4) + 40;
		return h[0] >> 4 == 6 && fills(length, room, p->frame_bytes) ? SURELY : SURELY_NOT;
	}
	header = (h[0] & 15) * 4;
	length = load16(h + 2);
	if (h[0] >> 4 != 4 || header < 20 || (length && length < header))
		return SURELY_NOT;
	return fills(length, room, p->frame_bytes) || sums_up(p, at, header, bytes) ? SURELY
										    : SURELY_NOT;
}

/* Is there an Ethernet header `at` bytes into the copy, with IP or ARP in it? */
__noinline int ethernet_at(__u32 bytes, __u32 at)
{
	struct packet *p = this_packet();
	struct cursor c;
	__u32 type;
	__u8 *h;

	if (!p)
		return SURELY_NOT;
	c = copy_cursor(p, bytes);
	c.stand.at = at + 12;
#pragma unroll
	for (int i = 0; i <= TAGS_SOUGHT; i++) {
		h = peek(&c, 2);
		if (!h)
			return CANNOT_SEE;
		type = load16(h);
		if (!is_vlan(type))
			break;
		c.stand.at = forget(c.stand.at + 4);
	}
	at = c.stand.at + 2;
	switch (type) {
	case ETH_IPV4:
		return ip_at(bytes, at, 4);
	case ETH_IPV6:
		return ip_at(bytes, at, 6);
	case ETH_ARP:
		h = peek(&c, 2 + 4);
		if (!h)
			return CANNOT_SEE;
		return load32(h + 2) == 0x00010800 ? SURELY : SURELY_NOT; /* of IP over Ethernet */
	}
	return SURELY_NOT;
}

/* --- The others ------------------------------------------------------------------------- */

static __always_inline int link_mpls(struct cursor *c)
{
	for (int i = 0; i < MPLS_LABELS; i++) {
		__u8 *label = take(c, 4);

		if (!label)
			return WEIR_TRUNCATED;
		c->stand.at = forget(c->stand.at);
		if (label[2] & 1) {
			c->stand.type = ETH_LABELLED;
			return PARSED;
		}
	}
	return WEIR_NOT_IP;
}

static __always_inline int fate_of(int found)
{
	return found == SURELY ? PARSED : found == CANNOT_SEE ? WEIR_TRUNCATED : WEIR_PSEUDOWIRE;
}

/* What is behind the last label. Ethernet is looked for without a control word first: with one tag
 * it looks from four bytes on like Ethernet without. */
static __always_inline int link_labelled(struct cursor *c, __u32 bytes)
{
	int found, without;
	__u8 *h = peek(c, 1);
	__u32 version;

	if (!h)
		return WEIR_TRUNCATED;
	version = *h >> 4;
	c->stand.type = version == 4 ? ETH_IPV4 : version == 6 ? ETH_IPV6 : ETH_LINK;
	if (version == 4 || version == 6)
		return fate_of(ip_at(bytes, c->stand.at, version));
	without = ethernet_at(bytes, c->stand.at);
	if (version || without == SURELY)
		return fate_of(without);
	c->stand.at += 4; /* the control word */
	found = ethernet_at(bytes, c->stand.at);
	return fate_of(found == SURELY_NOT ? without : found);
}

/* An ethertype follows where LLC says SNAP, and SNAP says that its number is one (RFC 1042). */
static __always_inline int link_llc(struct cursor *c)
{
	__u8 *h = take(c, 8);

	if (!h)
		return WEIR_TRUNCATED;
	if (load32(h) != 0xaaaa0300 || load16(h + 4))
		return WEIR_NOT_IP;
	c->stand.type = load16(h + 6);
	return PARSED;
}

/* Ethernet follows, `bytes` after the ethertype. */
static __always_inline int link_over(struct cursor *c, __u32 bytes)
{
	c->stand.at += bytes;
	c->stand.type = ETH_LINK;
	return PARSED;
}

/* An ethertype follows, `bytes` after the one before. */
static __always_inline int link_tag(struct cursor *c, __u32 bytes)
{
	__u8 *h = take(c, bytes + 2);

	if (!h)
		return WEIR_TRUNCATED;
	c->stand.type = load16(h + bytes);
	return PARSED;
}

/* What the next protocols of NSH and of VXLAN-GPE are as ethertypes; 0: none that is known. */
static __always_inline __u32 type_of_next(__u8 next)
{
	switch (next) {
	case 1:
		return ETH_IPV4;
	case 2:
		return ETH_IPV6;
	case 3:
		return ETH_LINK;
	case 4:
		return ETH_NSH;
	case 5:
		return ETH_MPLS;
	}
	return 0;
}

static __always_inline int link_nsh(struct cursor *c)
{
	__u8 *h = peek(c, 8);

	if (!h)
		return WEIR_TRUNCATED;
	c->stand.type = type_of_next(h[3]);
	if (h[0] >> 6 || (h[1] & 63) < 2 || !c->stand.type)
		return WEIR_NOT_IP;
	c->stand.at += (h[1] & 63) * 4;
	return PARSED;
}

static __always_inline int enter_link(struct cursor *c, struct packet *p, __u32 bytes)
{
	switch (link_of(c->stand.type)) {
	case LINK_NONE:
		return c->stand.type == ETH_ARP ? WEIR_ARP : WEIR_NOT_IP;
	case LINK_ETHERNET:
		return link_ethernet(c);
	case LINK_VLAN:
		return link_vlan(c, p);
	case LINK_PPPOE:
		return link_pppoe(c);
	case LINK_MPLS:
		return link_mpls(c);
	case LINK_LABELLED:
		return link_labelled(c, bytes);
	case LINK_LLC:
		return link_llc(c);
	case LINK_PBB:
		return link_over(c, 4); /* the I-TAG; the type before it is its own */
	case LINK_FABRICPATH:
		return link_over(c, 2);
	case LINK_VNTAG:
		return link_tag(c, 4);
	case LINK_ETAG:
		return link_tag(c, 6);
	case LINK_NSH:
		return link_nsh(c);
	}
	return WEIR_NOT_IP;
}

/* The header at the packet's stand. */
__noinline int read_link(__u32 bytes)
{
	struct packet *p = this_packet();
	struct cursor c;
	int fate;

	if (!p)
		return WEIR_TRUNCATED;
	c = copy_cursor(p, bytes);
	fate = enter_link(&c, p, bytes);
	p->stand = c.stand;
	return fate;
}

#endif
