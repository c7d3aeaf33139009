// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "meter/links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- The table --------------------------------------------------------------------------------- */

/* Where it is, or where it would be. */
static unsigned int place_of(const struct links *l, __u32 ifindex)
{
	unsigned int low = 0, high = l->count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (l->link[middle].ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* -1: it is not known. */
static int find(const struct links *l, __u32 ifindex)
{
	unsigned int at = place_of(l, ifindex);

	return ifindex && at < l->count && l->link[at].ifindex == ifindex ? (int)at : -1;
}

static int make_room(struct links *l)
{
	unsigned int room = l->room ? 2 * l->room : 64;
	struct links_entry *link;

	if (l->count < l->room)
		return 0;
	link = reallocarray(l->link, room, sizeof(*link));
	if (!link)
		return -ENOMEM;
	l->link = link;
	l->room = room;
	return 0;
}

static struct links_entry link_of(const struct netlink_link *from)
{
	struct links_entry link = {
		.ifindex = from->ifindex,
		.lower = from->lower,
		.master = from->master,
		.promiscuous = from->promiscuous,
		.vlan_aware = from->vlan_aware,
	};

	memcpy(link.kind, from->kind, sizeof(link.kind));
	return link;
}

static bool is_same(const struct links_entry *a, const struct links_entry *b)
{
	return a->lower == b->lower && a->master == b->master && a->vlan_aware == b->vlan_aware &&
	       a->promiscuous == b->promiscuous && !strcmp(a->kind, b->kind);
}

/* Is anything above or below it, as far as the table knows? */
static bool is_joined(const struct links *l, const struct links_entry *link)
{
	if (link->lower || link->master || link->vlan_aware || link->promiscuous)
		return true;
	for (unsigned int i = 0; i < l->count; i++)
		if (l->link[i].lower == link->ifindex || l->link[i].master == link->ifindex)
			return true;
	return false;
}

static void take_out(struct links *l, unsigned int at)
{
	l->count--;
	memmove(&l->link[at], &l->link[at + 1], (l->count - at) * sizeof(*l->link));
}

int links_put(struct links *l, const struct netlink_link *from)
{
	const struct links_entry link = link_of(from);
	unsigned int at = place_of(l, link.ifindex);
	bool known = at < l->count && l->link[at].ifindex == link.ifindex, changed;

	if (from->gone) {
		changed = known && is_joined(l, &l->link[at]);
		if (known)
			take_out(l, at);
		return changed;
	}
	if (!known) {
		if (make_room(l))
			return -ENOMEM;
		memmove(&l->link[at + 1], &l->link[at], (l->count - at) * sizeof(*l->link));
		l->count++;
	}
	changed = known ? !is_same(&l->link[at], &link) : is_joined(l, &link);
	l->link[at] = link;
	return changed;
}

struct reading {
	struct links links;
	int code;
};

static void read_link(void *reading, const struct netlink_link *link)
{
	struct reading *r = reading;

	if (links_put(&r->links, link) < 0)
		r->code = -ENOMEM;
}

int links_read(struct links *l)
{
	struct reading r = {};
	int code = netlink_links(read_link, &r);

	code = code ? code : r.code;
	if (code) {
		links_free(&r.links);
		return code;
	}
	links_free(l);
	*l = r.links;
	return 0;
}

void links_free(struct links *l)
{
	free(l->link);
	*l = (struct links){};
}

/* --- Above and below --------------------------------------------------------------------------- */

static bool is_one_of(const char *kind, const char *const *kinds)
{
	for (; *kinds; kinds++)
		if (!strcmp(kind, *kinds))
			return true;
	return false;
}

/* Cables: IFLA_LINK is the other end. */
static bool is_cable(const struct links_entry *link)
{
	static const char *const kinds[] = {"veth", "netkit", NULL};

	return is_one_of(link->kind, kinds);
}

/* What is inside is read with `tunnels: inner`. */
static bool is_tunnel(const struct links_entry *link)
{
	static const char *const kinds[] = {
		"vxlan",     "geneve", "gre", "gretap", "ip6gre", "ip6gretap", "erspan",
		"ip6erspan", "ipip",   "sit", "ip6tnl", "gtp",    NULL,
	};

	return is_one_of(link->kind, kinds);
}

/* The frames below hold those above where weir does not read them: encrypted, or behind headers of
 * their own. A child of an InfiniBand device has its own queues beside it. */
static bool is_sealed(const struct links_entry *link)
{
	static const char *const kinds[] = {
		"macsec", "xfrm", "vti", "vti6", "batadv", "rmnet", "ipoib", NULL,
	};

	return is_one_of(link->kind, kinds);
}

static bool is_switch_elsewhere(const struct links_entry *link)
{
	return !strcmp(link->kind, "openvswitch");
}

/* Does what passes `upper`, which is made on a lower device, pass that as the same frame? */
static bool is_stacked(const struct links_entry *upper, bool inner)
{
	return !is_cable(upper) && !is_sealed(upper) && (inner || !is_tunnel(upper));
}

/* And what passes a port of `master`? Open vSwitch has a device for its ports to belong to, which
 * itself passes nothing. */
static bool is_gathering(const struct links_entry *master)
{
	return !is_sealed(master) && !is_switch_elsewhere(master);
}

static bool add_set(struct link_set *to, const struct link_set *set)
{
	bool changed = false;

	for (unsigned int i = 0; i < WEIR_INTERFACES / 64; i++) {
		changed |= (set->word[i] & ~to->word[i]) != 0;
		to->word[i] |= set->word[i];
	}
	return changed;
}

/* Each link gets what its lower devices have. */
static bool climb(const struct links *l, bool inner, struct link_set *under)
{
	bool changed = false;

	for (unsigned int i = 0; i < l->count; i++) {
		int lower = find(l, l->link[i].lower), master = find(l, l->link[i].master);

		if (lower >= 0 && is_stacked(&l->link[i], inner))
			changed |= add_set(&under[i], &under[lower]);
		if (master >= 0 && is_gathering(&l->link[master]))
			changed |= add_set(&under[master], &under[i]);
	}
	return changed;
}

/* For each link, which devices are it or below it: one round for each level of the highest stack. */
static struct link_set *what_is_under(const struct links *l, const __u32 *ifindex,
				      unsigned int count, bool inner)
{
	struct link_set *under = calloc(l->count + 1, sizeof(*under));

	for (unsigned int i = 0; under && i < count; i++) {
		int at = find(l, ifindex[i]);

		if (at >= 0)
			under[at].word[i / 64] |= 1ull << i % 64;
	}
	while (under && climb(l, inner, under))
		;
	return under;
}

static void mark_vlans(const struct link_set *set, unsigned int count, struct link_place *out)
{
	for (unsigned int i = 0; i < count; i++)
		out[i].vlans |= link_set_has(set, i);
}

/* Who uses the tags of a device below: VLAN devices, VLAN-aware bridges, Open vSwitch. `under` without
 * what is in tunnels. */
static void find_vlans(const struct links *l, const struct link_set *under, unsigned int count,
		       struct link_place *out)
{
	for (unsigned int i = 0; i < l->count; i++) {
		const struct links_entry *link = &l->link[i];
		int lower = find(l, link->lower), master = find(l, link->master);

		if (!strcmp(link->kind, "vlan") && lower >= 0)
			mark_vlans(&under[lower], count, out);
		if (master >= 0 &&
		    (l->link[master].vlan_aware || is_switch_elsewhere(&l->link[master])))
			mark_vlans(&under[i], count, out);
	}
}

static int peer_of(const struct links *l, const __u32 *ifindex, unsigned int count,
		   const struct links_entry *link)
{
	for (unsigned int i = 0; i < count && is_cable(link) && link->lower; i++)
		if (ifindex[i] == link->lower && find(l, link->lower) >= 0)
			return i;
	return -1;
}

static void place(const struct links *l, const __u32 *ifindex, unsigned int count,
		  const struct link_set *under, struct link_place *out)
{
	for (unsigned int i = 0; i < count; i++) {
		int at = find(l, ifindex[i]);

		if (at < 0)
			continue;
		out[i].below = under[at];
		out[i].below.word[i / 64] &= ~(1ull << i % 64);
		out[i].peer = peer_of(l, ifindex, count, &l->link[at]);
		out[i].vlans |= l->link[at].promiscuous;
	}
}

int links_place(const struct links *l, const __u32 *ifindex, unsigned int count, bool inner,
		struct link_place *out)
{
	struct link_set *outer = what_is_under(l, ifindex, count, false);
	struct link_set *under = inner ? what_is_under(l, ifindex, count, true) : outer;
	int code = outer && under ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < count; i++)
		out[i] = (struct link_place){.peer = -1};
	if (!code) {
		find_vlans(l, outer, count, out);
		place(l, ifindex, count, under, out);
	}
	if (under != outer)
		free(under);
	free(outer);
	return code;
}

/* --- Once -------------------------------------------------------------------------------------- */

/* Is `a` on the side of `b` that is kept? */
static bool is_nearer(const struct link_place *place, enum count_mode mode, unsigned int a,
		      unsigned int b)
{
	return mode == COUNT_UPPER ? link_set_has(&place[a].below, b)
				   : link_set_has(&place[b].below, a);
}

static bool is_end(const struct link_place *place, unsigned int count, enum count_mode mode,
		   unsigned int which)
{
	for (unsigned int i = 0; i < count; i++)
		if (is_nearer(place, mode, i, which))
			return false;
	return true;
}

/* The end of its stack, whatever is at the other end of a cable; -1: it is that itself. */
static int end_of(const struct link_place *place, unsigned int count, enum count_mode mode,
		  unsigned int which)
{
	for (unsigned int i = 0; i < count; i++)
		if (is_nearer(place, mode, i, which) && is_end(place, count, mode, i))
			return i;
	return -1;
}

int links_leave_out(const struct link_place *place, unsigned int count, enum count_mode mode,
		    unsigned int which)
{
	int peer = place[which].peer, end;

	if (mode == COUNT_ALL)
		return -1;
	end = end_of(place, count, mode, which);
	if (end >= 0 || peer < 0 || peer > (int)which)
		return end;
	return end_of(place, count, mode, peer) < 0 ? peer : -1;
}

struct link_set links_also(const struct link_place *place, unsigned int count, unsigned int which)
{
	struct link_set also = place[which].below;

	for (unsigned int i = 0; i < count; i++)
		if (link_set_has(&place[i].below, which) || place[which].peer == (int)i)
			also.word[i / 64] |= 1ull << i % 64;
	return also;
}
