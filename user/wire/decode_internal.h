/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the decoder's files share. */
#ifndef WIRE_DECODE_INTERNAL_H
#define WIRE_DECODE_INTERNAL_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "wire/decode.h"
#include "wire/field.h"

#define BATCH_FLOWS 32 /* 10 KiB: they stay in the first-level cache */
#define SAMPLERS 32    /* per domain; another one takes the place of the oldest */
#define V9_SCOPE_MAX 5 /* RFC 3954, 6.1: up to here scopes are numbered by themselves */
#define V9_SCOPE_INTERFACE 2

/*
 * A template is compiled to operations, one for each field that is wanted. `from` counts from the
 * record's start, or from the end of the last value of variable length before it.
 */
enum op_code {
	OP_END,
	OP_U8,
	OP_U16,
	OP_U32,
	OP_U64,
	OP_UINT, /* any length, into `room` bytes; what is too large becomes the largest */
	OP_FLAGS,
	OP_ADDR4,
	OP_ADDR6,
	OP_SECONDS,
	OP_MS,
	OP_NTP_US,
	OP_NTP_NS,
	OP_BEFORE_US,
	OP_UPTIME,
	OP_BOOT,
	OP_ICMP_TYPE,
	OP_ICMP_CODE,
	OP_LABEL,
	OP_STRING,
	OP_SAMPLER,
	OP_FAMILY,    /* becomes `room` */
	OP_SKIP_TOLD, /* when `to` is not zero, the next `room` operations are skipped */
	OP_VARIABLE,  /* ends a run of fixed fields: a value of variable length, not wanted ... */
	OP_VARIABLE_STRING, /* ... or wanted */
};

struct op {
	__u8 code, bytes;
	__u16 from, to;
	__u16 room; /* OP_VARIABLE...: bytes of the fixed fields up to the next one */
};

/* What is left to do when a record's operations are done. */
#define POST_NO_BOOT (1 << 0)  /* times count from nothing that is known */
#define POST_ICMP (1 << 1)     /* type and code came as destination port */
#define POST_LABELS (1 << 2)   /* labels are to be counted */
#define POST_SAMPLING (1 << 3) /* where the record tells none, the domain's holds */
#define POST_SCALE (1 << 4)
#define POST_FAMILY (1 << 5) /* the template has addresses of both families */

struct template
{
	__u16 id;
	__u16 min_bytes; /* of a record */
	__u16 field_count;
	__u8 family; /* of flows; 0 unknown */
	__u8 post;
	bool options, wipe /* operations do not always overwrite what the last record left */;
	bool uptime;  /* times count from a boot time, which ... */
	bool boot;    /* ... each record tells */
	__u32 serial; /* differs between all templates that a decoder compiled */
	__u64 known;
	__u64 told_ns;
	size_t bytes; /* of this allocation */
	struct wire_template_field *field;
	struct op op[];
};

struct sequence {
	__u32 next;
	bool known;
};

struct sampler {
	__u64 id;
	__u32 rate;
};

struct domain {
	struct domain *next;
	struct flow_origin origin; /* which one it is, and of its last message the time */
	__u64 heard_ns;
	struct sequence sequence;
	struct template **template; /* by rising id */
	unsigned int templates, room;
	__u64 boot_ms; /* from options; 0: unknown */
	__u32 rate;    /* of sampling, for flows that name no sampler */
	unsigned int samplers, oldest;
	struct sampler sampler[SAMPLERS];
};

/* What a message's header says for the records in it. */
struct frame {
	__u64 export_ns;
	__u32 uptime_ms;
	bool has_uptime;
};

/*
 * Unix time of a moment that came as milliseconds of uptime. They go round in 49 days: it is
 * the latest moment with these 32 bits that is not more than a day after the export, for clocks of
 * line cards differ.
 */
