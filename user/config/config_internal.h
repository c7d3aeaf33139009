/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sections of config.h, each in a file of its own, and what they have in common. */
#ifndef CONFIG_CONFIG_INTERNAL_H
#define CONFIG_CONFIG_INTERNAL_H

#include "config/config.h"

/* network.c: items of `inside` (struct query_range), `groups` (struct query_group), and
 * `interfaces` (char *). */
extern const struct key_list config_inside, config_groups, config_interfaces;

/* query.c: items of `queries`. */
extern const struct section config_query_section;
/* Says where in the file an error in a query's match is. */
int config_refuse_match(struct section_reader *r, const struct config_query *query,
			const struct query_error *err);

/* distinct.c: a struct config_distinct of a query, and that of all queries. */
extern const struct section config_query_distinct_section, config_distinct_section;
/* A measure, into a struct config_query. */
section_read_own config_read_measure;
/* Slabs of all queries' vectors. */
int config_size_vectors(struct section_reader *r, struct config *config);

/* coordinate.c: answers, once all queries are known. */
extern const struct section config_coordinate_section;
int config_finish_answers(struct section_reader *r, struct config *config);

#endif
