// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Problem: a type of value is to be read from a file, to have a default, to be explained where it is
 * refused and in the manual, and to be freed; ten types in five places would soon differ.
 *
 * Idea: a type is one case in each of the functions below, and all of them go by the same row of a
 * room's table. A default is text that is read like the file's, so it has been through the same
 * checks; the words of a refusal are those of the manual.
 *
 *                  key->type, min, max, choices, ...
 *                        │
 *   text ──section_read()┼──→ the room's struct ──section_free()──→
 *   key->standard ──section_defaults()──→ the same
 *                        └──section_kind()──→ "a number, 1 to 5": refusals, section_walk(): manual
 *
 * Lists and sections have no text of their own: config/schema.c walks YAML and calls back for their
 * scalars.
 */
#include "base/section.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define PERCENT_DECIMALS 4 /* millionths */

/* --- Refusals -------------------------------------------------------------------------- */

int section_refuse(struct section_reader *r, struct section_place at, const char *format, ...)
{
	struct why what;
	va_list args;

	va_start(args, format);
	why_vset(&what, 0, format, args);
	va_end(args);
	if (!r->file)
		return why_set(r->why, -EINVAL, "%s", what.text);
	if (!at.line)
		return why_set(r->why, -EINVAL, "%.512s: %s", r->file, what.text);
	return why_set(r->why, -EINVAL, "%.512s:%u:%u: %s", r->file, at.line, at.column, what.text);
}

int section_refuse_kind(struct section_reader *r, struct section_place at, const struct key *key)
{
	char kind[SECTION_KIND_BYTES];

	return section_refuse(r, at, "%s: expected %s", key->name, section_kind(key, kind));
}

const struct section_place *section_saw(const struct section_seen *seen, const char *name)
{
	for (const struct key *key = seen->section->keys; key->name; key++) {
		const int i = key - seen->section->keys;

		if (!strcmp(key->name, name))
			return seen->key[i].given ? &seen->key[i].value : NULL;
	}
	return NULL;
}

/* --- Scalars --------------------------------------------------------------------------- */

struct unit {
	const char *name;
	__u64 factor;
};

/* The first is what zero is printed in. */
static const struct unit times[] = {
	{"s", WEIR_NS_PER_SEC}, {"ms", NS_PER_MS}, {"m", 60 * WEIR_NS_PER_SEC}, {"h", HOUR_NS}, {},
};

static const struct unit sizes[] = {{"KiB", KIB}, {"MiB", MIB}, {}};

int section_digits(const char *text, __u64 *out, const char **rest)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 10)
		return -EINVAL;
	*out = strtoull(text, NULL, 10);
	*rest = text + digits;
	return 0;
}

int section_decimal(const char *text, unsigned int decimals, __u64 *out, const char **rest)
{
	const char digits[] = "0123456789";
	const size_t whole = strspn(text, digits);
	size_t fraction = 0;
	__u64 value = 0;

	if (!whole || whole > 13)
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		value = value * 10 + (text[i] - '0');
	text += whole;
	if (*text == '.') {
		fraction = strspn(++text, digits);
		if (!fraction || fraction > decimals)
			return -EINVAL;
	}
	for (unsigned int i = 0; i < decimals; i++)
		value = value * 10 + (i < fraction ? text[i] - '0' : 0);
	*out = value;
	*rest = text + fraction;
	return 0;
}

bool section_is_name(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (!length || length > NAME_BYTES_MAX)
		return false;
	for (; *text; text++) {
		if (!isascii((unsigned char)*text) ||
		    (!isalnum((unsigned char)*text) && !strchr("_-.", *text)))
			return false;
	}
	return true;
}

static bool parse_units(const char *text, const struct unit *units, __u64 *out)
{
	const char *unit;
	__u64 n;

	if (section_digits(text, &n, &unit))
		return false;
	while (units->name && strcmp(units->name, unit))
		units++;
	return units->name && !__builtin_mul_overflow(n, units->factor, out);
}

/* The sign is asked for: without it 0.01 could mean either. */
static bool parse_percent(const char *text, __u64 *out)
{
	const char *rest;

	return !section_decimal(text, PERCENT_DECIMALS, out, &rest) &&
	       !strcmp(rest + (*rest == ' '), "%");
}

static bool parse_number(const char *text, const struct key *key, __u64 *out)
{
	const char *rest;

	switch (key->type) {
	case KEY_SIZE:
		*out = 0;
		return (key->also && !strcmp(text, key->also)) ||
		       (parse_units(text, sizes, out) && *out >= key->min && *out <= key->max);
	case KEY_DURATION:
	case KEY_SECONDS:
		return parse_units(text, times, out) && *out >= key->min && *out <= key->max;
	case KEY_PERCENT:
		return parse_percent(text, out) && *out >= key->min && *out <= key->max;
	default:
		return !section_digits(text, out, &rest) && !*rest && *out >= key->min &&
		       *out <= key->max;
	}
}

