/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which hook for which interface, and the interface's account.
 *
 *               Ethernet                                 no link header (tun, wireguard, ...)
 *   in          XDP native, bound to the device where    TCX → clsact, programs l3
 *               it tells of VLAN tags it took off
 *               → TCX → clsact
 *   out         TCX → clsact                             TCX → clsact, programs l3
 *
 * One step down when a step is taken by another's program or refused by the device or the kernel,
 * and `why` says so. A policy other than AUTO takes that step or fails; that of TC, for ingress,
 * has the two steps of egress: clsact where the policy for egress says clsact.
 *
 * The order of writing lets an agent die at any point: account, then device table, then hooks,
 * then which hooks. What hangs on a hook is found again by its pin, or the filter's program.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "meter/accounts.h"
#include "meter/hooks.h"
#include "meter/meter.h"
#include "meter/netlink.h"

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519 /* <linux/if_arp.h>, which does not go with <net/if.h> */
#endif
#ifndef ARPHRD_IP6GRE
#define ARPHRD_IP6GRE 823
#endif

#define REASON_BYTES 128

struct attachment {
	const struct meter *m;
	__u32 ifindex;
	const struct attach_policy *policy;
	const struct meter_kernel *foresee; /* only say what would be; NULL: attach */
	bool l3;                            /* no link header */
	bool bound;                         /* weir_xdp_bound, foreseen */
	struct {
		enum weir_hook hook;
		bool found;                /* attached by an earlier agent */
		char reason[REASON_BYTES]; /* why not better; on failure, why not at all */
	} side[2];
};

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

