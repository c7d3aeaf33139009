/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A queue for tests, in a file in a folder of its own. */
#ifndef UNIT_QUEUES_H
#define UNIT_QUEUES_H

#include "unit/export/collector.h"
#include "export/queue.h"

#define QUEUES_TO "ipfix+udp://192.0.2.1"
#define QUEUES_CAPACITY 1024

extern char queues_path[80];

int queues_make_folder(void **state);
int queues_remove_folder(void **state);
struct queue *queues_open(const struct queue_mark *recovered);
/* Flows of [from, to). */
void queues_stage(struct queue *q, uint64_t from, uint64_t to);

#endif
