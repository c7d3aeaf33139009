// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Words out of data records, by the templates that came.
 *
 *   message → sets → template set: which field of the record fills which place of which word
 *                  → data set:     records, each a word, checked and handed to the caller
 *
 * A peer may announce our elements in another order, with other lengths or with more elements beside
 * them; a record without any word's key is passed over and counted. The peer is not trusted with
 * memory: a reader keeps READER_TEMPLATES templates of READER_FIELDS fields. Unlike a collector,
 * which makes the best of what it gets (wire/decode.h), it refuses whatever is not right, for what
 * is said here moves answers: one bad record ends the session.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "interval/words_internal.h"
#include "wire/decode.h"

#define READER_TEMPLATES 64
#define READER_FIELDS 64

#define NO_PLACE 0xff

struct reader_field {
	__u16 bytes;
	__u8 place; /* of the word's form */
};

struct reader_template {
	__u32 domain;
	__u16 id, count;
	__u32 min_bytes; /* of a record */
	__u8 kind;       /* INTERVAL_WORDS: none */
	bool options;
	struct reader_field field[];
};

struct interval_reader {
	size_t max_message;
	__u64 passed;
	unsigned int templates;
	struct reader_template *template[READER_TEMPLATES];
};

/* A message at work. */
struct reading {
	struct interval_reader *r;
	__u32 domain;
	int (*fn)(void *context, const struct interval_word *word);
	void *context;
	struct why *why;
};

struct interval_reader *interval_reader_new(size_t max_message)
{
	struct interval_reader *r = calloc(1, sizeof(*r));

	if (r)
		r->max_message = max_message;
	return r;
}

void interval_reader_free(struct interval_reader *r)
{
	if (!r)
		return;
	while (r->templates)
		free(r->template[--r->templates]);
	free(r);
}

__u64 interval_reader_passed(const struct interval_reader *r)
{
	return r->passed;
}

/* --- Templates ---------------------------------------------------------------------------- */

/* What a message says of a template. */
struct told {
	__u16 id, count;
	bool options;
	struct wire_template_field field[READER_FIELDS];
};

static struct reader_template **find(const struct reading *m, __u16 id)
{
	for (unsigned int i = 0; i < m->r->templates; i++) {
		struct reader_template *t = m->r->template[i];

		if (t->id == id && t->domain == m->domain)
			return &m->r->template[i];
	}
	return NULL;
}

static void drop(struct interval_reader *r, struct reader_template **t)
{
	free(*t);
	*t = r->template[--r->templates];
}

/* RFC 7011, 8.1: the set's own id for a template's withdraws all of the kind. */
static int withdraw(const struct reading *m, __u16 id, bool options)
{
	struct interval_reader *r = m->r;
	bool all = id == (options ? IPFIX_SET_OPTIONS : IPFIX_SET_TEMPLATES);
	unsigned int before = r->templates;

	for (unsigned int i = r->templates; i--;) {
		const struct reader_template *t = r->template[i];

		if (t->domain == m->domain && t->options == options && (all || t->id == id))
			drop(r, &r->template[i]);
	}
	if (r->templates == before && !all)
		return why_set(m->why, -EBADMSG, "template %u is withdrawn and was never there",
			       id);
	return 0;
}

static const struct wire_element *element_of(const struct wire_template_field *f)
{
	return f->pen == IPFIX_REVERSE_PEN ? NULL : wire_element_find(f->pen, f->number);
}

/* By the one key among its elements. */
static int kind_of(const struct reading *m, const struct told *told, __u8 *kind)
{
	*kind = INTERVAL_WORDS;
	for (unsigned int i = 0; i < told->count && !told->options; i++) {
		const struct wire_element *element = element_of(&told->field[i]);

		for (unsigned int k = 0; k < INTERVAL_WORDS && element; k++) {
			if (element != &wire_elements[interval_forms[k].key] || *kind == k)
				continue;
			if (*kind != INTERVAL_WORDS)
				return why_set(m->why, -EBADMSG, "template %u is of %s and of %s",
					       told->id, interval_forms[*kind].name,
					       interval_forms[k].name);
			*kind = k;
		}
	}
	return 0;
}

static bool is_length(const struct wire_element *element, unsigned int bytes)
{
	unsigned int most = wire_element_bytes(element);

	switch (element->type) {
	case WIRE_U8:
	case WIRE_U16:
	case WIRE_U32:
	case WIRE_U64:
	case WIRE_S32:
	case WIRE_S64:
		return bytes >= 1 && bytes <= most;
	case WIRE_STRING:
	case WIRE_OCTETS:
		return true;
	default:
		return bytes == most;
	}
}

