// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Interfaces are configured by name. A name may appear, disappear, and come back as another
 * interface; netlink says when to ask the kernel again which one it is. What is above and below an
 * interface is known from netlink alone (meter/links.h): read whole at the start, then updated from
 * its changes.
 *
 * Two things follow from that. If packets are to be counted once, some devices of a stack are left
 * out. And where VLANs are in use, XDP asks for the tags that the device took off its frames. To
 * begin asking takes a program of the interface's own, which loads for a tenth of a second, so it
 * is done for one interface at a time. To stop asking can wait until the second is over: a VLAN
 * that comes and goes all the time costs one load a second.
 *
 *   Wanted               by name
 *   Their names          as exporters tell them
 *   Above and below      places among the links
 *   Attached, left out   and asking for tags
 *   Their own networks   of those that are wanted
 */
#include "agent/ports.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "view/text.h"

/* --- Wanted -------------------------------------------------------------------------------- */

static const struct port *find_port(const struct ports *p, const char *name)
{
	for (unsigned int i = 0; i < p->count; i++)
		if (!strcmp(p->port[i].name, name))
			return &p->port[i];
	return NULL;
}

static int want(struct ports *p, const char *name)
{
	if (find_port(p, name))
		return 0;
	if (strlen(name) >= IFNAMSIZ || !*name) {
		log_err("'%s' is not a name of an interface", name);
		return -EINVAL;
	}
	if (p->count == PORTS_MAX) {
		log_err("more than %d interfaces", PORTS_MAX);
		return -E2BIG;
	}
	strcpy(p->port[p->count++].name, name);
	return 0;
}

static int want_all(struct ports *p, const char *const *names, unsigned int count)
{
	char name[IFNAMSIZ];
	int code = 0;

	for (unsigned int i = 0; i < count && !code; i++)
		code = want(p, names[i]);
	if (code || count)
		return code;
	if (netlink_default_route(name)) {
		log_err("there is no default route to take an interface from: name one with -i");
		return -ENODEV;
	}
	return want(p, name);
}

int ports_want(struct ports *p, const char *const *names, unsigned int count)
{
	struct ports *wanted = calloc(1, sizeof(*wanted));
	int code = wanted ? want_all(wanted, names, count) : -ENOMEM;

	for (unsigned int i = 0; !code && i < wanted->count; i++) {
		const struct port *known = find_port(p, wanted->port[i].name);

		if (known)
			wanted->port[i] = *known;
		wanted->port[i].said = (struct link_set){}; /* it is by place */
	}
	if (!code) {
		memcpy(p->port, wanted->port, sizeof(p->port));
		p->count = wanted->count;
		p->moved = true;
	}
	free(wanted);
	return code;
}

int ports_check(const struct ports *p)
{
	unsigned int there = 0;

	for (unsigned int i = 0; i < p->count; i++)
		there += if_nametoindex(p->port[i].name) != 0;
	if (there)
		return 0;
	log_err(p->count == 1 ? "there is no interface %s"
			      : "there is no interface %s, nor any other of those named",
		p->port[0].name);
	return -ENODEV;
}

void ports_say_absent(const struct ports *p)
{
	for (unsigned int i = 0; i < p->count; i++)
		if (!if_nametoindex(p->port[i].name))
			notes_say(p->notes, "%s: not there yet, waiting for it", p->port[i].name);
}

/* --- Their names --------------------------------------------------------------------------- */

/* False: there is no such interface. */
static bool name_port(struct ports *p, __u32 ifindex)
{
	struct interface_name name = {.index = ifindex};
	struct netlink_link link;

	if (netlink_link(ifindex, &link))
		return false;
	snprintf(name.name, sizeof(name.name), "%s", link.name);
	snprintf(name.about, sizeof(name.about), "%s", link.alias);
	names_set(p->names, &name);
	return true;
}

/* One that has gone had the name of its account. */
static void name_account(struct ports *p, const struct weir_interface *interface)
{
	struct interface_name name = {.index = interface->ifindex};

	if (!interface->gone && name_port(p, interface->ifindex))
		return;
	if (names_has(p->names, interface->ifindex))
		return;
	snprintf(name.name, sizeof(name.name), "%s", interface->name);
	names_set(p->names, &name);
}

