/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `weir coordinate` is: hosts report what their queries count, and it answers for all of them.
 *
 *     hosts ══ door ══ guests ──words──→ engine ──answers──→ latest ──→ log
 *                        ↑                 │    └──────────→ parent  ══ another coordinator
 *                        └────grants───────┘
 *
 *   coordinate   starts, joins all of this in one loop, reloads, stops
 *   door         listeners, open while there is room
 *   guests       the connections of hosts (guest.c: one of them), and owners: whose a host's number is
 *   refusals     who is refused, counted and said
 *   latest       answers, when to print them, the log
 *   parent       what goes to a coordinator above
 *   plan         the configuration as the engine (interval/coordinator.h) takes it
 *   picture      all of it at one moment, for view/answers_screen.h
 *   read_log     weir coordinate --read
 */
#ifndef COORDINATE_COORDINATE_H
#define COORDINATE_COORDINATE_H

#include <linux/types.h>
#include <stdbool.h>

#include "view/output.h"

struct coordinate_options {
	const char *config_path; /* NULL: as config_path() finds it */
	enum output output;
	bool quiet; /* nothing each second */
};
/* Until it is stopped. 0 or a negative errno after a line. */
int coordinate_run(const struct coordinate_options *options);

struct coordinate_at {
	__s64 second;
	bool of_start; /* seconds after the log's start, not Unix time */
};
/* Prints what a log holds: each second at which an interval changed, or the state `at` one. 0 or a
 * negative errno after a line. */
int coordinate_read(const char *path, const struct coordinate_at *at, bool json);

#endif
