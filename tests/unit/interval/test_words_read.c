// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What hosts and coordinators say as others may write it, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/interval/interval_bed.h"
#include "unit/wire/wire_bed.h"

/* --- As others may say it ----------------------------------------------------------------- */

struct spec {
	__u16 number, bytes;
	__u32 pen;
};

static void put_spec(struct message *m, const struct spec *f)
{
	put16(m, f->number | (f->pen ? IPFIX_ENTERPRISE : 0));
	put16(m, f->bytes);
	if (f->pen)
		put32(m, f->pen);
}

#define OWN(number, bytes)                                                                         \
	{                                                                                          \
		number, bytes, WIRE_WEIR_PEN                                                       \
	}
#define SPECS(array) (array), sizeof(array) / sizeof((array)[0])

/* A message that has one template, and leaves a set of its data open. */
static void begin_data(struct message *m, unsigned int id, const struct spec *spec,
		       unsigned int count)
{
	begin_ipfix(m, 0, 1);
	begin_set(m, IPFIX_SET_TEMPLATES);
	put16(m, id);
	put16(m, count);
	for (unsigned int i = 0; i < count; i++)
		put_spec(m, &spec[i]);
	end_set(m);
	begin_set(m, id);
}

static void end_data(struct message *m)
{
	end_set(m);
	end_ipfix(m);
}

static int take_data_of(struct ear *ear, const struct spec *spec, unsigned int count,
			const void *data, size_t length)
{
	struct message m;

	begin_data(&m, 300, spec, count);
	put_bytes(&m, data, length);
	end_data(&m);
	return ear_take(ear, m.bytes, m.length);
}

static void another_order_other_lengths_and_more_elements_are_read(void **state)
{
	static const struct spec spec[] = {
		OWN(56, 1),                 /* a course of fixed length */
		{8, 4, 0},                  /* sourceIPv4Address */
		OWN(55, 3),                 /* step */
		OWN(54, 1),                 /* error */
		{1, IPFIX_VARIABLE, 4711},  /* nobody knows */
		OWN(52, 2),                 /* centre */
		OWN(53, 8),                 /* width */
		{51, 4, IPFIX_REVERSE_PEN}, /* no tick */
		OWN(99, 2),                 /* one to come */
		OWN(48, 4),                 /* query */
		OWN(51, 4),                 /* tick */
	};
	static const __u8 data[] = {
		21, 10, 0,  0, 1, 1, 0, 0, 9, 2, 0xaa, 0xbb, 0xff, 0x38, 0, 0, 0,  0, 0,
		0,  0,  16, 9, 9, 9, 9, 8, 8, 0, 0,    1,    0,    0,    0, 0, 77, 0, /* padding */
	};
	const struct interval_update *u;
	struct ear *ear = ear_new();

	assert_int_equal(take_data_of(ear, SPECS(spec), data, sizeof(data)), 0);
	assert_int_equal(ear->words, 1);
	assert_int_equal(ear->word[0].kind, INTERVAL_UPDATE);
	u = &ear->word[0].update;
	assert_int_equal(u->query, 256);
	assert_int_equal(u->width, 16);
	assert_int_equal(u->error, 9);
	assert_int_equal(u->step, 65536);
	assert_int_equal(u->course.tick, 77);
	assert_int_equal(u->course.centre, -200);
	assert_int_equal(u->course.shift, 21);
	assert_int_equal(u->course.knots, 0);
	ear_free(ear);
}

static void a_text_of_fixed_length_ends_with_its_zeroes(void **state)
{
	static const struct spec refusal[] = {OWN(69, 100)};
	static const struct spec welcome[] = {OWN(57, 10), OWN(58, 1), OWN(59, 2), OWN(60, 1),
					      OWN(68, IPFIX_VARIABLE)};
	static const __u8 data[] = "adaptive\0\0\x0a\xc3\x50\xff\xff\0\3abc";
	char text[100] = "no";
	struct ear *ear = ear_new();

	assert_int_equal(take_data_of(ear, SPECS(refusal), text, sizeof(text)), 0);
	assert_string_equal(ear->word[0].refusal, "no");
	memset(text, 'x', sizeof(text));
	assert_int_equal(take_data_of(ear, SPECS(refusal), text, sizeof(text)), 0);
	assert_int_equal(strlen(ear->word[1].refusal), sizeof(text));
	assert_int_equal(take_data_of(ear, SPECS(welcome), data, sizeof(data) - 1), 0);
	assert_int_equal(ear->word[2].welcome.rules.method, INTERVAL_ADAPTIVE);
	assert_int_equal(ear->word[2].welcome.rules.period_s, 10);
	assert_int_equal(ear->word[2].welcome.rules.shrink_ppm, 50000);
	assert_int_equal(ear->word[2].welcome.shift_s, -1);
	assert_string_equal(ear->word[2].welcome.name, "abc");
	ear_free(ear);
}

