/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `weir run` is while it runs.
 *
 *   run.c      starts, waits for what happens, stops
 *   check.c    or only says what a start would come to
 *   ports.c    interfaces: which are wanted, those that come and go
 *   queries.c  the config's queries into the kernel, at the start and whenever they change
 *   screen.c   what is printed each second
 *   page.c     what of that fits on a terminal
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <net/if.h>
#include <stdio.h>
#include <time.h>

#include "config/config.h"
#include "agent/turns.h"
#include "view/notes.h"
#include "agent/report.h"
#include "view/output.h"
#include "meter/meter.h"
#include "query/prefix.h"

#define AGENT_PORTS 128
#define AGENT_NETWORKS 256

/* An interface that is wanted. */
struct agent_port {
	char name[IFNAMSIZ];
	__u32 ifindex; /* attached there; 0: not attached */
	__u32 refused; /* the ifindex that could not be attached: said once */
	bool ours;     /* this process attached it, it adopted none */
	struct weir_interface hooks;
};

/* The interfaces' own networks, in an order that makes them comparable. */
struct agent_networks {
	struct query_range range[AGENT_NETWORKS];
	unsigned int count;
};

struct agent_options {
	const char *config_path;       /* NULL: the built-in defaults */
	const char *const *interfaces; /* if there are any, instead of the config's */
	unsigned int interface_count;
	enum output output;
	bool quiet; /* nothing each second */
};

/* Reads the configuration, and which interfaces are wanted. NULL after a line. */
struct agent *agent_open(const struct agent_options *options);
/* Measures until it is stopped. 0 or a negative errno after a line. */
int agent_run(struct agent *a);
/* Prints what agent_run() would come to. 0 or a negative errno after a line. */
int agent_check(struct agent *a);
void agent_close(struct agent *a);

struct agent {
	struct agent_options options;
	struct meter meter;
	struct config config;

	struct agent_port port[AGENT_PORTS];
	unsigned int ports;

	struct agent_networks networks;        /* in `inside` now */
	__u8 window[WEIR_QUERIES];             /* of the i-th query of the config */
	struct weir_label label[WEIR_QUERIES]; /* by window, as in the kernel's map */
	unsigned int next_window;              /* where the search for a free one begins */

	time_t start_s;          /* CLOCK_MONOTONIC */
	struct weir_books books; /* a second ago */
	__u64 books_ns;          /* when; 0: never */
	struct exports exports;
	struct report report;

	/* As of the second that ended last; or why they cannot be read. */
	struct meter_series series;
	int series_code;

	/* Why screen.c cannot read or print something, as it has said; 0: it can. */
	int unread, unprinted, uncounted[WEIR_QUERIES];

	struct notes notes;
};

/* One line for people: on standard error until there is a screen, and at the bottom of it. */
void agent_say(struct agent *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ports.c */
/* Makes the list of wanted interfaces. -ENODEV after a line that says why there is none. */
int ports_want(struct agent *a);
/* -ENODEV after a line: none of the interfaces is there. */
int ports_check(const struct agent *a);
/* Which are waited for. */
void ports_say_absent(struct agent *a);
/*
 * Attaches what is wanted and there, forgets what has gone. At the `start` what is there must be
 * attachable; later one line says that it was not. Negative errno after a line.
 */
int ports_sync(struct agent *a, bool start);
/* Detaches interfaces that were adopted and are not wanted. */
void ports_trim(struct agent *a);
/* Detaches all; only those that this process attached. */
void ports_detach(struct agent *a, bool only_ours);
void ports_networks(const struct agent *a, struct agent_networks *out);

/* check.c. 0 or a negative errno after a line; `a` is good for nothing else afterwards. */
int check_run(struct agent *a);

/* queries.c */
/* Reads which query has which window, from what is adopted. */
int queries_adopt(struct agent *a);
/*
 * Puts `config` (its queries, inside, timeouts, tunnels) into the kernel. Queries that did not
 * change keep their windows and vectors. Negative errno after a line, and all goes on as it was.
 */
int queries_apply(struct agent *a, const struct config *config);
/* What distinct counts take; nothing if there are none. */
void queries_say_memory(struct agent *a);

/* screen.c */
int screen_open(struct agent *a);
void screen_close(struct agent *a);
/* Negative errno: nobody takes what is printed. What cannot be read is said, and no end. */
int screen_tick(struct agent *a);
/* What is printed last. */
int screen_totals(struct agent *a, const struct meter_balance *balance);

#endif
