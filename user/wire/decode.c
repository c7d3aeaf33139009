// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Messages: their headers, and their sets one by one. */
#include "wire/decode.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/decode_internal.h"

const struct wire_decoder_options wire_decoder_defaults = {
	.template_lifetime_ns =
		1800 * WEIR_NS_PER_SEC, /* three refreshes of 10 minutes: RFC 7011, 8.4 */
	.rate_lifetime_ns = 86400 * WEIR_NS_PER_SEC, /* they seldom change, and some seldom tell */
	.held_lifetime_ns = 60 * WEIR_NS_PER_SEC,
	.max_bytes = 256 << 20,
	.max_held_bytes = 256 << 10,
	.max_peers = 4096,
	.max_domains = 64,
	.max_templates = 1024,
	.max_rates = 4096,
	.max_fields = 256,
};

const struct wire_count_name wire_count_names[WIRE_COUNT_MAX] = {
#define X(id, name, kind, text) [WIRE_COUNT_##id] = {#name, text, WIRE_KIND_OF_##kind},
	WIRE_COUNTS(X)
#undef X
};

/* --- The decoder --------------------------------------------------------------------------- */

/* Which peer a message's sender is. */
static struct wire_peer key_of(const struct wire_decoder *d, const struct wire_peer *sender)
{
	struct wire_peer key = *sender;

	if (d->options.any_port && !key.session)
		key.port = 0;
	return key;
}

struct wire_decoder *wire_decoder_new(const struct wire_decoder_options *options,
				      const struct wire_sink *sink)
{
	struct wire_decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->options = *options;
	d->sink = *sink;
	return d;
}

void wire_decoder_free(struct wire_decoder *d)
{
	if (!d)
		return;
	while (d->peers)
		wire_peer_free(d, d->peers);
	free(d);
}

void wire_decoder_close(struct wire_decoder *d, const struct wire_peer *peer)
{
	const struct wire_peer key = key_of(d, peer);
	struct peer *p;

	HASH_FIND(hh, d->peers, &key, sizeof(key), p);
	if (p)
		wire_peer_free(d, p);
}

const struct wire_counts *wire_decoder_counts(const struct wire_decoder *d)
{
	return &d->counts;
}

void wire_decoder_peers(const struct wire_decoder *d,
			void (*each)(void *context, const struct wire_peer *peer,
				     const struct wire_counts *counts),
			void *context)
{
	for (const struct peer *p = d->peers; p; p = p->hh.next)
		each(context, &p->key, &p->counts);
}

size_t wire_decoder_bytes(const struct wire_decoder *d)
{
	return d->bytes;
}

/* --- Sets ---------------------------------------------------------------------------------- */

static void read_set(struct work *w, __u16 id, const __u8 *at, const __u8 *end)
{
	bool v9 = w->domain->origin.protocol == WIRE_V9;
	const struct template *t;

	if (id == (v9 ? V9_SET_TEMPLATES : IPFIX_SET_TEMPLATES)) {
		wire_read_templates(w, at, end, false);
	} else if (id == (v9 ? V9_SET_OPTIONS : IPFIX_SET_OPTIONS)) {
		wire_read_templates(w, at, end, true);
	} else if (id < WIRE_SET_DATA_MIN) {
		wire_tally(w, WIRE_COUNT_SET_ID, 1);
	} else {
		t = wire_template_of(w, id);
		if (t) {
			wire_read_data(w, t, at, end);
			return;
		}
		w->records_known = false;
		wire_hold(w, id, at, end - at);
	}
}

/* There are exporters whose last set claims its padding but comes without, so a set that ends
 * beyond the message is read as far as it goes. */
static void read_sets(struct work *w, const __u8 *at, const __u8 *end)
{
	while ((size_t)(end - at) >= sizeof(struct wire_set)) {
		size_t length = wire_get16(at + 2);

		if (length < sizeof(struct wire_set)) {
			wire_tally(w, WIRE_COUNT_SET_LENGTH, 1);
			return;
		}
		if (length > (size_t)(end - at)) {
			wire_tally(w, WIRE_COUNT_SET_LENGTH, 1);
			length = end - at;
		}
		read_set(w, wire_get16(at), at + sizeof(struct wire_set), at + length);
		at += length;
	}
}

