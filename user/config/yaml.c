/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of the configuration's keys, and the readers of what is weir's own in it. */
#include "config/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/schema.h"
#include "weir/query.h"
#include "weir/window.h"

#define NAME_MAX_BYTES 63 /* of a query, a group */

/* What reader.context points to. */
struct filling {
	struct config *config;
	struct config_given *given;
};

static struct config *config_of(const struct reader *r)
{
	return ((const struct filling *)r->context)->config;
}

static struct config_given *given_of(const struct reader *r)
{
	return ((const struct filling *)r->context)->given;
}

void config_refuse_match(const char *name, const struct config_query *query,
			 const struct query_error *why, struct config_error *err)
{
	struct reader r = {.name = name, .err = err};
	yaml_mark_t mark = {0};

	if (!query->line) {
		schema_refuse(&r, mark, "the default query '%s': %s", query->name, why->text);
		return;
	}
	mark.line = query->line - 1;
	mark.column = query->column - 1;
	if (query->exact) {
		mark.column += why->column - 1;
		schema_refuse(&r, mark, "query '%s': %s", query->name, why->text);
	} else {
		schema_refuse(&r, mark, "query '%s': %s, at column %u of the match", query->name,
			      why->text, why->column);
	}
}

static int read_window(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	__u64 ns;
	int err = schema_duration(r, node, key, &ns);

	if (err)
		return err;
	if (ns % WEIR_NS_PER_SEC)
		return schema_refuse(r, node->start_mark, "%s: expected whole seconds", key->name);
	*(__u32 *)to = ns / WEIR_NS_PER_SEC;
	return 0;
}

