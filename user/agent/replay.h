/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Captures through the kernel programs: what `weir replay` is. */
#ifndef AGENT_REPLAY_H
#define AGENT_REPLAY_H

#include <stdbool.h>

struct replay;

struct replay_options {
	const char *config_path; /* NULL: the built-in defaults */
	bool flows;              /* as JSON Lines, instead of the totals */
	bool json;               /* the totals */
};

/* NULL after a line. */
struct replay *replay_open(const struct replay_options *options);
/* Flows go to this address too; options for it are taken from the configuration. Negative errno
 * after a line. */
int replay_export(struct replay *r, const char *to);
/* Once. 0 or a negative errno after a line. */
int replay_run(struct replay *r, char *const *captures, unsigned int count);
void replay_close(struct replay *r);

#endif
