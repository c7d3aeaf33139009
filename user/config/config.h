/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration: what the file says, and for what it leaves out, the defaults. The tables of
 * keys have both; each section's table is in the room whose struct it fills, or here:
 *
 *   config.c      the file as a whole, `count`, `flow`, `tunnels`, `vxlan_ports`
 *   network.c     `interfaces`, `inside`, `groups`
 *   query.c       `queries`
 *   distinct.c    `distinct`, and the size of each vector
 *   coordinate.c  `coordinate`
 *   schema.c      reads YAML by tables
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "config/coordinate.h"
#include "config/distinct.h"
#include "config/precision.h"
#include "export/options.h"
#include "meter/policy.h"
#include "query/compile.h"
#include "weir/flow.h"
#include "weir/meter.h"
#include "weir/query.h"

/* With `exact`, `match` is in the file as it is, on one line, and begins at `at`. */
struct config_query {
	char *name, *match;
	struct section_place at; /* of `match`; 0: a default query */
	bool exact;
	struct query_expr *expr;
	enum weir_measure measure;
	enum weir_distinct measure_of;  /* of WEIR_MEASURE_DISTINCT */
	struct config_distinct asked;   /* for distinct counts, and what came of it: */
	__u32 slabs[WEIR_DISTINCT_MAX]; /* of the vector on each CPU; 0: not asked for */
	__u32 window_s;                 /* 1..WEIR_WINDOW_MAX */
	struct config_precision precision;
};

struct config {
	char **interfaces; /* none: the caller takes that of the default route */
	unsigned int interface_count;
	struct query_scope scope; /* inside, groups */
	bool inside_given;        /* else the caller adds the interfaces' own networks */
	struct weir_timeouts timeouts;
	__u32 flow_size;    /* entries, over all CPUs */
	unsigned int inner; /* 1: what is in a tunnel counts */
	__u32 vxlan_ports[WEIR_VXLAN_PORTS];
	unsigned int vxlan_port_count;
	bool count_own; /* what weir itself sends and receives */
	struct attach_policy attach;
	enum count_mode count;
	struct config_distinct distinct; /* what queries do not say themselves */
	struct config_query *queries;
	unsigned int query_count;
	struct export_options exports[EXPORTS_MAX];
	unsigned int export_count;
	struct peer_options report;
	struct config_coordinate coordinate;
};

/* Of the file: the sections in it, and keys that have none. */
extern const struct section config_section;

/*
 * Return 0 and a configuration for config_free(), its queries known to compile with its own
 * `inside`. Otherwise a negative errno, the reason ("FILE:LINE:COLUMN: what"), and `out` as it was.
 *
 * config_load(): path NULL is config_default().
 * config_read(): the same from `size` bytes of text; `name` is the file's in refusals.
 */
int config_load(const char *path, struct config *out, struct why *why);
int config_read(const char *name, const char *text, size_t size, struct config *out,
		struct why *why);
/* The file that was asked for; else the usual one (WEIR_CONFIG_FILE) if it is there now; else NULL. */
const char *config_path(const char *asked);
int config_default(struct config *out, struct why *why);
void config_free(struct config *config);

/* query_compile() of the queries, the i-th in window i, without vectors. */
int config_compile(const struct config *config, struct weir_tables *out, struct query_error *err);
/* The rest of the tables: timeouts and tunnels. */
void config_set_traffic(const struct config *config, struct weir_tables *out);

#endif
