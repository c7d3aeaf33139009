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

#define ANSWERS_TIME_BYTES 32

/* "2026-11-22T01:58:29Z". */
const char *answers_time(__s64 unix_s, char out[ANSWERS_TIME_BYTES]);

/* {name query aggregate unit window_s as_of as_of_time low high width precision present missing:
 * [{host name since why}] complete precise}. low ... precision are null where no host is there. */
json_t *answers_json(const struct coordinator_answer *answer);
/* {host name here since skew_ms updates grants}. */
json_t *answers_host_json(const struct coordinator_host *host);

/* Of a table, each line ended by `eol`. */
void answers_head(FILE *out, const char *eol);
void answers_row(const json_t *answer, FILE *out, const char *eol);
void answers_hosts_head(FILE *out, const char *eol);
void answers_hosts_row(const json_t *host, FILE *out, const char *eol);
/* A line for a pipe. */
void answers_line(const json_t *answer, FILE *out);

#endif
