/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a coordinator is: whom it takes, what it answers, and to which parent it reports. */
#ifndef CONFIG_COORDINATE_H
#define CONFIG_COORDINATE_H

#include "config/precision.h"
#include "interval/coordinator.h"
#include "peer/options.h"

#define CONFIG_LISTENERS 8
#define CONFIG_COORDINATE_SOCKET "/run/weir/coordinate.sock"
#define CONFIG_SOCKET_BYTES 108 /* sockaddr_un.sun_path */

struct config_answer {
	char *name, *query_name;
	unsigned int query; /* index in config.queries */
	__u32 *hosts;       /* rising; NULL: all */
	unsigned int host_count;
	enum coordinator_aggregate aggregate;
	struct config_precision precision;
	struct section_place at;
};

struct config_coordinate {
	struct peer_address listen[CONFIG_LISTENERS];
	unsigned int listen_count;
	char *ca, *cert, *key;
	bool plain;
	enum interval_method method;
	__u32 period_s;   /* adaptive: widths shrink this often, */
	__u32 shrink_ppm; /* by this much */
	__u32 *hosts;     /* rising; NULL: any */
	unsigned int host_count;
	__u32 forget_s;
	__u32 connections;
	char *name; /* NULL: the machine's */
	struct peer_options parent;
	char *log;    /* folder; NULL: none */
	char *socket; /* path */
	struct config_answer *answers;
	unsigned int answer_count;
};

#endif
