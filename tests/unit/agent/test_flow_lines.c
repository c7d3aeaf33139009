// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Flows as lines into a pipe: one that is read, one that is not, one whose reader has gone. */
#include "agent/flow_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "flow/fields.h"

#define MANY 20000u /* more than the buffer and a pipe hold */

static struct flow_lines lines;
static struct flow_sink sink;
static int fd[2];

/* The n-th flow has n packets. */
static void give(unsigned int from, unsigned int count)
{
	const struct flow_origin origin = flow_origin_local(0);

	for (unsigned int n = from; n < from + count; n++) {
		struct flow_record flow = {
			.known = FLOW_BASIC,
			.family = 4,
			.proto = 17,
			.forward = {.packets = n, .bytes = 100 * n},
		};

		sink.flows(sink.context, &origin, &flow, 1);
	}
}

static int set_scene(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	if (pipe2(fd, O_CLOEXEC) || flow_lines_open(&lines, fd[1], false))
		return -1;
	sink = flow_lines_sink(&lines);
	return 0;
}

static int clear_scene(void **state)
{
	flow_lines_close(&lines, 0);
	close(fd[0]);
	close(fd[1]);
	return 0;
}

/* Of one line: how many packets its flow has. */
static unsigned int packets_of(const char *line, size_t length)
{
	json_t *json = json_loadb(line, length, 0, NULL);
	unsigned int packets = json_integer_value(json_object_get(json, "packets"));

	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "weir")), 1);
	json_decref(json);
	return packets;
}

/* What is in the pipe and, with `more`, what waits: whole lines, of rising flows. How many. */
static unsigned int read_all(bool more)
{
	const size_t room = 2 * (size_t)FLOW_LINES_BUFFER;
	unsigned int count = 0, last = 0;
	char *text = malloc(room), *at = text, *end;
	size_t length = 0;
	ssize_t got;

	assert_non_null(text);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	do {
		while ((got = read(fd[0], text + length, room - length)) > 0)
			length += got;
		if (more)
			sink.turn(sink.context, 0);
		more = more && flow_lines_pending(&lines);
		if (!more && got < 0)
			while ((got = read(fd[0], text + length, room - length)) > 0)
				length += got;
	} while (more);
	for (; at < text + length; at = end + 1, count++) {
		unsigned int packets;

		end = memchr(at, '\n', text + length - at);
		assert_non_null(end);
		packets = packets_of(at, end - at);
		assert_true(packets > last);
		last = packets;
	}
	free(text);
	return count;
}

static void each_flow_is_a_line_at_once(void **state)
{
	give(1, 3);
	assert_int_equal(read_all(false), 3);
	assert_int_equal(lines.ended, 3);
	assert_int_equal(lines.written, 3);
	assert_int_equal(lines.dropped, 0);
	assert_false(flow_lines_pending(&lines));
}

static void a_reader_that_does_not_read_loses_whole_lines_and_all_are_counted(void **state)
{
	unsigned int came;

	give(1, MANY);
	assert_int_equal(lines.ended, MANY);
	assert_true(lines.dropped > 0);
	assert_true(flow_lines_pending(&lines));
	assert_true(lines.written + lines.dropped < MANY); /* the rest waits */
	came = read_all(true);
	assert_int_equal(came, lines.written);
	assert_int_equal(lines.written + lines.dropped, MANY);

	/* Read again, nothing is lost any more. */
	give(MANY + 1, 10);
	assert_int_equal(read_all(false), 10);
	assert_int_equal(lines.written, came + 10);
}

static void at_the_end_a_pipe_holds_no_half_line(void **state)
{
	__u64 began_ns;

	give(1, MANY);
	began_ns = clock_monotonic_ns();
	flow_lines_close(&lines, began_ns + 50 * NS_PER_MS);
	assert_true(clock_monotonic_ns() >= began_ns + 50 * NS_PER_MS); /* for the reader */
	assert_int_equal(lines.written + lines.dropped, MANY);
	assert_int_equal(read_all(false), lines.written);
	assert_int_equal(flow_lines_open(&lines, fd[1], false), 0);
}

static void a_reader_that_has_gone_costs_lines_alone(void **state)
{
	give(1, 5);
	close(fd[0]);
	give(6, 5);
	assert_int_equal(lines.broken, EPIPE);
	assert_int_equal(lines.ended, 10);
	assert_int_equal(lines.written, 5);
	assert_int_equal(lines.dropped, 5);
	assert_false(flow_lines_pending(&lines));
	fd[0] = -1;
}

static void a_reader_that_goes_with_the_buffer_full_leaves_no_flow_uncounted(void **state)
{
	give(1, MANY);
	assert_true(flow_lines_pending(&lines));
	close(fd[0]);
	fd[0] = -1;
	give(MANY + 1, 3);
	assert_int_equal(lines.broken, EPIPE);
	assert_int_equal(lines.ended, MANY + 3);
	assert_int_equal(lines.written + lines.dropped, MANY + 3);
}

/* With nobody to read, and then with one who goes; both ends would wait otherwise. */
static void a_socket_is_never_waited_for_and_still_blocks_for_others(void **state)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	flow_lines_close(&lines, 0);
	assert_int_equal(flow_lines_open(&lines, pair[1], false), 0);
	give(1, MANY);
	assert_true(flow_lines_pending(&lines));
	assert_true(lines.written > 0);
	assert_int_equal(fcntl(pair[1], F_GETFL) & O_NONBLOCK, 0);
	close(pair[0]);
	give(MANY + 1, 1);
	assert_int_equal(lines.written + lines.dropped, MANY + 1);
	close(pair[1]);
}

/* The descriptor is shared with whoever gave it to us. */
static void the_callers_descriptor_still_blocks(void **state)
{
	assert_int_equal(fcntl(fd[1], F_GETFL) & O_NONBLOCK, 0);
}

static void a_file_is_continued_where_it_was(void **state)
{
	char path[] = "/tmp/weir-lines-XXXXXX", text[4096];
	int file = mkstemp(path);

	assert_true(file >= 0);
	unlink(path);
	assert_int_equal(write(file, "before\n", 7), 7);
	flow_lines_close(&lines, 0);
	assert_int_equal(flow_lines_open(&lines, file, false), 0);
	give(1, 2);
	assert_int_equal(lines.written, 2);
	assert_true(pread(file, text, sizeof(text), 0) > 100);
	assert_memory_equal(text, "before\n{\"weir\":1,", 17);
	close(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_flow_is_a_line_at_once),
		TEST(a_reader_that_does_not_read_loses_whole_lines_and_all_are_counted),
		TEST(at_the_end_a_pipe_holds_no_half_line),
		TEST(a_reader_that_has_gone_costs_lines_alone),
		TEST(a_reader_that_goes_with_the_buffer_full_leaves_no_flow_uncounted),
		TEST(a_socket_is_never_waited_for_and_still_blocks_for_others),
		TEST(the_callers_descriptor_still_blocks),
		TEST(a_file_is_continued_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
