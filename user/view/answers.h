/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Answers of a coordinator as JSON, and as rows of tables made from that, so that the coordinator's
 * own screen and `weir show answers` print the same. Numbers are per second, rounded outward to
 * six decimals: what is printed holds whatever the answer held.
 */
#ifndef VIEW_ANSWERS_H
#define VIEW_ANSWERS_H

#include <jansson.h>
#include <stdio.h>

#include "interval/coordinator.h"

/* {answer query aggregate unit window_s covered_s as_of as_of_ns low high width precision present missing:
 * [...] missing_count complete precise}. low ... precision are null where no host is there. covered_s: how much of the window
 * the host has counted that began last; null where one does not tell, or none is there. Of
 * those that are missing the first 64 are listed, answers_missing_json() each. */
json_t *answers_json(const struct coordinator_answer *answer);
/* {host name why since since_ns}; since: the last second known of it, 0: none. */
json_t *answers_missing_json(__u32 host, const char *name, __s64 since, const char *why);
/* {host name here skew_ms updates grants since since_ns}. */
json_t *answers_host_json(const struct coordinator_host *host);

/* Of a table, each line ended by `eol`. */
void answers_head(FILE *out, const char *eol);
void answers_row(const json_t *answer, FILE *out, const char *eol);
void answers_hosts_head(FILE *out, const char *eol);
void answers_hosts_row(const json_t *host, FILE *out, const char *eol);
/* A line for a pipe. */
void answers_line(const json_t *answer, FILE *out);

#endif
