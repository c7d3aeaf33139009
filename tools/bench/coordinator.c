// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a coordinator carries: `weir coordinate` on loopback, and hosts made by tools/hosts.
 *
 * coordinator_hosts       hosts with five queries each that would keep one core busy: those there
 *                         are, over the share of a core that the coordinator takes once all are up,
 *                         with one update in twenty queries and seconds
 * coordinator_host_bytes  of memory, resident, for each of them
 * coordinator_answer_ms   from a host's word of a second to the answer as of it on standard output
 * The same over TLS: coordinator_tls_...
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "weir/base.h"

#define PORT 4797
#define HOSTS 10000
#define STEADY_SECONDS 10
#define ANSWER_SECONDS 20
#define SAMPLES 256

struct side {
	pid_t pid;
	FILE *out;
};

static char folder[32];

static double unix_seconds(void)
{
	return seconds_of(CLOCK_REALTIME);
}

static struct side start(const char *arguments)
{
	struct side s;
	char command[512];
	int ends[2];

	check(pipe2(ends, O_CLOEXEC), "pipe");
	s.pid = fork();
	check(s.pid, "fork");
	if (!s.pid) {
		dup2(ends[1], STDOUT_FILENO);
		snprintf(command, sizeof(command), "exec build/%s 2>%s/log", arguments, folder);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(ends[1]);
	s.out = fdopen(ends[0], "r");
	return s;
}

static void stop(struct side *s)
{
	kill(s->pid, SIGTERM);
	waitpid(s->pid, NULL, 0);
	fclose(s->out);
}

static struct side start_coordinator(const char *scheme, const char *output)
{
	char path[64], arguments[128];
	struct side s;
	FILE *f;

	snprintf(path, sizeof(path), "%s/weir.yaml", folder);
	f = fopen(path, "w");
	if (!f)
		fail(path, errno);
	fprintf(f, "coordinate:\n  listen: [\"%s://127.0.0.1:%d\"]\n  socket: %s/socket\n", scheme,
		PORT, folder);
	if (!strcmp(scheme, "tls"))
		fprintf(f, "  ca: %s/ca.pem\n  cert: %s/cert.pem\n  key: %s/key.pem\n", folder,
			folder, folder);
	fclose(f);
	snprintf(arguments, sizeof(arguments), "weir coordinate %s -c %s", output, path);
	s = start(arguments);
	snprintf(path, sizeof(path), "%s/socket", folder);
	for (int i = 0; i < 100 && access(path, F_OK); i++)
		usleep(50000);
	return s;
}

static struct side start_hosts(const char *scheme, int hosts, int seconds, const char *more)
{
	char arguments[384], files[160] = "";

	if (!strcmp(scheme, "tls"))
		snprintf(files, sizeof(files), "-A %s/ca.pem -C %s/cert.pem -K %s/key.pem", folder,
			 folder, folder);
	snprintf(arguments, sizeof(arguments), "hosts -n %d -s %d %s %s %s://127.0.0.1:%d", hosts,
		 seconds, more, files, scheme, PORT);
	return start(arguments);
}

static void make_certificates(void)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
		 "-keyout key.pem -out cert.pem -days 2 -subj /CN=bench.example "
		 "-addext subjectAltName=IP:127.0.0.1 2>/dev/null && cp cert.pem ca.pem",
		 folder);
	if (system(command))
		fail("openssl", EIO);
}

/* --- Load -------------------------------------------------------------------------------- */

/* Hosts in a complete answer to Q1, in the lines that have come; else `before`. */
static int hosts_in(struct side *s, int before)
{
	struct pollfd ready = {.fd = fileno(s->out), .events = POLLIN};
	static char line[1 << 18];

	while (poll(&ready, 1, 0) > 0 && ready.revents & POLLIN &&
	       fgets(line, sizeof(line), s->out)) {
		json_t *all = json_loads(line, 0, NULL);
		json_t *first = json_array_get(json_object_get(all, "answers"), 0);

		if (first && json_is_true(json_object_get(first, "complete")))
			before = json_integer_value(json_object_get(first, "present"));
		json_decref(all);
	}
	return before;
}

