/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rest of the contract between kernel and user space: the control block, the
 * table of interfaces, what comes through the ring, how replay carries the clock.
 */
#ifndef WEIR_METER_H
#define WEIR_METER_H

#include "countdown.h"
#include "flow.h"

/*
 * What user space sets before load and nobody changes after: .rodata of the objects, all of it.
 * Every object loaded shares the one map, so the verifier prunes by these in each.
 */
struct weir_constants {
	__u64 seed[2]; /* of the flows' hash */
	__u64 distinct_seed[WEIR_DISTINCT_SEEDS];
	__u32 sets;      /* of the flow cache, per CPU */
	__u32 ring_wake; /* bytes in the ring that wake the reader */
	bool replay;     /* time and length come with the packet */
	bool has_frags;  /* XDP buffers may have fragments (5.18) */
	__u8 pad[6];
};

_Static_assert(sizeof(struct weir_constants) == 32 + 8 * WEIR_DISTINCT_SEEDS, "constants layout");
_Static_assert(offsetof(struct weir_constants, replay) == 24 + 8 * WEIR_DISTINCT_SEEDS,
	       "constants layout");

/* Lives in the object's .bss, which user space maps. User space writes, the kernel reads. */
struct weir_control {
	__u32 contract;   /* WEIR_CONTRACT */
	__u32 generation; /* of the tables; 0 before the first are loaded */
};

/*
 * Map `devices`: open addressing by ifindex, WEIR_PROBES places at most. `books` is the
 * interface's index in map `books`; 0 is the account of interfaces not in the table.
 */
#define WEIR_DEVICES 1024
#define WEIR_PROBES 8
#define WEIR_INTERFACES 256 /* accounts in map `books` */

struct weir_device {
	__u32 ifindex;
	__u32 books;
};

/*
 * What user space writes down for whoever looks later, the agent alive or not: map `labels` by
 * query, map `interfaces` by account in `books`. The kernel programs do not read them.
 */
struct weir_label {
	char name[64];    /* "" when the query index is free */
	char match[4096]; /* as configured */
	__u64 since_ns;   /* CLOCK_BOOTTIME: counted since then, on every interface */
	__u32 window_s;
	__u8 measure;  /* enum weir_measure */
	__u8 distinct; /* enum weir_distinct, of WEIR_MEASURE_DISTINCT */
	__u8 pad[2];
};

enum weir_measure {
	WEIR_MEASURE_PACKETS,
	WEIR_MEASURE_BYTES,
	WEIR_MEASURE_DISTINCT,
};

enum weir_hook {
	WEIR_HOOK_NONE,
	WEIR_HOOK_XDP_NATIVE,
	WEIR_HOOK_XDP_GENERIC,
	WEIR_HOOK_TCX,
	WEIR_HOOK_CLSACT,
};

struct weir_interface {
	char name[16];
	__u32 ifindex; /* 0: the account is free */
	__u8 in, out;  /* enum weir_hook */
	__u8 gone;     /* the interface is; its counts stay */
	__u8 left_out; /* not measured, because another is that sees the same packets */
	char why[104]; /* the choice of hooks, in words; or why it is left out */
};

_Static_assert(sizeof(struct weir_label) == 64 + 4096 + 16, "label layout");
_Static_assert(sizeof(struct weir_interface) == 128, "interface layout");

/*
 * Map `own`: weir's own connections, each in both directions. The value is the time (ns,
 * CLOCK_BOOTTIME) until which the entry holds: packets come after the socket was closed. There is room
 * for all that may be open, and for those closed within a minute towards three collectors that
 * refuse (each costs about one a second).
 */
#define WEIR_OWN_CONNECTIONS 64 /* open at once */
#define WEIR_OWN_ENTRIES 512
#define WEIR_OWN_OPEN (~0ull) /* there is a socket */

struct weir_own {
	struct weir_pair6 pair; /* IPv4: word[0] is weir_flow_key.addrs */
	__u64 ports;            /* weir_key_ports() */
};

_Static_assert(sizeof(struct weir_own) == 40, "no padding in a key");
_Static_assert(WEIR_OWN_ENTRIES > 2 * WEIR_OWN_CONNECTIONS, "room for those that are closed");

static __always_inline void weir_own_of(const struct weir_flow_key *key,
					const struct weir_pair6 *pair, struct weir_own *out)
{
	if (key->flags & WEIR_KEY_V6)
		out->pair = *pair;
	else
		out->pair = (struct weir_pair6){.word = {key->addrs}};
	out->ports = weir_key_ports(key->rest);
}

/* What comes through map `ring`: an incarnation that has left the cache. */
struct weir_event {
	__u32 slot;
	__u32 end; /* enum weir_end */
	struct weir_flow flow;
	struct weir_pair6 pair;
};

_Static_assert(sizeof(struct weir_device) == 8, "device layout");
_Static_assert(sizeof(struct weir_event) == 8 + 64 + 32, "event layout");

/* In replay a frame begins with this. The program sees what follows. */
struct weir_replay {
	__u64 now_ns;
	__u32 wire_bytes; /* length on the wire; the capture may hold less */
	__u32 pad;
};

_Static_assert(sizeof(struct weir_replay) == 16, "what is before a frame keeps its alignment");

#endif
