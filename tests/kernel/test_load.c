/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Do the kernel programs load in every variant, and how much work is that for the verifier? */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/bed.h"

#define INSNS_MAX 100000 /* a tenth of the verifier's own limit (BPF_COMPLEXITY_LIMIT_INSNS) */

static const char *const names[PROG_MAX] = {
	[PROG_XDP] = "weir_xdp",     [PROG_TC_IN] = "weir_tc_in",   [PROG_TC_OUT] = "weir_tc_out",
	[PROG_L3_IN] = "weir_l3_in", [PROG_L3_OUT] = "weir_l3_out",
};

static void load(const struct meter_options *options)
{
	struct meter_error err;
	struct meter m;
	int too_large = 0;

	if (meter_load(options, &m, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < PROG_MAX; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		assert_int_equal(bpf_obj_get_info_by_fd(m.prog[i], &info, &size), 0);
		assert_string_equal(info.name, names[i]);
		printf("# %s: %u instructions verified\n", names[i], info.verified_insns);
		too_large += info.verified_insns >= INSNS_MAX;
	}
	assert_int_equal(m.frags, !options->no_frags);
	meter_close(&m);
	assert_int_equal(too_large, 0);
}

static void the_live_programs_load_and_verify_quickly(void **state)
{
	load(&(struct meter_options){.flow_size = 1024});
}

static void the_replay_programs_load_and_verify_quickly(void **state)
{
	load(&(struct meter_options){.flow_size = 1024, .replay = true});
}

static void the_programs_load_without_fragments(void **state)
{
	load(&(struct meter_options){.flow_size = 1024, .no_frags = true});
}

static void the_replay_programs_load_without_fragments(void **state)
{
	load(&(struct meter_options){.flow_size = 1024, .no_frags = true, .replay = true});
}

static void a_cache_of_one_flow_has_a_set_per_cpu(void **state)
{
	struct meter_error err;
	struct meter m;

	assert_int_equal(meter_load(&(struct meter_options){.flow_size = 1}, &m, &err), 0);
	assert_int_equal(m.sets, m.cpus);
	meter_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_live_programs_load_and_verify_quickly),
		cmocka_unit_test(the_replay_programs_load_and_verify_quickly),
		cmocka_unit_test(the_programs_load_without_fragments),
		cmocka_unit_test(the_replay_programs_load_without_fragments),
		cmocka_unit_test(a_cache_of_one_flow_has_a_set_per_cpu),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
