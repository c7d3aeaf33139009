// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/export/queues.h"

/* Advances by `count` records, as if they had been sent; they are the expected ones. */
static void take(struct queue *q, uint64_t count)
{
	struct queue_progress progress = *queue_progress(q);

	for (; count; count--) {
		const struct flow_ended *flow = queue_at(q, queue_head(&progress.total));

		assert_int_equal(flow->packets, queue_head(&progress.total) + 1);
		progress.total.sent.records++;
		progress.total.sent.packets += flow->packets;
		progress.total.sent.bytes += flow->bytes;
	}
	queue_advance(q, &progress);
}

static void what_is_staged_is_seen_when_it_is_published(void **state)
{
	struct queue *q = queues_open(NULL);

	queues_stage(q, 0, 10);
	assert_int_equal(queue_tail(q), 0);
	queue_publish(q);
	assert_int_equal(queue_tail(q), 10);
	take(q, 10);
	queue_close(q);
}

static void what_does_not_fit_is_counted_and_the_first_stay(void **state)
{
	struct queue *q = queues_open(NULL);
	struct queue_mark mark;

	queues_stage(q, 0, QUEUES_CAPACITY + 5);
	queue_mark(q, &mark);
	assert_int_equal(mark.taken.records, QUEUES_CAPACITY);
	assert_int_equal(mark.dropped.records, 5);
	assert_int_equal(mark.dropped.packets, 5 * QUEUES_CAPACITY + 1 + 2 + 3 + 4 + 5);
	assert_int_equal(mark.dropped.bytes, 100 * mark.dropped.packets);
	queue_publish(q);
	take(q, 3);
	assert_int_equal(queue_space(q), 3);
	queues_stage(q, QUEUES_CAPACITY, QUEUES_CAPACITY + 4);
	queue_mark(q, &mark);
	assert_int_equal(mark.taken.records, QUEUES_CAPACITY + 3);
	assert_int_equal(mark.dropped.records, 6);
	queue_publish(q);
	take(q, QUEUES_CAPACITY);
	queue_close(q);
}

static void a_ring_goes_round_many_times(void **state)
{
	struct queue *q = queues_open(NULL);
	uint64_t id = 0;

	for (int round = 0; round < 100; round++) {
		uint64_t count = 1 + round * 37 % QUEUES_CAPACITY;

		queues_stage(q, id, id + count);
		queue_publish(q);
		take(q, count);
		id += count;
	}
	queue_close(q);
}

/* The three moments that a harvester can be killed at. */
static void a_crash_neither_repeats_nor_forgets(void **state)
{
	struct queue *q = queues_open(NULL);
	struct queue_mark committed, uncommitted;

	/* Before it commits: the next process has the old mark, and stages the same again. */
	queues_stage(q, 0, 10);
	queue_mark(q, &committed);
	queue_publish(q);
	queues_stage(q, 500, 510);
	queue_mark(q, &uncommitted);
	queue_close(q);
	q = queues_open(&committed);
	assert_int_equal(queue_tail(q), 10);
	queues_stage(q, 10, 20);

	/* After, and before it publishes: the mark decides. */
	queue_mark(q, &committed);
	queue_close(q);
	q = queues_open(&committed);
	assert_int_equal(queue_tail(q), 20);
	take(q, 20);

	/* After it published. */
	queues_stage(q, 20, 30);
	queue_mark(q, &committed);
	queue_publish(q);
	queue_close(q);
	q = queues_open(&committed);
	assert_int_equal(queue_tail(q), 30);
	take(q, 10);
	queue_close(q);
}

static void marks_of_another_file_are_none(void **state)
{
	struct queue *q = queues_open(NULL);
	struct queue_mark mark;

	queues_stage(q, 0, 10);
	queue_mark(q, &mark);
	queue_publish(q);
	queue_close(q);
	unlink(queues_path);
	q = queues_open(&mark);
	assert_int_equal(queue_tail(q), 0);
	queue_close(q);
}

static void a_rewind_is_refused_once_the_records_are_gone(void **state)
{
	struct queue *q = queues_open(NULL);
	struct queue_totals early, late;

	queues_stage(q, 0, QUEUES_CAPACITY);
	queue_publish(q);
	take(q, 100);
	early = queue_progress(q)->total;
	take(q, 800);
	late = queue_progress(q)->total;
	take(q, 100);
	/* The writer takes the room of records up to beyond the 100th. */
	queues_stage(q, QUEUES_CAPACITY, QUEUES_CAPACITY + 101);
	assert_false(queue_rewind(q, &early));
	assert_true(queue_rewind(q, &late));
	assert_int_equal(queue_progress(q)->resent, 100);
	queue_publish(q);
	take(q, QUEUES_CAPACITY + 101 - 900);
	queue_close(q);
}

static void records_on_hold_keep_their_room(void **state)
{
	struct queue *q = queues_open(NULL);
	struct queue_totals first = queue_progress(q)->total;

	queue_hold(q, true);
	queues_stage(q, 0, QUEUES_CAPACITY);
	queue_publish(q);
	take(q, QUEUES_CAPACITY);
	assert_int_equal(queue_space(q), 0);
	assert_true(queue_rewind(q, &first));
	take(q, QUEUES_CAPACITY);
	queue_release(q, 10);
	assert_int_equal(queue_space(q), 10);
	queue_close(q);
}

