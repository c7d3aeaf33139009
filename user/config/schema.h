/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading YAML by tables of keys. A key is its name, the function that reads its value, where that
 * goes, and its limits; what is not in the table is refused.
 *
 * libyaml alone, not libcyaml on top of it: cyaml has no mappings with free keys, which `groups`
 * is, and forgets where a value stood once it is loaded, which the checks that YAML knows nothing
 * of (prefixes, durations, matches) need. libyaml's document keeps the position of every node, and
 * one walk over it is shorter than a schema plus a second pass.
 *
 * The depth of the walk is that of the tables, so aliases that form a circle end at a wrong type.
 *
 * Readers return 0, -EINVAL with r->err filled, or -ENOMEM.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "config/config.h"

struct reader {
	const char *name; /* of the file, in errors */
	struct config_error *err;
	void *context; /* for readers that look beyond their own value */
	yaml_document_t *document;
};

struct key;

typedef int key_reader(struct reader *r, const yaml_node_t *node, const struct key *key, void *to);

struct key {
	const char *name; /* NULL ends a table, of 64 keys at most */
	key_reader *read;
	size_t at;          /* offset of what it fills, within what its mapping fills */
	__u64 min, max;     /* of a number, in ns of a duration */
	const char *values; /* of a choice: "auto native", in the order of its enum */
	const struct key *keys;
};

/* Reads `size` bytes of YAML, one mapping, into `to`. */
int schema_read(struct reader *r, const char *text, size_t size, const struct key *keys, void *to);

int schema_keys(struct reader *r, const yaml_node_t *node, const struct key *keys, void *to);
/* `read` for every item, with the same `to`. */
int schema_list(struct reader *r, const yaml_node_t *node, const struct key *key, void *to,
		key_reader *read);

key_reader schema_section;  /* a mapping by key->keys */
key_reader schema_choice;   /* an enum */
key_reader schema_number;   /* __u32 */
key_reader schema_duration; /* __u64, ns */

/* Digits, at most ten; *rest: what follows them. -EINVAL when there are none, or more. */
int schema_digits(const char *text, unsigned long *out, const char **rest);

/* The text of a scalar, or NULL: it is something else, or a zero byte would cut it short. */
const char *schema_text(const yaml_node_t *node);
const yaml_node_t *schema_node(const struct reader *r, int index);

/* Fills err: "NAME:LINE:COLUMN: what". Returns -EINVAL. */
int schema_refuse(struct reader *r, yaml_mark_t mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
