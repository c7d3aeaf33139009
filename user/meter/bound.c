// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir_xdp for one device (bpf/bound.bpf.c). It shares every pinned map with the common programs,
 * that of the constants among them, so it counts where they count and is built as they are: it
 * differs in the one question it may ask of its device. Its link alone is pinned; it goes with it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>

#include "meter/meter_internal.h"

#include "bound.skel.h"
#include "weir.skel.h"

_Static_assert(sizeof(struct bound_bpf__rodata) == sizeof(struct weir_bpf__rodata), "one .rodata");
_Static_assert(sizeof(struct bound_bpf__bss) == sizeof(struct weir_bpf__bss), "one .bss");
_Static_assert(offsetof(struct bound_bpf__bss, control) == offsetof(struct weir_bpf__bss, control),
	       "one .bss");

#define DEV_BOUND_ONLY                                                                             \
	(1u << 6) /* BPF_F_XDP_DEV_BOUND_ONLY, newer than the headers we build with */

static int share(struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (!map || bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (info.value_size != bpf_map__value_size(map))
		return -EPROTO; /* pinned by a build whose compiler laid it out otherwise */
	return bpf_map__reuse_fd(map, fd);
}

int meter_load_bound(const struct meter *m, __u32 ifindex)
{
	struct bound_bpf *s = bound_bpf__open();
	struct bpf_program *prog;
	int code = 0;

	if (!s)
		return -errno;
	prog = s->progs.weir_xdp_bound;
	bpf_program__set_ifindex(prog, ifindex);
	bpf_program__set_flags(prog, DEV_BOUND_ONLY | (m->frags ? BPF_F_XDP_HAS_FRAGS : 0));
	for (int i = 0; !code && i < MAP_MAX; i++)
		code = share(meter_map(s->obj, i), m->map[i]);
	if (!code)
		code = bound_bpf__load(s);
	if (!code) {
		code = fcntl(bpf_program__fd(prog), F_DUPFD_CLOEXEC, 0);
		if (code < 0)
			code = -errno;
	}
	bound_bpf__destroy(s);
	return code;
}
