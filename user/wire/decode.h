/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading NetFlow v5, NetFlow v9 (RFC 3954) and IPFIX (RFC 7011) from any exporter.
 *
 *   d = wire_decoder_new(&options, &sink)
 *   wire_decode(d, &peer, datagram, length, now)       → sink.flow.flows(...), sink.option(...)
 *   wire_decoder_expire(d, now)                        every few seconds
 *   wire_decoder_close(d, &peer)                       when a stream ends
 *
 *   decoder ─→ peers, the latest heard last ─→ domains ─→ templates
 *                         └─→ data that wait for their template
 *
 * A peer is an exporter's address, with its port or its stream where those tell exporters apart;
 * a domain is a protocol and an observation domain (v9: source id, v5: engine). Each has templates,
 * sequence numbers and sampling rates of its own. Everything has a bound: over the bound on peers or on
 * memory, the peer that has been silent longest is forgotten; over the other bounds the newcomer is
 * refused and counted.
 *
 * Pure: no sockets, and the clock is passed in.
 */
#ifndef WIRE_DECODE_H
#define WIRE_DECODE_H

#include "wire/encode.h"

struct wire_peer {
	__u8 address[16]; /* IPv4 in the first four bytes, the others zero */
	__u16 port;       /* 0 where an exporter may send from several */
	__u8 family;      /* 4 or 6 */
	__u8 pad;         /* zero */
	__u32 session;    /* number of a TCP or TLS stream; 0: datagrams */
};

struct wire_decoder_options {
	bool scale; /* packets and bytes are multiplied by the sampling rate, where it is known */
	/* Datagrams of one address are one peer's, from whatever port: for exporters that send
	 * templates and data from different ones. Two exporters behind one address (NAT) would then
	 * be taken for one, and data be read with the other's templates: do not set it there. */
	bool any_port;
	__u64 template_lifetime_ns; /* of templates that came by datagram and were not repeated */
	__u64 rate_lifetime_ns;     /* of sampling rates, alike */
	__u64 held_lifetime_ns;     /* how long data wait for their template */
	size_t max_bytes;           /* of all that is remembered */
	size_t max_held_bytes;      /* per peer; a set that waits counts as 1 KiB at least */
	unsigned int max_peers;
	unsigned int max_domains;   /* per peer */
	unsigned int max_templates; /* per peer */
	unsigned int max_rates;     /* of sampling, per peer */
	unsigned int max_fields;    /* per template */
};

/* 30 minutes, a day, one minute, 256 MiB, 256 KiB, 4096, 64, 1024, 4096, 256; no scaling, and ports
 * tell peers apart. */
extern const struct wire_decoder_options wire_decoder_defaults;

/*
 * What was met. X(id, name, kind, text). Kinds: COUNT what came, LOST what did not or was given up,
 * BAD what a message had wrong: it was skipped, and the rest was read.
 */
#define WIRE_COUNTS(X)                                                                             \
	X(MESSAGES, messages, COUNT, "messages")                                                   \
	X(FLOWS, flows, COUNT, "flow records")                                                     \
	X(OTHER_RECORDS, other_records, COUNT, "data records that say nothing about a flow")       \
	X(OPTIONS, options, COUNT, "options records")                                              \
	X(OTHER_OPTIONS, other_options, COUNT, "options records without a known element")          \
	X(TEMPLATES, templates, COUNT, "templates, new or changed")                                \
	X(REFRESHED, refreshed, COUNT, "templates repeated unchanged")                             \
	X(REDEFINED, redefined, COUNT, "templates changed")                                        \
	X(WITHDRAWN, withdrawn, COUNT, "templates withdrawn")                                      \
	X(HELD, held, COUNT, "data sets that waited for their template")                           \
	X(RESTARTS, restarts, COUNT, "sequence numbers that started over")                         \
	X(LATE, late, COUNT, "messages out of order")                                              \
	X(LOST_RECORDS, lost_records, LOST, "records missing in the sequence of IPFIX or v5")      \
	X(LOST_MESSAGES, lost_messages, LOST, "messages missing in the sequence of v9")            \
	X(NO_TEMPLATE, no_template, LOST, "data sets dropped: their template never came")          \
	X(EXPIRED, expired, LOST, "templates not repeated within their lifetime")                  \
	X(EXPIRED_RATES, expired_rates, LOST, "sampling rates not repeated within their lifetime") \
	X(FORGOTTEN, forgotten, LOST, "peers forgotten for newer ones")                            \
	X(NO_BOOT, no_boot, LOST, "data sets whose times count from an unknown boot time")         \
	X(VERSION, bad_version, BAD, "messages of a version other than 5, 9 and 10")               \
	X(SHORT, bad_short, BAD, "messages that end within their header")                          \
	X(LENGTH, bad_length, BAD, "messages that are not as long as they say")                    \
	X(COUNT, bad_count, BAD, "v5 messages with fewer records than they say")                   \
	X(SET_LENGTH, bad_set_length, BAD, "sets of an impossible length")                         \
	X(SET_ID, bad_set_id, BAD, "sets of a reserved id")                                        \
	X(TEMPLATE, bad_template, BAD, "templates cut short, empty or with a reserved id")         \
	X(SCOPE, bad_scope, BAD, "options templates whose scopes contradict their fields")         \
	X(FIELDS, bad_fields, BAD, "templates of too many fields")                                 \
	X(FLOOD, bad_flood, BAD, "templates, domains and rates refused: the peer has too many")    \
	X(WITHDRAWAL, bad_withdrawal, BAD, "withdrawals by datagram or of unknown templates")      \
	X(FIELD_LENGTH, bad_field_length, BAD,                                                     \
	  "template fields of a length their type cannot have")                                    \
	X(RECORD, bad_record, BAD, "records that end beyond their set")                            \
	X(ORDER, bad_order, BAD, "flows whose end is before their start: the times are exchanged") \
	X(TIME, bad_time, BAD, "impossible times, taken as unknown")

