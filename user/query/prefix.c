/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "query/prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define V4_BITS_BEFORE 96 /* of an IPv4-mapped address */
#define QUOTED 48         /* characters of bad input that a message shows */

static query_value value_of_bytes(const unsigned char *bytes, unsigned int count)
{
	query_value value = 0;

	for (unsigned int i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

static bool is_v4(query_value addr)
{
	return addr >= QUERY_V4_FIRST && addr <= QUERY_V4_LAST;
}

static query_value host_bits(unsigned int bits)
{
	return bits ? ~(query_value)0 >> 1 >> (bits - 1) : ~(query_value)0;
}

/* *bits: the length of an address of the family, 32 or 128. */
static int addr_parse(const char *text, query_value *out, unsigned int *bits, struct why *why)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*out = QUERY_V4_FIRST | value_of_bytes(bytes, 4);
		*bits = 32;
		return 0;
	}
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return why_set(why, -EINVAL, "'%.*s' is no IPv4 or IPv6 address", QUOTED, text);
	*out = value_of_bytes(bytes, 16);
	*bits = 128;
	return 0;
}

static int refuse_mapped(const char *text, struct why *why)
{
	return why_set(why, -EINVAL, "'%.*s' is IPv4-mapped: write the IPv4 address", QUOTED, text);
}

int prefix_parse_host(const char *text, struct query_range *out, struct why *why)
{
	query_value addr;
	unsigned int bits;
	int err = addr_parse(text, &addr, &bits, why);

	if (err)
		return err;
	if (bits == 128 && is_v4(addr))
		return refuse_mapped(text, why);
	*out = (struct query_range){addr, addr};
	return 0;
}

static int length_parse(const char *text, unsigned int max, unsigned int *out)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 3 || text[digits])
		return -EINVAL;
	*out = strtoul(text, NULL, 10);
	return *out <= max ? 0 : -EINVAL;
}

static int refuse_host_bits(const char *text, query_value first, unsigned int family_bits,
			    unsigned int bits, struct why *why)
{
	unsigned char bytes[16];
	char meant[INET6_ADDRSTRLEN] = "";

	for (int i = 15; i >= 0; i--, first >>= 8)
		bytes[i] = first & 0xff;
	if (family_bits == 32)
		inet_ntop(AF_INET, bytes + 12, meant, sizeof(meant));
	else
		inet_ntop(AF_INET6, bytes, meant, sizeof(meant));
	return why_set(why, -EINVAL, "'%.*s' has bits set beyond its length: %s/%u?", QUOTED, text,
		       meant, bits);
}

int prefix_parse_net(const char *text, struct query_range *out, struct why *why)
{
	const char *slash = strchr(text, '/');
	char addr_text[INET6_ADDRSTRLEN];
	unsigned int family_bits, bits;
	query_value addr, mask;
	int err;

	if (!slash || (size_t)(slash - text) >= sizeof(addr_text))
		return why_set(why, -EINVAL, "'%.*s' is not of the form ADDRESS/LENGTH", QUOTED,
			       text);
	memcpy(addr_text, text, slash - text);
	addr_text[slash - text] = 0;
	err = addr_parse(addr_text, &addr, &family_bits, why);
	if (err)
		return err;
	if (length_parse(slash + 1, family_bits, &bits))
		return why_set(why, -EINVAL, "the length in '%.*s' is not 0 to %u", QUOTED, text,
			       family_bits);
	mask = host_bits(bits + (family_bits == 32 ? V4_BITS_BEFORE : 0));
	if (family_bits == 128 && is_v4(addr) && bits >= V4_BITS_BEFORE)
		return refuse_mapped(text, why);
	if (addr & mask)
		return refuse_host_bits(text, addr & ~mask, family_bits, bits, why);
	*out = (struct query_range){addr, addr | mask};
	return 0;
}

int prefix_of_addr(int family, const void *addr, unsigned int bits, struct query_range *out)
{
	query_value value, mask;

	if (family == AF_INET && bits <= 32) {
		value = QUERY_V4_FIRST | value_of_bytes(addr, 4);
		bits += V4_BITS_BEFORE;
	} else if (family == AF_INET6 && bits <= 128) {
		value = value_of_bytes(addr, 16);
		if (is_v4(value) && bits >= V4_BITS_BEFORE)
			return -EINVAL;
	} else {
		return -EINVAL;
	}
	mask = host_bits(bits);
	*out = (struct query_range){value & ~mask, value | mask};
	return 0;
}

const struct query_set *prefix_set(struct query_arena *arena, const struct query_range *prefixes,
				   unsigned int count)
{
	struct query_range *split = arena_alloc(arena, 2ul * count * sizeof(*split));
	unsigned int n = 0;

	if (!split)
		return NULL;
	for (unsigned int i = 0; i < count; i++) {
		struct query_range p = prefixes[i];

		/* An IPv6 prefix around the IPv4 addresses: leave them out. */
		if (p.first < QUERY_V4_FIRST && p.last >= QUERY_V4_FIRST) {
			split[n++] = (struct query_range){p.first, QUERY_V4_FIRST - 1};
			p.first = QUERY_V4_LAST + 1;
		}
		if (p.first <= p.last)
			split[n++] = p;
	}
	return set_make(arena, split, n);
}
