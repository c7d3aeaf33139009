/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "query/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

static int read_number(const char *word, unsigned long min, unsigned long max,
		       struct query_range *out)
{
	size_t digits = strspn(word, DIGITS);
	unsigned long n;

	if (!digits || digits > 10 || word[digits])
		return -EINVAL;
	n = strtoul(word, NULL, 10);
	if (n < min || n > max)
		return -EINVAL;
	*out = (struct query_range){n, n};
	return 0;
}

int value_read_proto(const char *word, struct query_range *out, struct why *why)
{
	(void)why; /* the caller knows what was expected */
	return read_number(word, 0, 255, out);
}

int value_read_vlan(const char *word, struct query_range *out, struct why *why)
{
	(void)why; /* the caller knows what was expected */
	return read_number(word, 1, 4095, out);
}

int value_read_length(const char *word, struct query_range *out, struct why *why)
{
	(void)why; /* the caller knows what was expected */
	return read_number(word, 0, UINT32_MAX, out);
}

int value_read_port(const char *word, struct query_range *out, struct why *why)
{
	const struct servent *service;
	unsigned int port;

	if (!read_number(word, 0, 65535, out))
		return 0;
	if (!word[strspn(word, DIGITS "-")])
		return -EINVAL;
	service = getservbyname(word, NULL);
	if (!service)
		return why_set(why, -EINVAL, "'%.48s' is no service this host knows", word);
	port = ntohs(service->s_port);
	*out = (struct query_range){port, port};
	return 0;
}

int value_read_ports(const char *word, struct query_range *out, struct why *why)
{
	const char *dash = strchr(word, '-');
	struct query_range first, last;
	char text[16];

	if (!dash || (size_t)(dash - word) >= sizeof(text))
		return -EINVAL;
	memcpy(text, word, dash - word);
	text[dash - word] = 0;
	if (read_number(text, 0, 65535, &first) || read_number(dash + 1, 0, 65535, &last))
		return -EINVAL;
	if (first.first > last.last)
		return why_set(why, -EINVAL, "'%.48s' ends before it starts", word);
	*out = (struct query_range){first.first, last.last};
	return 0;
}
