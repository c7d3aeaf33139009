// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The memory of Countdown Vectors (sketch/countdown.h).
 *
 * Vectors are of many sizes, come and go with queries, and there is one for each CPU. The kernel
 * programs want them all of one size, so that a look-up is inlined. So a vector is a row of slabs,
 * each a map of its own in map `vectors`, made when a query asks for it: what nobody asks for takes
 * no memory.
 *
 *   vectors   0      1      2      3      4      5   ...
 *          ┌──────┬──────┬──────┬──────┬──────┬──────┐
 *          │ vector A, of 2 slabs      │ vector B, 1 │
 *          │ CPU 0       │ CPU 1       │ CPU 0│ CPU 1│
 *          └──────┴──────┴──────┴──────┴──────┴──────┘
 *
 * A CPU writes its own slabs only. User space maps them to read. Those of a live meter are pinned
 * by their place, as WEIR_PIN_DIR/slabs/PLACE: to open them by the id that map `vectors` gives would
 * need CAP_SYS_ADMIN.
 *
 * At a reload the vectors that run and those that are to run exist beside each other; map `vectors`
 * has room for both and as much again, for a vector's slabs must lie in a row. The order is: find
 * places, make slabs, switch to the tables that name them, drop what no table names. A crash in
 * between leaves slabs that no table names, which are forgotten when their place is used again.
 *
 * A reader adds up nothing that is being reused: it reads a vector, and then looks whether the
 * tables still are of the generation before.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "meter/meter_internal.h"

#define SLABS_DIR WEIR_PIN_DIR "/slabs"
#define BATCH 128           /* slabs at a time: as many files are open meanwhile */
#define HELPERS (BATCH - 1) /* threads that change map `vectors` beside the caller */
#define HELPER_STACK (64 << 10)
#define READ_TRIES 3

static void slab_path(char path[64], __u32 place)
{
	snprintf(path, 64, SLABS_DIR "/%u", place);
}

static __u32 generation_of(const struct meter *m)
{
	return __atomic_load_n(&m->control->generation, __ATOMIC_ACQUIRE);
}

/* --- Who has which ------------------------------------------------------------------------ */

/* What there is room for: what runs, and beside it what is to run. */
static void mark(const struct meter *m, const struct weir_tables *tables, bool *taken)
{
	for (int q = 0; q < WEIR_QUERIES; q++) {
		for (int d = 0; d < WEIR_DISTINCT_MAX; d++) {
			const struct weir_vector *v = &tables->vector[q][d];

			if (v->first != METER_UNMADE)
				memset(taken + v->first, true, v->slabs * m->cpus);
		}
	}
}

/* First of `count` free places in a row, which are taken then; METER_UNMADE: there are none. */
static __u32 take_room(bool *taken, __u32 limit, __u32 count)
{
	__u32 row = 0;

	for (__u32 i = 0; i < limit; i++) {
		row = taken[i] ? 0 : row + 1;
		if (row != count)
			continue;
		memset(taken + i + 1 - count, true, count);
		return i + 1 - count;
	}
	return METER_UNMADE;
}

/* Places for all vectors that are to be made, their slabs in places[0..*count - 1] too. */
static int take_places(const struct meter *m, struct weir_tables *tables, bool *taken,
		       __u32 *places, __u32 *count)
{
	for (int q = 0; q < WEIR_QUERIES; q++) {
		for (int d = 0; d < WEIR_DISTINCT_MAX; d++) {
			struct weir_vector *v = &tables->vector[q][d];

			if (v->first != METER_UNMADE)
				continue;
			v->first = take_room(taken, slab_limit(m), v->slabs * m->cpus);
			if (v->first == METER_UNMADE)
				return -ENOSPC;
			for (__u32 i = 0; i < v->slabs * m->cpus; i++)
				places[(*count)++] = v->first + i;
		}
	}
	return 0;
}

/* --- Making and dropping ------------------------------------------------------------------ */

static const struct weir_line *map_slab(int fd)
{
	void *lines = mmap(NULL, WEIR_SLAB_BYTES, PROT_READ, MAP_SHARED, fd, 0);

	return lines == MAP_FAILED ? NULL : lines;
}

static void unmap_slab(const struct meter *m, __u32 place)
{
	if (m->slab[place])
		munmap((void *)m->slab[place], WEIR_SLAB_BYTES);
	m->slab[place] = NULL;
}

void slabs_unmap(struct meter *m)
{
	for (__u32 i = 0; m->slab && i < slab_limit(m); i++)
		unmap_slab(m, i);
	free(m->slab);
	m->slab = NULL;
}

