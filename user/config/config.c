/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml.h"
#include "weir/query.h"
#include "weir/window.h"

#define FILE_BYTES_MAX (4u << 20)

#define LOGIN_PORTS "22 or 23 or 21 or 513 or 514 or 512 or 3389 or 5900"

static const struct {
	const char *name, *match;
} default_queries[] = {
	{"Q1", "(src inside and dst outside) or (src outside and dst inside)"},
	{"Q2", "in"},
	{"Q3", "in and tcp flags syn and not tcp flags ack"},
	{"Q4", "out and dns query"},
	{"Q5", "in and src outside and tcp flags syn and not tcp flags ack and "
	       "dst port " LOGIN_PORTS},
};

#define DEFAULT_WINDOW_S 60

static const char *const default_inside[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
					     "fc00::/7"};

static const struct config defaults = {
	.timeouts =
		{
			.idle_ns = 15 * WEIR_NS_PER_SEC,
			.active_ns = 60 * WEIR_NS_PER_SEC,
			.closed_ns = 2 * WEIR_NS_PER_SEC,
		},
	.flow_size = 262144,
	.coordinate =
		{
			.period_ns = 10 * WEIR_NS_PER_SEC,
			.shrink_ppm = 50000,
			.forget_ns = 3600 * WEIR_NS_PER_SEC,
			.connections = 16384,
		},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void *config_grow(void *array, unsigned int count, size_t size)
{
	/* Room doubles whenever count has reached a power of two. */
	if (count & (count - 1))
		return array;
	return realloc(array, (count ? 2ul * count : 1) * size);
}

void config_query_free(struct config_query *query)
{
	free(query->name);
	free(query->match);
	query_free(query->expr);
}

void config_free(struct config *config)
{
	for (unsigned int i = 0; i < config->interface_count; i++)
		free(config->interfaces[i]);
	for (unsigned int i = 0; i < config->scope.group_count; i++) {
		free(config->scope.groups[i].name);
		free(config->scope.groups[i].prefixes);
	}
	for (unsigned int i = 0; i < config->query_count; i++)
		config_query_free(&config->queries[i]);
	for (unsigned int i = 0; i < config->export_count; i++)
		export_options_free(&config->exports[i]);
	peer_options_free(&config->report);
	config_coordinate_free(&config->coordinate);
	free(config->interfaces);
	free(config->scope.inside);
	free(config->scope.groups);
	free(config->queries);
	memset(config, 0, sizeof(*config));
}

int config_add_inside(struct config *config, const struct query_range *prefix)
{
	struct query_scope *scope = &config->scope;
	struct query_range *more =
		config_grow(scope->inside, scope->inside_count, sizeof(*scope->inside));

	if (!more)
		return -ENOMEM;
	scope->inside = more;
	more[scope->inside_count++] = *prefix;
	return 0;
}

int config_add_query(struct config *config, const struct config_query *query)
{
	struct config_query *more =
		config_grow(config->queries, config->query_count, sizeof(*config->queries));

	if (!more)
		return -ENOMEM;
	config->queries = more;
	more[config->query_count++] = *query;
	return 0;
}

static int add_default_queries(struct config *config)
{
	for (size_t i = 0; i < COUNT(default_queries); i++) {
		struct config_query query = {
			.name = strdup(default_queries[i].name),
			.match = strdup(default_queries[i].match),
			.window_s = DEFAULT_WINDOW_S,
		};
		struct query_error why;

		if (!query.name || !query.match || query_parse(query.match, &query.expr, &why) ||
		    config_add_query(config, &query)) {
			config_query_free(&query);
			return -ENOMEM;
		}
	}
	return 0;
}

static int add_default_inside(struct config *config)
{
	for (size_t i = 0; i < COUNT(default_inside); i++) {
		char why[PREFIX_WHY_BYTES];
		struct query_range prefix;

		if (prefix_parse_net(default_inside[i], &prefix, why) ||
		    config_add_inside(config, &prefix))
			return -ENOMEM;
	}
	return 0;
}

int config_compile(const struct config *config, struct weir_tables *out, struct query_error *err)
{
	struct query queries[WEIR_QUERIES];

	for (unsigned int i = 0; i < config->query_count; i++)
		queries[i] = (struct query){.expr = config->queries[i].expr, .window = i};
	return query_compile(queries, config->query_count, &config->scope, out, err);
}

/* Do the queries compile? */
static int try_queries(const char *name, const struct config *config, struct config_error *err)
{
	struct weir_tables *tables = calloc(1, sizeof(*tables));
	struct query_error why;
	int ret = tables ? config_compile(config, tables, &why) : -ENOMEM;

	free(tables);
	if (ret != -EINVAL)
		return ret;
	if (why.query < 0)
		snprintf(err->text, sizeof(err->text), "%.512s:1:1: inside: %s", name, why.text);
	else
		config_refuse_match(name, &config->queries[why.query], &why, err);
	return ret;
}

/* From the file's content, or from nothing when `text` is NULL. */
static int config_make(const char *name, const char *text, size_t size, struct config *out,
		       struct config_error *err)
{
	struct config config = defaults;
	struct config_given given = {0};
	int ret = 0;

	err->text[0] = 0;
	if (text)
		ret = config_yaml(name, text, size, &config, &given, err);
	config.inside_given = given.inside;
	if (!ret && !given.inside)
		ret = add_default_inside(&config);
	if (!ret && !given.queries)
		ret = add_default_queries(&config);
	if (!ret)
		ret = config_finish_coordinate(name, &config, err);
	if (!ret)
		ret = try_queries(name, &config, err);
	if (!ret) {
		*out = config;
		return 0;
	}
	if (!err->text[0])
		snprintf(err->text, sizeof(err->text), "%.512s: %s", name, strerror(-ret));
	config_free(&config);
	return ret;
}

int config_read(const char *name, const char *text, size_t size, struct config *out,
		struct config_error *err)
{
	return config_make(name, text, size, out, err);
}

int config_default(struct config *out, struct config_error *err)
{
	return config_make("defaults", NULL, 0, out, err);
}

int config_load(const char *path, struct config *out, struct config_error *err)
{
	char *text = NULL;
	size_t size;
	FILE *file;
	int ret;

	if (!path)
		return config_default(out, err);
	file = fopen(path, "re");
	errno = file ? ENOMEM : errno;
	if (file)
		text = malloc(FILE_BYTES_MAX);
	if (!text)
		goto out;
	errno = 0;
	size = fread(text, 1, FILE_BYTES_MAX, file);
	if (!ferror(file) && size < FILE_BYTES_MAX) {
		ret = config_read(path, text, size, out, err);
		goto done;
	}
	if (!ferror(file))
		errno = EFBIG;
out:
	ret = errno ? -errno : -EIO;
	snprintf(err->text, sizeof(err->text), "%.512s: %s", path, strerror(-ret));
done:
	free(text);
	if (file)
		fclose(file);
	return ret;
}
