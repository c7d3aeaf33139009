/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A coordinator of ten hosts and the query Q2 of the Stanford log: C = 0.2/s over 60 s, uniform
 * widths. 0.2/s in a window of 60 s are 12 packets, 12000 thousandths: 1200 for each host.
 */
#ifndef TESTS_COORDINATOR_BED_H
#define TESTS_COORDINATOR_BED_H

#include <stdint.h>

#include "interval/coordinator.h"

#define HOSTS 10
#define NS 1000000000ull
#define FIRST 1795305600ull /* the tick at which hosts come */

struct bed {
	struct coordinator *coordinator;
	uint64_t now_ns;
	uint32_t session[HOSTS + 1];
	uint32_t serial[HOSTS + 1];
	uint64_t width[HOSTS + 1]; /* granted */
	uint32_t grants, answers;
	struct coordinator_answer answer;
	struct coordinator_part part[HOSTS];
	struct why why;
};

extern struct bed bed;
extern const struct coordinator_ask bed_asks[1];
extern const struct coordinator_plan bed_plan;

int bed_set_up(void **state);
int bed_tear_down(void **state);
/* Puts the session into bed.session[host]. `ahead_ms`: of the host's clock. */
int bed_hello_of(uint32_t host, uint64_t instance, int64_t ahead_ms,
		 struct interval_welcome *welcome, uint32_t *replaced);
int bed_hello(uint32_t host);
struct interval_ask bed_ask_of(uint32_t number, const char *name);
int bed_ask(uint32_t host, const struct interval_ask *asked);
/* Hello and the query Q2, both taken. */
void bed_come(uint32_t host);
int bed_update(uint32_t host, uint64_t tick, int64_t value, uint64_t width);
int bed_tick(uint32_t host, uint64_t when, uint32_t serial);
/* In turns of 100 ms. */
void bed_wait_ms(uint64_t ms);
/* In all 32. */
int64_t bed_packets_of(uint32_t host);
/* All hosts come, and tell `ticks` ticks, each at its second. */
void bed_run(uint32_t ticks);

/* Each test has a coordinator of its own, to which nobody has come. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)

#endif
