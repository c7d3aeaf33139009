/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the writing and the reading end of interval/words.h share: which element tells which member of
 * a word, and what a word cannot say. */
#ifndef INTERVAL_WORDS_INTERNAL_H
#define INTERVAL_WORDS_INTERNAL_H

#include "interval/words.h"
#include "wire/spec.h"

struct interval_place {
	__u16 row;           /* of wire_elements */
	__u16 offset, bytes; /* in struct interval_word; 0 bytes: that it is said is all */
	bool optional;       /* 0 where it is not told */
};

#define INTERVAL_PLACES_MAX 8

/* The elements of a word. No other word has its key, so a template is known by that. */
struct interval_form {
	const char *name;
	__u16 key, count;
	const struct interval_place *place;
};
extern const struct interval_form interval_forms[INTERVAL_WORDS];

/* NULL: it tells nothing of that word. */
const struct interval_place *interval_place_of(const struct interval_form *form, __u16 row);

/* All templates; their order is their ids'. */
#define INTERVAL_TEMPLATES (WIRE_TEMPLATE_SINCE - WIRE_TEMPLATE_HELLO + 1)
extern const struct wire_template_spec interval_templates[INTERVAL_TEMPLATES];

/* An update that has no error, and that is not too large for the lengths of the small template. */
bool interval_update_is_small(const struct interval_update *update);

/* intervalCourse: the shift; of each knot LEB128 of `after`, and zigzag LEB128 of `move`. */
#define INTERVAL_COURSE_BYTES (1 + INTERVAL_KNOTS * (3 + 5))
size_t interval_put_course(const struct interval_course *course, __u8 out[INTERVAL_COURSE_BYTES]);
/* Shift and knots; false: it is none. */
bool interval_get_course(const __u8 *at, size_t length, struct interval_course *out);

/* 0, or -EINVAL and why: its numbers or texts cannot be. */
int interval_word_check(const struct interval_word *word, struct why *why);

#endif
