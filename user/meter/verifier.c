// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the verifier says while it looks at our programs: its statistics, and in
 * front of them, when it refuses one, why. Both in a few lines, for without a log of
 * every instruction (WEIR_LIBBPF_LOG) it writes nothing else.
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/meter_internal.h"

#define LOG_STATS 4 /* BPF_LOG_STATS, <linux/bpf_verifier.h>, since 5.2 */

void verifier_listen(struct bpf_object *object, struct verifier_logs *logs)
{
	struct bpf_program *prog;
	int i = 0;

	memset(logs, 0, sizeof(*logs));
	if (verifier_is_loud())
		return; /* libbpf takes the log itself, and prints it */
	bpf_object__for_each_program(prog, object) {
		if (i == PROG_MAX)
			return;
		bpf_program__set_log_level(prog, LOG_STATS);
		bpf_program__set_log_buf(prog, logs->text[i++], sizeof(logs->text[0]));
	}
}

bool verifier_is_loud(void)
{
	return getenv("WEIR_LIBBPF_LOG");
}

__u32 verifier_work(const struct bpf_program *prog)
{
	size_t size;
	const char *log = bpf_program__log_buf((struct bpf_program *)prog, &size);
	const char *stats = log ? strstr(log, "\nprocessed ") : NULL;
	unsigned int instructions;

	return stats && sscanf(stats, " processed %u", &instructions) == 1 ? instructions : 0;
}

static bool is_statistics(const char *line)
{
	static const char *const first[] = {"verification time ", "stack depth ", "processed "};

	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++)
		if (!strncmp(line, first[i], strlen(first[i])))
			return true;
	return false;
}

bool verifier_complaint(const char *log, struct why *why)
{
	const char *last = NULL;

	/* Lines before the last may be remarks. */
	for (const char *line = log; *line && !is_statistics(line);) {
		const size_t length = strcspn(line, "\n");

		if (length)
			last = line;
		line += length + (line[length] == '\n');
	}
	if (last)
		why_set(why, 0, "%.*s", (int)strcspn(last, "\n"), last);
	return last;
}

bool verifier_refusal(const struct bpf_object *object, struct why *why)
{
	const char *name = NULL, *last = NULL;
	struct bpf_program *prog;
	struct why complaint = {};
	size_t bytes;

	/* They are loaded in order: it is the last that it said anything of, if any. */
	bpf_object__for_each_program(prog, object) {
		const char *log = bpf_program__log_buf(prog, &bytes);

		if (log && *log) {
			name = bpf_program__name(prog);
			last = log;
		}
	}
	if (!last || !verifier_complaint(last, &complaint))
		return false;
	why_set(why, 0, "%s: %s", name, complaint.text);
	return true;
}
