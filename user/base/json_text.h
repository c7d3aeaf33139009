/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include <jansson.h>

/* Text that came from elsewhere; bytes that are no UTF-8 become '?'. NULL: no memory. */
json_t *json_text(const char *text);

/* A duration, to the millisecond. */
json_t *json_seconds(double seconds);

#endif
