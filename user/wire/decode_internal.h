/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the decoder's files share. */
#ifndef WIRE_DECODE_INTERNAL_H
#define WIRE_DECODE_INTERNAL_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "wire/decode.h"
#include "wire/field.h"

#define BATCH_FLOWS 32 /* 10 KiB: they stay in the first-level cache */
#define SEQUENCES 8    /* ports of a domain whose numbers are followed */
#define V9_SCOPE_MAX 5 /* RFC 3954, 6.1: up to here scopes are numbered by themselves */
#define V9_SCOPE_INTERFACE 2
#define V9_SCOPE_LINE_CARD 3
#define V9_SCOPE_CACHE 4
#define V9_SCOPE_TEMPLATE 5

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
	OP_UPTIME_TOLD, /* its low 32 bits, where a boot time is known; else nothing is written */
	OP_BOOT,
	OP_SECONDS_ANY,
	OP_MS_ANY,
	OP_DURATION_MS,
	OP_DURATION_US,
	OP_ICMP_TYPE,
	OP_ICMP_CODE,
	OP_LABEL,
	OP_STRING,
	OP_ASIDE,      /* a number into `room` bytes of struct aside */
	OP_ASIDE_REAL, /* a float64 there */
	OP_FAMILY,     /* becomes `room` */
	OP_COUNTED,    /* becomes `room` */
	OP_SKIP_ZERO,  /* when the value is zero, the next `room` operations are skipped */
	OP_SKIP_TOLD,  /* when `to` is not zero, the next `room` operations are skipped */
	OP_VARIABLE,   /* ends a run of fixed fields: a value of variable length, not wanted ... */
	OP_VARIABLE_STRING, /* ... or wanted */
};

struct op {
	__u8 code, bytes;
	__u16 from, to;
	__u16 room; /* OP_VARIABLE...: bytes of the fixed fields up to the next one */
};

/* What is left to do when a record's operations are done. */
#define POST_TIMES (1 << 0)         /* start and end are looked at, whether they can be */
#define POST_REVERSE_TIMES (1 << 1) /* and the reverse direction's */
#define POST_DURATION (1 << 2)      /* a time is computed from the other and a duration */
#define POST_ICMP (1 << 3)          /* type and code came as destination port */
#define POST_LABELS (1 << 4)        /* labels are to be counted */
#define POST_LINK_HEADER (1 << 5)   /* bytes have link headers of a known length in them */
#define POST_SAMPLING (1 << 6)      /* all flows of the set have the same rate, or none */
#define POST_RATE (1 << 7)          /* each flow has its own */
#define POST_SCALE (1 << 8)
#define POST_NO_ICMP (1 << 10) /* type and code are of ICMP only, whatever the record has there */
#define POST_FAMILY (1 << 9)   /* the template has addresses of both families */

/* Elements that give a sampling rate; 0: absent. */
struct rate_words {
	__u32 interval, random_interval; /* 34, 50: one of so many */
	__u32 packets, space;            /* 305, 306: so many are taken, then so many are not */
	__u32 size, population;          /* 309, 310: so many of so many */
	__u32 algorithm;                 /* 304 */
	bool space_told;                 /* 0 is a space as well */
	double probability;              /* 311 */
};

/* What a flow record tells beside the flow. */
struct aside {
	__u64 sampler;
	__u32 line_card, link_header;
	struct rate_words rate;
};

/* What is known of a flow's sampling by its template. */
#define NAMES_SAMPLER (1 << 0)
#define NAMES_LINE_CARD (1 << 1)
#define TELLS_RATE (1 << 2)
#define TELLS_SPACE (1 << 3)

enum duration_gives {
	DURATION_NONE,
	DURATION_GIVES_START,
	DURATION_GIVES_END,
};

struct template
{
	__u16 id;
	__u16 min_bytes; /* of a record */
	__u16 field_count;
	__u16 post;
	__u8 family; /* of flows; 0 unknown */
	bool options, wipe /* operations do not always overwrite what the last record left */;
	bool flow;        /* its records have a key or counters; else they are something else */
	bool uptime;      /* times count from a boot time, which ... */
	bool boot;        /* ... each record tells */
	__u8 sampling;    /* NAMES_..., TELLS_... */
	__u8 duration[2]; /* enum duration_gives, of each direction */
	__u32 serial;     /* differs between all templates that a decoder compiled */
	__u64 known;
	__u64 told_ns;
	size_t bytes; /* of this allocation */
	struct wire_template_field *field;
	struct op op[];
};

/* Numbers that one port of an exporter counts. */
struct sequence {
	__u32 next;
	__u16 port;
	bool known;
};

struct rate {
	__u64 id, told_ns;
	__u32 rate;
	__u32 scope; /* enum wire_rate_scope */
};

/* The rates of a domain, by rising scope and id (decode_rate.c). */
struct rates {
	struct rate *rate;
	unsigned int count, room;
	unsigned int of[WIRE_RATE_SCOPE_MAX]; /* how many of each scope */
	__u32 agreed;                         /* what all of them say; 0: not the same */
	bool changed;                         /* since `agreed` was looked for */
};

