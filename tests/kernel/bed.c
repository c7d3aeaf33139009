/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "kernel/bed.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

#define FLOWS_MAX 65536

bool bed_is_impossible(void)
{
	if (geteuid() == 0)
		return false;
	printf("1..0 # SKIP loading kernel programs needs root\n");
	return true;
}

static void stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

static int keep_event(void *ctx, const struct weir_event *event)
{
	struct bed *bed = ctx;

	assert_true(bed->events < BED_EVENTS);
	bed->event[bed->events++] = *event;
	return 0;
}

void bed_tables(struct bed *bed, const char *yaml)
{
	struct weir_tables *tables = calloc(1, sizeof(*tables));
	struct why err;
	struct query_error why;
	struct config config;

	assert_non_null(tables);
	if (config_read("test", yaml, strlen(yaml), &config, &err))
		fail_msg("%s", err.text);
	assert_int_equal(config_compile(&config, tables, &why), 0);
	for (unsigned int q = 0; q < config.query_count; q++) {
		const struct config_query *query = &config.queries[q];

		for (int d = 0; d < WEIR_DISTINCT_MAX; d++)
			if (query->slabs[d])
				tables->vector[q][d] = (struct weir_vector){
					.slabs = query->slabs[d],
					.first = METER_UNMADE,
					.rate = countdown_rate(query->window_s * WEIR_NS_PER_SEC),
					.since_ns = bed->now_ns,
				};
	}
	assert_int_equal(meter_make_vectors(&bed->m, tables), 0);
	query_mark_vectors(tables);
	config_set_traffic(&config, tables);
	assert_int_equal(meter_set_tables(&bed->m, tables), 0);
	assert_int_equal(meter_drop_slabs(&bed->m), 0);
	config_free(&config);
	free(tables);
}

bool bed_has_symbol(const char *name)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char symbol[256];
	bool found = false;

	assert_non_null(symbols);
	while (!found && fscanf(symbols, "%*s %*s %255s%*[^\n]", symbol) == 1)
		found = !strcmp(symbol, name);
	fclose(symbols);
	return found;
}

void bed_open(struct bed *bed, const struct meter_options *options, const char *yaml)
{
	struct why why;

	memset(bed, 0, sizeof(*bed));
	stay_on_one_cpu();
	if (meter_load(options, &bed->m, &why))
		fail_msg("%s", why.text);
	bed->now_ns = BED_START;
	bed_tables(bed, yaml);
}

void bed_close(struct bed *bed)
{
	meter_close(&bed->m);
}

int bed_close_group(void **state)
{
	bed_close(*state);
	return 0;
}

/* bytes: of one element, all CPUs */
static void zero_array(int map, __u32 count, size_t bytes)
{
	void *zero = calloc(1, bytes);

	assert_non_null(zero);
	for (__u32 i = 0; i < count; i++)
		assert_int_equal(bpf_map_update_elem(map, &i, zero, BPF_ANY), 0);
	free(zero);
}

void bed_reset(struct bed *bed)
{
	const struct meter *m = &bed->m;
	__u8 key[64];

	zero_array(m->map[MAP_FLOWS], m->sets, sizeof(struct weir_set));
	zero_array(m->map[MAP_BOOKS], 2, m->cpus * sizeof(struct weir_books));
	zero_array(m->map[MAP_WINDOWS], WEIR_SLOTS, m->cpus * sizeof(struct weir_slot));
	while (!bpf_map_get_next_key(m->map[MAP_FRAGMENTS], NULL, key))
		bpf_map_delete_elem(m->map[MAP_FRAGMENTS], key);
	bed_drain(bed);
	bed->events = 0;
	bed->now_ns = BED_START;
}

void bed_feed_part(struct bed *bed, const struct frame *f, __u32 captured)
{
	assert_int_equal(meter_feed(&bed->m, bed->now_ns, f->data, captured, f->bytes), 0);
}

void bed_feed(struct bed *bed, const struct frame *f)
{
	bed_feed_part(bed, f, f->bytes);
}

int bed_run(struct bed *bed, int prog, const void *frame, __u32 bytes, struct __sk_buff *ctx,
	    __u32 *verdict)
{
	static __u8 out[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = bytes,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = ctx,
		    .ctx_size_in = ctx ? sizeof(*ctx) : 0, .repeat = 1);

	(void)bed;
	if (bpf_prog_test_run_opts(prog, &opts))
		return -errno;
	assert_int_equal(opts.data_size_out, bytes);
	assert_memory_equal(out, frame, bytes);
	*verdict = opts.retval;
	return 0;
}

bool bed_is_refused(const void *frame, __u32 bytes)
{
	const __u8 *type = (const __u8 *)frame + 12;

	if (bytes <= 14)
		return true;
	if (type[0] == 0x08 && type[1] == 0x00)
		return bytes < 14 + 20;
	return type[0] == 0x86 && type[1] == 0xdd && bytes < 14 + 40;
}

struct finder {
	struct bed_flow *out;
	int max, count;
};

