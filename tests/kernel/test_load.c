/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Do the kernel programs load in every variant, and how much work is that for the verifier? */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/bed.h"

#include "weir.skel.h"

#define INSNS_MAX 100000 /* a tenth of the verifier's own limit (BPF_COMPLEXITY_LIMIT_INSNS) */

static const char *const names[PROG_MAX] = {
	[PROG_XDP] = "weir_xdp",     [PROG_TC_IN] = "weir_tc_in",   [PROG_TC_OUT] = "weir_tc_out",
	[PROG_L3_IN] = "weir_l3_in", [PROG_L3_OUT] = "weir_l3_out",
};

static struct bpf_prog_info info_of(int prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(prog, &info, &size), 0);
	return info;
}

/* The kernel matrix (tests/kernels) reads these lines. False: too much work for the verifier. */
static bool is_light(const char *configuration, const char *name, __u32 verified)
{
	printf("# load %s %s %u\n", configuration, name, verified);
	assert_int_not_equal(verified, 0);
	return verified < INSNS_MAX;
}

static void load(const char *configuration, const struct meter_options *options)
{
	bool light = true;
	struct why why;
	struct meter m;

	if (meter_load(options, &m, &why)) {
		printf("# load %s weir failed: %s\n", configuration, why.text);
		fail_msg("%s", why.text);
	}
	for (int i = 0; i < PROG_MAX; i++) {
		struct bpf_prog_info info = info_of(m.prog[i]);

		assert_string_equal(info.name, names[i]);
		if (info.verified_insns) /* since 5.16 */
			assert_int_equal(m.verified[i], info.verified_insns);
		light &= is_light(configuration, names[i], m.verified[i]);
	}
	assert_int_equal(m.frags, !options->no_frags && bed_has_symbol("bpf_xdp_get_buff_len"));
	meter_close(&m);
	assert_true(light);
}

static void the_live_programs_load_and_verify_quickly(void **state)
{
	load("live", &(struct meter_options){.flow_size = 1024});
}

static void the_replay_programs_load_and_verify_quickly(void **state)
{
	load("replay", &(struct meter_options){.flow_size = 1024, .replay = true});
}

static void the_programs_load_without_fragments(void **state)
{
	load("live-nofrags", &(struct meter_options){.flow_size = 1024, .no_frags = true});
}

static void the_replay_programs_load_without_fragments(void **state)
{
	load("replay-nofrags",
	     &(struct meter_options){.flow_size = 1024, .no_frags = true, .replay = true});
}

static void a_cache_of_one_flow_has_a_set_per_cpu(void **state)
{
	struct why why;
	struct meter m;

	assert_int_equal(meter_load(&(struct meter_options){.flow_size = 1}, &m, &why), 0);
	assert_int_equal(m.sets, m.cpus);
	meter_close(&m);
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

static void the_bound_program_loads_where_the_kernel_has_its_hint_and_shares_all(void **state)
{
	static const enum meter_map used[] = {MAP_FLOWS,  MAP_BOOKS,     MAP_WINDOWS,
					      MAP_TABLES, MAP_DEVICES,   MAP_FRAGMENTS,
					      MAP_RING,   MAP_CONSTANTS, MAP_CONTROL};

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link add veth0 type veth peer name veth1"), 0);
	for (int no_frags = 0; no_frags < 2; no_frags++) {
		const char *configuration = no_frags ? "bound-nofrags" : "bound";
		struct meter_options options = {.flow_size = 1024, .no_frags = no_frags};
		struct why why;
		struct meter m;
		bool light;
		int prog;

		assert_int_equal(meter_load(&options, &m, &why), 0);
		prog = meter_load_bound(&m, if_nametoindex("veth0"));
		if (!bed_has_symbol("bpf_xdp_metadata_rx_vlan_tag")) {
			printf("# load %s - absent: no VLAN hint (Linux 6.8)\n", configuration);
			assert_true(prog < 0);
			meter_close(&m);
			continue;
		}
		if (prog < 0) {
			printf("# load %s weir_xdp_bound failed: %s\n", configuration,
			       strerror(-prog));
			fail_msg("%s", strerror(-prog));
		}
		for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++)
			expect_shared(prog, m.map[used[i]]);
		light = is_light(configuration, "weir_xdp_bound", info_of(prog).verified_insns);
		close(prog);
		meter_close(&m);
		assert_true(light);
	}
}

/* A function that the verifier looks at by itself may take a pointer on kernels with BTF of their own
 * only: without it they do not know what a context is. */
static void functions_verified_by_themselves_take_numbers_only(void **state)
{
	struct weir_bpf *s = weir_bpf__open();
	const struct btf *btf;
	int functions = 0;

	assert_non_null(s);
	btf = bpf_object__btf(s->obj);
	assert_non_null(btf);
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *function = btf__type_by_id(btf, id), *prototype;
		const char *name = btf__name_by_offset(btf, function->name_off);

		if (!btf_is_func(function) || btf_vlen(function) != BTF_FUNC_GLOBAL ||
		    bpf_object__find_program_by_name(s->obj, name))
			continue;
		functions++;
		prototype = btf__type_by_id(btf, function->type);
		for (int i = 0; i < btf_vlen(prototype); i++) {
			int type = btf__resolve_type(btf, btf_params(prototype)[i].type);

			assert_true(type > 0);
			if (!btf_is_int(btf__type_by_id(btf, type)))
				fail_msg("%s takes more than numbers", name);
		}
	}
	assert_true(functions > 5);
	weir_bpf__destroy(s);
}

static void no_program_is_bound_to_a_device_that_is_not_there(void **state)
{
	struct why why;
	struct meter m;

	assert_int_equal(meter_load(&(struct meter_options){.flow_size = 1}, &m, &why), 0);
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
		cmocka_unit_test(
			the_bound_program_loads_where_the_kernel_has_its_hint_and_shares_all),
		cmocka_unit_test(functions_verified_by_themselves_take_numbers_only),
		cmocka_unit_test(no_program_is_bound_to_a_device_that_is_not_there),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
