// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Exporters under test: see collector.h. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/export/collector.h"

#define PATIENCE_NS (30 * SEC)

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SEC + t.tv_nsec;
}

struct flow_ended flow_of(uint64_t id)
{
	return (struct flow_ended){
		.key = {.src4 = htonl(0x0a000000 + id),
			.dst4 = htonl(0xc0000201),
			.sport = htons(1024 + id % 60000),
			.dport = htons(443),
			.proto = 6,
			.ifindex = 2},
		.end = WEIR_END_IDLE,
		.tcp_flags = 0x1b,
		.start_ns = 1700000000 * SEC + id * 1000,
		.end_ns = 1700000001 * SEC + id * 1000,
		.packets = id + 1,
		.bytes = (id + 1) * 100,
	};
}

struct flow_ended flow6_of(uint64_t id)
{
	struct flow_ended flow = flow_of(id);

	flow.key.flags |= WEIR_KEY_V6;
	flow.pair.src[0] = flow.pair.dst[0] = 0x20;
	memcpy(flow.pair.src + 8, &id, sizeof(id));
	return flow;
}

void subject_init_to(struct subject *s, const char *to)
{
	struct why why = {};

	memset(s, 0, sizeof(*s));
	if (export_options_make(to, &s->options, &why))
		fail_msg("%s", why.text);
}

void subject_init(struct subject *s, const char *scheme, uint16_t port)
{
	char to[64];

	snprintf(to, sizeof(to), "%s://127.0.0.1:%u", scheme, port);
	subject_init_to(s, to);
}

void subject_in_folder(struct subject *s)
{
	snprintf(s->folder, sizeof(s->folder), "/tmp/weir-test-export-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
}

void subject_free(struct subject *s)
{
	char path[128];

	if (s->folder[0]) {
		exporter_path(s->folder, s->options.to, path, sizeof(path));
		unlink(path);
		rmdir(s->folder);
	}
	export_options_free(&s->options);
}

void subject_open(struct subject *s)
{
	struct why why = {};

	if (exporter_open(&s->options, &s->facts, s->folder[0] ? s->folder : NULL, NULL,
			  &s->exporter, &why))
		fail_msg("%s", why.text);
	if (s->warns)
		assert_non_null(strstr(why.text, s->warns));
	else
		assert_string_equal(why.text, "");
}

void subject_stage(struct subject *s, const struct flow_ended *flow)
{
	exporter_stage(s->exporter, flow);
	s->staged.records++;
	s->staged.packets += flow->packets;
	s->staged.bytes += flow->bytes;
}

void subject_put(struct subject *s, uint64_t from, uint64_t to)
{
	for (; from < to; from++) {
		struct flow_ended flow = flow_of(from);

		subject_stage(s, &flow);
	}
	exporter_publish(s->exporter);
}

void subject_assert_conserved(const struct subject *s, const struct exporter_state *state)
{
	assert_int_equal(s->staged.records, state->sent.records + state->queued.records +
						    state->dropped.records +
						    state->unencodable.records);
	assert_int_equal(s->staged.packets, state->sent.packets + state->queued.packets +
						    state->dropped.packets +
						    state->unencodable.packets);
	assert_int_equal(s->staged.bytes, state->sent.bytes + state->queued.bytes +
						  state->dropped.bytes + state->unencodable.bytes);
}

struct exporter_state subject_state(const struct subject *s)
{
	struct exporter_state state;

	exporter_state(s->exporter, &state);
	subject_assert_conserved(s, &state);
	return state;
}

void subject_wait_phase(const struct subject *s, enum queue_phase phase)
{
	const uint64_t until = now_ns() + PATIENCE_NS;

	while (subject_state(s).phase != phase) {
		if (now_ns() > until)
			fail_msg("the exporter is %s, not %s: %s",
				 exporter_phase_text(subject_state(s).phase),
				 exporter_phase_text(phase), subject_state(s).error);
		usleep(1000);
	}
}

void subject_wait_errors(const struct subject *s, uint64_t errors)
{
	const uint64_t until = now_ns() + PATIENCE_NS;

	while (subject_state(s).errors < errors) {
		if (now_ns() > until)
			fail_msg("%llu errors came, not %llu",
				 (unsigned long long)subject_state(s).errors,
				 (unsigned long long)errors);
		usleep(1000);
	}
}

uint64_t subject_close(struct subject *s)
{
	uint64_t left = exporter_close(s->exporter, now_ns() + PATIENCE_NS);

	s->exporter = NULL;
	return left;
}
