/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration: what the file says, and for what it leaves out, the defaults.
 *
 *   interfaces  none: the caller takes that of the default route
 *   inside      RFC 1918, ULA; the caller adds the interfaces' own networks unless inside_given
 *   queries     the five of the Stanford monitor
 *   export      nowhere
 *   report      nowhere
 *   coordinate  on loopback, for whoever comes; the sum of each query
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "config/coordinate.h"
#include "config/distinct.h"
#include "export/options.h"
#include "query/compile.h"
#include "weir/flow.h"

enum config_ingress {
	CONFIG_INGRESS_AUTO,
	CONFIG_INGRESS_NATIVE,
	CONFIG_INGRESS_GENERIC,
	CONFIG_INGRESS_TC,
};

enum config_egress {
	CONFIG_EGRESS_AUTO,
	CONFIG_EGRESS_TCX,
	CONFIG_EGRESS_CLSACT,
};

enum config_tunnels {
	CONFIG_TUNNELS_OUTER,
	CONFIG_TUNNELS_INNER,
};

enum config_measure {
	CONFIG_PACKETS,
	CONFIG_BYTES,
	CONFIG_DISTINCT,
};

/* line, column: 1-based, where the text of `match` begins; 0 for the default queries. With `exact`
 * it stands in the file as it is, on one line, so that its columns can be counted from there. */
struct config_query {
	char *name, *match;
	struct query_expr *expr;
	enum config_measure measure;
	enum weir_distinct measure_of;  /* of CONFIG_DISTINCT */
	struct config_distinct asked;   /* for distinct counts, and what came of it: */
	__u32 slabs[WEIR_DISTINCT_MAX]; /* of the vector on each CPU; 0: not asked for */
	__u32 window_s;                 /* 1..WEIR_WINDOW_MAX */
	struct config_precision precision;
	unsigned int precision_line, precision_column;
	unsigned int line, column;
	bool exact;
};

struct config {
	char **interfaces;
	unsigned int interface_count;
	struct query_scope scope; /* inside, groups */
	bool inside_given;
	struct weir_timeouts timeouts;
	__u32 flow_size; /* entries, over all CPUs */
	enum config_tunnels tunnels;
	enum config_ingress ingress;
	enum config_egress egress;
	struct config_distinct distinct; /* what queries do not say themselves */
	struct config_query *queries;
	unsigned int query_count;
	struct export_options exports[EXPORTS_MAX];
	unsigned int export_count;
	struct peer_options report;
	struct config_coordinate coordinate;
};

/* One line, "FILE:LINE:COLUMN: what". */
struct config_error {
	char text[1024];
};

/*
 * Return 0 and a configuration for config_free(), its queries known to compile with its own
 * `inside`. Otherwise a negative errno, `err` filled and `out` as it was.
 *
 * config_load(): path NULL is config_default().
 * config_read(): the same from `size` bytes of text; `name` stands for the file's in errors.
 */
int config_load(const char *path, struct config *out, struct config_error *err);
int config_read(const char *name, const char *text, size_t size, struct config *out,
		struct config_error *err);
int config_default(struct config *out, struct config_error *err);
void config_free(struct config *config);

/* Adds one of the interfaces' own networks (prefix_of_addr()) to `inside`. -ENOMEM. */
int config_add_inside(struct config *config, const struct query_range *prefix);

/* query_compile() of the queries, the i-th in window i, without vectors. Leaves timeouts and inner
 * to the caller. */
int config_compile(const struct config *config, struct weir_tables *out, struct query_error *err);

#endif
