/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The standard streams of a process, from its first statement to its last. A failed write (the reader
 * has closed the pipe, the disk is full) is reported once, at the end. FILE remembers it (ferror()), so
 * code that prints need not check, unless it prints without end.
 */
#ifndef BASE_STREAMS_H
#define BASE_STREAMS_H

/* From now on a closed pipe is an error of the write and not a signal. A standard descriptor that was
 * closed when we were started fails when written to, and no file opened later gets its number. */
void streams_open(void);
/* The exit status: `status`, or 1 after a line if it is 0 and not all went to standard output. */
int streams_close(int status);

#endif