static void a_file_of_another_size_is_moved(void **state)
{
	struct why why = {};
	struct queue *q = queues_open(NULL);
	struct queue_mark mark;

	queues_stage(q, 0, QUEUES_CAPACITY);
	queue_publish(q);
	take(q, 1000);
	queues_stage(q, QUEUES_CAPACITY, QUEUES_CAPACITY + 500);
	queue_mark(q, &mark);
	queue_close(q);
	assert_int_equal(queue_open(queues_path, QUEUES_TO, 8 * QUEUES_CAPACITY, &mark, &q, &why),
			 0);
	assert_int_equal(queue_tail(q), QUEUES_CAPACITY + 500);
	assert_int_equal(queue_space(q), 8 * QUEUES_CAPACITY - 524);
	take(q, 24);
	queue_close(q);
	/* Back, with all 500 still in it. */
	q = queues_open(&mark);
	assert_int_equal(queue_space(q), QUEUES_CAPACITY - 500);
	take(q, 500);
	queue_close(q);
}

static void a_queue_has_one_process(void **state)
{
	struct why why = {};
	struct queue *q = queues_open(NULL), *second;

	assert_int_equal(queue_open(queues_path, QUEUES_TO, QUEUES_CAPACITY, NULL, &second, &why),
			 -EBUSY);
	assert_non_null(strstr(why.text, "another process has it"));
	queue_close(q);
}

static void overwrite(off_t at, const void *bytes, size_t length)
{
	int fd = open(queues_path, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, length, at), length);
	close(fd);
}

static void assert_replaced(const char *to, const char *expected)
{
	struct why why = {};
	struct queue *q;

	assert_int_equal(queue_open(queues_path, to, QUEUES_CAPACITY, NULL, &q, &why), 0);
	if (!strstr(why.text, expected))
		fail_msg("%s\ninstead of %s", why.text, expected);
	assert_int_equal(queue_tail(q), 0);
	queues_stage(q, 0, 10);
	queue_publish(q);
	take(q, 3);
	queue_close(q);
}

static void a_file_that_cannot_be_used_is_replaced_and_the_loss_told(void **state)
{
	static const uint32_t layout = 999, capacity = 1000;
	static const uint64_t huge = 1ull << 60;
	struct queue_view view;
	struct why why = {};

	queue_close(queues_open(NULL));
	overwrite(0, "NOT WEIR", 8);
	assert_int_equal(queue_peek(queues_path, &view, &why), -EBADMSG);
	assert_replaced(QUEUES_TO, "is not a queue of flows: what waited in it is lost");
	overwrite(8, &layout, sizeof(layout));
	assert_replaced(QUEUES_TO,
			"is of another version of weir: 7 records that waited in it are lost");
	overwrite(12, &capacity, sizeof(capacity));
	assert_replaced(QUEUES_TO, "is damaged: 7 records");
	assert_replaced("v5+udp://h", "is another exporter's: 7 records");
	assert_replaced(QUEUES_TO, "is another exporter's: 7 records");
	/* Positions that cannot be, in both copies of the mark. */
	overwrite(544 + 8 + 8, &huge, sizeof(huge));
	overwrite(544 + 8 + 56 + 8, &huge, sizeof(huge));
	assert_replaced(QUEUES_TO, "is damaged: what waited in it is lost");
	assert_int_equal(truncate(queues_path, 100), 0);
	assert_int_equal(queue_peek(queues_path, &view, &why), -EBADMSG);
	assert_replaced(QUEUES_TO, "is damaged: what waited in it is lost");
	assert_int_equal(truncate(queues_path, 0), 0);
	assert_replaced(QUEUES_TO, "is not a queue of flows");
}

/* Any byte of the header may be any other: the file is used or replaced, and nothing crashes. */
static void damage_anywhere_is_survived(void **state)
{
	uint32_t random = 12345;

	queue_close(queues_open(NULL));
	for (int round = 0; round < 2000; round++) {
		struct why why = {};
		struct queue_view view;
		struct queue *q;

		for (int i = 0; i < 4; i++) {
			uint8_t byte;

			random = random * 1664525 + 1013904223;
			byte = random >> 24;
			overwrite((random >> 8) % (round % 2 ? 1200 : 8000), &byte, 1);
		}
		queue_peek(queues_path, &view, &why);
		assert_int_equal(
			queue_open(queues_path, QUEUES_TO, QUEUES_CAPACITY, NULL, &q, &why), 0);
		assert_true(queue_tail(q) - queue_head(&queue_progress(q)->total) <=
			    QUEUES_CAPACITY);
		queues_stage(q, 0, 3);
		queue_publish(q);
		queue_close(q);
	}
}

static void a_full_disk_is_told_before_anything_is_written_to_it(void **state)
{
	struct rlimit small = {1 << 16, RLIM_INFINITY};
	struct why why = {};
	struct queue *q;
	pid_t child = fork();
	int status;

	if (!child) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		_exit(queue_open(queues_path, QUEUES_TO, QUEUES_CAPACITY, NULL, &q, &why) ==
					      -EFBIG &&
				      strstr(why.text,
					     "no room for a queue of 1024 records (104 KiB)") &&
				      access(queues_path, F_OK)
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, queues_make_folder, queues_remove_folder)
	const struct CMUnitTest tests[] = {
		TEST(what_is_staged_is_seen_when_it_is_published),
		TEST(what_does_not_fit_is_counted_and_the_first_stay),
		TEST(a_ring_goes_round_many_times),
		TEST(a_crash_neither_repeats_nor_forgets),
		TEST(marks_of_another_file_are_none),
		TEST(a_rewind_is_refused_once_the_records_are_gone),
		TEST(records_on_hold_keep_their_room),
		TEST(a_file_of_another_size_is_moved),
		TEST(a_queue_has_one_process),
		TEST(a_file_that_cannot_be_used_is_replaced_and_the_loss_told),
		TEST(damage_anywhere_is_survived),
		TEST(a_full_disk_is_told_before_anything_is_written_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
