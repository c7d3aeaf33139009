/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What verbs share that run until they are stopped: options and output. */
#ifndef CLI_STANDING_H
#define CLI_STANDING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/version.h"
#include "cli/options.h"
#include "view/output.h"

/* A screen is for a terminal, and not when nothing is to be printed. */
enum output standing_output(bool json, bool quiet);

/* Options that they have alike, for a table of `type`, which has them as `config` and `quiet`. */
#define STANDING_CONFIG(type)                                                                      \
	{                                                                                          \
		.letter = 'c', .name = "config", .argument = "FILE", .kind = CLI_TEXT,             \
		.at = offsetof(type, config),                                                      \
		.help = "configuration (" WEIR_CONFIG_FILE " if it is there)"                      \
	}
#define STANDING_QUIET(type)                                                                       \
	{                                                                                          \
		.letter = 'q', .name = "quiet", .kind = CLI_FLAG, .at = offsetof(type, quiet),     \
		.help = "print nothing each second, only the totals at the end"                    \
	}

#endif
