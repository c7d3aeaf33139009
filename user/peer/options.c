// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "peer/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "interval/interval.h"

/* --- Addresses ------------------------------------------------------------------------- */

int peer_address_read(struct section_reader *r, const struct section_value *value,
		      const struct key *key, void *to)
{
	struct peer_address *address = to;
	struct why why;

	if (url_parse_link(value->text, &address->url, &why))
		return section_refuse(r, value->at, "%s: %s", key->name, why.text);
	address->at = value->at;
	address->text = strdup(value->text);
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

int peer_address_check(struct section_reader *r, const struct peer_address *address, bool certified,
		       bool plain)
{
	if (address->url.transport == URL_TLS && !certified)
		return section_refuse(r, address->at, "'%s' needs ca, cert and key", address->text);
	if (address->url.transport != URL_TLS && !plain && !is_loopback(&address->url))
		return section_refuse(r, address->at,
				      "'%s' is not encrypted: use tls://, or plain: true to allow "
				      "it",
				      address->text);
	return 0;
}

/* --- The section ----------------------------------------------------------------------- */

static int name_of_machine(char **out)
{
	char name[INTERVAL_NAME_BYTES] = "";

	if (gethostname(name, sizeof(name) - 1) || !section_is_name(name))
		strcpy(name, "localhost");
	*out = strdup(name);
	return *out ? 0 : -ENOMEM;
}

static int finish(struct section_reader *r, const struct section_seen *seen, void *to)
{
	struct peer_options *options = to;
	const bool certified = options->ca && options->cert && options->key;
	int code = peer_address_check(r, &options->address, certified, options->plain);

	(void)seen;
	return code || options->name ? code : name_of_machine(&options->name);
}

#define AT(member) offsetof(struct peer_options, member)

static const struct key keys[] = {
	{"address", KEY_PEER_ADDRESS, .at = AT(address), .required = true,
	 .help = "of the coordinator: tls://HOST[:PORT] or tcp://HOST[:PORT]"},
	{"host", KEY_NUMBER, AT(host), .min = 1, .max = 0xffffffff, .required = true,
	 .help = "its number there"},
	{"name", KEY_NAME, AT(name), .without = "the machine's", .help = "its name there"},
	{"ca", KEY_PATH, AT(ca), .without = "none",
	 .help = "TLS: file of the CAs that the coordinator's certificate may be from"},
	{"cert", KEY_PATH, AT(cert), .without = "none", .help = "TLS: file of our certificate"},
	{"key", KEY_PATH, AT(key), .without = "none", .help = "TLS: file of our certificate's key"},
	{"plain", KEY_BOOLEAN, AT(plain), .standard = "false",
	 .help = "true allows tcp:// to leave this machine"},
	{.name = NULL},
};

const struct section peer_section = {"report", sizeof(struct peer_options), keys, .finish = finish};

void peer_options_free(struct peer_options *options)
{
	section_free(&peer_section, options);
}