static void because(struct attachment *a, enum hook_side side, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One more reason for what is done on that side. */
static void because(struct attachment *a, enum hook_side side, const char *format, ...)
{
	char *reason = a->side[side].reason;
	size_t used;
	va_list args;

	if (*reason)
		add(reason, REASON_BYTES, ", ");
	used = strlen(reason);
	va_start(args, format);
	vsnprintf(reason + used, REASON_BYTES - used, format, args);
	va_end(args);
}

static int fail(struct meter_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct meter_error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

/* --- The ladder -------------------------------------------------------------------------------- */

static int tc_program(const struct attachment *a, enum hook_side side)
{
	if (a->l3)
		return a->m->prog[side == HOOK_IN ? PROG_L3_IN : PROG_L3_OUT];
	return a->m->prog[side == HOOK_IN ? PROG_TC_IN : PROG_TC_OUT];
}

static void take(struct attachment *a, enum hook_side side, enum weir_hook hook)
{
	a->side[side].hook = hook;
}

/* What attaching comes to, as far as can be told without it. */
static int put_xdp(struct attachment *a, int prog, bool generic)
{
	const struct meter_kernel *k = a->foresee;

	if (!k)
		return hook_xdp(prog, a->ifindex, generic);
	if (k->given[FEATURE_XDP_LINK] == METER_LACKS)
		return -EINVAL;
	if (generic)
		return 0;
	switch (netlink_native_xdp(a->ifindex)) {
	case NETLINK_NO:
		return -EOPNOTSUPP;
	case NETLINK_UNTOLD:
		because(a, HOOK_IN,
			a->policy->in == ATTACH_IN_AUTO ? "if its driver can, else TC"
							: "if its driver can");
		break;
	case NETLINK_YES:
		break;
	}
	return 0;
}

static int put_tcx(struct attachment *a, enum hook_side side)
{
	if (!a->foresee)
		return hook_tcx(tc_program(a, side), a->ifindex, side);
	return a->foresee->given[FEATURE_TCX] == METER_LACKS ? -EINVAL : 0;
}

static int put_clsact(struct attachment *a, enum hook_side side)
{
	if (!a->foresee)
		return hook_clsact(tc_program(a, side), a->ifindex, side);
	return side == HOOK_OUT && netlink_qdisc(a->ifindex) == NETLINK_QDISC_INGRESS ? -EOPNOTSUPP
										      : 1;
}

/* The program that reads the tags the device took off, where the device tells of them. */
static int try_bound(struct attachment *a)
{
	int prog, err;

	if (!netlink_tells_vlan(a->ifindex))
		return -EOPNOTSUPP;
	prog = meter_load_bound(a->m, a->ifindex);
	err = prog < 0 ? prog : put_xdp(a, prog, false);
	if (prog >= 0)
		close(prog);
	if (err)
		because(a, HOOK_IN, "offloaded VLAN tags not read: %s", strerror(-err));
	else
		take(a, HOOK_IN, WEIR_HOOK_XDP_NATIVE);
	a->bound = !err;
	return err;
}

static int try_xdp(struct attachment *a, bool generic)
{
	__u32 owner = 0;
	int err;

	if (a->l3) {
		because(a, HOOK_IN, "no link header for XDP");
		return -EOPNOTSUPP;
	}
	if (!hook_xdp_owner(a->ifindex, &owner) && owner) {
		char name[HOOK_PROGRAM_NAME];

		hook_program_name(owner, name);
		because(a, HOOK_IN, "XDP is taken by program %u '%s'", owner, name);
		return -EBUSY;
	}
	if (!generic && !try_bound(a))
		return 0;
	err = put_xdp(a, a->m->prog[PROG_XDP], generic);
	if (err)
		because(a, HOOK_IN, "no %s XDP: %s", generic ? "generic" : "native",
			strerror(-err));
	else
		take(a, HOOK_IN, generic ? WEIR_HOOK_XDP_GENERIC : WEIR_HOOK_XDP_NATIVE);
	return err;
}

static int try_tcx(struct attachment *a, enum hook_side side)
{
	int err = put_tcx(a, side);

	if (!err)
		take(a, side, WEIR_HOOK_TCX);
	else if (err == -EINVAL)
		because(a, side, "no TCX"); /* before 6.6 */
	else
		because(a, side, "no TCX: %s", strerror(-err));
	return err;
}

static int try_clsact(struct attachment *a, enum hook_side side)
{
	int priority = put_clsact(a, side);

	if (priority < 0) {
		because(a, side, "no clsact: %s", strerror(-priority));
		return priority;
	}
	if (priority > 1)
		because(a, side, "priority %d", priority);
	take(a, side, WEIR_HOOK_CLSACT);
	return 0;
}

static int attach_side(struct attachment *a, enum hook_side side)
{
	const struct attach_policy *policy = a->policy;

	if (side == HOOK_IN && policy->in != ATTACH_IN_TC) {
		int err = try_xdp(a, policy->in == ATTACH_IN_GENERIC);

		if (!err || policy->in != ATTACH_IN_AUTO)
			return err;
	}
	if (policy->out != ATTACH_OUT_CLSACT) {
		int err = try_tcx(a, side);

		if (!err || (side == HOOK_OUT && policy->out == ATTACH_OUT_TCX))
			return err;
	}
	return try_clsact(a, side);
}

static int find_side(struct attachment *a, enum hook_side side)
{
	__u32 map = hook_map_id(a->m->map[MAP_CONTROL]);
	__u32 tc = hook_program_id(tc_program(a, side));
	int hook = hook_find(a->ifindex, side, map, tc);

	if (hook < 0) {
		because(a, side, "cannot remove what was attached: %s", strerror(-hook));
		return hook;
	}
	take(a, side, hook);
	a->side[side].found = hook != WEIR_HOOK_NONE;
	return 0;
}

static int side_failed(const struct attachment *a, enum hook_side side, const char *name, int code,
		       struct meter_error *err)
{
	return fail(err, code, "cannot attach to %s, %s: %s", name,
		    side == HOOK_IN ? "ingress" : "egress", a->side[side].reason);
}

/* Both sides or none. */
static int attach_sides(struct attachment *a, const char *name, struct meter_error *err)
{
	for (int side = HOOK_IN; side <= HOOK_OUT; side++) {
		int code = find_side(a, side);

		if (!code && !a->side[side].found)
			code = attach_side(a, side);
		if (!code)
			continue;
		side_failed(a, side, name, code, err);
		hook_remove(a->ifindex, HOOK_IN);
		hook_remove(a->ifindex, HOOK_OUT);
		return code;
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

/* Is it the bound program that is attached, by us or found? */
static bool reads_vlan(const struct attachment *a, enum hook_side side)
{
	__u32 owner;

	if (a->foresee)
		return side == HOOK_IN && a->bound;
	return side == HOOK_IN && a->side[HOOK_IN].hook == WEIR_HOOK_XDP_NATIVE &&
	       !hook_xdp_owner(a->ifindex, &owner) &&
	       owner != hook_program_id(a->m->prog[PROG_XDP]);
}

static void describe(const struct attachment *a, struct weir_interface *i)
{
	bool same = a->side[HOOK_IN].found && a->side[HOOK_OUT].found && i->why[0] &&
		    i->in == a->side[HOOK_IN].hook && i->out == a->side[HOOK_OUT].hook;

	if (same)
		return; /* the reasons of then hold */
	i->in = a->side[HOOK_IN].hook;
	i->out = a->side[HOOK_OUT].hook;
	memset(i->why, 0, sizeof(i->why));
	for (int side = HOOK_IN; side <= HOOK_OUT; side++) {
		const char *reason = a->side[side].found ? "found attached" : a->side[side].reason;

		add(i->why, sizeof(i->why), "%s: %s%s", side == HOOK_IN ? "in" : "; out",
		    hook_words[a->side[side].hook],
		    reads_vlan(a, side) ? ", reads offloaded VLAN tags" : "");
		if (*reason)
			add(i->why, sizeof(i->why), " (%s)", reason);
	}
}

/* --- Interfaces -------------------------------------------------------------------------------- */

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

static int attach(struct attachment *a, const char *name, struct weir_interface *out,
		  struct meter_error *err)
{
	struct weir_interface before, i = {0};
	__u32 account;
	int code = account_find(a->m, a->ifindex, name, &account);

	if (code == -ENOSPC)
		return fail(err, code,
			    "%s: all %d accounts are used; 'weir detach --all' frees them", name,
			    WEIR_INTERFACES - 1);
	if (code)
		return fail(err, code, "%s: cannot read the accounts: %s", name, strerror(-code));
	if (bpf_map_lookup_elem(a->m->map[MAP_INTERFACES], &account, &before))
		return fail(err, -errno, "%s: cannot read its account: %s", name, strerror(errno));
	if (before.ifindex)
		i = before;
	i.ifindex = a->ifindex;
	i.gone = 0;
	strncpy(i.name, name, sizeof(i.name) - 1);
	code = account_write(a->m, account, &i);
	if (!code)
		code = account_add_device(a->m, a->ifindex, account);
	if (code) {
		fail(err, code, "%s: cannot enter it into the table of devices: %s", name,
		     code == -ENOSPC ? "its places are taken" : strerror(-code));
		goto undo;
	}
	code = attach_sides(a, name, err);
	if (code) {
		account_remove_device(a->m, a->ifindex);
		/* Ingress may have counted already: the account is used. */
		if (a->side[HOOK_IN].hook != WEIR_HOOK_NONE)
			before = i;
		before.in = before.out = WEIR_HOOK_NONE;
		memset(before.why, 0, sizeof(before.why));
		goto undo;
	}
	describe(a, &i);
	code = account_write(a->m, account, &i);
	if (code)
		return fail(err, code, "%s: cannot write its account: %s", name, strerror(-code));
	*out = i;
	return 0;
undo:
	account_write(a->m, account, &before);
	return code;
}

static int open_attachment(struct attachment *a, const char *name, struct meter_error *err)
{
	struct netlink_link link;
	bool ethernet;
	int code = netlink_link(a->ifindex, &link);

	if (code)
		return fail(err, code, "%s: %s", name, strerror(-code));
	code = has_link_header(link.type, &ethernet);
	if (code)
		return fail(err, code, "%s: neither an Ethernet nor an IP device (ARP type %u)",
			    name, link.type);
	a->l3 = !ethernet;
	return 0;
}

int meter_attach(struct meter *m, __u32 ifindex, const char *name,
		 const struct attach_policy *policy, struct weir_interface *out,
		 struct meter_error *err)
{
	struct attachment a = {.m = m, .ifindex = ifindex, .policy = policy};
	libbpf_print_fn_t print;
	int code = open_attachment(&a, name, err);

	if (code)
		return code;
	print = libbpf_set_print(NULL); /* refusals are part of the ladder */
	code = attach(&a, name, out, err);
	libbpf_set_print(print);
	return code;
}

int meter_foresee(const struct meter *m, const struct meter_kernel *kernel, __u32 ifindex,
		  const char *name, const struct attach_policy *policy, struct weir_interface *out,
		  struct meter_error *err)
{
	struct attachment a = {.m = m, .ifindex = ifindex, .policy = policy, .foresee = kernel};
	struct weir_interface i = {.ifindex = ifindex};
	libbpf_print_fn_t print;
	int code = open_attachment(&a, name, err);

	if (code)
		return code;
	print = libbpf_set_print(NULL);
	for (int side = HOOK_IN; side <= HOOK_OUT && !code; side++) {
		code = attach_side(&a, side);
		if (code)
			side_failed(&a, side, name, code, err);
	}
	libbpf_set_print(print);
	if (code)
		return code;
	strncpy(i.name, name, sizeof(i.name) - 1);
	describe(&a, &i);
	*out = i;
	return 0;
}

static void mark_detached(struct weir_interface *i)
{
	i->in = i->out = WEIR_HOOK_NONE;
	memset(i->why, 0, sizeof(i->why));
}

static void mark_gone(struct weir_interface *i)
{
	mark_detached(i);
	i->gone = 1;
}

int meter_detach(struct meter *m, __u32 ifindex, struct meter_error *err)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int in = hook_remove(ifindex, HOOK_IN), out = hook_remove(ifindex, HOOK_OUT), code;

	libbpf_set_print(print);
	if (in < 0 || out < 0) {
		code = in < 0 ? in : out;
		return fail(err, code, "cannot detach from interface %u: %s", ifindex,
			    strerror(-code));
	}
	code = account_remove_device(m, ifindex);
	if (!code)
		code = account_each(m, ifindex, mark_detached);
	if (code)
		return fail(err, code, "cannot write the account of interface %u: %s", ifindex,
			    strerror(-code));
	if (in + out == 0)
		return fail(err, -ENOENT, "nothing of weir is attached to interface %u", ifindex);
	return 0;
}

int meter_forget(struct meter *m, __u32 ifindex)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int in = hook_remove(ifindex, HOOK_IN), out = hook_remove(ifindex, HOOK_OUT), code;

	libbpf_set_print(print);
	code = account_remove_device(m, ifindex);
	if (!code)
		code = account_each(m, ifindex, mark_gone);
	if (code)
		return code;
	return in < 0 ? in : out < 0 ? out : 0;
}

int meter_detach_all(unsigned int *count, struct meter_error *err)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int code = hook_remove_all(count);
	int unpinned;

	libbpf_set_print(print);
	if (code)
		fail(err, code, "cannot detach everything: %s", strerror(-code));
	unpinned = meter_unpin(code ? &(struct meter_error){""} : err);
	return code ? code : unpinned;
}
