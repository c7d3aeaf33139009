// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The keys `distinct` and `measure`, and how large the vectors are that they ask for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config_internal.h"
#include "sketch/countdown.h"

#define SLAB_KIB (WEIR_SLAB_BYTES / 1024)
#define MAX_BYTES (1024ull * WEIR_SLABS_MAX * SLAB_KIB)
#define PORTS 65536 /* there are no more to be told apart */

#define SIZE_BYTES 24

int config_read_measure(struct section_reader *r, const struct section_value *value,
			const struct key *key, void *to)
{
	static const char prefix[] = "distinct ";
	struct config_query *query = to;
	const struct key_choice *of = countdown_keys;

	if (!strcmp(value->text, "packets")) {
		query->measure = WEIR_MEASURE_PACKETS;
		return 0;
	}
	if (!strcmp(value->text, "bytes")) {
		query->measure = WEIR_MEASURE_BYTES;
		return 0;
	}
	if (strncmp(value->text, prefix, strlen(prefix)))
		return section_refuse_kind(r, value->at, key);
	while (of->word && strcmp(of->word, value->text + strlen(prefix)))
		of++;
	if (!of->word)
		return section_refuse_kind(r, value->at, key);
	query->measure = WEIR_MEASURE_DISTINCT;
	query->measure_of = of->value;
	return 0;
}

/* --- The sections ---------------------------------------------------------------------- */

static int finish(struct section_reader *r, const struct section_seen *seen, void *to)
{
	const struct key *keys = seen->section->keys;
	struct config_distinct *distinct = to;

	distinct->at = seen->at;
	distinct->listed = section_saw(seen, "keys");
	distinct->sized = section_saw(seen, "size");
	for (int i = 0; keys[i].name && distinct->size; i++) {
		const bool precise = !strcmp(keys[i].name, "expect") ||
				     !strcmp(keys[i].name, "error");

		if (precise && seen->key[i].given)
			return section_refuse(r, seen->key[i].name,
					      "%s: means nothing with a size other than auto",
					      keys[i].name);
	}
	return 0;
}

#define AT(member) offsetof(struct config_distinct, member)

/* Of all queries, and of one, which leaves to the former what it does not say. */
#define SIZE_KEYS(auto_size, expected, percent, otherwise)                                         \
	{"size",                                                                                   \
	 KEY_SIZE,                                                                                 \
	 AT(size),                                                                                 \
	 .min = 1024 * SLAB_KIB,                                                                   \
	 .max = MAX_BYTES,                                                                         \
	 .also = "auto",                                                                           \
	 .unit = "on each CPU",                                                                    \
	 .standard = auto_size,                                                                    \
	 .without = otherwise,                                                                     \
	 .help = "memory of a vector, rounded up to 16KiB; auto: enough for the two below"},       \
		{"expect",                                                                         \
		 KEY_NUMBER,                                                                       \
		 AT(expect),                                                                       \
		 .min = 1,                                                                         \
		 .max = 1000000000,                                                                \
		 .unit = "keys",                                                                   \
		 .standard = expected,                                                             \
		 .without = otherwise,                                                             \
		 .help = "how many different keys a vector is made for; of dport never more than " \
			 "65536"},                                                                 \
	{                                                                                          \
		"error", KEY_PERCENT, AT(error_ppm),                                               \
			.min = 1000, .max = 200000, .standard = percent, .without = otherwise,     \
			.help = "standard error of the estimate of as many keys"                   \
	}

static const struct key section_keys[] = {
	SIZE_KEYS("auto", "100000", "1%", NULL),
	{.name = NULL},
};

static const struct key query_keys[] = {
	{"keys", KEY_SET, AT(keys), .choices = countdown_keys, .help = "what is told apart"},
	SIZE_KEYS(NULL, NULL, NULL, "as in the section distinct"),
	{.name = NULL},
};

const struct section config_distinct_section = {"distinct", sizeof(struct config_distinct),
						section_keys, .finish = finish};
const struct section config_query_distinct_section = {"distinct", sizeof(struct config_distinct),
						      query_keys, .list_is_first = true,
						      .finish = finish};

/* --- All queries together -------------------------------------------------------------- */

/* As it would be in the file. */
static const char *size_text(unsigned long kib, char out[SIZE_BYTES])
{
	const bool whole = kib && kib % 1024 == 0;

	snprintf(out, SIZE_BYTES, "%lu%s", whole ? kib / 1024 : kib, whole ? "MiB" : "KiB");
	return out;
}

/* What a query says of the size, and for what it does not, what the section says. */
static struct config_distinct complete(const struct config_distinct *own,
				       const struct config_distinct *section)
{
	struct config_distinct all = *own;

	if (!own->sized && !own->expect && !own->error_ppm)
		all.size = section->size;
	if (!all.expect)
		all.expect = section->expect;
	if (!all.error_ppm)
		all.error_ppm = section->error_ppm;
	return all;
}

static int size_vector(struct section_reader *r, const struct config_distinct *asked,
		       struct config_query *query, enum weir_distinct k)
{
	const double error = asked->error_ppm / 1e6;
	__u32 expect = asked->expect;
	char most[SIZE_BYTES];

	if (k == WEIR_DISTINCT_DPORT && expect > PORTS)
		expect = PORTS;
	query->slabs[k] = asked->size ? (asked->size + WEIR_SLAB_BYTES - 1) / WEIR_SLAB_BYTES
				      : countdown_slabs(expect, error);
	if (query->slabs[k])
		return 0;
	return section_refuse(r, asked->at,
			      "query '%s': distinct %s: %u within %g%% needs more than %s on "
			      "each CPU",
			      query->name, countdown_key_name(k), expect, error * 100,
			      size_text(WEIR_SLABS_MAX * SLAB_KIB, most));
}

/* *left: slabs that the queries before this one leave on each CPU. */
static int size_query(struct section_reader *r, const struct config_distinct *section,
		      struct config_query *query, __u32 *left)
{
	struct config_distinct asked = complete(&query->asked, section);
	char needs[SIZE_BYTES], rest[SIZE_BYTES], most[SIZE_BYTES];
	__u32 needed = 0;

	if (query->measure == WEIR_MEASURE_DISTINCT)
		asked.keys |= 1u << query->measure_of;
	for (int k = 0; k < WEIR_DISTINCT_MAX; k++) {
		int code = asked.keys & 1u << k ? size_vector(r, &asked, query, k) : 0;

		if (code)
			return code;
		needed += query->slabs[k];
	}
	if (needed > *left)
		return section_refuse(
			r, asked.at, "query '%s': distinct needs %s on each CPU, %s of %s are left",
			query->name, size_text(needed * SLAB_KIB, needs),
			size_text(*left * SLAB_KIB, rest),
			size_text(WEIR_SLABS_MAX * SLAB_KIB, most));
	*left -= needed;
	return 0;
}

int config_size_vectors(struct section_reader *r, struct config *config)
{
	__u32 left = WEIR_SLABS_MAX;
	int code = 0;

	for (unsigned int q = 0; q < config->query_count && !code; q++)
		code = size_query(r, &config->distinct, &config->queries[q], &left);
	return code;
}
