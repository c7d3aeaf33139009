/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is what weir says of a kernel so, and what it says it would attach what it attaches?
 *
 * The kernel's own symbols are asked as well. And since one kernel is either with a feature or
 * without, libbpf's way to it goes through a syscall() that can leave one out: it answers then as a
 * kernel does that has never heard of it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kernel/bed.h"
#include "meter/netlink.h"

#define TCX_INGRESS 46 /* enum bpf_attach_type */
#define TCX_EGRESS 47
#define PROBE_INSNS 8 /* libbpf's have fewer, our programs more */
#define NOTHING METER_FEATURES

static enum meter_feature_id without = NOTHING;
static int jit_enabled;

/* --- A kernel without ------------------------------------------------------------------ */

typedef long (*syscall_fn)(long number, ...);

static bool calls(const union bpf_attr *attr, enum bpf_func_id helper)
{
	const struct bpf_insn *insn = (void *)(uintptr_t)attr->insns;

	for (__u32 i = 0; attr->insn_cnt < PROBE_INSNS && i < attr->insn_cnt; i++) {
		if (insn[i].code == (BPF_JMP | BPF_CALL) && insn[i].imm == (int)helper)
			return true;
	}
	return false;
}

static bool is_tcx(__u32 attach_type)
{
	return attach_type == TCX_INGRESS || attach_type == TCX_EGRESS;
}

static bool is_unknown(int command, const union bpf_attr *attr)
{
	switch (without) {
	case FEATURE_RING:
		return command == BPF_MAP_CREATE && attr->map_type == BPF_MAP_TYPE_RINGBUF;
	case FEATURE_XDP_LINK:
		return command == BPF_LINK_CREATE && attr->link_create.attach_type == BPF_XDP;
	case FEATURE_MEMORY:
		return command == BPF_PROG_LOAD && calls(attr, BPF_FUNC_ktime_get_coarse_ns);
	case FEATURE_FRAGS:
		return command == BPF_PROG_LOAD && calls(attr, BPF_FUNC_xdp_get_buff_len);
	case FEATURE_TCX:
		return (command == BPF_LINK_CREATE && is_tcx(attr->link_create.attach_type)) ||
		       (command == BPF_PROG_QUERY && is_tcx(attr->query.attach_type));
	default:
		return false;
	}
}

static void interpret(const union bpf_attr *attr, __u32 asked)
{
	struct bpf_prog_info *info = (void *)(uintptr_t)attr->info.info;

	if (asked == sizeof(*info)) /* an older kernel fills less */
		info->jited_prog_len = 0;
}

/* In place of the C library's. */
long syscall(long number, ...)
{
	static syscall_fn next;
	const union bpf_attr *attr;
	long arg[6], result;
	__u32 asked;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (!next)
		next = (syscall_fn)dlsym(RTLD_NEXT, "syscall");
	attr = number == SYS_bpf ? (const union bpf_attr *)arg[1] : NULL;
	if (attr && is_unknown(arg[0], attr)) {
		if (arg[0] == BPF_PROG_LOAD && attr->log_buf)
			strcpy((char *)(uintptr_t)attr->log_buf, "invalid func unknown#999\n");
		errno = EINVAL;
		return -1;
	}
	asked = attr && arg[0] == BPF_OBJ_GET_INFO_BY_FD ? attr->info.info_len : 0;
	result = next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (asked && without == FEATURE_JIT)
		interpret(attr, asked);
	return result;
}

/* --- What is there --------------------------------------------------------------------- */

static bool gives(const struct meter_kernel *k, enum meter_feature_id feature)
{
	assert_int_not_equal(k->given[feature], METER_UNTOLD);
	return k->given[feature] == METER_GIVES;
}