void slabs_unpin(void)
{
	DIR *dir = opendir(SLABS_DIR);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

/* No longer ours: neither mapped nor pinned. */
static void forget_slab(const struct meter *m, __u32 place)
{
	char path[64];

	unmap_slab(m, place);
	slab_path(path, place);
	if (m->pinned)
		unlink(path);
}

static int create_slab(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "slab", sizeof(__u32), sizeof(struct weir_line),
			      WEIR_SLAB_LINES, &options);
}

/* An empty one, mapped, and pinned if that is so of the meter. Its descriptor. */
static int make_slab(struct meter *m, __u32 place)
{
	int fd = create_slab(), code;
	char path[64];

	if (fd < 0)
		return fd;
	forget_slab(m, place); /* what a crash left there */
	slab_path(path, place);
	m->slab[place] = map_slab(fd);
	if (m->slab[place] && !(m->pinned && bpf_obj_pin(fd, path)))
		return fd;
	code = -errno;
	close(fd);
	return code;
}

/*
 * Each change of map `vectors` makes the kernel wait until no program looks at what was there
 * before, 10 to 20 ms. Who asks meanwhile waits for the same end, so many ask at once. A batch
 * waits once as well, but before 6.8 for each of its elements, and before 5.14 such maps know none.
 */
struct change {
	int map;
	const __u32 *places;
	const int *fds; /* NULL: the places are emptied */
	__u32 count, next;
	int code;
};

static void *change_places(void *arg)
{
	struct change *c = arg;
	__u32 i;

	while ((i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->count) {
		if (!c->fds)
			bpf_map_delete_elem(c->map, &c->places[i]);
		else if (bpf_map_update_elem(c->map, &c->places[i], &c->fds[i], BPF_ANY))
			__atomic_store_n(&c->code, -errno, __ATOMIC_RELAXED);
	}
	return NULL;
}

static int set_places(const struct meter *m, const __u32 *places, const int *fds, __u32 count)
{
	struct change change = {m->map[MAP_VECTORS], places, fds, count, 0, 0};
	pthread_t helper[HELPERS];
	pthread_attr_t small;
	__u32 helpers = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, HELPER_STACK);
	while (helpers < HELPERS && helpers + 1 < count &&
	       !pthread_create(&helper[helpers], &small, change_places, &change))
		helpers++;
	pthread_attr_destroy(&small);
	change_places(&change);
	while (helpers--)
		pthread_join(helper[helpers], NULL);
	return change.code;
}

static void drop_slabs(struct meter *m, const __u32 *places, __u32 count)
{
	set_places(m, places, NULL, count);
	for (__u32 i = 0; i < count; i++)
		forget_slab(m, places[i]);
}

/* Up to BATCH. */
static int make_some(struct meter *m, const __u32 *places, __u32 count)
{
	int fds[BATCH], code = 0;
	__u32 made;

	for (made = 0; made < count; made++) {
		fds[made] = make_slab(m, places[made]);
		if (fds[made] < 0) {
			code = fds[made];
			break;
		}
	}
	if (!code)
		code = set_places(m, places, fds, count);
	while (made--)
		close(fds[made]);
	return code;
}

int meter_make_vectors(struct meter *m, struct weir_tables *tables)
{
	bool *taken = calloc(slab_limit(m), sizeof(*taken));
	__u32 *places = calloc(slab_limit(m), sizeof(*places)), count = 0, at;
	int code = -ENOMEM;

	if (taken && places) {
		mark(m, meter_tables(m), taken);
		mark(m, tables, taken);
		code = take_places(m, tables, taken, places, &count);
	}
	for (at = 0; at < count && !code; at += BATCH)
		code = make_some(m, places + at, count - at < BATCH ? count - at : BATCH);
	if (code)
		drop_slabs(m, places, at < count ? at : count);
	free(places);
	free(taken);
	return code;
}

/* Places of slabs that an agent before this one made: known by their pins alone. */
static void mark_pinned(const struct meter *m, bool *there)
{
	DIR *dir = m->pinned ? opendir(SLABS_DIR) : NULL;
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char *end;
		unsigned long place = strtoul(entry->d_name, &end, 10);

		if (end != entry->d_name && !*end && place < slab_limit(m))
			there[place] = true;
	}
	closedir(dir);
}

