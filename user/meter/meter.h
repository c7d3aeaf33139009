/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All that touches libbpf. A meter is the loaded kernel side: its maps and its
 * programs, by file descriptor.
 *
 *   live    pinned under WEIR_PIN_DIR; an agent that starts adopts what is there
 *           or loads and pins it; the programs stay when the agent goes
 *   peek    the same pins, opened to look (weir show)
 *   replay  loaded with the packet's clock, pinned nowhere, gone with the process
 *
 * Functions return 0 or a negative errno. Those that take a struct why put one
 * line there that says what failed and why; none prints.
 */
#ifndef METER_METER_H
#define METER_METER_H

#include <pthread.h>

#include "base/why.h"
#include "meter/policy.h"
#include "net/sockets.h"
#include "sketch/countdown.h"
#include "weir/counters.h"
#include "weir/flow.h"
#include "weir/meter.h"
#include "weir/query.h"
#include "weir/window.h"

#define WEIR_PIN_DIR "/sys/fs/bpf/weir"

enum meter_map {
	MAP_FLOWS,
	MAP_BOOKS,
	MAP_WINDOWS,
	MAP_TABLES,
	MAP_DEVICES,
	MAP_FRAGMENTS,
	MAP_RING,
	MAP_LABELS,
	MAP_INTERFACES,
	MAP_VECTORS,
	MAP_OWN,
	MAP_CONSTANTS,
	MAP_CONTROL,
	MAP_MAX,
};

enum meter_prog {
	PROG_XDP,
	PROG_TC_IN,
	PROG_TC_OUT,
	PROG_L3_IN,
	PROG_L3_OUT,
	PROG_MAX,
};

struct meter_options {
	__u32 flow_size;  /* flows in the cache, all CPUs together */
	__u32 ring_bytes; /* power of two; 0: 16 MiB */
	bool replay;      /* the cache is not shared out over CPUs: feed it from one thread */
	bool same;        /* hash flows and distinct counts with the same seeds each time */
	bool no_frags;    /* as on a kernel before 5.18 */
};

/* What takes an incarnation from the ring; non-zero stops and is returned. */
typedef int (*meter_event_fn)(void *ctx, const struct weir_event *event);

struct meter_ring {
	__u64 *consumer;
	const __u64 *producer;
	const __u8 *data;
	__u32 bytes; /* a power of two */
	int wake;    /* epoll, edge-triggered */
};

struct meter {
	int map[MAP_MAX];
	int prog[PROG_MAX];         /* -1 in a peek */
	__u32 verified[PROG_MAX];   /* instructions the verifier went through; 0: adopted */
	bool adopted;               /* the pins were there already */
	bool pinned;                /* what it makes is pinned */
	bool frags;                 /* weir_xdp was loaded to take multi-buffer frames */
	int cpus;                   /* possible CPUs */
	int parts;                  /* that the flow cache is shared out to: CPUs, in replay 1 */
	__u32 sets;                 /* of the flow cache, all parts together */
	struct weir_set *set;       /* map flows, mapped read-only */
	struct weir_tables *tables; /* map tables, both halves; read-only in a peek */
	struct weir_control *control;
	struct meter_ring ring;        /* not mapped in a peek */
	const struct weir_line **slab; /* by place in map vectors; NULL: not mapped yet */
	struct weir_bpf *skeleton;     /* of what this process loaded */
};

/*
 * probe.c. What weir asks the running kernel for, by one table: what it does with it, and what
 * without. The version it came with is for people to read; nothing is decided by it.
 */
enum meter_feature_id {
	FEATURE_RING,
	FEATURE_XDP_LINK,
	FEATURE_MEMORY,
	FEATURE_FRAGS,
	FEATURE_TCX,
	FEATURE_VLAN,
	FEATURE_JIT,
	METER_FEATURES,
};

struct meter_feature {
	const char *key; /* in JSON */
	const char *name;
	const char *since; /* Linux; NULL: it is no matter of age */
	const char *with, *without;
	bool said; /* when it is missing, at the start of weir run */
};
extern const struct meter_feature meter_features[METER_FEATURES];

enum meter_given {
	METER_UNTOLD, /* we may not ask */
	METER_LACKS,
	METER_GIVES
};

#define METER_INSNS_MAX 1000000 /* a program, for the verifier: BPF_COMPLEXITY_LIMIT_INSNS, 5.2 */

struct meter_kernel {
	char release[65];
	enum meter_given given[METER_FEATURES];
	bool unused[METER_FEATURES]; /* by the programs loaded, whatever is given now */
	bool no_btf;                 /* none of its functions can be called */
	__u32 verified[PROG_MAX];    /* instructions the verifier went through; 0: not known */
};

/* Attaches nothing. `m`, which may be a peek, says what was chosen when it was loaded; NULL: nothing
 * is loaded. */
void meter_probe(const struct meter *m, struct meter_kernel *out);
extern const char *const meter_prog_names[PROG_MAX];

