// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The hosts that a coordinator knows, and what each is asked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "interval/coordinator_internal.h"

static void *counted_alloc(struct coordinator *c, size_t count, size_t bytes)
{
	void *memory = calloc(count ? count : 1, bytes);

	if (memory)
		c->bytes += count * bytes;
	return memory;
}

static void counted_free(struct coordinator *c, void *memory, size_t count, size_t bytes)
{
	if (memory)
		c->bytes -= count * bytes;
	free(memory);
}

/* --- Objects ------------------------------------------------------------------------------ */

void object_free(struct coordinator *c, struct object *o)
{
	struct allocate_object *slot = c->allocation.object;
	__u32 last = --c->objects;

	/* The last takes its place. */
	slot[o->index] = slot[last];
	c->object[o->index] = c->object[last];
	c->object[o->index]->index = o->index;
	o->host->object[o->query] = NULL;
	free(o->lack[0].missing);
	free(o->lack[1].missing);
	counted_free(c, o, 1, sizeof(*o));
	c->changed = true;
}

static int more_objects(struct coordinator *c)
{
	__u32 room = c->object_room ? 2 * c->object_room : 64;
	struct allocate_object *slots;
	struct object **objects;

	if (c->objects < c->object_room)
		return 0;
	objects = realloc(c->object, room * sizeof(*objects));
	if (!objects)
		return -ENOMEM;
	c->object = objects;
	slots = realloc(c->allocation.object, room * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	c->allocation.object = slots;
	c->bytes += (room - c->object_room) * (sizeof(*objects) + sizeof(*slots));
	c->object_room = room;
	return 0;
}

struct object *object_new(struct coordinator *c, struct host *h, __u32 query, __u64 width)
{
	struct object *o;

	if (more_objects(c))
		return NULL;
	o = counted_alloc(c, 1, sizeof(*o));
	if (!o)
		return NULL;
	o->host = h;
	o->query = query;
	o->index = c->objects;
	c->object[c->objects] = o;
	c->allocation.object[c->objects++] = (struct allocate_object){.target = width & ~1ull};
	h->object[query] = o;
	c->told_widths |= width > 0;
	c->changed = true;
	width_anew(c);
	return o;
}

void object_begin(struct object *o, __u32 number)
{
	o->number = number;
	o->said_count = 0;
	o->width_count = 0;
	o->lowers = false;
	o->lacked = 0;
	for (int i = 0; i < 2; i++) {
		free(o->lack[i].missing);
		o->lack[i].missing = NULL;
		o->lack[i].from = 0;
		o->counted[i].from = o->counted[i].since = 0;
	}
	width_push(o, 0, 0, 0);
}

/* --- Hosts -------------------------------------------------------------------------------- */

/* Where the host of that number is, or would be. */
static __u32 place_of(const struct coordinator *c, __u32 id)
{
	return search_first(c->hosts, i, c->host[i]->id >= id);
}

struct host *host_find(const struct coordinator *c, __u32 id)
{
	__u32 at = place_of(c, id);

	return at < c->hosts && c->host[at]->id == id ? c->host[at] : NULL;
}

static void host_free(struct coordinator *c, struct host *h)
{
	__u32 queries = c->plan.query_count;

	for (__u32 q = 0; q < queries; q++) {
		if (h->object[q])
			object_free(c, h->object[q]);
		free(h->refused[q]);
	}
	counted_free(c, h->object, queries, sizeof(*h->object));
	counted_free(c, h->refused, queries, sizeof(*h->refused));
	free(h->ask);
	counted_free(c, h, 1, sizeof(*h));
}

struct host *host_new(struct coordinator *c, __u32 id)
{
	__u32 queries = c->plan.query_count, at = place_of(c, id);
	struct host *h;

	if (c->hosts == c->host_room) {
		__u32 room = c->host_room ? 2 * c->host_room : 16;
		struct host **more = realloc(c->host, room * sizeof(*more));

		if (!more)
			return NULL;
		c->host = more;
		c->bytes += (room - c->host_room) * sizeof(*more);
		c->host_room = room;
	}
	h = counted_alloc(c, 1, sizeof(*h));
	if (!h)
		return NULL;
	h->object = counted_alloc(c, queries, sizeof(*h->object));
	h->refused = counted_alloc(c, queries, sizeof(*h->refused));
	if (!h->object || !h->refused) {
		counted_free(c, h->object, queries, sizeof(*h->object));
		counted_free(c, h->refused, queries, sizeof(*h->refused));
		counted_free(c, h, 1, sizeof(*h));
		return NULL;
	}
	h->id = id;
	memmove(&c->host[at + 1], &c->host[at], (c->hosts - at) * sizeof(*c->host));
	c->host[at] = h;
	c->hosts++;
	c->changed = true;
	return h;
}

void host_remove(struct coordinator *c, struct host *h)
{
	__u32 at = place_of(c, h->id);

	c->hosts--;
	memmove(&c->host[at], &c->host[at + 1], (c->hosts - at) * sizeof(*c->host));
	/* Members that point to it are not looked at before answers and hosts are linked anew. */
	for (__u32 i = 0; i < h->asks; i++) {
		c->answer[h->ask[i]].last.parts = NULL;
		c->answer[h->ask[i]].last.part_count = 0;
	}
	host_free(c, h);
	c->changed = true;
	width_anew(c);
}

void hosts_drop(struct coordinator *c)
{
	HASH_CLEAR(hh, c->sessions);
	while (c->hosts)
		host_free(c, c->host[--c->hosts]);
}

void coordinator_hosts(const struct coordinator *c,
		       void (*each)(void *context, const struct coordinator_host *host),
		       void *context)
{
	for (__u32 i = 0; i < c->hosts; i++) {
		const struct host *h = c->host[i];
		struct coordinator_host host = {
			.host = h->id,
			.here = host_is_live(h),
			.since = host_is_live(h) ? h->since : h->known,
			.skew_ms = h->skew_ms,
			.updates = h->updates,
			.grants = h->grants,
		};

		memcpy(host.name, h->name, sizeof(host.name));
		each(context, &host);
	}
}
