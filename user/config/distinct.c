// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The keys `distinct` and `measure`, and how large the vectors are that they ask for. */
#include "config/distinct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml.h"
#include "config/schema.h"
#include "sketch/countdown.h"

#define SLAB_KIB (WEIR_SLAB_BYTES / 1024)
#define PORTS 65536 /* there are no more to be told apart */

#define SIZE_BYTES 24

/* WEIR_DISTINCT_MAX: no key of that name. */
static enum weir_distinct find_name(const char *text)
{
	int k = 0;

	while (k < WEIR_DISTINCT_MAX && strcmp(countdown_key_name(k), text))
		k++;
	return k;
}

static void locate(const yaml_node_t *node, struct config_distinct *distinct)
{
	distinct->line = node->start_mark.line + 1;
	distinct->column = node->start_mark.column + 1;
}

static yaml_mark_t mark_of(const struct config_distinct *distinct)
{
	return (yaml_mark_t){.line = distinct->line - 1, .column = distinct->column - 1};
}

int config_read_measure(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	static const char prefix[] = "distinct ";
	struct config_query *query = to;
	const char *text = schema_text(node);
	enum weir_distinct of = WEIR_DISTINCT_MAX;

	if (text && !strncmp(text, prefix, strlen(prefix)))
		of = find_name(text + strlen(prefix));
	if (text && !strcmp(text, "packets")) {
		query->measure = CONFIG_PACKETS;
	} else if (text && !strcmp(text, "bytes")) {
		query->measure = CONFIG_BYTES;
	} else if (of != WEIR_DISTINCT_MAX) {
		query->measure = CONFIG_DISTINCT;
		query->measure_of = of;
		if (!query->asked.line)
			locate(node, &query->asked);
	} else {
		return schema_refuse(r, node->start_mark,
				     "%s: expected packets, bytes or distinct KEY, a KEY of flow, "
				     "src, dst, pair, dport",
				     key->name);
	}
	return 0;
}

/* --- The size of a vector -------------------------------------------------------------- */

static unsigned long parse_kib(const char *text)
{
	const char *unit;
	unsigned long n;

	if (!text || schema_digits(text, &n, &unit))
		return 0;
	return !strcmp(unit, "KiB") ? n : !strcmp(unit, "MiB") ? n * 1024 : 0;
}

/* As it would stand in the file. */
static const char *size_text(unsigned long kib, char out[SIZE_BYTES])
{
	const bool whole = kib && kib % 1024 == 0;

	snprintf(out, SIZE_BYTES, "%lu%s", whole ? kib / 1024 : kib, whole ? "MiB" : "KiB");
	return out;
}

static int read_size(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	struct config_distinct *distinct = to;
	const char *text = schema_text(node);
	unsigned long kib = parse_kib(text);
	char least[SIZE_BYTES], most[SIZE_BYTES];

	distinct->sized = true;
	if (text && !strcmp(text, "auto"))
		return 0;
	if (kib < SLAB_KIB || kib > WEIR_SLABS_MAX * SLAB_KIB)
		return schema_refuse(r, node->start_mark,
				     "%s: expected auto, or from %s to %s on each CPU", key->name,
				     size_text(SLAB_KIB, least),
				     size_text(WEIR_SLABS_MAX * SLAB_KIB, most));
	distinct->slabs = (kib + SLAB_KIB - 1) / SLAB_KIB;
	return 0;
}

/* "1%", "0.5 %": the sign is asked for, since 0.01 could mean either. */
static double parse_percent(const char *text)
{
	const char digits[] = "0123456789";
	size_t whole = strspn(text, digits), fraction = 0;
	const char *at = text + whole;

	if (*at == '.') {
		fraction = strspn(++at, digits);
		at += fraction;
	}
	if (!whole || (at != text + whole && !fraction) || strcmp(at + (*at == ' '), "%"))
		return 0;
	return strtod(text, NULL);
}

/* key->min, key->max: tenths of a percent. */
static int read_error(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const char *text = schema_text(node);
	double percent = text ? parse_percent(text) : 0;

	if (percent < key->min / 10.0 || percent > key->max / 10.0)
		return schema_refuse(r, node->start_mark,
				     "%s: expected a percentage (1%%, 0.5%%) from %g%% to %g%%",
				     key->name, key->min / 10.0, key->max / 10.0);
	*(double *)to = percent / 100;
	return 0;
}

/* --- Which keys ------------------------------------------------------------------------ */

static int read_key(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	struct config_distinct *distinct = to;
	const char *text = schema_text(node);
	enum weir_distinct k = text ? find_name(text) : WEIR_DISTINCT_MAX;

	if (k == WEIR_DISTINCT_MAX)
		return schema_refuse(r, node->start_mark,
				     "%s: expected one of: flow src dst pair dport", key->name);
	if (distinct->keys & 1u << k)
		return schema_refuse(r, node->start_mark, "%s: '%s' is here twice", key->name,
				     text);
	distinct->keys |= 1u << k;
	return 0;
}