static int read_number(struct section_reader *r, const struct section_value *value,
		       const struct key *key, void *to)
{
	__u64 n;

	if (!value->text || !parse_number(value->text, key, &n))
		return section_refuse_kind(r, value->at, key);
	if (key->type == KEY_SECONDS && n % WEIR_NS_PER_SEC)
		return section_refuse(r, value->at, "%s: expected whole seconds", key->name);
	if (key->type == KEY_SECONDS)
		*(__u32 *)to = n / WEIR_NS_PER_SEC;
	else if (key->type == KEY_SIZE || key->type == KEY_DURATION)
		*(__u64 *)to = n;
	else
		*(__u32 *)to = n;
	return 0;
}

static int read_choice(struct section_reader *r, const struct section_value *value,
		       const struct key *key, void *to)
{
	static const struct key_choice booleans[] = {{"false", false}, {"true", true}, {}};
	const struct key_choice *c = key->type == KEY_BOOLEAN ? booleans : key->choices;

	while (c->word && !(value->text && !strcmp(c->word, value->text)))
		c++;
	if (!c->word)
		return section_refuse_kind(r, value->at, key);
	if (key->type == KEY_BOOLEAN)
		*(bool *)to = c->value;
	else if (key->type == KEY_SET && *(__u32 *)to & 1u << c->value)
		return section_refuse(r, value->at, "%s: '%s' is given twice", key->name, c->word);
	else if (key->type == KEY_SET)
		*(__u32 *)to |= 1u << c->value;
	else
		*(unsigned int *)to = c->value;
	return 0;
}

static int read_text(struct section_reader *r, const struct section_value *value,
		     const struct key *key, void *to)
{
	const char *text = value->text;

	if (key->type == KEY_NAME ? !section_is_name(text)
				  : !text || *text != '/' || (key->max && strlen(text) > key->max))
		return section_refuse_kind(r, value->at, key);
	*(char **)to = strdup(text);
	return *(char **)to ? 0 : -ENOMEM;
}

int section_read(struct section_reader *r, const struct section_value *value, const struct key *key,
		 void *to)
{
	switch (key->type) {
	case KEY_BOOLEAN:
	case KEY_CHOICE:
	case KEY_SET:
		return read_choice(r, value, key, to);
	case KEY_NAME:
	case KEY_PATH:
		return read_text(r, value, key, to);
	case KEY_OWN:
		return value->text ? key->read(r, value, key, to)
				   : section_refuse_kind(r, value->at, key);
	default:
		return read_number(r, value, key, to);
	}
}

/* --- Sections -------------------------------------------------------------------------- */

int section_defaults(struct section_reader *r, const struct section *section,
		     const struct section_seen *seen, void *options)
{
	int code = 0;

	for (const struct key *key = section->keys; key->name && !code; key++) {
		const struct section_value standard = {.text = key->standard};
		void *to = (char *)options + key->at;

		if (seen && seen->key[key - section->keys].given)
			continue;
		if (key->type == KEY_SECTION)
			code = section_defaults(r, key->section, NULL, to);
		else if (key->standard && key->type == KEY_LIST)
			code = r->read_list ? r->read_list(r, key, options) : 0;
		else if (key->standard)
			code = section_read(r, &standard, key, to);
	}
	return code;
}

static bool same_value(const struct key *key, const void *a, const void *b)
{
	switch (key->type) {
	case KEY_BOOLEAN:
		return *(const bool *)a == *(const bool *)b;
	case KEY_SIZE:
	case KEY_DURATION:
		return *(const __u64 *)a == *(const __u64 *)b;
	case KEY_SECTION:
		return section_same(key->section, a, b);
	case KEY_LIST:
	case KEY_NAMED:
		return false;
	case KEY_NAME:
	case KEY_PATH:
		return text_same(*(char *const *)a, *(char *const *)b);
	case KEY_OWN:
		return key->free == section_free_text &&
		       text_same(*(char *const *)a, *(char *const *)b);
	default:
		return *(const __u32 *)a == *(const __u32 *)b;
	}
}

bool section_same(const struct section *section, const void *a, const void *b)
{
	for (const struct key *key = section->keys; key->name; key++) {
		if (!same_value(key, (const char *)a + key->at, (const char *)b + key->at))
			return false;
	}
	return true;
}

void section_free_text(void *to)
{
	free(*(char **)to);
}

