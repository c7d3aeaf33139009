// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The whole agent: kernel → flows → IPFIX over UDP, and what it costs the host.
 *
 *     weirbench-a                     weirbench-b
 *     send_xdp ─→ bench0 ══════════ bench1 ─→ weir run ──UDP, lo──→ a process that counts
 *
 * kernel_to_ipfix_rps   every frame a flow of its own, at rising rates: the highest at which the
 *                       cache's overflow account stayed empty, no record was dropped, and all
 *                       datagrams arrived. Records over the time until the last was sent.
 * agent_cpu_percent     of one core, and agent_rss_mib without the mapped cache: 256 Ki flows of
 *                       100,000 packets a second, as user space counts itself
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

#define PORT 4739
#define RECEIVE_BUFFER (64 << 20)
#define DATAGRAMS 64
#define FLOOD_FLOWS (1u << 24) /* addresses and ports there are for new flows */
#define FLOOD_SECONDS 5.0
#define FILL_FRAMES 600000u
#define STEADY_FLOWS (1u << 18)
#define STEADY_PPS 100000.0
#define STEADY_SECONDS 20.0
#define RIVAL_FRAMES 1000000u
#define MIB (1024.0 * 1024)

/* --- Who collects ------------------------------------------------------------------------ */

struct collector {
	pid_t pid;
	volatile __u64 *datagrams; /* shared with it */
};

__attribute__((noreturn)) static void collect(volatile __u64 *datagrams)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), bytes = RECEIVE_BUFFER;
	static char buffer[DATAGRAMS][2048];
	struct mmsghdr messages[DATAGRAMS] = {};
	struct iovec pieces[DATAGRAMS];

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)))
		_exit(1);
	for (int i = 0; i < DATAGRAMS; i++) {
		pieces[i] = (struct iovec){buffer[i], sizeof(buffer[i])};
		messages[i].msg_hdr.msg_iov = &pieces[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		int count = recvmmsg(fd, messages, DATAGRAMS, MSG_WAITFORONE, NULL);

		if (count > 0)
			*datagrams += count;
	}
}

static void start_collector(struct collector *c)
{
	c->datagrams = mmap(NULL, sizeof(*c->datagrams), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->datagrams == MAP_FAILED)
		fail("collector", errno);
	c->pid = fork();
	check(c->pid, "fork");
	if (!c->pid) {
		signal(SIGTERM, SIG_DFL);
		enter(NS_B);
		collect(c->datagrams);
	}
}

/* --- The agent --------------------------------------------------------------------------- */

struct agent {
	pid_t pid;
	char dir[32];
};