int meter_drop_slabs(struct meter *m)
{
	bool *taken = calloc(slab_limit(m), sizeof(*taken));
	bool *there = calloc(slab_limit(m), sizeof(*there));
	__u32 *places = calloc(slab_limit(m), sizeof(*places)), count = 0;
	int code = taken && there && places ? 0 : -ENOMEM;

	if (!code) {
		mark(m, meter_tables(m), taken);
		mark_pinned(m, there);
		for (__u32 i = 0; i < slab_limit(m); i++)
			if (!taken[i] && (there[i] || m->slab[i]))
				places[count++] = i;
		drop_slabs(m, places, count);
	}
	free(places);
	free(there);
	free(taken);
	return code;
}

/* An array that can be mapped has pages of its own, and one before them for what the kernel keeps. */
__u64 meter_vector_bytes(const struct meter *m, __u32 slabs)
{
	__u64 page = sysconf(_SC_PAGESIZE);

	return slabs * m->cpus * (page + (WEIR_SLAB_BYTES + page - 1) / page * page);
}

/* --- Reading ------------------------------------------------------------------------------ */

static int open_slab(const struct meter *m, __u32 place)
{
	char path[64];
	int fd;

	if (m->slab[place])
		return 0;
	slab_path(path, place);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd == -ENOENT ? -ESTALE : fd;
	m->slab[place] = map_slab(fd);
	close(fd);
	return m->slab[place] ? 0 : -ENOMEM;
}

static int add_slabs(const struct meter *m, const struct weir_vector *v, __u64 clock,
		     const struct weir_line **part, struct countdown_ages *ages)
{
	for (__u32 slab = 0; slab < v->slabs; slab++) {
		for (int cpu = 0; cpu < m->cpus; cpu++) {
			__u32 place = v->first + cpu * v->slabs + slab;
			int code = open_slab(m, place);

			if (code)
				return code;
			part[cpu] = m->slab[place];
		}
		countdown_add(ages, part, m->cpus, slab * WEIR_SLAB_LINES, WEIR_SLAB_LINES, clock);
	}
	return 0;
}

/* In a peek nothing stays mapped: the agent may drop it, and put other slabs in its place. */
static void done_with(const struct meter *m, const struct weir_vector *v)
{
	if (m->pinned || m->skeleton)
		return;
	for (__u32 i = 0; i < v->slabs * m->cpus; i++)
		unmap_slab(m, v->first + i);
}

/* All of the vector's cells, by age. -EAGAIN: the tables changed meanwhile. */
static int read_vector(const struct meter *m, const struct weir_vector *v, __u32 generation,
		       __u64 now_ns, struct countdown_ages *ages)
{
	const struct weir_line **part = calloc(m->cpus, sizeof(*part));
	int code = part ? 0 : -ENOMEM;

	/* What was copied while it was written over may point anywhere. */
	if (!code && (generation != generation_of(m) || v->slabs > WEIR_SLABS_MAX ||
		      v->first > slab_limit(m) - v->slabs * m->cpus))
		code = -EAGAIN;
	if (!code) {
		memset(ages, 0, sizeof(*ages));
		code = add_slabs(m, v, weir_countdown_clock(now_ns, v->rate), part, ages);
		done_with(m, v);
	}
	free(part);
	return generation == generation_of(m) ? code : -EAGAIN;
}

/* At a start a vector is stamped some milliseconds before its query is, or more if attaching takes
 * longer. Then there is nothing to leave out, and the whole vector is more exact: the age of a cell
 * is only known to a step. */
#define SAME_START_NS WEIR_NS_PER_SEC

int meter_distinct(const struct meter *m, __u32 query, enum weir_distinct distinct, __u64 now_ns,
		   __u64 since_ns, __u64 window_ns, struct meter_distinct *out)
{
	struct countdown_ages ages;
	struct weir_vector v;
	double steps;
	int code = -EAGAIN;

	for (int i = 0; i < READ_TRIES && code == -EAGAIN; i++) {
		__u32 generation = generation_of(m);

		v = m->tables[generation & 1].vector[query][distinct];
		if (!v.slabs)
			return -ENOENT;
		code = read_vector(m, &v, generation, now_ns, &ages);
	}
	if (code)
		return code;
	steps = countdown_steps(window_ns, v.rate);
	if (steps > WEIR_WINDOW_STEPS)
		return -EINVAL;
	out->covered_ns =
		weir_covered_ns(since_ns > v.since_ns ? since_ns : v.since_ns, now_ns, window_ns);
	if (v.since_ns + SAME_START_NS < since_ns)
		steps = countdown_steps(out->covered_ns, v.rate);
	out->keys = countdown_estimate(&ages, steps);
	out->slabs = v.slabs;
	out->bytes = meter_vector_bytes(m, v.slabs);
	return 0;
}