static __always_inline __u64 wire_uptime_ns(const struct frame *frame, __u32 uptime_ms, __u32 ms)
{
	const __u32 ahead_max_ms = 86400000;
	__u32 ahead_ms = ms - uptime_ms;
	__s64 since_export_ms = ahead_ms <= ahead_max_ms ? ahead_ms : (__s64)ahead_ms - (1ll << 32);

	return frame->export_ns + since_export_ms * (__s64)NS_PER_MS;
}

/* A data set that waits for its template. */
struct held {
	struct held *next;
	struct domain *domain;
	struct frame frame;
	__u64 since_ns;
	__u16 set_id, length;
	__u8 data[];
};

struct peer {
	struct wire_peer key;
	struct domain *domain;
	unsigned int domains, templates;
	struct held *held, **held_end;
	size_t held_bytes;
	struct wire_counts counts;
	UT_hash_handle hh;
};

struct wire_decoder {
	struct wire_decoder_options options;
	struct wire_sink sink;
	struct peer *peers; /* in the order they were heard in */
	struct wire_counts counts;
	size_t bytes;
	__u32 serial;

	/* Flows that were read and not handed on yet. The slots below `prepared` hold nothing but
	 * what template `prepared_for` overwrites, and zeroes. */
	unsigned int flows, prepared;
	__u32 prepared_for;
	struct flow_record batch[BATCH_FLOWS];
};

/* A message at work. */
struct work {
	struct wire_decoder *d;
	struct peer *peer; /* NULL: none that is known */
	struct domain *domain;
	struct frame frame;
	__u64 now_ns;
	__u32 records;      /* data records met */
	bool records_known; /* no data set was without template */
};

static inline void wire_tally(struct work *w, enum wire_count what, __u64 by)
{
	w->d->counts.count[what] += by;
	if (w->peer)
		w->peer->counts.count[what] += by;
}

/* decode_peer.c. When memory is short, of the peers but `keep` the one silent longest is forgotten. */
void *wire_alloc(struct wire_decoder *d, size_t bytes, const struct peer *keep);
void wire_release(struct wire_decoder *d, void *memory, size_t bytes);
/* NULL: no memory. */
struct peer *wire_peer_of(struct wire_decoder *d, const struct wire_peer *key);
void wire_peer_free(struct wire_decoder *d, struct peer *p);
/* NULL: the peer has too many, or no memory; counted. */
struct domain *wire_domain_of(struct work *w, enum wire_protocol protocol, __u32 id);
void wire_hold(struct work *w, __u16 set_id, const __u8 *data, size_t length);
/* Decodes what waited for this template. */
void wire_unhold(struct work *w, const struct template *t);
/* The message began with number `sequence`, and had `step` of what is numbered. */
void wire_sequence(struct work *w, __u32 sequence, __u32 step, enum wire_count lost);

/* decode_template.c. A set of templates, or of options templates. */
void wire_read_templates(struct work *w, const __u8 *at, const __u8 *end, bool options);
struct template *wire_template_of(struct work *w, __u16 id);
void wire_template_drop(struct wire_decoder *d, struct peer *p, struct domain *domain,
			unsigned int at);

/* decode_compile.c. How many operations at most become of `fields` fields. */
#define WIRE_OPS(fields) (4 * (fields) + 1)
/* Fills all of *t but id, told_ns, serial, bytes. */
void wire_compile(struct work *w, struct template *t);

/* Who made the records in work. */
const struct flow_origin *wire_origin(const struct work *w);

/* decode_flow.c, decode_options.c. The data records of a set. */
void wire_read_flows(struct work *w, const struct template *t, const __u8 *at, const __u8 *end);
void wire_read_options(struct work *w, const struct template *t, const __u8 *at, const __u8 *end);
void wire_read_data(struct work *w, const struct template *t, const __u8 *at, const __u8 *end);
/* The slot of the next flow: what is in it was written by the template of that serial, or is 0. */
struct flow_record *wire_flow_slot(struct wire_decoder *d, __u32 serial, bool wipe);
/* Hands on what is in the batch. */
void wire_flush(struct work *w);
void wire_scale(struct flow_record *f);

/* decode_v5.c */
int wire_decode_v5(struct work *w, const __u8 *message, size_t length);

#endif
