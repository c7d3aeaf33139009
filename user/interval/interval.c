// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "interval/interval.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

#define MILLION 1000000ull
#define SHOWN 60 /* bytes of a match */

const struct key_choice interval_methods[INTERVAL_METHODS + 1] = {
	[INTERVAL_AUTO] = {"auto", INTERVAL_AUTO},
	[INTERVAL_ADAPTIVE] = {"adaptive", INTERVAL_ADAPTIVE},
	[INTERVAL_STATIC] = {"static", INTERVAL_STATIC},
};

__s64 interval_centre(const struct interval_course *course, __s64 tick)
{
	const __s64 unit = 1ll << course->shift;
	__s64 left = tick - course->tick, centre = course->centre;

	for (unsigned int k = 0; k < course->knots && left > 0; k++) {
		__s64 after = course->knot[k].after, move = course->knot[k].move;

		centre += (left < after ? move * left / after : move) * unit;
		left -= after;
	}
	return centre;
}

bool interval_course_is_sound(const struct interval_course *course)
{
	__s64 centre = course->centre;

	if (course->shift > INTERVAL_SHIFT_MAX || course->knots > INTERVAL_KNOTS ||
	    centre < -INTERVAL_VALUE_MAX || centre > INTERVAL_VALUE_MAX)
		return false;
	for (unsigned int k = 0; k < course->knots; k++) {
		centre += course->knot[k].move * (1ll << course->shift);
		if (!course->knot[k].after || centre < -INTERVAL_VALUE_MAX ||
		    centre > INTERVAL_VALUE_MAX)
			return false;
	}
	return true;
}

/* Rounded up, so that what is left never exceeds the real number. */
static __u64 part(__u64 width, __u32 ppm)
{
	return width / MILLION * ppm + (width % MILLION * ppm + MILLION - 1) / MILLION;
}

__u64 interval_width_at(const struct interval_rules *rules, __u64 width, __s64 from, __s64 at)
{
	__s64 times;

	if (!rules->period_s || !rules->shrink_ppm || at <= from)
		return width;
	times = at / rules->period_s - from / rules->period_s;
	for (; times > 0 && width; times--)
		width = (width - part(width, rules->shrink_ppm)) & ~1ull;
	return width;
}

int interval_ask_compare(const struct interval_ask *far, const char *there,
			 const struct interval_ask *here, struct why *why)
{
	if (!*far->measure)
		return why_set(why, -ENOENT, "no query is named '%s' %s", here->name, there);
	if (far->window_ms != here->window_ms)
		return why_set(why, -ENOENT, "'%s' has a window of %g s %s, of %g s here",
			       here->name, far->window_ms / 1e3, there, here->window_ms / 1e3);
	if (strcmp(far->measure, here->measure))
		return why_set(why, -ENOENT, "'%s' measures %s %s, %s here", here->name,
			       far->measure, there, here->measure);
	if (strcmp(far->match, here->match))
		return why_set(why, -ENOENT, "'%s' matches \"%.*s\" %s, \"%.*s\" here", here->name,
			       (int)utf8_cut(far->match, SHOWN), far->match, there,
			       (int)utf8_cut(here->match, SHOWN), here->match);
	return 0;
}