static int place_fields(const struct reading *m, const struct told *told, struct reader_template *t)
{
	const struct interval_form *form = &interval_forms[t->kind];
	unsigned int there = 0;

	for (unsigned int i = 0; i < told->count; i++) {
		const struct wire_element *element = element_of(&told->field[i]);
		const struct interval_place *place =
			element ? interval_place_of(form, element - wire_elements) : NULL;

		if (!place)
			continue;
		t->field[i].place = place - form->place;
		if (there >> t->field[i].place & 1)
			return why_set(m->why, -EBADMSG, "template %u of %s has %s twice", told->id,
				       form->name, element->name);
		if (!is_length(element, told->field[i].bytes))
			return why_set(m->why, -EBADMSG, "template %u of %s has %s in %u bytes",
				       told->id, form->name, element->name, told->field[i].bytes);
		there |= 1u << t->field[i].place;
	}
	for (unsigned int i = 0; i < form->count; i++) {
		if (!(there >> i & 1) && !form->place[i].optional)
			return why_set(m->why, -EBADMSG, "template %u of %s lacks %s", told->id,
				       form->name, wire_elements[form->place[i].row].name);
	}
	return 0;
}

static int fill(const struct reading *m, const struct told *told, struct reader_template *t)
{
	int err = kind_of(m, told, &t->kind);

	if (err)
		return err;
	t->domain = m->domain;
	t->id = told->id;
	t->count = told->count;
	t->options = told->options;
	for (unsigned int i = 0; i < told->count; i++) {
		__u16 bytes = told->field[i].bytes;

		t->field[i] = (struct reader_field){bytes, NO_PLACE};
		t->min_bytes += bytes == IPFIX_VARIABLE ? 1 : bytes;
	}
	if (!t->min_bytes)
		return why_set(m->why, -EBADMSG, "records of template %u have no length", told->id);
	return t->kind == INTERVAL_WORDS ? 0 : place_fields(m, told, t);
}

static int keep(const struct reading *m, const struct told *told)
{
	struct reader_template **old = find(m, told->id);
	struct reader_template *t;
	int err;

	if (!old && m->r->templates == READER_TEMPLATES)
		return why_set(m->why, -EBADMSG, "more than %d templates", READER_TEMPLATES);
	t = calloc(1, sizeof(*t) + told->count * sizeof(*t->field));
	if (!t) {
		why_set(m->why, -EBADMSG, "no memory");
		return -ENOMEM;
	}
	err = fill(m, told, t);
	if (err) {
		free(t);
		return err;
	}
	if (old)
		drop(m->r, old);
	m->r->template[m->r->templates++] = t;
	return 0;
}

/* Where the next template begins; NULL and *err: it is none. */
static const __u8 *read_template(const struct reading *m, const __u8 *at, const __u8 *end,
				 bool options, int *err)
{
	struct told told = {.id = wire_get16(at), .count = wire_get16(at + 2), .options = options};
	__u16 scopes;

	at += 4;
	if (!told.count) {
		*err = withdraw(m, told.id, options);
		return *err ? NULL : at;
	}
	*err = -EBADMSG;
	if (told.id < WIRE_SET_DATA_MIN)
		return why_set(m->why, -EBADMSG, "template %u: ids begin at 256", told.id), NULL;
	if (told.count > READER_FIELDS)
		return why_set(m->why, -EBADMSG, "template %u has %u fields", told.id, told.count),
		       NULL;
	if (options) {
		scopes = end - at < 2 ? 0 : wire_get16(at);
		at += 2;
		if (!scopes || scopes > told.count)
			return why_set(m->why, -EBADMSG, "template %u has no scope", told.id), NULL;
	}
	for (unsigned int i = 0; i < told.count && at; i++)
		at = wire_field_at(at, end, false, &told.field[i]);
	if (!at)
		return why_set(m->why, -EBADMSG, "template %u ends beyond its set", told.id), NULL;
	*err = keep(m, &told);
	return *err ? NULL : at;
}

static int check_padding(const struct reading *m, const __u8 *at, const __u8 *end)
{
	for (; at < end; at++) {
		if (*at)
			return why_set(m->why, -EBADMSG, "a set ends within a record");
	}
	return 0;
}

static int read_templates(const struct reading *m, const __u8 *at, const __u8 *end, bool options)
{
	int err;

	while (end - at >= 4 && wire_get32(at)) {
		at = read_template(m, at, end, options, &err);
		if (!at)
			return err;
	}
	return check_padding(m, at, end);
}

/* --- Records ------------------------------------------------------------------------------ */

static int take_text(const struct reading *m, const struct interval_place *place, const __u8 *at,
		     size_t length, struct interval_word *word)
{
	const char *name = wire_elements[place->row].name;
	char text[INTERVAL_TEXT_BYTES] = "";

	if (length >= place->bytes && place->row != WIRE_intervalMethod)
		return why_set(m->why, -EBADMSG, "%s of %zu bytes: there may be %u", name, length,
			       place->bytes - 1);
	if (memchr(at, 0, length))
		return why_set(m->why, -EBADMSG, "%s with a zero in it", name);
	if (place->row != WIRE_intervalMethod) {
		memcpy((char *)word + place->offset, at, length);
		return 0;
	}
	if (length < sizeof(text))
		memcpy(text, at, length);
	for (unsigned int i = 0; i < INTERVAL_METHODS; i++) {
		if (!strcmp(text, interval_methods[i].word)) {
			word->welcome.rules.method = i;
			return 0;
		}
	}
	return why_set(m->why, -EBADMSG, "%s is unknown", name);
}

