// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * weir run --check: what a start would come to on this machine. The programs are loaded with the
 * configuration's sizes and queries, beside whatever runs, pinned nowhere and attached to nothing;
 * with the process they are gone.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "agent/agent.h"
#include "view/kernel.h"
#include "agent/lock.h"
#include "agent/plan.h"
#include "view/json.h"
#include "view/text.h"

struct check {
	struct agent *a;
	struct meter_kernel kernel;
	struct meter pinned; /* what runs, or was left running; a peek */
	bool runs;
	json_t *interfaces;
	struct why refused; /* why not all would work; "" if it would */
};

/* --- Interfaces ------------------------------------------------------------------------ */

static bool is_measured(const struct check *c, __u32 ifindex, struct weir_interface *out)
{
	for (__u32 i = 1; c->runs && i < WEIR_INTERFACES; i++) {
		if (!meter_interface(&c->pinned, i, out) && out->ifindex == ifindex && !out->gone &&
		    (out->in || out->out))
			return true;
	}
	return false;
}

/* One that nothing is attached to, and why. */
static void tell(struct check *c, const char *name, const char *state, const char *why)
{
	if (c->a->options.output == OUTPUT_JSON)
		json_array_append_new(c->interfaces, json_pack("{s:s, s:s, s:s}", "name", name,
							       "state", state, "why", why));
	else
		printf("%-11s %s\n", name, why);
}

static void tell_hooks(struct check *c, const struct weir_interface *i, bool measured)
{
	char hooks[256];
	json_t *all;

	if (c->a->options.output != OUTPUT_JSON) {
		text_hooks(i, hooks, sizeof(hooks));
		printf("%-11s %s%s\n", i->name, hooks, measured ? ", attached already" : "");
		return;
	}
	all = json_interface(i);
	if (all)
		json_object_set_new(all, "state", json_string(measured ? "attached" : "foreseen"));
	json_array_append_new(c->interfaces, all);
}

static void check_port(struct check *c, const struct port *port)
{
	const __u32 ifindex = if_nametoindex(port->name);
	struct why why = {};
	struct weir_interface i;

	if (!ifindex) {
		tell(c, port->name, "absent", "not there yet, waited for");
	} else if (is_measured(c, ifindex, &i)) {
		tell_hooks(c, &i, true);
	} else if (!meter_foresee(&c->a->meter, &c->kernel, ifindex, port->name,
				  &c->a->ports.policy, &i, &why)) {
		tell_hooks(c, &i, false);
	} else {
		tell(c, port->name, "refused", why.text);
		if (!c->refused.text[0])
			c->refused = why;
	}
}

/* --------------------------------------------------------------------------------------- */

static void print_head(const struct check *c, pid_t agent)
{
	const struct agent *a = c->a;
	char memory[PLAN_MEMORY_BYTES];

	kernel_text(&c->kernel, stdout);
	printf("config      %s\n",
	       a->options.config_path ? a->options.config_path : "none: what is built in");
	printf("flows       up to %u\n", a->meter.sets * WEIR_WAYS);
	printf("queries     %u, of %u terms\n", a->config.query_count,
	       meter_tables(&a->meter)->terms);
	if (plan_memory_text(&a->meter, memory))
		printf("distinct    %s\n", memory);
	if (agent)
		printf("agent       pid %d is running\n", (int)agent);
	else if (c->runs)
		printf("agent       none; what one left attached is adopted\n");
}

static const char *why_not(const struct check *c)
{
	return c->refused.text[0] ? c->refused.text : NULL;
}

static json_t *head_json(const struct check *c, pid_t agent)
{
	const struct agent *a = c->a;

	return json_pack("{s:o, s:s?, s:i, s:i, s:i, s:o, s:b, s:O, s:s?}", "kernel",
			 kernel_json(&c->kernel), "config", a->options.config_path, "flows",
			 (int)(a->meter.sets * WEIR_WAYS), "queries", (int)a->config.query_count,
			 "terms", (int)meter_tables(&a->meter)->terms, "agent",
			 agent ? json_integer(agent) : json_null(), "pinned", (int)c->runs,
			 "interfaces", c->interfaces, "refused", why_not(c));
}

static int check_all(struct check *c)
{
	const bool json = c->a->options.output == OUTPUT_JSON;
	const pid_t agent = lock_holder();

	if (!json)
		print_head(c, agent);
	for (unsigned int i = 0; i < c->a->ports.count; i++)
		check_port(c, &c->a->ports.port[i]);
	return json ? json_line(head_json(c, agent), stdout) : 0;
}

/* The kernel says no: what it lacks may say why. */
static int refused(const struct check *c, int code)
{
	if (code == -EPERM || code == -EACCES)
		return code;
	if (c->a->options.output == OUTPUT_JSON)
		json_line(json_pack("{s:o, s:s?}", "kernel", kernel_json(&c->kernel), "refused",
				    why_not(c)),
			  stdout);
	else
		kernel_text(&c->kernel, stdout);
	return code;
}

static int load(struct check *c)
{
	const struct meter_options options = {.flow_size = c->a->config.flow_size};
	int code = meter_load(&options, &c->a->meter, &c->refused);

	meter_probe(code ? NULL : &c->a->meter, &c->kernel);
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
	struct check c = {.a = a, .interfaces = json_array()};
	struct port_networks networks;
	int code = load(&c);

	if (!code) {
		look_at_pinned(&c);
		ports_networks(&a->ports, &networks);
		code = queries_apply(&a->queries, &a->config, &networks); /* which says why not */
		code = code ? code : check_all(&c);
		meter_close(&a->meter);
	}
	if (c.runs)
		meter_close(&c.pinned);
	json_decref(c.interfaces);
	if (fflush(stdout))
		code = -EIO;
	if (why_not(&c))
		log_err("%s", why_not(&c));
	return code ? code : why_not(&c) ? -EOPNOTSUPP : 0;
}
