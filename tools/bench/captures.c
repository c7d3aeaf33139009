// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Captures as ten hosts. In each capture the private address with the most packets is the host: what
 * comes from it goes out, all else comes in. Gaps of more than a minute are cut to one. Each host
 * plays all captures at their own speed in an order drawn for it, with pauses of a minute on average
 * between them, again and again in other orders, so that no two hours are alike.
 *
 * A packet counts for weir's five default queries:
 *
 *   Q1 between inside and outside   Q2 in   Q3 in, SYN without ACK   Q4 out, DNS query
 *   Q5 in from outside, SYN without ACK to a port of remote login
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <math.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "base/array.h"
#include "net/capture.h"
#include "traffic.h"
#include "world.h"

#define GAP_S 60.0
#define PAUSE_S 60.0
#define SECONDS_MAX 4096
#define CAPTURES_MAX 64
#define ADDRESSES_MAX 256
#define QUERIES 5

struct packet {
	double at_s;
	struct in6_addr src, dst;  /* IPv4 mapped */
	__u8 proto, flags, opcode; /* of DNS: QR and opcode */
	__u16 dport;
};

struct capture {
	__u32 seconds;
	__u32 (*count)[QUERIES];
};

/* --- Packets -------------------------------------------------------------------------------- */

static bool read_transport(const __u8 *at, const __u8 *end, struct packet *p)
{
	if (end - at < 4)
		return true;
	memcpy(&p->dport, at + 2, 2);
	p->dport = ntohs(p->dport);
	if (p->proto == IPPROTO_TCP && end - at >= 14)
		p->flags = at[13];
	if (p->proto == IPPROTO_UDP && end - at >= 8 + 3)
		p->opcode = at[8 + 2];
	return true;
}

static bool read_ip4(const __u8 *at, const __u8 *end, struct packet *p)
{
	const struct iphdr *ip = (const void *)at;

	if (end - at < (long)sizeof(*ip) || ip->version != 4 || ip->ihl < 5)
		return false;
	p->src.s6_addr32[2] = p->dst.s6_addr32[2] = htonl(0xffff);
	p->src.s6_addr32[3] = ip->saddr;
	p->dst.s6_addr32[3] = ip->daddr;
	p->proto = ip->protocol;
	return ntohs(ip->frag_off) & IP_OFFMASK ? true : read_transport(at + ip->ihl * 4, end, p);
}

static bool read_ip6(const __u8 *at, const __u8 *end, struct packet *p)
{
	const struct ip6_hdr *ip = (const void *)at;

	if (end - at < (long)sizeof(*ip) || at[0] >> 4 != 6)
		return false;
	p->src = ip->ip6_src;
	p->dst = ip->ip6_dst;
	p->proto = ip->ip6_nxt;
	return read_transport(at + sizeof(*ip), end, p);
}

static bool read_ethernet(const __u8 *at, const __u8 *end, struct packet *p)
{
	__u16 type;

	for (at += 12; end - at >= 2; at += 4) {
		memcpy(&type, at, 2);
		type = ntohs(type);
		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
	}
	at += 2;
	return end - at > 0 && (type == ETH_P_IP     ? read_ip4(at, end, p)
				: type == ETH_P_IPV6 ? read_ip6(at, end, p)
						     : false);
}

/* --- Who is where ----------------------------------------------------------------------------- */

/* The default `inside`. */
static bool is_inside(const struct in6_addr *a)
{
	__u32 v4 = ntohl(a->s6_addr32[3]);

	if (!IN6_IS_ADDR_V4MAPPED(a))
		return (a->s6_addr[0] & 0xfe) == 0xfc;
	return v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8;
}

static struct in6_addr find_host(const struct packet *p, __u32 packets)
{
	struct {
		struct in6_addr address;
		__u32 count;
	} seen[ADDRESSES_MAX] = {0};
	__u32 best = 0, many = 0;

	for (__u32 i = 0; i < 2 * packets; i++) {
		const struct in6_addr *a = i & 1 ? &p[i / 2].dst : &p[i / 2].src;
		__u32 k = 0;

		while (k < many && memcmp(&seen[k].address, a, sizeof(*a)))
			k++;
		if (k == ADDRESSES_MAX)
			continue;
		many += k == many;
		seen[k].address = *a;
		seen[k].count += is_inside(a) ? 2 * packets : 1;
		best = seen[k].count > seen[best].count ? k : best;
	}
	return seen[best].address;
}

static bool is_login(__u16 port)
{
	static const __u16 ports[] = {22, 23, 21, 513, 514, 512, 3389, 5900};

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		if (ports[i] == port)
			return true;
	}
	return false;
}

