// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is exported of distinct counts. The exporters' threads do not ask the meter, for a reload
 * takes vectors from under them: the thread that reloads asks, and writes down what they tell.
 */
#include "agent/turns.h"

#include <stdio.h>

#include "base/clock.h"
#include "view/distinct.h"

#define ASK_EACH_NS WEIR_NS_PER_SEC
#define MS_PER_S 1000u

_Static_assert(sizeof(struct wire_distinct) % 8 == 0, "it is copied in words");

/* v9 and v5 have no elements for them. */
bool turns_can_export_distinct(const struct config *config)
{
	for (unsigned int i = 0; i < config->export_count; i++)
		if (config->exports[i].url.format == URL_IPFIX)
			return true;
	return false;
}

/* False: the query does not count these, or it cannot be told. */
static bool ask(const struct meter *m, __u32 query, const struct weir_label *label,
		enum weir_distinct key, __u64 now_ns, struct wire_distinct *out)
{
	struct meter_distinct d;

	if (meter_distinct(m, query, key, now_ns, label->since_ns,
			   label->window_s * WEIR_NS_PER_SEC, &d))
		return false;
	*out = (struct wire_distinct){
		.window_ms = label->window_s * MS_PER_S,
		.covered_ms = d.covered_ns / NS_PER_MS,
		.count = d.keys.count + 0.5,
		.error = d.keys.error,
		.saturated = d.keys.saturated,
	};
	snprintf(out->query, sizeof(out->query), "%s", label->name);
	snprintf(out->key, sizeof(out->key), "%s", countdown_key_name(key));
	return true;
}

void turns_read_distinct(struct turns *t, __u64 now_ns)
{
	struct wire_distinct distinct;
	struct weir_label label;
	unsigned int n = 0;

	if (!t->tells_distinct)
		return;
	for (__u32 q = 0; q < WEIR_QUERIES; q++) {
		/* To look there costs nothing, a label a system call. */
		if (!distinct_has(t->meter, q) || meter_label(t->meter, q, &label) ||
		    !label.name[0])
			continue;
		for (unsigned int key = 0; key < WEIR_DISTINCT_MAX && n < WEIR_VECTORS; key++) {
			if (!ask(t->meter, q, &label, key, now_ns, &distinct))
				continue;
			twin_write(&t->distinct[n], &distinct);
			n++;
		}
	}
	for (distinct = (struct wire_distinct){}; n < WEIR_VECTORS; n++)
		twin_write(&t->distinct[n], &distinct);
}

void turns_follow_distinct(struct turns *t)
{
	const __u64 now_ns = t->folder ? meter_now() : t->clock_ns;

	if (now_ns < t->distinct_ns)
		return;
	t->distinct_ns = now_ns + ASK_EACH_NS;
	turns_read_distinct(t, now_ns);
}

bool turns_export_distinct(void *context, unsigned int n, struct wire_distinct *out)
{
	const struct turns *t = context;

	if (n >= WEIR_VECTORS)
		return false;
	twin_read(&t->distinct[n], out);
	return out->query[0];
}
