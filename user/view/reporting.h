/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The session with a coordinator, of an agent or of a coordinator that has a parent, for people and
 * for programs. */
#ifndef VIEW_REPORTING_H
#define VIEW_REPORTING_H

#include <jansson.h>
#include <stdio.h>

#include "peer/uplink.h"

/* "down", "up", "refused". */
const char *reporting_phase_text(const struct uplink_status *status);
/* "tls://...: up since ... as host 5 of 'name' (auto); 12 updates, ..." */
void reporting_text(const struct uplink_status *status, FILE *out, const char *end);
/* A line for each query that the coordinator refuses, behind `lead`. */
void reporting_refused(const struct uplink_status *status, const char *lead, FILE *out);
/* {to host state since since_ns coordinator method why refused_queries: [{query why}] sessions
 * updates ticks grants received sent as_of as_of_ns}; as_of: the second that was reported last. */
json_t *reporting_json(const struct uplink_status *status);
/* What reporting_json() made; false: it did not. */
bool reporting_read(const json_t *json, struct uplink_status *out);

#endif
