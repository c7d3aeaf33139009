/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the ledger promises: of each incarnation each packet is due once, whatever crashes. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "export/ledger.h"

#define SLOTS 64
#define METER 77

static char folder[] = "/tmp/weir-ledger-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/ledger", folder);
	return 0;
}

static int remove_folder(void **state)
{
	unlink(path);
	return rmdir(folder);
}

static int forget(void **state)
{
	unlink(path);
	return 0;
}

static struct ledger *open_ledger(uint64_t meter, bool expected)
{
	struct why why = {};
	struct ledger *l;
	bool known;

	if (ledger_open(path, meter, SLOTS, &l, &known, &why))
		fail_msg("%s", why.text);
	assert_int_equal(known, expected);
	return l;
}

static struct weir_flow incarnation(uint32_t generation, uint32_t packets)
{
	return (struct weir_flow){
		.generation = generation, .packets = packets, .bytes = packets * 100ull};
}

/* How many packets of it are due. */
static uint32_t take(struct ledger *l, uint32_t slot, uint32_t generation, uint32_t packets,
		     bool stays)
{
	struct weir_flow f = incarnation(generation, packets);
	uint32_t due;
	__u64 bytes;
	bool any = ledger_take(l, slot, &f, stays, &due, &bytes);

	assert_int_equal(any, due > 0);
	assert_int_equal(bytes, due * 100ull);
	return due;
}

static void commit(struct ledger *l, uint64_t position)
{
	struct ledger_turn turn = {.ring_position = position};

	ledger_commit(l, &turn);
}

static void an_incarnation_taken_in_the_cache_is_not_due_again(void **state)
{
	struct ledger *l = open_ledger(METER, false);

	assert_int_equal(take(l, 5, 2, 10, true), 10);
	assert_int_equal(take(l, 5, 2, 10, true), 0);
	commit(l, 0);
	assert_int_equal(take(l, 5, 2, 10, false), 0);
	assert_int_equal(take(l, 5, 4, 3, false), 3);
	assert_int_equal(take(l, 6, 2, 10, false), 10);
	ledger_close(l);
}

static void of_one_that_grew_after_all_what_is_new_is_due(void **state)
{
	struct ledger *l = open_ledger(METER, false);

	assert_int_equal(take(l, 5, 2, 10, true), 10);
	commit(l, 0);
	assert_int_equal(take(l, 5, 2, 12, true), 2);
	commit(l, 0);
	assert_int_equal(take(l, 5, 2, 15, false), 3);
	ledger_close(l);
}

static void a_turn_that_was_not_committed_never_was(void **state)
{
	struct ledger *l = open_ledger(METER, false);
	struct ledger_turn turn;

	assert_int_equal(take(l, 1, 2, 10, true), 10);
	assert_int_equal(take(l, 2, 2, 10, true), 10);
	commit(l, 4096);
	assert_int_equal(take(l, 1, 2, 14, true), 4);
	assert_int_equal(take(l, 1, 2, 15, true), 1); /* twice in one turn */
	assert_int_equal(take(l, 2, 4, 7, true), 7);
	assert_int_equal(take(l, 3, 2, 9, true), 9);
	ledger_close(l);

	l = open_ledger(METER, true);
	ledger_turn(l, &turn);
	assert_int_equal(turn.ring_position, 4096);
	assert_int_equal(take(l, 1, 2, 15, true), 5);
	assert_int_equal(take(l, 2, 4, 7, true), 7);
	assert_int_equal(take(l, 3, 2, 9, true), 9);
	commit(l, 8192);
	ledger_close(l);

	l = open_ledger(METER, true);
	assert_int_equal(take(l, 1, 2, 15, false), 0);
	assert_int_equal(take(l, 2, 4, 7, false), 0);
	assert_int_equal(take(l, 3, 2, 9, false), 0);
	ledger_close(l);
}

