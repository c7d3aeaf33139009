// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What other processes see of exporters, and what becomes of those that are no longer wanted. */
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/export/collector.h"

struct listing {
	struct exporter_state state[8];
	unsigned int states, unreadable;
	struct why why;
};

static void list(void *context, const struct exporter_state *state, const char *why)
{
	struct listing *l = context;

	if (state) {
		l->state[l->states++] = *state;
		return;
	}
	l->unreadable++;
	why_set(&l->why, 0, "%s", why);
}

static struct listing list_folder(const char *folder)
{
	struct listing l = {0};

	assert_int_equal(exporter_states(folder, list, &l), 0);
	return l;
}

static void the_state_of_a_killed_exporter_can_be_read(void **state)
{
	struct subject s;
	struct listing l;
	pid_t child;
	int status;

	subject_init(&s, "ipfix+udp", unused_port(SOCK_DGRAM));
	subject_in_folder(&s);
	s.options.queue = 1024;
	child = fork();
	if (!child) {
		subject_open(&s);
		subject_put(&s, 0, 100);
		subject_wait_phase(&s, QUEUE_REFUSED);
		subject_put(&s, 100, 1500);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	l = list_folder(s.folder);
	assert_int_equal(l.states, 1);
	assert_int_equal(l.unreadable, 0);
	s.staged = (struct queue_count){1500, 1500 * 1501 / 2, 1500 * 1501 / 2 * 100};
	subject_assert_conserved(&s, &l.state[0]);
	assert_string_equal(l.state[0].to, s.options.to);
	assert_string_equal(exporter_phase_text(l.state[0].phase), "refused");
	assert_int_equal(l.state[0].queued.records, 1024);
	assert_int_equal(l.state[0].dropped.records, 476);
	assert_int_equal(l.state[0].errors, 1);
	assert_non_null(strstr(l.state[0].error, "Connection refused"));
	assert_true(l.state[0].error_ns >= l.state[0].since_ns - SEC);
	subject_free(&s);
}

static void an_exporter_in_order_says_so(void **state)
{
	struct subject s;
	struct listing l;

	subject_init(&s, "ipfix+udp", unused_port(SOCK_DGRAM));
	subject_in_folder(&s);
	subject_open(&s);
	subject_wait_phase(&s, QUEUE_REFUSED);
	exporter_close(s.exporter, now_ns());
	l = list_folder(s.folder);
	assert_string_equal(exporter_phase_text(l.state[0].phase), "closed");
	subject_free(&s);
}

static void what_is_no_queue_is_named_or_passed(void **state)
{
	struct listing l;
	struct subject s;
	char path[128];

	subject_init(&s, "ipfix+udp", 1);
	subject_in_folder(&s);
	/* A file with another kind of name is not one of ours. */
	snprintf(path, sizeof(path), "%s/0123456789abcdeg.queue", s.folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	l = list_folder(s.folder);
	assert_int_equal(l.states + l.unreadable, 0);
	unlink(path);
	snprintf(path, sizeof(path), "%s/0123456789abcdef.queue", s.folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	l = list_folder(s.folder);
	assert_int_equal(l.unreadable, 1);
	assert_non_null(strstr(l.why.text, path));
	unlink(path);
	subject_free(&s);
	assert_int_equal(exporter_states(s.folder, list, &l), -ENOENT);
}

static void a_damaged_queue_is_replaced_with_a_warning(void **state)
{
	struct why why = {};
	struct subject s;
	char path[128];
	int fd;

	subject_init(&s, "ipfix+udp", unused_port(SOCK_DGRAM));
	subject_in_folder(&s);
	subject_open(&s);
	subject_put(&s, 0, 77);
	assert_int_equal(exporter_close(s.exporter, now_ns()), 77);
	exporter_path(s.folder, s.options.to, path, sizeof(path));
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "\377", 1, 8), 1);
	close(fd);
	assert_int_equal(exporter_open(&s.options, &s.facts, s.folder, NULL, &s.exporter, &why), 0);
	if (!strstr(why.text, "77 records that waited in it are lost") ||
	    !strstr(why.text, s.options.to))
		fail_msg("%s", why.text);
	exporter_close(s.exporter, now_ns());
	subject_free(&s);
}

static void queues_that_are_no_longer_wanted_go_and_the_loss_is_told(void **state)
{
	struct export_options keep[3] = {}; /* as in agent/turns.h: free places have no address */
	struct subject kept, gone, busy;
	struct queue_count lost;
	struct listing l;

	subject_init(&kept, "ipfix+udp", 1);
	keep[1] = kept.options;
	subject_init(&gone, "v9+udp", 1);
	subject_init(&busy, "v5+udp", 1);
	subject_in_folder(&kept);
	memcpy(gone.folder, kept.folder, sizeof(gone.folder));
	memcpy(busy.folder, kept.folder, sizeof(busy.folder));
	subject_open(&kept);
	subject_put(&kept, 0, 5);
	exporter_close(kept.exporter, now_ns());
	subject_open(&gone);
	subject_put(&gone, 0, 10);
	exporter_close(gone.exporter, now_ns());
	subject_open(&busy);
	assert_int_equal(exporter_forget(kept.folder, keep, 3, &lost), 0);
	assert_int_equal(lost.records, 10);
	assert_int_equal(lost.packets, 55);
	assert_int_equal(lost.bytes, 5500);
	l = list_folder(kept.folder);
	assert_int_equal(l.states, 2);
	exporter_close(busy.exporter, now_ns());
	assert_int_equal(exporter_forget(kept.folder, keep, 3, &lost), 0);
	assert_int_equal(lost.records, 0);
	l = list_folder(kept.folder);
	assert_int_equal(l.states, 1);
	assert_string_equal(l.state[0].to, kept.options.to);
	subject_free(&gone);
	subject_free(&busy);
	subject_free(&kept);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
	struct why why = {};
	struct exporter *e;
	struct subject s;

	subject_init(&s, "ipfix+udp", 1);
	assert_int_equal(exporter_open(&s.options, &s.facts, "/dev/null/x", NULL, &e, &why),
			 -ENOTDIR);
	assert_non_null(strstr(why.text, "/dev/null/x: Not a directory"));
	subject_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_state_of_a_killed_exporter_can_be_read),
		cmocka_unit_test(an_exporter_in_order_says_so),
		cmocka_unit_test(what_is_no_queue_is_named_or_passed),
		cmocka_unit_test(a_damaged_queue_is_replaced_with_a_warning),
		cmocka_unit_test(queues_that_are_no_longer_wanted_go_and_the_loss_is_told),
		cmocka_unit_test(a_folder_that_cannot_be_made_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
