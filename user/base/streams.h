/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The standard streams of a process, from its first statement to its last. What a reader has closed
 * or a disk has no room for is said once, at the end, whoever printed: FILE remembers (ferror()), so
 * that code which prints need not look, unless it prints without end.
 */
#ifndef BASE_STREAMS_H
#define BASE_STREAMS_H

/* A reader that goes away is an error of the write from now on, and ends nothing. A descriptor that
 * we were started without fails when it is written to; no file that is opened later gets its number. */
void streams_open(void);
/* The exit status: `status`, or 1 after a line if it is 0 and not all went to standard output. */
int streams_close(int status);

#endif