void ports_name(struct ports *p)
{
	struct weir_interface interface;

	for (__u32 i = 1; i < WEIR_INTERFACES; i++)
		if (!meter_interface(p->meter, i, &interface) && interface.ifindex)
			name_account(p, &interface);
	for (unsigned int i = 0; i < p->count; i++)
		name_port(p, if_nametoindex(p->port[i].name));
}

/* --- Above and below ----------------------------------------------------------------------- */

int ports_read_links(struct ports *p)
{
	int code = links_read(&p->links);

	p->moved |= !code;
	return code;
}

void ports_link(void *ports, const struct netlink_link *link)
{
	struct ports *p = ports;

	p->moved |= links_put(&p->links, link) != 0;
	if (!link->gone && names_has(p->names, link->ifindex))
		name_port(p, link->ifindex);
}

void ports_free(struct ports *p)
{
	links_free(&p->links);
}

void ports_look(struct ports *p)
{
	__u32 ifindex[PORTS_MAX];

	for (unsigned int i = 0; i < p->count; i++) {
		struct port *port = &p->port[i];
		__u32 there = if_nametoindex(port->name);

		p->moved |= there != port->there;
		port->there = there;
		if (port->refused != there)
			port->refused = 0;
		/* One that cannot be measured counts nothing twice. */
		ifindex[i] = port->refused ? 0 : there;
	}
	if (p->moved && !links_place(&p->links, ifindex, p->count, p->inner, p->place))
		p->moved = false;
}

bool ports_leave_out(const struct ports *p, unsigned int port, char reason[PORT_REASON_BYTES])
{
	int other = links_leave_out(p->place, p->count, p->mode, port);

	if (other < 0)
		return false;
	snprintf(reason, PORT_REASON_BYTES, "left out: %s%s is measured", p->port[other].name,
		 link_set_has(&p->place[port].below, other)   ? " below it"
		 : link_set_has(&p->place[other].below, port) ? " above it"
							      : ", its other end,");
	return true;
}

static bool is_measured_below(const struct ports *p, unsigned int port, unsigned int other)
{
	const bool peer = p->place[port].peer == (int)other && other < port;

	return p->port[port].ifindex && p->port[other].ifindex &&
	       (peer || link_set_has(&p->place[port].below, other));
}

/* Once for each that is new. */
static void say_twice(struct ports *p, unsigned int port)
{
	struct link_set now = {};
	bool news = false;
	char names[256] = "";
	size_t used = 0;

	for (unsigned int i = 0; i < p->count; i++) {
		if (!is_measured_below(p, port, i))
			continue;
		now.word[i / 64] |= 1ull << i % 64;
		news |= !link_set_has(&p->port[port].said, i);
		if (used < sizeof(names) - IFNAMSIZ - 8)
			used += snprintf(names + used, sizeof(names) - used, "%s%s",
					 used ? ", " : "", p->port[i].name);
		else if (names[used - 1] != '.')
			used += snprintf(names + used, sizeof(names) - used, ", ...");
	}
	p->port[port].said = now;
	if (news)
		notes_warn(p->notes,
			   "%s: its packets are counted on %s too; 'count: once' counts them once",
			   p->port[port].name, names);
}

/* --- Attached, left out -------------------------------------------------------------------- */

/* Is the interface attached already, by an agent before us? */
static bool is_attached(const struct meter *m, __u32 ifindex)
{
	struct weir_interface interface;

	for (__u32 i = 1; i < WEIR_INTERFACES; i++) {
		if (!meter_interface(m, i, &interface) && interface.ifindex == ifindex &&
		    !interface.gone && (interface.in || interface.out))
			return true;
	}
	return false;
}

static void say_hooks(const struct ports *p, const struct port *port, const char *more)
{
	char hooks[256];

	text_hooks(&port->hooks, hooks, sizeof(hooks));
	notes_say(p->notes, "%s: %s%s", port->name, hooks, more);
}