static void records_of_other_templates_are_passed_over_and_counted(void **state)
{
	static const struct spec flow[] = {{8, 4, 0}, {2, 8, 0}};
	static const struct spec texts[] = {{1, IPFIX_VARIABLE, 4711}};
	struct ear *ear = ear_new();
	struct message m;

	assert_int_equal(take_data_of(ear, SPECS(flow), (__u8[36]){0}, 36), 0);
	assert_int_equal(interval_reader_passed(ear->r), 3);
	assert_int_equal(take_data_of(ear, SPECS(texts), (__u8[]){2, 7, 7, 0, 1, 7}, 6), 0);
	assert_int_equal(interval_reader_passed(ear->r), 6);
	begin_ipfix(&m, 0, 1);
	begin_set(&m, 999); /* nobody told it */
	put32(&m, 0xffffffff);
	end_set(&m);
	begin_set(&m, 300); /* told in another domain */
	put32(&m, 0xffffffff);
	end_set(&m);
	end_ipfix(&m);
	wire_put32(m.bytes + 12, 2);
	assert_int_equal(ear_take(ear, m.bytes, m.length), 0);
	assert_int_equal(interval_reader_passed(ear->r), 8);
	assert_int_equal(ear->words, 0);
	ear_free(ear);
}

static const struct spec tick[] = {OWN(51, 4), OWN(62, 4)};
static const __u8 tick_data[] = {0, 0, 0, 5, 0, 0, 0, 6};

static void a_template_that_is_told_anew_or_withdrawn_is_another(void **state)
{
	static const struct spec swapped[] = {OWN(62, 4), OWN(51, 4)};
	struct ear *ear = ear_new();
	struct message m;

	assert_int_equal(take_data_of(ear, SPECS(tick), tick_data, 8), 0);
	assert_int_equal(take_data_of(ear, SPECS(swapped), tick_data, 8), 0);
	assert_int_equal(ear->word[0].tick.tick, 5);
	assert_int_equal(ear->word[1].tick.tick, 6);
	for (int all = 0; all < 2; all++) {
		assert_int_equal(take_data_of(ear, SPECS(tick), tick_data, 8), 0);
		begin_ipfix(&m, 0, 1);
		begin_set(&m, IPFIX_SET_TEMPLATES);
		put16(&m, all ? IPFIX_SET_TEMPLATES : 300);
		put16(&m, 0);
		end_set(&m);
		begin_set(&m, 300);
		put_bytes(&m, tick_data, 8);
		end_data(&m);
		assert_int_equal(ear_take(ear, m.bytes, m.length), 0);
		assert_int_equal(interval_reader_passed(ear->r), all + 1);
	}
	assert_int_equal(ear->words, 4);
	ear_free(ear);
}

static void who_listens_may_stop(void **state)
{
	struct ear *ear = ear_new();
	__u8 twice[16];

	memcpy(twice, tick_data, 8);
	memcpy(twice + 8, tick_data, 8);
	ear->stop = -ECANCELED;
	assert_int_equal(take_data_of(ear, SPECS(tick), twice, 16), -ECANCELED);
	assert_int_equal(ear->words, 1);
	assert_string_equal(ear->why.text, "");
	ear_free(ear);
}

/* --- What is refused ---------------------------------------------------------------------- */

static void assert_refused(struct ear *ear, int err, const char *why)
{
	assert_int_equal(err, -EBADMSG);
	if (!strstr(ear->why.text, why))
		fail_msg("'%s' instead of '%s'", ear->why.text, why);
}

static void refuses_message(const struct message *m, const char *why)
{
	struct ear *ear = ear_new();

	assert_refused(ear, ear_take(ear, m->bytes, m->length), why);
	assert_int_equal(ear->words, 0);
	ear_free(ear);
}