static void count_packet(const struct packet *p, const struct in6_addr *host, __u32 *count)
{
	bool out = !memcmp(&p->src, host, sizeof(*host));
	bool from_inside = is_inside(&p->src) || out;
	bool to_inside = is_inside(&p->dst) || !memcmp(&p->dst, host, sizeof(*host));
	bool syn = p->proto == IPPROTO_TCP && (p->flags & (TH_SYN | TH_ACK)) == TH_SYN;

	count[0] += from_inside != to_inside;
	count[1] += !out;
	count[2] += !out && syn;
	count[3] += out && p->proto == IPPROTO_UDP && p->dport == 53 && !(p->opcode & 0xf8);
	count[4] += !out && !from_inside && syn && is_login(p->dport);
}

/* --- Captures ----------------------------------------------------------------------------------- */

struct packets {
	struct packet *packet;
	__u32 count;
	double last_s, cut_s;
};

static int keep_packet(void *context, const struct capture_packet *captured)
{
	double at_s = captured->now_ns / 1e9;
	struct packets *all = context;
	const __u8 *frame = captured->frame;
	struct packet p = {0};

	if (captured->bytes <= ETH_HLEN || !read_ethernet(frame, frame + captured->bytes, &p))
		return 0;
	if (!all->count)
		all->cut_s = all->last_s = at_s;
	all->cut_s += at_s < all->last_s ? at_s - all->last_s : fmax(at_s - all->last_s - GAP_S, 0);
	all->last_s = at_s;
	p.at_s = at_s - all->cut_s;
	all->packet = array_grow(all->packet, all->count, sizeof(p));
	if (!all->packet)
		fail("captures", ENOMEM);
	all->packet[all->count++] = p;
	return 0;
}

static __u32 read_packets(const char *path, struct packet **out)
{
	struct capture_counts counts = {};
	struct packets all = {};

	capture_read(path, keep_packet, &all, &counts, NULL);
	*out = all.packet;
	return all.count;
}

static bool read_capture(const char *path, struct capture *out)
{
	struct packet *packets;
	__u32 count = read_packets(path, &packets);
	struct in6_addr host;

	if (!count)
		return false;
	host = find_host(packets, count);
	out->count = calloc(SECONDS_MAX, sizeof(*out->count));
	if (!out->count)
		fail("captures", ENOMEM);
	out->seconds = 0;
	for (__u32 i = 0; i < count; i++) {
		__u32 second = fmin(packets[i].at_s, SECONDS_MAX - 1);

		count_packet(&packets[i], &host, out->count[second]);
		out->seconds = second >= out->seconds ? second + 1 : out->seconds;
	}
	free(packets);
	return true;
}

static __u32 read_captures(const char *folder, struct capture *out)
{
	struct dirent **names;
	int files = scandir(folder, &names, NULL, alphasort);
	__u32 count = 0;

	for (int i = 0; i < files; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (strstr(path, "cap") && count < CAPTURES_MAX)
			count += read_capture(path, &out[count]);
		free(names[i]);
	}
	if (files >= 0)
		free(names);
	return count;
}

/* --- Hosts ---------------------------------------------------------------------------------------- */

static void play(struct work *w, int host, const struct capture *captures, __u32 count,
		 __u64 *state)
{
	__u32 order[CAPTURES_MAX], left = 0, t = 0;

	while (t < w->ticks) {
		const struct capture *c;
		__u32 pick, pause;

		for (; left == 0; left = count) {
			for (__u32 i = 0; i < count; i++)
				order[i] = i;
		}
		pause = -PAUSE_S * log(1 - (double)(traffic_draw(state) >> 11) * 0x1p-53);
		t += pause;
		pick = traffic_draw(state) % left;
		c = &captures[order[pick]];
		order[pick] = order[--left];
		for (__u32 s = 0; s < c->seconds && t < w->ticks; s++, t++) {
			for (__u32 q = 0; q < QUERIES; q++)
				w->count[host][q][t] += c->count[s][q];
		}
	}
}

struct work *work_captures(const char *folder, __u32 ticks)
{
	struct capture captures[CAPTURES_MAX];
	__u32 count = read_captures(folder, captures);
	struct work *w;
	__u64 state = 1;

	if (!count)
		return NULL;
	w = work_new(ticks, QUERIES, 60, true);
	for (int h = 0; h < WORLD_HOSTS; h++)
		play(w, h, captures, count, &state);
	for (__u32 i = 0; i < count; i++)
		free(captures[i].count);
	return w;
}
