// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attaching, finding again, and removing.
 *
 * Programs outlive the agent that attached them, so whatever is attached must be recognized by an
 * agent that knows nothing of the one before, and must never be confused with somebody else's. The
 * two kinds of attachment are remembered in two ways:
 *
 *   XDP, TCX   a bpf_link, an object of its own that holds the program at its hook
 *
 *                  bpffs  links/7-in ──→ link ──→ program weir_xdp
 *                                          └────→ ingress of interface 7
 *
 *              It lives as long as the pin. But the name of the pin says only where the link was:
 *              the interface may have gone, its number may have been given to another, or it may
 *              have moved to another network namespace. So the link is asked for its program and
 *              interface, and then the hook itself, whether that program is there. A program that
 *              is bound to an interface is pinned beside its link: a program is known by the
 *              number that its descriptor tells, since to open one by number takes CAP_SYS_ADMIN.
 *
 *   clsact     a filter of a qdisc, an object of the network that needs no pin. Ours are known by
 *              their name, that of the program, and their handle. The qdisc may be somebody else's or ours; which of both
 *              is written in the filters' handle, so that the last filter takes it away only if
 *              we brought it.
 *
 * What is found is kept if it runs the programs of the meter that asks (one bound to a device, which
 * is loaded for that device alone, is the meter's if it uses its maps), and otherwise removed: it is
 * what an older meter left.
 *
 * hook_remove_all() works without a meter: every pin, and every filter of every interface.
 */
#include "meter/hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meter/meter_internal.h"
#include "meter/netlink.h"

#define LINKS_DIR WEIR_PIN_DIR "/links"

/* Numbers of <linux/bpf.h>, given here because the headers of 6.1 lack the younger ones. */
#define TYPE_XDP 6
#define TYPE_TCX 11 /* 6.6 */
#define FLAG_BEFORE (1U << 3)
#define TCX_PROGRAMS 64 /* on one hook, BPF_MPROG_MAX */
#define PROGRAM_MAPS 64 /* of one program, MAX_USED_MAPS */

/* A filter's handle, "weir" and its successor; cls_bpf has them below 1 << 31. */
#define HANDLE_QDISC_FOUND 0x77656972
#define HANDLE_QDISC_MADE 0x77656973
#define PRIORITIES 16 /* to try before giving up */

struct pin {
	char path[sizeof(LINKS_DIR) + 32];
};

static struct pin pin_named(__u32 ifindex, const char *name)
{
	struct pin pin;

	snprintf(pin.path, sizeof(pin.path), LINKS_DIR "/%u-%s", ifindex, name);
	return pin;
}

static struct pin pin_of(__u32 ifindex, enum hook_side side)
{
	return pin_named(ifindex, side == HOOK_IN ? "in" : "out");
}

static struct pin pin_of_bound(__u32 ifindex)
{
	return pin_named(ifindex, "bound");
}

static int tcx_type(enum hook_side side)
{
	return side == HOOK_IN ? TCX_INGRESS : TCX_EGRESS;
}

/* --- Programs ---------------------------------------------------------------------------------- */

void hook_program_name(__u32 id, char name[HOOK_PROGRAM_NAME])
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, &info, &len);
		close(fd);
	}
	_Static_assert(sizeof(info.name) == HOOK_PROGRAM_NAME, "BPF_OBJ_NAME_LEN");
	memcpy(name, info.name, HOOK_PROGRAM_NAME);
	if (!name[0])
		memcpy(name, "?", 2);
}

__u32 hook_program_id(int prog)
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(prog, &info, &len) ? 0 : info.id;
}

__u32 hook_map_id(int map)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(map, &info, &len) ? 0 : info.id;
}

static bool program_uses(int prog, __u32 map)
{
	__u32 maps[PROGRAM_MAPS] = {0};
	struct bpf_prog_info info = {.nr_map_ids = PROGRAM_MAPS, .map_ids = (__u64)(size_t)maps};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog, &info, &len))
		return false;
	for (__u32 i = 0; i < info.nr_map_ids && i < PROGRAM_MAPS; i++) {
		if (maps[i] == map)
			return true;
	}
	return false;
}