/* Also of one that is attached, to change what it asks for. */
static int attach(struct ports *p, unsigned int which)
{
	struct port *port = &p->port[which];
	bool vlans = p->place[which].vlans;
	struct why why = {};
	int code = meter_attach(p->meter, port->there, port->name, &p->policy, vlans, &port->hooks,
				&why);

	if (code) {
		if (code != -ENODEV || !p->notes->drawn)
			notes_warn(p->notes, "%s: %s", port->name, why_text(&why, code));
		port->refused = port->there;
		port->ifindex = 0;
		p->moved = true; /* others need not be left out for it any more */
		return code;
	}
	name_port(p, port->there);
	port->ifindex = port->there;
	port->left_out = 0;
	port->asks = attach_asks(&p->policy, vlans);
	return 0;
}

static int attach_new(struct ports *p, unsigned int which)
{
	bool before = is_attached(p->meter, p->port[which].there);
	int code = attach(p, which);

	if (code)
		return code;
	p->port[which].ours = !before;
	p->changes += !before;
	say_hooks(p, &p->port[which], before ? ", adopted" : "");
	return 0;
}

static void stop_leaving_out(struct ports *p, struct port *port)
{
	char name[IFNAMSIZ];
	struct why why;

	if (if_indextoname(port->left_out, name))
		meter_detach(p->meter, port->left_out, &why);
	else
		meter_forget(p->meter, port->left_out);
	port->left_out = 0;
}

static void let_go(struct ports *p, struct port *port)
{
	char name[IFNAMSIZ];
	struct why why;

	if (port->left_out && port->left_out != port->there)
		stop_leaving_out(p, port);
	if (!port->ifindex || port->ifindex == port->there)
		return;
	/* Renamed, it is no longer the one that was asked for. */
	if (if_indextoname(port->ifindex, name)) {
		meter_detach(p->meter, port->ifindex, &why);
		notes_say(p->notes, "%s: now named %s, detached", port->name, name);
	} else {
		meter_forget(p->meter, port->ifindex);
		notes_say(p->notes, "%s: gone; its counts stay", port->name);
	}
	port->ifindex = 0;
}

static void leave_out(struct ports *p, unsigned int which, const char *reason)
{
	struct port *port = &p->port[which];
	struct why why = {};

	if (port->left_out == port->there && !strcmp(port->hooks.why, reason))
		return;
	/* By us, or by an agent before us. */
	p->changes += is_attached(p->meter, port->there);
	if (meter_leave_out(p->meter, port->there, port->name, reason, &port->hooks, &why))
		notes_warn(p->notes, "%s", why.text);
	notes_say(p->notes, "%s: %s", port->name, reason);
	snprintf(port->hooks.why, sizeof(port->hooks.why), "%s", reason);
	port->left_out = port->there;
	port->ifindex = 0;
}

/* Those that are to be measured first, so that what others leave to them is not missed. */
static int attach_wanted(struct ports *p, bool start)
{
	char reason[PORT_REASON_BYTES];

	for (unsigned int i = 0; i < p->count; i++) {
		struct port *port = &p->port[i];
		int code;

		if (!port->there || port->ifindex || port->refused || ports_leave_out(p, i, reason))
			continue;
		code = attach_new(p, i);
		if (code && start)
			return code;
	}
	for (unsigned int i = 0; i < p->count; i++)
		if (p->port[i].there && ports_leave_out(p, i, reason))
			leave_out(p, i, reason);
	return 0;
}

/* Has it another program than it should? */
static bool is_to_change(const struct ports *p, unsigned int which, bool to)
{
	const struct port *port = &p->port[which];

	return port->ifindex && attach_asks(&p->policy, p->place[which].vlans) == to &&
	       port->asks != to;
}

static void change(struct ports *p, unsigned int which, bool to)
{
	struct port *port = &p->port[which];

	if (port->hooks.in != WEIR_HOOK_XDP_NATIVE) {
		port->asks = to; /* TC has the tags, generic XDP cannot ask */
		return;
	}
	if (!attach(p, which))
		say_hooks(p, port, "");
}

static void begin_to_ask(struct ports *p)
{
	p->more = false;
	for (unsigned int i = 0; i < p->count; i++) {
		if (!is_to_change(p, i, true))
			continue;
		if (p->more)
			return;
		change(p, i, true);
		p->more = true; /* if there is another */
	}
	p->more = false;
}

