// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The words, said once. A word is a struct (words.h) and a data record of IPFIX; what connects the
 * two is a list of elements with the member that each fills:
 *
 *   #define TICK(X)  X(intervalTick, tick.tick)  X(grantConfirmed, tick.serial)
 *                        │                │
 *      template          element of        member of
 *      of that record    the record        struct interval_word
 *
 * From these lists come the templates that are announced, the places that a reader fills, and the
 * places that a writer reads. Each word has one element that no other has, its key, by which a
 * template is recognized whatever its number.
 *
 * Below: the course, packed into a few bytes (shift, then LEB128 of each knot), and the checks that
 * both ends make of a word before it is written and after it is read, so that neither can say what
 * the other must refuse.
 */
#include "interval/words_internal.h"

#include <errno.h>
#include <stdio.h>

/* --- Words and their elements ------------------------------------------------------------- */

/* X(element, member), in the order of our records. */
#define HELLO(X)                                                                                   \
	X(sessionHostId, hello.host)                                                               \
	X(sessionInstance, hello.instance)                                                         \
	X(sessionTime, hello.time_ms)                                                              \
	X(sessionHostName, hello.name)
#define ASK(X)                                                                                     \
	X(queryNumber, ask.query)                                                                  \
	X(queryWindowMilliseconds, ask.window_ms)                                                  \
	X(intervalWidth, ask.width)                                                                \
	X(queryMeasure, ask.measure)                                                               \
	X(queryName, ask.name)                                                                     \
	X(queryMatch, ask.match)
#define UPDATE_HEAD(X)                                                                             \
	X(queryNumber, update.query)                                                               \
	X(intervalTick, update.course.tick)                                                        \
	X(intervalCentre, update.course.centre)                                                    \
	X(intervalWidth, update.width)                                                             \
	X(intervalStep, update.step)
#define UPDATE_SMALL(X) UPDATE_HEAD(X) X(intervalCourse, update.course)
#define UPDATE(X)                                                                                  \
	UPDATE_HEAD(X)                                                                             \
	X(intervalError, update.error)                                                             \
	X(intervalCourse, update.course)
#define TICK(X)                                                                                    \
	X(intervalTick, tick.tick)                                                                 \
	X(grantConfirmed, tick.serial)
#define LACK(X)                                                                                    \
	X(queryNumber, lack.query)                                                                 \
	X(intervalTick, lack.tick)                                                                 \
	X(missingHosts, lack.missing)
#define SINCE(X)                                                                                   \
	X(queryNumber, since.query)                                                                \
	X(intervalTick, since.tick)                                                                \
	X(countedSince, since.since)
#define WELCOME(X)                                                                                 \
	X(intervalMethod, welcome.rules.method)                                                    \
	X(intervalPeriod, welcome.rules.period_s)                                                  \
	X(intervalShrink, welcome.rules.shrink_ppm)                                                \
	X(clockShift, welcome.shift_s)                                                             \
	X(sessionCoordinatorName, welcome.name)
#define GRANT(X)                                                                                   \
	X(queryNumber, grant.query)                                                                \
	X(grantSerial, grant.serial)                                                               \
	X(intervalTick, grant.tick)                                                                \
	X(intervalWidth, grant.width)
#define REFUSAL(X) X(sessionRefusal, refusal)
#define OTHER(X)                                                                                   \
	X(queryNumber, other.query)                                                                \
	X(queryWindowMilliseconds, other.window_ms)                                                \
	X(queryMeasureThere, other.measure)                                                        \
	X(queryMatch, other.match)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MEMBER(member) (((struct interval_word *)0)->member)