/* Is it the program bound to the interface, and one of this meter's? */
static bool is_bound(__u32 ifindex, __u32 id, __u32 map)
{
	int prog = bpf_obj_get(pin_of_bound(ifindex).path);
	bool is = prog >= 0 && hook_program_id(prog) == id && program_uses(prog, map);

	if (prog >= 0)
		close(prog);
	return is;
}

/* --- Pinned links ------------------------------------------------------------------------------ */

struct pinned {
	__u32 type, program, ifindex, attach_type;
};

static int read_pinned(int fd, struct pinned *out)
{
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);
	__u32 target[2]; /* info.tcx, which old headers lack; its first word is info.xdp.ifindex */

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	memcpy(target, &info.xdp, sizeof(target));
	*out = (struct pinned){
		.type = info.type,
		.program = info.prog_id,
		.ifindex = target[0],
		.attach_type = info.type == TYPE_TCX ? target[1] : 0,
	};
	return 0;
}

/* The link knows its ifindex; the hook, whether that is in this network namespace. */
static enum weir_hook hook_of_xdp(__u32 ifindex, __u32 program)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(ifindex, 0, &query))
		return WEIR_HOOK_NONE;
	if (query.drv_prog_id == program)
		return WEIR_HOOK_XDP_NATIVE;
	return query.skb_prog_id == program ? WEIR_HOOK_XDP_GENERIC : WEIR_HOOK_NONE;
}

static enum weir_hook hook_of_tcx(__u32 ifindex, enum hook_side side, __u32 program)
{
	__u32 ids[TCX_PROGRAMS] = {0}, count = TCX_PROGRAMS, flags = 0;

	if (bpf_prog_query(ifindex, tcx_type(side), 0, &flags, ids, &count))
		return WEIR_HOOK_NONE;
	for (__u32 i = 0; i < count && i < TCX_PROGRAMS; i++) {
		if (ids[i] == program)
			return WEIR_HOOK_TCX;
	}
	return WEIR_HOOK_NONE;
}

static enum weir_hook hook_of_pinned(int fd, __u32 ifindex, enum hook_side side,
				     const struct hook_ours *ours)
{
	struct pinned state = {0};

	if (read_pinned(fd, &state) || state.ifindex != ifindex)
		return WEIR_HOOK_NONE;
	if (state.type == TYPE_XDP && side == HOOK_IN &&
	    (state.program == ours->xdp || is_bound(ifindex, state.program, ours->map)))
		return hook_of_xdp(ifindex, state.program);
	if (state.type == TYPE_TCX && state.attach_type == (__u32)tcx_type(side) &&
	    state.program == ours->tc)
		return hook_of_tcx(ifindex, side, ours->tc);
	return WEIR_HOOK_NONE;
}

/* Whatever the file is. Unlinking is not enough: another process may hold the link open. */
static int remove_pin(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd >= 0) {
		bpf_link_detach(fd); /* fails on a link whose device has gone, and on no link */
		close(fd);
	}
	return unlink(path) && (errno != EISDIR || rmdir(path)) ? -errno : 0;
}

static int put_pin(int fd, const struct pin *at)
{
	if ((mkdir(WEIR_PIN_DIR, 0700) && errno != EEXIST) ||
	    (mkdir(LINKS_DIR, 0700) && errno != EEXIST))
		return -errno;
	return bpf_obj_pin(fd, at->path) ? -errno : 0;
}

/* Takes over fd. A link that cannot be pinned would not outlive us, so it goes at once. */
static int pin_link(int fd, __u32 ifindex, enum hook_side side)
{
	struct pin at = pin_of(ifindex, side);
	int err = put_pin(fd, &at);

	if (err)
		bpf_link_detach(fd);
	close(fd);
	return err;
}

static void unpin_bound(__u32 ifindex)
{
	unlink(pin_of_bound(ifindex).path);
}

static int pin_bound(int prog, __u32 ifindex)
{
	struct pin at = pin_of_bound(ifindex);

	unpin_bound(ifindex);
	return put_pin(prog, &at);
}

int hook_xdp_owner(__u32 ifindex, __u32 *id)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(ifindex, 0, &query))
		return -errno;
	*id = query.drv_prog_id   ? query.drv_prog_id
	      : query.skb_prog_id ? query.skb_prog_id
	      : query.hw_prog_id  ? query.hw_prog_id
				  : query.prog_id;
	return 0;
}

