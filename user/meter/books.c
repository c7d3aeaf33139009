// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading the books, and the law they must keep:
 *
 *   seen = resident + evicted + overflow + named + outside     packets and bytes
 *
 * Counters move while they are read. An incarnation may leave the cache for the
 * ring after the scan passed it (then it stands in neither) or before (in both),
 * so the sum is bracketed: with what the books said before the scan nothing is
 * counted twice, with what they say after it nothing is missed.
 *
 *   resident + books before <= seen after      seen before <= resident + books after
 *
 * When nothing moved meanwhile both are equations.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "meter/meter_internal.h"

#define QUIET_TRIES 5

static const enum weir_counter_kind kinds[WEIR_COUNTER_MAX] = {
#define X(id, name, kind, text) [WEIR_##id] = WEIR_KIND_##kind,
	WEIR_COUNTERS(X)
#undef X
};

static void add(struct weir_count *sum, const struct weir_count *count)
{
	sum->packets += count->packets;
	sum->bytes += count->bytes;
}

int meter_books(const struct meter *m, __u32 account, struct weir_books *out)
{
	__u32 first = account, last = account;
	struct weir_books *cpus, sum = {};

	if (account == WEIR_INTERFACES) {
		first = 0;
		last = WEIR_INTERFACES - 1;
	}
	cpus = calloc(m->cpus, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	for (__u32 i = first; i <= last; i++) {
		if (bpf_map_lookup_elem(m->map[MAP_BOOKS], &i, cpus)) {
			int code = -errno;

			free(cpus);
			return code;
		}
		for (int cpu = 0; cpu < m->cpus; cpu++)
			for (int c = 0; c < WEIR_COUNTER_MAX; c++)
				add(&sum.count[c], &cpus[cpu].count[c]);
	}
	free(cpus);
	*out = sum;
	return 0;
}

int meter_interface(const struct meter *m, __u32 account, struct weir_interface *out)
{
	return bpf_map_lookup_elem(m->map[MAP_INTERFACES], &account, out) ? -errno : 0;
}

/* Sum of the counters of the kinds in `set`, a bit each. */
static struct weir_count sum_kinds(const struct weir_books *books, unsigned int set)
{
	struct weir_count sum = {};

	for (int c = 0; c < WEIR_COUNTER_MAX; c++)
		if (set & 1u << kinds[c])
			add(&sum, &books->count[c]);
	return sum;
}

static struct weir_count seen(const struct weir_books *books)
{
	return sum_kinds(books, 1u << WEIR_KIND_SEEN);
}

static struct weir_count accounted(const struct weir_books *books)
{
	return sum_kinds(books, 1u << WEIR_KIND_EVICTED | 1u << WEIR_KIND_OVERFLOW |
					1u << WEIR_KIND_OUTSIDE | 1u << WEIR_KIND_NAMED);
}

int meter_totals(const struct meter *m, struct meter_totals *out)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	struct weir_books books;
	int code = meter_books(m, WEIR_INTERFACES, &books);

	if (code)
		return code;
	if (bpf_obj_get_info_by_fd(m->prog[PROG_XDP], &info, &size))
		return -errno;
	*out = (struct meter_totals){
		.start_ns = clock_unix_ns() - clock_ns(CLOCK_BOOTTIME) + info.load_time,
		.seen = seen(&books),
		.named = sum_kinds(&books, 1u << WEIR_KIND_NAMED),
		.overflow = sum_kinds(&books, 1u << WEIR_KIND_OVERFLOW),
	};
	return 0;
}

__u64 meter_identity(const struct meter *m)
{
	static const enum meter_map maps[] = {MAP_FLOWS, MAP_RING};
	__u64 hash = 0xcbf29ce484222325ull; /* FNV-1a of the boot and the maps' ids in it */
	char boot[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f) {
		if (!fgets(boot, sizeof(boot), f))
			boot[0] = 0;
		fclose(f);
	}
	for (const char *c = boot; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3ull;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		struct bpf_map_info info = {};
		__u32 size = sizeof(info);

		bpf_obj_get_info_by_fd(m->map[maps[i]], &info, &size);
		hash = (hash ^ info.id) * 0x100000001b3ull;
	}
	return hash;
}

static int add_flow(void *ctx, __u32 slot, const struct weir_flow *flow,
		    const struct weir_pair6 *pair)
{
	struct meter_balance *b = ctx;

	(void)slot;
	(void)pair;
	b->resident.packets += flow->packets;
	b->resident.bytes += flow->bytes;
	b->flows++;
	return 0;
}

static bool at_most(const struct weir_count *a, const struct weir_count *b)
{
	return a->packets <= b->packets && a->bytes <= b->bytes;
}

static int balance_once(const struct meter *m, struct meter_balance *out)
{
	/* A packet that was in the programs when the books were read has left them by then. */
	const struct timespec moment = {.tv_nsec = 1000000};
	struct meter_balance b = {};
	struct weir_books before;
	int code = meter_books(m, WEIR_INTERFACES, &before);

	if (code)
		return code;
	nanosleep(&moment, NULL);
	code = meter_each_flow(m, add_flow, &b);
	if (!code)
		code = meter_books(m, WEIR_INTERFACES, &b.books);
	if (code)
		return code;
	b.seen_before = seen(&before);
	b.seen_after = seen(&b.books);
	b.low = accounted(&before);
	b.high = accounted(&b.books);
	add(&b.low, &b.resident);
	add(&b.high, &b.resident);
	b.quiet = !memcmp(&before, &b.books, sizeof(before));
	b.holds = at_most(&b.low, &b.seen_after) && at_most(&b.seen_before, &b.high);
	*out = b;
	return 0;
}

int meter_balance(const struct meter *m, struct meter_balance *out)
{
	int code = 0;

	for (int i = 0; i < QUIET_TRIES && !code; i++) {
		code = balance_once(m, out);
		if (!code && out->quiet)
			break;
	}
	return code;
}
