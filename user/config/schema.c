/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Problem: YAML is a tree of lists and of keys with values; rooms want structs, and people want to
 * know where in the file a value is that cannot be.
 *
 * Idea: one walk over libyaml's tree along the tables. read_value() takes a node and the row of the
 * table that is for it; lists and sections come back to it for what is in them:
 *
 *   read_value ─┬─ read_section ── read_pair ───────────┐   then finish_section: what is missing,
 *        ↑      ├─ read_list ──── read_item ────────────┤   what has a default, what the room checks
 *        │      ├─ read_named ─── read_named_item ──────┤
 *        └──────┼───────────────────────────────────────┘
 *               └─ read_set, scalars ── section_read (base/section.c)
 *
 * An item is in its list before it is read, so that whatever is read of it is freed with the rest.
 * The default of a list is a text in YAML, read in the same way, without places.
 */
#include "config/schema.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/array.h"

struct schema {
	struct section_reader reader; /* the first: readers get no more than this */
	yaml_document_t *document;
	bool standard; /* the document is a default, which has no place in the file */
};

static int read_value(struct schema *s, const yaml_node_t *node, const struct key *key,
		      void *options);

/* --- Nodes ----------------------------------------------------------------------------- */

static const yaml_node_t *node_at(const struct schema *s, int index)
{
	return yaml_document_get_node(s->document, index);
}

static struct section_place place_of(const struct schema *s, yaml_mark_t mark)
{
	if (s->standard)
		return (struct section_place){0};
	return (struct section_place){mark.line + 1, mark.column + 1};
}

static struct section_place place(const struct schema *s, const yaml_node_t *node)
{
	return place_of(s, node->start_mark);
}

/* The text of a scalar, or NULL: it is something else, or a zero byte would cut it short. */
static const char *text_of(const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE ||
	    strlen((const char *)node->data.scalar.value) != node->data.scalar.length)
		return NULL;
	return (const char *)node->data.scalar.value;
}

static struct section_value value_of(const struct schema *s, const yaml_node_t *node)
{
	const size_t width = node->end_mark.column - node->start_mark.column;
	const bool one_line = node->end_mark.line == node->start_mark.line;
	struct section_value value = {.at = place(s, node), .text = text_of(node)};

	if (value.text) {
		value.quote = node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		value.exact = one_line && width == node->data.scalar.length + 2 * value.quote;
	}
	return value;
}

/* --- Keys and values ------------------------------------------------------------------- */

static int finish_section(struct schema *s, const struct section *section,
			  const struct section_seen *seen, void *to)
{
	int code;

	for (const struct key *key = section->keys; key->name; key++) {
		if (key->required && !seen->key[key - section->keys].given)
			return section_refuse(&s->reader, seen->at, "%s: the key '%s' is missing",
					      section->name, key->name);
	}
	code = section_defaults(&s->reader, section, seen, to);
	return code || !section->finish ? code : section->finish(&s->reader, seen, to);
}

static int read_pair(struct schema *s, const yaml_node_pair_t *pair, struct section_seen *seen,
		     void *to)
{
	const yaml_node_t *name_node = node_at(s, pair->key), *node = node_at(s, pair->value);
	const struct section_place at = place(s, name_node);
	const struct key *key = seen->section->keys;
	const char *name = text_of(name_node);
	int i = 0;

	while (key[i].name && !(name && !strcmp(key[i].name, name)))
		i++;
	if (!key[i].name)
		return section_refuse(&s->reader, at, "unknown key '%.64s'", name ? name : "?");
	if (seen->key[i].given)
		return section_refuse(&s->reader, at, "the key '%s' is given twice", name);
	seen->key[i].given = true;
	seen->key[i].name = at;
	seen->key[i].value = place(s, node);
	return read_value(s, node, &key[i], to);
}

/* A list, of a section whose first key it may be instead. */
static int read_first(struct schema *s, const yaml_node_t *node, const struct key *key,
		      struct section_seen *seen, void *to)
{
	struct key first = key->section->keys[0];

	first.name = key->name;
	seen->key[0].given = true;
	seen->key[0].name = seen->key[0].value = seen->at;
	return read_value(s, node, &first, to);
}

