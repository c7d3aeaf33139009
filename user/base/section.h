/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A room's part of the configuration: a table of keys. The room owns the struct that the table
 * fills. All the rest comes from the table: config/schema.h reads YAML by it, defaults are read
 * from it in the same way, refusals say what it allows, and the manual is printed from it.
 *
 *   #define AT(member) offsetof(struct cache_options, member)
 *
 *   static const struct key keys[] = {
 *           {"size", KEY_NUMBER, AT(size), .min = 1024, .max = 1 << 26, .standard = "262144",
 *            .unit = "flows", .help = "capacity of the cache"},
 *           {.name = NULL},
 *   };
 *   const struct section cache_section = {"cache", sizeof(struct cache_options), keys};
 *
 * A new type of value that only one room has is a KEY_OWN with a reader in that room. Rooms know
 * nothing of YAML: a reader takes the text of a scalar and its place in the file.
 *
 * Readers return 0; -EINVAL after section_refuse(); -ENOMEM. What they allocate is in the struct at
 * once, so that section_free() frees it, whether all of the section was read or not.
 */
#ifndef BASE_SECTION_H
#define BASE_SECTION_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/why.h"

#define SECTION_KEYS_MAX 32 /* of one table */
#define SECTION_KIND_BYTES 256
#define SECTION_PATH_BYTES 128
#define NAME_BYTES_MAX 63 /* of a KEY_NAME */

/* 1-based; 0: it is a default, and in no file. */
struct section_place {
	unsigned int line, column; /* in characters */
};

struct section_value {
	struct section_place at;
	const char *text; /* NULL: a list, or keys and values */
	/* The text is in the file as it is, on one line, `quote` characters after `at`. */
	bool exact;
	unsigned int quote;
};

struct key;

struct section_reader {
	const char *file; /* its name in refusals; NULL: no file */
	struct why *why;
	/* Reads the default of a list. NULL: there is none to read. */
	int (*read_list)(struct section_reader *r, const struct key *key, void *to);
};

enum key_type {       /* and what is filled */
	KEY_NUMBER,   /* __u32 */
	KEY_SIZE,     /* __u64, bytes */
	KEY_DURATION, /* __u64, ns */
	KEY_SECONDS,  /* __u32: a duration of whole seconds */
	KEY_PERCENT,  /* __u32, millionths */
	KEY_BOOLEAN,  /* bool */
	KEY_CHOICE,   /* unsigned int, or an enum: one of key->choices */
	KEY_NAME,     /* char *: needs no quoting in a match, in JSON and in a metric's label */
	KEY_PATH,     /* char * */
	KEY_OWN,      /* what key->read fills */
	KEY_SET,      /* __u32: list of choices, each the number of a bit */
	KEY_LIST,     /* list of key->list */
	KEY_NAMED,    /* list, written as names and values: the first key of the item's section is
		       * the name, the second the value */
	KEY_SECTION,  /* keys and values, by key->section */
};

/* Ends with one without a word. */
struct key_choice {
	const char *word;
	unsigned int value;
};

struct key_list {
	const struct key *item; /* without a name and an `at` */
	size_t size, count_at;  /* bytes of an item, where the __u32 count is */
	bool grows;             /* key->at has a pointer to items; else the items are there */
	/* Are two items (not sections: those have key->unique) one and the same? */
	bool (*same)(const void *a, const void *b);
};

typedef int section_read_own(struct section_reader *r, const struct section_value *value,
			     const struct key *key, void *to);

struct key {
	const char *name; /* NULL ends a table */
	enum key_type type;
	size_t at;            /* of what it fills in the section's struct */
	__u64 min, max;       /* of a number, bytes, ns, millionths; items; characters of a path */
	const char *standard; /* the default, as it would be in the file */
	const char *without;  /* what a key without a default does when it is left out */
	const char *help;
	const char *unit;       /* of a number, a size: "bytes" */
	const char *also;       /* KEY_SIZE: a word that is read as 0 */
	bool required, unique;  /* unique (KEY_NAME, char *): not two alike in a list */
	const char *kind;       /* KEY_OWN, KEY_NAMED: what is expected: "an address" */
	section_read_own *read; /* KEY_OWN */
	void (*free)(void *to); /* KEY_OWN that allocates */
	const struct key_choice *choices;
	const struct key_list *list;
	const struct section *section;
};

/* What the file has of a section, in the order of its table. */
struct section_seen {
	struct section_place at;
	const struct section *section;
	struct {
		bool given;
		struct section_place name, value;
	} key[SECTION_KEYS_MAX];
};

struct section {
	const char *name;
	size_t size; /* bytes of the struct that is filled */
	const struct key *keys;
	bool list_is_first; /* a list instead of keys and values is the first key's value */
	/* Checks and completes what was read. Is not called for a section that is left out. */
	int (*finish)(struct section_reader *r, const struct section_seen *seen, void *options);
	void (*free)(void *options); /* what the table does not describe */
};

/* Reads one scalar by its key. */
int section_read(struct section_reader *r, const struct section_value *value, const struct key *key,
		 void *to);

/* Fills what `seen` has not, or with NULL everything, with the table's defaults. */
int section_defaults(struct section_reader *r, const struct section *section,
		     const struct section_seen *seen, void *options);

/* Do two have the same values? Of scalars: a list counts as changed, and so does what a room reads
 * itself unless it is a text. */
bool section_same(const struct section *section, const void *a, const void *b);

/* Frees all that the tables allocate, and zeroes the struct. */
void section_free(const struct section *section, void *options);
void section_free_text(void *to); /* for key->free: a char * */

/* Where the value is; NULL: the key was left out. */
const struct section_place *section_saw(const struct section_seen *seen, const char *name);

/* "FILE:LINE:COLUMN: what". Returns -EINVAL. */
int section_refuse(struct section_reader *r, struct section_place at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "FILE:LINE:COLUMN: KEY: expected KIND". */
int section_refuse_kind(struct section_reader *r, struct section_place at, const struct key *key);

/* What is expected, of a list as its items, in words: "a number, 1024 to 67108864". Returns `out`. */
const char *section_kind(const struct key *key, char out[SECTION_KIND_BYTES]);

/* Calls `visit` for each key with its path from the top ("flow.size", "export.to"): keys of items
 * and of sections within come after the key that has them. */
void section_walk(const struct section *section, const char *prefix,
		  void (*visit)(void *context, const char *path, const struct key *key),
		  void *context);

/* Digits, at most ten; *rest: what follows them. -EINVAL when there are none, or more. */
int section_digits(const char *text, __u64 *out, const char **rest);
/* "12", "0.25" in units of 10^-decimals; at most 13 digits before the point. */
int section_decimal(const char *text, unsigned int decimals, __u64 *out, const char **rest);
bool section_is_name(const char *text); /* NULL is none */

#endif
