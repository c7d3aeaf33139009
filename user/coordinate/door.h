/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The door: the listeners at which hosts come, open while there is room for guests. */
#ifndef COORDINATE_DOOR_H
#define COORDINATE_DOOR_H

#include "config/coordinate.h"
#include "coordinate/guests.h"

struct door;

/* What is opened stays open until the door is closed. 0 or a negative errno after a line; -ENOMEM
 * without one. *out is for door_close() in any case. */
int door_open(const struct guests_setting *with, struct guests *guests,
	      const struct config_coordinate *config, struct door **out);
/* NULL is none. Guests stay. */
void door_close(struct door *d);

/* What listeners show and ask for over TLS, from another configuration: NULL if none of the door's
 * listens over TLS. A negative errno after a line. */
int door_try_tls(const struct door *d, const struct config_coordinate *config,
		 struct secure_context **out);
/* Takes it for connections to come; NULL changes nothing. */
void door_use_tls(struct door *d, struct secure_context *tls);

/* Each quarter of a second, and before each wait: is there room again? */
void door_sweep(struct door *d, __u64 now_ns);
void door_settle(struct door *d);

unsigned int door_count(const struct door *d);
/* "tls://0.0.0.0:4740" */
const char *door_address(const struct door *d, unsigned int listener);

#endif
