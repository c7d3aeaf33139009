// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * make bench: what a packet costs.
 *
 *   pipeline  nanoseconds in the kernel programs, by BPF_PROG_TEST_RUN, behind a
 *             program that varies the 5-tuple (bpf/bench.bpf.c); net of the
 *             empty program behind the same
 *   veth      live XDP frames through a pair of network namespaces:
 *
 *     weirbench-a                     weirbench-b
 *     send_xdp ─→ bench0 ══════════ bench1 ─→ weir_xdp | empty_xdp ─→ stack
 *                                                     softflowd, pmacctd ─┘
 *
 * Rounds are interleaved: within one every case runs once, so that what disturbs
 * the machine disturbs all alike. A number is the median of its rounds. Time of
 * the pipeline is CPU time of the thread, so that being preempted costs nothing;
 * time on the wire is the wall's. Before a case is timed all its flows are
 * touched; timeouts are an hour, so that it is the steady state that is measured.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/if_link.h>
#include <math.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "bench.skel.h"
#include "meter/meter.h"

#define REPORT "build/bench.json"
#define PIPELINE_ROUNDS 11
#define VETH_ROUNDS 9
#define REPEATS (1u << 20)
#define VETH_FRAMES 3000000u
#define VETH_FLOWS 1024
#define FRAME_BYTES 64
#define LOOPBACK 1 /* the interface that BPF_PROG_TEST_RUN says frames come by */
/* Flows come in another order than they came first in, or a cache that puts new flows side by side
 * would be walked along its memory. */
#define STEP 0x9e3779b1u
#define HOUR_NS (3600 * WEIR_NS_PER_SEC)
#define TCX_EGRESS 47 /* enum bpf_attach_type, newer than the headers we build with */
#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1u << 5)
#endif
#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1u << 1)
#endif

/* Ethernet, IPv4, TCP with ACK, from inside to outside: the default queries Q1 and Q2 match. */
static const __u8 tcp_frame[FRAME_BYTES] = {
	2,    0, 0,    0,    0,    1,    2, 0, 0,  0, 0, 2, 0x08, 0x00, /* link */
	0x45, 0, 0,    50,   0,    0,    0, 0, 64, 6, 0, 0, 10,   0,    0,    0,    198,  51,
	100,  1, 0x04, 0x00, 0x01, 0xbb, 0, 0, 0,  0, 0, 0, 0,    0,    0x50, 0x10, 0xff, 0xff,
};

static void fail(const char *what, int code)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(code < 0 ? -code : code));
	exit(1);
}

static void check(int code, const char *what)
{
	if (code < 0)
		fail(what, errno ? errno : -code);
}

static double seconds_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, count, sizeof(*values), compare);
	return count & 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* --- The report -------------------------------------------------------------------------- */

static json_t *report;

/* `goal` is words, "" for a number that stands there for scale. */
static void tell(const char *name, double value, const char *goal)
{
	printf("%-28s %10.3f   %s\n", name, value, goal);
	fflush(stdout);
	json_object_set_new(report, name, json_real(value));
}

static void write_report(void)
{
	json_t *all = json_load_file(REPORT, 0, NULL);

	if (!json_is_object(all)) {
		json_decref(all);
		all = json_object();
	}
	json_object_update(all, report);
	if (json_dump_file(all, REPORT, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(6)))
		fail(REPORT, errno);
	json_decref(all);
}

/* --- Tables ------------------------------------------------------------------------------ */

/* The five default queries, and while there is room more that match none of the frames. */
static struct weir_tables *make_tables(__u32 terms)
{
	struct query queries[WEIR_QUERIES];
	struct query_expr *more[WEIR_QUERIES];
	struct weir_tables *t = calloc(1, sizeof(*t));
	unsigned int count, extra = 0;
	struct config_error config_err;
	struct query_error err;
	struct config config;
	char text[64];