int hook_xdp(int prog, __u32 ifindex, bool generic, bool bound)
{
	__u32 mode = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE, id = 0;
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode);
	int fd = bpf_link_create(prog, ifindex, BPF_XDP, &opts), err;

	if (fd < 0)
		return -errno;
	if (bpf_xdp_query_id(ifindex, mode, &id) || id != hook_program_id(prog)) {
		close(fd);
		return -EIO;
	}
	err = bound ? pin_bound(prog, ifindex) : 0;
	if (err) {
		close(fd);
		return err;
	}
	return pin_link(fd, ifindex, HOOK_IN);
}

/* A new program is pinned before it is attached and an old one until it is detached, so that the
 * attached one can be recognised at any moment. */
int hook_replace_xdp(int prog, __u32 ifindex, bool bound, int before)
{
	int link = bpf_obj_get(pin_of(ifindex, HOOK_IN).path), err = link < 0 ? -errno : 0;
	int old = before < 0 ? bpf_obj_get(pin_of_bound(ifindex).path) : before;
	LIBBPF_OPTS(bpf_link_update_opts, opts, .flags = BPF_F_REPLACE, .old_prog_fd = old);

	if (!err && old < 0)
		err = -errno;
	if (!err && bound)
		err = pin_bound(prog, ifindex);
	if (!err && bpf_link_update(link, prog, &opts))
		err = -errno;
	if (bound ? err : !err)
		unpin_bound(ifindex);
	if (before < 0 && old >= 0)
		close(old);
	if (link >= 0)
		close(link);
	return err;
}

int hook_tcx(int prog, __u32 ifindex, enum hook_side side)
{
	/* First on both sides: a program before us that answers TCX_PASS ends the chain, and we
	 * would not see the packet. */
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = FLAG_BEFORE);
	int fd = bpf_link_create(prog, ifindex, (enum bpf_attach_type)tcx_type(side), &opts);

	return fd < 0 ? -errno : pin_link(fd, ifindex, side);
}

/* --- clsact ------------------------------------------------------------------------------------ */

struct filters {
	unsigned int others;
	unsigned int ours;
	struct netlink_filter filter[2 * PRIORITIES]; /* ours */
	bool made;                                    /* the qdisc, by us */
};

static void sort_filter(void *ctx, const struct netlink_filter *filter)
{
	struct filters *f = ctx;

	const bool is_ours =
		filter->program && !strncmp(filter->name, "weir_", 5) &&
		(filter->handle == HANDLE_QDISC_MADE || filter->handle == HANDLE_QDISC_FOUND);

	if (!is_ours || f->ours == 2 * PRIORITIES) {
		f->others++;
		return;
	}
	f->filter[f->ours++] = *filter;
	f->made |= filter->handle == HANDLE_QDISC_MADE;
}

static int filters_of(__u32 ifindex, enum hook_side side, struct filters *out)
{
	memset(out, 0, sizeof(*out));
	return netlink_filters(ifindex, side == HOOK_OUT, sort_filter, out);
}

static enum bpf_tc_attach_point attach_point(enum hook_side side)
{
	return side == HOOK_IN ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

/* We made the qdisc: it goes with its last filter. */
static void drop_qdisc(__u32 ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	for (int side = HOOK_IN; side <= HOOK_OUT; side++) {
		struct filters f;

		if (filters_of(ifindex, side, &f) || f.others || f.ours)
			return;
	}
	bpf_tc_hook_destroy(&hook);
}

/* Returns how many. */
static int remove_filters(__u32 ifindex, enum hook_side side)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_point(side));
	struct filters f;
	int err = filters_of(ifindex, side, &f);

	for (unsigned int i = 0; i < f.ours && !err; i++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = f.filter[i].handle,
			    .priority = f.filter[i].priority);

		err = bpf_tc_detach(&hook, &opts);
	}
	if (err)
		return err;
	if (f.made)
		drop_qdisc(ifindex);
	return f.ours;
}

static bool made_qdisc(__u32 ifindex)
{
	struct filters in, out;

	return (!filters_of(ifindex, HOOK_IN, &in) && in.made) ||
	       (!filters_of(ifindex, HOOK_OUT, &out) && out.made);
}

