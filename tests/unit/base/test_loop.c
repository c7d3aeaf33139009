// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The loop over pipes: who takes turns, in which order, and who does not any more. */
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"

#define PIPES 3

struct taker {
	struct loop_watch watch;
	struct loop_timer timer;
	int fd[2];
	unsigned int turns;
	short events; /* of the last turn */
	__u64 due_ns; /* of the timer */
	void (*then)(struct taker *taker);
};

static struct loop *loop;
static struct taker taker[PIPES];
static unsigned int each_turns, each_stops; /* at which turn; 0: at none */

static void ready(void *context, short events)
{
	struct taker *t = context;

	t->turns++;
	t->events = events;
	if (t->then)
		t->then(t);
}

static void due(void *context, __u64 now_ns)
{
	struct taker *t = context;

	assert_true(now_ns >= t->due_ns);
	t->turns++;
	if (t->then)
		t->then(t);
}

static void each(void *context)
{
	if (++each_turns == each_stops)
		loop_stop(loop, 0);
}

static void again(void *context)
{
	each(context);
	loop_again(loop);
}

static int set_scene(void **state)
{
	loop = loop_new();
	memset(taker, 0, sizeof(taker));
	for (int i = 0; i < PIPES; i++) {
		if (pipe2(taker[i].fd, O_CLOEXEC | O_NONBLOCK))
			return -1;
		taker[i].watch.turn = ready;
		taker[i].watch.context = &taker[i];
		taker[i].timer.turn = due;
		taker[i].timer.context = &taker[i];
	}
	each_turns = each_stops = 0;
	return loop ? 0 : -1;
}

static int clear_scene(void **state)
{
	loop_free(loop);
	for (int i = 0; i < PIPES; i++)
		for (int end = 0; end < 2; end++)
			if (taker[i].fd[end] >= 0)
				close(taker[i].fd[end]);
	return 0;
}

static void put(struct taker *t)
{
	assert_int_equal(write(t->fd[1], "x", 1), 1);
}

static void get(struct taker *t)
{
	char byte;

	assert_int_equal(read(t->fd[0], &byte, 1), 1);
}

static void watch(struct taker *t)
{
	assert_int_equal(loop_watch(loop, &t->watch, t->fd[0], POLLIN), 0);
}

static void set_timer(struct taker *t, __u64 after_ns)
{
	t->due_ns = clock_monotonic_ns() + after_ns;
	loop_timer(loop, &t->timer, t->due_ns);
}

/* As something that is never done does; not for ever, so that a loop that starves others fails. */
static void due_since_ever(struct taker *t)
{
	loop_timer(loop, &t->timer, 0);
	if (t->turns == 1000000)
		loop_stop(loop, t - taker + 100);
}

static void stop(struct taker *t)
{
	loop_stop(loop, t - taker + 100);
}

static void get_and_stop(struct taker *t)
{
	get(t);
	stop(t);
}

/* Takes so many waits, none of which lasts. */
static void run_rounds(unsigned int count)
{
	each_turns = 0;
	each_stops = count + 1;
	loop_each(loop, again, NULL);
	assert_int_equal(loop_run(loop), 0);
	loop_each(loop, NULL, NULL);
}

/* --- Descriptors ------------------------------------------------------------------------- */

static void what_is_ready_takes_its_turn_and_what_is_not_does_not(void **state)
{
	watch(&taker[0]);
	watch(&taker[1]);
	put(&taker[1]);
	taker[1].then = get_and_stop;
	assert_int_equal(loop_run(loop), 101);
	assert_int_equal(taker[0].turns, 0);
	assert_int_equal(taker[1].turns, 1);
	assert_int_equal(taker[1].events, POLLIN);
}

static void the_other_end_is_heard_when_it_goes(void **state)
{
	watch(&taker[0]);
	close(taker[0].fd[1]);
	taker[0].fd[1] = -1;
	taker[0].then = stop;
	assert_int_equal(loop_run(loop), 100);
	assert_int_equal(taker[0].events & POLLHUP, POLLHUP);

	/* An end to write to: its reader's end is an error there. */
	assert_int_equal(loop_watch(loop, &taker[0].watch, -1, 0), 0);
	assert_int_equal(loop_watch(loop, &taker[1].watch, taker[1].fd[1], POLLOUT), 0);
	close(taker[1].fd[0]);
	taker[1].fd[0] = -1;
	taker[1].then = stop;
	assert_int_equal(loop_run(loop), 101);
	assert_int_equal(taker[1].events & (POLLOUT | POLLERR), POLLOUT | POLLERR);
	assert_int_equal(write(taker[1].fd[1], "x", 1), -1); /* and no signal */
	assert_int_equal(errno, EPIPE);
}

