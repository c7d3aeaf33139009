/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How it is with an exporter, for people and for programs. */
#ifndef VIEW_EXPORTING_H
#define VIEW_EXPORTING_H

#include <jansson.h>
#include <stdio.h>

#include "view/snapshot.h"

/* "ipfix+udp://...: up, sent 12 flows in 1 messages, queued 0, dropped 0", or why it is not known. */
void exporting_text(const struct snapshot_exporter *exporter, FILE *out, const char *end);
/*
 * {to state since since_ns sent: {messages bytes} exported queued dropped not_exportable:
 * {flow_count packets bytes} each, resent errors last_error last_error_time last_error_time_ns}. Of
 * one that is unreadable `state` says so, `last_error` why, and the others are null.
 */
json_t *exporting_json(const struct snapshot_exporter *exporter);
/* What exporting_json() made; false: it did not. */
bool exporting_read(const json_t *json, struct snapshot_exporter *out);

#endif