/* --- Messages ------------------------------------------------------------------------------ */

size_t wire_stream_length(const __u8 head[WIRE_STREAM_HEAD_BYTES])
{
	size_t length = wire_get16(head + 2);

	return wire_get16(head) == IPFIX_VERSION && length >= sizeof(struct ipfix_header) ? length
											  : 0;
}

static int decode_ipfix(struct work *w, const __u8 *message, size_t length)
{
	struct ipfix_header header;
	size_t told;

	memcpy(&header, message, sizeof(header));
	told = weir_be16(header.length);
	if (told != length)
		wire_tally(w, WIRE_COUNT_LENGTH, 1);
	if (told < sizeof(header))
		return -EBADMSG;
	w->domain = wire_domain_of(w, WIRE_IPFIX, weir_be32(header.domain));
	if (!w->domain)
		return -ENOMEM;
	w->frame.export_ns = weir_be32(header.export_s) * WEIR_NS_PER_SEC;
	wire_boot(w->domain, &w->frame);
	read_sets(w, message + sizeof(header), message + (told < length ? told : length));
	wire_sequence(w, weir_be32(header.sequence), w->records, WIRE_COUNT_LOST_RECORDS);
	return 0;
}

static int decode_v9(struct work *w, const __u8 *message, size_t length)
{
	struct v9_header header;

	memcpy(&header, message, sizeof(header));
	w->domain = wire_domain_of(w, WIRE_V9, weir_be32(header.source));
	if (!w->domain)
		return -ENOMEM;
	w->frame.export_ns = weir_be32(header.export_s) * WEIR_NS_PER_SEC;
	w->frame.has_uptime = true;
	w->frame.uptime_ms = weir_be32(header.uptime_ms);
	read_sets(w, message + sizeof(header), message + length);
	/* Messages are numbered, so what is in them does not matter. */
	w->records_known = true;
	wire_sequence(w, weir_be32(header.sequence), 1, WIRE_COUNT_LOST_MESSAGES);
	return 0;
}

static const struct {
	__u16 version;
	__u16 header_bytes;
	int (*decode)(struct work *w, const __u8 *message, size_t length);
} protocols[] = {
	{IPFIX_VERSION, sizeof(struct ipfix_header), decode_ipfix},
	{V9_VERSION, sizeof(struct v9_header), decode_v9},
	{V5_VERSION, sizeof(struct v5_header), wire_decode_v5},
};

#define PROTOCOLS (sizeof(protocols) / sizeof(*protocols))

/* What is no export message shall not make a peer known, for that may cost another its place. */
static int refuse(struct work *w, const struct wire_peer *key, enum wire_count why)
{
	HASH_FIND(hh, w->d->peers, key, sizeof(*key), w->peer);
	wire_tally(w, WIRE_COUNT_MESSAGES, 1);
	wire_tally(w, why, 1);
	return -EBADMSG;
}

int wire_decode(struct wire_decoder *d, const struct wire_peer *peer, const void *message,
		size_t length, __u64 now_ns)
{
	struct work w = {.d = d, .now_ns = now_ns, .records_known = true, .port = peer->port};
	const struct wire_peer key = key_of(d, peer);
	__u16 version = length < 2 ? 0 : wire_get16(message);
	size_t i = 0;

	while (i < PROTOCOLS && protocols[i].version != version)
		i++;
	if (length < 2 || (i < PROTOCOLS && length < protocols[i].header_bytes))
		return refuse(&w, &key, WIRE_COUNT_SHORT);
	if (i == PROTOCOLS)
		return refuse(&w, &key, WIRE_COUNT_VERSION);
	w.peer = wire_peer_of(d, &key);
	if (!w.peer)
		return -ENOMEM;
	wire_tally(&w, WIRE_COUNT_MESSAGES, 1);
	return protocols[i].decode(&w, message, length);
}
