// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Other meters of the same traffic. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

struct rival {
	const char *name;
	const char *start; /* becomes the program, in NS_B; @ is a directory */
	const char *ready; /* succeeds once it answers */
	const char *read;  /* prints the packets it saw */
};

/* Ways of the programs to be started, asked and read; their own defaults where nothing is said. */
static const struct rival rivals[] = {
	{"softflowd",
	 "exec ip netns exec " NS_B " softflowd -d -i bench1 -p @/pid -c @/ctl >@/log 2>&1",
	 "softflowctl -c @/ctl statistics >/dev/null 2>&1",
	 "softflowctl -c @/ctl statistics 2>&1 | "
	 "awk -F ': *' '/^Packets processed/ { print $2 + 0 }'"},
	{"pmacctd",
	 "printf '%s\\n' 'plugins: memory' 'pcap_interface: bench1' 'imt_path: @/pipe' "
	 "'imt_mem_pools_number: 16384' 'imt_mem_pools_size: 65536' 'imt_buckets: 1048573' "
	 "'plugin_pipe_size: 67108864' 'plugin_buffer_size: 65536' "
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

static void bench_rival(const struct wire *w, const struct rival *r, __u32 frames,
			const char *suffix)
{
	char dir[] = "/tmp/weirbench-XXXXXX", command[1024], result[64];
	struct flood f;
	double before;
	pid_t pid;
	int tries;

	snprintf(result, sizeof(result), "%s%s", r->name, suffix);
	if (shell("command -v %s >/dev/null", r->name)) {
		printf("%-28s not installed\n", result);
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
		f = flood(w, frames);
		tell(result, (seen_by(r, dir) - before) / f.received, "");
	} else {
		printf("%-28s did not start\n", result);
	}
	kill(-pid, SIGTERM);
	waitpid(pid, NULL, 0);
	shell("rm -rf %s", dir);
}

void bench_rivals(const struct wire *w, __u32 frames, const char *suffix)
{
	for (size_t i = 0; i < sizeof(rivals) / sizeof(*rivals) && !bench_stopped; i++)
		bench_rival(w, &rivals[i], frames, suffix);
}
