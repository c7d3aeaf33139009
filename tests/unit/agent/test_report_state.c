/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the uplink is, from one process to another by way of a file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/report.h"

static char folder[64], path[96];

static int set_scene(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/weir-test-report-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/coordinator", folder);
	return 0;
}

static int clear_scene(void **state)
{
	unlink(path);
	return rmdir(folder);
}

static struct uplink_status status_of(enum uplink_phase phase)
{
	struct uplink_status status = {
		.phase = phase,
		.since_ns = 1763769600ull * WEIR_NS_PER_SEC,
		.method = INTERVAL_ADAPTIVE,
		.host = 5,
		.sessions = 2,
		.updates = 30,
		.ticks = 400,
		.grants = 7,
		.sent_bytes = 12345,
		.read_bytes = 678,
		.tick = 1763769999,
	};

	snprintf(status.address, sizeof(status.address), "tls://coord:4740");
	snprintf(status.name, sizeof(status.name), "coord");
	snprintf(status.why, sizeof(status.why), phase == UPLINK_UP ? "" : "Connection refused");
	return status;
}

static void what_one_process_writes_another_reads(void **state)
{
	struct report_state *file = report_state_open(path);
	struct uplink_status wrote, read;

	assert_non_null(file);
	assert_int_equal(report_state_read(path, &read), -EBADMSG); /* nothing stands in it yet */
	for (int i = 0; i < 3; i++) {
		wrote = status_of(UPLINK_UP);
		wrote.ticks += i;
		report_state_write(file, &wrote);
		assert_int_equal(report_state_read(path, &read), 0);
		assert_memory_equal(&read, &wrote, sizeof(read));
	}
	/* As after SIGKILL, and a new agent. */
	report_state_close(file);
	assert_int_equal(report_state_read(path, &read), 0);
	assert_memory_equal(&read, &wrote, sizeof(read));
	file = report_state_open(path);
	assert_non_null(file);
	assert_int_equal(report_state_read(path, &read), -EBADMSG);
	report_state_close(file);
}

static void what_is_not_such_a_file_is_not_believed(void **state)
{
	struct report_state *file;
	struct uplink_status read, wild = status_of(UPLINK_UP);
	FILE *other;

	assert_int_equal(report_state_read(path, &read), -ENOENT);
	other = fopen(path, "we");
	fputs("something else", other);
	fclose(other);
	assert_int_equal(report_state_read(path, &read), -EBADMSG);
	file = report_state_open(path);
	wild.phase = wild.method = 77;
	memset(wild.why, 'x', sizeof(wild.why));
	report_state_write(file, &wild);
	report_state_close(file);
	assert_int_equal(report_state_read(path, &read), 0);
	assert_int_equal(read.phase, UPLINK_DOWN);
	assert_true(read.method < INTERVAL_METHODS);
	assert_int_equal(strlen(read.why), sizeof(read.why) - 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(what_one_process_writes_another_reads),
		TEST(what_is_not_such_a_file_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
