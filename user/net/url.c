// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "net/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct scheme {
	const char *name, *separator;
	enum url_format format;
	enum url_transport transport;
	const char *port;
};

static const struct scheme schemes[] = {
	{"ipfix+udp", "://", URL_IPFIX, URL_UDP, "4739"},
	{"ipfix+tcp", "://", URL_IPFIX, URL_TCP, "4739"},
	{"ipfix+tls", "://", URL_IPFIX, URL_TLS, "4740"},
	{"v9+udp", "://", URL_V9, URL_UDP, "2055"},
	{"v5+udp", "://", URL_V5, URL_UDP, "2055"},
	{"file", ":", URL_IPFIX, URL_FILE, ""},
};

static const struct scheme link_schemes[] = {
	{"tcp", "://", URL_IPFIX, URL_TCP, "4740"},
	{"tls", "://", URL_IPFIX, URL_TLS, "4740"},
};

static const struct scheme *find_scheme(const struct scheme *all, size_t count, const char *text)
{
	for (const struct scheme *one = all; one < all + count; one++) {
		size_t length = strlen(one->name);

		if (!strncmp(text, one->name, length) &&
		    !strncmp(text + length, one->separator, strlen(one->separator)))
			return one;
	}
	return NULL;
}

const char *url_scheme(const struct url *url)
{
	for (size_t i = 0; i < COUNT(schemes); i++) {
		if (schemes[i].format == url->format && schemes[i].transport == url->transport)
			return schemes[i].name;
	}
	return "?";
}

static int parse_port(const char *text, char port[6], struct why *why)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long number = strtoul(text, NULL, 10);

	if (!digits || digits > 5 || text[digits] || number < 1 || number > 65535)
		return why_set(why, -EINVAL, "'%.32s' is not a port: expected 1 to 65535", text);
	snprintf(port, 6, "%lu", number);
	return 0;
}

/* "[ADDRESS]" or "[ADDRESS%INTERFACE]" and what follows. */
static int parse_bracketed(const char *text, struct url *url, const char **rest, struct why *why)
{
	const char *end = strchr(text, ']');
	size_t length = end ? (size_t)(end - text - 1) : 0;
	char address[URL_HOST_BYTES];
	struct in6_addr binary;

	if (!end)
		return why_set(why, -EINVAL, "the bracket of '%.64s' is not closed", text);
	if (length >= sizeof(address))
		return why_set(why, -EINVAL, "'%.64s...' is too long for an address", text + 1);
	snprintf(url->host, sizeof(url->host), "%.*s", (int)length, text + 1);
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(url->host, "%"), url->host);
	if (inet_pton(AF_INET6, address, &binary) != 1)
		return why_set(why, -EINVAL, "'%.64s' is not an IPv6 address", url->host);
	*rest = end + 1;
	return 0;
}

static int parse_name(const char *text, struct url *url, const char **rest, struct why *why)
{
	size_t length = strcspn(text, ":/?#");

	if (text[length] == ':' && strchr(text + length + 1, ':'))
		return why_set(why, -EINVAL, "an IPv6 address needs brackets: [%.64s]?", text);
	if (!length)
		return why_set(why, -EINVAL, "a host is missing");
	if (length >= sizeof(url->host))
		return why_set(why, -EINVAL, "'%.64s...' is too long for a host", text);
	for (size_t i = 0; i < length; i++) {
		if (!isascii((unsigned char)text[i]) ||
		    (!isalnum((unsigned char)text[i]) && !strchr("-._", text[i])))
			return why_set(why, -EINVAL, "'%.*s' is not a host", (int)length, text);
	}
	snprintf(url->host, sizeof(url->host), "%.*s", (int)length, text);
	*rest = text + length;
	return 0;
}

static int parse_host(const char *text, const struct scheme *scheme, struct url *url,
		      struct why *why)
{
	const char *rest = text;
	int err = *text == '[' ? parse_bracketed(text, url, &rest, why)
			       : parse_name(text, url, &rest, why);

	if (err)
		return err;
	if (*rest == ':')
		return parse_port(rest + 1, url->port, why);
	if (*rest)
		return why_set(why, -EINVAL, "'%.32s' after the host: expected nothing or :PORT",
			       rest);
	snprintf(url->port, sizeof(url->port), "%s", scheme->port);
	return 0;
}

static int parse_pattern(const char *text, struct url *url, struct why *why)
{
	size_t length = strlen(text);

	if (!length || text[length - 1] == '/')
		return why_set(why, -EINVAL, "the name of a file is missing");
	for (const char *c = text; *c; c++) {
		if (iscntrl((unsigned char)*c))
			return why_set(why, -EINVAL, "a control character is in the name");
		if (*c != '%')
			continue;
		c++;
		if (!*c || !strchr("%CFGHIMRSTUVWYabdejmpsuwyzZ", *c))
			return why_set(
				why, -EINVAL,
				"'%%%.1s' is not a conversion of strftime that is allowed here", c);
	}
	snprintf(url->path, sizeof(url->path), "%s", text);
	return 0;
}

static int parse(const struct scheme *scheme, const char *text, struct url *out, struct why *why)
{
	struct url url = {.format = scheme->format, .transport = scheme->transport};
	int err;

	if (strlen(text) >= URL_BYTES)
		return why_set(why, -EINVAL, "an address has at most %d characters", URL_BYTES - 1);
	text += strlen(scheme->name) + strlen(scheme->separator);
	if (url.transport == URL_FILE)
		err = parse_pattern(text, &url, why);
	else
		err = parse_host(text, scheme, &url, why);
	if (!err)
		*out = url;
	return err;
}

int url_parse(const char *text, struct url *out, struct why *why)
{
	const struct scheme *scheme = find_scheme(schemes, COUNT(schemes), text);

	if (!scheme)
		return why_set(
			why, -EINVAL,
			"'%.32s' is not an address: expected ipfix+udp://, ipfix+tcp://, "
			"ipfix+tls://, v9+udp://, v5+udp:// with HOST[:PORT], or file:PATTERN",
			text);
	return parse(scheme, text, out, why);
}

int url_parse_link(const char *text, struct url *out, struct why *why)
{
	const struct scheme *scheme = find_scheme(link_schemes, COUNT(link_schemes), text);

	if (!scheme)
		return why_set(why, -EINVAL,
			       "'%.32s' is not an address: expected tls:// or tcp:// with "
			       "HOST[:PORT]",
			       text);
	return parse(scheme, text, out, why);
}