static void take_number(const struct interval_place *place, const __u8 *at, size_t length,
			struct interval_word *word)
{
	__u8 type = wire_elements[place->row].type;
	__u64 value = wire_get_uint(at, length);
	void *to = (char *)word + place->offset;

	if ((type == WIRE_S32 || type == WIRE_S64) && length < 8 && value >> (8 * length - 1))
		value |= ~0ull << 8 * length;
	if (place->bytes == sizeof(__u32))
		memcpy(to, &(__u32){value}, sizeof(__u32));
	else
		memcpy(to, &value, sizeof(value));
}

static int take(const struct reading *m, const struct interval_place *place, const __u8 *at,
		size_t length, bool fixed, struct interval_word *word)
{
	const struct wire_element *element = &wire_elements[place->row];

	switch (element->type) {
	case WIRE_STRING:
		while (fixed && length && !at[length - 1])
			length--;
		return take_text(m, place, at, length, word);
	case WIRE_OCTETS:
		return interval_get_course(at, length, &word->update.course)
			       ? 0
			       : why_set(m->why, -EBADMSG, "%s is not valid", element->name);
	case WIRE_BOOLEAN:
		return *at == IPFIX_TRUE
			       ? 0
			       : why_set(m->why, -EBADMSG, "%s is not true", element->name);
	default:
		take_number(place, at, length, word);
		return 0;
	}
}

/* Where the next record begins; NULL and *err: this one is none. */
static const __u8 *read_record(const struct reading *m, const struct reader_template *t,
			       const __u8 *at, const __u8 *end, struct interval_word *word,
			       int *err)
{
	*err = 0;
	for (unsigned int i = 0; i < t->count && !*err; i++) {
		const struct reader_field *f = &t->field[i];
		bool fixed = f->bytes != IPFIX_VARIABLE;
		size_t length = f->bytes;

		if (!fixed)
			at = wire_value_at(at, end, &length);
		if (!at || (size_t)(end - at) < length) {
			*err = why_set(m->why, -EBADMSG, "a record ends beyond its set");
			return NULL;
		}
		if (f->place != NO_PLACE)
			*err = take(m, &interval_forms[t->kind].place[f->place], at, length, fixed,
				    word);
		at += length;
	}
	return *err ? NULL : at;
}

static int read_data(const struct reading *m, __u16 id, const __u8 *at, const __u8 *end)
{
	struct reader_template **found = find(m, id);
	const struct reader_template *t = found ? *found : NULL;
	int err;

	m->r->passed += !t;
	if (!t)
		return 0;
	while ((size_t)(end - at) >= t->min_bytes) {
		struct interval_word word = {.kind = t->kind};

		at = read_record(m, t, at, end, &word, &err);
		if (!at)
			return err;
		if (t->kind == INTERVAL_WORDS) {
			m->r->passed += !t->options;
			continue;
		}
		if (interval_word_check(&word, m->why))
			return -EBADMSG;
		err = m->fn(m->context, &word);
		if (err)
			return err;
	}
	return check_padding(m, at, end);
}

/* --- Messages ----------------------------------------------------------------------------- */

static int read_set(const struct reading *m, __u16 id, const __u8 *at, const __u8 *end)
{
	if (id == IPFIX_SET_TEMPLATES || id == IPFIX_SET_OPTIONS)
		return read_templates(m, at, end, id == IPFIX_SET_OPTIONS);
	if (id < WIRE_SET_DATA_MIN)
		return why_set(m->why, -EBADMSG, "a set of the reserved id %u", id);
	return read_data(m, id, at, end);
}

int interval_read(struct interval_reader *r, const __u8 *message, size_t length,
		  int (*fn)(void *context, const struct interval_word *word), void *context,
		  struct why *why)
{
	struct reading m = {.r = r, .fn = fn, .context = context, .why = why};
	const __u8 *at = message + sizeof(struct ipfix_header), *end = message + length;

	if (length > r->max_message)
		return why_set(why, -EBADMSG, "a message of %zu bytes: there may be %zu", length,
			       r->max_message);
	if (length < sizeof(struct ipfix_header) || wire_stream_length(message) != length)
		return why_set(why, -EBADMSG, "no IPFIX message");
	m.domain = wire_get32(message + offsetof(struct ipfix_header, domain));
	while (at < end) {
		size_t bytes = end - at < 4 ? 0 : wire_get16(at + 2);
		int err;

		if (bytes < sizeof(struct wire_set) || bytes > (size_t)(end - at))
			return why_set(why, -EBADMSG, "invalid set length");
		err = read_set(&m, wire_get16(at), at + sizeof(struct wire_set), at + bytes);
		if (err)
			return err;
		at += bytes;
	}
	return 0;
}
