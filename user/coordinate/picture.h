/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COORDINATE_PICTURE_H
#define COORDINATE_PICTURE_H

#include "config/coordinate.h"
#include "coordinate/latest.h"
#include "coordinate/door.h"
#include "coordinate/guests.h"
#include "coordinate/parent.h"
#include "view/answers_screen.h"

/* What it is taken of. */
struct picture_of {
	const struct config_coordinate *config;
	const struct coordinator *engine;
	const struct door *door;
	const struct guests *guests;
	const struct latest *latest;
	const struct parent *parent;
	const struct refusals *refusals;
	const struct notes *notes;
};

/* All of it at one moment, and what the snapshot points to. */
struct picture {
	struct coordinate_snapshot snapshot;
	struct uplink_status parent;
	const char *listener[CONFIG_LISTENERS];
	struct coordinate_count count[COORDINATOR_COUNT_MAX], refusal[REFUSAL_MAX];
	json_t **answer;
	struct coordinator_host *host;
	unsigned int host_room, host_count;
};

/* `hosts`: each of them, too. 0, for picture_free(), or -ENOMEM. */
int picture_take(struct picture *p, const struct picture_of *of, bool hosts);
void picture_free(struct picture *p);

#endif