enum wire_count_kind {
	WIRE_KIND_OF_COUNT,
	WIRE_KIND_OF_LOST,
	WIRE_KIND_OF_BAD,
};

enum wire_count {
#define X(id, name, kind, text) WIRE_COUNT_##id,
	WIRE_COUNTS(X)
#undef X
	WIRE_COUNT_MAX,
};

struct wire_counts {
	__u64 count[WIRE_COUNT_MAX];
};

struct wire_count_name {
	const char *name, *text;
	enum wire_count_kind kind;
};
extern const struct wire_count_name wire_count_names[WIRE_COUNT_MAX];

enum wire_option_kind {
	WIRE_OPTION_INTERFACE,
	WIRE_OPTION_SAMPLING,
	WIRE_OPTION_STATISTICS,
	WIRE_OPTION_DISTINCT,
	WIRE_OPTION_TYPE,
};

#define WIRE_ABOUT_BYTES 256

/* What a sampling rate holds for. X(id, name) */
#define WIRE_RATE_SCOPES(X)                                                                        \
	X(DOMAIN, domain)       /* all that has no other; in domain 0, for the exporter */         \
	X(SAMPLER, sampler)     /* flows that name this selectorId or samplerId */                 \
	X(INTERFACE, interface) /* what came in there, or left there if the flow is egress */      \
	X(EGRESS, egress)       /* what left there */                                              \
	X(LINE_CARD, line_card)                                                                    \
	X(TEMPLATE, template)                                                                      \
	X(PART, part) /* of the exporter, which flows do not name: a cache, a port ... */

enum wire_rate_scope {
#define X(id, name) WIRE_RATE_##id,
	WIRE_RATE_SCOPES(X)
#undef X
	WIRE_RATE_SCOPE_MAX,
};

/* What options data said; texts are cut where they are longer, and end with 0. */
struct wire_option {
	enum wire_option_kind kind;
	union {
		struct {
			__u32 ifindex;
			char name[WIRE_NAME_BYTES], about[WIRE_ABOUT_BYTES];
		} interface;
		struct {
			enum wire_rate_scope scope;
			__u64 id;   /* which sampler, interface ...; 0 of a domain */
			__u32 rate; /* one of how many packets, rounded */
		} sampling;
		struct wire_statistics statistics; /* what was not said is 0 */
		struct wire_distinct distinct;     /* here too */
		struct {
			__u32 pen;
			__u16 number, units;
			__u8 type, semantics; /* codes of RFC 5610 */
			char name[WIRE_NAME_BYTES], about[WIRE_ABOUT_BYTES];
		} type;
	};
};

/* Called from wire_decode(); what is passed is valid until they return. */
struct wire_sink {
	struct flow_sink flow; /* gets flows of one data set, or a part of them; no turns */
	void *context;
	/* NULL: nobody wants them. */
	void (*option)(void *context, const struct flow_origin *origin,
		       const struct wire_option *option);
};

struct wire_decoder;

/* Both are copied. NULL: no memory. */
struct wire_decoder *wire_decoder_new(const struct wire_decoder_options *options,
				      const struct wire_sink *sink);
void wire_decoder_free(struct wire_decoder *d);

/*
 * One message: a datagram, or wire_stream_length() bytes of a stream. now_ns: any clock that the
 * lifetimes count on. Returns 0 when it was read, what it had wrong is counted; -EBADMSG when
 * nothing could be made of it, which is counted too; -ENOMEM when its peer cannot be remembered.
 */
int wire_decode(struct wire_decoder *d, const struct wire_peer *peer, const void *message,
		size_t length, __u64 now_ns);

#define WIRE_STREAM_HEAD_BYTES 4
/* How long the IPFIX message is that begins with these bytes; 0: none begins here. */
size_t wire_stream_length(const __u8 head[WIRE_STREAM_HEAD_BYTES]);

/* Drops templates and waiting data that are too old, and domains that were silent for as long as a
 * template lives. */
void wire_decoder_expire(struct wire_decoder *d, __u64 now_ns);
/* Forgets a peer and all that it said. */
void wire_decoder_close(struct wire_decoder *d, const struct wire_peer *peer);

const struct wire_counts *wire_decoder_counts(const struct wire_decoder *d);
/* Each peer, the one silent longest first. Nothing may be decoded meanwhile. */
void wire_decoder_peers(const struct wire_decoder *d,
			void (*each)(void *context, const struct wire_peer *peer,
				     const struct wire_counts *counts),
			void *context);
/* Memory of all that is remembered, never above options.max_bytes. */
size_t wire_decoder_bytes(const struct wire_decoder *d);

#endif
