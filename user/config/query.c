// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The section of a query. */
#include <errno.h>
#include <string.h>

#include "config/config_internal.h"
#include "weir/window.h"

static int read_match(struct section_reader *r, const struct section_value *value,
		      const struct key *key, void *to)
{
	struct config_query *query = to;

	(void)r, (void)key;
	query->at = value->at;
	query->exact = value->exact;
	if (value->exact)
		query->at.column += value->quote;
	query->match = strdup(value->text);
	return query->match ? 0 : -ENOMEM;
}

int config_refuse_match(struct section_reader *r, const struct config_query *query,
			const struct query_error *err)
{
	struct section_place at = query->at;

	if (!at.line)
		return section_refuse(r, (struct section_place){1, 1}, "the default query '%s': %s",
				      query->name, err->why.text);
	if (!query->exact)
		return section_refuse(r, at, "query '%s': %s, at column %u of the match",
				      query->name, err->why.text, err->column);
	at.column += err->column - 1;
	return section_refuse(r, at, "query '%s': %s", query->name, err->why.text);
}

/* Distinct counts have no precision: no coordinator answers them. */
static int finish_precision(struct section_reader *r, const struct section_seen *seen,
			    struct config_query *query)
{
	const struct section_place *precision = section_saw(seen, "precision");

	if (query->measure != WEIR_MEASURE_DISTINCT)
		return 0;
	query->precision = (struct config_precision){0};
	return precision ? section_refuse(r, *precision,
					  "query '%s': precision: distinct counts of hosts cannot "
					  "be added up, so no coordinator answers it",
					  query->name)
			 : 0;
}

static int finish(struct section_reader *r, const struct section_seen *seen, void *to)
{
	const struct section_place *measure = section_saw(seen, "measure");
	struct config_query *query = to;
	const bool distinct = query->measure == WEIR_MEASURE_DISTINCT;
	struct query_error err;
	int code;

	if (section_saw(seen, "distinct") && !query->asked.listed && !distinct)
		return section_refuse(r, query->asked.at,
				      "query '%s': distinct needs keys, or a measure: distinct KEY",
				      query->name);
	if (distinct && !section_saw(seen, "distinct"))
		query->asked.at = *measure;
	code = finish_precision(r, seen, query);
	if (code)
		return code;
	code = query_parse(query->match, &query->expr, &err);
	return code == -EINVAL ? config_refuse_match(r, query, &err) : code;
}

static void free_query(void *to)
{
	struct config_query *query = to;

	section_free_text(&query->match);
	query_free(query->expr);
}

#define AT(member) offsetof(struct config_query, member)

static const struct key keys[] = {
	{"name", KEY_NAME, AT(name), .required = true, .unique = true, .help = "its name"},
	{"match", KEY_OWN, .read = read_match, .kind = "an expression", .required = true,
	 .help = "which packets it counts, in the manner of pcap-filter(7)"},
	{"measure", KEY_OWN, .read = config_read_measure, .standard = "packets",
	 .kind = "packets, bytes or distinct KEY, a KEY of flow, src, dst, pair, dport",
	 .help = "what is counted"},
	{"window", KEY_SECONDS, AT(window_s), .min = WEIR_NS_PER_SEC,
	 .max = WEIR_WINDOW_MAX * WEIR_NS_PER_SEC, .standard = "60s",
	 .help = "over the last of these seconds"},
	{"distinct", KEY_SECTION, AT(asked), .section = &config_query_distinct_section,
	 .help = "how many different ones are in it, too; a list of keys alone is short for keys"},
	{"precision", KEY_PRECISION, .at = AT(precision), .standard = "5%",
	 .help = "how wide a coordinator's answer may be, in packets or bytes per second, or in "
		 "percent of the answer"},
	{.name = NULL},
};

const struct section config_query_section = {"query", sizeof(struct config_query), keys,
					     .finish = finish, .free = free_query};