static int read_list(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	((struct config_distinct *)to)->listed = true;
	return schema_list(r, node, key, to, read_key);
}

#define AT(field) offsetof(struct config_distinct, field)
/* The section has all but the first. */
static const struct key distinct_keys[] = {
	{"keys", read_list, .at = 0},
	{"size", read_size, .at = 0},
	{"expect", schema_number, .at = AT(expect), .min = 1, .max = 1000000000},
	{"error", read_error, .at = AT(error), .min = 1, .max = 200},
	{.name = NULL},
};

static int read_mapping(struct reader *r, const yaml_node_t *node, const struct key *keys,
			struct config_distinct *distinct)
{
	int err = schema_keys(r, node, keys, distinct);

	if (err || !distinct->slabs)
		return err;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = schema_node(r, pair->key);
		const char *name = schema_text(key);

		if (!strcmp(name, "expect") || !strcmp(name, "error"))
			return schema_refuse(r, key->start_mark,
					     "%s: means nothing with a size other than auto", name);
	}
	return 0;
}

int config_read_distinct_section(struct reader *r, const yaml_node_t *node, const struct key *key,
				 void *to)
{
	(void)key;
	return read_mapping(r, node, distinct_keys + 1, to);
}

int config_read_distinct(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	struct config_distinct *distinct = to;

	locate(node, distinct);
	if (node->type == YAML_SEQUENCE_NODE)
		return read_list(r, node, key, distinct);
	if (node->type == YAML_MAPPING_NODE)
		return read_mapping(r, node, distinct_keys, distinct);
	return schema_refuse(r, node->start_mark, "%s: expected a list, or keys and values",
			     key->name);
}

int config_check_distinct(struct reader *r, const struct config_query *query)
{
	if (!query->asked.line || query->asked.listed || query->measure == CONFIG_DISTINCT)
		return 0;
	return schema_refuse(r, mark_of(&query->asked),
			     "query '%s': distinct needs keys, or a measure: distinct KEY",
			     query->name);
}

/* --- All queries together -------------------------------------------------------------- */

/* What a query says of the size, and for what it does not, what the section says. */
static struct config_distinct complete(const struct config_distinct *own,
				       const struct config_distinct *section)
{
	struct config_distinct all = *own;

	if (!own->sized && !own->expect && !(own->error > 0))
		all.slabs = section->slabs;
	if (!all.expect)
		all.expect = section->expect ? section->expect : CONFIG_EXPECT;
	if (!(all.error > 0))
		all.error = section->error > 0 ? section->error : CONFIG_ERROR;
	return all;
}

static int size_vector(struct reader *r, const struct config_distinct *asked,
		       struct config_query *query, enum weir_distinct k)
{
	__u32 expect = asked->expect;
	char most[SIZE_BYTES];

	if (k == WEIR_DISTINCT_DPORT && expect > PORTS)
		expect = PORTS;
	query->slabs[k] = asked->slabs ? asked->slabs : countdown_slabs(expect, asked->error);
	if (query->slabs[k])
		return 0;
	return schema_refuse(r, mark_of(asked),
			     "query '%s': distinct %s: %u within %g%% needs more than %s on "
			     "each CPU",
			     query->name, countdown_key_name(k), expect, asked->error * 100,
			     size_text(WEIR_SLABS_MAX * SLAB_KIB, most));
}

/* *left: slabs that the queries before this one leave on each CPU. */
static int size_query(struct reader *r, const struct config_distinct *section,
		      struct config_query *query, __u32 *left)
{
	struct config_distinct asked = complete(&query->asked, section);
	char needs[SIZE_BYTES], rest[SIZE_BYTES], most[SIZE_BYTES];
	__u32 needed = 0;

	if (query->measure == CONFIG_DISTINCT)
		asked.keys |= 1u << query->measure_of;
	for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
		int err = asked.keys & 1u << k ? size_vector(r, &asked, query, k) : 0;

		if (err)
			return err;
		needed += query->slabs[k];
	}
	if (needed > *left)
		return schema_refuse(r, mark_of(&asked),
				     "query '%s': distinct needs %s on each CPU, %s of %s are left",
				     query->name, size_text(needed * SLAB_KIB, needs),
				     size_text(*left * SLAB_KIB, rest),
				     size_text(WEIR_SLABS_MAX * SLAB_KIB, most));
	*left -= needed;
	return 0;
}

int config_size_vectors(struct reader *r, struct config *config)
{
	__u32 left = WEIR_SLABS_MAX;
	int err = 0;

	for (unsigned int q = 0; q < config->query_count && !err; q++)
		err = size_query(r, &config->distinct, &config->queries[q], &left);
	return err;
}
