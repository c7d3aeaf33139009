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

static const struct key keys[] = {
	{"ingress", KEY_CHOICE, offsetof(struct attach_policy, in), .choices = ingress,
	 .standard = "auto",
	 .help = "hook for incoming packets: native XDP, generic XDP or TC; auto: native XDP where "
		 "the driver has it, else TC"},
	{"egress", KEY_CHOICE, offsetof(struct attach_policy, out), .choices = egress,
	 .standard = "auto",
	 .help = "hook for outgoing packets; auto: tcx (Linux 6.6) where it is there, else clsact"},
	{.name = NULL},
};

const struct section attach_section = {"attach", sizeof(struct attach_policy), keys};
