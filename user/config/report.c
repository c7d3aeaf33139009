// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The section `report`, and what it shares with `coordinate`: addresses, precision. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/yaml.h"
#include "config/schema.h"

#define MILLION 1000000
#define UNITS_MAX 1000000000000ull /* a second: what a window's counts of 62 s have room for */
#define PERCENT_MAX 100
#define HOST_NAME_BYTES 64 /* INTERVAL_NAME_BYTES */

/* --- Precision ------------------------------------------------------------------------- */

/* "12", "0.25" in units of 10^-decimals. */
static int parse_decimal(const char *text, unsigned int decimals, __u64 *out, const char **rest)
{
	const char digits[] = "0123456789";
	const size_t whole = strspn(text, digits);
	size_t fraction = 0;
	__u64 value = 0;

	if (!whole || whole > 13)
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		value = value * 10 + (text[i] - '0');
	text += whole;
	if (*text == '.') {
		fraction = strspn(++text, digits);
		if (!fraction || fraction > decimals)
			return -EINVAL;
	}
	for (unsigned int i = 0; i < decimals; i++)
		value = value * 10 + (i < fraction ? text[i] - '0' : 0);
	*out = value;
	*rest = text + fraction;
	return 0;
}

int config_precision_parse(const char *text, struct config_precision *out)
{
	struct config_precision precision = {.given = true};
	const char *rest;

	if (!parse_decimal(text, 4, &precision.millionths, &rest) &&
	    !strcmp(rest + (*rest == ' '), "%")) {
		precision.relative = true;
		if (precision.millionths > PERCENT_MAX * 10000ull)
			return -EINVAL;
	} else if (parse_decimal(text, 6, &precision.millionths, &rest) || *rest ||
		   precision.millionths > UNITS_MAX * MILLION) {
		return -EINVAL;
	}
	*out = precision;
	return 0;
}

int config_read_precision(struct reader *r, const yaml_node_t *node, const struct key *key,
			  void *to)
{
	const char *text = schema_text(node);

	if (!text || config_precision_parse(text, to))
		return schema_refuse(r, node->start_mark,
				     "%s: expected units per second (5, 0.25) up to 10^12, or a "
				     "percentage of the answer (5%%) up to 100%%",
				     key->name);
	return 0;
}

int config_read_ppm(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const char *text = schema_text(node), *rest;
	__u64 ppm;

	if (!text || parse_decimal(text, 4, &ppm, &rest) || strcmp(rest + (*rest == ' '), "%") ||
	    ppm < key->min || ppm > key->max)
		return schema_refuse(r, node->start_mark,
				     "%s: expected a percentage from %g%% to %g%%", key->name,
				     key->min / 1e4, key->max / 1e4);
	*(__u32 *)to = ppm;
	return 0;
}

/* --- Addresses ------------------------------------------------------------------------- */

int config_read_address(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const char *text = schema_text(node);
	struct peer_address *address = to;
	struct why why = {};

	if (!text)
		return schema_refuse(r, node->start_mark, "%s: expected an address", key->name);
	if (url_parse_link(text, &address->url, &why))
		return schema_refuse(r, node->start_mark, "%s: %s", key->name, why.text);
	address->line = node->start_mark.line + 1;
	address->column = node->start_mark.column + 1;
	address->text = strdup(text);
	return address->text ? 0 : -ENOMEM;
}

static bool is_loopback(const struct url *url)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, url->host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, url->host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return !strcmp(url->host, "localhost");
}

int config_check_address(struct reader *r, const struct peer_address *address, bool certified,
			 bool plain)
{
	const yaml_mark_t mark = {.line = address->line - 1, .column = address->column - 1};

	if (address->url.transport == URL_TLS && !certified)
		return schema_refuse(r, mark, "'%s' needs ca, cert and key", address->text);
	if (address->url.transport != URL_TLS && !plain && !is_loopback(&address->url))
		return schema_refuse(r, mark,
				     "'%s' would be read by whoever is on the way: tls://, or "
				     "plain: true",
				     address->text);
	return 0;
}

/* --- The section ----------------------------------------------------------------------- */

int config_read_name(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	const char *name = schema_text(node);

	if (!config_is_name(name))
		return schema_refuse(r, node->start_mark, "%s: expected letters, digits, - _ .",
				     key->name);
	*(char **)to = strdup(name);
	return *(char **)to ? 0 : -ENOMEM;
}

#define AT(field) offsetof(struct peer_options, field)

static const struct key coordinator_keys[] = {
	{"address", config_read_address, .at = AT(address)},
	{"host", schema_number, .at = AT(host), .min = 1, .max = 0xffffffff},
	{"name", config_read_name, .at = AT(name)},
	{"ca", config_read_path, .at = AT(ca)},
	{"cert", config_read_path, .at = AT(cert)},
	{"key", config_read_path, .at = AT(key)},
	{"plain", schema_choice, .at = AT(plain), .values = "false true"},
	{.name = NULL},
};

static int name_of_machine(char **out)
{
	char name[HOST_NAME_BYTES] = "";

	if (gethostname(name, sizeof(name) - 1) || !config_is_name(name))
		strcpy(name, "localhost");
	*out = strdup(name);
	return *out ? 0 : -ENOMEM;
}

int config_read_report(struct reader *r, const yaml_node_t *node, const struct key *key, void *to)
{
	struct peer_options *config = to;
	int err = schema_keys(r, node, coordinator_keys, config);

	if (err)
		return err;
	if (!config->address.text)
		return schema_refuse(r, node->start_mark, "%s: needs an address", key->name);
	if (!config->host)
		return schema_refuse(r, node->start_mark, "%s: needs a host, its number there",
				     key->name);
	err = config_check_address(r, &config->address, config->ca && config->cert && config->key,
				   config->plain);
	return err || config->name ? err : name_of_machine(&config->name);
}
