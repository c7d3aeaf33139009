/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows as JSON Lines on a descriptor: the sink of --flows.
 *
 *   flows ──→ whole lines ──→ buffer, bounded ──→ pipe ──→ a reader
 *                  └─ no room: dropped, and counted
 *
 * A reader may be slower than the traffic, or not read at all, and the loop must not wait for it:
 * output does not block, and what finds the buffer full is dropped as a whole line. Each flow is
 * counted in the end: ended = written + dropped. In replay nothing is lost by waiting, so it waits.
 *
 * A pipe takes up to PIPE_BUF bytes at once or none (pipe(7)), so that it is given whole lines up to
 * that and never holds half a line, whatever ends first. A descriptor is shared with whoever gave it
 * to us, and must go on blocking for them: so it is opened again, a socket is sent to without
 * waiting, and what can be neither is written to only while it is ready.
 */
#ifndef AGENT_FLOW_LINES_H
#define AGENT_FLOW_LINES_H

#include <stdio.h>

#include "flow/sink.h"

#define FLOW_LINES_BUFFER (1u << 20)

struct flow_lines {
	int fd;
	bool waits;
	bool socket, shared; /* a socket; something else that others see block */
	int broken;          /* errno of a write, after which nothing more is written; 0 */
	char *buffer;
	size_t start, end; /* what waits there */
	FILE *line;        /* one is made in */
	char *text;
	size_t size;
	__u64 ended, written, dropped; /* flows, lines */
};

/* Of descriptor `fd`, which stays the caller's. `waits`: for the reader. 0 or a negative errno. */
int flow_lines_open(struct flow_lines *l, int fd, bool waits);
struct flow_sink flow_lines_sink(struct flow_lines *l);
/* Writes what can be written now. */
void flow_lines_flush(struct flow_lines *l);
/* Is there something that could not be written yet? */
bool flow_lines_pending(const struct flow_lines *l);
/* Waits until the deadline (CLOCK_MONOTONIC) for a reader, drops the rest, and frees. Counts stay. */
void flow_lines_close(struct flow_lines *l, __u64 deadline_ns);

#endif
