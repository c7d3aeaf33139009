// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What hosts and coordinators say, as it is written and read back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/interval/interval_bed.h"
#include "unit/wire/wire_bed.h"

#define ROOM (4 * INTERVAL_MESSAGE_MAX)

/* Each message of `length` bytes that interval_write() made; how many there were. */
static unsigned int ear_take_all(struct ear *ear, const __u8 *at, size_t length)
{
	unsigned int messages = 0;

	for (; length; messages++) {
		size_t bytes = wire_stream_length(at);

		assert_in_range(bytes, 1, length);
		assert_in_range(bytes, 1, INTERVAL_MESSAGE_MAX);
		if (ear_take(ear, at, bytes))
			fail_msg("%s", ear->why.text);
		at += bytes;
		length -= bytes;
	}
	return messages;
}

/* --- Words -------------------------------------------------------------------------------- */

static __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Of so many bits, evenly over how many it takes. */
static __u64 draw_bits(__u64 *state, unsigned int bits)
{
	unsigned int some = draw(state) % (bits + 1);

	return some ? draw(state) >> (64 - some) : 0;
}

static __s64 draw_signed(__u64 *state, unsigned int bits)
{
	__s64 value = draw_bits(state, bits);

	return draw(state) % 2 ? value : -value;
}

static void draw_text(__u64 *state, char *out, size_t room)
{
	static const char *const letters[] = {
		"a", "Z", "-", " ", "\"", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\x8a"};
	size_t length = draw(state) % 3 ? draw(state) % room : room - 1, at = 0;

	memset(out, 0, room);
	while (at < length) {
		const char *letter = letters[draw(state) % 8];

		if (at + strlen(letter) > length)
			letter = "x";
		memcpy(out + at, letter, strlen(letter));
		at += strlen(letter);
	}
}

static void draw_course(__u64 *state, struct interval_course *c)
{
	__s64 at;

	c->tick = draw_bits(state, 32);
	c->centre = draw_signed(state, 57);
	c->shift = draw(state) % (INTERVAL_SHIFT_MAX + 1);
	c->knots = draw(state) % 2 ? draw(state) % (INTERVAL_KNOTS + 1) : 0;
	at = c->centre;
	for (unsigned int i = 0; i < c->knots; i++) {
		__s64 move = draw_signed(state, 31), to = at + move * (1ll << c->shift);

		if (to > INTERVAL_VALUE_MAX || to < -INTERVAL_VALUE_MAX)
			move = to = 0;
		else
			at = to;
		c->knot[i].after = 1 + draw_bits(state, 16) % 0xffff;
		c->knot[i].move = move;
	}
}

static struct interval_word draw_word(__u64 *state)
{
	struct interval_word w;

	memset(&w, 0, sizeof(w));
	w.kind = draw(state) % INTERVAL_WORDS;
	switch (w.kind) {
	case INTERVAL_HELLO:
		w.hello.host = draw_bits(state, 32);
		w.hello.instance = draw_bits(state, 64);
		w.hello.time_ms = draw_bits(state, 64);
		draw_text(state, w.hello.name, sizeof(w.hello.name));
		break;
	case INTERVAL_ASK:
		w.ask.query = draw_bits(state, 32);
		w.ask.window_ms = draw_bits(state, 32);
		w.ask.width = draw_bits(state, 58) & ~1ull;
		draw_text(state, w.ask.measure, sizeof(w.ask.measure));
		draw_text(state, w.ask.name, sizeof(w.ask.name));
		draw_text(state, w.ask.match, sizeof(w.ask.match));
		break;
	case INTERVAL_UPDATE:
		w.update.query = draw_bits(state, draw(state) % 2 ? 8 : 32);
		w.update.width = draw_bits(state, 58) & ~1ull;
		w.update.error = draw(state) % 2 ? draw_bits(state, 58) : 0;
		w.update.step = draw_bits(state, 58);
		draw_course(state, &w.update.course);
		break;
	case INTERVAL_TICK:
		w.tick.tick = draw_bits(state, 32);
		w.tick.serial = draw_bits(state, 32);
		break;
	case INTERVAL_LACK:
		w.lack.query = draw_bits(state, 32);
		w.lack.tick = draw_bits(state, 32);
		draw_text(state, w.lack.missing, sizeof(w.lack.missing));
		break;
	case INTERVAL_WELCOME:
		w.welcome.rules.method = draw(state) % INTERVAL_METHODS;
		w.welcome.rules.period_s = draw_bits(state, 32);
		w.welcome.rules.shrink_ppm = draw(state) % 1000001;
		w.welcome.shift_s = (__s32)draw_signed(state, 31);
		draw_text(state, w.welcome.name, sizeof(w.welcome.name));
		break;
	case INTERVAL_GRANT:
		w.grant.query = draw_bits(state, 32);
		w.grant.serial = draw_bits(state, 32);
		w.grant.tick = draw_bits(state, 32);
		w.grant.width = draw_bits(state, 58) & ~1ull;
		break;
	case INTERVAL_REFUSAL:
		draw_text(state, w.refusal, sizeof(w.refusal));
		break;
	case INTERVAL_SINCE:
		w.since.query = draw_bits(state, 32);
		w.since.tick = draw_bits(state, 32);
		w.since.since = draw_bits(state, 32);
		break;
	case INTERVAL_OTHER:
		w.other.query = draw_bits(state, 32);
		w.other.window_ms = draw_bits(state, 32);
		draw_text(state, w.other.measure, sizeof(w.other.measure));
		draw_text(state, w.other.match, sizeof(w.other.match));
		break;
	default:
		break;
	}
	return w;
}

/* Every number at its end, every text as long as may be. */
static unsigned int extremes(struct interval_word out[16])
{
	struct interval_word *w = out;

	memset(out, 0, 16 * sizeof(*out));
	w->kind = INTERVAL_HELLO;
	w->hello = (struct interval_hello){~0u, ~0ull, ~0ull, ""};
	memset(w->hello.name, 'n', INTERVAL_NAME_BYTES - 1);
	(++w)->kind = INTERVAL_ASK;
	w->ask = (struct interval_ask){~0u, ~0u, INTERVAL_WIDTH_MAX, "", "", ""};
	memset(w->ask.measure, 'm', INTERVAL_NAME_BYTES - 1);
	memset(w->ask.name, 'n', INTERVAL_NAME_BYTES - 1);
	memset(w->ask.match, 'x', INTERVAL_TEXT_BYTES - 1);
	for (int i = 0; i < 4; i++) {
		const __s64 sign = i % 2 ? -1 : 1;

		(++w)->kind = INTERVAL_UPDATE;
		w->update.query = ~0u;
		w->update.width = w->update.error = w->update.step = INTERVAL_WIDTH_MAX;
		w->update.course.tick = 0xffffffff;
		w->update.course.centre = sign * INTERVAL_VALUE_MAX;
		w->update.course.shift = i < 2 ? 0 : INTERVAL_SHIFT_MAX;
		w->update.course.knots = INTERVAL_KNOTS;
		for (int k = 0; k < INTERVAL_KNOTS; k++) {
			w->update.course.knot[k].after = 0xffff;
			w->update.course.knot[k].move = i < 2 ? -sign * INT32_MAX
							      : -sign * (1 << 27);
		}
	}
	w->update.course.shift = 26; /* the most that a move can be */
	for (int k = 0; k < INTERVAL_KNOTS; k++)
		w->update.course.knot[k].move = k % 2 ? INT32_MIN : INT32_MAX;
	w->update.course.knot[1].move = INT32_MAX;
	(++w)->kind = INTERVAL_TICK;
	w->tick = (struct interval_tick){0xffffffff, ~0u};
	(++w)->kind = INTERVAL_LACK;
	w->lack = (struct interval_lack){~0u, 0xffffffff, ""};
	memset(w->lack.missing, 'h', INTERVAL_TEXT_BYTES - 1);
	(++w)->kind = INTERVAL_GOODBYE;
	(++w)->kind = INTERVAL_WELCOME;
	w->welcome = (struct interval_welcome){{INTERVAL_STATIC, ~0u, 1000000}, INT32_MIN, ""};
	memset(w->welcome.name, 'c', INTERVAL_NAME_BYTES - 1);
	(++w)->kind = INTERVAL_GRANT;
	w->grant = (struct interval_grant){~0u, ~0u, 0xffffffff, INTERVAL_WIDTH_MAX};
	(++w)->kind = INTERVAL_REFUSAL;
	memset(w->refusal, 'r', INTERVAL_TEXT_BYTES - 1);
	/* And at the other. */
	(++w)->kind = INTERVAL_WELCOME;
	w->welcome.shift_s = INT32_MAX;
	(++w)->kind = INTERVAL_UPDATE;
	(++w)->kind = INTERVAL_OTHER;
	w->other = (struct interval_ask){~0u, ~0u, 0, "", "", ""};
	memset(w->other.measure, 'm', INTERVAL_NAME_BYTES - 1);
	memset(w->other.match, 'x', INTERVAL_TEXT_BYTES - 1);
	(++w)->kind = INTERVAL_SINCE;
	w->since = (struct interval_since){~0u, 0xffffffff, 0xffffffff};
	return w + 1 - out;
}

/* --- There and back ----------------------------------------------------------------------- */

static size_t write_all(struct interval_writer *w, const struct interval_word *words,
			unsigned int count, __u8 *out, size_t room)
{
	unsigned int taken;
	ssize_t length = interval_write(w, words, count, NOW, out, room, &taken);

	assert_true(length > 0);
	assert_in_range(length, 1, room);
	assert_int_equal(taken, count);
	return length;
}

static void assert_same(const struct ear *ear, const struct interval_word *words,
			unsigned int count)
{
	assert_int_equal(ear->words, count);
	for (unsigned int i = 0; i < count; i++)
		assert_memory_equal(&ear->word[i], &words[i], sizeof(*words));
	assert_int_equal(interval_reader_passed(ear->r), 0);
}

static void words_at_their_ends_come_back_as_they_were(void **state)
{
	static __u8 out[ROOM];
	struct interval_word words[16];
	unsigned int count = extremes(words);
	struct interval_writer w = {.domain = 7};
	struct ear *ear = ear_new();

	assert_int_equal(count, 16);
	ear_take_all(ear, out, write_all(&w, words, count, out, sizeof(out)));
	assert_same(ear, words, count);
	ear_free(ear);
}

static void whatever_is_said_comes_back_as_it_was(void **state)
{
	static __u8 out[ROOM];

	for (__u64 seed = 1; seed <= 400; seed++) {
		__u64 random = seed * 0x9e3779b97f4a7c15ull;
		struct interval_word words[INTERVAL_WORDS_MIN];
		unsigned int count = 1 + draw(&random) % INTERVAL_WORDS_MIN;
		struct interval_writer w = {.domain = seed};
		struct ear *ear = ear_new();

		for (unsigned int i = 0; i < count; i++)
			words[i] = draw_word(&random);
		ear_take_all(ear, out, write_all(&w, words, count, out, sizeof(out)));
		assert_same(ear, words, count);
		ear_free(ear);
	}
}

static void sixteen_words_fit_in_a_message_whatever_they_are(void **state)
{
	static __u8 out[ROOM];
	struct interval_word words[16], same[INTERVAL_WORDS_MIN];
	unsigned int count = extremes(words);

	for (unsigned int i = 0; i < count; i++) {
		struct interval_writer w = {.announced = true};

		for (unsigned int k = 0; k < INTERVAL_WORDS_MIN; k++)
			same[k] = words[i];
		assert_in_range(write_all(&w, same, INTERVAL_WORDS_MIN, out, sizeof(out)), 16,
				INTERVAL_MESSAGE_MAX);
	}
}

static void announcements_are_made_once_and_first(void **state)
{
	static __u8 out[ROOM];
	const struct interval_word tick = {.kind = INTERVAL_TICK, .tick = {EXPORT_S, 3}};
	struct interval_writer w = {.domain = 7};
	struct ear *ear = ear_new();
	size_t first = write_all(&w, &tick, 1, out, sizeof(out));

	assert_true(w.announced);
	assert_int_equal(wire_stream_length(out) + 16 + 4 + 8, first);
	assert_int_equal(ear_take_all(ear, out, first), 2);
	/* Header, set, tick, serial. */
	assert_int_equal(write_all(&w, &tick, 1, out, sizeof(out)), 16 + 4 + 8);
	assert_int_equal(ear_take_all(ear, out, 28), 1);
	assert_int_equal(ear->words, 2);
	ear_free(ear);
}

static void what_does_not_fit_goes_in_the_next_message(void **state)
{
	static __u8 out[ROOM];
	static struct interval_word words[EAR_WORDS];
	struct interval_writer w = {.domain = 7};
	struct ear *ear = ear_new();
	unsigned int at = 0, messages = 0, taken;
	__u64 random = 99;

	for (unsigned int i = 0; i < EAR_WORDS; i++)
		words[i] = draw_word(&random);
	/* There is room for the announcements, and no more. */
	assert_int_equal(interval_write(&w, words, 1, NOW, out, 100, &taken), -ENOSPC);
	assert_false(w.announced);
	ear_take_all(ear, out, interval_write(&w, words, EAR_WORDS, NOW, out, 4100, &taken));
	assert_true(w.announced);
	at += taken;
	assert_int_equal(interval_write(&w, words, 1, NOW, out, 16, &taken), -ENOSPC);
	assert_int_equal(interval_write(&w, words, 1, NOW, out, 3, &taken), -ENOSPC);
	while (at < EAR_WORDS) {
		ssize_t length =
			interval_write(&w, words + at, EAR_WORDS - at, NOW, out, 1400, &taken);

		assert_in_range(length, 1, 1400);
		assert_true(taken > 0);
		assert_int_equal(ear_take_all(ear, out, length), 1);
		at += taken;
		messages++;
	}
	assert_in_range(messages, 20, EAR_WORDS);
	assert_same(ear, words, EAR_WORDS);
	ear_free(ear);
}

static void a_word_that_cannot_be_is_not_written(void **state)
{
	static __u8 out[ROOM];
	struct interval_word words[3] = {{.kind = INTERVAL_TICK}, {.kind = INTERVAL_GRANT}};
	struct interval_writer w = {0};
	unsigned int taken;

	words[1].grant.width = 3;
	assert_true(interval_write(&w, words, 2, NOW, out, sizeof(out), &taken) > 0);
	assert_int_equal(taken, 1);
	assert_int_equal(interval_write(&w, words + 1, 2, NOW, out, sizeof(out), &taken), -EINVAL);
	assert_int_equal(taken, 0);
	words[0].tick.tick = -1;
	assert_int_equal(interval_write(&w, words, 1, NOW, out, sizeof(out), &taken), -EINVAL);
	words[0].tick.tick = 1ll << 32;
	assert_int_equal(interval_write(&w, words, 1, NOW, out, sizeof(out), &taken), -EINVAL);
	words[0].kind = INTERVAL_REFUSAL;
	memset(words[0].refusal, 'x', sizeof(words[0].refusal)); /* no end */
	assert_int_equal(interval_write(&w, words, 1, NOW, out, sizeof(out), &taken), -EINVAL);
}

/* By hand, from RFC 7011, 3 and 6.2: the template, and a record of it. The course goes up by
 * 3 << 4 within 300 seconds, and down by 64 << 4 within 2. */
static void an_update_is_written_byte_for_byte(void **state)
{
	static const __u8 template[] = {
		1,    14, 0,    6,                      /* 270: 6 fields */
		0x80, 48, 0,    1,    0, 0, 0x7e, 0xd9, /* queryNumber: 1 byte; 32473 */
		0x80, 51, 0,    4,    0, 0, 0x7e, 0xd9, /* intervalTick */
		0x80, 52, 0,    6,    0, 0, 0x7e, 0xd9, /* intervalCentre */
		0x80, 53, 0,    6,    0, 0, 0x7e, 0xd9, /* intervalWidth */
		0x80, 55, 0,    6,    0, 0, 0x7e, 0xd9, /* intervalStep */
		0x80, 56, 0xff, 0xff, 0, 0, 0x7e, 0xd9, /* intervalCourse: variable */
	};
	static const __u8 shall[] = {
		0,    10,   0,    50,                     /* IPFIX, bytes */
		0x65, 0x53, 0xf1, 0,                      /* 1,700,000,000 */
		0,    0,    0,    9,                      /* sequence */
		0,    0,    0,    7,                      /* domain */
		1,    14,   0,    34,                     /* set 270 */
		5,                                        /* query 5 */
		0x65, 0x53, 0xf1, 1,                      /* the second after */
		0xff, 0xff, 0xff, 0xff, 0xfc, 0x18,       /* -1,000 */
		0,    0,    0,    0,    0x27, 0x10,       /* 10,000 */
		0,    0,    0,    0,    0,    250,        /* 250 */
		6,    4,    0xac, 0x02, 6,    2,    0x7f, /* 6 bytes: 4; 300, 3; 2, -64 */
	};
	static __u8 out[ROOM];
	struct interval_word word = {.kind = INTERVAL_UPDATE};
	struct interval_writer w = {.domain = 7};
	size_t length;

	word.update.query = 5;
	word.update.width = 10000;
	word.update.step = 250;
	word.update.course =
		(struct interval_course){EXPORT_S + 1, -1000, 4, 2, {{300, 3}, {2, -64}}};
	length = write_all(&w, &word, 1, out, sizeof(out));
	assert_non_null(memmem(out, length, template, sizeof(template)));
	w.sequence = 9;
	length = write_all(&w, &word, 1, out, sizeof(out));
	assert_int_equal(length, sizeof(shall));
	assert_memory_equal(out, shall, sizeof(shall));
}

/* RFC 7011, 3.1: the number of data records before, type records among them. */
static void sequence_numbers_count_records(void **state)
{
	static __u8 out[ROOM];
	struct interval_word words[16];
	unsigned int count = extremes(words);
	struct interval_writer w = {.domain = 7};
	unsigned int types = WIRE_ROWS - WIRE_INTERVAL_FIRST + 2;
	size_t length = write_all(&w, words, count, out, sizeof(out));
	const __u8 *second = out + wire_stream_length(out);

	assert_int_equal(wire_get32(out + 8), 0);
	assert_true(length > wire_stream_length(out));
	assert_int_equal(wire_get32(second + 8), types);
	assert_int_equal(w.sequence, types + count);
}

static void a_collector_passes_over_what_is_no_flow(void **state)
{
	static __u8 out[ROOM];
	struct interval_word words[16];
	unsigned int count = extremes(words);
	struct interval_writer w = {.domain = 7};
	struct bed *bed = bed_new(NULL);

	for (int round = 0; round < 3; round++) {
		size_t length = write_all(&w, words, count, out, sizeof(out));

		for (size_t at = 0; at < length; at += wire_stream_length(out + at))
			assert_int_equal(bed_decode(bed, out + at, wire_stream_length(out + at)),
					 0);
	}
	assert_nothing_bad(bed);
	assert_int_equal(bed->flows, 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_FLOWS), 0);
	assert_int_equal(bed_count(bed, WIRE_COUNT_OTHER_RECORDS), 3 * count);
	/* What the elements are, queryName and queryWindowMilliseconds among them. */
	assert_int_equal(bed->options, WIRE_ROWS - WIRE_INTERVAL_FIRST + 2);
	for (unsigned int i = 0; i < bed->options; i++) {
		const struct wire_option *o = &bed->option[i];
		const struct wire_element *element = wire_element_find(o->type.pen, o->type.number);

		assert_int_equal(o->kind, WIRE_OPTION_TYPE);
		assert_non_null(element);
		assert_string_equal(o->type.name, element->name);
		assert_int_equal(o->type.type, element->type);
	}
	bed_free(bed);
}

