// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "coordinate/refusals.h"

#include "base/utf8.h"
#include "weir/base.h"

#define LINES_A_SECOND 3 /* of one kind */

const struct refusal_name refusal_names[REFUSAL_MAX] = {
#define X(id, name, text) {name, text},
	COORDINATE_REFUSALS(X)
#undef X
};

static void say_unsaid(struct refusals *r, enum refusal reason)
{
	if (r->said[reason].unsaid)
		notes_warn(r->notes, "%u more: %s", r->said[reason].unsaid, r->said[reason].why);
	r->said[reason].unsaid = 0;
}

void refusals_add(struct refusals *r, enum refusal reason, const char *who, const char *why,
		  __u64 now_ns)
{
	const __u64 second = now_ns / WEIR_NS_PER_SEC;

	r->count[reason]++;
	if (r->said[reason].second != second) {
		r->said[reason].second = second;
		r->said[reason].lines = 0;
	}
	if (r->said[reason].lines == LINES_A_SECOND) {
		r->said[reason].unsaid++;
		snprintf(r->said[reason].why, sizeof(r->said[reason].why), "%.*s",
			 (int)utf8_cut(why, sizeof(r->said[reason].why) - 1), why);
		return;
	}
	say_unsaid(r, reason);
	r->said[reason].lines++;
	notes_warn(r->notes, "%s: %s", who, why);
}

void refusals_sweep(struct refusals *r, __u64 now_ns)
{
	for (int i = 0; i < REFUSAL_MAX; i++) {
		if (r->said[i].second != now_ns / WEIR_NS_PER_SEC)
			say_unsaid(r, i);
	}
}
