/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a query's vectors answer, for people and for programs.
 *
 *   12345 ± 43 (0.35 %)       ± one standard error
 *   3 ± 0.7                   of less than 10 keys a percentage would tell nothing
 *   >= 61234 saturated        the vector is too small to tell more
 *   ..., over 5 s             the query's window is shorter than what was asked for
 *   ..., over 12 of 60 s      the vector is younger than the window
 */
#ifndef VIEW_DISTINCT_H
#define VIEW_DISTINCT_H

#include <jansson.h>
#include <stdio.h>

#include "meter/meter.h"

struct distinct_answer {
	bool asked; /* the query has such a vector; else all is zero */
	struct countdown_estimate estimate;
	__u32 wanted_s;
	__u32 window_s;   /* of that, up to the query's own */
	double covered_s; /* of it, the part since the vector counts */
	__u64 bytes;      /* of all CPUs */
	__u64 cells;      /* after their merge */
};

struct distinct_answers {
	struct distinct_answer of[WEIR_DISTINCT_MAX];
};

static inline double distinct_seconds(__u64 ns)
{
	return (double)ns / WEIR_NS_PER_SEC;
}

/* Has query `query` a vector in the tables that run? */
bool distinct_has(const struct meter *m, __u32 query);
/* Slabs of all those vectors on each CPU, and how many vectors there are. */
__u32 distinct_slabs(const struct meter *m, unsigned int *vectors);

/* Of query `query`, whose label it is, over the `window_s` before now_ns, in the meter's clock. 0;
 * a negative errno, and `out` as it was. */
int distinct_read(const struct meter *m, __u32 query, const struct weir_label *label, __u64 now_ns,
		  __u32 window_s, struct distinct_answers *out);

/* The key that is the query's measure; WEIR_DISTINCT_MAX: it has another. */
unsigned int distinct_of(const struct weir_label *label);

struct distinct_text {
	char count[24]; /* "12345", ">= 61234" */
	char error[48]; /* "± 43 (0.35 %)", "± 0.7", "saturated" */
	char over[40];  /* "over 5 s", "over 12 of 60 s"; "": over all that was wanted */
};

/* In words. */
void distinct_text(const struct distinct_answer *answer, struct distinct_text *out);
/* Columns of a terminal that a text takes: ± is one, in two bytes. */
int distinct_columns(const char *text);

#define DISTINCT_MEASURE_BYTES 96

/* Of a query whose measure it is, "12345 src ± 43 (0.35 %)", blanks in front up to `columns`; "":
 * its measure is another. */
const char *distinct_measure(const struct weir_label *label, const struct distinct_answers *answers,
			     int columns, char out[DISTINCT_MEASURE_BYTES]);
/* A line, ended by `end`, for each answer but `skip`'s; counts end at `column`. */
void distinct_lines(const struct distinct_answers *answers, unsigned int skip, int column,
		    const char *end, FILE *out);
/* "; 12345 src ± 43 (0.35 %)" for each answer. */
void distinct_append(const struct distinct_answers *answers, FILE *out);

/* {window_s covered_s count error saturated}; error is null of what is saturated */
json_t *distinct_json(const struct distinct_answer *answer);
/* {src: {...}, ...} */
json_t *distinct_answers_json(const struct distinct_answers *answers);

#endif
