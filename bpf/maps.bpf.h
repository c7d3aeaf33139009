/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that are pinned. Those that are not lie with what uses them (scratch: packet.bpf.h).
 *
 *   map        key                 value           written by      read by      when full
 *   flows      cpu * sets + set    weir_set        its CPU         user (mmap)  oldest of 8 evicted
 *   books      interface account   weir_books      kernel, by CPU  user         account 0 is used
 *   windows    second & 63         weir_slot       kernel, by CPU  user         reused after 64 s
 *   tables     generation & 1      weir_tables     user (mmap)     kernel       user space refuses
 *   devices    hash of ifindex     weir_device     user            kernel       user space refuses
 *   labels     query               weir_label      user            user         user space refuses
 *   interfaces interface account   weir_interface  user            user         user space refuses
 *   fragments  datagram, and where ports, time     kernel          kernel       LRU is dropped
 *   own        weir_own            until when      user            kernel       first to end goes
 *   ring       -                   weir_event      kernel          the agent    counted as overflow
 *   vectors    slab                a map of lines  user            kernel       user space refuses
 *     in each  line                weir_line       its CPU         user (mmap)  "at least N"
 *   control    (.bss)              weir_control    user (mmap)     kernel
 *   constants  (.rodata)           weir_constants  user, at load   kernel
 */
#ifndef WEIR_MAPS_BPF_H
#define WEIR_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "weir/countdown.h"
#include "weir/counters.h"
#include "weir/flow.h"
#include "weir/meter.h"
#include "weir/query.h"
#include "weir/window.h"

const volatile struct weir_constants constants;

struct weir_control control;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_set);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_INTERFACES);
	__type(key, __u32);
	__type(value, struct weir_books);
} books SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_SLOTS);
	__type(key, __u32);
	__type(value, struct weir_slot);
} windows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct weir_tables);
} tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_DEVICES);
	__type(key, __u32);
	__type(value, struct weir_device);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_QUERIES);
	__type(key, __u32);
	__type(value, struct weir_label);
} labels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_INTERFACES);
	__type(key, __u32);
	__type(value, struct weir_interface);
} interfaces SEC(".maps");

/* A datagram that was cut into fragments, and where it was seen. On another interface or VLAN, or in
 * the other direction, it is another datagram, with a first fragment of its own. */
struct fragment_key {
	struct weir_pair6 pair; /* IPv4: word[0] only */
	__u32 id;
	__u32 ifindex;
	__u16 vlan;
	__u8 proto;
	__u8 flags; /* WEIR_KEY_OUT, WEIR_KEY_V6 */
	__u32 pad;
};

/* What its first fragment had. */
struct first_fragment {
	__u64 seen_ns;
	__u32 ports; /* source and destination, of a flow's key */
	__u8 proto;
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct fragment_key);
	__type(value, struct first_fragment);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WEIR_OWN_ENTRIES);
	__type(key, struct weir_own);
	__type(value, __u64);
} own SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

/* A slab of a Countdown Vector. All are of one size, so that the look-up is inlined: a call and its
 * guarded return would cost more than all the rest. */
struct slab {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WEIR_SLAB_LINES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct weir_line));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WEIR_SLABS_MAX);
	__type(key, __u32);
	__array(values, struct slab);
} vectors SEC(".maps");

#endif