int hook_clsact(int prog, __u32 ifindex, enum hook_side side)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_point(side));
	int err = bpf_tc_hook_create(&hook);
	bool made = !err;

	if (err && err != -EEXIST)
		return err;
	if (side == HOOK_OUT && netlink_qdisc(ifindex) != NETLINK_QDISC_CLSACT)
		return -EOPNOTSUPP; /* somebody's qdisc of kind ingress, of which there is one */
	made = made || made_qdisc(ifindex);
	/* First on both sides: here a program that lets a packet pass usually ends the list with
	 * TC_ACT_OK, and programs behind it see nothing. -EINVAL: the priority belongs to
	 * filters of another kind. */
	for (__u32 priority = 1; priority <= PRIORITIES; priority++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog, .priority = priority,
			    .handle = made ? HANDLE_QDISC_MADE : HANDLE_QDISC_FOUND);

		err = bpf_tc_attach(&hook, &opts);
		if (!err)
			return priority;
		if (err != -EINVAL)
			break;
	}
	if (made)
		drop_qdisc(ifindex);
	return err;
}

/* --- Both -------------------------------------------------------------------------------------- */

int hook_find(__u32 ifindex, enum hook_side side, const struct hook_ours *ours)
{
	struct pin pin = pin_of(ifindex, side);
	enum weir_hook hook = WEIR_HOOK_NONE;
	int fd = bpf_obj_get(pin.path), err;
	struct filters f;

	if (fd >= 0) {
		hook = hook_of_pinned(fd, ifindex, side, ours);
		close(fd);
	}
	if (hook != WEIR_HOOK_NONE)
		return hook;
	err = remove_pin(pin.path);
	if (err && err != -ENOENT)
		return err;
	if (side == HOOK_IN)
		unpin_bound(ifindex);
	err = filters_of(ifindex, side, &f);
	if (err)
		return err;
	if (f.ours == 1 && f.filter[0].program == ours->tc)
		return WEIR_HOOK_CLSACT;
	err = f.ours ? remove_filters(ifindex, side) : 0;
	return err < 0 ? err : WEIR_HOOK_NONE;
}

int hook_remove(__u32 ifindex, enum hook_side side)
{
	struct pin pin = pin_of(ifindex, side);
	int err = remove_pin(pin.path), filters = remove_filters(ifindex, side);

	if (err && err != -ENOENT)
		return err;
	if (side == HOOK_IN)
		unpin_bound(ifindex);
	return filters < 0 ? filters : filters + !err;
}

/* --- Everything -------------------------------------------------------------------------------- */

struct removed {
	unsigned int count;
	int err;
	__u32 ifindex[WEIR_DEVICES]; /* those counted */
};

static void removed_from(struct removed *r, __u32 ifindex)
{
	for (unsigned int i = 0; i < r->count; i++) {
		if (r->ifindex[i] == ifindex)
			return;
	}
	if (r->count < WEIR_DEVICES)
		r->ifindex[r->count++] = ifindex;
}

static void remove_pins(struct removed *r)
{
	DIR *dir = opendir(LINKS_DIR);
	struct dirent *entry;
	__u32 ifindex;
	int err;

	if (!dir) {
		r->err = errno == ENOENT ? 0 : -errno;
		return;
	}
	while ((entry = readdir(dir))) {
		char path[sizeof(LINKS_DIR) + sizeof(entry->d_name) + 1];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), LINKS_DIR "/%s", entry->d_name);
		ifindex = strtoul(entry->d_name, NULL, 10);
		err = remove_pin(path);
		if (err)
			r->err = err;
		else if (ifindex)
			removed_from(r, ifindex);
	}
	closedir(dir);
	rmdir(LINKS_DIR);
}

static void remove_filters_of(void *ctx, const struct netlink_link *link)
{
	struct removed *r = ctx;

	for (int side = HOOK_IN; side <= HOOK_OUT; side++) {
		int removed = remove_filters(link->ifindex, side);

		if (removed < 0)
			r->err = removed;
		else if (removed)
			removed_from(r, link->ifindex);
	}
}

int hook_remove_all(unsigned int *count)
{
	struct removed r = {0};
	int err;

	remove_pins(&r);
	err = netlink_links(remove_filters_of, &r);
	*count = r.count;
	return r.err ? r.err : err;
}