static int read_section(struct schema *s, const yaml_node_t *node, const struct key *key, void *to)
{
	const struct section *section = key->section;
	struct section_seen seen = {.at = place(s, node), .section = section};
	int code = 0;

	if (section->list_is_first && node->type == YAML_SEQUENCE_NODE) {
		code = read_first(s, node, key, &seen, to);
	} else if (node->type != YAML_MAPPING_NODE) {
		if (section->list_is_first)
			return section_refuse(&s->reader, seen.at,
					      "%s: expected a list, or keys and values", key->name);
		return section_refuse(&s->reader, seen.at, "expected keys and values");
	} else {
		for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		     pair < node->data.mapping.pairs.top && !code; pair++)
			code = read_pair(s, pair, &seen, to);
	}
	return code ? code : finish_section(s, section, &seen, to);
}

/* --- Lists ----------------------------------------------------------------------------- */

struct items {
	const struct key *key;
	__u32 *count;
	void **array; /* of a list that grows */
	char *first;
};

static struct items items_of(const struct key *key, void *options)
{
	void *at = (char *)options + key->at;

	return (struct items){
		.key = key,
		.count = (__u32 *)((char *)options + key->list->count_at),
		.array = key->list->grows ? at : NULL,
		.first = key->list->grows ? *(char **)at : at,
	};
}

/* *out: one more, zeroed. */
static int add_item(struct schema *s, struct section_place at, struct items *items, void **out)
{
	const struct key *key = items->key;
	const size_t size = key->list->size;

	if (key->max && *items->count == key->max)
		return section_refuse(&s->reader, at, "%s: expected at most %llu", key->name,
				      key->max);
	if (items->array) {
		void *more = array_grow(*items->array, *items->count, size);

		if (!more)
			return -ENOMEM;
		*items->array = items->first = more;
	}
	*out = memset(items->first + *items->count * size, 0, size);
	++*items->count;
	return 0;
}

/* Is the last item, whose text is at `at`, one of those before it? */
static int check_twice(struct schema *s, struct section_place at, const char *text,
		       const struct items *items, bool (*same)(const void *, const void *))
{
	const size_t size = items->key->list->size;
	const char *last = items->first + (*items->count - 1) * size;

	for (const char *item = items->first; item < last; item += size) {
		if (same(item, last))
			return section_refuse(&s->reader, at, "%s: '%s' is given twice",
					      items->key->name, text);
	}
	return 0;
}

static const yaml_node_t *find_value(const struct schema *s, const yaml_node_t *node,
				     const char *name)
{
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     node->type == YAML_MAPPING_NODE && pair < node->data.mapping.pairs.top; pair++) {
		const char *text = text_of(node_at(s, pair->key));

		if (text && !strcmp(text, name))
			return node_at(s, pair->value);
	}
	return NULL;
}

static int check_unique(struct schema *s, const yaml_node_t *node, const struct items *items,
			const struct key *key)
{
	const size_t size = items->key->list->size;
	const char *last = items->first + (*items->count - 1) * size;
	const char *text = *(char *const *)(last + key->at);

	for (const char *item = items->first; item < last; item += size) {
		if (!strcmp(*(char *const *)(item + key->at), text))
			return section_refuse(&s->reader, place(s, node), "%s: '%s' is given twice",
					      key->name, text);
	}
	return 0;
}

static int read_item(struct schema *s, const yaml_node_t *node, struct items *items)
{
	const struct key_list *list = items->key->list;
	struct key key = *list->item;
	void *item;
	int code = add_item(s, place(s, node), items, &item);

	key.name = items->key->name;
	code = code ? code : read_value(s, node, &key, item);
	if (!code && list->same)
		code = check_twice(s, place(s, node), text_of(node), items, list->same);
	for (const struct key *k = key.section ? key.section->keys : NULL; k && k->name && !code;
	     k++) {
		if (k->unique)
			code = check_unique(s, find_value(s, node, k->name), items, k);
	}
	return code;
}

static int read_list(struct schema *s, const yaml_node_t *node, const struct key *key,
		     void *options)
{
	struct items items = items_of(key, options);
	int code = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return section_refuse(&s->reader, place(s, node), "%s: expected a list", key->name);
	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top && !code; i++)
		code = read_item(s, node_at(s, *i), &items);
	if (!code && *items.count < key->min)
		code = section_refuse(&s->reader, place(s, node), "%s: expected at least one",
				      key->name);
	return code;
}

