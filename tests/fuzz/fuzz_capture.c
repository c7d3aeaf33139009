/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any bytes as a capture: packed or not, pcap or pcapng, of any link type. Every packet lies within
 * what was read, is not longer than it was on the wire, and is counted once.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/capture.h"

struct seen {
	__u64 packets, sum;
};

static void check(int holds)
{
	if (!holds)
		abort();
}

static int see(void *context, const struct capture_packet *packet)
{
	const __u8 *frame = packet->frame;
	struct seen *seen = context;

	check(packet->bytes <= packet->wire_bytes);
	check(packet->bytes <= CAPTURE_BYTES + 14);
	check(packet->now_ns < 1ull << 63);
	for (__u32 i = 0; i < packet->bytes; i++)
		seen->sum += frame[i]; /* all of it can be read */
	seen->packets++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_counts counts = {};
	struct why why = {};
	struct seen seen = {};
	__u64 accounted = 0;
	char path[64];
	int fd = memfd_create("capture", 0), code;

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	code = capture_read(path, see, &seen, &counts, &why);
	close(fd);
	check(!code || (code == -EBADMSG && why.text[0]));
	for (int c = 0; c < CAPTURE_COUNTER_MAX; c++)
		if (capture_counters[c].kind == CAPTURE_KIND_NAMED)
			accounted += counts.count[c].packets;
	check(counts.count[CAPTURE_READ].packets == accounted + seen.packets);
	check(!counts.timed || counts.first_ns <= counts.last_ns);
	return 0;
}