static void another_meter_begins_a_ledger_of_its_own(void **state)
{
	struct ledger *l = open_ledger(METER, false);
	struct ledger_turn turn;

	assert_int_equal(take(l, 1, 2, 10, true), 10);
	commit(l, 4096);
	ledger_close(l);
	l = open_ledger(METER + 1, false);
	ledger_turn(l, &turn);
	assert_int_equal(turn.ring_position, 0);
	assert_int_equal(take(l, 1, 2, 10, true), 10);
	ledger_close(l);
}

static void a_file_of_something_else_is_begun_anew(void **state)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (int i = 0; i < 9999; i++)
		fputs("no ledger ", f);
	fclose(f);
	ledger_close(open_ledger(METER, false));
	ledger_close(open_ledger(METER, true));
}

static void where_it_cannot_be_kept_one_line_says_so(void **state)
{
	struct why why = {};
	struct ledger *l = NULL;
	bool known;

	assert_int_equal(ledger_open("/nowhere/at/all", METER, SLOTS, &l, &known, &why), -ENOENT);
	assert_string_equal(why.text, "/nowhere/at/all: cannot open it: No such file or directory");
	assert_null(l);
}

/* Shared with the process that is killed. */
struct sums {
	uint32_t packets[SLOTS]; /* as the kernel's cache has them */
	uint64_t in;             /* all of them */
};

/* Turns without end, in a process of its own: no assertion may return from here. Slots are taken by
 * chance. The mark carries the sum, as a queue's does: it is committed with the turn or not. */
static void work(const struct sums *s, unsigned int seed)
{
	struct why why = {};
	struct ledger_turn turn;
	struct ledger *l;
	bool known;

	if (ledger_open(path, METER, SLOTS, &l, &known, &why) || !known)
		_exit(1);
	srandom(seed);
	for (;;) {
		ledger_turn(l, &turn);
		for (int slot = 0; slot < SLOTS; slot++) {
			struct weir_flow f = incarnation(2, s->packets[slot]);
			uint32_t due;
			__u64 bytes;

			if (random() % 2 && ledger_take(l, slot, &f, true, &due, &bytes))
				turn.mark[0].taken.packets += due;
		}
		turn.ring_position++;
		ledger_commit(l, &turn);
	}
}

static void grow(struct sums *s)
{
	for (int slot = 0; slot < SLOTS; slot++) {
		uint32_t more = random() % 3;

		s->packets[slot] += more;
		s->in += more;
	}
}

static void killed_at_any_moment_it_counts_every_packet_once(void **state)
{
	struct sums *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ledger_turn turn;
	struct ledger *l;
	uint64_t last = 0;
	int status;

	assert_ptr_not_equal(s, MAP_FAILED);
	ledger_close(open_ledger(METER, false));
	for (int round = 0; round < 300; round++) {
		pid_t pid;

		grow(s);
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			work(s, round);
		/* By then it is somewhere in some turn. */
		usleep(200 + random() % 2000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
	}
	/* What is left is taken, and together it is all there was. */
	l = open_ledger(METER, true);
	ledger_turn(l, &turn);
	for (int slot = 0; slot < SLOTS; slot++)
		last += take(l, slot, 2, s->packets[slot], false);
	assert_int_equal(turn.mark[0].taken.packets + last, s->in);
	assert_true(turn.ring_position > 0);
	ledger_close(l);
	munmap(s, sizeof(*s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_incarnation_taken_in_the_cache_is_not_due_again,
					  forget),
		cmocka_unit_test_teardown(of_one_that_grew_after_all_what_is_new_is_due, forget),
		cmocka_unit_test_teardown(a_turn_that_was_not_committed_never_was, forget),
		cmocka_unit_test_teardown(another_meter_begins_a_ledger_of_its_own, forget),
		cmocka_unit_test_teardown(a_file_of_something_else_is_begun_anew, forget),
		cmocka_unit_test(where_it_cannot_be_kept_one_line_says_so),
		cmocka_unit_test_teardown(killed_at_any_moment_it_counts_every_packet_once, forget),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