static int take_flow(void *ctx, __u32 slot, const struct weir_flow *flow,
		     const struct weir_pair6 *pair)
{
	struct finder *f = ctx;

	if (f->count < f->max)
		f->out[f->count] = (struct bed_flow){.slot = slot, .flow = *flow, .pair = *pair};
	f->count++;
	return 0;
}

int bed_flows(const struct bed *bed, struct bed_flow *out, int max)
{
	struct finder f = {.out = out, .max = max};

	assert_int_equal(meter_each_flow(&bed->m, take_flow, &f), 0);
	return f.count;
}

struct bed_flow bed_only_flow(const struct bed *bed)
{
	struct bed_flow flow = {};

	assert_int_equal(bed_flows(bed, &flow, 1), 1);
	return flow;
}

static bool find_port(const struct bed *bed, __u16 sport, struct bed_flow *out)
{
	struct bed_flow *all = calloc(FLOWS_MAX, sizeof(*all));
	int count = bed_flows(bed, all, FLOWS_MAX), found = 0;

	for (int i = 0; i < count; i++) {
		if (ntohs(all[i].flow.key.sport) != sport)
			continue;
		*out = all[i];
		found++;
	}
	free(all);
	assert_true(found <= 1);
	return found;
}

bool bed_has_port(const struct bed *bed, __u16 sport)
{
	struct bed_flow flow;

	return find_port(bed, sport, &flow);
}

struct bed_flow bed_flow_of_port(const struct bed *bed, __u16 sport)
{
	struct bed_flow flow;

	if (!find_port(bed, sport, &flow))
		fail_msg("no flow has source port %u", sport);
	return flow;
}

void bed_expect_key(const struct bed_flow *flow, const struct bed_key *want)
{
	const struct weir_flow_key *k = &flow->flow.key;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	if (k->flags & WEIR_KEY_V6) {
		inet_ntop(AF_INET6, flow->pair.src, src, sizeof(src));
		inet_ntop(AF_INET6, flow->pair.dst, dst, sizeof(dst));
	} else {
		inet_ntop(AF_INET, &k->src4, src, sizeof(src));
		inet_ntop(AF_INET, &k->dst4, dst, sizeof(dst));
	}
	if (want->src) {
		assert_string_equal(src, want->src);
		assert_string_equal(dst, want->dst);
	}
	assert_int_equal(k->proto, want->proto);
	assert_int_equal(ntohs(k->sport), want->sport);
	assert_int_equal(ntohs(k->dport), want->dport);
	assert_int_equal(k->vlan, want->vlan);
	assert_int_equal(!!(k->flags & WEIR_KEY_NOPORTS), want->no_ports);
	assert_int_equal(!!(k->flags & WEIR_KEY_UNKNOWN), want->unknown);
	assert_int_equal(!!(k->flags & WEIR_KEY_OUT), want->out);
}

struct weir_count bed_books(const struct bed *bed, enum weir_counter counter)
{
	struct weir_books books;

	assert_int_equal(meter_books(&bed->m, 0, &books), 0);
	return books.count[counter];
}

int bed_drain(struct bed *bed)
{
	int before = bed->events;

	assert_true(meter_ring_drain(&bed->m, keep_event, bed) >= 0);
	return bed->events - before;
}

void bed_expect_conserved(const struct bed *bed)
{
	static const enum weir_counter accounts[] = {
		WEIR_EVICTED,   WEIR_OVERFLOW,  WEIR_OUTSIDE,    WEIR_ARP, WEIR_NOT_IP,
		WEIR_TRUNCATED, WEIR_MALFORMED, WEIR_PSEUDOWIRE, WEIR_OWN};
	struct weir_count seen, sum = {};
	struct weir_books books;

	assert_int_equal(meter_books(&bed->m, WEIR_INTERFACES, &books), 0);
	seen.packets = books.count[WEIR_SEEN_IN].packets + books.count[WEIR_SEEN_OUT].packets;
	seen.bytes = books.count[WEIR_SEEN_IN].bytes + books.count[WEIR_SEEN_OUT].bytes;
	for (size_t i = 0; i < sizeof(accounts) / sizeof(*accounts); i++) {
		sum.packets += books.count[accounts[i]].packets;
		sum.bytes += books.count[accounts[i]].bytes;
	}
	for (__u32 s = 0; s < bed->m.sets; s++) {
		for (int way = 0; way < WEIR_WAYS; way++) {
			const struct weir_flow *flow = &bed->m.set[s].flow[way];

			if (!flow->generation)
				continue;
			assert_int_equal(flow->generation & 1, 0);
			sum.packets += flow->packets;
			sum.bytes += flow->bytes;
		}
	}
	assert_int_equal(sum.packets, seen.packets);
	assert_int_equal(sum.bytes, seen.bytes);
}

void bed_expect_balance(const struct bed *bed)
{
	struct meter_balance b;

	bed_expect_conserved(bed);
	assert_int_equal(meter_balance(&bed->m, &b), 0);
	assert_true(b.quiet);
	assert_true(b.holds);
	assert_int_equal(b.low.packets, b.seen_after.packets);
	assert_int_equal(b.low.bytes, b.seen_after.bytes);
}
