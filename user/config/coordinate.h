/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the configuration says of coordinators:
 *
 *   report       whom this host reports to, `weir run`
 *   coordinate   whom this coordinator takes, what it answers, and to which parent it reports,
 *                `weir coordinate`
 *   precision    of a query: how far its answer may be from the truth
 */
#ifndef CONFIG_COORDINATE_H
#define CONFIG_COORDINATE_H

#include <linux/types.h>
#include <stdbool.h>

#include "peer/options.h"

#define CONFIG_LISTENERS 8
#define CONFIG_COORDINATE_SOCKET "/run/weir/coordinate.sock"
#define CONFIG_COORDINATE_LISTEN "tcp://127.0.0.1:4740"
#define CONFIG_SOCKET_BYTES 108 /* sockaddr_un.sun_path */

/* Upper less lower end of the answer at most. */
struct config_precision {
	bool given;
	bool relative;    /* to the answer's lower end */
	__u64 millionths; /* per second of the query's unit, or of the lower end */
};

enum config_aggregate {
	CONFIG_SUM,
	CONFIG_AVG,
};

enum config_method { /* in the order of enum interval_method */
	CONFIG_METHOD_AUTO,
	CONFIG_METHOD_ADAPTIVE,
	CONFIG_METHOD_STATIC,
};

struct config_answer {
	char *name, *query_name;
	unsigned int query; /* index in config.queries */
	__u32 *hosts;       /* rising; NULL: all */
	unsigned int host_count;
	unsigned int aggregate; /* enum config_aggregate */
	struct config_precision precision;
	unsigned int line, column;
};

struct config_coordinate {
	struct peer_address listen[CONFIG_LISTENERS];
	unsigned int listen_count;
	char *ca, *cert, *key;
	unsigned int plain;  /* 0 or 1 */
	unsigned int method; /* enum config_method */
	__u64 period_ns;     /* adaptive: widths shrink so often, */
	__u32 shrink_ppm;    /* by so much */
	__u32 *hosts;        /* rising; NULL: whoever comes */
	unsigned int host_count;
	__u64 forget_ns;
	__u32 connections;
	char *name; /* NULL: the machine's */
	struct peer_options parent;
	char *log;    /* folder; NULL: none */
	char *socket; /* path */
	struct config_answer *answers;
	unsigned int answer_count;
};

void config_coordinate_free(struct config_coordinate *config);

/* "5", "0.25", "5%", up to six decimals (of a percentage four). -EINVAL. */
int config_precision_parse(const char *text, struct config_precision *out);

#endif
