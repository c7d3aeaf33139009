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
