// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The section `coordinate`. What answers say of queries is looked up when all are known. */
#include "config/coordinate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/yaml.h"
#include "config/schema.h"

static const struct config_precision default_precision = {
	.given = true,
	.relative = true,
	.millionths = 50000,
};

static void answer_free(struct config_answer *answer)
{
	free(answer->name);
	free(answer->query_name);
	free(answer->hosts);
}

void config_coordinate_free(struct config_coordinate *config)
{
	for (unsigned int i = 0; i < config->listen_count; i++)
		free(config->listen[i].text);
	for (unsigned int i = 0; i < config->answer_count; i++)
		answer_free(&config->answers[i]);
	free(config->answers);
	free(config->hosts);
	free(config->ca);
	free(config->cert);
	free(config->key);
	free(config->name);
	peer_options_free(&config->parent);
	free(config->log);
	free(config->socket);
	*config = (struct config_coordinate){0};
}

/* --- Hosts ----------------------------------------------------------------------------- */

struct hosts {
	__u32 *list;
	unsigned int count;
};

static bool has_host(const __u32 *list, unsigned int count, __u32 host)
{
	for (unsigned int i = 0; i < count; i++) {
		if (list[i] == host)
			return true;
	}
	return false;
}

static int read_host(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const struct key number = {key->name, .min = 1, .max = 0xffffffff};
	struct hosts *hosts = to;
	__u32 host, *more;
	unsigned int at;
	int err = schema_number(r, node, &number, &host);

	if (err)
		return err;
	if (has_host(hosts->list, hosts->count, host))
		return schema_refuse(r, node->start_mark, "%s: %u is here twice", key->name, host);
	more = config_grow(hosts->list, hosts->count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	hosts->list = more;
	for (at = hosts->count++; at && more[at - 1] > host; at--)
		more[at] = more[at - 1];
	more[at] = host;
	return 0;
}

static int read_hosts(struct reader *r, const yaml_node_t *node, const struct key *key,
		      __u32 **list, unsigned int *count)
{
	struct hosts hosts = {0};
	int err = schema_list(r, node, key, &hosts, read_host);

	if (!err && !hosts.count)
		err = schema_refuse(r, node->start_mark, "%s: expected numbers of hosts",
				    key->name);
	if (err) {
		free(hosts.list);
		return err;
	}
	*list = hosts.list;
	*count = hosts.count;
	return 0;
}

static int read_all_hosts(struct reader *r, const yaml_node_t *node, const struct key *key,
			  void *to)
{
	struct config_coordinate *config = to;

	return read_hosts(r, node, key, &config->hosts, &config->host_count);
}

static int read_answer_hosts(struct reader *r, const yaml_node_t *node, const struct key *key,
			     void *to)
{
	struct config_answer *answer = to;

	return read_hosts(r, node, key, &answer->hosts, &answer->host_count);
}

/* --- Answers --------------------------------------------------------------------------- */

#define AT(field) offsetof(struct config_answer, field)

static const struct key answer_keys[] = {
	{"name", config_read_name, .at = AT(name)},
	{"query", config_read_name, .at = AT(query_name)},
	{"hosts", read_answer_hosts, .at = 0},
	{"aggregate", schema_choice, .at = AT(aggregate), .values = "sum avg"},
	{"precision", config_read_precision, .at = AT(precision)},
	{.name = NULL},
};

static int add_answer(struct config_coordinate *config, const struct config_answer *answer)
{
	struct config_answer *more =
		config_grow(config->answers, config->answer_count, sizeof(*more));

	if (!more)
		return -ENOMEM;
	config->answers = more;
	more[config->answer_count++] = *answer;
	return 0;
}

static int fill_answer(struct reader *r, const yaml_node_t *node,
		       const struct config_coordinate *config, struct config_answer *answer)
{
	int err = schema_keys(r, node, answer_keys, answer);

	if (err)
		return err;
	answer->line = node->start_mark.line + 1;
	answer->column = node->start_mark.column + 1;
	if (!answer->name)
		return schema_refuse(r, node->start_mark, "an answer needs a name");
	if (!answer->query_name)
		return schema_refuse(r, node->start_mark, "answer '%s' needs a query",
				     answer->name);
	for (unsigned int i = 0; i < config->answer_count; i++) {
		if (!strcmp(config->answers[i].name, answer->name))
			return schema_refuse(r, node->start_mark, "the answer '%s' is here twice",
					     answer->name);
	}
	return 0;
}

static int read_answer(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	struct config_coordinate *config = to;
	struct config_answer answer = {0};
	int err = fill_answer(r, node, config, &answer);

	(void)key;
	if (!err)
		err = add_answer(config, &answer);
	if (err)
		answer_free(&answer);
	return err;
}

static int read_answers(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	struct config_coordinate *config = to;
	int err = schema_list(r, node, key, to, read_answer);

	if (!err && !config->answer_count)
		err = schema_refuse(r, node->start_mark, "%s: expected at least one", key->name);
	return err;
}

/* --- The section ----------------------------------------------------------------------- */

static int read_listener(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	struct config_coordinate *config = to;
	int err;

	if (config->listen_count == CONFIG_LISTENERS)
		return schema_refuse(r, node->start_mark, "%s: expected at most %d", key->name,
				     CONFIG_LISTENERS);
	err = config_read_address(r, node, key, &config->listen[config->listen_count]);
	if (err)
		return err;
	for (unsigned int i = 0; i < config->listen_count; i++) {
		const struct url *a = &config->listen[i].url,
				 *b = &config->listen[config->listen_count].url;

		if (!strcmp(a->host, b->host) && !strcmp(a->port, b->port)) {
			config->listen_count++; /* so that it is freed */
			return schema_refuse(r, node->start_mark, "%s: '%s' is here twice",
					     key->name, schema_text(node));
		}
	}
	config->listen_count++;
	return 0;
}

static int read_listeners(struct reader *r, const yaml_node_t *node, const struct key *key,
			  void *to)
{
	struct config_coordinate *config = to;
	int err = schema_list(r, node, key, to, read_listener);

	if (!err && !config->listen_count)
		err = schema_refuse(r, node->start_mark, "%s: expected at least one", key->name);
	return err;
}

static int read_period(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	int err = schema_duration(r, node, key, to);

	if (!err && *(__u64 *)to % WEIR_NS_PER_SEC)
		err = schema_refuse(r, node->start_mark, "%s: expected whole seconds", key->name);
	return err;
}

static int read_socket(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	int err = config_read_path(r, node, key, to);

	if (!err && strlen(*(char **)to) >= CONFIG_SOCKET_BYTES)
		err = schema_refuse(r, node->start_mark, "%s: expected at most %d characters",
				    key->name, CONFIG_SOCKET_BYTES - 1);
	return err;
}

#undef AT
#define AT(field) offsetof(struct config_coordinate, field)

static const struct key coordinate_keys[] = {
	{"listen", read_listeners, .at = 0},
	{"name", config_read_name, .at = AT(name)},
	{"parent", config_read_report, .at = AT(parent)},
	{"ca", config_read_path, .at = AT(ca)},
	{"cert", config_read_path, .at = AT(cert)},
	{"key", config_read_path, .at = AT(key)},
	{"plain", schema_choice, .at = AT(plain), .values = "false true"},
	{"method", schema_choice, .at = AT(method), .values = "auto adaptive static"},
	{"period", read_period, .at = AT(period_ns), .min = WEIR_NS_PER_SEC, .max = HOUR_NS},
	{"shrink", config_read_ppm, .at = AT(shrink_ppm), .min = 1000, .max = 500000},
	{"hosts", read_all_hosts, .at = 0},
	{"forget", read_period, .at = AT(forget_ns), .min = 10 * WEIR_NS_PER_SEC,
	 .max = 720 * HOUR_NS},
	{"connections", schema_number, .at = AT(connections), .min = 1, .max = 1000000},
	{"log", config_read_path, .at = AT(log)},
	{"socket", read_socket, .at = AT(socket)},
	{"answers", read_answers, .at = 0},
	{.name = NULL},
};

int config_read_coordinate(struct reader *r, const yaml_node_t *node, const struct key *key,
			   void *to)
{
	struct config_coordinate *config = to;
	int err = schema_keys(r, node, coordinate_keys, config);

	(void)key;
	for (unsigned int i = 0; i < config->listen_count && !err; i++)
		err = config_check_address(r, &config->listen[i],
					   config->ca && config->cert && config->key,
					   config->plain);
	return err;
}

/* --- All of it together ---------------------------------------------------------------- */

static int refuse_answer(struct reader *r, const struct config_answer *answer, const char *what)
{
	const yaml_mark_t mark = {.line = answer->line - 1, .column = answer->column - 1};

	return schema_refuse(r, mark, "answer '%s': %s '%s'", answer->name, what,
			     answer->query_name);
}

static int check_hosts(struct reader *r, const struct config_coordinate *config,
		       const struct config_answer *answer)
{
	const yaml_mark_t mark = {.line = answer->line - 1, .column = answer->column - 1};

	for (unsigned int i = 0; i < answer->host_count && config->hosts; i++) {
		if (!has_host(config->hosts, config->host_count, answer->hosts[i]))
			return schema_refuse(r, mark, "answer '%s': host %u is none of hosts",
					     answer->name, answer->hosts[i]);
	}
	return 0;
}

static int find_query(struct reader *r, const struct config *config, struct config_answer *answer)
{
	for (unsigned int q = 0; q < config->query_count; q++) {
		const struct config_query *query = &config->queries[q];

		if (strcmp(query->name, answer->query_name))
			continue;
		if (query->measure == CONFIG_DISTINCT)
			return refuse_answer(r, answer,
					     "distinct counts of hosts cannot be added up:");
		answer->query = q;
		if (!answer->precision.given)
			answer->precision = query->precision;
		return 0;
	}
	return refuse_answer(r, answer, "there is no query");
}

/* One sum over all hosts for each query. */
static int add_default_answers(struct config *config)
{
	for (unsigned int q = 0; q < config->query_count; q++) {
		const struct config_query *query = &config->queries[q];
		struct config_answer answer = {
			.name = strdup(query->name),
			.query_name = strdup(query->name),
			.query = q,
			.precision = query->precision,
		};

		if (query->measure == CONFIG_DISTINCT || !answer.name || !answer.query_name ||
		    add_answer(&config->coordinate, &answer)) {
			answer_free(&answer);
			if (query->measure != CONFIG_DISTINCT)
				return -ENOMEM;
		}
	}
	return 0;
}

int config_finish_coordinate(const char *name, struct config *config, struct config_error *err)
{
	struct reader r = {.name = name, .err = err};
	struct config_coordinate *c = &config->coordinate;
	int code = 0;

	for (unsigned int q = 0; q < config->query_count; q++) {
		struct config_query *query = &config->queries[q];

		if (!query->precision.given && query->measure != CONFIG_DISTINCT)
			query->precision = default_precision;
	}
	if (!c->listen_count) {
		c->listen[0].text = strdup(CONFIG_COORDINATE_LISTEN);
		code = c->listen[0].text
			       ? url_parse_link(c->listen[0].text, &c->listen[0].url, NULL)
			       : -ENOMEM;
		c->listen_count = 1;
	}
	if (!c->socket) {
		c->socket = strdup(CONFIG_COORDINATE_SOCKET);
		code = c->socket ? code : -ENOMEM;
	}
	if (code)
		return code;
	if (!c->answer_count)
		return add_default_answers(config);
	for (unsigned int i = 0; i < c->answer_count && !code; i++) {
		code = find_query(&r, config, &c->answers[i]);
		code = code ? code : check_hosts(&r, c, &c->answers[i]);
	}
	return code;
}
