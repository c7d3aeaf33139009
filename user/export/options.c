// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The keys of an entry of `export`, and which of them go with which address. */
#include "export/options.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define MESSAGE_MAX 65535
/* IPv4: 65535 less the headers of IP and UDP. */
#define MESSAGE_MAX_UDP 65507

static int read_to(struct section_reader *r, const struct section_value *value,
		   const struct key *key, void *to)
{
	struct export_options *options = to;
	struct why why;

	if (url_parse(value->text, &options->url, &why))
		return section_refuse(r, value->at, "%s: %s", key->name, why.text);
	options->to = strdup(value->text);
	return options->to ? 0 : -ENOMEM;
}

/* Does the key mean anything with this address? */
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

static int finish(struct section_reader *r, const struct section_seen *seen, void *to)
{
	const struct key *keys = seen->section->keys;
	struct export_options *options = to;
	const struct url *url = &options->url;
	__u32 records = EXPORT_QUEUE_MIN;

	for (int i = 0; keys[i].name; i++) {
		if (seen->key[i].given && !fits(url, keys[i].name))
			return section_refuse(r, seen->key[i].name, "%s: means nothing with %s",
					      keys[i].name, url_scheme(url));
	}
	if (!options->cert != !options->key)
		return section_refuse(r, seen->at, "export: cert and key go together");
	if (url->transport == URL_UDP && options->message_bytes > MESSAGE_MAX_UDP)
		return section_refuse(r, seen->at, "message: a datagram has at most %d bytes",
				      MESSAGE_MAX_UDP);
	while (records < options->queue)
		records *= 2;
	options->queue = records;
	return 0;
}

#define AT(member) offsetof(struct export_options, member)

static const struct key keys[] = {
	{"to", KEY_OWN, 0, .read = read_to, .free = section_free_text, .kind = "an address",
	 .required = true, .unique = true,
	 .help = "where flows go: ipfix+udp://HOST[:PORT], v9+udp, v5+udp, ipfix+tcp, ipfix+tls, "
		 "or file:PATTERN (strftime(3))"},
	{"domain", KEY_NUMBER, AT(domain), .max = 999999999, .standard = "1",
	 .help = "observation domain; source id (v9), engine (v5)"},
	{"template_refresh", KEY_DURATION, AT(template_refresh_ns), .min = WEIR_NS_PER_SEC,
	 .max = 24 * HOUR_NS, .standard = "60s",
	 .help = "UDP: templates are repeated after this time"},
	{"template_messages", KEY_NUMBER, AT(template_messages), .min = 1, .max = 999999999,
	 .standard = "4096", .unit = "messages",
	 .help = "UDP: templates are repeated after this many messages, too"},
	{"options_refresh", KEY_DURATION, AT(options_refresh_ns), .max = 24 * HOUR_NS,
	 .standard = "300s",
	 .help = "interface names, sampling and statistics are repeated after this time; 0s: once "
		 "a session, names again when they change, statistics again at its end"},
	{"biflow", KEY_BOOLEAN, AT(biflow), .standard = "false",
	 .help = "IPFIX: both directions in one record"},
	{"message", KEY_NUMBER, AT(message_bytes), .min = EXPORT_MESSAGE_MIN, .max = MESSAGE_MAX,
	 .unit = "bytes", .without = "as fits",
	 .help = "size of a message; as fits: UDP the path's MTU, at most 1500, TCP and TLS 16384, "
		 "file 32768"},
	{"queue", KEY_NUMBER, AT(queue), .min = EXPORT_QUEUE_MIN, .max = EXPORT_QUEUE_MAX,
	 .standard = "65536", .unit = "records",
	 .help = "records that can wait, rounded up to a power of two; 88 bytes each"},
	{"ca", KEY_PATH, AT(ca), .without = "the system's",
	 .help = "TLS: file of the CAs that the collector's certificate may be from"},
	{"cert", KEY_PATH, AT(cert), .without = "none", .help = "TLS: file of our certificate"},
	{"key", KEY_PATH, AT(key), .without = "none", .help = "TLS: file of our certificate's key"},
	{"rotate", KEY_DURATION, AT(rotate_ns), .min = WEIR_NS_PER_SEC, .max = 24 * HOUR_NS,
	 .standard = "300s", .help = "file: a new one at each multiple of this time, local time"},
	{"rotate_size", KEY_NUMBER, AT(rotate_bytes), .min = MESSAGE_MAX, .max = 999999999,
	 .unit = "bytes", .without = "none",
	 .help = "file: a new one before it would have more than this"},
	{.name = NULL},
};

const struct section export_section = {"export", sizeof(struct export_options), keys,
				       .finish = finish};

int export_options_make(const char *to, struct export_options *out, struct why *why)
{
	struct section_reader r = {.why = why};
	struct export_options made = {0};
	int code = url_parse(to, &made.url, why);

	if (code)
		return code;
	made.to = strdup(to);
	code = made.to ? section_defaults(&r, &export_section, NULL, &made) : -ENOMEM;
	if (!code) {
		*out = made;
		return 0;
	}
	export_options_free(&made);
	return why_set(why, code, "%s", strerror(-code));
}

void export_options_free(struct export_options *options)
{
	section_free(&export_section, options);
}
