// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir run --check: what a start would come to on this machine. The programs are loaded with the
 * configuration's sizes and queries, beside whatever runs, pinned nowhere and attached to nothing;
 * they end with the process. The functions with which a start opens exporters and the session with a
 * coordinator also check here that certificates can be read and folders written to. Nothing is
 * created, locked or sent, so names are not resolved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "base/log.h"
#include "agent/agent_internal.h"
#include "view/kernel.h"
#include "agent/lock.h"
#include "view/json.h"
#include "view/print.h"
#include "view/text.h"

struct check {
	struct agent *a;
	struct meter pinned; /* what runs, or was left running; a peek */
	bool runs;
	struct snapshot *snapshot;
	struct why refused; /* why not all would work; "" if it would */
};

static const char *why_not(const struct check *c)
{
	return c->refused.text[0] ? c->refused.text : NULL;
}

/* --- Interfaces ------------------------------------------------------------------------ */

static bool is_measured(const struct check *c, __u32 ifindex, struct weir_interface *out)
{
	struct weir_interface i;

	for (__u32 account = 1; c->runs && account < WEIR_INTERFACES; account++) {
		if (meter_interface(&c->pinned, account, &i) || i.ifindex != ifindex || i.gone ||
		    (!i.in && !i.out))
			continue;
		*out = i;
		return true;
	}
	return false;
}

/* What would become of it: `out` has its name. */
static void foresee(struct check *c, unsigned int port, struct snapshot_interface *out)
{
	const struct ports *p = &c->a->ports;
	const __u32 ifindex = p->port[port].there;
	char name[sizeof(out->hooks.name)];

	memcpy(name, out->hooks.name, sizeof(name));
	if (!meter_foresee(&c->a->meter, &c->snapshot->kernel, ifindex, name, &p->policy,
			   p->place[port].vlans, &out->hooks, &out->why)) {
		out->state = SNAPSHOT_FORESEEN;
		return;
	}
	out->state = SNAPSHOT_REFUSED;
	out->hooks = (struct weir_interface){.ifindex = ifindex};
	memcpy(out->hooks.name, name, sizeof(name));
	if (!c->refused.text[0])
		c->refused = out->why;
}

static void check_port(struct check *c, unsigned int port)
{
	struct snapshot_interface *out = &c->snapshot->interface[c->snapshot->interface_count++];
	const struct ports *p = &c->a->ports;
	char reason[PORT_REASON_BYTES];

	*out = (struct snapshot_interface){
		.state = SNAPSHOT_ABSENT,
		.hooks.ifindex = p->port[port].there,
		.also = links_also(p->place, p->count, port),
	};
	snprintf(out->hooks.name, sizeof(out->hooks.name), "%s", p->port[port].name);
	if (!p->port[port].there) {
		why_set(&out->why, 0, "not there yet, waited for");
	} else if (ports_leave_out(p, port, reason)) {
		why_set(&out->why, 0, "%s", reason);
		out->state = SNAPSHOT_LEFT_OUT;
	} else if (is_measured(c, p->port[port].there, &out->hooks)) {
		out->state = SNAPSHOT_ATTACHED;
	} else {
		foresee(c, port, out);
	}
}

/* --------------------------------------------------------------------------------------- */

static void print_interface(const struct snapshot_interface *i)
{
	char hooks[256];

	text_hooks(&i->hooks, hooks, sizeof(hooks));
	printf("%-11s %s%s\n", i->hooks.name, i->why.text[0] ? i->why.text : hooks,
	       i->state == SNAPSHOT_ATTACHED ? ", attached already" : "");
}