/* load.c */
int meter_load(const struct meter_options *options, struct meter *out, struct why *why);
int meter_start(const struct meter_options *options, struct meter *out, struct why *why);
int meter_peek(struct meter *out, struct why *why); /* -ENOENT: nothing is pinned */
void meter_close(struct meter *m); /* of a live meter: programs, links and maps stay */
int meter_unpin(struct why *why);  /* removes the pins of maps and programs */

/* The tables that are in force. */
static inline const struct weir_tables *meter_tables(const struct meter *m)
{
	return &m->tables[__atomic_load_n(&m->control->generation, __ATOMIC_ACQUIRE) & 1];
}

/* tables.c. `tables` complete but for its generation. Waits until no program uses the old. */
int meter_set_tables(struct meter *m, const struct weir_tables *tables);
/* Clears a query's window before it is given to another query; names it ("" frees it). */
int meter_set_label(struct meter *m, __u32 query, const struct weir_label *label);
int meter_label(const struct meter *m, __u32 query, struct weir_label *out);
int meter_clear_window(struct meter *m, __u32 query);

/* books.c: an account of map books, summed over CPUs; WEIR_INTERFACES: all accounts. */
int meter_books(const struct meter *m, __u32 account, struct weir_books *out);
int meter_interface(const struct meter *m, __u32 account, struct weir_interface *out);

/* Since the maps were made, all interfaces together. Without scanning the cache. */
struct meter_totals {
	__u64 start_ns; /* Unix time */
	struct weir_count seen, named, overflow;
};
int meter_totals(const struct meter *m, struct meter_totals *out);
/* A number that no other meter has had since the machine was started, nor, likely, before. */
__u64 meter_identity(const struct meter *m);

/* The law of conservation, checked (include/weir/counters.h). `low` and `high` bracket
 * what is accounted for: with traffic running, counters move while they are read. */
struct meter_balance {
	struct weir_count seen_before, seen_after;
	struct weir_count low, high;
	struct weir_count resident; /* in flows of the cache now */
	struct weir_books books;    /* at the end */
	__u64 flows;                /* resident incarnations */
	bool quiet;                 /* nothing moved meanwhile: the sum is exact */
	bool holds;
};
int meter_balance(const struct meter *m, struct meter_balance *out);

/* read.c */
/* What a rate is asked over: so many complete seconds before now, of a query that has counted since
 * then. 0: as long as need be. */
struct meter_span {
	__u32 window_s; /* WEIR_WINDOW_MAX at most */
	__u64 since_ns; /* same clock as the kernel's */
};

struct meter_rate {
	struct weir_count last;   /* the last complete second */
	struct weir_count window; /* sum over what was counted of the window: */
	__u64 covered_ns;         /* so much; 0: there is no rate */
	bool whole;               /* so was the last complete second; else there is none of it */
};
/* Sums the window of one query, `window_s` complete seconds before `now_ns` (same clock as the
 * kernel's; in replay the capture's). */
int meter_rate(const struct meter *m, __u32 query, __u64 now_ns, __u32 window_s,
	       struct meter_rate *out);
/* All queries in one pass over the map: rates[WEIR_QUERIES], spans[WEIR_QUERIES]. */
int meter_rates(const struct meter *m, __u64 now_ns, const struct meter_span *spans,
		struct meter_rate *rates);
/* Second by second: query[q][i] is of the i-th of WEIR_WINDOW_MAX complete seconds before now, the
 * oldest first; rest[q] of the second that is not complete. Also in one pass. */
struct meter_series {
	__u64 now_ns;
	bool ended; /* by the caller: nothing comes after now_ns, a capture has come to its end */
	struct weir_count query[WEIR_QUERIES][WEIR_WINDOW_MAX];
	struct weir_count rest[WEIR_QUERIES];
};
int meter_series(const struct meter *m, __u64 now_ns, struct meter_series *out);
/*
 * rates.c. The result of meter_rates() at that time, over complete seconds. If a series has ended before
 * the window was full, all of it counts, from `since_ns` to now_ns.
 */
void meter_series_rates(const struct meter_series *series, const struct meter_span *spans,
			struct meter_rate *rates);
__u64 meter_now(void); /* CLOCK_BOOTTIME, the live programs' clock */

/*
 * slabs.c. Countdown Vectors, weir_tables.vector[query][enum weir_distinct].
 *
 * meter_make_vectors(): empty slabs for the vectors of `tables`, not set yet, whose `first` is
 * METER_UNMADE: it is set. -ENOSPC: there is no room for all of them beside those of the running
 * tables. None is made on failure.
 * meter_drop_slabs(): frees those that the running tables do not have.
 * meter_distinct(): keys in the `window_ns` before now_ns, those left out that came before since_ns,
 * if the vector is older by more than a second. -ENOENT: the query has no such vector;
 * -EINVAL: the window is longer than what the vector was made for; -EAGAIN: another process keeps
 * changing the tables; -ESTALE: a slab's pin is not there.
 */
