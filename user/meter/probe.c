// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the running kernel gives. Each is a question to the kernel whose answer is the feature
 * itself, or came with it; its version is read for people only. Nothing is attached: the two
 * questions about hooks go to the loopback device, which cannot do what one of them asks, and is
 * only read by the other.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "meter/meter_internal.h"

#define LOOPBACK 1 /* its ifindex in every network namespace, LOOPBACK_IFINDEX */
#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define VLAN_HINT "bpf_xdp_metadata_rx_vlan_tag"

const struct meter_feature meter_features[METER_FEATURES] = {
	[FEATURE_RING] = {.key = "ring_buffer",
			  .name = "ring buffer",
			  .since = "5.8",
			  .with = "carries evicted flows",
			  .without = "required"},
	[FEATURE_XDP_LINK] = {.key = "xdp_link",
			      .name = "XDP link",
			      .since = "5.9",
			      .with = "holds the program while no agent is there",
			      .without = "TC instead of XDP",
			      .said = true},
	[FEATURE_MEMORY] = {.key = "memory_cgroup",
			    .name = "memory by cgroup",
			    .since = "5.11",
			    .with = "maps count as the cgroup's memory",
			    .without = "maps count as locked memory, whose limit is lifted"},
	[FEATURE_FRAGS] = {.key = "xdp_frags",
			   .name = "multi-buffer XDP",
			   .since = "5.18",
			   .with = "also sees frames larger than a page",
			   .without = "XDP where a frame fits into a page, else TC",
			   .said = true},
	[FEATURE_TCX] = {.key = "tcx",
			 .name = "TCX",
			 .since = "6.6",
			 .with = "TC programs attach here",
			 .without = "clsact instead",
			 .said = true},
	[FEATURE_VLAN] = {.key = "vlan_hint",
			  .name = "VLAN hint",
			  .since = "6.8",
			  .with = "XDP reads tags that devices took off, where drivers report them",
			  .without = "XDP misses tags that devices took off; attach.ingress: tc "
				     "reads them",
			  .said = true},
	[FEATURE_JIT] = {.key = "jit",
			 .name = "JIT",
			 .with = "programs run as machine code",
			 .without = "programs are interpreted, which is slow",
			 .said = true},
};

static enum meter_given given(bool answer)
{
	return answer ? METER_GIVES : METER_LACKS;
}

static bool has_helper(enum bpf_func_id id)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, id, NULL) == 1;
}

bool probe_frags(void)
{
	return has_helper(BPF_FUNC_xdp_get_buff_len);
}

/* Both came with 5.11. libbpf asks the same before it lifts the limit. */
static bool locks_memory(void)
{
	return !has_helper(BPF_FUNC_ktime_get_coarse_ns);
}

/* XDP_PASS, and no more. */
static int load_least(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "weir_probe", "GPL", insns,
			       sizeof(insns) / sizeof(*insns), NULL);

	return fd < 0 ? -errno : fd;
}

bool probe_is_refused(void)
{
	int prog = load_least();

	if (prog >= 0)
		close(prog);
	return prog == -EPERM || prog == -EACCES;
}

static bool lacks_ring(void)
{
	return !libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL);
}

/* lo has no native XDP: a kernel that knows the link says so, another that the call is invalid. */
static bool has_xdp_link(int prog)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(prog, LOOPBACK, BPF_XDP, &opts);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != EINVAL;
}

/* Some 6.6 answer -ENOENT where nothing is attached. */
static bool has_tcx(void)
{
	__u32 count = 0, flags = 0;

	return !bpf_prog_query(LOOPBACK, (enum bpf_attach_type)TCX_INGRESS, 0, &flags, NULL,
			       &count) ||
	       errno != EINVAL;
}

static bool has_kfunc(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* A kernel function is called by the kernel's BTF, and from machine code only. */
static bool has_vlan_hint(bool no_btf, bool jit)
{
	struct btf *btf = no_btf ? NULL : btf__parse_raw(KERNEL_BTF);
	bool found = btf && has_kfunc(btf, VLAN_HINT);

	btf__free(btf);
	return found && jit;
}

struct about {
	bool jited;
	__u32 verified; /* the kernel tells since 5.16 */
};

static int about(int prog, struct about *out)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog, &info, &size))
		return -errno;
	*out = (struct about){.jited = info.jited_prog_len, .verified = info.verified_insns};
	return 0;
}

/* What was chosen when the programs were loaded, which may be long ago. */
static void look_at_loaded(const struct meter *m, struct meter_kernel *k)
{
	struct about loaded;
	char path[PIN_PATH];

	k->unused[FEATURE_FRAGS] = !m->frags;
	for (int i = 0; i < PROG_MAX; i++) {
		int prog = m->prog[i] >= 0 ? dup(m->prog[i]) : bpf_obj_get(prog_path(path, i));

		if (prog < 0)
			continue;
		if (!about(prog, &loaded)) {
			k->verified[i] = m->verified[i] ? m->verified[i] : loaded.verified;
			k->unused[FEATURE_JIT] |= !loaded.jited;
		}
		close(prog);
	}
}

/* `prog` is one of two instructions, which any kernel of ours loads. */
static void ask(int prog, struct meter_kernel *k)
{
	struct about least = {};

	about(prog, &least);
	k->given[FEATURE_RING] = given(!lacks_ring());
	k->given[FEATURE_XDP_LINK] = given(has_xdp_link(prog));
	k->given[FEATURE_MEMORY] = given(!locks_memory());
	k->given[FEATURE_FRAGS] = given(probe_frags());
	k->given[FEATURE_TCX] = given(has_tcx());
	k->given[FEATURE_VLAN] = given(has_vlan_hint(k->no_btf, least.jited));
	k->given[FEATURE_JIT] = given(least.jited);
}

void meter_probe(const struct meter *m, struct meter_kernel *out)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct meter_kernel k = {.no_btf = access(KERNEL_BTF, R_OK)};
	struct utsname name;
	int prog = load_least();

	if (!uname(&name))
		snprintf(k.release, sizeof(k.release), "%s", name.release);
	if (prog >= 0) {
		ask(prog, &k);
		close(prog);
	}
	if (m)
		look_at_loaded(m, &k);
	libbpf_set_print(print);
	*out = k;
}

/* --- Why not ---------------------------------------------------------------------------- */

/* Before 5.11 maps are locked memory. libbpf lifts the limit, if it may. */
static bool is_memory_locked(void)
{
	struct rlimit limit;

	return !getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur != RLIM_INFINITY &&
	       locks_memory();
}

int probe_explain(int code, struct why *why)
{
	if (code == -EPERM && is_memory_locked())
		return why_set(why, code,
			       "cannot load the kernel programs: too little memory may be locked "
			       "(ulimit -l); CAP_SYS_RESOURCE is needed before Linux 5.11");
	if (code == -EPERM || code == -EACCES)
		return why_set(why, code,
			       "cannot load the kernel programs: CAP_BPF, CAP_NET_ADMIN and "
			       "CAP_PERFMON are needed (try sudo)");
	if (lacks_ring())
		return why_set(why, code,
			       "this kernel has no %s (Linux %s): weir needs Linux 5.10 or newer",
			       meter_features[FEATURE_RING].name,
			       meter_features[FEATURE_RING].since);
	return why_set(why, code,
		       "cannot load the kernel programs: %s (WEIR_LIBBPF_LOG=1 says more)",
		       strerror(-code));
}
