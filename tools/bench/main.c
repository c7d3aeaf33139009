// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * make bench: how fast weir is, and how exact.
 *
 *   pipeline  nanoseconds a packet takes in the kernel programs    (pipeline.c)
 *   veth      frames per second through a pair of interfaces       (veth.c)
 *   codec     flow records per second written and read             (wire.c)
 *   export    flows per second from the kernel to a collector,
 *             and what the agent costs                             (export.c)
 *   vectors   what a vector of distinct counts costs a packet      (vectors.c)
 *   accuracy  error of the distinct counts, simulated              (distinct.c)
 *   messages  what adaptive filters have to say, simulated         (interval.c)
 *   coordinator
 *             hosts that one carries, and how soon it answers      (coordinator.c)
 *
 * Rounds are interleaved: within one every case runs once, so that what disturbs
 * the machine disturbs all alike. A number is the median of its rounds. Results
 * are merged into one flat object, build/bench.json.
 */
#include "bench.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT "build/bench.json"

volatile sig_atomic_t bench_stopped;

void fail(const char *what, int code)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(code < 0 ? -code : code));
	exit(1);
}

void check(int code, const char *what)
{
	if (code < 0)
		fail(what, errno ? errno : -code);
}

double seconds_of(clockid_t clock)
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

double median(double *values, int count)
{
	qsort(values, count, sizeof(*values), compare);
	return count & 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double cpu_seconds(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			 &user, &system) != 2)
		fail(path, EIO);
	fclose(f);
	return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

double resident_bytes(pid_t pid)
{
	unsigned long pages = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		fail(path, EIO);
	fclose(f);
	return (double)pages * sysconf(_SC_PAGESIZE);
}

/* --- The report -------------------------------------------------------------------------- */

static json_t *report;

void tell(const char *name, double value, const char *goal)
{
	printf("%-36s %10.3f   %s\n", name, value, goal);
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

/* --- Which -------------------------------------------------------------------------------- */

/* `area` groups the benches of one part of weir; either name selects. */
static const struct {
	const char *area, *name;
	void (*run)(void);
} benches[] = {
	{.area = "meter", .name = "pipeline", .run = bench_pipeline},
	{.area = "meter", .name = "veth", .run = bench_veth},
	{.area = "wire", .name = "codec", .run = bench_codec},
	{.area = "wire", .name = "export", .run = bench_export},
	{.area = "sketch", .name = "vectors", .run = bench_vectors},
	{.area = "sketch", .name = "accuracy", .run = bench_accuracy},
	{.area = "interval", .name = "coordinator", .run = bench_coordinator},
	{.area = "interval", .name = "messages", .run = bench_interval},
};

int main(int argc, char **argv)
{
	bool any = false;

	report = json_object();
	for (size_t i = 0; i < sizeof(benches) / sizeof(*benches) && !bench_stopped; i++) {
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
	return bench_stopped ? 128 + bench_stopped : 0;
}
