// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The keys `interfaces`, `inside` and `groups`. */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "config/config_internal.h"

static int keep(const char *text, void *to)
{
	*(char **)to = strdup(text);
	return *(char **)to ? 0 : -ENOMEM;
}

static bool same_text(const void *a, const void *b)
{
	return !strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_interface(struct section_reader *r, const struct section_value *value,
			  const struct key *key, void *to)
{
	const char *text = value->text;

	if (!*text || strlen(text) >= IFNAMSIZ || strpbrk(text, "/ \t\r\n"))
		return section_refuse_kind(r, value->at, key);
	return keep(text, to);
}

static int read_prefix(struct section_reader *r, const struct section_value *value,
		       const struct key *key, void *to)
{
	struct why why;

	if (prefix_parse_net(value->text, to, &why))
		return section_refuse(r, value->at, "%s: %s", key->name, why.text);
	return 0;
}

/* It would be read as that word in a match. */
static int read_group_name(struct section_reader *r, const struct section_value *value,
			   const struct key *key, void *to)
{
	if (!section_is_name(value->text) || query_is_keyword(value->text))
		return section_refuse_kind(r, value->at, key);
	return keep(value->text, to);
}

static const struct key interface = {NULL, KEY_OWN, .read = read_interface,
				     .free = section_free_text, .kind = "the name of an interface"};
static const struct key prefix = {NULL, KEY_OWN, .read = read_prefix,
				  .kind = "a prefix ADDRESS/LENGTH"};

static const struct key group_keys[] = {
	{"name", KEY_OWN, offsetof(struct query_group, name), .read = read_group_name,
	 .free = section_free_text, .unique = true,
	 .kind = "a name of letters, digits, - _ . that is not a word of the match language"},
	{"prefixes", KEY_LIST, offsetof(struct query_group, prefixes),
	 .list = &(const struct key_list){&prefix, sizeof(struct query_range),
					  offsetof(struct query_group, prefix_count),
					  .grows = true}},
	{.name = NULL},
};

static const struct section group_section = {"group", sizeof(struct query_group), group_keys};
static const struct key group = {NULL, KEY_SECTION, .section = &group_section};

const struct key_list config_interfaces = {&interface, sizeof(char *),
					   offsetof(struct config, interface_count), .grows = true,
					   .same = same_text};
const struct key_list config_inside = {&prefix, sizeof(struct query_range),
				       offsetof(struct config, scope.inside_count), .grows = true};
const struct key_list config_groups = {&group, sizeof(struct query_group),
				       offsetof(struct config, scope.group_count), .grows = true};