static void unwatch_all(struct taker *t)
{
	for (int i = 0; i < 3; i++)
		loop_watch(loop, &taker[i].watch, -1, 0);
}

/* All three are ready in one wait; whichever is first removes all, itself too. */
static void one_that_is_removed_while_its_event_waits_takes_no_turn(void **state)
{
	for (int i = 0; i < 3; i++) {
		watch(&taker[i]);
		put(&taker[i]);
		taker[i].then = unwatch_all;
	}
	run_rounds(3);
	assert_int_equal(taker[0].turns + taker[1].turns + taker[2].turns, 1);
}

/* Another's descriptor goes, and its number comes again for a third, in the same turn. */
static void give_number_away(struct taker *t)
{
	struct taker *other = t == &taker[0] ? &taker[1] : &taker[0];
	const int number = other->fd[0];

	loop_watch(loop, &t->watch, -1, 0);
	loop_watch(loop, &other->watch, -1, 0);
	close(number);
	assert_int_equal(dup3(taker[2].fd[0], number, O_CLOEXEC), number);
	assert_int_equal(loop_watch(loop, &taker[2].watch, number, POLLIN), 0);
}

static void a_number_that_came_again_brings_no_event_of_before(void **state)
{
	for (int i = 0; i < 2; i++) {
		watch(&taker[i]);
		put(&taker[i]);
		taker[i].then = give_number_away;
	}
	run_rounds(2);
	assert_int_equal(taker[0].turns + taker[1].turns, 1);
	assert_int_equal(taker[2].turns, 0);
	put(&taker[2]);
	taker[2].then = stop;
	assert_int_equal(loop_run(loop), 102);
}

static void watch_second(struct taker *t)
{
	get(t);
	watch(&taker[1]);
}

static void one_that_is_watched_in_a_turn_takes_its_own_later(void **state)
{
	watch(&taker[0]);
	put(&taker[0]);
	put(&taker[1]);
	taker[0].then = watch_second;
	taker[1].then = get_and_stop;
	assert_int_equal(loop_run(loop), 101);
	assert_int_equal(taker[0].turns, 1);
}

static void another_event_is_waited_for_from_then_on(void **state)
{
	assert_int_equal(loop_watch(loop, &taker[0].watch, taker[0].fd[1], POLLOUT), 0);
	taker[0].then = stop;
	loop_run(loop);
	assert_int_equal(taker[0].events, POLLOUT);
	assert_int_equal(loop_watch(loop, &taker[0].watch, taker[0].fd[1], 0), 0);
	run_rounds(3);
	assert_int_equal(taker[0].turns, 1);
	assert_int_equal(loop_watch(loop, &taker[0].watch, taker[0].fd[0], POLLIN), 0);
	put(&taker[0]);
	assert_int_equal(loop_run(loop), 100);
	assert_int_equal(taker[0].events, POLLIN);
}

static void what_cannot_be_watched_is_refused(void **state)
{
	assert_int_equal(loop_watch(loop, &taker[0].watch, 9999, POLLIN), -EBADF);
	watch(&taker[0]);
	put(&taker[0]);
	taker[0].then = get_and_stop;
	assert_int_equal(loop_run(loop), 100);
}

/* Its owner closed it and got another under the same number, of which the loop knows nothing. */
static void one_that_is_followed_may_be_another_under_its_number(void **state)
{
	const int number = taker[0].fd[0];

	assert_int_equal(loop_follow(loop, &taker[0].watch, number, POLLIN), 0);
	close(number);
	assert_int_equal(dup3(taker[1].fd[0], number, O_CLOEXEC), number);
	put(&taker[1]);
	assert_int_equal(loop_follow(loop, &taker[0].watch, number, POLLIN), 0);
	taker[0].then = stop;
	assert_int_equal(loop_run(loop), 100);
	assert_int_equal(loop_follow(loop, &taker[0].watch, -1, 0), 0);
	run_rounds(2);
	assert_int_equal(taker[0].turns, 1);
}

/* --- Timers ------------------------------------------------------------------------------ */

static void timers_are_due_in_the_order_of_their_times(void **state)
{
	set_timer(&taker[2], 3 * NS_PER_MS);
	set_timer(&taker[0], 20 * NS_PER_MS);
	set_timer(&taker[1], 9 * NS_PER_MS);
	for (int i = 0; i < 3; i++)
		taker[i].then = stop;
	assert_int_equal(loop_run(loop), 102);
	assert_int_equal(loop_run(loop), 101);
	assert_int_equal(loop_run(loop), 100);
	for (int i = 0; i < 3; i++)
		assert_int_equal(taker[i].turns, 1);
}

