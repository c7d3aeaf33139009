/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What fits on a terminal of a page that is longer. Of its parts
 *
 *   head      interfaces
 *   queries   lines in the hundreds, with distinct counts
 *   totals    seen, flows, exporters, losses
 *   notes     what was said lately
 *
 * each has a few rows in any case; of the other rows the totals are served first, then the notes,
 * the head, the queries. Where lines are left out it says how many: the last ones of a part, but
 * the oldest of the notes.
 */
#ifndef VIEW_PAGE_H
#define VIEW_PAGE_H

#include <stdio.h>

#define PAGE_EOL "\033[K\n" /* of each line: clears what was behind it */

enum page_part {
	PAGE_HEAD,
	PAGE_QUERIES,
	PAGE_TOTALS,
	PAGE_NOTES,
	PAGE_PARTS,
};

/* At most `rows` lines; the last of that many is not ended, for the terminal would scroll. 0 or
 * -ENOMEM. */
int page_print(char *const text[PAGE_PARTS], unsigned int rows, FILE *out);

/* Clears the terminal and hides the cursor; shows it again below. */
void page_open(void);
void page_close(void);
/* Has draw() write the parts, and prints what fits over the page before. 0 or -ENOMEM. */
int page_redraw(void (*draw)(const void *context, FILE *part[PAGE_PARTS]), const void *context);

#endif
