// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Interfaces are wanted by name. A name may come, go, and come back as another
 * interface; what is true is asked of the kernel each time, netlink only says
 * that it is time to ask.
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
	}
	if (!code) {
		memcpy(p->port, wanted->port, sizeof(p->port));
		p->count = wanted->count;
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

void ports_follow(struct ports *p, const struct netlink_link *link)
{
	if (!link->gone && names_has(p->names, link->ifindex))
		name_port(p, link->ifindex);
}

/* --- Attaching ----------------------------------------------------------------------------- */

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

static int attach(struct ports *p, struct port *port, __u32 ifindex)
{
	bool before = is_attached(p->meter, ifindex);
	struct why why = {};
	char hooks[256];
	int code = meter_attach(p->meter, ifindex, port->name, &p->policy, &port->hooks, &why);

	if (code) {
		if (code != -ENODEV || !p->notes->drawn)
			notes_warn(p->notes, "%s: %s", port->name, why_text(&why, code));
		port->refused = ifindex;
		return code;
	}
	name_port(p, ifindex);
	port->ifindex = ifindex;
	port->ours = !before;
	p->changes += !before;
	port->refused = 0;
	text_hooks(&port->hooks, hooks, sizeof(hooks));
	notes_say(p->notes, "%s: %s%s", port->name, hooks, before ? ", adopted" : "");
	return 0;
}

int ports_sync(struct ports *p, bool start)
{
	for (unsigned int i = 0; i < p->count; i++) {
		struct port *port = &p->port[i];
		__u32 ifindex = if_nametoindex(port->name);

		if (port->ifindex && port->ifindex != ifindex) {
			char name[IFNAMSIZ];

			/* Renamed, it is no longer the one that was asked for. */
			if (if_indextoname(port->ifindex, name)) {
				struct why why;

				meter_detach(p->meter, port->ifindex, &why);
				notes_say(p->notes, "%s: now named %s, detached", port->name, name);
			} else {
				meter_forget(p->meter, port->ifindex);
				notes_say(p->notes, "%s: gone; its counts stay", port->name);
			}
			port->ifindex = 0;
		}
		if (ifindex && !port->ifindex && port->refused != ifindex) {
			int code = attach(p, port, ifindex);

			if (code && start)
				return code;
		}
		if (!ifindex)
			port->refused = 0;
	}
	return 0;
}

static bool is_wanted(const struct ports *p, __u32 ifindex)
{
	for (unsigned int i = 0; i < p->count; i++)
		if (p->port[i].ifindex == ifindex)
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
