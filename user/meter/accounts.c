// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "meter/meter_internal.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

int account_find(const struct meter *m, __u32 ifindex, const char *name, __u32 *out)
{
	__u32 unused = 0;

	for (__u32 account = 1; account < WEIR_INTERFACES; account++) {
		struct weir_interface i;

		if (bpf_map_lookup_elem(m->map[MAP_INTERFACES], &account, &i))
			return -errno;
		if (i.ifindex == ifindex && !strncmp(i.name, name, sizeof(i.name))) {
			*out = account;
			return 0;
		}
		if (!i.ifindex && !unused)
			unused = account;
	}
	if (!unused)
		return -ENOSPC;
	*out = unused;
	return 0;
}

int account_write(const struct meter *m, __u32 account, const struct weir_interface *i)
{
	return bpf_map_update_elem(m->map[MAP_INTERFACES], &account, i, BPF_ANY) ? -errno : 0;
}

int account_each(const struct meter *m, __u32 ifindex, void (*fn)(struct weir_interface *))
{
	for (__u32 account = 1; account < WEIR_INTERFACES; account++) {
		struct weir_interface i;
		int err;

		if (bpf_map_lookup_elem(m->map[MAP_INTERFACES], &account, &i))
			return -errno;
		if (i.ifindex != ifindex || i.gone)
			continue;
		fn(&i);
		err = account_write(m, account, &i);
		if (err)
			return err;
	}
	return 0;
}

/* The place of `ifindex` in map devices, else a free one, which may be one given up: who looks up
 * goes through all WEIR_PROBES places. */
static int find_place(const struct meter *m, __u32 ifindex, __u32 *out, bool *present)
{
	bool room = false;

	for (__u32 probe = 0; probe < WEIR_PROBES; probe++) {
		__u32 place = (ifindex + probe) & (WEIR_DEVICES - 1);
		struct weir_device device;

		if (bpf_map_lookup_elem(m->map[MAP_DEVICES], &place, &device))
			return -errno;
		if (device.ifindex == ifindex) {
			*out = place;
			*present = true;
			return 0;
		}
		if (!device.ifindex && !room) {
			*out = place;
			room = true;
		}
	}
	*present = false;
	return room ? 0 : -ENOSPC;
}

int account_add_device(const struct meter *m, __u32 ifindex, __u32 account)
{
	struct weir_device device = {ifindex, account};
	bool present;
	__u32 place;
	int err = find_place(m, ifindex, &place, &present);

	if (err)
		return err;
	return bpf_map_update_elem(m->map[MAP_DEVICES], &place, &device, BPF_ANY) ? -errno : 0;
}

int account_remove_device(const struct meter *m, __u32 ifindex)
{
	struct weir_device none = {0};
	bool present;
	__u32 place;
	int err = find_place(m, ifindex, &place, &present);

	if (err || !present)
		return err == -ENOSPC ? 0 : err;
	return bpf_map_update_elem(m->map[MAP_DEVICES], &place, &none, BPF_ANY) ? -errno : 0;
}
