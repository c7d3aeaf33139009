// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Options as they are written and read back, and the table of elements. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "unit/wire_bed.h"

static const struct wire_option *find(const struct bed *bed, enum wire_option_kind kind, int nth)
{
	for (unsigned int i = 0; i < bed->options; i++) {
		if (bed->option[i].kind == kind && !nth--)
			return &bed->option[i];
	}
	fail_msg("no option of kind %d", kind);
	return NULL;
}

static void options_come_back_as_they_were(void **state)
{
	const struct wire_statistics s = {
		BOOT / WIRE_NS_PER_MS * WIRE_NS_PER_MS, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	static char about[301];

	memset(about, 'a', sizeof(about) - 1);
	for (enum wire_protocol p = WIRE_IPFIX; p <= WIRE_V5; p++) {
		struct writer *w = writer_new(p, 1400);
		struct wire_statistics got, shall = s;
		const struct wire_option *o;

		assert_int_equal(wire_add_templates(&w->e), 0);
		assert_int_equal(wire_add_sampling(&w->e), 0);
		assert_int_equal(wire_add_interface(&w->e, 7, "eth7", about), 0);
		assert_int_equal(wire_add_interface(&w->e, 8, "a-name-of-20-letters", NULL), 0);
		assert_int_equal(wire_add_statistics(&w->e, &s), 0);
		finish(w);
		assert_nothing_bad(w->bed);
		if (p == WIRE_V5) {
			assert_int_equal(w->messages, 0);
			writer_free(w);
			continue;
		}
		assert_int_equal(find(w->bed, WIRE_OPTION_SAMPLING, 0)->sampling.rate, 1);
		o = find(w->bed, WIRE_OPTION_INTERFACE, 0);
		assert_int_equal(o->interface.ifindex, 7);
		assert_string_equal(o->interface.name, "eth7");
		o = find(w->bed, WIRE_OPTION_INTERFACE, 1);
		assert_int_equal(o->interface.ifindex, 7);
		assert_int_equal(strlen(o->interface.about), 64);
		o = find(w->bed, WIRE_OPTION_INTERFACE, 2);
		assert_int_equal(o->interface.ifindex, 8);
		assert_string_equal(o->interface.name, "a-name-of-20-let");

		/* The metering process tells of its own. */
		got = find(w->bed, WIRE_OPTION_STATISTICS, 0)->statistics;
		o = find(w->bed, WIRE_OPTION_STATISTICS, 1);
		got.ignored_packets = o->statistics.ignored_packets;
		got.ignored_bytes = o->statistics.ignored_bytes;
		got.overflow_packets = o->statistics.overflow_packets;
		got.overflow_bytes = o->statistics.overflow_bytes;
		got.seen_packets = o->statistics.seen_packets;
		got.seen_bytes = o->statistics.seen_bytes;
		if (p == WIRE_V9) {
			shall.overflow_packets = shall.overflow_bytes = 0;
			shall.seen_packets = shall.seen_bytes = 0;
		}
		assert_memory_equal(&got, &shall, sizeof(got));
		writer_free(w);
	}
}

static void types_tell_what_weirs_elements_are(void **state)
{
	struct writer *w = writer_new(WIRE_IPFIX, 280);
	unsigned int next = 0, calls = 0;
	const struct wire_option *o;

	/* Small messages, so that it takes several. */
	do {
		assert_int_equal(wire_add_types(&w->e, &next), 0);
		finish(w);
		calls++;
	} while (next);
	assert_in_range(calls, 2, 10);
	wire_begin(&w->e, w->buffer, 100);
	assert_int_equal(wire_add_types(&w->e, &next), -ENOSPC);
	assert_int_equal(w->e.records, 0);
	assert_nothing_bad(w->bed);
	assert_int_equal(w->bed->options, WIRE_ROWS - WIRE_OWN_FIRST);
	o = find(w->bed, WIRE_OPTION_TYPE, 0);
	assert_int_equal(o->type.pen, WIRE_WEIR_PEN);
	assert_int_equal(o->type.number, 1);
	assert_int_equal(o->type.type, 4);      /* unsigned64 */
	assert_int_equal(o->type.semantics, 2); /* totalCounter */
	assert_int_equal(o->type.units, 3);     /* packets */
	assert_string_equal(o->type.name, "overflowPacketTotalCount");
	assert_string_equal(o->type.about, wire_elements[WIRE_OWN_FIRST].about);
	writer_free(w);
}

static void the_table_is_sorted_and_finds_itself(void **state)
{
	for (int i = 0; i < WIRE_ROWS; i++) {
		const struct wire_element *e = &wire_elements[i];

		assert_ptr_equal(wire_element_find(e->pen, e->number), e);
	}
	assert_null(wire_element_find(0, 0));
	assert_null(wire_element_find(0, 9999));
	assert_null(wire_element_find(9, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_come_back_as_they_were),
		cmocka_unit_test(types_tell_what_weirs_elements_are),
		cmocka_unit_test(the_table_is_sorted_and_finds_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
