// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>

#include "wire/encode_record.h"
#include "interval/words_internal.h"

/* --- Announcements ------------------------------------------------------------------------ */

static bool is_named(__u16 row)
{
	for (unsigned int t = 0; t < INTERVAL_TEMPLATES; t++) {
		for (unsigned int i = 0; i < interval_templates[t].count; i++) {
			if (interval_templates[t].fields[i] == row)
				return true;
		}
	}
	return false;
}

/* Types first: what templates name is known then. */
static int announce(struct wire_encoder *e)
{
	int err = wire_add_types_template(e);

	for (__u16 row = WIRE_OWN_FIRST; row < WIRE_ROWS && !err; row++) {
		if (is_named(row))
			err = wire_add_type(e, &wire_elements[row]);
	}
	for (unsigned int t = 0; t < INTERVAL_TEMPLATES && !err; t++)
		err = wire_add_template(e, &interval_templates[t]);
	return err;
}

/* --- Words -------------------------------------------------------------------------------- */

static const struct wire_template_spec *template_of(const struct interval_word *word)
{
	static const __u16 ids[INTERVAL_WORDS] = {
		[INTERVAL_HELLO] = WIRE_TEMPLATE_HELLO,
		[INTERVAL_ASK] = WIRE_TEMPLATE_ASK,
		[INTERVAL_UPDATE] = WIRE_TEMPLATE_UPDATE,
		[INTERVAL_TICK] = WIRE_TEMPLATE_TICK,
		[INTERVAL_LACK] = WIRE_TEMPLATE_LACK,
		[INTERVAL_SINCE] = WIRE_TEMPLATE_SINCE,
		[INTERVAL_GOODBYE] = WIRE_TEMPLATE_GOODBYE,
		[INTERVAL_WELCOME] = WIRE_TEMPLATE_WELCOME,
		[INTERVAL_GRANT] = WIRE_TEMPLATE_GRANT,
		[INTERVAL_REFUSAL] = WIRE_TEMPLATE_REFUSAL,
		[INTERVAL_OTHER] = WIRE_TEMPLATE_OTHER,
	};
	__u16 id = ids[word->kind];

	if (word->kind == INTERVAL_UPDATE && interval_update_is_small(&word->update))
		id = WIRE_TEMPLATE_UPDATE_SMALL;
	return &interval_templates[id - WIRE_TEMPLATE_HELLO];
}

static __u64 load(const void *from, unsigned int bytes)
{
	__u32 v32;
	__u64 v64;

	if (bytes == sizeof(v32)) {
		memcpy(&v32, from, sizeof(v32));
		return v32;
	}
	memcpy(&v64, from, sizeof(v64));
	return v64;
}

static void put(struct wire_record *r, const struct interval_word *word,
		const struct interval_place *place)
{
	const void *from = (const char *)word + place->offset;
	__u8 course[INTERVAL_COURSE_BYTES];

	switch (wire_elements[place->row].type) {
	case WIRE_OCTETS:
		wire_record_octets(r, course, interval_put_course(from, course));
		break;
	case WIRE_STRING:
		if (place->row == WIRE_intervalMethod)
			from = interval_methods[word->welcome.rules.method].word;
		wire_record_text(r, from);
		break;
	case WIRE_BOOLEAN:
		wire_record_truth(r, true);
		break;
	default:
		wire_record_number(r, load(from, place->bytes));
	}
}

static int add_word(struct wire_encoder *e, const struct interval_word *word)
{
	const struct wire_template_spec *template = template_of(word);
	struct wire_record r;

	wire_record_begin(&r, template);
	for (unsigned int i = 0; i < template->count; i++) {
		const struct interval_place *place =
			interval_place_of(&interval_forms[word->kind], template->fields[i]);

		if (place)
			put(&r, word, place);
		else
			wire_record_octets(&r, NULL, 0); /* padding */
	}
	return wire_record_end(e, &r);
}

static int add_words(struct wire_encoder *e, const struct interval_word *words, unsigned int count,
		     unsigned int *taken)
{
	int err = 0;

	for (*taken = 0; *taken < count; ++*taken) {
		err = interval_word_check(&words[*taken], NULL);
		if (!err)
			err = add_word(e, &words[*taken]);
		if (err)
			break;
	}
	return *taken ? 0 : err;
}

/* --- Messages ----------------------------------------------------------------------------- */

static int begin(struct wire_encoder *e, __u8 *out, size_t room)
{
	if (room < sizeof(struct ipfix_header))
		return -ENOSPC;
	wire_begin(e, out, room < INTERVAL_MESSAGE_MAX ? room : INTERVAL_MESSAGE_MAX);
	return 0;
}

static size_t finish(struct interval_writer *w, struct wire_encoder *e, __u64 now_ns)
{
	size_t length = wire_end(e, now_ns, w->sequence);

	w->sequence += wire_sequence_step(e);
	return length;
}

ssize_t interval_write(struct interval_writer *w, const struct interval_word *words,
		       unsigned int count, __u64 now_ns, __u8 *out, size_t room,
		       unsigned int *taken)
{
	struct wire_encoder e = {.protocol = WIRE_IPFIX, .domain = w->domain};
	struct interval_writer next = *w;
	size_t announced = 0, length;
	unsigned int done = 0;
	int err;

	*taken = 0;
	if (!w->announced) {
		err = begin(&e, out, room);
		if (!err)
			err = announce(&e);
		if (err)
			return err;
		announced = finish(&next, &e, now_ns);
		next.announced = true;
	}
	err = begin(&e, out + announced, room - announced);
	if (!err)
		err = add_words(&e, words, count, &done);
	if (err && (err != -ENOSPC || !announced))
		return err;
	length = done ? finish(&next, &e, now_ns) : 0;
	*taken = done;
	*w = next;
	return announced + length;
}
