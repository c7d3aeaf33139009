/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the configuration's queries count in the kernel, at the start and whenever they change. */
#ifndef AGENT_QUERIES_H
#define AGENT_QUERIES_H

#include "agent/ports.h"
#include "config/config.h"

struct queries {
	struct meter *meter;
	struct notes *notes;

	struct port_networks networks;         /* in `inside` now */
	__u8 window[WEIR_QUERIES];             /* of the i-th query of the config */
	struct weir_label label[WEIR_QUERIES]; /* by window, as in the kernel's map */
	unsigned int next_window;              /* where the search for a free one begins */
};

/* Reads which query has which window, from what is adopted. */
int queries_adopt(struct queries *q);
/*
 * Puts `config` (its queries, inside, timeouts, tunnels) into the kernel; `networks`: of the
 * interfaces. Queries that did not change keep their windows and vectors; all start again where
 * queries_meaning() was another one, also before an agent that was killed. Negative errno after a
 * line, and all goes on as it was.
 */
int queries_apply(struct queries *q, const struct config *config,
		  const struct port_networks *networks);
/* A digest of what words like `inside` and `group NAME` stand for, and of which packets count. */
__u64 queries_meaning(const struct config *config);
/* The same words, interfaces or clock stand for something else from now on: rates and distinct
 * counts are over what is counted since. Negative errno after a line. */
int queries_restart(struct queries *q);
/* What distinct counts take; nothing if there are none. */
void queries_say_memory(struct queries *q);

#endif
