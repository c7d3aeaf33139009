// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The configuration's queries into the kernel: what goes where is plan.h's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/queries.h"
#include "agent/plan.h"
#include "base/digest.h"
#include "view/text.h"

int queries_adopt(struct queries *q)
{
	for (__u32 w = 0; w < WEIR_QUERIES; w++) {
		int code = meter_label(q->meter, w, &q->label[w]);

		if (code) {
			notes_warn(q->notes, "map labels: %s", strerror(-code));
			return code;
		}
	}
	return 0;
}

/* --- What the words stand for --------------------------------------------------------------- */

/* Whatever their order. */
static __u64 add_ranges(__u64 digest, const struct query_range *ranges, unsigned int count)
{
	__u64 sum = count;

	for (unsigned int i = 0; i < count; i++)
		sum += digest_add(DIGEST_EMPTY, &ranges[i], sizeof(ranges[i]));
	return digest_add(digest, &sum, sizeof(sum));
}

/* VXLAN is known by its port, wherever tunnels are entered. */
static __u64 add_tunnels(__u64 digest, const struct config *config)
{
	__u64 sum = config->inner;

	for (unsigned int i = 0; config->inner && i < config->vxlan_port_count; i++)
		sum += digest_add(DIGEST_EMPTY, &config->vxlan_ports[i],
				  sizeof(config->vxlan_ports[i]));
	return digest_add(digest, &sum, sizeof(sum));
}

__u64 queries_meaning(const struct config *config)
{
	const struct query_scope *scope = &config->scope;
	__u64 digest = digest_add(DIGEST_EMPTY, &config->count_own, sizeof(config->count_own));

	digest = add_tunnels(digest, config);
	digest = add_ranges(digest, scope->inside, scope->inside_count);
	for (unsigned int i = 0; i < scope->group_count; i++) {
		const struct query_group *group = &scope->groups[i];

		digest = digest_add(digest, group->name, strlen(group->name) + 1);
		digest = add_ranges(digest, group->prefixes, group->prefix_count);
	}
	return digest;
}

/* --- Into the kernel ------------------------------------------------------------------------- */

/* `inside`, unless the config gives it, is also the interfaces' own networks. */
static int with_networks(const struct config *config, const struct port_networks *networks,
			 struct config *out)
{
	const struct query_scope *scope = &config->scope;
	unsigned int own = config->inside_given ? 0 : networks->count;
	struct query_range *inside;

	*out = *config;
	inside = calloc(scope->inside_count + own + 1, sizeof(*inside));
	if (!inside)
		return -ENOMEM;
	if (scope->inside_count)
		memcpy(inside, scope->inside, scope->inside_count * sizeof(*inside));
	memcpy(inside + scope->inside_count, networks->range, own * sizeof(*inside));
	out->scope.inside = inside;
	out->scope.inside_count += own;
	return 0;
}

/*
 * New labels before the tables that count for them, and what is dropped after. A window that goes
 * from one query straight to another has no label between: who starts after a crash then takes
 * neither's counts for the other's. New ones are written once more when their tables are in force,
 * for only then are they counted.
 */
static int install(struct queries *q, struct plan *plan, struct weir_tables *tables)
{
	static const struct weir_label none;
	bool late[WEIR_QUERIES] = {false};
	int code = 0;

	plan_begin_vectors(plan, tables, meter_now());
	plan_begin_labels(plan, meter_now());
	for (__u32 w = 0; w < WEIR_QUERIES && !code; w++) {
		const struct weir_label *label = &plan->label[w];

		late[w] = q->label[w].name[0] && (plan->fresh[w] || !label->name[0]);
		if (plan->fresh[w])
			code = meter_clear_window(q->meter, w);
		if (!code && label->name[0] && memcmp(label, &q->label[w], sizeof(*label)))
			code = meter_set_label(q->meter, w, late[w] ? &none : label);
	}
	if (!code)
		code = meter_set_tables(q->meter, tables);
	plan_begin_labels(plan, meter_now());
	for (__u32 w = 0; w < WEIR_QUERIES && !code; w++) {
		if (late[w] || plan->fresh[w])
			code = meter_set_label(q->meter, w, &plan->label[w]);
	}
	if (code)
		notes_warn(q->notes, "queries: %s", strerror(-code));
	return code;
}

/* What is in force now: the plan, or on failure what was before. Frees the other one's slabs. */
static void settle(struct queries *q, const struct config *config, const struct plan *plan,
		   const struct port_networks *networks, bool installed)
{
	int code = meter_drop_slabs(q->meter);

	if (code)
		notes_warn(q->notes, "distinct: memory of old vectors stays taken: %s",
			   strerror(-code));
	if (!installed)
		return;
	memcpy(q->label, plan->label, sizeof(q->label));
	for (unsigned int i = 0; i < config->query_count; i++)
		q->window[i] = plan->query[i].window;
	q->next_window = plan->next_window;
	q->networks = *networks;
}

/* `plan` and `tables` are empty. */
static int apply(struct queries *q, const struct config *config,
		 const struct port_networks *networks, struct plan *plan,
		 struct weir_tables *tables)
{
	const struct weir_tables *running = meter_tables(q->meter);
	struct why why = {};
	struct config whole;
	bool restart;
	int code;

	code = with_networks(config, networks, &whole);
	if (code) {
		notes_warn(q->notes, "queries: %s", strerror(-code));
		return code;
	}
	plan->next_window = q->next_window;
	plan_make(&whole, q->label, running, plan);
	code = plan_tables(plan, &whole, q->meter, tables, &why);
	tables->meaning = queries_meaning(&whole);
	restart = running && running->meaning != tables->meaning;
	if (code)
		notes_warn(q->notes, "%s", why.text);
	else
		code = install(q, plan, tables);
	settle(q, config, plan, networks, !code);
	free(whole.scope.inside);
	if (!code && restart)
		queries_restart(q);
	return code;
}

int queries_apply(struct queries *q, const struct config *config,
		  const struct port_networks *networks)
{
	struct weir_tables *tables = calloc(1, sizeof(*tables));
	struct plan *plan = calloc(1, sizeof(*plan));
	int code = -ENOMEM;

	if (tables && plan)
		code = apply(q, config, networks, plan, tables);
	else
		notes_warn(q->notes, "queries: no memory");
	free(plan);
	free(tables);
	return code;
}

int queries_restart(struct queries *q)
{
	const __u64 now_ns = meter_now();
	int code = 0;

	for (__u32 w = 0; w < WEIR_QUERIES && !code; w++) {
		if (!q->label[w].name[0])
			continue;
		q->label[w].since_ns = now_ns;
		code = meter_set_label(q->meter, w, &q->label[w]);
	}
	if (code)
		notes_warn(q->notes, "queries: %s", strerror(-code));
	return code;
}

void queries_say_memory(struct queries *q)
{
	char text[TEXT_VECTORS_BYTES];
	unsigned int vectors;
	const __u64 bytes = meter_vector_bytes(q->meter, distinct_slabs(q->meter, &vectors));

	if (vectors)
		notes_say(q->notes, "distinct: %s",
			  text_vectors(vectors, bytes, q->meter->cpus, text));
}
