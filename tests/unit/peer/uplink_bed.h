/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An uplink and a coordinator made up here, over TCP on loopback. Both ends are turned by hand; the
 * uplink's clock stands still until a test moves it, so that waits cost no time.
 */
#ifndef TESTS_UNIT_PEER_UPLINK_BED_H
#define TESTS_UNIT_PEER_UPLINK_BED_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "interval/words.h"
#include "peer/uplink.h"

#define SEC 1000000000ull
#define PATIENCE 2000 /* rounds of 10 ms before a test gives up */
#define ASKS 2
#define SECOND 1763769600ll
#define HEARD 256

extern struct peer_scene {
	struct peer_options config;
	struct interval_ask ask[ASKS];
	struct uplink *uplink;
	__u64 now_ns;

	int listener, fd; /* the coordinator's; -1 */
	struct interval_reader *reader;
	struct interval_writer writer;
	__u8 in[1 << 17];
	size_t in_bytes;
	struct interval_word heard[HEARD];
	unsigned int words, messages; /* of this session */
	bool over;                    /* the uplink has hung up */

	unsigned int lines;
	char line[512]; /* the last for people */
} scene;

void peer_listen_at(__u16 port);
void peer_hang_up(void);
void peer_stop_listening(void);
void peer_welcome(enum interval_method method, __s32 shift_s);
void peer_refuse(const char *why);
/* What is asked under query 0's name there; "": nothing is. */
void peer_refuse_query(__u32 query, const char *measure, __u32 window_ms, const char *match);
void peer_grant(__u32 query, __u32 serial, __s64 tick, __u64 width);
/* The coordinator takes what has come. */
void peer_turn_coordinator(void);
/* What is under way goes on, up to 10 ms. */
void peer_turn(void);
void peer_come_up(enum interval_method method, __s32 shift_s);
struct interval_word *peer_last_heard(void);
/* Values of ASKS queries, at a second of Unix time; moves the clock on. */
__s64 peer_tell(__s64 second, __s64 a, __s64 b);
/* The words of one tick have come. */
bool peer_has_ticked(__s64 tick);
void peer_make_uplink(void);
int peer_set_scene(void **state);
int peer_clear_scene(void **state);
/* How long the uplink waits, in ms of its clock; then it is there. */
__u64 peer_wait_over(void);
bool peer_has_phase(enum uplink_phase phase);
/* An attempt that fails is over. */
void peer_fail_once(void);

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		for (int i_ = 0; !(condition); i_++) {                                             \
			if (i_ == PATIENCE)                                                        \
				fail_msg("never: %s", #condition);                                 \
			peer_turn();                                                               \
		}                                                                                  \
	} while (0)

#endif
