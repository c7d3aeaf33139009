/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Texts that are a configuration, and texts that are none. */
#ifndef TESTS_CONFIG_READING_H
#define TESTS_CONFIG_READING_H

#include "config/config.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEC WEIR_NS_PER_SEC

/* One query. */
#define ASK(what) "queries: [{name: q, match: in, " what "}]\n"

struct refusal {
	const char *text, *starts; /* what is read, how the reason starts */
};

void must_read(const char *text, struct config *config);
/* The reason, one line; the configuration stays as it was. */
void must_refuse(const char *text, struct why *why);
void must_refuse_all(const struct refusal *cases, size_t count);

#endif
