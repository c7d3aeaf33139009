// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "view/text.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/counters.h"

const char *text_si(double value, char out[TEXT_SI_BYTES])
{
	static const char units[] = {0, 'k', 'M', 'G', 'T', 'P'};
	unsigned int unit = 0;

	while (value >= 999.5 && unit + 1 < sizeof(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(out, TEXT_SI_BYTES, "%.*f%.1s",
		 value == (long)value && !unit ? 0
		 : value < 9.995               ? 2
		 : value < 99.95               ? 1
					       : 0,
		 value, unit ? &units[unit] : "");
	return out;
}

void text_rates(const struct weir_count *sum, double seconds, const int columns[2], FILE *out)
{
	char pps[TEXT_SI_BYTES] = "-", bps[TEXT_SI_BYTES] = "-";

	if (seconds > 0) {
		text_si(sum->packets / seconds, pps);
		text_si(8.0 * sum->bytes / seconds, bps);
	}
	fprintf(out, "%*s %*s", columns[0], pps, columns[1], bps);
}

const char *text_memory(__u64 bytes, char out[TEXT_MEMORY_BYTES])
{
	static const char *const units[] = {"KiB", "MiB", "GiB"};
	double value = bytes / 1024.0;
	unsigned int unit = 0;

	for (; value >= 1024 && unit < 2; unit++)
		value /= 1024;
	snprintf(out, TEXT_MEMORY_BYTES, "%.4g %s", value, units[unit]);
	return out;
}

const char *text_vectors(unsigned int vectors, __u64 bytes, int cpus, char out[TEXT_VECTORS_BYTES])
{
	char each[TEXT_MEMORY_BYTES], all[TEXT_MEMORY_BYTES];

	snprintf(out, TEXT_VECTORS_BYTES, "%u vector%s, %s on each of %d CPUs, %s", vectors,
		 vectors == 1 ? "" : "s", text_memory(bytes / cpus, each), cpus,
		 text_memory(bytes, all));
	return out;
}

const char *text_measure(const struct weir_label *label, char out[TEXT_MEASURE_BYTES])
{
	const unsigned int k = distinct_of(label);

	if (k < WEIR_DISTINCT_MAX)
		snprintf(out, TEXT_MEASURE_BYTES, "distinct %s", countdown_key_name(k));
	else
		snprintf(out, TEXT_MEASURE_BYTES, "%s",
			 label->measure == WEIR_MEASURE_BYTES ? "bytes" : "packets");
	return out;
}

const char *text_hook(unsigned int hook)
{
	static const char *const names[] = {
		[WEIR_HOOK_NONE] = "none",
		[WEIR_HOOK_XDP_NATIVE] = "XDP native",
		[WEIR_HOOK_XDP_GENERIC] = "XDP generic",
		[WEIR_HOOK_TCX] = "TCX",
		[WEIR_HOOK_CLSACT] = "clsact",
	};

	return hook <= WEIR_HOOK_CLSACT ? names[hook] : "unknown";
}

void text_hooks(const struct weir_interface *interface, char *out, size_t size)
{
	if (interface->why[0])
		snprintf(out, size, "%.*s", (int)sizeof(interface->why), interface->why);
	else if (interface->in || interface->out)
		snprintf(out, size, "in: %s; out: %s", text_hook(interface->in),
			 text_hook(interface->out));
	else
		snprintf(out, size, "detached; its counts stay");
}

void text_uptime(unsigned long seconds, char *out, size_t size)
{
	unsigned long days = seconds / 86400, hours = seconds / 3600 % 24;
	unsigned long minutes = seconds / 60 % 60;

	if (days)
		snprintf(out, size, "%lu d %lu:%02lu:%02lu", days, hours, minutes, seconds % 60);
	else
		snprintf(out, size, "%lu:%02lu:%02lu", hours, minutes, seconds % 60);
}

const char *text_clock(time_t at, char out[TEXT_TIME_BYTES])
{
	struct tm local = {};

	localtime_r(&at, &local);
	strftime(out, TEXT_TIME_BYTES, "%T", &local);
	return out;
}

const char *text_date(time_t at, char out[TEXT_TIME_BYTES])
{
	struct tm local = {};

	localtime_r(&at, &local);
	strftime(out, TEXT_TIME_BYTES, "%F %T", &local);
	return out;
}

bool text_is_loss(int counter)
{
	const enum weir_counter_kind kind = counter_names[counter].kind;

	return kind == WEIR_KIND_OVERFLOW || kind == WEIR_KIND_NAMED || kind == WEIR_KIND_NOTE;
}

const char *text_balance(const struct meter_balance *b)
{
	if (!b->holds)
		return "PACKETS ARE NOT ALL ACCOUNTED FOR";
	return b->quiet ? "every packet is accounted for"
			: "every packet is accounted for, as far as moving counters tell";
}
