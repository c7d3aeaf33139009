// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Life of the kernel side: open, set constants, load, pin; or adopt what is pinned.
 *
 * The programs count whether or not an agent runs. An agent that is killed, upgraded or restarted
 * finds them by their pins and continues with the same maps, so that nothing is counted twice and
 * no flow is lost:
 *
 *   WEIR_PIN_DIR/maps/NAME    every map
 *   WEIR_PIN_DIR/progs/NAME   every program
 *   WEIR_PIN_DIR/slabs/...    memory of vectors      (slabs.c)
 *   WEIR_PIN_DIR/links/...    attachments            (hooks.c)
 *
 *                        pinned?
 *   meter_start()  ──no──→ meter_load() ─→ pin progs, maps, `control` last
 *                  ──yes─→ adopt: open all, compare the contract
 *   meter_peek()   ──yes─→ open the maps to read
 *   meter_load()   alone: replay, tests; gone with the process
 *
 * The pin of map `control` is made last and removed first: if it exists, so do the others. Pins
 * without it are what a start that was interrupted left, and are removed. `control` also holds the
 * contract, the version of all shared structs: an agent of another version refuses what it cannot
 * read.
 *
 * What a kernel lacks is asked of the kernel (probe.c), never of its version. What its verifier
 * says goes to verifier.c; libbpf itself is kept quiet, for one failure is one line.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "meter/meter_internal.h"
#include "weir.skel.h"

#define BPF_FS "/sys/fs/bpf"
#define RING_BYTES (16u << 20)
#define SAME_SEED 0x243f6a8885a308d3ull /* of the digits of pi: as good as any other */

static const char *const map_names[MAP_MAX] = {
	[MAP_FLOWS] = "flows",

	[MAP_BOOKS] = "books",
	[MAP_WINDOWS] = "windows",
	[MAP_TABLES] = "tables",
	[MAP_DEVICES] = "devices",
	[MAP_FRAGMENTS] = "fragments",
	[MAP_RING] = "ring",
	[MAP_LABELS] = "labels",
	[MAP_INTERFACES] = "interfaces",
	[MAP_CONSTANTS] = "constants",
	[MAP_VECTORS] = "vectors",
	[MAP_OWN] = "own",

	[MAP_CONTROL] = "control",
};

const char *const meter_prog_names[PROG_MAX] = {
	[PROG_XDP] = "weir_xdp",     [PROG_TC_IN] = "weir_tc_in",   [PROG_TC_OUT] = "weir_tc_out",
	[PROG_L3_IN] = "weir_l3_in", [PROG_L3_OUT] = "weir_l3_out",
};

int meter_fail(struct why *why, int code, const char *what)
{
	return why_set(why, code, "%s: %s", what, strerror(-code));
}

static void map_path(char path[PIN_PATH], enum meter_map map)
{
	snprintf(path, PIN_PATH, WEIR_PIN_DIR "/maps/%s", map_names[map]);
}

const char *prog_path(char path[PIN_PATH], enum meter_prog prog)
{
	snprintf(path, PIN_PATH, WEIR_PIN_DIR "/progs/%s", meter_prog_names[prog]);
	return path;
}

static void blank(struct meter *m)
{
	memset(m, 0, sizeof(*m));
	for (int i = 0; i < MAP_MAX; i++)
		m->map[i] = -1;
	for (int i = 0; i < PROG_MAX; i++)
		m->prog[i] = -1;
	m->ring.wake = -1;
	m->cpus = libbpf_num_possible_cpus();
	m->parts = m->cpus;
}

