/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading YAML by the tables of base/section.h; what is not in a table is refused.
 *
 * libyaml alone, not libcyaml on top of it: cyaml has no mappings with free keys, which `groups`
 * is, and forgets where a value was once it is loaded, which the checks that YAML knows nothing of
 * (prefixes, durations, matches) need. libyaml's document keeps the position of every node, and
 * one walk over it is shorter than a schema plus a second pass.
 *
 * The depth of the walk is that of the tables, so aliases that form a circle end at a wrong type.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "base/section.h"

/* Reads `size` bytes of YAML, one mapping or nothing, into the section's zeroed struct `to`, which
 * is for section_free() in any case. 0; -EINVAL and the reason; -ENOMEM. */
int schema_read(const char *file, const char *text, size_t size, const struct section *section,
		void *to, struct why *why);

#endif
