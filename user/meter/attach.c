// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An interface comes under measurement and leaves it.
 *
 * Its packets are counted in an account of map books, which the programs find by the device table;
 * the ladder (ladder.h) decides where the programs are attached. An agent may die between any two
 * writes, so the order is
 *
 *   account  →  device table  →  hooks  →  which hooks these are
 *
 * and the reverse to leave: a program never counts for a device without an account. An agent that
 * starts finds what is attached by its pin, or by the filter's program (hooks.h).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meter/meter_internal.h"
#include "meter/hooks.h"
#include "meter/ladder.h"
#include "meter/meter.h"

/* The interface's account as it was, *before, and as it will be but for the hooks, *i; both it and
 * the device table are written. */
static int enter(const struct ladder *l, const char *name, __u32 *account,
		 struct weir_interface *before, struct weir_interface *i, struct why *why)
{
	int code = account_find(l->m, l->ifindex, name, account);

	if (code == -ENOSPC)
		return why_set(why, code,
			       "%s: all %d accounts are used; 'weir detach --all' frees them", name,
			       WEIR_INTERFACES - 1);
	if (code)
		return why_set(why, code, "%s: cannot read the accounts: %s", name,
			       strerror(-code));
	if (bpf_map_lookup_elem(l->m->map[MAP_INTERFACES], account, before))
		return why_set(why, -errno, "%s: cannot read its account: %s", name,
			       strerror(errno));
	if (before->ifindex)
		*i = *before;
	i->ifindex = l->ifindex;
	i->gone = i->left_out = 0;
	strncpy(i->name, name, sizeof(i->name) - 1);
	code = account_write(l->m, *account, i);
	if (!code)
		code = account_add_device(l->m, l->ifindex, *account);
	if (!code)
		return 0;
	account_write(l->m, *account, before);
	return why_set(why, code, "%s: cannot enter it into the table of devices: %s", name,
		       code == -ENOSPC ? "its places are taken" : strerror(-code));
}

static void mark_detached(struct weir_interface *i)
{
	i->in = i->out = WEIR_HOOK_NONE;
	i->left_out = 0;
	memset(i->why, 0, sizeof(i->why));
}

static int attach(struct ladder *l, const char *name, struct weir_interface *out, struct why *why)
{
	struct weir_interface before, i = {0};
	__u32 account;
	int code = enter(l, name, &account, &before, &i, why);

	if (code)
		return code;
	code = ladder_take(l, name, why);
	if (code) {
		account_remove_device(l->m, l->ifindex);
		/* Ingress may have counted already: the account is used. */
		if (l->side[HOOK_IN].hook != WEIR_HOOK_NONE)
			before = i;
		mark_detached(&before);
		account_write(l->m, account, &before);
		return code;
	}
	ladder_describe(l, &i);
	code = account_write(l->m, account, &i);
	if (code)
		return why_set(why, code, "%s: cannot write its account: %s", name,
			       strerror(-code));
	*out = i;
	return 0;
}

int meter_attach(struct meter *m, __u32 ifindex, const char *name,
		 const struct attach_policy *policy, bool vlans, struct weir_interface *out,
		 struct why *why)
{
	struct ladder l = {.m = m, .ifindex = ifindex, .policy = policy, .vlans = vlans};
	libbpf_print_fn_t print;
	int code = ladder_open(&l, name, why);

	if (code)
		return code;
	print = libbpf_set_print(NULL); /* refusals are part of the ladder */
	code = attach(&l, name, out, why);
	libbpf_set_print(print);
	return code;
}

int meter_foresee(const struct meter *m, const struct meter_kernel *kernel, __u32 ifindex,
		  const char *name, const struct attach_policy *policy, bool vlans,
		  struct weir_interface *out, struct why *why)
{
	struct ladder l = {
		.m = m,
		.ifindex = ifindex,
		.policy = policy,
		.vlans = vlans,
		.foresee = kernel,
	};
	struct weir_interface i = {.ifindex = ifindex};
	libbpf_print_fn_t print;
	int code = ladder_open(&l, name, why);

	if (code)
		return code;
	print = libbpf_set_print(NULL);
	code = ladder_take(&l, name, why);
	libbpf_set_print(print);
	if (code)
		return code;
	strncpy(i.name, name, sizeof(i.name) - 1);
	ladder_describe(&l, &i);
	*out = i;
	return 0;
}

static void mark_gone(struct weir_interface *i)
{
	mark_detached(i);
	i->gone = 1;
}

int meter_detach(struct meter *m, __u32 ifindex, struct why *why)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int in = hook_remove(ifindex, HOOK_IN), out = hook_remove(ifindex, HOOK_OUT), code;

	libbpf_set_print(print);
	if (in < 0 || out < 0) {
		code = in < 0 ? in : out;
		return why_set(why, code, "cannot detach from interface %u: %s", ifindex,
			       strerror(-code));
	}
	code = account_remove_device(m, ifindex);
	if (!code)
		code = account_each(m, ifindex, mark_detached);
	if (code)
		return why_set(why, code, "cannot write the account of interface %u: %s", ifindex,
			       strerror(-code));
	if (in + out == 0)
		return why_set(why, -ENOENT, "nothing of weir is attached to interface %u",
			       ifindex);
	return 0;
}

int meter_leave_out(struct meter *m, __u32 ifindex, const char *name, const char *reason,
		    struct weir_interface *out, struct why *why)
{
	struct weir_interface i = {0};
	struct why none = {0};
	__u32 account;
	int code = meter_detach(m, ifindex, &none);

	if (code && code != -ENOENT)
		return why_set(why, code, "%s: %s", name, none.text);
	code = account_find(m, ifindex, name, &account);
	if (!code && bpf_map_lookup_elem(m->map[MAP_INTERFACES], &account, &i))
		code = -errno;
	mark_detached(&i);
	i.ifindex = ifindex;
	i.gone = 0;
	i.left_out = 1;
	memset(i.name, 0, sizeof(i.name));
	strncpy(i.name, name, sizeof(i.name) - 1);
	snprintf(i.why, sizeof(i.why), "%s", reason);
	if (!code)
		code = account_write(m, account, &i);
	if (code)
		return why_set(why, code, "%s: cannot write its account: %s", name,
			       strerror(-code));
	*out = i;
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

int meter_detach_all(unsigned int *count, struct why *why)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int code = hook_remove_all(count);
	int unpinned;

	libbpf_set_print(print);
	if (code)
		why_set(why, code, "cannot detach everything: %s", strerror(-code));
	unpinned = meter_unpin(code ? NULL : why);
	return code ? code : unpinned;
}
