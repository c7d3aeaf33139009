/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between config.c, which knows the defaults, and config_yaml.c, which reads the file. */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include "config/config.h"
#include "config/schema.h"

/* Which of the keys that replace defaults were there. */
struct config_given {
	bool inside, queries;
};

/* Overwrites in `config` what the text says. -EINVAL and `err` filled, -ENOMEM; `config` is then
 * partly filled, and the caller's to free. */
int config_yaml(const char *name, const char *text, size_t size, struct config *config,
		struct config_given *given, struct config_error *err);

/* Says where in the file an error in a query's match lies. */
void config_refuse_match(const char *name, const struct config_query *query,
			 const struct query_error *why, struct config_error *err);

/* The array, with room for one more than `count`; NULL, and the array as it was: no memory. */
void *config_grow(void *array, unsigned int count, size_t size);
int config_add_query(struct config *config, const struct config_query *query);
void config_query_free(struct config_query *query);

/* A query's measure, into the struct config_query; its `distinct`, a list of keys or a mapping; and
 * the section `distinct`, each into a struct config_distinct. */
key_reader config_read_measure, config_read_distinct, config_read_distinct_section;
/* Of one query: does `distinct` say what to count? */
int config_check_distinct(struct reader *r, const struct config_query *query);
/* Slabs of all queries' vectors. -EINVAL: more than there are. */
int config_size_vectors(struct reader *r, struct config *config);

/* Reads the list `export` into the struct config `to`. */
key_reader config_read_exports;

/* The sections `report` and `coordinate`, each into the struct of that name. */
key_reader config_read_report, config_read_coordinate;
/* A struct config_precision; __u32, millionths of a percentage (key->min, key->max, too); a struct
 * peer_address; char *, a path from / on. */
key_reader config_read_precision, config_read_ppm, config_read_address, config_read_path,
	config_read_name;
/* May it be listened at, or connected to? */
int config_check_address(struct reader *r, const struct peer_address *address, bool certified,
			 bool plain);
/* What `coordinate` leaves to defaults, and the queries of its answers. */
int config_finish_coordinate(const char *name, struct config *config, struct config_error *err);

/* Names that need no quoting in a match, in JSON and in a metric's label. NULL is none. */
bool config_is_name(const char *text);

#endif
