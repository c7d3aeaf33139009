/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Small things that several screens print. */
#ifndef VIEW_TEXT_H
#define VIEW_TEXT_H

#include <stdbool.h>
#include <time.h>

#include "view/distinct.h"
#include "meter/meter.h"

#define TEXT_SI_BYTES 16
#define TEXT_TIME_BYTES 32
#define TEXT_MEMORY_BYTES 24
#define TEXT_MEASURE_BYTES 24
#define TEXT_VECTORS_BYTES 96

/* "0", "12.5", "999", "1.23k", "45.6M": at most six characters. */
const char *text_si(double value, char out[TEXT_SI_BYTES]);

/* "18.2 1.46k", packets and bits a second, in columns of these widths; "-" where nothing was
 * counted. */
void text_rates(const struct weir_count *sum, double seconds, const int columns[2], FILE *out);

/* "96 KiB", "1.5 MiB", "2 GiB". */
const char *text_memory(__u64 bytes, char out[TEXT_MEMORY_BYTES]);

/* Vectors of distinct counts: "3 vectors, 96 KiB on each of 2 CPUs, 192 KiB". */
const char *text_vectors(unsigned int vectors, __u64 bytes, int cpus, char out[TEXT_VECTORS_BYTES]);

/* "packets", "bytes", "distinct src", as in the configuration. */
const char *text_measure(const struct weir_label *label, char out[TEXT_MEASURE_BYTES]);

/* "XDP native", "TCX"... */
const char *text_hook(unsigned int hook);
/* "in: XDP native; out: TCX", with why where it was not the best, or "detached". */
void text_hooks(const struct weir_interface *interface, char *out, size_t size);

/* "1:02:03", with days in front when there are any. */
void text_uptime(unsigned long seconds, char *out, size_t size);

/* Local time, "01:02:03" and "2026-11-22 01:02:03". */
const char *text_clock(time_t at, char out[TEXT_TIME_BYTES]);
const char *text_date(time_t at, char out[TEXT_TIME_BYTES]);

/* Neither seen nor in a flow: what a person looks for when numbers disagree. */
bool text_is_loss(int counter);

/* The verdict on the sum, in words. */
const char *text_balance(const struct meter_balance *b);

#endif
