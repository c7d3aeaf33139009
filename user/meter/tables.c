// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Queries change while the programs run: the half of `tables` that no program
 * reads is filled, then the generation moves to it in one store. A program that
 * started before may still read the old half; it is over when membarrier()
 * returns, which waits for every CPU to leave its RCU section, as
 * synchronize_rcu() does. So the half that is filled next is always idle.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "meter/meter_internal.h"

static int wait_for_programs(void)
{
	return syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) ? -errno : 0;
}

int meter_set_tables(struct meter *m, const struct weir_tables *tables)
{
	__u32 generation = m->control->generation + 1;

	if (!generation)
		generation = 2; /* 0 says that there are none; the half stays the idle one */
	memcpy(&m->tables[generation & 1], tables, sizeof(*tables));
	__atomic_store_n(&m->control->generation, generation, __ATOMIC_RELEASE);
	return wait_for_programs();
}

int meter_set_label(struct meter *m, __u32 query, const struct weir_label *label)
{
	return bpf_map_update_elem(m->map[MAP_LABELS], &query, label, BPF_ANY) ? -errno : 0;
}

int meter_label(const struct meter *m, __u32 query, struct weir_label *out)
{
	return bpf_map_lookup_elem(m->map[MAP_LABELS], &query, out) ? -errno : 0;
}

/*
 * Per-CPU values are written whole, with the other queries' counts in them, so only seconds are
 * touched that no CPU writes: not this one, nor the next, whose slot may be taken any moment.
 */
int meter_clear_window(struct meter *m, __u32 query)
{
	struct weir_slot *slots = calloc(m->cpus, sizeof(*slots));
	__u64 now = meter_now() / WEIR_NS_PER_SEC;
	int code = 0;

	if (!slots)
		return -ENOMEM;
	for (__u32 i = 0; i < WEIR_SLOTS && !code; i++) {
		if (i == weir_slot_index(now) || i == weir_slot_index(now + 1))
			continue;
		if (bpf_map_lookup_elem(m->map[MAP_WINDOWS], &i, slots)) {
			code = -errno;
			break;
		}
		for (int cpu = 0; cpu < m->cpus; cpu++)
			slots[cpu].query[query] = (struct weir_count){};
		if (bpf_map_update_elem(m->map[MAP_WINDOWS], &i, slots, BPF_ANY))
			code = -errno;
	}
	free(slots);
	return code;
}
