// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "export/announce.h"

#include <errno.h>

/* 0: all of it is written. */
static int add_types(struct announcement *a, struct wire_encoder *encoder)
{
	int err = wire_add_types(encoder, &a->type);

	if (err)
		return err;
	return a->type ? -ENOSPC : 0;
}

static int add_interfaces(struct announcement *a, struct wire_encoder *encoder,
			  const struct export_facts *facts)
{
	struct interface_name interface;

	if (!facts->names)
		return 0;
	/* A change meanwhile may be sent twice, but is never missed. */
	if (!a->interface)
		a->telling = names_version(facts->names);
	while (names_next(facts->names, a->told, &a->interface, &interface)) {
		int err = wire_add_interface(encoder, interface.index, interface.name,
					     interface.about);

		if (err)
			return err;
		a->interface++;
	}
	a->interface = 0;
	a->told = a->telling;
	return 0;
}

/* The exporter's own numbers, and what the source knows. */
static int add_statistics(struct wire_encoder *encoder, const struct export_facts *facts,
			  const struct wire_statistics *own)
{
	struct wire_statistics all = *own;

	if (facts->statistics) {
		facts->statistics(facts->context, &all);
		all.exported_messages = own->exported_messages;
		all.exported_bytes = own->exported_bytes;
		all.exported_flows = own->exported_flows;
		all.unsent_flows = own->unsent_flows;
		all.unsent_packets = own->unsent_packets;
		all.unsent_bytes = own->unsent_bytes;
	}
	return wire_add_statistics(encoder, &all);
}

static int add_distinct(struct announcement *a, struct wire_encoder *encoder,
			const struct export_facts *facts)
{
	struct wire_distinct distinct;

	while (facts->distinct && facts->distinct(facts->context, a->distinct, &distinct)) {
		int err = wire_add_distinct(encoder, &distinct);

		if (err)
			return err;
		a->distinct++;
	}
	a->distinct = 0;
	return 0;
}

static int add_one(unsigned int what, struct announcement *a, struct wire_encoder *encoder,
		   const struct export_facts *facts, const struct wire_statistics *own)
{
	switch (what) {
	case ANNOUNCE_TEMPLATES:
		return wire_add_templates(encoder);
	case ANNOUNCE_TYPES:
		return add_types(a, encoder);
	case ANNOUNCE_INTERFACES:
		return add_interfaces(a, encoder, facts);
	case ANNOUNCE_SAMPLING:
		return wire_add_sampling(encoder);
	case ANNOUNCE_DISTINCT:
		return add_distinct(a, encoder, facts);
	default:
		return add_statistics(encoder, facts, own);
	}
}

void announce(struct announcement *a, struct wire_encoder *encoder,
	      const struct export_facts *facts, const struct wire_statistics *own)
{
	while (a->left) {
		unsigned int what = a->left & -a->left;

		/* A message has room for the longest of them, so -ENOSPC means the next message. */
		if (add_one(what, a, encoder, facts, own))
			return;
		a->left &= ~what;
	}
}

void announce_again(struct announcement *a, unsigned int what)
{
	if (what & ANNOUNCE_INTERFACES)
		a->interface = a->told = 0;
	a->left |= what;
}

void announce_news(struct announcement *a, const struct export_facts *facts)
{
	if (facts->names && names_version(facts->names) > a->told)
		a->left |= ANNOUNCE_INTERFACES;
}
