/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "weir/window.h"

#define SEC WEIR_NS_PER_SEC

static void the_second_changes_exactly_at_its_boundary(void **state)
{
	struct weir_second s = {0};

	assert_int_equal(weir_second_of(&s, 0), 0);
	assert_int_equal(weir_second_of(&s, SEC - 1), 0);
	assert_int_equal(weir_second_of(&s, SEC), 1);
	assert_int_equal(weir_second_of(&s, 2 * SEC - 1), 1);
	assert_int_equal(weir_second_of(&s, 1000 * SEC + 999999999), 1000);
	assert_int_equal(s.start_ns, 1000 * SEC);
}

static void a_clock_that_steps_back_gives_the_earlier_second(void **state)
{
	struct weir_second s = {0};

	assert_int_equal(weir_second_of(&s, 100 * SEC), 100);
	assert_int_equal(weir_second_of(&s, 100 * SEC - 1), 99);
	assert_int_equal(weir_second_of(&s, 3), 0);
	assert_int_equal(weir_second_of(&s, UINT64_MAX), UINT64_MAX / SEC);
}

static void slots_come_round_after_64_seconds(void **state)
{
	uint64_t seen = 0;

	for (uint64_t second = 1000; second < 1064; second++)
		seen |= 1ull << weir_slot_index(second);
	assert_int_equal(seen, UINT64_MAX);
	assert_int_equal(weir_slot_index(63), 63);
	assert_int_equal(weir_slot_index(64), 0);
	assert_int_equal(weir_slot_index(UINT64_MAX), 63);
}

static void a_window_holds_the_seconds_before_the_current_one(void **state)
{
	struct weir_slot slot = {.second = 0};
	const struct {
		uint64_t second;
		int in;
	} cases[] = {{101, 0}, {100, 0}, {99, 1}, {90, 1}, {89, 0}, {36, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		slot.second = cases[i].second;
		assert_int_equal(weir_slot_in_window(&slot, 100, 10), cases[i].in);
	}
}

/* Second s brings s packets: w seconds before `now` bring w * now - w * (w + 1) / 2. */
static void a_window_sums_to_the_closed_form_at_every_width(void **state)
{
	static struct weir_slot slots[WEIR_SLOTS];

	for (uint64_t now = 1; now < 500; now++) {
		struct weir_slot *slot = &slots[weir_slot_index(now)];

		slot->second = now;
		slot->query[0].packets = now;
		for (uint32_t w = 1; w <= WEIR_WINDOW_MAX && w < now; w++) {
			uint64_t sum = 0;

			for (int i = 0; i < WEIR_SLOTS; i++) {
				if (weir_slot_in_window(&slots[i], now, w))
					sum += slots[i].query[0].packets;
			}
			assert_int_equal(sum, w * now - w * (w + 1ull) / 2);
		}
	}
}

static void the_widest_window_avoids_the_slot_about_to_be_cleared(void **state)
{
	for (uint64_t now = 64; now < 200; now++) {
		for (uint64_t back = 1; back <= WEIR_WINDOW_MAX; back++) {
			assert_int_not_equal(weir_slot_index(now - back), weir_slot_index(now));
			assert_int_not_equal(weir_slot_index(now - back), weir_slot_index(now + 1));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_changes_exactly_at_its_boundary),
		cmocka_unit_test(a_clock_that_steps_back_gives_the_earlier_second),
		cmocka_unit_test(slots_come_round_after_64_seconds),
		cmocka_unit_test(a_window_holds_the_seconds_before_the_current_one),
		cmocka_unit_test(a_window_sums_to_the_closed_form_at_every_width),
		cmocka_unit_test(the_widest_window_avoids_the_slot_about_to_be_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
