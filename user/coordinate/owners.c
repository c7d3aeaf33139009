// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "coordinate/owners.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"

#define OWNERS_MAX (1u << 20)

/* Where the host is, or would be inserted. */
static unsigned int place_of(const struct owners *o, __u32 host)
{
	return search_first(o->count, i, o->owner[i].host >= host);
}

bool owners_other(const struct owners *o, __u32 host, const char *subject)
{
	const unsigned int at = place_of(o, host);

	return at < o->count && o->owner[at].host == host &&
	       strcmp(o->owner[at].subject, subject) != 0;
}

void owners_remember(struct owners *o, __u32 host, const char *subject)
{
	const unsigned int at = place_of(o, host);
	struct owner *more;
	char *copy;

	if (!*subject || (at < o->count && o->owner[at].host == host) || o->count >= OWNERS_MAX)
		return;
	more = array_grow(o->owner, o->count, sizeof(*more));
	copy = more ? strdup(subject) : NULL;
	o->owner = more ? more : o->owner;
	if (!copy)
		return;
	memmove(more + at + 1, more + at, (o->count - at) * sizeof(*more));
	more[at] = (struct owner){host, copy};
	o->count++;
}

void owners_free(struct owners *o)
{
	for (unsigned int i = 0; i < o->count; i++)
		free(o->owner[i].subject);
	free(o->owner);
	*o = (struct owners){};
}
