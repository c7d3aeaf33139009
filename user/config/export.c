// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The keys of an entry of `export`, and which of them go with which address. */
#include "export/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/yaml.h"
#include "config/schema.h"

#define MESSAGE_MAX 65535
/* IPv4: 65535 less the headers of IP and UDP. */
#define MESSAGE_MAX_UDP 65507

/* The entry was made from this key before the others were read. */
static int skip_to(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	(void)r, (void)node, (void)key, (void)to;
	return 0;
}

int config_read_path(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const char *text = schema_text(node);

	if (!text || *text != '/')
		return schema_refuse(r, node->start_mark, "%s: expected a path from / on",
				     key->name);
	*(char **)to = strdup(text);
	return *(char **)to ? 0 : -ENOMEM;
}

static int read_queue(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	__u32 records, rounded = EXPORT_QUEUE_MIN;
	int err = schema_number(r, node, key, &records);

	if (err)
		return err;
	while (rounded < records)
		rounded *= 2;
	*(__u32 *)to = rounded;
	return 0;
}

#define AT(field) offsetof(struct export_options, field)

static const struct key export_keys[] = {
	{"to", skip_to, .at = 0},
	{"template_refresh", schema_duration, .at = AT(template_refresh_ns), .min = WEIR_NS_PER_SEC,
	 .max = 24 * HOUR_NS},
	{"template_messages", schema_number, .at = AT(template_messages), .min = 1,
	 .max = 999999999},
	{"options_refresh", schema_duration, .at = AT(options_refresh_ns), .max = 24 * HOUR_NS},
	{"domain", schema_number, .at = AT(domain), .min = 0, .max = 999999999},
	{"biflow", schema_choice, .at = AT(biflow), .values = "false true"},
	{"message", schema_number, .at = AT(message_bytes), .min = EXPORT_MESSAGE_MIN,
	 .max = MESSAGE_MAX},
	{"queue", read_queue, .at = AT(queue), .min = EXPORT_QUEUE_MIN, .max = EXPORT_QUEUE_MAX},
	{"ca", config_read_path, .at = AT(ca)},
	{"cert", config_read_path, .at = AT(cert)},
	{"key", config_read_path, .at = AT(key)},
	{"rotate", schema_duration, .at = AT(rotate_ns), .min = WEIR_NS_PER_SEC,
	 .max = 24 * HOUR_NS},
	{"rotate_size", schema_number, .at = AT(rotate_bytes), .min = MESSAGE_MAX,
	 .max = 999999999},
	{.name = NULL},
};

static bool fits(const struct url *url, const char *key)
{
	const bool v5 = url->format == URL_V5, udp = url->transport == URL_UDP;

	if (!strcmp(key, "template_refresh") || !strcmp(key, "template_messages"))
		return udp && !v5;
	if (!strcmp(key, "options_refresh"))
		return url->transport != URL_FILE && !v5;
	if (!strcmp(key, "biflow"))
		return url->format == URL_IPFIX;
	if (!strcmp(key, "ca") || !strcmp(key, "cert") || !strcmp(key, "key"))
		return url->transport == URL_TLS;
	if (!strcmp(key, "rotate") || !strcmp(key, "rotate_size"))
		return url->transport == URL_FILE;
	return true;
}

/* What no single key shows. */
static int check_export(struct reader *r, const yaml_node_t *node,
			const struct export_options *export)
{
	const struct url *url = &export->url;

	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = schema_node(r, pair->key);

		if (!fits(url, schema_text(key)))
			return schema_refuse(r, key->start_mark, "%s: means nothing with %s",
					     schema_text(key), url_scheme(url));
	}
	if (!export->cert != !export->key)
		return schema_refuse(r, node->start_mark, "export: cert and key go together");
	if (url->transport == URL_UDP && export->message_bytes > MESSAGE_MAX_UDP)
		return schema_refuse(r, node->start_mark,
				     "message: a datagram has at most %d bytes", MESSAGE_MAX_UDP);
	return 0;
}

static const yaml_node_t *find_to(struct reader *r, const yaml_node_t *node)
{
	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		const char *name = schema_text(schema_node(r, pair->key));

		if (name && !strcmp(name, "to"))
			return schema_node(r, pair->value);
	}
	return NULL;
}

static int make_export(struct reader *r, const yaml_node_t *node, struct export_options *out)
{
	const char *text = schema_text(node);
	struct why why = {};
	int err;

	if (!text)
		return schema_refuse(r, node->start_mark, "to: expected an address");
	err = export_options_make(text, out, &why);
	return err == -EINVAL ? schema_refuse(r, node->start_mark, "to: %s", why.text) : err;
}

static int read_export(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const yaml_node_t *address = find_to(r, node);
	struct config *config = to;
	struct export_options *export = &config->exports[config->export_count];
	int err;

	if (config->export_count == EXPORTS_MAX)
		return schema_refuse(r, node->start_mark, "%s: expected at most %d", key->name,
				     EXPORTS_MAX);
	if (node->type == YAML_MAPPING_NODE && !address)
		return schema_refuse(r, node->start_mark, "%s: an entry needs a to", key->name);
	err = address ? make_export(r, address, export) : 0;
	if (err)
		return err;
	for (unsigned int i = 0; i < config->export_count; i++) {
		if (!strcmp(config->exports[i].to, export->to)) {
			err = schema_refuse(r, address->start_mark, "to: '%s' is here twice",
					    export->to);
			break;
		}
	}
	if (!err)
		err = schema_keys(r, node, export_keys, export);
	if (!err)
		err = check_export(r, node, export);
	if (err)
		export_options_free(export);
	else
		config->export_count++;
	return err;
}

int config_read_exports(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	return schema_list(r, node, key, to, read_export);
}
