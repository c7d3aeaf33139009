// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/capture.h"

#define ETHERNET_BYTES 14
#define FRAME_MAX 65536

/* How to make an Ethernet frame: strip `skip` bytes; the ethertype is at `type_at` in network
 * order; negative: it follows from the IP version. */
struct datalink {
	int dlt;
	int skip;
	int type_at;
};

static const struct datalink datalinks[] = {
	{DLT_EN10MB, 0, 0},      {DLT_RAW, 0, -1},  {DLT_IPV4, 0, -1},       {DLT_IPV6, 0, -1},
	{DLT_NULL, 4, -1},       {DLT_LOOP, 4, -1}, {DLT_LINUX_SLL, 16, 14},
#ifdef DLT_LINUX_SLL2
	{DLT_LINUX_SLL2, 20, 0},
#endif
};

static const struct datalink *find_link(int dlt)
{
	for (size_t i = 0; i < sizeof(datalinks) / sizeof(*datalinks); i++)
		if (datalinks[i].dlt == dlt)
			return &datalinks[i];
	return NULL;
}

/* Writes the packet as an Ethernet frame; returns its captured length. */
static __u32 frame_of(const struct datalink *link, const struct pcap_pkthdr *h, const u_char *data,
		      __u8 *frame)
{
	__u32 bytes = h->caplen > (__u32)link->skip ? h->caplen - link->skip : 0;
	__u8 *type = frame + ETHERNET_BYTES - 2;

	if (bytes > FRAME_MAX - ETHERNET_BYTES)
		bytes = FRAME_MAX - ETHERNET_BYTES;
	memset(frame, 0, ETHERNET_BYTES);
	memcpy(frame + ETHERNET_BYTES, data + h->caplen - bytes, bytes);
	if (link->type_at >= 0 && h->caplen >= (__u32)link->skip) {
		memcpy(type, data + link->type_at, 2);
	} else if (bytes) {
		__u16 ethertype = htons(frame[ETHERNET_BYTES] >> 4 == 6 ? 0x86dd : 0x0800);

		memcpy(type, &ethertype, 2);
	}
	return bytes + ETHERNET_BYTES;
}

static int feed(const struct datalink *link, const struct pcap_pkthdr *h, const u_char *data,
		__u8 *frame, capture_fn fn, void *ctx)
{
	/* Opened with nanosecond precision: tv_usec holds nanoseconds. */
	__u64 now_ns = h->ts.tv_sec * 1000000000ull + h->ts.tv_usec;
	__u32 bytes;

	if (link->dlt == DLT_EN10MB)
		return fn(ctx, now_ns, data, h->caplen, h->len);
	bytes = frame_of(link, h, data, frame);
	return fn(ctx, now_ns, frame, bytes, h->len - link->skip + ETHERNET_BYTES);
}

static int read_all(pcap_t *pcap, const char *path, const struct datalink *link, capture_fn fn,
		    void *ctx, struct why *why)
{
	struct pcap_pkthdr *h;
	const u_char *data;
	__u8 *frame = malloc(FRAME_MAX);
	unsigned long packets = 0;
	int code = frame ? 0 : -ENOMEM, got = 0;

	while (!code && (got = pcap_next_ex(pcap, &h, &data)) == 1) {
		code = feed(link, h, data, frame, fn, ctx);
		packets++;
	}
	free(frame);
	if (!code && got == PCAP_ERROR)
		code = why_set(why, -EINVAL, "%s: after packet %lu: %s", path, packets,
			       pcap_geterr(pcap));
	return code;
}

int capture_read(const char *path, capture_fn fn, void *ctx, struct why *why)
{
	char said[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap =
		pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, said);
	const struct datalink *link;
	int code;

	if (!pcap) {
		const char *reason = strncmp(said, path, strlen(path)) ? said : said + strlen(path);

		return why_set(why, -EINVAL, "%s: %s", path, reason + strspn(reason, ": "));
	}
	link = find_link(pcap_datalink(pcap));
	if (link) {
		code = read_all(pcap, path, link, fn, ctx, why);
	} else {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(pcap));

		code = why_set(why, -EINVAL, "%s: link type %d (%s) is not one weir reads", path,
			       pcap_datalink(pcap), name ? name : "unknown");
	}
	pcap_close(pcap);
	return code;
}
