/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Do the kernel programs load in every variant, and how much work is that for the verifier? */
#include <bpf/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/bed.h"

#define INSNS_MAX 100000 /* a tenth of the verifier's own limit (BPF_COMPLEXITY_LIMIT_INSNS) */

static const char *const names[PROG_MAX] = {
	[PROG_XDP] = "weir_xdp",     [PROG_TC_IN] = "weir_tc_in",   [PROG_TC_OUT] = "weir_tc_out",
	[PROG_L3_IN] = "weir_l3_in", [PROG_L3_OUT] = "weir_l3_out",
};

/* False: too much work for the verifier. */
static bool check_program(int prog, const char *name)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(prog, &info, &size), 0);
	assert_string_equal(info.name, name);
	printf("# %s: %u instructions verified\n", name, info.verified_insns);
	return info.verified_insns < INSNS_MAX;
}

static void load(const struct meter_options *options)
{
	struct meter_error err;
	struct meter m;
	int too_large = 0;

	if (meter_load(options, &m, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < PROG_MAX; i++)
		too_large += !check_program(m.prog[i], names[i]);
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

static bool has_kfunc(const char *name)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char symbol[256];
	bool found = false;

	assert_non_null(symbols);
	while (!found && fscanf(symbols, "%*s %*s %255s%*[^\n]", symbol) == 1)
		found = !strcmp(symbol, name);
	fclose(symbols);
	return found;
}

static void expect_shared(int prog, int map)
{
	struct bpf_map_info shared = {};
	__u32 maps[64] = {}; /* MAX_USED_MAPS */
	struct bpf_prog_info info = {.nr_map_ids = 64, .map_ids = (uintptr_t)maps};
	__u32 size = sizeof(info), map_size = sizeof(shared);

	assert_int_equal(bpf_obj_get_info_by_fd(prog, &info, &size), 0);
	assert_int_equal(bpf_obj_get_info_by_fd(map, &shared, &map_size), 0);
	for (__u32 i = 0; i < info.nr_map_ids; i++) {
		if (maps[i] == shared.id)
			return;
	}
	fail_msg("map %s is not shared", shared.name);
}

static void the_bound_program_loads_and_shares_what_the_common_ones_use(void **state)
{
	static const enum meter_map used[] = {MAP_FLOWS,  MAP_BOOKS,     MAP_WINDOWS,
					      MAP_TABLES, MAP_DEVICES,   MAP_FRAGMENTS,
					      MAP_RING,   MAP_CONSTANTS, MAP_CONTROL};

	if (!has_kfunc("bpf_xdp_metadata_rx_vlan_tag")) {
		print_message("# no bpf_xdp_metadata_rx_vlan_tag (Linux 6.8)\n");
		skip();
	}
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link add veth0 type veth peer name veth1"), 0);
	for (int no_frags = 0; no_frags < 2; no_frags++) {
		struct meter_options options = {.flow_size = 1024, .no_frags = no_frags};
		struct meter_error err;
		struct meter m;
		bool small;
		int prog;

		assert_int_equal(meter_load(&options, &m, &err), 0);
		prog = meter_load_bound(&m, if_nametoindex("veth0"));
		if (prog < 0)
			fail_msg("%s", strerror(-prog));
		for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++)
			expect_shared(prog, m.map[used[i]]);
		small = check_program(prog, "weir_xdp_bound");
		close(prog);
		meter_close(&m);
		assert_true(small);
	}
}

static void no_program_is_bound_to_a_device_that_is_not_there(void **state)
{
	struct meter_error err;
	struct meter m;

	assert_int_equal(meter_load(&(struct meter_options){.flow_size = 1}, &m, &err), 0);
	assert_true(meter_load_bound(&m, 0x7ffffffe) < 0);
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
		cmocka_unit_test(the_bound_program_loads_and_shares_what_the_common_ones_use),
		cmocka_unit_test(no_program_is_bound_to_a_device_that_is_not_there),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
