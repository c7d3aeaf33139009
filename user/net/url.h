/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where flow records go:
 *
 *   ipfix+udp://HOST[:PORT]   4739       v9+udp://HOST[:PORT]   2055
 *   ipfix+tcp://HOST[:PORT]   4739       v5+udp://HOST[:PORT]   2055
 *   ipfix+tls://HOST[:PORT]   4740       file:PATTERN           strftime(3)
 *
 * and where hosts and coordinators meet:
 *
 *   tcp://HOST[:PORT]   4740             tls://HOST[:PORT]   4740
 *
 * An IPv6 address needs brackets.
 */
#ifndef NET_URL_H
#define NET_URL_H

#include "base/why.h"

enum url_format {
	URL_IPFIX,
	URL_V9,
	URL_V5,
};

enum url_transport {
	URL_UDP,
	URL_TCP,
	URL_TLS,
	URL_FILE,
};

#define URL_BYTES 512 /* with the terminating zero, as all of these */
#define URL_HOST_BYTES 256

struct url {
	enum url_format format;
	enum url_transport transport;
	char host[URL_HOST_BYTES]; /* without brackets */
	char port[6];
	char path[URL_BYTES]; /* of a file: the pattern */
};

/* 0, or -EINVAL with the reason, and `out` as it was. */
int url_parse(const char *text, struct url *out, struct why *why);

/* So too, of tcp:// and tls://, for net/link.h. */
int url_parse_link(const char *text, struct url *out, struct why *why);

/* "ipfix+udp", "file". */
const char *url_scheme(const struct url *url);

#endif