int ports_sync(struct ports *p, bool start)
{
	int code;

	ports_look(p);
	for (unsigned int i = 0; i < p->count; i++)
		let_go(p, &p->port[i]);
	code = attach_wanted(p, start);
	if (!code)
		begin_to_ask(p);
	return code;
}

void ports_settle(struct ports *p)
{
	for (unsigned int i = 0; i < p->count; i++) {
		if (is_to_change(p, i, false))
			change(p, i, false);
		say_twice(p, i);
	}
}

static bool is_wanted(const struct ports *p, __u32 ifindex)
{
	for (unsigned int i = 0; i < p->count; i++)
		if (p->port[i].ifindex == ifindex || p->port[i].left_out == ifindex)
			return true;
	return false;
}

void ports_trim(struct ports *p)
{
	for (__u32 i = 1; i < WEIR_INTERFACES; i++) {
		struct weir_interface interface;
		struct why why = {};
		char name[IFNAMSIZ];

		if (meter_interface(p->meter, i, &interface) || !interface.ifindex ||
		    interface.gone || is_wanted(p, interface.ifindex))
			continue;
		if (!if_indextoname(interface.ifindex, name))
			meter_forget(p->meter, interface.ifindex);
		else if (interface.left_out)
			meter_detach(p->meter, interface.ifindex, &why);
		else if (interface.in || interface.out) {
			p->changes++;
			if (meter_detach(p->meter, interface.ifindex, &why))
				notes_warn(p->notes, "%s: %s", interface.name, why.text);
			else
				notes_say(p->notes,
					  "%s: measured before and not asked for now, detached",
					  interface.name);
		}
	}
}

void ports_detach(struct ports *p, bool only_ours)
{
	for (unsigned int i = 0; i < p->count; i++) {
		struct port *port = &p->port[i];
		struct why why = {};
		int code;

		if (!port->ifindex || (only_ours && !port->ours))
			continue;
		code = meter_detach(p->meter, port->ifindex, &why);
		if (code && code != -ENOENT && code != -ENODEV)
			log_err("%s: %s", port->name, why.text);
		port->ifindex = 0;
	}
}

/* --- Their own networks ---------------------------------------------------------------- */

static unsigned int mask_bits(const struct sockaddr *mask)
{
	const __u8 *byte = mask->sa_family == AF_INET6
				   ? (const __u8 *)&((const struct sockaddr_in6 *)mask)->sin6_addr
				   : (const __u8 *)&((const struct sockaddr_in *)mask)->sin_addr;
	unsigned int size = mask->sa_family == AF_INET6 ? 16 : 4, bits = 0;

	for (unsigned int i = 0; i < size; i++)
		bits += __builtin_popcount(byte[i]);
	return bits;
}

static int network_of(const struct ifaddrs *addr, struct query_range *out)
{
	const struct sockaddr *at = addr->ifa_addr;

	if (!at || !addr->ifa_netmask)
		return -EINVAL;
	if (at->sa_family == AF_INET)
		return prefix_of_addr(AF_INET, &((const struct sockaddr_in *)at)->sin_addr,
				      mask_bits(addr->ifa_netmask), out);
	if (at->sa_family == AF_INET6)
		return prefix_of_addr(AF_INET6, &((const struct sockaddr_in6 *)at)->sin6_addr,
				      mask_bits(addr->ifa_netmask), out);
	return -EINVAL;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct query_range *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

void ports_networks(const struct ports *p, struct port_networks *out)
{
	struct ifaddrs *all, *addr;

	memset(out, 0, sizeof(*out));
	if (getifaddrs(&all))
		return;
	for (addr = all; addr && out->count < PORT_NETWORKS; addr = addr->ifa_next) {
		struct query_range *range = &out->range[out->count];

		for (unsigned int i = 0; i < p->count; i++) {
			if (!strcmp(p->port[i].name, addr->ifa_name) && !network_of(addr, range)) {
				out->count++;
				break;
			}
		}
	}
	freeifaddrs(all);
	qsort(out->range, out->count, sizeof(*out->range), compare_ranges);
}
