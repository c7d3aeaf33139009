// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "meter/policy.h"

static const struct key_choice ingress[] = {
	{"auto", ATTACH_IN_AUTO},
	{"native", ATTACH_IN_NATIVE},
	{"generic", ATTACH_IN_GENERIC},
	{"tc", ATTACH_IN_TC},
	{},
};

static const struct key_choice egress[] = {
	{"auto", ATTACH_OUT_AUTO},
	{"tcx", ATTACH_OUT_TCX},
	{"clsact", ATTACH_OUT_CLSACT},
	{},
};

static const struct key_choice vlan[] = {
	{"auto", ATTACH_VLAN_AUTO},
	{"always", ATTACH_VLAN_ALWAYS},
	{"never", ATTACH_VLAN_NEVER},
	{},
};

const struct key_choice count_choices[] = {
	{"all", COUNT_ALL},
	{"once", COUNT_LOWER},
	{"lower", COUNT_LOWER},
	{"upper", COUNT_UPPER},
	{},
};

static const struct key keys[] = {
	{"ingress", KEY_CHOICE, offsetof(struct attach_policy, in), .choices = ingress,
	 .standard = "auto",
	 .help = "hook for incoming packets: native XDP, generic XDP or TC; auto: native XDP where "
		 "the driver has it, else TC"},
	{"egress", KEY_CHOICE, offsetof(struct attach_policy, out), .choices = egress,
	 .standard = "auto",
	 .help = "hook for outgoing packets; auto: tcx (Linux 6.6) where it is there, else clsact"},
	{"vlan", KEY_CHOICE, offsetof(struct attach_policy, vlan), .choices = vlan,
	 .standard = "auto",
	 .help = "whether native XDP asks for VLAN tags that the device took off (Linux 6.8); auto: "
		 "only where a VLAN device is above the device, where it is a port of a VLAN-aware "
		 "bridge or of Open vSwitch, or where it was set promiscuous"},
	{.name = NULL},
};

const struct section attach_section = {"attach", sizeof(struct attach_policy), keys};
