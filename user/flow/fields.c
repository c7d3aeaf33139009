// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow/fields.h"

const struct flow_field_row flow_fields[FIELD_MAX] = FLOW_FIELD_TABLE;