static void what_the_kernel_gives_is_what_its_symbols_say(void **state)
{
	static const char *const symbols[METER_FEATURES] = {
		[FEATURE_RING] = "bpf_ringbuf_reserve",
		[FEATURE_XDP_LINK] = "bpf_xdp_link_attach",
		[FEATURE_FRAGS] = "bpf_xdp_get_buff_len",
		[FEATURE_TCX] = "tcx_prog_attach",
		[FEATURE_VLAN] = "bpf_xdp_metadata_rx_vlan_tag",
	};
	struct meter_kernel k;

	meter_probe(NULL, &k);
	assert_int_equal(k.no_btf, access("/sys/kernel/btf/vmlinux", F_OK) != 0);
	for (int f = 0; f < METER_FEATURES; f++) {
		if (!symbols[f])
			continue;
		print_message("# %s: %s\n", meter_features[f].name, gives(&k, f) ? "yes" : "no");
		assert_int_equal(gives(&k, f),
				 bed_has_symbol(symbols[f]) && (f != FEATURE_VLAN || !k.no_btf));
	}
}

/* Where maps are locked memory, a process that may lock none can make none. */
static void maps_are_locked_memory_where_the_kernel_does_not_charge_the_cgroup(void **state)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY,
			       .key_size = sizeof(__u32),
			       .value_size = sizeof(__u32),
			       .max_entries = 1};
	struct rlimit before, none = {};
	struct meter_kernel k;
	int map, refused;

	meter_probe(NULL, &k);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	map = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr), 0, 0, 0);
	refused = map < 0 ? errno : 0;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	if (map >= 0)
		close(map);
	assert_int_equal(refused, gives(&k, FEATURE_MEMORY) ? 0 : EPERM);
}

static void programs_are_machine_code_where_the_system_is_set_to_it(void **state)
{
	struct meter_kernel k;

	meter_probe(NULL, &k);
	assert_int_equal(gives(&k, FEATURE_JIT), jit_enabled > 0);
}

static void what_was_chosen_at_load_is_told_of_a_meter(void **state)
{
	for (int no_frags = 0; no_frags < 2; no_frags++) {
		struct meter_options options = {.flow_size = 64, .no_frags = no_frags};
		struct why why;
		struct meter_kernel k;
		struct meter m;

		assert_int_equal(meter_load(&options, &m, &why), 0);
		meter_probe(&m, &k);
		assert_int_equal(k.unused[FEATURE_FRAGS], no_frags || !gives(&k, FEATURE_FRAGS));
		assert_int_equal(k.unused[FEATURE_JIT], !jit_enabled);
		for (int i = 0; i < PROG_MAX; i++)
			assert_int_equal(k.verified[i], m.verified[i]);
		meter_close(&m);
	}
}

static void
what_was_chosen_at_load_is_told_of_what_is_pinned_and_kept_by_who_adopts_it(void **state)
{
	const struct meter_options plain = {.flow_size = 64, .no_frags = true};
	struct meter_options other = {.flow_size = 64};
	struct why why;
	struct meter m, later;
	struct meter_kernel k;

	assert_int_equal(meter_start(&plain, &m, &why), 0);
	assert_int_equal(meter_start(&other, &later, &why), 0);
	assert_true(later.adopted);
	assert_false(later.frags);
	meter_close(&later);
	assert_int_equal(meter_peek(&later, &why), 0);
	meter_probe(&later, &k);
	assert_true(k.unused[FEATURE_FRAGS]);
	assert_int_equal(k.unused[FEATURE_JIT], !jit_enabled);
	for (int i = 0; i < PROG_MAX; i++) { /* the kernel tells since 5.16 */
		if (k.verified[i] || k.given[FEATURE_FRAGS] == METER_GIVES)
			assert_int_equal(k.verified[i], m.verified[i]);
	}
	meter_close(&later);
	meter_close(&m);
	assert_int_equal(meter_unpin(&why), 0);
}

static void a_kernel_without_one_of_them_is_without_that_one(void **state)
{
	struct meter_kernel all, k;

	meter_probe(NULL, &all);
	for (without = 0; without < METER_FEATURES; without++) {
		if (without == FEATURE_VLAN)
			continue;
		meter_probe(NULL, &k);
		for (int f = 0; f < METER_FEATURES; f++) {
			bool lacks = f == (int)without ||
				     (f == FEATURE_VLAN && without == FEATURE_JIT);

			assert_int_equal(k.given[f], lacks ? METER_LACKS : all.given[f]);
		}
	}
	without = NOTHING;
}