struct domain {
	struct domain *next;
	struct flow_origin origin; /* which one it is, and of its last message the time */
	__u64 heard_ns;
	struct sequence sequence[SEQUENCES];
	unsigned int sequences; /* that were ever begun: the next one takes the oldest's place */
	struct template **template; /* by rising id */
	unsigned int templates, room;
	__u64 boot_ms; /* from options; 0: unknown */
	struct rates rates;
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

/* v9's header tells the uptime; IPFIX's boot time is in options data, which may come behind it. */
static inline void wire_boot(const struct domain *domain, struct frame *frame)
{
	if (domain->origin.protocol != WIRE_IPFIX)
		return;
	frame->has_uptime = domain->boot_ms;
	frame->uptime_ms = frame->export_ns / NS_PER_MS - domain->boot_ms;
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
	unsigned int domains, templates, rates;
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
	__u16 prepared_post;
	struct flow_record batch[BATCH_FLOWS];
};

/* A message at work. */
struct work {
	struct aside aside;        /* of the record in work */
	const struct rates *rates; /* that hold for the set in work; NULL: none */
	__u32 rate;                /* of flows in it that name nothing else */
	__u16 port;                /* that it came from */
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
/* Room for one more than `count` in an array of elements of `bytes`, which belongs to the peer at work
 * and has room for `*room`: the array, perhaps moved. NULL: no memory, all is as it was. */
void *wire_grow(const struct work *w, void *array, unsigned int count, unsigned int *room,
		size_t bytes);
/* NULL: no memory. */
struct peer *wire_peer_of(struct wire_decoder *d, const struct wire_peer *key);
void wire_peer_free(struct wire_decoder *d, struct peer *p);
/* NULL: the peer has too many, or no memory; counted. */
struct domain *wire_domain_of(struct work *w, enum wire_protocol protocol, __u32 id);
void wire_hold(struct work *w, __u16 set_id, const __u8 *data, size_t length);
/* Decodes what waited for this template. */
void wire_unhold(struct work *w, const struct template *t);
/* NULL: the peer never said anything in it. */
struct domain *wire_domain_find(struct peer *p, enum wire_protocol protocol, __u32 id);
/* The message began with number `sequence`, and had `step` of what is numbered. */
void wire_sequence(struct work *w, __u32 sequence, __u32 step, enum wire_count lost);

/* decode_template.c. A set of templates, or of options templates. */
void wire_read_templates(struct work *w, const __u8 *at, const __u8 *end, bool options);
struct template *wire_template_of(struct work *w, __u16 id);
void wire_template_drop(struct wire_decoder *d, struct peer *p, struct domain *domain,
			unsigned int at);

/* decode_compile.c. How many operations at most become of `fields` fields. */
#define WIRE_OPS(fields) (4 * (fields) + 2)
/* Fills all of *t but id, told_ns, serial, bytes. */
void wire_compile(struct work *w, struct template *t);

/* Who made the records in work. */
const struct flow_origin *wire_origin(const struct work *w);

/* decode_rate.c. One of how many packets; 0: unknown. */
__u32 wire_rate_of(const struct rate_words *words);
void wire_rate_tell(struct work *w, struct rates *r, enum wire_rate_scope scope, __u64 id,
		    __u32 rate);
/* Makes ready for a set of this template; returns POST_SAMPLING, POST_RATE, or 0. */
unsigned int wire_rate_post(struct work *w, const struct template *t);
/* Of a flow of that set. */
__u32 wire_rate_find(const struct work *w, const struct template *t, const struct flow_record *f);
void wire_rates_free(struct wire_decoder *d, struct peer *p, struct rates *r);
void wire_rates_expire(struct wire_decoder *d, struct peer *p, struct rates *r, __u64 now_ns);

/* decode_flow.c, decode_options.c. The data records of a set. */
void wire_read_flows(struct work *w, const struct template *t, const __u8 *at, const __u8 *end);
void wire_read_options(struct work *w, const struct template *t, const __u8 *at, const __u8 *end);
void wire_read_data(struct work *w, const struct template *t, const __u8 *at, const __u8 *end);
/* The slot of the next flow: what is in it was written by the template of that serial, or is 0. */
struct flow_record *wire_flow_slot(struct wire_decoder *d, __u32 serial, bool wipe);
/* Times that are 0 are unknown; what cannot be is mended and counted. */
void wire_mend_times(struct work *w, struct flow_record *f, struct flow_traffic *t,
		     unsigned int reverse);

/* Is one 0, or beyond what is a time, or the start after the end? */
static __always_inline bool wire_times_odd(const struct flow_traffic *t)
{
	return t->start_ns - 1 >= t->end_ns || t->end_ns >> 63;
}

/* Hands on what is in the batch. */
void wire_flush(struct work *w);
void wire_scale(struct flow_record *f);

/* decode_v5.c */
int wire_decode_v5(struct work *w, const __u8 *message, size_t length);

#endif