#define METER_UNMADE (~0u)

struct meter_distinct {
	struct countdown_estimate keys;
	__u64 covered_ns; /* less than the window where the vector is younger, or since_ns is */
	__u32 slabs;      /* on each CPU */
	__u64 bytes;      /* of memory, all CPUs */
};
int meter_make_vectors(struct meter *m, struct weir_tables *tables);
int meter_drop_slabs(struct meter *m);
int meter_distinct(const struct meter *m, __u32 query, enum weir_distinct distinct, __u64 now_ns,
		   __u64 since_ns, __u64 window_ns, struct meter_distinct *out);
/* What a vector of so many slabs takes, all CPUs together. */
__u64 meter_vector_bytes(const struct meter *m, __u32 slabs);

/* Calls fn for each resident incarnation, copied whole (never torn). fn's non-zero return stops
 * and is returned. `pair` is meaningful for IPv6 flows. */
typedef int (*meter_flow_fn)(void *ctx, __u32 slot, const struct weir_flow *flow,
			     const struct weir_pair6 *pair);
int meter_each_flow(const struct meter *m, meter_flow_fn fn, void *ctx);

/* Incarnations in the cache, and those of them that are not over by now. */
struct meter_census {
	__u64 resident, live;
};
struct meter_census meter_census(const struct meter *m, const struct weir_timeouts *timeouts);

/*
 * ring.c. Positions count bytes since the ring was made. One process only may read at a time; the
 * caller sees to that.
 */
__u64 meter_ring_position(const struct meter *m); /* up to which the kernel may write over */
__u64 meter_ring_end(const struct meter *m);      /* up to which it has written */
/* Calls fn for up to `limit` events from *position on, which moves on beyond each, also beyond the
 * one that fn refused. Returns how many, or a negative errno. */
int meter_ring_take(const struct meter *m, __u64 *position, int limit, meter_event_fn fn,
		    void *ctx);
void meter_ring_release(struct meter *m, __u64 position);
/* Takes and releases all there is. */
int meter_ring_drain(struct meter *m, meter_event_fn fn, void *ctx);
int meter_ring_fd(const struct meter *m); /* readable when the ring asks to be emptied */

/* feed.c: one frame through weir_xdp (Ethernet). `bytes` as captured, `wire_bytes` as
 * sent. */
int meter_feed(struct meter *m, __u64 now_ns, const void *frame, __u32 bytes, __u32 wire_bytes);

/* bound.c: weir_xdp for one interface alone, which reads the VLAN tags that the device takes off.
 * On the meter's maps. Returns its file descriptor, or a negative errno. */
int meter_load_bound(const struct meter *m, __u32 ifindex);

/*
 * own.c. Sockets of this process that `watch` is called for are weir's own: map `own`. Of a live meter;
 * `out` must not move while there are sockets. Connections that an earlier agent left open are closed.
 */
struct meter_own_socket {
	bool open;
	int fd;
	struct weir_own keys[2]; /* there and back */
};

struct meter_own {
	int map;
	pthread_mutex_t lock;
	bool said; /* that one found no room */
	struct meter_own_socket socket[WEIR_OWN_CONNECTIONS];
	struct socket_watch watch;
};
void meter_own_open(const struct meter *m, struct meter_own *out);

/* attach.c */
/* Attaches both directions of an interface by the ladder of docs/design.md, pins the links, gives
 * it an account, fills *out (hooks and why). `vlans`: whether VLANs are above it (links.h), for a
 * policy that goes by that. An interface that is attached already is adopted as it is, but that XDP
 * asks for VLAN tags from now on or no more, without a gap. Nothing stays attached on failure. */
int meter_attach(struct meter *m, __u32 ifindex, const char *name,
		 const struct attach_policy *policy, bool vlans, struct weir_interface *out,
		 struct why *why);
/* What meter_attach() would do to an interface that nothing of ours is attached to, as far as it can
 * be told without attaching: the same ladder, the same words. `m` may be pinned nowhere. */
int meter_foresee(const struct meter *m, const struct meter_kernel *kernel, __u32 ifindex,
		  const char *name, const struct attach_policy *policy, bool vlans,
		  struct weir_interface *out, struct why *why);
/* Takes our programs off an interface, if they are there, and writes down that it is not measured
 * and why. Its counts stay. */
int meter_leave_out(struct meter *m, __u32 ifindex, const char *name, const char *reason,
		    struct weir_interface *out, struct why *why);
/* Takes our programs off an interface; its counts stay. -ENOENT: none of ours there. */
int meter_detach(struct meter *m, __u32 ifindex, struct why *why);
/* Marks an interface that no longer exists as gone and forgets its links. */
int meter_forget(struct meter *m, __u32 ifindex);
/* `weir detach --all`: every link and filter of ours, then every pin. Works without an agent and
 * with a damaged pin directory. *count: interfaces detached. */
int meter_detach_all(unsigned int *count, struct why *why);

#endif