static int read_interface(struct reader *r, const yaml_node_t *node, const struct key *key,
			  void *to)
{
	struct config *config = config_of(r);
	const char *text = schema_text(node);
	char **more;

	(void)to;
	if (!text || !*text || strlen(text) >= IFNAMSIZ || strpbrk(text, "/ \t\r\n"))
		return schema_refuse(r, node->start_mark, "%s: expected the name of an interface",
				     key->name);
	for (unsigned int i = 0; i < config->interface_count; i++) {
		if (!strcmp(config->interfaces[i], text))
			return schema_refuse(r, node->start_mark, "%s: '%s' is here twice",
					     key->name, text);
	}
	more = config_grow(config->interfaces, config->interface_count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	config->interfaces = more;
	more[config->interface_count] = strdup(text);
	return more[config->interface_count++] ? 0 : -ENOMEM;
}

static int read_interfaces(struct reader *r, const yaml_node_t *node, const struct key *key,
			   void *to)
{
	return schema_list(r, node, key, to, read_interface);
}

static int read_prefix(struct reader *r, const yaml_node_t *node, const struct key *key,
		       struct query_range *out)
{
	const char *text = schema_text(node);
	char why[PREFIX_WHY_BYTES];

	if (!text)
		return schema_refuse(r, node->start_mark, "%s: expected a prefix ADDRESS/LENGTH",
				     key->name);
	if (prefix_parse_net(text, out, why))
		return schema_refuse(r, node->start_mark, "%s: %s", key->name, why);
	return 0;
}

static int read_inside_prefix(struct reader *r, const yaml_node_t *node, const struct key *key,
			      void *to)
{
	struct query_range prefix;
	int err = read_prefix(r, node, key, &prefix);

	(void)to;
	return err ? err : config_add_inside(config_of(r), &prefix);
}

static int read_inside(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	given_of(r)->inside = true;
	return schema_list(r, node, key, to, read_inside_prefix);
}

static int read_group_prefix(struct reader *r, const yaml_node_t *node, const struct key *key,
			     void *to)
{
	struct query_group *group = to;
	struct query_range *more, prefix;
	int err = read_prefix(r, node, key, &prefix);

	if (err)
		return err;
	more = config_grow(group->prefixes, group->prefix_count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	group->prefixes = more;
	more[group->prefix_count++] = prefix;
	return 0;
}

bool config_is_name(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (!length || length > NAME_MAX_BYTES)
		return false;
	for (; *text; text++) {
		if (!isascii((unsigned char)*text) ||
		    (!isalnum((unsigned char)*text) && !strchr("_-.", *text)))
			return false;
	}
	return true;
}

static int read_group(struct reader *r, const yaml_node_t *name_node, const yaml_node_t *list,
		      const struct key *key)
{
	struct query_scope *scope = &config_of(r)->scope;
	const char *name = schema_text(name_node);
	struct query_group *more;

	if (!config_is_name(name) || query_is_keyword(name))
		return schema_refuse(
			r, name_node->start_mark,
			"%s: expected a name of letters, digits, - _ . that is no word of the "
			"match language",
			key->name);
	for (unsigned int i = 0; i < scope->group_count; i++) {
		if (!strcmp(scope->groups[i].name, name))
			return schema_refuse(r, name_node->start_mark, "%s: '%s' is here twice",
					     key->name, name);
	}
	more = config_grow(scope->groups, scope->group_count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	scope->groups = more;
	more[scope->group_count] = (struct query_group){.name = strdup(name)};
	if (!more[scope->group_count].name)
		return -ENOMEM;
	return schema_list(r, list, key, &more[scope->group_count++], read_group_prefix);
}

static int read_groups(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	(void)to;
	if (node->type != YAML_MAPPING_NODE)
		return schema_refuse(r, node->start_mark,
				     "%s: expected names with lists of prefixes", key->name);
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int err =
			read_group(r, schema_node(r, pair->key), schema_node(r, pair->value), key);

		if (err)
			return err;
	}
	return 0;
}

static int read_name(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const char *name = schema_text(node);

	if (!config_is_name(name))
		return schema_refuse(r, node->start_mark, "%s: expected letters, digits, - _ .",
				     key->name);
	for (unsigned int i = 0; i < config_of(r)->query_count; i++) {
		if (!strcmp(config_of(r)->queries[i].name, name))
			return schema_refuse(r, node->start_mark,
					     "%s: the query '%s' is here twice", key->name, name);
	}
	*(char **)to = strdup(name);
	return *(char **)to ? 0 : -ENOMEM;
}

/* Where the text of a scalar begins, and whether it stands there as it is. */
static void locate(const yaml_node_t *node, struct config_query *query)
{
	size_t width = node->end_mark.column - node->start_mark.column;
	bool one_line = node->end_mark.line == node->start_mark.line;
	bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	query->line = node->start_mark.line + 1;
	query->column = node->start_mark.column + 1;
	query->exact = one_line && width == node->data.scalar.length + (plain ? 0 : 2);
	if (query->exact && !plain)
		query->column++;
}

static int read_match(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	struct config_query *query = to;
	const char *text = schema_text(node);

	if (!text)
		return schema_refuse(r, node->start_mark, "%s: expected an expression", key->name);
	locate(node, query);
	query->match = strdup(text);
	return query->match ? 0 : -ENOMEM;
}

static int read_precision(struct reader *r, const yaml_node_t *node, const struct key *key,
			  void *to)
{
	struct config_query *query = to;

	query->precision_line = node->start_mark.line + 1;
	query->precision_column = node->start_mark.column + 1;
	return config_read_precision(r, node, key, &query->precision);
}

static int check_precision(struct reader *r, const struct config_query *query)
{
	const yaml_mark_t mark = {
		.line = query->precision_line - 1,
		.column = query->precision_column - 1,
	};

	if (!query->precision.given || query->measure != CONFIG_DISTINCT)
		return 0;
	return schema_refuse(r, mark,
			     "query '%s': precision: distinct counts of hosts cannot be added up, "
			     "so no coordinator answers it",
			     query->name);
}

static const struct key query_keys[] = {
	{"name", read_name, .at = offsetof(struct config_query, name)},
	{"match", read_match, .at = 0},
	{"measure", config_read_measure, .at = 0},
	{"distinct", config_read_distinct, .at = offsetof(struct config_query, asked)},
	{"precision", read_precision, .at = 0},
	{"window", read_window, .at = offsetof(struct config_query, window_s),
	 .min = WEIR_NS_PER_SEC, .max = WEIR_WINDOW_MAX * WEIR_NS_PER_SEC},
	{.name = NULL},
};

static int fill_query(struct reader *r, const yaml_node_t *node, struct config_query *query)
{
	struct query_error why;
	int err = schema_keys(r, node, query_keys, query);

	if (err)
		return err;
	if (!query->name)
		return schema_refuse(r, node->start_mark, "a query needs a name");
	if (!query->match)
		return schema_refuse(r, node->start_mark, "query '%s' needs a match", query->name);
	err = config_check_distinct(r, query);
	err = err ? err : check_precision(r, query);
	if (err)
		return err;
	err = query_parse(query->match, &query->expr, &why);
	if (err)
		config_refuse_match(r->name, query, &why, r->err);
	return err;
}

static int read_query(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	struct config_query query = {.window_s = 60};
	int err;

	(void)to;
	if (config_of(r)->query_count == WEIR_QUERIES)
		return schema_refuse(r, node->start_mark, "%s: expected at most %d", key->name,
				     WEIR_QUERIES);
	err = fill_query(r, node, &query);
	if (!err)
		err = config_add_query(config_of(r), &query);
	if (err)
		config_query_free(&query);
	return err;
}

static int read_queries(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	given_of(r)->queries = true;
	return schema_list(r, node, key, to, read_query);
}

static const struct key flow_keys[] = {
	{"idle_timeout", schema_duration, .at = offsetof(struct config, timeouts.idle_ns),
	 .min = WEIR_NS_PER_SEC / 10, .max = HOUR_NS},
	{"active_timeout", schema_duration, .at = offsetof(struct config, timeouts.active_ns),
	 .min = WEIR_NS_PER_SEC, .max = HOUR_NS},
	{"closed_timeout", schema_duration, .at = offsetof(struct config, timeouts.closed_ns),
	 .min = 0, .max = HOUR_NS},
	{"size", schema_number, .at = offsetof(struct config, flow_size), .min = 1024,
	 .max = 1 << 26},
	{.name = NULL},
};

static const struct key attach_keys[] = {
	{"ingress", schema_choice, .at = offsetof(struct config, ingress),
	 .values = "auto native generic tc"},
	{"egress", schema_choice, .at = offsetof(struct config, egress),
	 .values = "auto tcx clsact"},
	{.name = NULL},
};

static const struct key config_keys[] = {
	{"interfaces", read_interfaces, .at = 0},
	{"inside", read_inside, .at = 0},
	{"groups", read_groups, .at = 0},
	{"flow", schema_section, .keys = flow_keys},
	{"tunnels", schema_choice, .at = offsetof(struct config, tunnels), .values = "outer inner"},
	{"attach", schema_section, .keys = attach_keys},
	{"distinct", config_read_distinct_section, .at = offsetof(struct config, distinct)},
	{"queries", read_queries, .at = 0},
	{"export", config_read_exports, .at = 0},
	{"report", config_read_report, .at = offsetof(struct config, report)},
	{"coordinate", config_read_coordinate, .at = offsetof(struct config, coordinate)},
	{.name = NULL},
};

int config_yaml(const char *name, const char *text, size_t size, struct config *config,
		struct config_given *given, struct config_error *err)
{
	struct filling filling = {config, given};
	struct reader r = {.name = name, .err = err, .context = &filling};
	int code = schema_read(&r, text, size, config_keys, config);

	/* Sections come in any order, so what queries leave to `distinct` is known only now. */
	return code ? code : config_size_vectors(&r, config);
}
