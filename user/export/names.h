/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Interfaces' names, as sent to collectors. One thread writes, those of exporters read.
 *
 *   version   1      2      3         each change of an entry increments the table's version, and the
 *   entry     eth0   wg0    eth0'     entry has the version of its last change: a session that sent
 *                                     version 2 sends eth0' and nothing else
 */
#ifndef EXPORT_NAMES_H
#define EXPORT_NAMES_H

#include <linux/types.h>
#include <stdbool.h>

#include "base/twin.h"

#define NAMES_MAX 256 /* as many as there are accounts of interfaces */

struct interface_name {
	__u32 index;
	char name[64];
	char about[260]; /* the alias that somebody gave it (IFALIASZ 256); "": none */
};

struct names_entry {
	__u64 version;
	struct interface_name interface;
};

struct names {
	__u64 version; /* 0: empty */
	__u32 count;
	TWIN(struct names_entry) entry[NAMES_MAX];
};

/* Writes only what differs from what is there. An interface beyond NAMES_MAX stays without a name. */
void names_set(struct names *n, const struct interface_name *interface);
bool names_has(const struct names *n, __u32 index);

__u64 names_version(const struct names *n);
/* The first entry from *at on that changed after version `since`; *at is its place. False: there are
 * no more. */
bool names_next(const struct names *n, __u64 since, unsigned int *at, struct interface_name *out);
/* The same for equal tables, in whatever order they were filled; never 0. */
__u64 names_digest(const struct names *n);

#endif
