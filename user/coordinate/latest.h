/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last answers, when all of a second are out, and the log of them. */
#ifndef COORDINATE_LATEST_H
#define COORDINATE_LATEST_H

#include <jansson.h>

#include "coordinate/steady.h"
#include "interval/coordinator.h"
#include "interval/log.h"
#include "view/notes.h"

struct latest;

/* `count`: answers that the engine gives. NULL: no memory. */
struct latest *latest_new(struct steady *clock, struct notes *notes, unsigned int count);
/* Closes the log. NULL is none. */
void latest_free(struct latest *l);

/* Room for another plan's answers, for latest_expect(), which forgets those there were; or free().
 * NULL: no memory. */
struct latest_answer *latest_room(unsigned int count);
void latest_expect(struct latest *l, struct latest_answer *last, unsigned int count);

/* Takes the log, instead of the one before; NULL: none is kept. */
void latest_use_log(struct latest *l, struct interval_log *log);

/* From the engine. */
void latest_take(struct latest *l, const struct coordinator_answer *answer);

/* Before each wait. Whether it is time to print: all answers that come each second have come since
 * the last time, or a second and a half has passed. Then the log is flushed too. */
bool latest_settle(struct latest *l, __u64 now_ns);

unsigned int latest_count(const struct latest *l);
/* As JSON, in the engine's order; NULL: none was given yet. */
json_t *latest_json(const struct latest *l, unsigned int index);

#endif
