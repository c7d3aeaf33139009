/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* In which shape a verb that runs until it is stopped prints each second. */
#ifndef VIEW_OUTPUT_H
#define VIEW_OUTPUT_H

enum output {
	OUTPUT_SCREEN, /* a table on a terminal, drawn again each second */
	OUTPUT_LINES,
	OUTPUT_JSON,
};

#endif