/* A child in NS_B with a file system for BPF and a /run of its own: `weir` there. */
static pid_t spawn(const struct agent *a, const char *arguments)
{
	char command[512];
	pid_t pid = fork();

	check(pid, "fork");
	if (pid)
		return pid;
	enter(NS_B);
	check(unshare(CLONE_NEWNS), "unshare");
	snprintf(command, sizeof(command),
		 "mount --make-rprivate / && mount -t bpf bpf /sys/fs/bpf && "
		 "mount -t tmpfs tmpfs /run && exec build/weir %s >%s/log 2>&1",
		 arguments, a->dir);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

/* One value of `weir show`, as it is where the agent runs. */
static double ask(const struct agent *a, const char *topic, const char *query)
{
	char command[4096 + 256], here[4096];
	double value = -1;
	FILE *f;

	if (!getcwd(here, sizeof(here)))
		fail("directory", errno);
	snprintf(command, sizeof(command),
		 "nsenter -t %d -n -m '%s'/build/weir show %s -j 2>/dev/null | jq '%s'",
		 (int)a->pid, here, topic, query);
	f = popen(command, "r");
	if (!f || fscanf(f, "%lf", &value) != 1)
		value = -1;
	if (f)
		pclose(f);
	return value;
}

static void start_agent(struct agent *a, __u32 flow_size)
{
	char path[64], arguments[128];
	FILE *f;

	strcpy(a->dir, "/tmp/weirbench-XXXXXX");
	if (!mkdtemp(a->dir))
		fail(a->dir, errno);
	snprintf(path, sizeof(path), "%s/weir.yaml", a->dir);
	f = fopen(path, "w");
	if (!f)
		fail(path, errno);
	fprintf(f,
		"interfaces: [bench1]\nflow: {size: %u}\nexport:\n"
		"  - {to: \"ipfix+udp://127.0.0.1:%d\"}\n",
		flow_size, PORT);
	fclose(f);
	snprintf(arguments, sizeof(arguments), "run -q -c %s", path);
	a->pid = spawn(a, arguments);
	for (int i = 0; i < 100 && ask(a, "status", ".interfaces | length") != 1; i++) {
		if (bench_stopped || waitpid(a->pid, NULL, WNOHANG))
			fail("the agent did not start", ECHILD);
		usleep(100000);
	}
}

static void stop_agent(struct agent *a)
{
	int status;

	kill(a->pid, SIGINT);
	waitpid(a->pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		printf("  the agent failed:\n");
		shell("cat %s/log", a->dir);
	}
	shell("rm -rf %s", a->dir);
}

/* --- Flows that leave -------------------------------------------------------------------- */

static double sent_flows(const struct agent *a)
{
	return ask(a, "status", ".exporters[0].exported.flow_count");
}

/* Waits until nothing is queued and nothing more is sent; *when that was seen first. */
static double drained(const struct agent *a, double *when)
{
	double sent, last = -1;

	while (!bench_stopped) {
		sent = sent_flows(a);
		if (sent != last)
			*when = seconds_of(CLOCK_MONOTONIC);
		else if (ask(a, "status", ".exporters[0].queued.flow_count") <= 0)
			break;
		last = sent;
	}
	return last;
}

/* The collector may be a moment behind. */
static bool arrived(const struct agent *a, const struct collector *c)
{
	double messages = ask(a, "status", ".exporters[0].sent.messages");

	for (int i = 0; i < 100 && *c->datagrams < messages; i++)
		usleep(10000);
	return *c->datagrams == messages;
}

/* What a flood of new flows at that rate gave; 0: something was lost. */
static double try_rate(const struct wire *w, const struct agent *a, const struct collector *c,
		       double pps)
{
	double before = sent_flows(a), start = seconds_of(CLOCK_MONOTONIC), end, sent;

	drizzle(w, pps, FLOOD_SECONDS);
	sent = drained(a, &end) - before;
	if (ask(a, "losses", ".counters.overflow.packets") ||
	    ask(a, "status", ".exporters[0].dropped.flow_count") || !arrived(a, c))
		return 0;
	return sent / (end - start);
}

static void bench_flood(const struct wire *w, const struct collector *c)
{
	double best = 0, rate = 1, when;
	struct agent a;

	start_agent(&a, STEADY_FLOWS);
	drizzle(w, 300000, FILL_FRAMES / 300000.0);
	drained(&a, &when);
	for (double pps = 600000; rate && pps <= 2000000 && !bench_stopped; pps += 200000) {
		rate = try_rate(w, &a, c, pps);
		if (rate > best)
			best = rate;
	}
	stop_agent(&a);
	tell("kernel_to_ipfix_rps", best, ">= 1e6");
}

/* --- What it costs ----------------------------------------------------------------------- */

/* Half of the flows come in on each of two CPUs, as a network card's queues spread them. */
static void spread(const struct wire *w, double seconds)
{
	const double start = seconds_of(CLOCK_MONOTONIC);
	const __u32 half = STEADY_FLOWS / 2;
	__u32 at[2] = {0, half};
	cpu_set_t before, cpus;
	double elapsed;
	__u64 sent = 0;

	check(sched_getaffinity(0, sizeof(before), &before), "CPU");
	for (int turn = 0; (elapsed = seconds_of(CLOCK_MONOTONIC) - start) < seconds; turn ^= 1) {
		__u64 due = STEADY_PPS * elapsed + 1 - sent, left = (turn + 1) * half - at[turn];
		__u32 frames = due < left ? due : left;

		CPU_ZERO(&cpus);
		CPU_SET(turn, &cpus);
		check(sched_setaffinity(0, sizeof(cpus), &cpus), "CPU");
		w->bench->bss->flow_next = at[turn] - 1;
		send_frames(w, frames);
		sent += frames;
		at[turn] += frames;
		if (at[turn] == (turn + 1) * half)
			at[turn] = turn * half;
		usleep(2000);
	}
	check(sched_setaffinity(0, sizeof(before), &before), "CPU");
}

static void bench_steady(const struct wire *w)
{
	double cpu, cache;
	struct agent a;

	start_agent(&a, 2 * STEADY_FLOWS);
	w->bench->data->flow_count = STEADY_FLOWS;
	spread(w, STEADY_FLOWS / STEADY_PPS + 1);
	cpu = cpu_seconds(a.pid);
	spread(w, STEADY_SECONDS);
	cpu = cpu_seconds(a.pid) - cpu;
	cache = ask(&a, "status", ".flows.capacity") / WEIR_WAYS * sizeof(struct weir_set);
	tell("agent_cpu_percent", 100 * cpu / STEADY_SECONDS, "< 3");
	tell("agent_rss_mib", (resident_bytes(a.pid) - cache) / MIB, "< 64");
	tell("agent_flows", ask(&a, "status", ".flows.live"), "");
	stop_agent(&a);
}

void bench_export(void)
{
	struct collector c;
	struct wire w;

	wire_up(&w, 1, true);
	w.bench->data->flow_count = FLOOD_FLOWS;
	start_collector(&c);
	receive_with(&w, -1);
	bench_flood(&w, &c);
	if (!bench_stopped)
		bench_steady(&w);
	if (!bench_stopped) {
		w.bench->data->flow_count = FLOOD_FLOWS;
		receive_with(&w, bpf_program__fd(w.bench->progs.empty_xdp));
		bench_rivals(&w, RIVAL_FRAMES, "_new_flows_ratio");
	}
	kill(c.pid, SIGTERM);
	waitpid(c.pid, NULL, 0);
	wire_down(&w);
}