/* Whichever byte of a message is another: it is read or refused, and nothing breaks. */
static void a_message_with_one_byte_wrong_breaks_nothing(void **state)
{
	static __u8 out[ROOM];
	struct interval_word words[16];
	unsigned int count = extremes(words);
	struct interval_writer w = {.domain = 7};
	size_t length = write_all(&w, words, count, out, sizeof(out));
	size_t first = wire_stream_length(out);
	unsigned int refused = 0;

	for (size_t at = 0; at < length; at++) {
		struct ear *ear = ear_new();
		int err;

		out[at] ^= 1 << at % 8;
		err = ear_take(ear, out, first);
		if (!err)
			err = ear_take(ear, out + first, length - first);
		assert_true(!err || err == -EBADMSG);
		assert_int_equal(!err, !ear->why.text[0]);
		refused += !!err;
		out[at] ^= 1 << at % 8;
		ear_free(ear);
	}
	assert_in_range(refused, 100, length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_at_their_ends_come_back_as_they_were),
		cmocka_unit_test(whatever_is_said_comes_back_as_it_was),
		cmocka_unit_test(sixteen_words_fit_in_a_message_whatever_they_are),
		cmocka_unit_test(announcements_are_made_once_and_first),
		cmocka_unit_test(what_does_not_fit_goes_in_the_next_message),
		cmocka_unit_test(a_word_that_cannot_be_is_not_written),
		cmocka_unit_test(an_update_is_written_byte_for_byte),
		cmocka_unit_test(sequence_numbers_count_records),
		cmocka_unit_test(a_collector_passes_over_what_is_no_flow),
		cmocka_unit_test(a_message_with_one_byte_wrong_breaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
