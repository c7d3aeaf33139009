/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "kernel/zoo.h"

#include <string.h>

enum step {
	END, /* TCP, payload */
	UDP_END,
	VLAN,
	QINQ,
	MPLS,
	PPPOE,
	IP4,
	IP4_OPTIONS,
	IP4_FRAGMENT,
	IP6,
	HOPOPT,
	ROUTING,
	DSTOPTS,
	AH,
	FRAGMENT,
	GRE,
	GRE_FULL,
	ETH,
	VXLAN,
	GENEVE,
	SNAP,
	PBB,
	FABRICPATH,
	WORD,
	NSH,
	VXLAN_GPE,
	GTP,
	GTP_FULL,
	ERSPAN2,
	ERSPAN3,
	L2TP,
	L2TP_UDP,
};

static const enum step zoo[][8] = {
	{IP4},
	{IP6},
	{IP4_OPTIONS, UDP_END},
	{VLAN, IP4},
	{QINQ, VLAN, IP6, UDP_END},
	{MPLS, IP4},
	{MPLS, MPLS, MPLS, IP6},
	{PPPOE, IP4},
	{PPPOE, IP6, UDP_END},
	{IP6, HOPOPT, ROUTING, DSTOPTS, AH},
	{IP6, FRAGMENT, UDP_END},
	{IP4_FRAGMENT, UDP_END},
	{IP4, IP4},
	{IP4, IP6, UDP_END},
	{IP6, DSTOPTS, IP4_OPTIONS},
	{IP4, GRE, IP4},
	{IP4, GRE_FULL, IP6, DSTOPTS},
	{IP6, GRE, ETH, VLAN, IP4},
	{IP4, VXLAN, ETH, IP4, UDP_END},
	{IP6, VXLAN, ETH, QINQ, IP6},
	{IP4, GENEVE, ETH, IP6},
	{VLAN, IP4, GENEVE, IP4_OPTIONS},
	{SNAP, IP4},
	{VLAN, SNAP, IP6},
	{QINQ, VLAN, VLAN, VLAN, IP4},
	{PBB, ETH, VLAN, IP4},
	{FABRICPATH, ETH, VLAN, IP6},
	{MPLS, MPLS, WORD, ETH, IP4},
	{MPLS, ETH, VLAN, IP6, UDP_END},
	{NSH, IP4},
	{NSH, ETH, IP6},
	{IP4, VXLAN_GPE, IP4},
	{IP6, VXLAN_GPE, NSH, ETH, IP6},
	{IP4, GTP, IP4},
	{IP6, GTP_FULL, IP6, UDP_END},
	{IP4, ERSPAN2, ETH, IP4},
	{IP4, ERSPAN3, ETH, VLAN, IP6},
	{IP4, L2TP, ETH, IP4},
	{IP6, L2TP_UDP, ETH, VLAN, IP6},
};

_Static_assert(sizeof(zoo) / sizeof(*zoo) + 2 == ZOO_FRAMES, "two more are made by hand");

static void add(struct frame *f, enum step step)
{
	switch (step) {
	case END:
	case UDP_END:
		break;
	case VLAN:
		frame_vlan(f, 0x8100, 17);
		break;
	case QINQ:
		frame_vlan(f, 0x88a8, 18);
		break;
	case MPLS:
		frame_mpls(f, 99);
		break;
	case PPPOE:
		frame_pppoe(f);
		break;
	case IP4:
		frame_ip4(f, "192.0.2.1", "10.0.0.1");
		break;
	case IP4_OPTIONS:
		frame_ip4_options(f, "192.0.2.1", "10.0.0.1", 24);
		break;
	case IP4_FRAGMENT:
		frame_ip4(f, "192.0.2.1", "10.0.0.1");
		frame_ip4_fragment(f, 77, 0, true);
		break;
	case IP6:
		frame_ip6(f, "2001:db8::1", "fd00::1");
		break;
	case HOPOPT:
		frame_extension(f, 0, 8);
		break;
	case ROUTING:
		frame_extension(f, 43, 24);
		break;
	case DSTOPTS:
		frame_extension(f, 60, 16);
		break;
	case AH:
		frame_extension(f, 51, 20);
		break;
	case FRAGMENT:
		frame_ip6_fragment(f, 88, 0, true);
		break;
	case GRE:
		frame_gre(f, false, false, false);
		break;
	case GRE_FULL:
		frame_gre(f, true, true, true);
		break;
	case ETH:
		frame_eth(f);
		break;
	case VXLAN:
		frame_udp(f, 50000, 4789);
		frame_vxlan(f, 5);
		break;
	case GENEVE:
		frame_udp(f, 50000, 6081);
		frame_geneve(f, 12);
		break;
	case SNAP:
		frame_snap(f);
		break;
	case PBB:
		frame_pbb(f, 7000);
		break;
	case FABRICPATH:
		frame_fabricpath(f);
		break;
	case WORD:
		frame_control_word(f);
		break;
	case NSH:
		frame_nsh(f, 8);
		break;
	case VXLAN_GPE:
		frame_udp(f, 50000, 4790);
		frame_vxlan_gpe(f);
		break;
	case GTP:
		frame_udp(f, 2152, 2152);
		frame_gtp(f, 0, NULL);
		break;
	case GTP_FULL:
		frame_udp(f, 2152, 2152);
		frame_gtp(f, 7, (const __u8[]){4, 8, 0, 0});
		break;
	case ERSPAN2:
		frame_gre(f, false, false, true);
		frame_erspan(f, 2, false);
		break;
	case ERSPAN3:
		frame_gre(f, false, false, true);
		frame_erspan(f, 3, true);
		break;
	case L2TP:
		frame_l2tp(f, false, 0, true);
		break;
	case L2TP_UDP:
		frame_udp(f, 1701, 1701);
		frame_l2tp(f, true, 8, false);
		break;
	}
}

int zoo_frames(struct frame *out)
{
	memset(out, 0, ZOO_FRAMES * sizeof(*out));
	for (int i = 0; i < ZOO_FRAMES - 2; i++) {
		struct frame *f = &out[i];
		int step = 0;

		frame_eth(f);
		while (zoo[i][step] > UDP_END)
			add(f, zoo[i][step++]);
		if (zoo[i][step] == UDP_END)
			frame_udp(f, 1111, 2222);
		else
			frame_tcp(f, 1111, 2222, 0x18);
		frame_payload(f, 24);
		frame_end(f);
	}
	frame_eth(&out[ZOO_FRAMES - 2]);
	frame_arp(&out[ZOO_FRAMES - 2]);
	frame_end(&out[ZOO_FRAMES - 2]);
	frame_eth(&out[ZOO_FRAMES - 1]);
	frame_ethertype(&out[ZOO_FRAMES - 1], 0x88cc);
	frame_payload(&out[ZOO_FRAMES - 1], 40);
	frame_end(&out[ZOO_FRAMES - 1]);
	return ZOO_FRAMES;
}
