// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/names.h"

#include <string.h>

#include "base/digest.h"

_Static_assert(sizeof(struct names_entry) % 8 == 0, "twins are copied by words");

static __u32 count_of(const struct names *n)
{
	return __atomic_load_n(&n->count, __ATOMIC_ACQUIRE);
}

/* The place of an interface, or that of the next one. */
static __u32 find(const struct names *n, __u32 index, struct names_entry *out)
{
	const __u32 count = count_of(n);

	for (__u32 i = 0; i < count; i++) {
		twin_read(&n->entry[i], out);
		if (out->interface.index == index)
			return i;
	}
	return count;
}

bool names_has(const struct names *n, __u32 index)
{
	struct names_entry entry;

	return find(n, index, &entry) < count_of(n);
}

void names_set(struct names *n, const struct interface_name *interface)
{
	struct names_entry entry;
	const __u32 at = find(n, interface->index, &entry);

	if (at == NAMES_MAX || (at < n->count && !strcmp(entry.interface.name, interface->name) &&
				!strcmp(entry.interface.about, interface->about)))
		return;
	entry = (struct names_entry){.version = n->version + 1, .interface = *interface};
	twin_write(&n->entry[at], &entry);
	if (at == n->count)
		__atomic_store_n(&n->count, at + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&n->version, entry.version, __ATOMIC_RELEASE);
}

__u64 names_version(const struct names *n)
{
	return __atomic_load_n(&n->version, __ATOMIC_ACQUIRE);
}

bool names_next(const struct names *n, __u64 since, unsigned int *at, struct interface_name *out)
{
	const __u32 count = count_of(n);

	for (; *at < count; ++*at) {
		struct names_entry entry;

		twin_read(&n->entry[*at], &entry);
		if (entry.version <= since)
			continue;
		*out = entry.interface;
		return true;
	}
	return false;
}

__u64 names_digest(const struct names *n)
{
	struct interface_name interface;
	__u64 sum = 0;

	for (unsigned int at = 0; names_next(n, 0, &at, &interface); at++) {
		__u64 digest = digest_add(DIGEST_EMPTY, &interface.index, sizeof(interface.index));

		digest = digest_add(digest, interface.name, strlen(interface.name) + 1);
		sum += digest_add(digest, interface.about, strlen(interface.about) + 1);
	}
	return sum ? sum : 1;
}
