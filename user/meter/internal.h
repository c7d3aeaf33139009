/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of this room only. */
#ifndef METER_INTERNAL_H
#define METER_INTERNAL_H

#include "meter/meter.h"

/* Writes "what: reason of code" and returns code (a negative errno). */
int meter_fail(struct meter_error *err, int code, const char *what);

int ring_map(struct meter *m); /* 0 or a negative errno */
void ring_unmap(struct meter *m);

#endif
