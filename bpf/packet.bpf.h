/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the stages hand on about one packet. */
#ifndef WEIR_PACKET_BPF_H
#define WEIR_PACKET_BPF_H

#include "maps.bpf.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() asm volatile("" ::: "memory")

/*
 * The same number, of which the verifier knows nothing. Without it each way to get to a number
 * (VLAN tags, labels, options, layers; terms struck out) is a state of its own, and all that
 * follows is explored once for each: "BPF program is too large. Processed 1000001 insn" (6.18).
 * Forgotten where paths join, they are one state.
 */
volatile __u64 nothing;

static __always_inline __u64 forget(__u64 x)
{
	return x + nothing;
}

/* The parser returns the counter that names the packet's fate, or this: it is in a flow. */
#define PARSED WEIR_COUNTER_MAX

#define REACH 1023 /* headers further into the frame are not read; a power of two less one */
#define HEAD_BYTES (REACH + 1 + 64)

/* Where the parser stands. */
struct stand {
	__u32 at;       /* offset of the next header */
	__u32 type;     /* its ethertype */
	__u32 fragment; /* 0 whole, 1 first, 2 later */
	__u32 id;       /* of the datagram that was fragmented */
	__u8 proto;
	__u8 fragment_proto; /* in the header of each of its fragments; where the first leads may be another */
};

struct packet {
	struct weir_flow_key key;
	struct weir_pair6 pair; /* set for IPv6 only */
	struct weir_traits traits;
	__u64 now_ns;
	__u32 cpu;                 /* this one: kept from packet to packet, as these are: */
	__u64 tick, tick_ns;       /* read_clock() */
	struct weir_second second; /* of now_ns */
	__u64 terms;               /* that hold for the flow */
	__u32 frame_bytes;         /* of the whole packet, all segments */
	__u32 ip_bytes;            /* from the IP header of the key on, all segments */
	__u32 ip_offset;           /* of that header in the frame */
	__u32 header_bytes;        /* offset of what each segment carries for itself */
	__u32 segments;
	struct stand stand;
	__u8 tcp_flags;
	__u8 tos;
	union {
		__u64 notes; /* any of these */
		struct {
			bool cut; /* not all headers have been read */
			bool no_transport, no_first_fragment, too_deep, wrong_length;
		};
	};
	__u8 head[HEAD_BYTES] __attribute__((aligned(8))); /* the frame's beginning: parse_copy() */
};

/*
 * The packet in work lives in a map, not on the stack: what the verifier does not track it does
 * not multiply. On the stack each combination of parser outcomes was explored through the flow
 * cache anew, past the limit of a million instructions. Programs on one CPU do not nest.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} scratch SEC(".maps");

static __always_inline struct packet *this_packet(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

static __always_inline const struct weir_tables *current_tables(__u32 generation)
{
	__u32 half = generation & 1;

	return bpf_map_lookup_elem(&tables, &half);
}

/* Before each reading of a packet's headers. */
static __always_inline void blank(struct packet *p, __u8 key_flags)
{
	p->key.flags = key_flags;
	p->key.vlan = 0;
	p->ip_bytes = 0;
	p->ip_offset = 0;
	p->segments = 1;
	p->notes = 0;
}

/* How much of a frame is copied, 0 for nothing, with bounds that the verifier sees: above because
 * it is checked in this register, below because 1 is added to it. From "not 0" it learns nothing. */
static __always_inline __u64 head_bytes(__u64 frame_bytes)
{
	__u64 bytes = (frame_bytes < HEAD_BYTES ? frame_bytes : HEAD_BYTES) - 1;

	weir_opaque(bytes);
	if (bytes >= HEAD_BYTES)
		return 0;
	asm volatile("%0 += 1" : "+r"(bytes));
	return bytes;
}

/* The packet's addresses where its key does not hold them whole. */
static __always_inline const struct weir_pair6 *pair_of(const struct packet *p)
{
	return unlikely(p->key.flags & WEIR_KEY_V6) ? &p->pair : NULL;
}

/* weir_books of the interface, of this CPU; NULL never happens but the verifier cannot know. */
static __always_inline struct weir_books *books_of(__u32 ifindex)
{
	__u32 account = 0;

	for (__u32 probe = 0; probe < WEIR_PROBES; probe++) {
		__u32 place = (ifindex + probe) & (WEIR_DEVICES - 1);
		struct weir_device *device = bpf_map_lookup_elem(&devices, &place);

		if (device && device->ifindex == ifindex) {
			account = device->books;
			break;
		}
	}
	return bpf_map_lookup_elem(&books, &account);
}

static __always_inline void book(struct weir_books *b, enum weir_counter counter, __u64 packets,
				 __u64 bytes)
{
	b->count[counter].packets += packets;
	b->count[counter].bytes += bytes;
}

#endif
