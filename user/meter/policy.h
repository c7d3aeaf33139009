/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which hooks and which of several devices the user wants: `attach` and `count` in the configuration. */
#ifndef METER_POLICY_H
#define METER_POLICY_H

#include "base/section.h"

enum attach_in {
	ATTACH_IN_AUTO,
	ATTACH_IN_NATIVE,
	ATTACH_IN_GENERIC,
	ATTACH_IN_TC,
};

enum attach_out {
	ATTACH_OUT_AUTO,
	ATTACH_OUT_TCX,
	ATTACH_OUT_CLSACT,
};

/* Whether to ask for VLAN tags that a device takes off its frames. */
enum attach_vlan {
	ATTACH_VLAN_AUTO,
	ATTACH_VLAN_ALWAYS,
	ATTACH_VLAN_NEVER,
};

struct attach_policy {
	enum attach_in in;
	enum attach_out out;
	enum attach_vlan vlan;
};

/* `vlans`: whether tags are about, which is for AUTO. */
static inline bool attach_asks(const struct attach_policy *policy, bool vlans)
{
	return policy->vlan == ATTACH_VLAN_ALWAYS || (policy->vlan == ATTACH_VLAN_AUTO && vlans);
}

/* What is measured of devices that lie above one another (links.h). */
enum count_mode {
	COUNT_ALL,
	COUNT_LOWER,
	COUNT_UPPER,
};

extern const struct section attach_section;
extern const struct key_choice count_choices[];

#endif