static void without_BTF_there_is_no_hint_and_it_is_said_why(void **state)
{
	struct meter_kernel k;

	if (!access("/sys/kernel/btf", F_OK))
		assert_int_equal(mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL), 0);
	meter_probe(NULL, &k);
	if (!access("/sys/kernel/btf", F_OK))
		assert_int_equal(umount("/sys/kernel/btf"), 0);
	assert_true(k.no_btf);
	assert_int_equal(k.given[FEATURE_VLAN], METER_LACKS);
}

static void a_kernel_without_the_ring_is_refused_by_name(void **state)
{
	struct why why;
	struct meter m;
	int code;

	without = FEATURE_RING;
	code = meter_load(&(struct meter_options){.flow_size = 64}, &m, &why);
	without = NOTHING;
	assert_true(code < 0);
	assert_string_equal(why.text, "this kernel has no ring buffer (Linux 5.8): weir needs "
				      "Linux 5.10 or newer");
}

/* --- What would be attached ------------------------------------------------------------ */

static __u32 xdp_on(__u32 ifindex)
{
	__u32 id = 0;

	assert_int_equal(bpf_xdp_query_id(ifindex, 0, &id), 0);
	return id;
}

static __u32 tcx_on(__u32 ifindex, int type)
{
	__u32 count = 0, flags = 0;

	return bpf_prog_query(ifindex, type, 0, &flags, NULL, &count) ? 0 : count;
}

static void nothing_is_on(const char *name, __u32 before_xdp, int before_qdisc)
{
	const __u32 ifindex = if_nametoindex(name);

	assert_int_equal(xdp_on(ifindex), before_xdp);
	assert_int_equal(tcx_on(ifindex, TCX_INGRESS), 0);
	assert_int_equal(tcx_on(ifindex, TCX_EGRESS), 0);
	assert_int_equal(netlink_qdisc(ifindex), before_qdisc);
}

/* Before Linux 6.3 nobody tells whether a driver takes native XDP. */
static bool is_guess(__u32 ifindex, const struct attach_policy *policy)
{
	return policy->in <= ATTACH_IN_NATIVE && netlink_native_xdp(ifindex) == NETLINK_UNTOLD;
}

/* Foresees, looks that nothing is attached, attaches, compares. */
static void comes_as_foreseen(struct meter *m, const struct meter_kernel *k, const char *name,
			      const struct attach_policy *policy)
{
	const __u32 ifindex = if_nametoindex(name), xdp = xdp_on(ifindex);
	const int qdisc = netlink_qdisc(ifindex);
	struct weir_interface foreseen = {}, attached = {};
	struct why foretold = {}, told = {};
	int code = meter_foresee(m, k, ifindex, name, policy, false, &foreseen, &foretold);
	int attach_code;

	nothing_is_on(name, xdp, qdisc);
	attach_code = meter_attach(m, ifindex, name, policy, false, &attached, &told);
	if (code ? is_guess(ifindex, policy) : !!strstr(foreseen.why, "if its driver can")) {
		assert_int_equal(netlink_native_xdp(ifindex), NETLINK_UNTOLD);
		if (code)
			assert_int_not_equal(attach_code, 0);
		else if (!attach_code)
			assert_string_equal(strstr(foreseen.why, "; out:"),
					    strstr(attached.why, "; out:"));
		if (!code && !strcmp(name, "v0"))
			assert_int_equal(attached.in, WEIR_HOOK_XDP_NATIVE);
	} else {
		assert_int_equal(code, attach_code);
		assert_string_equal(foreseen.why, attached.why);
		assert_string_equal(foretold.text, told.text);
	}
	if (attached.why[0])
		assert_int_equal(meter_detach(m, ifindex, &told), 0);
	nothing_is_on(name, xdp, qdisc);
}

