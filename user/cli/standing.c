// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/standing.h"

#include <unistd.h>

enum output standing_output(bool json, bool quiet)
{
	if (json)
		return OUTPUT_JSON;
	return isatty(STDOUT_FILENO) && !quiet ? OUTPUT_SCREEN : OUTPUT_LINES;
}
