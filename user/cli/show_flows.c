// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* weir show flows: what is in the cache now, the parts of a flow on several CPUs as one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/show.h"
#include "view/json.h"
#include "view/text.h"
#include "flow/json.h"
#include "flow/text.h"

struct gathering {
	const struct weir_tables *tables;
	__u16 generation;
	__u64 wanted; /* terms of the query asked for */
	__u64 now_ns;
	struct flow_items items;
};

static int find_query(const struct show *s, unsigned int *out)
{
	struct weir_label label;

	for (unsigned int w = 0; w < WEIR_QUERIES; w++) {
		if (!meter_label(&s->meter, w, &label) && !strcmp(label.name, s->query)) {
			*out = w;
			return 0;
		}
	}
	return -ENOENT;
}

static __u64 terms_of_query(const struct weir_tables *t, unsigned int query)
{
	__u64 terms = 0;

	for (unsigned int i = 0; i < t->terms && i < WEIR_TERMS; i++) {
		__u64 bit = 1ull << i;

		if (t->term_query[weir_term_slot(bit)] == query)
			terms |= bit;
	}
	return terms;
}

/* The kernel's own answer, unless it is to other queries than there are now. */
static __u64 terms_of_flow(const struct gathering *g, const struct weir_flow *flow,
			   const struct weir_pair6 *pair)
{
	__u8 src, dst;

	if (flow->tables == g->generation)
		return flow->terms;
	return weir_classify_key(g->tables, &flow->key) &
	       weir_classify_addrs(g->tables, &flow->key, pair, &src, &dst);
}

static int gather(void *ctx, __u32 slot, const struct weir_flow *flow,
		  const struct weir_pair6 *pair)
{
	struct gathering *g = ctx;

	(void)slot;
	if (!(terms_of_flow(g, flow, pair) & g->wanted) && g->wanted != ~0ull)
		return 0;
	return flow_items_add(&g->items, flow, pair,
			      weir_flow_over(flow, &g->tables->timeouts, g->now_ns, 0));
}

/* Name of the interface that a flow was seen on; its number when it is not in the table. */
static void interface_name(const struct meter *m, __u32 ifindex, char out[16])
{
	struct weir_interface interface;

	for (__u32 i = 1; i < WEIR_INTERFACES; i++) {
		if (meter_interface(m, i, &interface) || !interface.ifindex)
			break;
		if (interface.ifindex == ifindex) {
			memcpy(out, interface.name, 16);
			out[15] = '\0';
			return;
		}
	}
	snprintf(out, 16, "%u", ifindex);
}

static int print_json(const struct meter *m, const struct flow_ended *item, __s64 offset_ns)
{
	json_t *record = flow_live_json(item, offset_ns);
	char name[16];

	interface_name(m, item->key.ifindex, name);
	if (record)
		json_object_set_new(record, "interface", json_string(name));
	return json_line(record, stdout);
}

struct widths {
	int proto, src, dst;
};

static void widen(int *width, const char *text)
{
	if ((int)strlen(text) > *width)
		*width = strlen(text);
}

static void measure(const struct flow_ended *item, struct widths *w)
{
	char src[FLOW_ENDPOINT_BYTES], dst[FLOW_ENDPOINT_BYTES], proto[FLOW_PROTO_BYTES];

	flow_proto_text(&item->key, proto);
	flow_source_text(&item->key, &item->pair, src);
	flow_dest_text(&item->key, &item->pair, dst);
	widen(&w->proto, proto);
	widen(&w->src, src);
	widen(&w->dst, dst);
}

static void print_text(const struct flow_ended *item, const struct widths *w, __u64 now_ns)
{
	char src[FLOW_ENDPOINT_BYTES], dst[FLOW_ENDPOINT_BYTES], proto[FLOW_PROTO_BYTES];
	char packets[TEXT_SI_BYTES], bytes[TEXT_SI_BYTES];
	__s64 idle_ns = now_ns - item->end_ns;

	flow_proto_text(&item->key, proto);
	flow_source_text(&item->key, &item->pair, src);
	flow_dest_text(&item->key, &item->pair, dst);
	printf("%-3s %-*s %-*s %-*s %7s %7s %6llds  %s\n",
	       item->key.flags & WEIR_KEY_OUT ? "out" : "in", w->proto, proto, w->src, src, w->dst,
	       dst, text_si(item->packets, packets), text_si(item->bytes, bytes),
	       (idle_ns > 0 ? idle_ns : 0) / (__s64)WEIR_NS_PER_SEC, flow_end_text(item->end));
}

static int print_all(const struct show *s, const struct gathering *g)
{
	const struct flow_items *items = &g->items;
	size_t count = s->top && s->top < items->count ? s->top : items->count;
	struct widths w = {5, 6, 11};
	__s64 offset_ns = clock_offset_ns();

	for (size_t i = 0; i < count && s->json; i++) {
		int code = print_json(&s->meter, &items->item[i], offset_ns);

		if (code)
			return code;
	}
	if (s->json)
		return 0;
	for (size_t i = 0; i < count; i++)
		measure(&items->item[i], &w);
	printf("%-3s %-*s %-*s %-*s %7s %7s %7s  %s\n", "", w.proto, "proto", w.src, "source",
	       w.dst, "destination", "packets", "octets", "idle", "state");
	for (size_t i = 0; i < count; i++)
		print_text(&items->item[i], &w, g->now_ns);
	printf("%zu of %zu flows\n", count, items->count);
	return 0;
}

int show_flows(struct show *s)
{
	struct gathering g = {
		.tables = show_tables(s),
		.generation = s->meter.control->generation,
		.wanted = ~0ull,
		.now_ns = meter_now(),
	};
	unsigned int query;
	int code;

	if (s->query) {
		if (find_query(s, &query)) {
			log_err("no query is named '%s'", s->query);
			return CLI_FAILED;
		}
		g.wanted = terms_of_query(g.tables, query);
	}
	code = meter_each_flow(&s->meter, gather, &g);
	if (!code) {
		flow_items_merge(&g.items);
		flow_items_sort(&g.items, s->order);
		code = print_all(s, &g);
	}
	if (code)
		log_err("flows: %s", strerror(-code));
	flow_items_free(&g.items);
	return code ? CLI_FAILED : CLI_OK;
}