static void with_every_policy(struct meter *m, const char *name)
{
	struct attach_policy policy;
	struct meter_kernel k;

	meter_probe(m, &k);
	for (int in = ATTACH_IN_AUTO; in <= ATTACH_IN_TC; in++) {
		for (int out = ATTACH_OUT_AUTO; out <= ATTACH_OUT_CLSACT; out++) {
			for (int vlan = ATTACH_VLAN_AUTO; vlan <= ATTACH_VLAN_NEVER; vlan++) {
				policy = (struct attach_policy){in, out, vlan};
				comes_as_foreseen(m, &k, name, &policy);
			}
		}
	}
}

static struct meter meter;

static void what_is_foreseen_is_what_is_attached_to_any_device_by_any_policy(void **state)
{
	with_every_policy(&meter, "v0");
	with_every_policy(&meter, "lo");
	with_every_policy(&meter, "t0");
}

static void it_is_on_a_kernel_without_TCX_or_without_the_XDP_link(void **state)
{
	without = FEATURE_TCX;
	with_every_policy(&meter, "v0");
	without = FEATURE_XDP_LINK;
	with_every_policy(&meter, "v0");
	without = NOTHING;
}

static void it_is_where_others_were_before_us(void **state)
{
	const __u32 v0 = if_nametoindex("v0");

	assert_int_equal(bpf_xdp_attach(v0, meter.prog[PROG_XDP], 0, NULL), 0);
	with_every_policy(&meter, "v0");
	assert_int_equal(bpf_xdp_detach(v0, 0, NULL), 0);
	assert_int_equal(system("tc qdisc add dev v0 ingress"), 0);
	with_every_policy(&meter, "v0");
	assert_int_equal(system("tc qdisc del dev v0 ingress"), 0);
}

/* --------------------------------------------------------------------------------------- */

/* Interfaces, pins and mounts of this process alone. */
static int open_room(void **state)
{
	FILE *jit = fopen("/proc/sys/net/core/bpf_jit_enable", "r"); /* of the first namespace */
	struct why why;

	assert_non_null(jit);
	assert_int_equal(fscanf(jit, "%d", &jit_enabled), 1);
	fclose(jit);
	assert_int_equal(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL), 0);
	/* Without udev the node is missing that brings the module. */
	mkdir("/dev/net", 0755);
	assert_true(!mknod("/dev/net/tun", S_IFCHR | 0600, makedev(10, 200)) || errno == EEXIST);
	assert_int_equal(system("ip link set lo up && ip link add v0 type veth peer name v1 && "
				"ip link set v0 up && ip link set v1 up && "
				"ip tuntap add t0 mode tun"),
			 0);
	assert_int_equal(meter_load(&(struct meter_options){.flow_size = 64}, &meter, &why), 0);
	return 0;
}

static int close_room(void **state)
{
	meter_close(&meter);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_gives_is_what_its_symbols_say),
		cmocka_unit_test(
			maps_are_locked_memory_where_the_kernel_does_not_charge_the_cgroup),
		cmocka_unit_test(programs_are_machine_code_where_the_system_is_set_to_it),
		cmocka_unit_test(what_was_chosen_at_load_is_told_of_a_meter),
		cmocka_unit_test(
			what_was_chosen_at_load_is_told_of_what_is_pinned_and_kept_by_who_adopts_it),
		cmocka_unit_test(a_kernel_without_one_of_them_is_without_that_one),
		cmocka_unit_test(without_BTF_there_is_no_hint_and_it_is_said_why),
		cmocka_unit_test(a_kernel_without_the_ring_is_refused_by_name),
		cmocka_unit_test(what_is_foreseen_is_what_is_attached_to_any_device_by_any_policy),
		cmocka_unit_test(it_is_on_a_kernel_without_TCX_or_without_the_XDP_link),
		cmocka_unit_test(it_is_where_others_were_before_us),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_room, close_room);
}
