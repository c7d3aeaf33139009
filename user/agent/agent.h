/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `weir run` is. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdbool.h>

#include "view/output.h"

struct agent;

struct agent_options {
	const char *config_path;       /* NULL: as config_path() finds it */
	const char *const *interfaces; /* if there are any, instead of the config's */
	unsigned int interface_count;
	enum output output;
	bool quiet; /* nothing each second */
	bool flows; /* on standard output, and nothing else there */
};

/* Reads the configuration, and which interfaces are wanted. NULL after a line. */
struct agent *agent_open(const struct agent_options *options);
/* Measures until it is stopped. 0 or a negative errno after a line. */
int agent_run(struct agent *a);
/* Prints what agent_run() would come to. 0 or a negative errno after a line. */
int agent_check(struct agent *a);
void agent_close(struct agent *a);

#endif
