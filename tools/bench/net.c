// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1u << 1)
#endif

static void stop(int signal)
{
	bench_stopped = signal;
}

int shell(const char *format, ...)
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
		  "ip -n " NS_B " link set lo up; "
		  "ip -n " NS_A " link set bench0 up; ip -n " NS_B " link set bench1 up"))
		fail("cannot make network namespaces", EIO);
}

void enter(const char *ns)
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

static __u64 received(void)
{
	return device_sum(NS_B, "bench1", "_xdp_packets");
}

static __u64 refused(void)
{
	return device_sum(NS_A, "bench0", "_xdp_xmit_errors");
}

void send_frames(const struct wire *w, __u32 frames)
{
	__u8 frame[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = frames, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	memcpy(frame, tcp_frame, sizeof(frame));
	check(bpf_prog_test_run_opts(bpf_program__fd(w->bench->progs.send_xdp), &opts),
	      "live frames");
}

struct flood flood(const struct wire *w, __u32 frames)
{
	const struct timespec moment = {.tv_nsec = 10000000};
	struct flood f = {.sent = frames};
	__u64 before = received(), refused_before = refused(), last;
	double start, elapsed;

	start = seconds_of(CLOCK_MONOTONIC);
	send_frames(w, frames);
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

void receive_with(const struct wire *w, int prog)
{
	enter(NS_B);
	check(bpf_xdp_attach(w->receiver, prog, XDP_FLAGS_DRV_MODE, NULL), "attach");
	enter(NS_A);
}

void wire_up(struct wire *w, __u32 flows, bool frags)
{
	__u32 zero = 0;
	int sender;

	w->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	net_up();
	w->bench = load_bench(flows, frags);
	enter(NS_B);
	w->receiver = if_nametoindex("bench1");
	enter(NS_A);
	receive_with(w, bpf_program__fd(w->bench->progs.empty_xdp));
	sender = if_nametoindex("bench0");
	check(bpf_map_update_elem(bpf_map__fd(w->bench->maps.wires), &zero, &sender, BPF_ANY),
	      "devmap");
}

void wire_down(struct wire *w)
{
	bench_bpf__destroy(w->bench);
	check(setns(w->home, CLONE_NEWNET), "namespace");
	close(w->home);
	net_down();
}

__u64 drizzle(const struct wire *w, double pps, double seconds)
{
	const double start = seconds_of(CLOCK_MONOTONIC);
	double elapsed;
	__u64 sent = 0;

	while ((elapsed = seconds_of(CLOCK_MONOTONIC) - start) < seconds && !bench_stopped) {
		__u64 due = pps * elapsed + 1;

		if (due > sent)
			send_frames(w, due - sent);
		sent = due;
		usleep(2000);
	}
	return sent;
}
