// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A process that stages, commits and publishes as the harvester does is killed at random moments,
 * and the next continues from what it left. Every record arrives exactly once.
 *
 *   parent: collector thread, kill(SIGKILL) ──→ child: ledger, exporter ──→ child ──→ ...
 *              └──────────────── shared memory: ledger, what arrived ──────────┘
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/export/collector.h"
#include "base/twin.h"

#define ROUNDS 300
#define IDS_MAX (COLLECTOR_IDS - 10000)

struct ledger_entry {
	struct queue_mark mark;
	uint64_t position; /* the next identity that is not in the mark */
};

struct shared {
	TWIN(struct ledger_entry) ledger;
	uint64_t stop_at; /* no identities from there on; the child then ends by itself */
	uint64_t window;  /* how many records may be on the way; files: what one child writes */
	uint64_t begun;   /* position that the last child began at */
	uint64_t opened;  /* children that have their exporter */
};

struct run {
	struct subject subject;
	struct collector *collector;
	struct shared *shared;
};

static uint64_t arrived(const struct run *run)
{
	return __atomic_load_n(&run->collector->counts.flows, __ATOMIC_RELAXED);
}

static bool writes_files(const struct run *run)
{
	return run->subject.options.url.transport == URL_FILE;
}

static void stage_and_commit(struct run *run, struct ledger_entry *entry, uint64_t count)
{
	struct exporter *e = run->subject.exporter;

	while (!exporter_wait_space(e, count, now_ns() + SEC))
		;
	for (; count; count--) {
		struct flow_ended flow = flow_of(entry->position++);

		exporter_stage(e, &flow);
	}
	exporter_mark(e, &entry->mark);
	twin_write(&run->shared->ledger, entry);
	exporter_publish(e);
}

static void harvest(struct run *run)
{
	struct subject *s = &run->subject;
	struct why why = {};
	struct ledger_entry entry;
	uint64_t stop_at;

	twin_read(&run->shared->ledger, &entry);
	if (exporter_open(&s->options, &s->facts, s->folder, &entry.mark, &s->exporter, &why) ||
	    why.text[0])
		_exit(1);
	__atomic_add_fetch(&run->shared->opened, 1, __ATOMIC_RELAXED);
	while (entry.position <
	       (stop_at = __atomic_load_n(&run->shared->stop_at, __ATOMIC_RELAXED))) {
		uint64_t count = 1 + entry.position * 7 % 150;

		if (count > stop_at - entry.position)
			count = stop_at - entry.position;
		while (entry.position + count >
		       run->shared->window +
			       (writes_files(run) ? run->shared->begun : arrived(run)))
			sched_yield();
		stage_and_commit(run, &entry, count);
	}
	_exit(exporter_close(s->exporter, now_ns() + 30 * SEC) ? 2 : 0);
}

static uint64_t position(const struct run *run)
{
	struct ledger_entry entry;

	twin_read(&run->shared->ledger, &entry);
	return entry.position;
}

static pid_t start_child(struct run *run)
{
	pid_t parent = getpid(), child;

	run->shared->begun = position(run);
	child = fork();
	assert_true(child >= 0);
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		harvest(run);
	_exit(3);
}

static void collect_state(void *context, const struct exporter_state *state, const char *why)
{
	if (!state)
		fail_msg("%s", why);
	*(struct exporter_state *)context = *state;
}

/* How far it is: what arrived, or for files what was staged. */
static uint64_t progress_of(const struct run *run)
{
	return writes_files(run) ? position(run) : arrived(run);
}

static struct exporter_state state_of(const struct run *run)
{
	struct exporter_state state = {0};

	exporter_states(run->subject.folder, collect_state, &state);
	return state;
}

static void kill_child(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status))
		fail_msg("the child ended by itself: %#x", status);
}

/* Kills a child after a number of records, or after a time: of its life, or since it is open. */
static void kill_after(struct run *run, bool early, uint64_t records, uint64_t ns)
{
	uint64_t enough = progress_of(run) + records, opened = run->shared->opened, until;
	pid_t child = start_child(run);

	while (!early && __atomic_load_n(&run->shared->opened, __ATOMIC_RELAXED) == opened)
		sched_yield();
	until = now_ns() + ns;
	while (progress_of(run) < enough && now_ns() < until)
		sched_yield();
	kill_child(child);
}

/* The collector does not read until the connection is full, and that is within a message. */
static void kill_when_stuck(struct run *run)
{
	const uint64_t window = run->shared->window;
	struct exporter_state before, after;
	bool stuck = false;
	pid_t child;

	collector_pause(run->collector, true);
	run->shared->window = 200000;
	before = state_of(run);
	child = start_child(run);
	/* Hosts with very large buffers take all there is. */
	for (int i = 0; i < 50 && !stuck; i++) {
		usleep(30000);
		after = state_of(run);
		stuck = after.sent.records == before.sent.records && after.queued.records > 1000;
		before = after;
	}
	kill_child(child);
	run->shared->window = window;
	collector_pause(run->collector, false);
}