static void measure_load(const char *scheme, const char *prefix)
{
	struct side coordinator = start_coordinator(scheme, "-j"), hosts;
	double cpu[SAMPLES], empty = resident_bytes(coordinator.pid), full = 0, share;
	int samples = 0, present = 0;
	char name[64];

	hosts = start_hosts(scheme, HOSTS, STEADY_SECONDS + 2, "");
	while (samples < SAMPLES && !waitpid(hosts.pid, NULL, WNOHANG) && !bench_stopped) {
		cpu[samples++] = cpu_seconds(coordinator.pid);
		full = resident_bytes(coordinator.pid);
		present = hosts_in(&coordinator, present);
		sleep(1);
	}
	stop(&coordinator);
	fclose(hosts.out);
	if (samples <= STEADY_SECONDS || present != HOSTS)
		fail("the coordinator did not have all hosts", EIO);
	share = (cpu[samples - 1] - cpu[samples - 1 - STEADY_SECONDS]) / STEADY_SECONDS;
	snprintf(name, sizeof(name), "%s_hosts", prefix);
	tell(name, HOSTS / share, "five queries each, one core; goal >= 10000");
	snprintf(name, sizeof(name), "%s_host_bytes", prefix);
	tell(name, (full - empty) / HOSTS, "resident memory for each host");
}

/* --- From a word to the answer ------------------------------------------------------------- */

struct moment {
	long long tick;
	double at;
};

static int read_answers(FILE *out, struct moment *moments)
{
	static char line[1 << 16];
	int count = 0;

	while (count < SAMPLES && fgets(line, sizeof(line), out)) {
		double now = unix_seconds();
		json_t *all = json_loads(line, 0, NULL);
		json_t *first = json_array_get(json_object_get(all, "answers"), 0);

		if (first && !json_object_get(all, "stopped"))
			moments[count++] = (struct moment){
				json_integer_value(json_object_get(first, "as_of_ns")) /
					(json_int_t)WEIR_NS_PER_SEC,
				now};
		json_decref(all);
		if (count > ANSWER_SECONDS)
			break;
	}
	return count;
}

static void measure_answer(const char *scheme, const char *prefix)
{
	struct side coordinator = start_coordinator(scheme, "-j");
	struct side hosts = start_hosts(scheme, 1, ANSWER_SECONDS + 3, "-t -u 100");
	struct moment answers[SAMPLES];
	double late_ms[SAMPLES];
	unsigned long long ns;
	char line[256], name[64];
	int count = read_answers(coordinator.out, answers), matched = 0;
	long long tick;

	while (fgets(line, sizeof(line), hosts.out)) {
		if (sscanf(line, "%lld %llu", &tick, &ns) != 2)
			continue;
		for (int i = 0; i < count; i++)
			if (answers[i].tick == tick)
				late_ms[matched++] = (answers[i].at - ns / 1e9) * 1000;
	}
	stop(&hosts);
	stop(&coordinator);
	if (matched < ANSWER_SECONDS / 2)
		fail("answers did not come", EIO);
	snprintf(name, sizeof(name), "%s_answer_ms", prefix);
	tell(name, median(late_ms, matched), "from a host's word to the answer; goal < 50");
}

void bench_coordinator(void)
{
	char command[64];

	strcpy(folder, "/tmp/weirbench-XXXXXX");
	if (!mkdtemp(folder))
		fail(folder, errno);
	make_certificates();
	measure_load("tcp", "coordinator");
	measure_answer("tcp", "coordinator");
	measure_load("tls", "coordinator_tls");
	measure_answer("tls", "coordinator_tls");
	snprintf(command, sizeof(command), "rm -r %s", folder);
	if (system(command))
		fail(folder, errno);
}
