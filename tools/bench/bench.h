/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the benches share. */
#ifndef BENCH_H
#define BENCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/* Set by SIGINT and SIGTERM once a bench catches them. */
extern volatile sig_atomic_t bench_stopped;

void bench_pipeline(void);
void bench_veth(void);
void bench_vectors(void);
void bench_codec(void);
void bench_export(void);
void bench_accuracy(void);
void bench_coordinator(void);
void bench_interval(void);

/* Prints why and exits; code: an errno, negative or not. */
__attribute__((noreturn)) void fail(const char *what, int code);
/* fail() for a negative result, which errno explains if it is set. */
void check(int code, const char *what);

double seconds_of(clockid_t clock);
double median(double *values, int count);
/* Of a process, so far; now. */
double cpu_seconds(pid_t pid);
double resident_bytes(pid_t pid);

/* A result, for the screen and for the report. `goal` is words, "" for a number that stands there
 * for scale. */
void tell(const char *name, double value, const char *goal);

#endif
