/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Builds frames, header by header, from the outside in:
 *
 *	struct frame f = {};
 *
 *	frame_eth(&f);
 *	frame_vlan(&f, 0x8100, 7);
 *	frame_ip4(&f, "10.0.0.1", "192.0.2.1");
 *	frame_tcp(&f, 1024, 80, WEIR_TCP_SYN);
 *	frame_payload(&f, 100);
 *	frame_end(&f);
 *
 * Each header names itself in the one before it; frame_end() fills in lengths and the checksums of
 * IPv4 headers; weir reads no others, which stay 0. All numbers are in host order. Written from the
 * standards, sharing nothing with the parser under test.
 */
#ifndef KERNEL_FRAMES_H
#define KERNEL_FRAMES_H

#include <linux/types.h>
#include <stdbool.h>

#define FRAME_BYTES 16384
#define FRAME_LAYERS 16

enum frame_link {
	LINK_NONE,
	LINK_ETHERTYPE,
	LINK_PROTO,
	LINK_PPP,
	LINK_NEXT /* next protocol of NSH and VXLAN-GPE */
};

struct frame {
	__u32 bytes;
	__u32 ip_at[FRAME_LAYERS]; /* offset of each IP header */
	__u32 ips;
	__u32 header_at[64]; /* offset of each header, and where the last one ends */
	__u32 headers;
	enum frame_link link; /* how the last header names the next one */
	__u32 link_at;
	struct {
		__u32 field_at, from; /* 16 bits; what they count begins at `from` */
	} length[FRAME_LAYERS * 2];
	__u32 lengths;
	__u8 data[FRAME_BYTES];
};

void frame_eth(struct frame *f);
void frame_vlan(struct frame *f, __u16 tpid, __u16 tci);
void frame_mpls(struct frame *f, __u32 label); /* the last one is the bottom of the stack */
void frame_pppoe(struct frame *f);
void frame_snap(struct frame *f); /* after frame_eth() or frame_vlan(), whose type is the length */
void frame_fabricpath(struct frame *f);      /* between two of frame_eth(), as the next */
void frame_pbb(struct frame *f, __u32 isid); /* IEEE 802.1ah */
void frame_tag(struct frame *f, __u16 type, __u32 bytes); /* and the next one's type */
void frame_control_word(struct frame *f); /* of a pseudowire, after the last label */
void frame_nsh(struct frame *f, __u32 context_bytes);
void frame_arp(struct frame *f);
void frame_ethertype(struct frame *f, __u16 type); /* of what is no header of ours */

void frame_ip4(struct frame *f, const char *src, const char *dst);
void frame_ip4_options(struct frame *f, const char *src, const char *dst, __u32 option_bytes);
/* Makes a fragment of the last IPv4 header. offset: in units of 8 bytes. */
void frame_ip4_fragment(struct frame *f, __u16 id, __u16 offset, bool more);
void frame_ip6(struct frame *f, const char *src, const char *dst);
/* An IPv6 extension header; `bytes` a multiple of 8, of 4 for AH (51). */
void frame_extension(struct frame *f, __u8 proto, __u32 bytes);
void frame_ip6_fragment(struct frame *f, __u32 id, __u16 offset, bool more);

void frame_tcp(struct frame *f, __u16 sport, __u16 dport, __u8 flags);
void frame_udp(struct frame *f, __u16 sport, __u16 dport);
void frame_ports(struct frame *f, __u8 proto, __u16 sport, __u16 dport); /* and 12 bytes */
void frame_icmp(struct frame *f, __u8 type, __u8 code);
void frame_icmp6(struct frame *f, __u8 type, __u8 code);
void frame_dns(struct frame *f, bool response); /* a header, after frame_udp() */
void frame_proto(struct frame *f, __u8 proto);  /* of what is no header of ours */

void frame_gre(struct frame *f, bool checksum, bool key, bool sequence);
void frame_vxlan(struct frame *f, __u32 vni);
void frame_geneve(struct frame *f, __u32 option_bytes);
void frame_vxlan_gpe(struct frame *f);
/* What comes after GRE's header: type 2 or 3, the latter with or without a platform's subheader. */
void frame_erspan(struct frame *f, int type, bool platform);
/* `flags`: E 4, S 2, PN 1; with E extension headers of so many bytes, up to the first 0. */
void frame_gtp(struct frame *f, __u8 flags, const __u8 extension_bytes[4]);
void frame_l2tp(struct frame *f, bool udp, __u32 cookie_bytes, bool sublayer);

void frame_payload(struct frame *f, __u32 bytes);
void frame_end(struct frame *f);
void frame_pad(struct frame *f, __u32 to_bytes); /* after frame_end(): padding of the link */

/* Whole frames that many tests want. */
struct frame frame_of_tcp(const char *src, const char *dst, __u16 sport, __u16 dport, __u8 flags);
struct frame frame_of_udp(const char *src, const char *dst, __u16 sport, __u16 dport,
			  __u32 payload_bytes);

#endif
