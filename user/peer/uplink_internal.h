/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An uplink from inside: uplink_open.c makes and compares it, uplink.c has its sessions. */
#ifndef PEER_UPLINK_INTERNAL_H
#define PEER_UPLINK_INTERNAL_H

#include "peer/uplink.h"
#include "peer/talk.h"

#define UPLINK_WORDS (3 * SOURCE_QUERIES + 1) /* updates, sinces, lacks, a tick */

enum uplink_stage {
	STAGE_WAIT,
	STAGE_OPEN,  /* name, connection, handshake */
	STAGE_HELLO, /* said; the welcome is to come */
	STAGE_UP,
};

struct uplink {
	struct peer_options options;
	__u64 instance;
	struct interval_ask ask[SOURCE_QUERIES]; /* with the width of the session before */
	__u32 count;
	void (*say)(void *context, const char *line);
	void *context;

	const struct socket_watch *sockets;
	struct loop *loop; /* NULL: who made it takes its turns */
	struct loop_watch watch;
	struct loop_timer timer;

	enum uplink_stage stage;
	struct secure_context *tls;
	struct talk talk;

	struct source source;
	__s32 shift_s;
	char lack[SOURCE_QUERIES][INTERVAL_TEXT_BYTES]; /* as told in this session */

	__s64 since[SOURCE_QUERIES]; /* the same, by the coordinator's clock */

	/* Why the session or the attempt ends, and who wanted that. */
	struct why why;
	bool refused;

	__u64 left_out; /* queries of this session that are refused, by number */
	char other[SOURCE_QUERIES][INTERVAL_TEXT_BYTES]; /* why, as people know it */
	struct why said;                                 /* the reason that people know */
	unsigned int tries;                              /* that failed in a row */
	unsigned int refusals;                           /* in a row */
	__u64 began_ns; /* the attempt; with STAGE_UP, the session */
	__u64 limit_ns; /* of the attempt */
	__u64 retry_ns; /* with STAGE_WAIT */
	__u64 now_ns;   /* of the last turn */

	struct uplink_status status; /* without the open link's bytes */

	struct interval_update update[SOURCE_QUERIES];
	struct interval_word word[UPLINK_WORDS];
};

void uplink_set_phase(struct uplink *u, enum uplink_phase phase);
/* In a session that is up. */
void uplink_say_goodbye(struct uplink *u);
/* Frees what a session has, and adds its bytes to the status. */
void uplink_close(struct uplink *u);
/* Has the loop wait for what the uplink waits for now. */
void uplink_follow(struct uplink *u);

#endif