static void a_message_that_is_none_is_refused(void **state)
{
	static __u8 large[INTERVAL_MESSAGE_MAX + 1];
	struct ear *ear = ear_new();
	struct message m;

	begin_ipfix(&m, 0, 1);
	end_ipfix(&m);
	assert_int_equal(ear_take(ear, m.bytes, 16), 0);
	assert_refused(ear, ear_take(ear, m.bytes, 0), "no IPFIX message");
	assert_refused(ear, ear_take(ear, m.bytes, 15), "no IPFIX message");
	assert_refused(ear, ear_take(ear, m.bytes, 17), "no IPFIX message");
	m.bytes[1] = 9;
	assert_refused(ear, ear_take(ear, m.bytes, 16), "no IPFIX message");
	assert_refused(ear, ear_take(ear, large, sizeof(large)),
		       "a message of 16385 bytes: there may be 16384");
	ear_free(ear);
}

static void a_set_that_is_none_is_refused(void **state)
{
	static const struct {
		__u16 id, length;
		const char *why;
	} cases[] = {
		{300, 3, "invalid set length"},           {300, 9, "invalid set length"},
		{300, 7, "invalid set length"}, /* a byte is left: no set */
		{0, 8, "a set of the reserved id 0"},     {4, 8, "a set of the reserved id 4"},
		{255, 8, "a set of the reserved id 255"}, {2, 8, "template 65535 has 65535 fields"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct message m;

		begin_ipfix(&m, 0, 1);
		put16(&m, cases[i].id);
		put16(&m, cases[i].length);
		put32(&m, 0xffffffff);
		end_ipfix(&m);
		refuses_message(&m, cases[i].why);
	}
}

static void a_template_that_cannot_be_is_refused(void **state)
{
	static const struct {
		struct spec spec[8];
		unsigned int count;
		const char *why;
	} cases[] = {
		{{OWN(62, 4)}, 1, "template 300 of tick lacks intervalTick"},
		{{OWN(51, 4), OWN(62, 4), OWN(51, 4)}, 3, "of tick has intervalTick twice"},
		{{OWN(51, 4), OWN(62, 4), OWN(62, 4)}, 3, "of tick has grantConfirmed twice"},
		{{OWN(51, 4), OWN(62, 5)}, 2, "of tick has grantConfirmed in 5 bytes"},
		{{OWN(51, 4), OWN(62, 0)}, 2, "of tick has grantConfirmed in 0 bytes"},
		{{OWN(51, 4), OWN(62, IPFIX_VARIABLE)}, 2, "has grantConfirmed in 65535 bytes"},
		{{OWN(51, 3), OWN(62, 4)}, 2, "of tick has intervalTick in 3 bytes"},
		{{OWN(51, 8), OWN(62, 4)}, 2, "of tick has intervalTick in 8 bytes"},
		{{OWN(69, 4), OWN(70, 1)}, 2, "template 300 is of refusal and of goodbye"},
		{{OWN(70, 2)}, 1, "of goodbye has sessionLeave in 2 bytes"},
		{{OWN(69, 0)}, 1, "records of template 300 have no length"},
		{{OWN(48, 4), OWN(51, 4), OWN(52, 9), OWN(53, 8), OWN(55, 8), OWN(56, 1)},
		 6,
		 "of update has intervalCentre in 9 bytes"},
		{{OWN(48, 4), OWN(51, 4), OWN(52, 8), OWN(53, 8), OWN(56, 1)},
		 5,
		 "of update lacks intervalStep"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct message m;

		begin_data(&m, 300, cases[i].spec, cases[i].count);
		end_data(&m);
		refuses_message(&m, cases[i].why);
	}
}

static void put_template_of(struct message *m, unsigned int set, unsigned int id,
			    unsigned int count, unsigned int there)
{
	begin_set(m, set);
	put16(m, id);
	put16(m, count);
	if (set == IPFIX_SET_OPTIONS)
		put16(m, there > 4 ? 0 : 1);
	while (there--)
		put_spec(m, &(struct spec){8, 4, 0});
	end_set(m);
}

static void a_template_that_is_not_whole_is_refused(void **state)
{
	static const struct {
		unsigned int set, id, count, there;
		const char *why;
	} cases[] = {
		{2, 255, 1, 1, "template 255: ids begin at 256"},
		{2, 300, 2, 1, "template 300 ends beyond its set"},
		{2, 300, 65, 65, "template 300 has 65 fields"},
		{2, 300, 0, 0, "template 300 is withdrawn and was never there"},
		{3, 300, 2, 1, "template 300 ends beyond its set"},
		{3, 300, 5, 5, "template 300 has no scope"},
	};
	struct message m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin_ipfix(&m, 0, 1);
		put_template_of(&m, cases[i].set, cases[i].id, cases[i].count, cases[i].there);
		end_ipfix(&m);
		refuses_message(&m, cases[i].why);
	}
	begin_ipfix(&m, 0, 1);
	for (unsigned int i = 0; i < 65; i++)
		put_template_of(&m, 2, 300 + i, 1, 1);
	end_ipfix(&m);
	refuses_message(&m, "more than 64 templates");
}

static void refuses_data(const struct spec *spec, unsigned int count, const void *data,
			 size_t length, const char *why)
{
	struct ear *ear = ear_new();

	assert_refused(ear, take_data_of(ear, spec, count, data, length), why);
	assert_int_equal(ear->words, 0);
	ear_free(ear);
}

static void a_record_that_is_not_whole_is_refused(void **state)
{
	static const struct spec refusal[] = {OWN(69, IPFIX_VARIABLE)};
	static const struct spec other[] = {{1, IPFIX_VARIABLE, 4711}, {2, 4, 4711}};

	for (size_t bytes = 4; bytes < 8; bytes++)
		refuses_data(SPECS(tick), tick_data, bytes, "a set ends within a record");
	refuses_data(SPECS(refusal), "\2x", 2, "a record ends beyond its set");
	refuses_data(SPECS(refusal), "\xff\0", 2, "a record ends beyond its set");
	refuses_data(SPECS(refusal), "\xff\1\0x", 4, "a record ends beyond its set");
	refuses_data(SPECS(other), "\3xxxxxx", 7, "a record ends beyond its set");
}

/* One word after the other, and one thing wrong with each. */
static void what_cannot_be_is_refused(void **state)
{
	static const struct spec grant[] = {OWN(48, 1), OWN(61, 1), OWN(51, 4), OWN(53, 8)};
	static const struct spec ask[] = {OWN(48, 1),
					  OWN(17, 1),
					  OWN(53, 8),
					  OWN(49, 1),
					  OWN(16, IPFIX_VARIABLE),
					  OWN(50, IPFIX_VARIABLE)};
	static const struct spec welcome[] = {OWN(57, IPFIX_VARIABLE), OWN(58, 1), OWN(59, 4),
					      OWN(60, 1), OWN(68, 1)};
	static const struct spec goodbye[] = {OWN(70, 1)};
	char name[] = "\1\1\0\0\0\0\0\0\0\2m\x40"
		      "0123456789012345678901234567890123456789012345678901234567890123";

	refuses_data(SPECS(grant), "\1\1\0\0\0\1\0\0\0\0\0\0\0\3", 14,
		     "intervalWidth of grant cannot be"); /* odd */
	refuses_data(SPECS(grant), "\1\1\0\0\0\1\4\0\0\0\0\0\0\2", 14,
		     "intervalWidth of grant cannot be"); /* 2^58 + 2 */
	refuses_data(SPECS(ask), "\1\1\0\0\0\0\0\0\0\1m\0\0", 13, "intervalWidth of ask cannot be");
	refuses_data(SPECS(ask), "\1\1\0\0\0\0\0\0\0\2\n\0\0", 13, "queryMeasure of ask: no text");
	refuses_data(SPECS(ask), name, sizeof(name), "queryName of 64 bytes: there may be 63");
	refuses_data(SPECS(welcome), "\4best\1\0\0\0\1\1c", 12, "intervalMethod is unknown");
	refuses_data(SPECS(welcome), "\0\1\0\0\0\1\1c", 8, "intervalMethod is unknown");
	refuses_data(SPECS(welcome), "\4auto\1\0\x0f\x42\x41\1c", 12,
		     "intervalShrink of welcome cannot be"); /* 1,000,001 */
	refuses_data(SPECS(goodbye), "\2", 1, "sessionLeave is not true");
	refuses_data(SPECS(goodbye), "\0", 1, "sessionLeave is not true");
}

static void a_course_that_is_none_is_refused(void **state)
{
	static const struct spec update[] = {OWN(48, 1), OWN(51, 4), OWN(52, 8),
					     OWN(53, 1), OWN(55, 8), OWN(56, IPFIX_VARIABLE)};
	static const struct {
		__u8 course[40], length;
		const char *why;
	} cases[] = {
		{{0}, 0, "intervalCourse is not valid"},
		{{0, 1}, 2, "intervalCourse is not valid"},                /* no move */
		{{0, 0x81}, 2, "intervalCourse is not valid"},             /* no end */
		{{0, 1, 0x80, 0x80}, 4, "intervalCourse is not valid"},    /* no end */
		{{0, 0x80, 0x80, 4, 0}, 5, "intervalCourse is not valid"}, /* 65,536 s */
		{{0, 1, 0x80, 0x80, 0x80, 0x80, 0x10}, 7, "intervalCourse is not valid"}, /* 2^32 */
		{{0, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 8, "intervalCourse is not valid"},
		{{INTERVAL_SHIFT_MAX + 1}, 1, "intervalCourse of update cannot be"}, /* shift */
		{{0, 0, 2}, 3, "intervalCourse of update cannot be"}, /* after 0 seconds */
		{{32, 1, 0xff, 0xff, 0xff, 0xff, 0xf}, 7, "intervalCourse of update cannot be"},
		{{0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		 35,
		 "intervalCourse is not valid"}, /* 17 knots */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		__u8 data[70] = {1, 0, 0, 0, 1};

		data[22] = cases[i].length;
		memcpy(data + 23, cases[i].course, cases[i].length);
		refuses_data(SPECS(update), data, 23 + cases[i].length, cases[i].why);
	}
}

static void a_value_out_of_range_is_refused(void **state)
{
	static const struct spec update[] = {OWN(48, 1), OWN(51, 4), OWN(52, 8), OWN(53, 8),
					     OWN(54, 8), OWN(55, 8), OWN(56, 1)};
	static const struct {
		unsigned int at;
		__u64 value;
		const char *why;
	} cases[] = {
		{5, (1ull << 58) + 1, "intervalCentre of update cannot be"},
		{5, -(1ull << 58) - 1, "intervalCentre of update cannot be"},
		{5, 1ull << 63, "intervalCentre of update cannot be"},
		{13, (1ull << 58) + 2, "intervalWidth of update cannot be"},
		{13, 1, "intervalWidth of update cannot be"},
		{21, (1ull << 58) + 1, "intervalError of update cannot be"},
		{29, ~0ull, "intervalStep of update cannot be"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		__u8 data[38] = {1};

		wire_put64(data + cases[i].at, cases[i].value);
		refuses_data(SPECS(update), data, sizeof(data), cases[i].why);
	}
}

static void text_that_is_no_utf_8_or_steers_is_refused(void **state)
{
	static const struct spec refusal[] = {OWN(69, IPFIX_VARIABLE)};
	static const char *const wrong[] = {
		"\n",
		"a\x1b[31m",
		"\x7f",
		"\xc2\x9b",
		"\x80",
		"\xc3",
		"\xc3(",
		"\xc0\xaf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xe2\x82",
		"\xf0\x8f\xbf\xbf",
		"\xf8\x88\x80",
		"\xf4\x90\x80\x80",
		"\xff",
		"a\xfe",
		"\xf0\x9f\x8c",
		"x\xe2\x28\xa1",
		"\xc1\xbf tail",
	};
	static const char *const right[] = {
		"", "~", "\xc2\xa0", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"};
	char data[260];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		data[0] = strlen(wrong[i]);
		strcpy(data + 1, wrong[i]);
		refuses_data(SPECS(refusal), data, 1 + strlen(wrong[i]),
			     "sessionRefusal of refusal: no text of UTF-8");
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct ear *ear = ear_new();

		data[0] = strlen(right[i]);
		strcpy(data + 1, right[i]);
		assert_int_equal(take_data_of(ear, SPECS(refusal), data, 1 + strlen(right[i])), 0);
		assert_string_equal(ear->word[0].refusal, right[i]);
		ear_free(ear);
	}
	refuses_data(SPECS(refusal), "\3a\0b", 4, "sessionRefusal with a zero in it");
	memset(data, 'x', sizeof(data));
	memcpy(data, "\xff\1\0", 3);
	refuses_data(SPECS(refusal), data, 259, "sessionRefusal of 256 bytes: there may be 255");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_order_other_lengths_and_more_elements_are_read),
		cmocka_unit_test(a_text_of_fixed_length_ends_with_its_zeroes),
		cmocka_unit_test(records_of_other_templates_are_passed_over_and_counted),
		cmocka_unit_test(a_template_that_is_told_anew_or_withdrawn_is_another),
		cmocka_unit_test(who_listens_may_stop),
		cmocka_unit_test(a_message_that_is_none_is_refused),
		cmocka_unit_test(a_set_that_is_none_is_refused),
		cmocka_unit_test(a_template_that_cannot_be_is_refused),
		cmocka_unit_test(a_template_that_is_not_whole_is_refused),
		cmocka_unit_test(a_record_that_is_not_whole_is_refused),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_course_that_is_none_is_refused),
		cmocka_unit_test(a_value_out_of_range_is_refused),
		cmocka_unit_test(text_that_is_no_utf_8_or_steers_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
