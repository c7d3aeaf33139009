/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The log of a day's intervals, in the format of the Stanford ten-host monitor:
 *
 *   Start: Nov 22, 2026 00:00:00
 *   End:   Nov 22, 2026 23:59:59
 *   Q2-5 0.083333 0.020000 5
 *   Q2-all 0.533333 0.200000 5
 *
 * name, centre, width (per second), seconds since Start. An interval holds until the next record of
 * its name. Each host's record is followed by the one of all: the sums of the last centres and
 * widths. A host that is missing has width inf, and so has the answer.
 */
#ifndef INTERVAL_LOG_H
#define INTERVAL_LOG_H

#include <stdio.h>

#include "base/why.h"
#include "interval/coordinator.h"

struct interval_log;

/*
 * Writes into `folder`: a file a day, YYYY-MM-DD.log (UTC), then YYYY-MM-DD.1.log ... when the
 * coordinator was started again that day. The header's end is brought up to date in place, records
 * are appended whole: after a crash the file is valid as it is. NULL and why.
 */
struct interval_log *interval_log_open(const char *folder, struct why *why);
/* Adds what has changed since the last answer of that name. -errno and why. */
int interval_log_answer(struct interval_log *log, const struct coordinator_answer *answer,
			struct why *why);
int interval_log_flush(struct interval_log *log, struct why *why);
void interval_log_close(struct interval_log *log);

/* --- Reading ------------------------------------------------------------------------------ */

/* An answer's state after all records of a second in which it changed. */
struct interval_log_state {
	const char *answer;   /* "Q2" */
	__s64 tick;           /* Unix second: start + timestamp */
	double centre, width; /* of -all; width inf: a host is missing */
	const struct interval_log_host {
		__u32 host;
		double centre, width;
	} * hosts;
	unsigned int host_count;
};

struct interval_log_summary {
	__s64 start, end; /* Unix seconds; 0: the header has none */
	__u64 records;
	bool torn; /* the last line was not whole, and left out */
};

/*
 * Reads a file. Leading lines that are no records are the header's. Each -all record is compared
 * with the sums (1e-6 per host). fn non-zero stops and is returned. -EBADMSG and why: "FILE:LINE:
 * what".
 */
int interval_log_read(const char *path, int (*fn)(void *, const struct interval_log_state *),
		      void *context, struct interval_log_summary *out, struct why *why);

#endif
