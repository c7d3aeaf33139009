/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Link types of captures, and how each becomes an Ethernet frame. */
#ifndef NET_CAPTURE_LINK_H
#define NET_CAPTURE_LINK_H

#include "net/capture.h"

#define CAPTURE_LEAD 14 /* bytes in front of a packet that a header may be written over */

/* As it stands in the file. `swapped`: numbers in the byte order of the machine that captured are
 * not in ours. */
struct capture_raw {
	__u8 *data; /* with CAPTURE_LEAD bytes in front; will be written over */
	__u32 bytes, wire_bytes;
	bool swapped;
	__u32 type; /* the link type; then that which is not read, if the header names another */
};

struct capture_link;

/* By its number (LINKTYPE_, and the DLT_ that some files hold instead); NULL if we do not read it. */
const struct capture_link *capture_link_find(__u32 type);
/* "unknown" if it has none that we know. */
const char *capture_link_name(__u32 type);
/* Fills frame, bytes and wire_bytes of `out` and returns CAPTURE_READ; another counter: there is
 * nothing to hand on. raw->wire_bytes is no less than raw->bytes. */
enum capture_counter capture_link_frame(const struct capture_link *link, struct capture_raw *raw,
					struct capture_packet *out);

#endif
