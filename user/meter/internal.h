/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of this room only. */
#ifndef METER_INTERNAL_H
#define METER_INTERNAL_H

#include <linux/bpf.h>

#include "meter/meter.h"

#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1u << 5)
#endif

struct bpf_map;
struct bpf_object;

/* Writes "what: reason of code" and returns code (a negative errno). */
int meter_fail(struct meter_error *err, int code, const char *what);

/* One of ours in an object opened; NULL: not there. */
struct bpf_map *meter_map(const struct bpf_object *object, enum meter_map map);

/* Slabs that map vectors has room for: what runs and, at a reload, what is to run; as much again,
 * for a vector's lie in a row. */
static inline __u32 slab_limit(const struct meter *m)
{
	return 3 * WEIR_SLABS_MAX * m->cpus;
}

void slabs_unmap(struct meter *m);
void slabs_unpin(void); /* all there are */

int ring_map(struct meter *m); /* 0 or a negative errno */
void ring_unmap(struct meter *m);

#endif
