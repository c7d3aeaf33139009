/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One frame of each kind, to be cut short and mutated. */
#ifndef KERNEL_ZOO_H
#define KERNEL_ZOO_H

#include "kernel/frames.h"

#define ZOO_FRAMES 41

/* Fills out[ZOO_FRAMES]; returns how many there are. Each ends in a UDP or TCP header of ports
 * 1111, 2222 (but for the last two: ARP, and what is no IP) and some payload. */
int zoo_frames(struct frame *out);

#endif