	if (!t)
		fail("tables", ENOMEM);
	check(config_default(&config, &config_err), "default configuration");
	for (count = 0; count < config.query_count; count++)
		queries[count] = (struct query){config.queries[count].expr, count};
	check(query_compile(queries, count, &config.scope, t, &err), "default queries");
	while (t->terms < terms && count < WEIR_QUERIES) {
		snprintf(text, sizeof(text), "udp and dst port %u and src net 172.16.%u.0/24",
			 2000 + extra, extra);
		check(query_parse(text, &more[extra], &err), text);
		queries[count] = (struct query){more[extra++], count};
		check(query_compile(queries, ++count, &config.scope, t, &err), text);
	}
	t->timeouts = (struct weir_timeouts){HOUR_NS, HOUR_NS, HOUR_NS};
	t->inner = 0;
	while (extra)
		query_free(more[--extra]);
	config_free(&config);
	return t;
}

static void load_meter(__u32 flow_size, const struct weir_tables *t, struct meter *m)
{
	struct meter_options options = {.flow_size = flow_size};
	const struct weir_device lo = {.ifindex = LOOPBACK, .books = 1};
	const __u32 place = LOOPBACK;
	struct meter_error err;

	if (meter_load(&options, m, &err)) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(1);
	}
	check(meter_set_tables(m, t), "tables");
	check(bpf_map_update_elem(m->map[MAP_DEVICES], &place, &lo, BPF_ANY), "devices");
}

static struct bench_bpf *load_bench(__u32 flow_count, bool frags)
{
	struct bench_bpf *s = bench_bpf__open();
	struct bpf_program *p;

	if (!s)
		fail("bench programs", errno);
	s->data->flow_count = flow_count;
	bpf_map__set_max_entries(s->maps.lru_flows, 2 * flow_count);
	/* A tail call wants both ends alike in these. */
	bpf_object__for_each_program(p, s->obj) {
		if (bpf_program__type(p) == BPF_PROG_TYPE_XDP && frags)
			bpf_program__set_flags(p, BPF_F_XDP_HAS_FRAGS);
		if (bpf_program__type(p) == BPF_PROG_TYPE_SCHED_CLS)
			bpf_program__set_expected_attach_type(p, TCX_EGRESS);
	}
	check(bench_bpf__load(s), "bench programs");
	return s;
}

/* --- Pipeline ---------------------------------------------------------------------------- */

/* So many flows, room for so many on the CPU that runs, and what is measured with them. */
struct lane {
	const char *name, *lru_name, *memory_name, *goal;
	__u32 flows, room;
	struct bench_bpf *bench;
	struct meter in;
	double net[PIPELINE_ROUNDS], lru[PIPELINE_ROUNDS], memory[PIPELINE_ROUNDS];
};

/* A cache of the default size has room for 128 Ki flows on each of two CPUs. */
static struct lane lanes[] = {
	{"ingress_1Ki_net_ns", "lru_hash_1Ki_ns", "memory_1Ki_ns", "<= 20", 1u << 10, 1u << 17},
	{"ingress_64Ki_net_ns", "lru_hash_64Ki_ns", "memory_64Ki_ns", "<= 60", 1u << 16, 1u << 17},
	{"ingress_1Mi_net_ns", "lru_hash_1Mi_ns", "memory_1Mi_ns", "<= 170", 1u << 20, 1u << 21},
	{"ingress_1Ki_tight_ns", "lru_hash_tight_ns", "memory_tight_ns", "", 1u << 10, 1u << 11},
};

#define LANES (sizeof(lanes) / sizeof(*lanes))

static void run(int prog, __u32 repeat)
{
	__u8 frame[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = repeat);

	memcpy(frame, tcp_frame, sizeof(frame));
	check(bpf_prog_test_run_opts(prog, &opts), "BPF_PROG_TEST_RUN");
}