/* name: value, into the first and the second key of an item's section. */
static int read_named_item(struct schema *s, const yaml_node_pair_t *pair, struct items *items)
{
	const yaml_node_t *node = node_at(s, pair->key);
	const struct section_value name_value = value_of(s, node);
	const struct key *keys = items->key->list->item->section->keys;
	struct key name = keys[0], value = keys[1];
	void *item;
	int code = add_item(s, name_value.at, items, &item);

	name.name = value.name = items->key->name;
	if (!code)
		code = section_read(&s->reader, &name_value, &name, (char *)item + name.at);
	if (!code)
		code = check_unique(s, node, items, &name);
	return code ? code : read_value(s, node_at(s, pair->value), &value, item);
}

static int read_named(struct schema *s, const yaml_node_t *node, const struct key *key,
		      void *options)
{
	struct items items = items_of(key, options);
	int code = 0;

	if (node->type != YAML_MAPPING_NODE)
		return section_refuse_kind(&s->reader, place(s, node), key);
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top && !code; pair++)
		code = read_named_item(s, pair, &items);
	return code;
}

static int read_set(struct schema *s, const yaml_node_t *node, const struct key *key, void *to)
{
	int code = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return section_refuse(&s->reader, place(s, node), "%s: expected a list", key->name);
	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top && !code; i++) {
		const struct section_value value = value_of(s, node_at(s, *i));

		code = section_read(&s->reader, &value, key, to);
	}
	return code;
}

static int read_value(struct schema *s, const yaml_node_t *node, const struct key *key,
		      void *options)
{
	const struct section_value value = value_of(s, node);
	void *to = (char *)options + key->at;

	switch (key->type) {
	case KEY_SECTION:
		return read_section(s, node, key, to);
	case KEY_LIST:
		return read_list(s, node, key, options);
	case KEY_NAMED:
		return read_named(s, node, key, options);
	case KEY_SET:
		return read_set(s, node, key, to);
	default:
		return section_read(&s->reader, &value, key, to);
	}
}

/* --- Documents ------------------------------------------------------------------------- */

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

static int refuse_yaml(struct schema *s, const yaml_parser_t *parser, const char *text, size_t size)
{
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		mark = mark_of_offset(text, size, parser->problem_offset);
	return section_refuse(&s->reader, place_of(s, mark), "%s", parser->problem);
}

/* The next document of the parser, if there is one, into `options` by `key`; NULL: refused. */
static int read_document(struct schema *s, yaml_parser_t *parser, const struct key *key,
			 void *options, bool *found)
{
	yaml_document_t document;
	yaml_node_t *root;
	int code = 0;

	if (!yaml_parser_load(parser, &document))
		return 1;
	root = yaml_document_get_root_node(&document);
	*found = root;
	s->document = &document;
	if (root && !key)
		code = section_refuse(&s->reader, place(s, root), "expected one document only");
	else if (root)
		code = read_value(s, root, key, options);
	s->document = NULL;
	yaml_document_delete(&document);
	return code;
}

static int read_text(struct schema *s, const char *text, size_t size, const struct key *key,
		     void *options, bool *found)
{
	yaml_parser_t parser;
	bool second;
	int code;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	code = read_document(s, &parser, key, options, found);
	if (!code)
		code = read_document(s, &parser, NULL, NULL, &second);
	if (code > 0)
		code = refuse_yaml(s, &parser, text, size);
	yaml_parser_delete(&parser);
	return code;
}

/* The default of a list is YAML, too. */
static int read_standard(struct section_reader *r, const struct key *key, void *options)
{
	struct schema s = {.reader = *r, .standard = true};
	bool found;

	return read_text(&s, key->standard, strlen(key->standard), key, options, &found);
}

int schema_read(const char *file, const char *text, size_t size, const struct section *section,
		void *to, struct why *why)
{
	const struct key key = {.type = KEY_SECTION, .section = section};
	const struct section_seen nothing = {.section = section};
	struct schema s = {.reader = {.file = file, .why = why, .read_list = read_standard}};
	bool found;
	int code = read_text(&s, text, size, &key, to, &found);

	/* An empty file says nothing. */
	return code || found ? code : finish_section(&s, section, &nothing, to);
}