static size_t page_round(size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static void *map_memory(int fd, size_t bytes, int prot)
{
	void *at = mmap(NULL, page_round(bytes), prot, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* What the programs were loaded with, be it by us or by an agent before. */
static int read_constants(struct meter *m)
{
	struct weir_bpf__rodata rodata;
	struct bpf_map_info info = {};
	__u32 key = 0, size = sizeof(info);

	if (bpf_obj_get_info_by_fd(m->map[MAP_CONSTANTS], &info, &size))
		return -errno;
	if (info.value_size != sizeof(rodata))
		return -EPROTO;
	if (bpf_map_lookup_elem(m->map[MAP_CONSTANTS], &key, &rodata))
		return -errno;
	m->frags = rodata.constants.has_frags;
	return 0;
}

/* Maps the memory of flows, tables and control; `prot` of the latter two. */
static int map_all(struct meter *m, int prot, struct why *why)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	struct weir_bpf__bss *bss;
	int code;

	if (bpf_obj_get_info_by_fd(m->map[MAP_FLOWS], &info, &size))
		return meter_fail(why, -errno, "map flows");
	m->sets = info.max_entries;
	m->set = map_memory(m->map[MAP_FLOWS], (size_t)m->sets * sizeof(*m->set), PROT_READ);
	m->tables = map_memory(m->map[MAP_TABLES], 2 * sizeof(*m->tables), prot);
	bss = map_memory(m->map[MAP_CONTROL], sizeof(*bss), prot);
	if (!m->set || !m->tables || !bss)
		return meter_fail(why, -errno, "mmap of the kernel's maps");
	m->control = (struct weir_control *)&bss->control;
	m->slab = calloc(slab_limit(m), sizeof(*m->slab));
	if (!m->slab)
		return meter_fail(why, -ENOMEM, "slabs");
	code = prot & PROT_WRITE ? ring_map(m) : 0;
	return code ? meter_fail(why, code, "mmap of the ring") : 0;
}

static void unmap_all(struct meter *m)
{
	slabs_unmap(m);
	if (m->set)
		munmap(m->set, page_round((size_t)m->sets * sizeof(*m->set)));
	if (m->tables)
		munmap(m->tables, page_round(2 * sizeof(*m->tables)));
	if (m->control)
		munmap((char *)m->control - offsetof(struct weir_bpf__bss, control),
		       page_round(sizeof(struct weir_bpf__bss)));
}

/* --- Loading --------------------------------------------------------------------------- */

/* Seeds of the hashes of flows and distinct counts: secret, except where each run must give the same
 * result. */
static int draw_seeds(struct weir_constants *c, bool same)
{
	if (same) {
		for (size_t i = 0; i < sizeof(c->seed) / sizeof(*c->seed); i++)
			c->seed[i] = SAME_SEED * (2 * i + 1);
		for (size_t i = 0; i < sizeof(c->distinct_seed) / sizeof(*c->distinct_seed); i++)
			c->distinct_seed[i] = ~SAME_SEED * (2 * i + 1);
		return 0;
	}
	return getrandom(c->seed, sizeof(c->seed), 0) < 0 ||
			       getrandom(c->distinct_seed, sizeof(c->distinct_seed), 0) < 0
		       ? -errno
		       : 0;
}

static int set_constants(struct weir_bpf *s, const struct meter_options *o, struct meter *m)
{
	struct weir_constants *c = &s->rodata->constants;
	__u32 ring = o->ring_bytes ? o->ring_bytes : RING_BYTES;
	__u32 sets;

	if (o->replay)
		m->parts = 1;
	sets = o->flow_size / WEIR_WAYS / m->parts;
	if (!sets)
		sets = 1;
	c->replay = o->replay;
	c->has_frags = m->frags;
	c->sets = sets;
	c->ring_wake = ring / 4;
	s->bss->control.contract = WEIR_CONTRACT;
	bpf_map__set_max_entries(s->maps.flows, sets * m->parts);
	bpf_map__set_max_entries(s->maps.ring, ring);
	bpf_map__set_max_entries(s->maps.vectors, slab_limit(m));
	if (m->frags)
		bpf_program__set_flags(s->progs.weir_xdp, BPF_F_XDP_HAS_FRAGS);
	/* Kernels before TCX (6.6) take no notice of these. */
	bpf_program__set_expected_attach_type(s->progs.weir_tc_in, TCX_INGRESS);
	bpf_program__set_expected_attach_type(s->progs.weir_l3_in, TCX_INGRESS);
	bpf_program__set_expected_attach_type(s->progs.weir_tc_out, TCX_EGRESS);
	bpf_program__set_expected_attach_type(s->progs.weir_l3_out, TCX_EGRESS);
	return draw_seeds(c, o->same);
}

/* libbpf names the maps of sections by their sections. */
struct bpf_map *meter_map(const struct bpf_object *object, enum meter_map map)
{
	const char *name = map == MAP_CONTROL     ? ".bss"
			   : map == MAP_CONSTANTS ? ".rodata"
						  : map_names[map];

	return bpf_object__find_map_by_name(object, name);
}

static void take_fds(struct weir_bpf *s, struct meter *m)
{
	const struct bpf_program *progs[PROG_MAX] = {
		s->progs.weir_xdp,   s->progs.weir_tc_in,  s->progs.weir_tc_out,
		s->progs.weir_l3_in, s->progs.weir_l3_out,
	};

	for (int i = 0; i < MAP_MAX; i++)
		m->map[i] = bpf_map__fd(meter_map(s->obj, i));
	for (int i = 0; i < PROG_MAX; i++) {
		m->prog[i] = bpf_program__fd(progs[i]);
		m->verified[i] = verifier_work(progs[i]);
	}
}

/* libbpf's own lines would make several out of one; the verifier's log is asked for by name. */
__attribute__((format(printf, 2, 0))) static int quiet(enum libbpf_print_level level,
						       const char *format, va_list args)
{
	if (!verifier_is_loud())
		return 0;
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

static int load_skeleton(struct weir_bpf *s, struct meter *m, struct why *why)
{
	struct verifier_logs *logs = malloc(sizeof(*logs));
	struct why refusal = {};
	int code;

	if (!logs)
		return meter_fail(why, -ENOMEM, "the verifier's log");
	verifier_listen(s->obj, logs);
	code = weir_bpf__load(s);
	if (!code)
		take_fds(s, m);
	else if (verifier_refusal(s->obj, &refusal)) /* its -EACCES is no matter of privilege */
		code = why_set(why, -EOPNOTSUPP,
			       "this kernel's verifier refuses %s (WEIR_LIBBPF_LOG=1 says more)",
			       refusal.text);
	else
		probe_explain(code, why);
	free(logs);
	return code;
}

int meter_load(const struct meter_options *options, struct meter *out, struct why *why)
{
	struct weir_bpf *s;
	struct meter m;
	int code;

	libbpf_set_print(quiet);
	blank(&m);
	if (m.cpus < 0)
		return meter_fail(why, m.cpus, "number of CPUs");
	if (geteuid() != 0 && probe_is_refused())
		return probe_explain(-EPERM, why);
	m.frags = !options->no_frags && probe_frags();
	s = weir_bpf__open();
	if (!s)
		return probe_explain(-errno, why);
	code = set_constants(s, options, &m);
	code = code ? meter_fail(why, code, "constants") : load_skeleton(s, &m, why);
	if (code) {
		weir_bpf__destroy(s);
		return code;
	}
	m.skeleton = s;
	code = map_all(&m, PROT_READ | PROT_WRITE, why);
	if (code) {
		meter_close(&m);
		return code;
	}
	*out = m;
	return 0;
}

void meter_close(struct meter *m)
{
	ring_unmap(m);
	unmap_all(m);
	if (m->skeleton) {
		weir_bpf__destroy(m->skeleton);
	} else {
		for (int i = 0; i < MAP_MAX; i++)
			if (m->map[i] >= 0)
				close(m->map[i]);
		for (int i = 0; i < PROG_MAX; i++)
			if (m->prog[i] >= 0)
				close(m->prog[i]);
	}
	blank(m);
}

/* --- Pins ------------------------------------------------------------------------------ */

static int mount_bpffs(struct why *why)
{
	struct statfs fs;

	if (statfs(BPF_FS, &fs))
		return meter_fail(why, -errno, BPF_FS);
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", BPF_FS, "bpf", 0, "mode=0700"))
		return meter_fail(why, -errno, "cannot mount " BPF_FS);
	return 0;
}

static int make_dir(const char *path, struct why *why)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return meter_fail(why, -errno, path);
	return 0;
}

static int remove_pin(const char *path, int code, struct why *why)
{
	if (!unlink(path) || errno == ENOENT)
		return code;
	return meter_fail(why, -errno, path);
}

int meter_unpin(struct why *why)
{
	static const char *const dirs[] = {WEIR_PIN_DIR "/maps", WEIR_PIN_DIR "/progs",
					   WEIR_PIN_DIR "/slabs", WEIR_PIN_DIR "/links",
					   WEIR_PIN_DIR};
	char path[PIN_PATH];
	int code = 0;

	for (int i = MAP_MAX - 1; i >= 0; i--) {
		map_path(path, i);
		code = remove_pin(path, code, why);
	}
	for (int i = 0; i < PROG_MAX; i++) {
		prog_path(path, i);
		code = remove_pin(path, code, why);
	}
	slabs_unpin();
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (rmdir(dirs[i]) && errno != ENOENT && !code)
			code = meter_fail(why, -errno, dirs[i]);
	return code;
}

static int pin_all(struct meter *m, struct why *why)
{
	char path[PIN_PATH];
	int code = make_dir(WEIR_PIN_DIR, why);

	code = code ? code : make_dir(WEIR_PIN_DIR "/maps", why);
	code = code ? code : make_dir(WEIR_PIN_DIR "/progs", why);
	code = code ? code : make_dir(WEIR_PIN_DIR "/slabs", why);
	code = code ? code : make_dir(WEIR_PIN_DIR "/links", why);
	for (int i = 0; !code && i < PROG_MAX; i++) {
		prog_path(path, i);
		if (bpf_obj_pin(m->prog[i], path))
			code = meter_fail(why, -errno, path);
	}
	for (int i = 0; !code && i < MAP_MAX; i++) {
		map_path(path, i);
		if (bpf_obj_pin(m->map[i], path))
			code = meter_fail(why, -errno, path);
	}
	m->pinned = !code;
	return code;
}

static int other_version(struct why *why)
{
	return why_set(why, -EPROTO,
		       "what runs in the kernel is of another version of weir: weir detach --all, "
		       "then start again");
}

static int open_maps(struct meter *m, int prot, struct why *why)
{
	char path[PIN_PATH];
	int code;

	for (int i = 0; i < MAP_MAX; i++) {
		map_path(path, i);
		m->map[i] = bpf_obj_get(path);
		if (m->map[i] < 0 && errno == ENOENT)
			return other_version(why);
		if (m->map[i] < 0)
			return meter_fail(why, -errno, path);
	}
	code = map_all(m, prot, why);
	if (!code && m->control->contract != WEIR_CONTRACT)
		code = other_version(why);
	if (code)
		return code;
	code = read_constants(m);
	return code ? meter_fail(why, code, "map constants") : 0;
}

static int adopt(struct meter *m, struct why *why)
{
	char path[PIN_PATH];
	int code = open_maps(m, PROT_READ | PROT_WRITE, why);

	for (int i = 0; !code && i < PROG_MAX; i++) {
		prog_path(path, i);
		m->prog[i] = bpf_obj_get(path);
		if (m->prog[i] < 0)
			code = meter_fail(why, -errno, path);
	}
	m->adopted = true;
	m->pinned = true;
	return code;
}

static bool is_pinned(void)
{
	char path[PIN_PATH];

	map_path(path, MAP_CONTROL);
	return access(path, F_OK) == 0;
}

int meter_start(const struct meter_options *options, struct meter *out, struct why *why)
{
	struct meter m;
	int code;

	libbpf_set_print(quiet);
	if (geteuid() != 0 && probe_is_refused())
		return probe_explain(-EPERM, why);
	code = mount_bpffs(why);
	if (code)
		return code;
	if (is_pinned()) {
		blank(&m);
		code = adopt(&m, why);
	} else {
		/* Pins without the last one are what a start that was cut short left. */
		unsigned int detached;

		if (!access(WEIR_PIN_DIR, F_OK))
			meter_detach_all(&detached, NULL);
		code = meter_load(options, &m, why);
		if (code)
			return code;
		code = pin_all(&m, why);
		if (code)
			meter_unpin(NULL);
	}
	if (code) {
		meter_close(&m);
		return code;
	}
	*out = m;
	return 0;
}

int meter_peek(struct meter *out, struct why *why)
{
	struct meter m;
	int code;

	libbpf_set_print(quiet);
	if (!is_pinned()) {
		if (errno == EACCES)
			return why_set(why, -EACCES,
				       "no permission to read " WEIR_PIN_DIR " (try sudo)");
		return why_set(why, -ENOENT, "weir is not running here; start it with 'weir run'");
	}
	blank(&m);
	code = open_maps(&m, PROT_READ, why);
	if (code) {
		meter_close(&m);
		return code;
	}
	m.adopted = true;
	*out = m;
	return 0;
}