/* Nanoseconds a packet takes in `entry` with `target` behind it; every flow has been there. */
static double measure(const struct lane *l, int entry, int map, int target)
{
	__u32 zero = 0, repeat = l->flows > REPEATS ? l->flows : REPEATS;
	double start;

	check(bpf_map_update_elem(map, &zero, &target, BPF_ANY), "tail call");
	l->bench->data->flow_step = 1;
	run(entry, l->flows);
	l->bench->data->flow_step = STEP;
	start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	run(entry, repeat);
	return (seconds_of(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / repeat;
}

static double measure_xdp(const struct lane *l, int target)
{
	return measure(l, bpf_program__fd(l->bench->progs.bench_xdp),
		       bpf_map__fd(l->bench->maps.xdp_target), target);
}

static double measure_tc(const struct lane *l, int target)
{
	return measure(l, bpf_program__fd(l->bench->progs.bench_tc),
		       bpf_map__fd(l->bench->maps.tc_target), target);
}

/*
 * For scale: what reading the flows' memory costs on its own. User space walks the lines of the
 * resident flows in random order, each read waiting for the one before, less what the same walk
 * takes on one line.
 */
static double walk(const struct weir_set *sets, const __u32 *slot, size_t count, __u32 mask)
{
	size_t rounds = count < REPEATS ? REPEATS / count : 1;
	double start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	__u32 none = 0, last = 0;

	weir_opaque(none);
	for (size_t r = 0; r < rounds; r++) {
		for (size_t i = 0; i < count; i++) {
			__u32 s = (slot[i] & mask) + (last & none);

			last = sets[s / WEIR_WAYS].flow[s % WEIR_WAYS].generation;
		}
	}
	weir_opaque(last);
	return (seconds_of(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / rounds / count;
}

static double measure_memory(const struct lane *l)
{
	__u32 slots = l->in.sets * WEIR_WAYS, *slot = malloc(slots * sizeof(*slot));
	size_t count = 0;
	double ns;

	if (!slot)
		fail("slots", ENOMEM);
	for (__u32 s = 0; s < slots; s++)
		if (l->in.set[s / WEIR_WAYS].flow[s % WEIR_WAYS].generation)
			slot[count++] = s;
	for (size_t i = count; i > 1; i--) {
		size_t k = random() % i;
		__u32 other = slot[k];

		slot[k] = slot[i - 1];
		slot[i - 1] = other;
	}
	ns = walk(l->in.set, slot, count, ~0u) - walk(l->in.set, slot, count, 0);
	free(slot);
	return ns;
}

static int use_cpu(void)
{
	cpu_set_t cpus;
	int cpu = libbpf_num_possible_cpus() - 1;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	check(sched_setaffinity(0, sizeof(cpus), &cpus), "CPU");
	return cpu;
}

static void bench_pipeline(void)
{
	static double base[PIPELINE_ROUNDS], extra[PIPELINE_ROUNDS], egress[PIPELINE_ROUNDS];
	struct weir_tables *five = make_tables(0), *many = make_tables(WEIR_TERMS);
	struct meter out;
	int cpus = libbpf_num_possible_cpus();

	use_cpu();
	for (struct lane *l = lanes; l < lanes + LANES; l++) {
		load_meter(l->room * cpus, five, &l->in);
		l->bench = load_bench(l->flows, l->in.frags);
	}
	load_meter(lanes->room * cpus, five, &out);
	for (int r = 0; r < PIPELINE_ROUNDS; r++) {
		for (struct lane *l = lanes; l < lanes + LANES; l++) {
			double empty = measure_xdp(l, bpf_program__fd(l->bench->progs.empty_xdp));

			l->net[r] = measure_xdp(l, l->in.prog[PROG_XDP]) - empty;
			l->lru[r] =
				measure_xdp(l, bpf_program__fd(l->bench->progs.lru_xdp)) - empty;
			l->memory[r] = measure_memory(l);
			if (l != lanes)
				continue;
			base[r] = empty;
			check(meter_set_tables(&l->in, many), "tables");
			extra[r] = measure_xdp(l, l->in.prog[PROG_XDP]) - empty - l->net[r];
			check(meter_set_tables(&l->in, five), "tables");
			egress[r] = measure_tc(l, out.prog[PROG_TC_OUT]) -
				    measure_tc(l, bpf_program__fd(l->bench->progs.empty_tc)) -
				    l->net[r];
		}
	}
	tell("empty_xdp_ns", median(base, PIPELINE_ROUNDS), "");
	for (struct lane *l = lanes; l < lanes + LANES; l++) {
		tell(l->name, median(l->net, PIPELINE_ROUNDS), l->goal);
		tell(l->lru_name, median(l->lru, PIPELINE_ROUNDS), "");
		tell(l->memory_name, median(l->memory, PIPELINE_ROUNDS), "");
		bench_bpf__destroy(l->bench);
		meter_close(&l->in);
	}
	tell("terms64_extra_ns", median(extra, PIPELINE_ROUNDS), "<= 3");
	tell("egress_extra_ns", median(egress, PIPELINE_ROUNDS), "<= 10");
	meter_close(&out);
	free(five);
	free(many);
}

/* --- Namespaces -------------------------------------------------------------------------- */

#define NS_A "weirbench-a"
#define NS_B "weirbench-b"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

__attribute__((format(printf, 1, 2))) static int shell(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

static void net_down(void)
{
	shell("ip netns del " NS_A " 2>/dev/null; ip netns del " NS_B " 2>/dev/null");
}

static void net_up(void)
{
	net_down();
	atexit(net_down);
	if (shell("set -e; for ns in " NS_A " " NS_B "; do ip netns add $ns; "
		  "ip netns exec $ns sysctl -qw net.ipv6.conf.default.disable_ipv6=1; done; "
		  "ip link add bench0 netns " NS_A " type veth peer name bench1 netns " NS_B "; "
		  "ip -n " NS_A " link set bench0 up; ip -n " NS_B " link set bench1 up"))
		fail("cannot make network namespaces", EIO);
}

static void enter(const char *ns)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd, path);
	check(setns(fd, CLONE_NEWNET), path);
	close(fd);
}

/* Sum of the device's own counters whose name ends like that. */
static __u64 device_sum(const char *ns, const char *device, const char *ending)
{
	char command[128], line[256], name[128];
	__u64 sum = 0;
	unsigned long long value;
	FILE *f;

	snprintf(command, sizeof(command), "ip netns exec %s ethtool -S %s", ns, device);
	f = popen(command, "r");
	if (!f)
		fail("ethtool", errno);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %127[^:]: %llu", name, &value) != 2)
			continue;
		if (strlen(name) >= strlen(ending) &&
		    !strcmp(name + strlen(name) - strlen(ending), ending))
			sum += value;
	}
	pclose(f);
	return sum;
}

struct wire {
	struct bench_bpf *bench;
	int receiver; /* ifindex of bench1 */
};

/* What became of the frames that were made. */
struct flood {
	__u64 sent, refused, received;
	double pps;
};

static __u64 received(void)
{
	return device_sum(NS_B, "bench1", "_xdp_packets");
}

static __u64 refused(void)
{
	return device_sum(NS_A, "bench0", "_xdp_xmit_errors");
}

/* Sends, and waits until the receiver's counter stands still. */
static struct flood flood(const struct wire *w, __u32 frames)
{
	const struct timespec moment = {.tv_nsec = 10000000};
	__u8 frame[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = frames, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	struct flood f = {.sent = frames};
	__u64 before = received(), refused_before = refused(), last;
	double start, elapsed;

	memcpy(frame, tcp_frame, sizeof(frame));
	start = seconds_of(CLOCK_MONOTONIC);
	check(bpf_prog_test_run_opts(bpf_program__fd(w->bench->progs.send_xdp), &opts),
	      "live frames");
	elapsed = seconds_of(CLOCK_MONOTONIC) - start;
	f.received = received();
	do {
		last = f.received;
		nanosleep(&moment, NULL);
		f.received = received();
	} while (f.received != last);
	f.received -= before;
	f.refused = refused() - refused_before;
	f.pps = f.received / elapsed;
	return f;
}

static void receive_with(const struct wire *w, int prog)
{
	enter(NS_B);
	check(bpf_xdp_attach(w->receiver, prog, XDP_FLAGS_DRV_MODE, NULL), "attach");
	enter(NS_A);
}

static void wire_up(struct wire *w, bool frags)
{
	__u32 zero = 0;
	int sender;

	net_up();
	w->bench = load_bench(VETH_FLOWS, frags);
	enter(NS_B);
	w->receiver = if_nametoindex("bench1");
	enter(NS_A);
	receive_with(w, bpf_program__fd(w->bench->progs.empty_xdp));
	sender = if_nametoindex("bench0");
	check(bpf_map_update_elem(bpf_map__fd(w->bench->maps.wires), &zero, &sender, BPF_ANY),
	      "devmap");
}

/* --- Other meters ------------------------------------------------------------------------ */

struct rival {
	const char *name, *result;
	const char *start; /* becomes the program, in NS_B; @ is a directory */
	const char *ready; /* succeeds once it answers */
	const char *read;  /* prints the packets it saw */
};

/* Ways of the programs to be started, asked and read; their own defaults where nothing is said. */
static const struct rival rivals[] = {
	{"softflowd", "softflowd_seen_ratio",
	 "exec ip netns exec " NS_B " softflowd -d -i bench1 -p @/pid -c @/ctl >@/log 2>&1",
	 "softflowctl -c @/ctl statistics >/dev/null 2>&1",
	 "softflowctl -c @/ctl statistics 2>&1 | "
	 "awk -F ': *' '/^Packets processed/ { print $2 + 0 }'"},
	{"pmacctd", "pmacctd_seen_ratio",
	 "printf '%s\\n' 'plugins: memory' 'pcap_interface: bench1' 'imt_path: @/pipe' "
	 "'imt_mem_pools_number: 0' 'plugin_pipe_size: 67108864' 'plugin_buffer_size: 65536' "
	 "'aggregate: src_host, dst_host, src_port, dst_port, proto' >@/conf; "
	 "exec ip netns exec " NS_B " pmacctd -f @/conf >@/log 2>&1",
	 "pmacct -p @/pipe -s >/dev/null 2>&1",
	 "pmacct -p @/pipe -s -O json 2>/dev/null | "
	 "sed -n 's/.*\"packets\": *\\([0-9]*\\).*/\\1/p' | awk '{ n += $1 } END { print n + 0 }'"},
};

/* Puts `dir` for every @. */
static void fill(char command[1024], const char *format, const char *dir)
{
	size_t at = 0;

	for (; *format && at < 1000; format++)
		at += *format == '@' ? sprintf(command + at, "%s", dir)
				     : sprintf(command + at, "%c", *format);
	command[at] = 0;
}

/* What it has seen once that stands still: it may lag behind its own buffers. */
static double seen_by(const struct rival *r, const char *dir)
{
	char command[1024];
	double seen = -1, last;

	fill(command, r->read, dir);
	for (int i = 0; i < 20; i++) {
		FILE *f = popen(command, "r");

		last = seen;
		if (!f || fscanf(f, "%lf", &seen) != 1)
			seen = -1;
		if (f)
			pclose(f);
		if (seen >= 0 && seen == last)
			break;
		sleep(1);
	}
	return seen;
}

static void bench_rival(const struct wire *w, const struct rival *r)
{
	char dir[] = "/tmp/weirbench-XXXXXX", command[1024];
	struct flood f;
	double before;
	pid_t pid;
	int tries;

	if (shell("command -v %s >/dev/null", r->name)) {
		printf("%-28s not installed\n", r->result);
		return;
	}
	if (!mkdtemp(dir))
		fail(dir, errno);
	fill(command, r->start, dir);
	pid = fork();
	check(pid, "fork");
	if (!pid) {
		setpgid(0, 0);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	fill(command, r->ready, dir);
	for (tries = 0; tries < 50 && shell("%s", command); tries++)
		usleep(100000);
	before = seen_by(r, dir);
	if (tries < 50 && before >= 0) {
		f = flood(w, VETH_FRAMES);
		tell(r->result, (seen_by(r, dir) - before) / f.received, "");
	} else {
		printf("%-28s did not start\n", r->result);
	}
	kill(-pid, SIGTERM);
	waitpid(pid, NULL, 0);
	shell("rm -rf %s", dir);
}

/* --- The wire ---------------------------------------------------------------------------- */

static void bench_veth(void)
{
	static double weir[VETH_ROUNDS], ratio[VETH_ROUNDS];
	struct weir_tables *five = make_tables(0);
	__u64 sent = 0, lost = 0, got = 0, seen;
	struct meter_balance balance;
	struct wire w;
	struct meter m;
	int rounds, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	load_meter(2 * VETH_FLOWS * libbpf_num_possible_cpus(), five, &m);
	wire_up(&w, m.frags);
	flood(&w, VETH_FRAMES);
	for (rounds = 0; rounds < VETH_ROUNDS && !stopped; rounds++) {
		double empty;
		struct flood f;

		receive_with(&w, bpf_program__fd(w.bench->progs.empty_xdp));
		empty = flood(&w, VETH_FRAMES).pps;
		receive_with(&w, m.prog[PROG_XDP]);
		f = flood(&w, VETH_FRAMES);
		weir[rounds] = f.pps;
		ratio[rounds] = f.pps / empty;
		sent += f.sent;
		got += f.received;
		lost += f.refused;
	}
	receive_with(&w, bpf_program__fd(w.bench->progs.empty_xdp));
	check(meter_balance(&m, &balance), "books");
	seen = balance.seen_after.packets;
	if (rounds) {
		tell("veth_rate_ratio", median(ratio, rounds), ">= 0.85");
		tell("veth_rate_mpps", median(weir, rounds) / 1e6, "");
		/* Made is refused by the device or seen by weir, and what is seen is in the books. */
		tell("veth_unaccounted_packets",
		     fabs((double)sent - lost - seen) + fabs((double)balance.high.packets - seen),
		     "0");
		tell("veth_refused_ratio", (double)lost / sent, "");
		if (got != seen || !balance.holds)
			printf("  the device handed over %llu, weir saw %llu, sum %s\n",
			       (unsigned long long)got, (unsigned long long)seen,
			       balance.holds ? "holds" : "does not hold");
	}
	for (size_t i = 0; i < sizeof(rivals) / sizeof(*rivals) && !stopped; i++)
		bench_rival(&w, &rivals[i]);
	bench_bpf__destroy(w.bench);
	check(setns(home, CLONE_NEWNET), "namespace");
	close(home);
	meter_close(&m);
	free(five);
}

/* `area` groups the benches of one part of weir; either name selects. */
static const struct {
	const char *area, *name;
	void (*run)(void);
} benches[] = {
	{"meter", "pipeline", bench_pipeline},
	{"meter", "veth", bench_veth},
};

int main(int argc, char **argv)
{
	bool any = false;

	report = json_object();
	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches) && !stopped; i++) {
		if (argc > 1 && strcmp(argv[1], benches[i].area) &&
		    strcmp(argv[1], benches[i].name))
			continue;
		printf("# %s: %s\n", benches[i].area, benches[i].name);
		benches[i].run();
		any = true;
	}
	if (!any) {
		fprintf(stderr, "bench: no bench is called %s\n", argv[1]);
		return 2;
	}
	write_report();
	json_decref(report);
	return stopped ? 128 + stopped : 0;
}
