/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which hooks the user wants: the section `attach` of the configuration. */
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

struct attach_policy {
	enum attach_in in;
	enum attach_out out;
};

extern const struct section attach_section;

#endif