/* Returns in how many rounds, at least, the kernel had taken messages that were not noted yet. */
static unsigned int run_and_kill(struct run *run)
{
	unsigned int caught = 0, rounds;

	srand(1);
	run->shared->stop_at = IDS_MAX;
	/* The first gets up. */
	kill_after(run, false, 5000, 30 * SEC);
	for (rounds = 0; rounds < ROUNDS && position(run) < IDS_MAX - 200000; rounds++) {
		if (run->collector->stream && rounds % 15 == 0)
			kill_when_stuck(run);
		else
			kill_after(run, rounds % 4 == 1, rand() % 3000, rand() % (SEC / 50));
		caught += arrived(run) > state_of(run).sent.records;
	}
	assert_int_equal(rounds, ROUNDS);
	return caught;
}

/* The last child sends what is left and ends in order. Returns how many identities there are. */
static uint64_t finish(struct run *run)
{
	uint64_t all = position(run) + 1000;
	struct exporter_state state;
	int status;
	pid_t child;

	__atomic_store_n(&run->shared->stop_at, all, __ATOMIC_RELAXED);
	child = start_child(run);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	state = state_of(run);
	assert_int_equal(state.sent.records, all);
	assert_int_equal(state.sent.packets, all * (all + 1) / 2);
	assert_int_equal(state.queued.records + state.dropped.records, 0);
	return all;
}

static void begin(struct run *run, const char *scheme, uint64_t window)
{
	run->collector = collector_new();
	run->shared = mmap(NULL, sizeof(*run->shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(run->shared != MAP_FAILED);
	run->shared->window = window;
	if (!strcmp(scheme, "file:")) {
		char to[128];

		assert_non_null(mkdtemp(strcpy(to, "/tmp/weir-test-files-XXXXXX")));
		snprintf(run->subject.folder, sizeof(run->subject.folder), "%.60s", to);
		snprintf(to, sizeof(to), "file:%s/%%H%%M%%S.ipfix", run->subject.folder);
		subject_init_to(&run->subject, to);
	} else if (!strcmp(scheme, "ipfix+tcp")) {
		collector_start_tcp(run->collector, 0, NULL);
		subject_init(&run->subject, scheme, run->collector->port);
	} else {
		collector_start_udp(run->collector, 0);
		subject_init(&run->subject, scheme, run->collector->port);
	}
	subject_in_folder(&run->subject);
}

static void end(struct run *run)
{
	subject_free(&run->subject);
	munmap(run->shared, sizeof(*run->shared));
	collector_free(run->collector);
}

static void over_udp_every_record_arrives_once(const char *scheme)
{
	struct run run;
	unsigned int caught;
	uint64_t all;

	begin(&run, scheme, 800);
	caught = run_and_kill(&run);
	all = finish(&run);
	collector_wait(run.collector, all);
	print_message("# %s: %llu records, %u kills, %u of them within a call\n", scheme,
		      (unsigned long long)all, ROUNDS, caught);
	collector_assert_exactly_once(run.collector, all);
	assert_int_equal(collector_counts(run.collector).gaps, 0);
	end(&run);
}

static void killed_over_udp_every_record_arrives_once(void **state)
{
	over_udp_every_record_arrives_once("ipfix+udp");
}

static void killed_over_v5_every_record_arrives_once(void **state)
{
	over_udp_every_record_arrives_once("v5+udp");
}

static void killed_over_tcp_every_record_arrives_once(void **state)
{
	struct run run;
	uint64_t all;

	begin(&run, "ipfix+tcp", 5000);
	run.subject.options.queue = 1 << 18;
	run_and_kill(&run);
	all = finish(&run);
	collector_wait(run.collector, all);
	print_message("# tcp: %llu records, %u kills, %llu connections, %llu messages cut\n",
		      (unsigned long long)all, ROUNDS,
		      (unsigned long long)collector_counts(run.collector).sessions,
		      (unsigned long long)collector_counts(run.collector).cut);
	collector_assert_exactly_once(run.collector, all);
	assert_int_equal(collector_counts(run.collector).gaps, 0);
	end(&run);
}

static void killed_while_it_writes_files_every_record_is_in_one(void **state)
{
	struct run run;
	char folder[64];
	struct collector_folder found;
	uint64_t all;

	begin(&run, "file:", 10000);
	snprintf(folder, sizeof(folder), "%.*s",
		 (int)(strrchr(run.subject.options.url.path, '/') - run.subject.options.url.path),
		 run.subject.options.url.path);
	run.subject.options.rotate_ns = SEC / 50;
	run_and_kill(&run);
	all = finish(&run);
	found = collector_take_folder(run.collector, folder);
	print_message("# file: %llu records, %u kills, %u files\n", (unsigned long long)all, ROUNDS,
		      found.whole);
	assert_true(found.whole > 3);
	assert_int_equal(found.hidden, 0);
	collector_assert_exactly_once(run.collector, all);
	assert_int_equal(collector_counts(run.collector).gaps, 0);
	assert_int_equal(rmdir(folder), 0);
	end(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_over_udp_every_record_arrives_once),
		cmocka_unit_test(killed_over_v5_every_record_arrives_once),
		cmocka_unit_test(killed_over_tcp_every_record_arrives_once),
		cmocka_unit_test(killed_while_it_writes_files_every_record_is_in_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