static void free_value(const struct key *key, void *to)
{
	if (key->type == KEY_SECTION)
		section_free(key->section, to);
	else if (key->type == KEY_NAME || key->type == KEY_PATH)
		section_free_text(to);
	else if (key->free)
		key->free(to);
}

static void free_list(const struct key *key, void *options)
{
	char *at = (char *)options + key->at, *items = key->list->grows ? *(char **)at : at;
	const __u32 count = *(__u32 *)((char *)options + key->list->count_at);

	for (__u32 i = 0; i < count; i++)
		free_value(key->list->item, items + i * key->list->size);
	if (key->list->grows)
		free(items);
}

void section_free(const struct section *section, void *options)
{
	if (section->free)
		section->free(options);
	for (const struct key *key = section->keys; key->name; key++) {
		if (key->list)
			free_list(key, options);
		else
			free_value(key, (char *)options + key->at);
	}
	memset(options, 0, section->size);
}

/* --- In words -------------------------------------------------------------------------- */

/* In the largest unit in which it is whole. */
static const char *in_units(__u64 value, const struct unit *units, char out[24])
{
	const struct unit *best = units;

	for (const struct unit *u = units; u->name; u++) {
		if (value && value % u->factor == 0 &&
		    (value % best->factor || u->factor > best->factor))
			best = u;
	}
	snprintf(out, 24, "%llu%s", value / best->factor, best->name);
	return out;
}

static void print_range(const struct key *key, const char *what, const struct unit *units,
			char out[SECTION_KIND_BYTES])
{
	char min[24], max[24];

	snprintf(out, SECTION_KIND_BYTES, "%sfrom %s to %s%s%s", what,
		 in_units(key->min, units, min), in_units(key->max, units, max),
		 key->unit ? " " : "", key->unit ? key->unit : "");
}

static void print_choices(const struct key_choice *choices, char out[SECTION_KIND_BYTES])
{
	size_t length = snprintf(out, SECTION_KIND_BYTES, "one of:");

	for (; choices->word && length < SECTION_KIND_BYTES; choices++)
		length += snprintf(out + length, SECTION_KIND_BYTES - length, " %s", choices->word);
}

static void print_path(const struct key *key, char out[SECTION_KIND_BYTES])
{
	int length = snprintf(out, SECTION_KIND_BYTES, "an absolute path");

	if (key->max)
		snprintf(out + length, SECTION_KIND_BYTES - length, ", at most %llu characters",
			 key->max);
}

static void print_number(const struct key *key, char out[SECTION_KIND_BYTES])
{
	snprintf(out, SECTION_KIND_BYTES, "a number, %llu to %llu%s%s", key->min, key->max,
		 key->unit ? " " : "", key->unit ? key->unit : "");
}

static void print_size(const struct key *key, char out[SECTION_KIND_BYTES])
{
	char also[32] = "";

	if (key->also)
		snprintf(also, sizeof(also), "%s, or ", key->also);
	print_range(key, also, sizes, out);
}

const char *section_kind(const struct key *key, char out[SECTION_KIND_BYTES])
{
	switch (key->type) {
	case KEY_NUMBER:
		print_number(key, out);
		break;
	case KEY_SIZE:
		print_size(key, out);
		break;
	case KEY_DURATION:
	case KEY_SECONDS:
		print_range(key, "a duration (500ms, 15s, 2m, 1h) ", times, out);
		break;
	case KEY_PERCENT:
		snprintf(out, SECTION_KIND_BYTES, "a percentage (1%%, 0.5%%) from %g%% to %g%%",
			 key->min / 1e4, key->max / 1e4);
		break;
	case KEY_CHOICE:
	case KEY_SET:
		print_choices(key->choices, out);
		break;
	case KEY_PATH:
		print_path(key, out);
		break;
	case KEY_LIST:
		return section_kind(key->list->item, out);
	default:
		snprintf(out, SECTION_KIND_BYTES, "%s",
			 key->type == KEY_BOOLEAN ? "one of: false true"
			 : key->type == KEY_NAME  ? "a name of letters, digits, - _ ."
			 : key->kind              ? key->kind
						  : "keys and values");
	}
	return out;
}

void section_walk(const struct section *section, const char *prefix,
		  void (*visit)(void *context, const char *path, const struct key *key),
		  void *context)
{
	for (const struct key *key = section->keys; key->name; key++) {
		const struct key *item = key->list ? key->list->item : key;
		char path[SECTION_PATH_BYTES];

		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", key->name);
		visit(context, path, key);
		if (item->section && key->type != KEY_NAMED)
			section_walk(item->section, path, visit, context);
	}
}
