/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int schema_refuse(struct reader *r, yaml_mark_t mark, const char *format, ...)
{
	char *text = r->err->text;
	const size_t size = sizeof(r->err->text);
	va_list args;
	int length;

	length = snprintf(text, size, "%.512s:%zu:%zu: ", r->name, mark.line + 1, mark.column + 1);
	va_start(args, format);
	vsnprintf(text + length, size - length, format, args);
	va_end(args);
	for (char *c = text; *c; c++) {
		if (iscntrl((unsigned char)*c))
			*c = '?';
	}
	return -EINVAL;
}

const yaml_node_t *schema_node(const struct reader *r, int index)
{
	return yaml_document_get_node(r->document, index);
}

const char *schema_text(const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE ||
	    strlen((const char *)node->data.scalar.value) != node->data.scalar.length)
		return NULL;
	return (const char *)node->data.scalar.value;
}

static const struct key *find_key(const struct key *keys, const char *name)
{
	for (; keys->name; keys++) {
		if (!strcmp(keys->name, name))
			return keys;
	}
	return NULL;
}

/* Reads a mapping by a table of keys (at most 64) into the struct `to`. */
int schema_keys(struct reader *r, const yaml_node_t *node, const struct key *keys, void *to)
{
	__u64 seen = 0;

	if (node->type != YAML_MAPPING_NODE)
		return schema_refuse(r, node->start_mark, "expected keys and values");
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key_node = schema_node(r, pair->key);
		const char *name = schema_text(key_node);
		const struct key *key = name ? find_key(keys, name) : NULL;
		int err;

		if (!key)
			return schema_refuse(r, key_node->start_mark, "unknown key '%.64s'",
					     name ? name : "?");
		if (seen & 1ull << (key - keys))
			return schema_refuse(r, key_node->start_mark, "the key '%s' is here twice",
					     name);
		seen |= 1ull << (key - keys);
		err = key->read(r, schema_node(r, pair->value), key, (char *)to + key->at);
		if (err)
			return err;
	}
	return 0;
}

int schema_section(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	return schema_keys(r, node, key->keys, to);
}

/* `read` for each item of a list. */
int schema_list(struct reader *r, const yaml_node_t *node, const struct key *key, void *to,
		int (*read)(struct reader *, const yaml_node_t *, const struct key *, void *))
{
	if (node->type != YAML_SEQUENCE_NODE)
		return schema_refuse(r, node->start_mark, "%s: expected a list", key->name);
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		int err = read(r, schema_node(r, *item), key, to);

		if (err)
			return err;
	}
	return 0;
}

int schema_choice(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const char *text = schema_text(node), *word = key->values;
	unsigned int n = 0;

	while (text && *text && *word) {
		size_t length = strcspn(word, " ");

		if (length == strlen(text) && !memcmp(word, text, length)) {
			*(unsigned int *)to = n;
			return 0;
		}
		n++;
		word += length;
		word += strspn(word, " ");
	}
	return schema_refuse(r, node->start_mark, "%s: expected one of: %s", key->name,
			     key->values);
}

int schema_digits(const char *text, unsigned long *out, const char **rest)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 10)
		return -EINVAL;
	*out = strtoul(text, NULL, 10);
	*rest = text + digits;
	return 0;
}

int schema_number(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const char *text = schema_text(node), *rest;
	unsigned long n;

	if (!text || schema_digits(text, &n, &rest) || *rest || n < key->min || n > key->max)
		return schema_refuse(r, node->start_mark, "%s: expected a number, %llu to %llu",
				     key->name, key->min, key->max);
	*(__u32 *)to = n;
	return 0;
}

static int parse_duration(const char *text, __u64 *out_ns)
{
	static const struct {
		const char *unit;
		__u64 ns;
	} units[] = {
		{"ms", WEIR_NS_PER_SEC / 1000},
		{"s", WEIR_NS_PER_SEC},
		{"m", 60 * WEIR_NS_PER_SEC},
		{"h", HOUR_NS},
	};
	const char *unit;
	unsigned long n;

	if (!text || schema_digits(text, &n, &unit))
		return -EINVAL;
	for (size_t i = 0; i < COUNT(units); i++) {
		if (!strcmp(unit, units[i].unit))
			return __builtin_mul_overflow(n, units[i].ns, out_ns) ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int refuse_duration(struct reader *r, const yaml_node_t *node, const struct key *key)
{
	char min[24], max[24];
	const __u64 ms = WEIR_NS_PER_SEC / 1000;

	snprintf(min, sizeof(min), key->min % WEIR_NS_PER_SEC ? "%llums" : "%llus",
		 key->min / (key->min % WEIR_NS_PER_SEC ? ms : WEIR_NS_PER_SEC));
	snprintf(max, sizeof(max), key->max % HOUR_NS ? "%llus" : "%lluh",
		 key->max / (key->max % HOUR_NS ? WEIR_NS_PER_SEC : HOUR_NS));
	return schema_refuse(r, node->start_mark,
			     "%s: expected a duration (500ms, 15s, 2m, 1h) from %s to %s",
			     key->name, min, max);
}

int schema_duration(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	__u64 ns;

	if (parse_duration(schema_text(node), &ns) || ns < key->min || ns > key->max)
		return refuse_duration(r, node, key);
	*(__u64 *)to = ns;
	return 0;
}

/* libyaml gives the place of bytes that are no text by their offset. */
static yaml_mark_t mark_of_offset(const char *text, size_t size, size_t offset)
{
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < offset && i < size; i++) {
		mark.column++;
		if (text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

static int refuse_yaml(struct reader *r, const yaml_parser_t *parser, const char *text, size_t size)
{
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		mark = mark_of_offset(text, size, parser->problem_offset);
	return schema_refuse(r, mark, "%s", parser->problem);
}

int schema_read(struct reader *r, const char *text, size_t size, const struct key *keys, void *to)
{
	yaml_parser_t parser;
	int err = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	/* An empty file says nothing; a second document, even so, is asked for to be refused. */
	for (int i = 0; i < 2 && !err; i++) {
		yaml_document_t document = {0};
		const yaml_node_t *root;

		if (!yaml_parser_load(&parser, &document)) {
			err = refuse_yaml(r, &parser, text, size);
			break;
		}
		r->document = &document;
		root = yaml_document_get_root_node(&document);
		if (root && i)
			err = schema_refuse(r, root->start_mark, "expected one document only");
		else if (root)
			err = schema_keys(r, root, keys, to);
		yaml_document_delete(&document);
	}
	r->document = NULL;
	yaml_parser_delete(&parser);
	return err;
}
