// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a session is told of interfaces, and when: two option records for each, its name and what it
 * is for. The collector counts them.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/export/collector.h"

struct scene {
	struct collector *collector;
	struct subject subject;
	struct names names;
	uint64_t ids;
};

static void set(struct scene *s, uint32_t index, const char *name, const char *about)
{
	struct interface_name interface = {.index = index};

	snprintf(interface.name, sizeof(interface.name), "%s", name);
	snprintf(interface.about, sizeof(interface.about), "%s", about);
	names_set(&s->names, &interface);
}

static void begin(struct scene *s, const char *scheme)
{
	memset(s, 0, sizeof(*s));
	s->collector = collector_new();
	if (strstr(scheme, "tcp"))
		collector_start_tcp(s->collector, 0, NULL);
	else
		collector_start_udp(s->collector, 0);
	subject_init(&s->subject, scheme, s->collector->port);
	s->subject.options.options_refresh_ns = 0;
	s->subject.facts.names = &s->names;
	set(s, 2, "eth0", "");
	set(s, 3, "eth1", "to Bonn");
}

static void end(struct scene *s)
{
	subject_free(&s->subject);
	collector_free(s->collector);
}

/* Flows go after what is announced, so what has come when they have is all. */
static uint64_t options_after_flows(struct scene *s)
{
	subject_put(&s->subject, s->ids, s->ids + 10);
	s->ids += 10;
	collector_wait(s->collector, s->ids);
	return collector_counts(s->collector).options;
}

static void wait_options(const struct scene *s, uint64_t options)
{
	const uint64_t until = now_ns() + 30 * SEC;

	while (collector_counts(s->collector).options < options && now_ns() < until)
		usleep(1000);
	assert_int_equal(collector_counts(s->collector).options, options);
}

static void a_name_that_changes_is_told_at_once_and_alone(void **state)
{
	static const char *const schemes[] = {"ipfix+udp", "v9+udp", "ipfix+tcp"};
	static struct scene s;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		uint64_t told;

		begin(&s, schemes[i]);
		subject_open(&s.subject);
		told = options_after_flows(&s);
		assert_true(told >= 4 + 3); /* sampling, two processes */
		/* No flow goes along. */
		set(&s, 7, "wg0", "");
		exporter_wake(s.subject.exporter);
		wait_options(&s, told + 2);
		set(&s, 3, "eth1", "to Berlin");
		exporter_wake(s.subject.exporter);
		wait_options(&s, told + 4);
		set(&s, 3, "eth1", "to Berlin");
		exporter_wake(s.subject.exporter);
		assert_int_equal(options_after_flows(&s), told + 4);
		assert_int_equal(subject_close(&s.subject), 0);
		assert_int_equal(collector_counts(s.collector).gaps, 0);
		assert_int_equal(collector_counts(s.collector).unknown, 0);
		end(&s);
	}
}

static void each_session_is_told_all(void **state)
{
	static struct scene s;
	uint64_t told;

	begin(&s, "ipfix+udp");
	subject_open(&s.subject);
	told = options_after_flows(&s);
	set(&s, 7, "wg0", "");
	exporter_wake(s.subject.exporter);
	wait_options(&s, told + 2);
	for (unsigned int session = 2; session <= 4; session++) {
		const uint64_t errors = subject_state(&s.subject).errors;

		collector_stop(s.collector);
		subject_put(&s.subject, s.ids, s.ids + 10);
		subject_wait_errors(&s.subject, errors + 1);
		collector_start_udp(s.collector, s.collector->port);
		s.ids += 10;
		collector_wait(s.collector, s.ids);
		wait_options(&s, session * (told + 2));
	}
	assert_int_equal(subject_close(&s.subject), 0);
	end(&s);
}

/* A process that tells the names, and dies. */
static void tell_and_die(struct scene *s)
{
	const uint64_t until = now_ns() + 30 * SEC;
	pid_t parent = getpid(), child = fork();
	struct queue_view view = {};
	char path[128];

	assert_true(child >= 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		subject_open(&s->subject);
		subject_put(&s->subject, s->ids, s->ids + 10);
		for (;;)
			pause();
	}
	s->ids += 10;
	collector_wait(s->collector, s->ids);
	exporter_path(s->subject.folder, s->subject.options.to, path, sizeof(path));
	while ((view.status.names != names_digest(&s->names) || view.status.phase != QUEUE_UP) &&
	       now_ns() < until) {
		usleep(1000);
		assert_int_equal(queue_peek(path, &view, NULL), 0);
	}
	assert_int_equal(view.status.names, names_digest(&s->names));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	s->subject.staged.records += 10;
	for (uint64_t id = s->ids - 10; id < s->ids; id++) {
		const struct flow_ended flow = flow_of(id);

		s->subject.staged.packets += flow.packets;
		s->subject.staged.bytes += flow.bytes;
	}
}

static void after_a_crash_names_are_told_if_they_are_others(void **state)
{
	static struct scene s;
	uint64_t told;

	begin(&s, "ipfix+udp");
	subject_in_folder(&s.subject);
	tell_and_die(&s);
	told = collector_counts(s.collector).options;
	subject_open(&s.subject);
	assert_int_equal(options_after_flows(&s), told);
	assert_int_equal(subject_close(&s.subject), 0);

	tell_and_die(&s);
	told = collector_counts(s.collector).options;
	set(&s, 2, "lan", "");
	subject_open(&s.subject);
	assert_int_equal(options_after_flows(&s), told + 4);
	assert_int_equal(subject_close(&s.subject), 0);
	assert_int_equal(collector_counts(s.collector).gaps, 0);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_changes_is_told_at_once_and_alone),
		cmocka_unit_test(each_session_is_told_all),
		cmocka_unit_test(after_a_crash_names_are_told_if_they_are_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