#define PLACE(element, member)                                                                     \
	{WIRE_##element, offsetof(struct interval_word, member), sizeof(MEMBER(member)),           \
	 WIRE_##element == WIRE_intervalError},
static const struct interval_place hello[] = {HELLO(PLACE)};
static const struct interval_place ask[] = {ASK(PLACE)};
static const struct interval_place update[] = {UPDATE(PLACE)};
static const struct interval_place tick[] = {TICK(PLACE)};
static const struct interval_place lack[] = {LACK(PLACE)};
static const struct interval_place since[] = {SINCE(PLACE)};
static const struct interval_place goodbye[] = {{WIRE_sessionLeave}};
static const struct interval_place welcome[] = {WELCOME(PLACE)};
static const struct interval_place grant[] = {GRANT(PLACE)};
static const struct interval_place refusal[] = {REFUSAL(PLACE)};
static const struct interval_place other[] = {OTHER(PLACE)};

_Static_assert(COUNT(update) <= INTERVAL_PLACES_MAX && COUNT(ask) <= INTERVAL_PLACES_MAX, "room");
_Static_assert(sizeof(enum interval_method) == 4, "its place is read as a number's");

#define FORM(id, places, key) [INTERVAL_##id] = {#places, WIRE_##key, COUNT(places), places}
const struct interval_form interval_forms[INTERVAL_WORDS] = {
	FORM(HELLO, hello, sessionHostId),      FORM(ASK, ask, queryMeasure),
	FORM(UPDATE, update, intervalCourse),   FORM(TICK, tick, grantConfirmed),
	FORM(LACK, lack, missingHosts),         FORM(GOODBYE, goodbye, sessionLeave),
	FORM(WELCOME, welcome, intervalMethod), FORM(GRANT, grant, grantSerial),
	FORM(REFUSAL, refusal, sessionRefusal), FORM(OTHER, other, queryMeasureThere),
	FORM(SINCE, since, countedSince),
};

const struct interval_place *interval_place_of(const struct interval_form *form, __u16 row)
{
	for (unsigned int i = 0; i < form->count; i++) {
		if (form->place[i].row == row)
			return &form->place[i];
	}
	return NULL;
}

/* --- Templates ---------------------------------------------------------------------------- */

#define ROW(element, member) WIRE_##element,
static const __u16 hello_fields[] = {HELLO(ROW)};
static const __u16 ask_fields[] = {ASK(ROW)};
static const __u16 update_fields[] = {UPDATE(ROW)};
static const __u16 update_small_fields[] = {UPDATE_SMALL(ROW)};
static const __u16 tick_fields[] = {TICK(ROW)};
static const __u16 lack_fields[] = {LACK(ROW)};
static const __u16 since_fields[] = {SINCE(ROW)};
static const __u16 goodbye_fields[] = {WIRE_sessionLeave};
static const __u16 welcome_fields[] = {WELCOME(ROW)};
static const __u16 grant_fields[] = {GRANT(ROW)};
/* tshark 4.0 does not know a template that has nothing of fixed length. */
static const __u16 refusal_fields[] = {WIRE_paddingOctets, REFUSAL(ROW)};
static const __u16 other_fields[] = {OTHER(ROW)};

/* Query, centre, width, step: nearly all that is said fits, 140 GB in a window. */
#define SMALL_QUERY 1
#define SMALL_VALUE 6
static const __u8 update_small_bytes[COUNT(update_small_fields)] = {
	SMALL_QUERY, 0, SMALL_VALUE, SMALL_VALUE, SMALL_VALUE, 0};

#define SPEC(id, fields)                                                                           \
	{                                                                                          \
		WIRE_TEMPLATE_##id, 0, COUNT(fields), fields                                       \
	}
const struct wire_template_spec interval_templates[INTERVAL_TEMPLATES] = {
	SPEC(HELLO, hello_fields),
	SPEC(ASK, ask_fields),
	SPEC(UPDATE, update_fields),
	{WIRE_TEMPLATE_UPDATE_SMALL, 0, COUNT(update_small_fields), update_small_fields,
	 update_small_bytes},
	SPEC(TICK, tick_fields),
	SPEC(LACK, lack_fields),
	SPEC(GOODBYE, goodbye_fields),
	SPEC(WELCOME, welcome_fields),
	SPEC(GRANT, grant_fields),
	SPEC(REFUSAL, refusal_fields),
	SPEC(OTHER, other_fields),
	SPEC(SINCE, since_fields),
};

bool interval_update_is_small(const struct interval_update *u)
{
	const __s64 limit = 1ll << (8 * SMALL_VALUE - 1);

	return !u->error && u->query >> 8 * SMALL_QUERY == 0 && u->course.centre >= -limit &&
	       u->course.centre < limit && u->width >> 8 * SMALL_VALUE == 0 &&
	       u->step >> 8 * SMALL_VALUE == 0;
}

/* --- Courses ------------------------------------------------------------------------------ */

static __u8 *put_varint(__u8 *at, __u32 value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = value | 0x80;
	*at++ = value;
	return at;
}

/* NULL: it does not end, or is more than 32 bits. */
static const __u8 *get_varint(const __u8 *at, const __u8 *end, __u32 *value)
{
	__u64 sum = 0;

	for (unsigned int bits = 0; at < end && bits < 35; bits += 7) {
		sum |= (__u64)(*at & 0x7f) << bits;
		if (*at++ & 0x80)
			continue;
		*value = sum;
		return sum >> 32 ? NULL : at;
	}
	return NULL;
}

size_t interval_put_course(const struct interval_course *course, __u8 out[INTERVAL_COURSE_BYTES])
{
	__u8 *at = out;

	*at++ = course->shift;
	for (unsigned int i = 0; i < course->knots; i++) {
		__u32 move = course->knot[i].move;

		at = put_varint(at, course->knot[i].after);
		at = put_varint(at, move << 1 ^ (course->knot[i].move < 0 ? ~0u : 0));
	}
	return at - out;
}

bool interval_get_course(const __u8 *at, size_t length, struct interval_course *out)
{
	const __u8 *end = at + length;
	unsigned int knots = 0;

	if (!length)
		return false;
	out->shift = *at++;
	for (; at < end; knots++) {
		__u32 after, move;

		at = get_varint(at, end, &after);
		at = at ? get_varint(at, end, &move) : NULL;
		if (!at || after > 0xffff || knots == INTERVAL_KNOTS)
			return false;
		out->knot[knots].after = after;
		out->knot[knots].move = (__s32)(move >> 1 ^ -(move & 1));
	}
	out->knots = knots;
	return true;
}

/* --- What cannot be ----------------------------------------------------------------------- */

/* Bytes of the character that begins here; 0: none does, or one that steers a terminal. */
static size_t character(const __u8 *at, size_t length)
{
	size_t bytes = *at < 0x80 ? 1 : *at >> 5 == 6 ? 2 : *at >> 4 == 14 ? 3 : 4;
	static const __u32 least[] = {0, 0x20, 0xa0, 0x800, 0x10000};
	__u32 code = bytes == 1 ? *at : *at & (0x7f >> bytes);

	if (bytes > length || (bytes == 4 && *at >> 3 != 30))
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	return code < least[bytes] || code == 0x7f || code > 0x10ffff || code >> 11 == 0x1b ? 0
											    : bytes;
}

static bool is_text(const __u8 *at, size_t length)
{
	while (length) {
		size_t bytes = character(at, length);

		if (!bytes)
			return false;
		at += bytes;
		length -= bytes;
	}
	return true;
}

static int check_texts(const struct interval_word *word, struct why *why)
{
	const struct interval_form *form = &interval_forms[word->kind];

	for (const struct interval_place *p = form->place; p < form->place + form->count; p++) {
		const struct wire_element *element = &wire_elements[p->row];
		const char *text = (const char *)word + p->offset;
		size_t length;

		if (element->type != WIRE_STRING || p->row == WIRE_intervalMethod)
			continue;
		length = strnlen(text, p->bytes);
		if (length < p->bytes && is_text((const __u8 *)text, length))
			continue;
		return why_set(why, -EINVAL,
			       "%s of %s: no text of UTF-8 without control characters",
			       element->name, form->name);
	}
	return 0;
}

static int refuse(const struct interval_word *word, enum wire_row row, struct why *why)
{
	return why_set(why, -EINVAL, "%s of %s cannot be", wire_elements[row].name,
		       interval_forms[word->kind].name);
}

static bool is_width(__u64 width)
{
	return width <= INTERVAL_WIDTH_MAX && width % 2 == 0;
}

static bool is_tick(__s64 at)
{
	return at >= 0 && at <= 0xffffffffll; /* RFC 7011, 6.1.7 */
}

static int check_update(const struct interval_word *word, struct why *why)
{
	const struct interval_update *u = &word->update;

	if (!is_tick(u->course.tick))
		return refuse(word, WIRE_intervalTick, why);
	if (!is_width(u->width))
		return refuse(word, WIRE_intervalWidth, why);
	if (u->error > INTERVAL_VALUE_MAX)
		return refuse(word, WIRE_intervalError, why);
	if (u->step > INTERVAL_VALUE_MAX)
		return refuse(word, WIRE_intervalStep, why);
	if (u->course.centre > INTERVAL_VALUE_MAX || u->course.centre < -INTERVAL_VALUE_MAX)
		return refuse(word, WIRE_intervalCentre, why);
	if (u->course.knots > INTERVAL_KNOTS || !interval_course_is_sound(&u->course))
		return refuse(word, WIRE_intervalCourse, why);
	return 0;
}

int interval_word_check(const struct interval_word *word, struct why *why)
{
	switch (word->kind) {
	case INTERVAL_UPDATE:
		return check_update(word, why);
	case INTERVAL_ASK:
		if (!is_width(word->ask.width))
			return refuse(word, WIRE_intervalWidth, why);
		break;
	case INTERVAL_GRANT:
		if (!is_width(word->grant.width))
			return refuse(word, WIRE_intervalWidth, why);
		if (!is_tick(word->grant.tick))
			return refuse(word, WIRE_intervalTick, why);
		break;
	case INTERVAL_TICK:
		if (!is_tick(word->tick.tick))
			return refuse(word, WIRE_intervalTick, why);
		break;
	case INTERVAL_LACK:
		if (!is_tick(word->lack.tick))
			return refuse(word, WIRE_intervalTick, why);
		break;
	case INTERVAL_SINCE:
		if (!is_tick(word->since.tick))
			return refuse(word, WIRE_intervalTick, why);
		if (!is_tick(word->since.since))
			return refuse(word, WIRE_countedSince, why);
		break;
	case INTERVAL_WELCOME:
		if (word->welcome.rules.method >= INTERVAL_METHODS)
			return refuse(word, WIRE_intervalMethod, why);
		if (word->welcome.rules.shrink_ppm > 1000000)
			return refuse(word, WIRE_intervalShrink, why);
		break;
	case INTERVAL_HELLO:
	case INTERVAL_GOODBYE:
	case INTERVAL_REFUSAL:
	case INTERVAL_OTHER:
		break;
	case INTERVAL_WORDS:
		return why_set(why, -EINVAL, "no word");
	}
	return check_texts(word, why);
}
