/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What weir replay is asked for, by the options of verb_replay. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include <stdbool.h>

#include "cli/options.h"

struct replay_asked {
	const char *config;
	struct cli_list to;
	bool flows, json;
};

#endif
