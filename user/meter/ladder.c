// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The problem: which hook an interface takes depends on its driver, on the kernel, and on whose
 * program is there already, and none of the three can be asked for certain: one has to try. And
 * what --check foresees must not differ from what a start then does.
 *
 * The idea: a step is one function that tries and returns what the kernel said, and the order of
 * the steps is in attach_side() alone. Foreseeing walks the same steps; only put_xdp(), put_tcx()
 * and put_clsact() ask what the kernel has instead of attaching. Each step that fails leaves its
 * reason, and the reasons of a side are what people read behind its hook.
 *
 *   Reasons     collected per side
 *   The steps   put_*(): attach or foresee; try_*(): one step with its reason
 *   The ladder  which steps, in which order; both sides or none
 */
#include "meter/ladder.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "meter/netlink.h"

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519 /* <linux/if_arp.h>, which does not go with <net/if.h> */
#endif
#ifndef ARPHRD_IP6GRE
#define ARPHRD_IP6GRE 823
#endif

/* --- Reasons ----------------------------------------------------------------------------------- */

static void add(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends. What does not fit is left out. */
static void add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

static void because(struct ladder *l, enum hook_side side, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One more reason for what is done on that side. */
static void because(struct ladder *l, enum hook_side side, const char *format, ...)
{
	char *reason = l->side[side].reason;
	size_t used;
	va_list args;

	if (*reason)
		add(reason, LADDER_REASON_BYTES, ", ");
	used = strlen(reason);
	va_start(args, format);
	vsnprintf(reason + used, LADDER_REASON_BYTES - used, format, args);
	va_end(args);
}

/* --- VLAN tags, in words ----------------------------------------------------------------------- */

#define READS ", reads offloaded VLAN tags"
#define NOT_READ "offloaded VLAN tags not read"
#define NOT_ASKED "offloaded VLAN tags not asked for"

/* --- The steps --------------------------------------------------------------------------------- */

static int tc_program(const struct ladder *l, enum hook_side side)
{
	if (l->l3)
		return l->m->prog[side == HOOK_IN ? PROG_L3_IN : PROG_L3_OUT];
	return l->m->prog[side == HOOK_IN ? PROG_TC_IN : PROG_TC_OUT];
}

static void take(struct ladder *l, enum hook_side side, enum weir_hook hook)
{
	l->side[side].hook = hook;
}

/* What attaching comes to, as far as can be told without it. */
static int put_xdp(struct ladder *l, int prog, bool generic, bool bound)
{
	const struct meter_kernel *k = l->foresee;

	if (!k)
		return hook_xdp(prog, l->ifindex, generic, bound);
	if (k->given[FEATURE_XDP_LINK] == METER_LACKS)
		return -EINVAL;
	if (generic)
		return 0;
	switch (netlink_native_xdp(l->ifindex)) {
	case NETLINK_NO:
		return -EOPNOTSUPP;
	case NETLINK_UNTOLD:
		because(l, HOOK_IN,
			l->policy->in == ATTACH_IN_AUTO ? "if its driver can, else TC"
							: "if its driver can");
		break;
	case NETLINK_YES:
		break;
	}
	return 0;
}

static int put_tcx(struct ladder *l, enum hook_side side)
{
	if (!l->foresee)
		return hook_tcx(tc_program(l, side), l->ifindex, side);
	return l->foresee->given[FEATURE_TCX] == METER_LACKS ? -EINVAL : 0;
}

static int put_clsact(struct ladder *l, enum hook_side side)
{
	if (!l->foresee)
		return hook_clsact(tc_program(l, side), l->ifindex, side);
	return side == HOOK_OUT && netlink_qdisc(l->ifindex) == NETLINK_QDISC_INGRESS ? -EOPNOTSUPP
										      : 1;
}

/* The program that reads VLAN tags that the device took off, if the device reports them. */
static int try_bound(struct ladder *l)
{
	int prog, err;

	if (!netlink_tells_vlan(l->ifindex))
		return -EOPNOTSUPP;
	if (!attach_asks(l->policy, l->vlans)) {
		because(l, HOOK_IN, NOT_ASKED);
		return -EOPNOTSUPP;
	}
	prog = meter_load_bound(l->m, l->ifindex);
	err = prog < 0 ? prog : put_xdp(l, prog, false, true);
	if (prog >= 0)
		close(prog);
	if (err)
		because(l, HOOK_IN, NOT_READ ": %s", strerror(-err));
	else
		take(l, HOOK_IN, WEIR_HOOK_XDP_NATIVE);
	l->bound = !err;
	return err;
}

/* What was found is one of the two programs; is it the one that is wanted? */
static void change_bound(struct ladder *l)
{
	bool wanted = attach_asks(l->policy, l->vlans) && netlink_tells_vlan(l->ifindex);
	int common = l->m->prog[PROG_XDP], prog, err;

	if (wanted == l->bound)
		return;
	prog = wanted ? meter_load_bound(l->m, l->ifindex) : common;
	err = prog < 0 ? prog : hook_replace_xdp(prog, l->ifindex, wanted, wanted ? common : -1);
	if (wanted && prog >= 0)
		close(prog);
	if (!err)
		l->bound = wanted;
	if (err)
		because(l, HOOK_IN, "%s: %s", wanted ? NOT_READ : "not replaced", strerror(-err));
	else if (!wanted)
		because(l, HOOK_IN, NOT_ASKED);
	l->side[HOOK_IN].found = false; /* it is for reasons of now */
}

static int try_xdp(struct ladder *l, bool generic)
{
	__u32 owner = 0;
	int err;

	if (l->l3) {
		because(l, HOOK_IN, "no link header for XDP");
		return -EOPNOTSUPP;
	}
	if (!hook_xdp_owner(l->ifindex, &owner) && owner) {
		char name[HOOK_PROGRAM_NAME];

		hook_program_name(owner, name);
		because(l, HOOK_IN, "XDP is taken by program %u '%s'", owner, name);
		return -EBUSY;
	}
	if (!generic && !try_bound(l))
		return 0;
	err = put_xdp(l, l->m->prog[PROG_XDP], generic, false);
	if (err)
		because(l, HOOK_IN, "no %s XDP: %s", generic ? "generic" : "native",
			strerror(-err));
	else
		take(l, HOOK_IN, generic ? WEIR_HOOK_XDP_GENERIC : WEIR_HOOK_XDP_NATIVE);
	return err;
}

static int try_tcx(struct ladder *l, enum hook_side side)
{
	int err = put_tcx(l, side);

	if (!err)
		take(l, side, WEIR_HOOK_TCX);
	else if (err == -EINVAL)
		because(l, side, "no TCX"); /* before 6.6 */
	else
		because(l, side, "no TCX: %s", strerror(-err));
	return err;
}

static int try_clsact(struct ladder *l, enum hook_side side)
{
	int priority = put_clsact(l, side);

	if (priority < 0) {
		because(l, side, "no clsact: %s", strerror(-priority));
		return priority;
	}
	if (priority > 1)
		because(l, side, "priority %d", priority);
	take(l, side, WEIR_HOOK_CLSACT);
	return 0;
}

static int attach_side(struct ladder *l, enum hook_side side)
{
	const struct attach_policy *policy = l->policy;

	if (side == HOOK_IN && policy->in != ATTACH_IN_TC) {
		int err = try_xdp(l, policy->in == ATTACH_IN_GENERIC);

		if (!err || policy->in != ATTACH_IN_AUTO)
			return err;
	}
	if (policy->out != ATTACH_OUT_CLSACT) {
		int err = try_tcx(l, side);

		if (!err || (side == HOOK_OUT && policy->out == ATTACH_OUT_TCX))
			return err;
	}
	return try_clsact(l, side);
}

static int find_side(struct ladder *l, enum hook_side side)
{
	const struct hook_ours ours = {
		.xdp = hook_program_id(l->m->prog[PROG_XDP]),
		.map = hook_map_id(l->m->map[MAP_CONTROL]),
		.tc = hook_program_id(tc_program(l, side)),
	};
	int hook = hook_find(l->ifindex, side, &ours);
	__u32 owner;

	if (hook < 0) {
		because(l, side, "cannot remove what was attached: %s", strerror(-hook));
		return hook;
	}
	take(l, side, hook);
	l->side[side].found = hook != WEIR_HOOK_NONE;
	if (hook == WEIR_HOOK_XDP_NATIVE)
		l->bound = !hook_xdp_owner(l->ifindex, &owner) && owner != ours.xdp;
	return 0;
}

/* Foreseen, nothing is found. */
static int take_side(struct ladder *l, enum hook_side side)
{
	int code = l->foresee ? 0 : find_side(l, side);

	if (code || !l->side[side].found)
		return code ? code : attach_side(l, side);
	if (l->side[side].hook == WEIR_HOOK_XDP_NATIVE)
		change_bound(l);
	return 0;
}

/* --- The ladder -------------------------------------------------------------------------------- */

static int has_link_header(__u16 type, bool *out)
{
	switch (type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		*out = true;
		return 0;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		*out = false;
		return 0;
	}
	return -EOPNOTSUPP;
}

int ladder_open(struct ladder *l, const char *name, struct why *why)
{
	struct netlink_link link;
	bool ethernet;
	int code = netlink_link(l->ifindex, &link);

	if (code)
		return why_set(why, code, "%s: %s", name, strerror(-code));
	code = has_link_header(link.type, &ethernet);
	if (code)
		return why_set(why, code, "%s: neither an Ethernet nor an IP device (ARP type %u)",
			       name, link.type);
	l->l3 = !ethernet;
	return 0;
}

int ladder_take(struct ladder *l, const char *name, struct why *why)
{
	for (int side = HOOK_IN; side <= HOOK_OUT; side++) {
		int code = take_side(l, side);

		if (!code)
			continue;
		if (!l->foresee) {
			hook_remove(l->ifindex, HOOK_IN);
			hook_remove(l->ifindex, HOOK_OUT);
		}
		return why_set(why, code, "cannot attach to %s, %s: %s", name,
			       side == HOOK_IN ? "ingress" : "egress", l->side[side].reason);
	}
	return 0;
}

/* --- In words ---------------------------------------------------------------------------------- */

static const char *const hook_words[] = {
	[WEIR_HOOK_NONE] = "nothing",
	[WEIR_HOOK_XDP_NATIVE] = "XDP native",
	[WEIR_HOOK_XDP_GENERIC] = "XDP generic",
	[WEIR_HOOK_TCX] = "TCX",
	[WEIR_HOOK_CLSACT] = "clsact",
};

static bool reads_tags(const struct ladder *l, enum hook_side side)
{
	return side == HOOK_IN && l->bound;
}

/* "in: A; out: B": A or B, "" if nothing was said. */
static void words_of(const struct weir_interface *i, enum hook_side side, char *out, size_t size)
{
	static const char in_from[] = "in: ", out_from[] = "; out: ";
	const char *end = strstr(i->why, out_from);

	*out = '\0';
	if (!end || strncmp(i->why, in_from, strlen(in_from)) != 0)
		return;
	if (side == HOOK_IN)
		snprintf(out, size, "%.*s", (int)(end - i->why - strlen(in_from)),
			 i->why + strlen(in_from));
	else
		snprintf(out, size, "%s", end + strlen(out_from));
}

static void describe_side(const struct ladder *l, enum hook_side side,
			  const struct weir_interface *before, char *why, size_t size)
{
	const char *reason = l->side[side].found ? "found attached" : l->side[side].reason;
	char words[sizeof(before->why)];

	words_of(before, side, words, sizeof(words));
	if (l->side[side].found && *words && reads_tags(l, side) == !!strstr(words, READS)) {
		add(why, size, "%s", words); /* the reasons of then hold */
		return;
	}
	add(why, size, "%s%s", hook_words[l->side[side].hook], reads_tags(l, side) ? READS : "");
	if (*reason)
		add(why, size, " (%s)", reason);
}

void ladder_describe(const struct ladder *l, struct weir_interface *i)
{
	const struct weir_interface before = *i;
	const bool same[] = {[HOOK_IN] = i->in == l->side[HOOK_IN].hook,
			     [HOOK_OUT] = i->out == l->side[HOOK_OUT].hook};
	static const struct weir_interface nothing;

	i->in = l->side[HOOK_IN].hook;
	i->out = l->side[HOOK_OUT].hook;
	memset(i->why, 0, sizeof(i->why));
	for (int side = HOOK_IN; side <= HOOK_OUT; side++) {
		add(i->why, sizeof(i->why), side == HOOK_IN ? "in: " : "; out: ");
		describe_side(l, side, same[side] ? &before : &nothing, i->why, sizeof(i->why));
	}
}