static void print_text(const struct check *c)
{
	const struct snapshot *s = c->snapshot;
	const char *config = config_path(c->a->options.config_path);
	char memory[TEXT_VECTORS_BYTES];

	kernel_text(&s->kernel, stdout);
	if (!(s->has & SNAPSHOT_TABLES))
		return;
	printf("config      %s\n", config ? config : "none: what is built in");
	printf("flows       up to %llu\n", s->capacity);
	printf("queries     %u, of %u terms\n", s->query_count, s->terms);
	if (s->vectors)
		printf("distinct    %s\n",
		       text_vectors(s->vectors, s->vector_bytes, s->cpus, memory));
	if (s->agent)
		printf("agent       pid %d is running\n", (int)s->agent);
	else if (c->runs)
		printf("agent       none; what one left attached is adopted\n");
	for (unsigned int i = 0; i < s->interface_count; i++) {
		print_interface(&s->interface[i]);
		lines_twice(s, i, "            counted twice with ", stdout);
	}
	for (unsigned int i = 0; i < c->a->config.export_count; i++)
		printf("export      %s\n", c->a->config.exports[i].to);
	if (c->a->config.report.address.text)
		printf("report      %s\n", c->a->config.report.address.text);
}

static int print(const struct check *c)
{
	const struct check_facts facts = {
		.config = config_path(c->a->options.config_path),
		.pinned = c->runs,
		.refused = why_not(c),
	};

	if (c->a->options.output == OUTPUT_JSON)
		return json_line(json_check(c->snapshot, &facts), stdout);
	print_text(c);
	return 0;
}

/* Those that cannot be opened so; the first is what is said at the end. */
static void check_exports(struct check *c)
{
	const struct config *config = &c->a->config;

	for (unsigned int i = 0; i < config->export_count; i++) {
		struct why why = {};

		if (exporter_check(&config->exports[i], EXPORTS_DIR, &why) && !why_not(c))
			c->refused = why;
	}
}

/* The lock itself is left alone: an agent may be running, or about to. */
static void check_lock(struct check *c)
{
	const int code = folder_check_for(LOCK_FILE);

	if (code && !why_not(c))
		why_set(&c->refused, code, LOCK_FILE ": %s", strerror(-code));
}

static int check_all(struct check *c)
{
	const struct snapshot_known known = {
		.label = c->a->queries.label,
		.place = c->a->queries.window,
		.query_count = c->a->config.query_count,
	};
	struct snapshot *s = c->snapshot;
	int code = snapshot_read(s, &c->a->meter, SNAPSHOT_QUERIES | SNAPSHOT_TABLES, &known);

	if (code)
		return code;
	s->agent = lock_holder();
	code = ports_read_links(&c->a->ports);
	if (code)
		return code;
	ports_look(&c->a->ports);
	for (unsigned int i = 0; i < c->a->ports.count; i++)
		check_port(c, i);
	check_exports(c);
	check_lock(c);
	return print(c);
}

/* The kernel says no: what it lacks may say why. */
static int refused(const struct check *c, int code)
{
	if (code != -EPERM && code != -EACCES)
		print(c);
	return code;
}

static int load(struct check *c)
{
	const struct meter_options options = {.flow_size = c->a->config.flow_size};
	int code = meter_load(&options, &c->a->meter, &c->refused);

	meter_probe(code ? NULL : &c->a->meter, &c->snapshot->kernel);
	return code ? refused(c, code) : 0;
}

static void look_at_pinned(struct check *c)
{
	struct why why = {};
	int code = meter_peek(&c->pinned, &why);

	c->runs = !code;
	if (code && code != -ENOENT)
		c->refused = why;
}

int check_run(struct agent *a)
{
	struct check c = {.a = a, .snapshot = snapshot_new()};
	struct port_networks networks;
	int code = c.snapshot ? load(&c) : -ENOMEM;

	if (!code) {
		look_at_pinned(&c);
		ports_networks(&a->ports, &networks);
		code = queries_apply(&a->queries, &a->config, &networks); /* which says why not */
		code = code ? code : check_all(&c);
		meter_close(&a->meter);
	}
	if (c.runs)
		meter_close(&c.pinned);
	free(c.snapshot);
	fflush(stdout); /* before the line */
	if (why_not(&c))
		log_err("%s", why_not(&c));
	return code ? code : why_not(&c) ? -EOPNOTSUPP : 0;
}