static void one_that_is_put_off_or_taken_back_is_not_due(void **state)
{
	set_timer(&taker[0], NS_PER_MS);
	set_timer(&taker[1], NS_PER_MS);
	set_timer(&taker[2], NS_PER_MS);
	loop_timer(loop, &taker[0].timer, LOOP_NEVER);
	loop_timer(loop, &taker[0].timer, LOOP_NEVER); /* twice is no harm */
	set_timer(&taker[1], 15 * NS_PER_MS);
	for (int i = 0; i < 3; i++)
		taker[i].then = stop;
	assert_int_equal(loop_run(loop), 102);
	assert_int_equal(loop_run(loop), 101);
	assert_int_equal(taker[0].turns, 0);
}

static void set_again(struct taker *t)
{
	set_timer(t, 0);
	if (t->turns == 5)
		stop(t);
}

/* What is always due must not keep descriptors from their turns. */
static void one_that_sets_itself_again_lets_others_through(void **state)
{
	watch(&taker[1]);
	put(&taker[1]);
	set_timer(&taker[0], 0);
	taker[0].then = set_again;
	assert_int_equal(loop_run(loop), 100);
	assert_true(taker[1].turns >= 4);
}

/* One with a due time in the past is the first of all each time, and still no other waits. */
static void one_that_is_overdue_lets_other_timers_through(void **state)
{
	loop_timer(loop, &taker[0].timer, 0);
	taker[0].then = due_since_ever;
	set_timer(&taker[1], NS_PER_MS);
	taker[1].then = stop;
	assert_int_equal(loop_run(loop), 101);
	assert_true(taker[0].turns > 1);
}

/* --- Signals ----------------------------------------------------------------------------- */

static unsigned int hups;

static void hup(void *context)
{
	hups++;
}

static void end(void *context)
{
	loop_stop(loop, *(int *)context);
}

static void signals_take_turns(void **state)
{
	int code = 7;

	hups = 0;
	assert_int_equal(loop_signal(loop, SIGHUP, hup, NULL), 0);
	assert_int_equal(loop_signal(loop, SIGUSR1, end, &code), 0);
	assert_int_equal(loop_signal(loop, 64, hup, NULL), -EINVAL);
	raise(SIGHUP);
	run_rounds(2);
	assert_int_equal(hups, 1);
	raise(SIGUSR1);
	assert_int_equal(loop_run(loop), 7);
	raise(SIGHUP);
	raise(SIGHUP); /* one that is pending is one */
	run_rounds(2);
	assert_int_equal(hups, 2);
}

/* --- Turns ------------------------------------------------------------------------------- */

static void each_comes_before_the_first_wait_and_may_stop(void **state)
{
	each_stops = 1;
	loop_each(loop, each, NULL);
	assert_int_equal(loop_run(loop), 0); /* nothing is watched: a wait would not end */
	assert_int_equal(each_turns, 1);
}

static void again_does_not_wait(void **state)
{
	each_stops = 1000;
	loop_each(loop, again, NULL);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(each_turns, 1000);
}

static void stopped_means_that_no_other_takes_a_turn(void **state)
{
	for (int i = 0; i < 3; i++) {
		watch(&taker[i]);
		put(&taker[i]);
		taker[i].then = stop;
		set_timer(&taker[i], 0);
	}
	loop_run(loop);
	assert_int_equal(taker[0].turns + taker[1].turns + taker[2].turns, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_ready_takes_its_turn_and_what_is_not_does_not),
		TEST(the_other_end_is_heard_when_it_goes),
		TEST(one_that_is_removed_while_its_event_waits_takes_no_turn),
		TEST(a_number_that_came_again_brings_no_event_of_before),
		TEST(one_that_is_watched_in_a_turn_takes_its_own_later),
		TEST(another_event_is_waited_for_from_then_on),
		TEST(what_cannot_be_watched_is_refused),
		TEST(one_that_is_followed_may_be_another_under_its_number),
		TEST(timers_are_due_in_the_order_of_their_times),
		TEST(one_that_is_put_off_or_taken_back_is_not_due),
		TEST(one_that_sets_itself_again_lets_others_through),
		TEST(one_that_is_overdue_lets_other_timers_through),
		TEST(signals_take_turns),
		TEST(each_comes_before_the_first_wait_and_may_stop),
		TEST(again_does_not_wait),
		TEST(stopped_means_that_no_other_takes_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
