// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unit/interval/coordinator_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct bed bed;

static const struct coordinator_query queries[] = {
	{"Q2", "packets", "in", 60},
	{"Q3", "packets", "in and tcp", 10},
};
static const uint32_t all[HOSTS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
const struct coordinator_ask bed_asks[1] = {{.name = "Q2", .query = 0, .precision = 200000}};
const struct coordinator_plan bed_plan = {
	.rules = {.method = INTERVAL_STATIC},
	.name = "coordinator",
	.queries = queries,
	.asks = bed_asks,
	.hosts = all,
	.query_count = 2,
	.ask_count = 1,
	.host_count = HOSTS,
};

static void take_grant(void *context, uint32_t session, const struct interval_grant *grant)
{
	for (int h = 1; h <= HOSTS; h++) {
		if (bed.session[h] != session)
			continue;
		assert_int_equal(grant->serial, bed.serial[h] + 1);
		assert_int_equal(grant->query, 0);
		assert_int_equal(grant->width % 2, 0);
		bed.serial[h] = grant->serial;
		bed.width[h] = grant->width;
	}
	bed.grants++;
}

static void take_answer(void *context, const struct coordinator_answer *answer)
{
	assert_true(answer->part_count <= HOSTS);
	bed.answer = *answer;
	memcpy(bed.part, answer->parts, answer->part_count * sizeof(bed.part[0]));
	bed.answers++;
}

int bed_set_up(void **state)
{
	const struct coordinator_sink sink = {&bed, take_grant, take_answer};

	memset(&bed, 0, sizeof(bed));
	bed.now_ns = FIRST * NS;
	bed.coordinator = coordinator_new(&bed_plan, &sink, bed.now_ns);
	return !bed.coordinator;
}

int bed_tear_down(void **state)
{
	coordinator_free(bed.coordinator);
	return 0;
}

int bed_hello_of(uint32_t host, uint64_t instance, int64_t ahead_ms,
		 struct interval_welcome *welcome, uint32_t *replaced)
{
	struct interval_hello hello = {
		.host = host,
		.instance = instance,
		.time_ms = bed.now_ns / 1000000 + ahead_ms,
	};
	uint32_t session = 0;
	int code;

	snprintf(hello.name, sizeof(hello.name), "h%u", host);
	code = coordinator_hello(bed.coordinator, &hello, bed.now_ns, welcome, &session, replaced,
				 &bed.why);
	if (!code) {
		bed.session[host] = session;
		bed.serial[host] = 0;
	}
	return code;
}

int bed_hello(uint32_t host)
{
	struct interval_welcome welcome;
	uint32_t replaced = 0;

	return bed_hello_of(host, host, 0, &welcome, &replaced);
}

struct interval_ask bed_ask_of(uint32_t number, const char *name)
{
	struct interval_ask ask = {.query = number, .window_ms = 60000, .measure = "packets"};

	snprintf(ask.name, sizeof(ask.name), "%s", name);
	snprintf(ask.match, sizeof(ask.match), "in");
	return ask;
}

int bed_ask(uint32_t host, const struct interval_ask *asked)
{
	return coordinator_query(bed.coordinator, bed.session[host], asked, bed.now_ns, &bed.why);
}

void bed_come(uint32_t host)
{
	struct interval_ask asked = bed_ask_of(0, "Q2");

	assert_int_equal(bed_hello(host), 0);
	assert_int_equal(bed_ask(host, &asked), 0);
}

int bed_update(uint32_t host, uint64_t tick, int64_t value, uint64_t width)
{
	const struct interval_update u = {.width = width,
					  .course = {.tick = tick, .centre = value}};

	return coordinator_update(bed.coordinator, bed.session[host], &u, bed.now_ns, &bed.why);
}

int bed_tick(uint32_t host, uint64_t when, uint32_t serial)
{
	const struct interval_tick t = {when, serial};

	return coordinator_tick(bed.coordinator, bed.session[host], &t, bed.now_ns, &bed.why);
}

void bed_wait_ms(uint64_t ms)
{
	for (; ms; ms -= ms < 100 ? ms : 100) {
		bed.now_ns += (ms < 100 ? ms : 100) * 1000000;
		coordinator_turn(bed.coordinator, bed.now_ns);
	}
}

int64_t bed_packets_of(uint32_t host)
{
	return host == 5 ? 5 : 3; /* in all 32 */
}

/* All hosts come, and tell `ticks` ticks, each at its second. */
void bed_run(uint32_t ticks)
{
	for (uint32_t h = 1; h <= HOSTS; h++)
		bed_come(h);
	for (uint64_t t = FIRST; t < FIRST + ticks; t++) {
		for (uint32_t h = 1; h <= HOSTS; h++) {
			if (t == FIRST)
				assert_int_equal(
					bed_update(h, t, bed_packets_of(h) * INTERVAL_ONE, 0), 0);
			assert_int_equal(bed_tick(h, t, bed.serial[h]), 0);
		}
		bed_wait_ms(1000);
	}
}
