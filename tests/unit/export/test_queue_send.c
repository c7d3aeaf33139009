// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel took of a batch, as the process after a crash sees it. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/export/queues.h"

/* `count` messages of one record each, of lengths 100, 101 ... */
static void fill(struct queue *q, unsigned int count, struct iovec *pieces)
{
	static char bytes[256];
	struct queue_batch *batch = queue_batch(q);
	struct queue_totals after = queue_progress(q)->total;

	for (unsigned int i = 0; i < count; i++) {
		after.sent.records++;
		after.messages++;
		pieces[i] = (struct iovec){bytes, 100 + i};
		batch->message[i] = (struct queue_message){after, 100 + i, 0};
		batch->vector[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
	}
}

static void what_the_kernel_took_is_known_to_the_next_process(void **state)
{
	struct queue *q = queues_open(NULL);
	struct iovec pieces[QUEUE_BATCH];
	int pair[2], taken = 0, n;
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	queues_stage(q, 0, 600);
	queue_publish(q);
	/* Until the socket is full. */
	do {
		fill(q, 16, pieces);
		n = queue_send(q, pair[0], 16);
		taken += n > 0 ? n : 0;
	} while (n > 0);
	assert_int_equal(n, -EAGAIN);
	assert_true(taken > 0);
	assert_int_equal(queue_head(&queue_progress(q)->total), taken);
	queue_close(q);
	q = queues_open(NULL);
	assert_int_equal(queue_head(&queue_progress(q)->total), taken);
	while (recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1)
		taken--;
	assert_int_equal(taken, 0);
	queue_close(q);
	close(pair[0]);
	close(pair[1]);
}

/* Runs the child to the start or the end of its sendmmsg(2), and kills it there. */
static void kill_at_call(pid_t child, __u8 where)
{
	struct __ptrace_syscall_info info = {0};
	bool entered = false;
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD), 0);
	while (!(entered && info.op == where)) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, 0, 0), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSTOPPED(status));
		assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) > 0);
		entered |= info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_sendmmsg;
	}
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void killed_as_the_call_begins_or_ends_the_next_process_knows_which(void **state)
{
	const struct {
		__u8 where;
		unsigned int taken;
	} cases[] = {{PTRACE_SYSCALL_INFO_ENTRY, 0}, {PTRACE_SYSCALL_INFO_EXIT, 8}};
	struct iovec pieces[QUEUE_BATCH];
	unsigned int head = 0;
	char byte;

	for (int i = 0; i < 2; i++) {
		struct queue *q = queues_open(NULL);
		unsigned int received = 0;
		int pair[2];
		pid_t child;

		queues_stage(q, head, head + 20);
		queue_publish(q);
		queue_close(q);
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
		child = fork();
		if (!child) {
			q = queues_open(NULL);
			fill(q, 8, pieces);
			ptrace(PTRACE_TRACEME, 0, 0, 0);
			raise(SIGSTOP);
			queue_send(q, pair[0], 8);
			_exit(0);
		}
		kill_at_call(child, cases[i].where);
		q = queues_open(NULL);
		head += cases[i].taken;
		assert_int_equal(queue_head(&queue_progress(q)->total), head);
		queue_close(q);
		while (recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1)
			received++;
		assert_int_equal(received, cases[i].taken);
		close(pair[0]);
		close(pair[1]);
	}
}

static void a_message_that_was_cut_is_not_sent(void **state)
{
	static char large[1 << 22];
	struct queue *q = queues_open(NULL);
	struct iovec piece = {large, sizeof(large)};
	struct queue_batch *batch;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	queues_stage(q, 0, 1);
	queue_publish(q);
	fill(q, 1, &piece);
	piece = (struct iovec){large, sizeof(large)};
	batch = queue_batch(q);
	batch->message[0].length = sizeof(large);
	assert_int_equal(queue_send(q, pair[0], 1), 0);
	assert_in_range(queue_message(q)->done, 1, sizeof(large) - 1);
	queue_close(q);
	q = queues_open(NULL);
	assert_int_equal(queue_head(&queue_progress(q)->total), 0);
	queue_close(q);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, queues_make_folder, queues_remove_folder)
	const struct CMUnitTest tests[] = {
		TEST(what_the_kernel_took_is_known_to_the_next_process),
		TEST(killed_as_the_call_begins_or_ends_the_next_process_knows_which),
		TEST(a_message_that_was_cut_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
