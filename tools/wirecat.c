// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Flow export messages read and written by weir's codec, for tests against other programs.
 *
 *   wirecat [-aos] FILE...
 *       captures of datagrams, or IPFIX files (RFC 5655; - is one on standard input): flow records
 *       as JSON Lines; -o: options data too; -s: at the end what was counted, by peer and in all;
 *       -a: any port: see usage()
 *
 *   wirecat -e PROTOCOL [-b] [-n COUNT] FILE
 *       made-up flows, the same each time, printed as they should be decoded, and written to FILE
 *       in messages with templates and options: ipfix, v9, v5 in a capture, file in an IPFIX file;
 *       -b: biflows
 *
 *   wirecat -i FILE
 *       one of each word that hosts and coordinators say to each other, as an IPFIX file
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/capture.h"
#include "flow/json.h"
#include "weir/flow.h"
#include "wire/decode.h"
#include "wire/field.h"
#include "interval/words.h"

#define ETHERNET_BYTES 14
#define ETHERTYPE_VLAN 0x8100
#define MESSAGE_BYTES 1400

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "wirecat: %s: %s\n", what, why);
	exit(1);
}

static void print(json_t *json)
{
	if (!json || json_dumpf(json, stdout, JSON_COMPACT) || putchar('\n') == EOF)
		fail("cannot print", strerror(errno));
	json_decref(json);
}

/* --- Reading ------------------------------------------------------------------------------- */

static void print_flows(void *context, const struct flow_origin *origin,
			const struct flow_record *flows, unsigned int count)
{
	(void)context, (void)origin;
	for (unsigned int i = 0; i < count; i++)
		print(flow_record_to_json(&flows[i]));
}

static json_t *statistics_json(const struct wire_statistics *s)
{
#define V(member) #member, (json_int_t)s->member
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 V(start_ns), V(exported_messages), V(exported_bytes), V(exported_flows),
			 V(unsent_flows), V(unsent_packets), V(unsent_bytes), V(ignored_packets),
			 V(ignored_bytes), V(overflow_packets), V(overflow_bytes), V(seen_packets),
			 V(seen_bytes));
#undef V
}

static json_t *sampling_json(const struct wire_option *o)
{
	static const char *const scopes[] = {
#define X(id, name) #name,
		WIRE_RATE_SCOPES(X)
#undef X
	};

	return json_pack("{s:{s:s, s:I, s:I}}", "sampling", "scope", scopes[o->sampling.scope],
			 "id", (json_int_t)o->sampling.id, "rate", (json_int_t)o->sampling.rate);
}

static void print_option(void *context, const struct flow_origin *origin,
			 const struct wire_option *o)
{
	(void)context, (void)origin;
	switch (o->kind) {
	case WIRE_OPTION_INTERFACE:
		print(json_pack("{s:{s:I, s:s, s:s}}", "interface", "ifindex",
				(json_int_t)o->interface.ifindex, "name", o->interface.name,
				"about", o->interface.about));
		break;
	case WIRE_OPTION_SAMPLING:
		print(sampling_json(o));
		break;
	case WIRE_OPTION_STATISTICS:
		print(json_pack("{s:o}", "statistics", statistics_json(&o->statistics)));
		break;
	case WIRE_OPTION_DISTINCT:
		print(json_pack("{s:{s:s, s:s, s:I, s:I, s:I, s:f, s:b}}", "distinct", "query",
				o->distinct.query, "key", o->distinct.key, "window_ms",
				(json_int_t)o->distinct.window_ms, "covered_ms",
				(json_int_t)o->distinct.covered_ms, "count",
				(json_int_t)o->distinct.count, "error", o->distinct.error,
				"saturated", (int)o->distinct.saturated));
		break;
	case WIRE_OPTION_TYPE:
		print(json_pack("{s:{s:I, s:i, s:i, s:i, s:i, s:s, s:s}}", "type", "pen",
				(json_int_t)o->type.pen, "number", (int)o->type.number, "type",
				(int)o->type.type, "semantics", (int)o->type.semantics, "units",
				(int)o->type.units, "name", o->type.name, "about", o->type.about));
		break;
	}
}

/* What was not met is left out. */
static json_t *counts_json(const struct wire_counts *counts)
{
	json_t *json = json_object();

	for (int i = 0; i < WIRE_COUNT_MAX; i++) {
		if (counts->count[i])
			json_object_set_new(json, wire_count_names[i].name,
					    json_integer(counts->count[i]));
	}
	return json;
}

static void print_source(void *context, const struct wire_peer *peer,
			 const struct wire_counts *counts)
{
	char address[INET6_ADDRSTRLEN];

	(void)context;
	inet_ntop(peer->family == 4 ? AF_INET : AF_INET6, peer->address, address, sizeof(address));
	print(json_pack("{s:s, s:i, s:o}", "source", address, "port", (int)peer->port, "counts",
			counts_json(counts)));
}

/* A UDP datagram in a frame; false: it is none, or a fragment. */
static bool find_udp(const __u8 *at, const __u8 *end, struct wire_peer *peer, const __u8 **payload,
		     size_t *length)
{
	size_t skip = ETHERNET_BYTES;
	struct ip6_hdr ip6;
	struct ip ip;
	struct udphdr udp;

	if (end - at > ETHERNET_BYTES + 4 && wire_get16(at + 12) == ETHERTYPE_VLAN)
		skip += 4;
	at += skip;
	*peer = (struct wire_peer){0};
	if (end - at >= (ptrdiff_t)sizeof(ip) && *at >> 4 == 4) {
		memcpy(&ip, at, sizeof(ip));
		if (ip.ip_p != IPPROTO_UDP || ip.ip_off & htons(IP_OFFMASK | IP_MF))
			return false;
		memcpy(peer->address, &ip.ip_src, 4);
		peer->family = 4;
		at += ip.ip_hl * 4;
	} else if (end - at >= (ptrdiff_t)sizeof(ip6) && *at >> 4 == 6) {
		memcpy(&ip6, at, sizeof(ip6));
		if (ip6.ip6_nxt != IPPROTO_UDP)
			return false;
		memcpy(peer->address, &ip6.ip6_src, 16);
		peer->family = 6;
		at += sizeof(ip6);
	} else {
		return false;
	}
	if (end - at < (ptrdiff_t)sizeof(udp))
		return false;
	memcpy(&udp, at, sizeof(udp));
	peer->port = ntohs(udp.uh_sport);
	*payload = at + sizeof(udp);
	*length = ntohs(udp.uh_ulen) - sizeof(udp);
	return ntohs(udp.uh_ulen) >= sizeof(udp) && *length <= (size_t)(end - *payload);
}

static int read_frame(void *context, const struct capture_packet *packet)
{
	const __u8 *frame = packet->frame;
	struct wire_peer peer;
	const __u8 *payload;
	size_t length;

	if (find_udp(frame, frame + packet->bytes, &peer, &payload, &length))
		wire_decode(context, &peer, payload, length, packet->now_ns);
	return 0;
}

/* False: the file does not begin as an IPFIX file does. */
static bool read_ipfix(struct wire_decoder *d, FILE *file, const char *path)
{
	static __u8 message[WIRE_MESSAGE_MAX];
	struct wire_peer peer = {.family = 4, .session = 1};

	for (bool first = true;; first = false) {
		size_t got = fread(message, 1, WIRE_STREAM_HEAD_BYTES, file), length;

		if (!got && !first)
			return true;
		length = got == WIRE_STREAM_HEAD_BYTES ? wire_stream_length(message) : 0;
		if (!length && first)
			return false;
		got += fread(message + got, 1, length - got, file);
		if (!length || got < length)
			fail(path, "ends within a message, or damaged");
		wire_decode(d, &peer, message, length, 0);
	}
}

static void read_file(struct wire_decoder *d, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;
	struct capture_counts counts = {};
	struct why why = {};

	if (!file)
		fail(path, strerror(errno));
	if (!read_ipfix(d, file, path)) {
		if (file == stdin)
			fail("standard input", "no IPFIX file");
		if (capture_read(path, read_frame, d, &counts, &why))
			fail(path, why.text);
	}
	if (file != stdin)
		fclose(file);
}

/* --- Writing ------------------------------------------------------------------------------- */

#define NOW_NS (1700000000 * WEIR_NS_PER_SEC + 123 * NS_PER_MS)
#define BOOT_NS (NOW_NS - 86400 * WEIR_NS_PER_SEC)
#define EXPORT_PORT 4739

struct output {
	struct wire_encoder e;
	__u8 message[MESSAGE_BYTES];
	__u32 sequence;
	FILE *file;
	bool capture; /* that is what the file is */
};

struct capture_head {
	__u32 magic;
	__u16 version, revision;
	__u32 zero[2], snap_bytes, link_type;
};

struct packet_head {
	__u32 s, us, bytes, wire_bytes;
};

static void write_capture(struct output *out, size_t length)
{
	__u8 frame[ETHERNET_BYTES + sizeof(struct ip) + sizeof(struct udphdr) + MESSAGE_BYTES] = {
		[12] = 0x08};
	struct ip ip = {
		.ip_v = 4,
		.ip_hl = 5,
		.ip_ttl = 64,
		.ip_p = IPPROTO_UDP,
		.ip_len = htons(sizeof(ip) + sizeof(struct udphdr) + length),
		.ip_src.s_addr = htonl(0xc0000201),
		.ip_dst.s_addr = htonl(0xc0000202),
	};
	struct udphdr udp = {
		.uh_sport = htons(50000),
		.uh_dport = htons(EXPORT_PORT),
		.uh_ulen = htons(sizeof(udp) + length),
	};
	size_t at = ETHERNET_BYTES;
	struct packet_head head = {.s = NOW_NS / WEIR_NS_PER_SEC};

	memcpy(frame + at, &ip, sizeof(ip));
	memcpy(frame + at + sizeof(ip), &udp, sizeof(udp));
	memcpy(frame + at + sizeof(ip) + sizeof(udp), out->message, length);
	head.bytes = head.wire_bytes = at + sizeof(ip) + sizeof(udp) + length;
	fwrite(&head, sizeof(head), 1, out->file);
	fwrite(frame, head.bytes, 1, out->file);
}

static void finish_message(struct output *out)
{
	size_t length = wire_end(&out->e, NOW_NS, out->sequence);

	out->sequence += wire_sequence_step(&out->e);
	if (length && !out->capture && fwrite(out->message, length, 1, out->file) != 1)
		fail("cannot write", strerror(errno));
	if (length && out->capture)
		write_capture(out, length);
	wire_begin(&out->e, out->message, sizeof(out->message));
}

/* Does it, in a message of its own if need be. */
#define ADD(out, call)                                                                             \
	do {                                                                                       \
		int err_ = (call);                                                                 \
		if (err_ == -ENOSPC) {                                                             \
			finish_message(out);                                                       \
			err_ = (call);                                                             \
		}                                                                                  \
		if (err_)                                                                          \
			fail("cannot encode", strerror(-err_));                                    \
	} while (0)

static void write_options(struct output *out)
{
	const struct wire_statistics statistics = {BOOT_NS, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	static const struct wire_distinct distinct[] = {
		{"web", "src", 60000, 60000, 102374, 87.5, false},
		{"everything", "flow", 300000, 1500, 8000000, 0, true},
	};
	unsigned int next = 0;

	do
		ADD(out, wire_add_types(&out->e, &next));
	while (next);
	ADD(out, wire_add_templates(&out->e));
	ADD(out, wire_add_sampling(&out->e));
	ADD(out, wire_add_interface(&out->e, 2, "eth0", "the way in"));
	ADD(out, wire_add_interface(&out->e, 3, "eth1", ""));
	ADD(out, wire_add_statistics(&out->e, &statistics));
	for (unsigned int i = 0; i < sizeof(distinct) / sizeof(*distinct); i++)
		ADD(out, wire_add_distinct(&out->e, &distinct[i]));
}

static __u64 draw(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void draw_traffic(__u64 *state, struct flow_traffic *t)
{
	t->start_ns = NOW_NS - draw(state) % 3600000 * NS_PER_MS;
	t->end_ns =
		t->start_ns + draw(state) % ((NOW_NS - t->start_ns) / NS_PER_MS + 1) * NS_PER_MS;
	t->packets = 1 + draw(state) % 100000;
	t->bytes = t->packets * (40 + draw(state) % 1400);
	t->tcp_flags = draw(state);
	t->end = 1 + draw(state) % WEIR_END_RESOURCES;
	t->tos = draw(state);
}

static struct flow_record draw_flow(__u64 *state, const struct wire_encoder *e)
{
	static const __u8 protos[] = {6, 6, 17, 1, 132, 47};
	struct flow_record f = {.in_if = 2, .out_if = 3};

	f.known = FLOW_BASIC | FIELD_BIT(TOS) | FIELD_BIT(IN_IF) | FIELD_BIT(OUT_IF);
	if (e->protocol == WIRE_V5)
		f.known |= FIELD_BIT(SRC_AS) | FIELD_BIT(DST_AS) | FIELD_BIT(SRC_MASK) |
			   FIELD_BIT(DST_MASK) | FIELD_BIT(NEXT_HOP);
	f.family = e->protocol == WIRE_V5 || draw(state) % 3 ? 4 : 6;
	for (int i = 0; i < (f.family == 4 ? 4 : 16); i++) {
		f.src[i] = draw(state);
		f.dst[i] = draw(state);
	}
	f.proto = protos[draw(state) % sizeof(protos)];
	if (f.proto == 1 && f.family == 6)
		f.proto = 58;
	f.icmp = f.proto == 1 || f.proto == 58 ? draw(state) : 0;
	f.sport = f.icmp ? 0 : draw(state);
	f.dport = f.icmp ? 0 : draw(state);
	f.vlan = e->protocol == WIRE_V5 ? 0 : draw(state) % 4095;
	f.direction = e->protocol == WIRE_V5 ? 0 : draw(state) % 2;
	draw_traffic(state, &f.forward);
	if (e->protocol == WIRE_V5) {
		f.forward.end = 0;
		f.known &= ~(FIELD_BIT(END_REASON) | FIELD_BIT(VLAN) | FIELD_BIT(DIRECTION));
	}
	if (e->biflow && draw(state) % 2) {
		draw_traffic(state, &f.reverse);
		f.initiator = 1;
		f.known |= FLOW_REVERSE_FIELDS | FIELD_BIT(INITIATOR);
	}
	return f;
}

static void write_flows(struct output *out, unsigned int count)
{
	__u64 state = 88172645463325252ull;

	wire_begin(&out->e, out->message, sizeof(out->message));
	write_options(out);
	while (count--) {
		struct flow_record flow = draw_flow(&state, &out->e);

		ADD(out, wire_add_flow(&out->e, &flow));
		print(flow_record_to_json(&flow));
	}
	finish_message(out);
}

static void encode(const char *protocol, bool biflow, unsigned int count, const char *path)
{
	static const char *const names[] = {
		[WIRE_IPFIX] = "ipfix", [WIRE_V9] = "v9", [WIRE_V5] = "v5"};
	static struct output out = {.e = {.domain = 7, .boot_ns = BOOT_NS}};
	const struct capture_head head = {.magic = 0xa1b2c3d4,
					  .version = 2,
					  .revision = 4,
					  .snap_bytes = 65535,
					  .link_type = 1};
	bool file = !strcmp(protocol, "file");

	while (!file && strcmp(protocol, names[out.e.protocol])) {
		if (out.e.protocol++ == WIRE_V5)
			fail(protocol, "not ipfix, v9, v5 or file");
	}
	out.e.biflow = biflow && out.e.protocol == WIRE_IPFIX;
	out.file = fopen(path, "w");
	if (!out.file)
		fail(path, strerror(errno));
	out.capture = !file;
	if (out.capture)
		fwrite(&head, sizeof(head), 1, out.file);
	write_flows(&out, count);
	if (ferror(out.file) | fclose(out.file))
		fail(path, strerror(errno));
}

/* --- Intervals ----------------------------------------------------------------------------- */

static void write_words(const char *path)
{
	static const struct interval_word words[] = {
		{.kind = INTERVAL_HELLO,
		 .hello = {7, 0x0123456789abcdef, NOW_NS / NS_PER_MS, "rack-7"}},
		{.kind = INTERVAL_WELCOME,
		 .welcome = {{INTERVAL_ADAPTIVE, 10, 50000}, -3600, "c\xc3\xa9ntre"}},
		{.kind = INTERVAL_ASK, .ask = {1, 60000, 1000, "bytes", "web", "tcp port 443"}},
		{.kind = INTERVAL_GRANT, .grant = {1, 1, 1700000001, 4000000}},
		{.kind = INTERVAL_UPDATE,
		 .update = {1, 4000000, 0, 1500, {1700000002, -1000, 4, 2, {{300, 3}, {2, -64}}}}},
		{.kind = INTERVAL_UPDATE,
		 .update = {1, 1ull << 58, 3, 1ull << 50, {1700000003, -(1ll << 58)}}},
		{.kind = INTERVAL_LACK, .lack = {1, 1700000003, "rack-8, rack-9"}},
		{.kind = INTERVAL_TICK, .tick = {1700000003, 1}},
		{.kind = INTERVAL_REFUSAL, .refusal = "host 7 is here already"},
		{.kind = INTERVAL_SINCE, .since = {1, 1700000003, 1699999990}},
		{.kind = INTERVAL_OTHER, .other = {1, 10000, 0, "packets", "", "udp"}},
		{.kind = INTERVAL_GOODBYE},
	};
	const unsigned int count = sizeof(words) / sizeof(*words);
	static __u8 out[2 * INTERVAL_MESSAGE_MAX];
	struct interval_writer writer = {.domain = 7};
	FILE *file = fopen(path, "w");
	unsigned int taken;
	ssize_t length;

	if (!file)
		fail(path, strerror(errno));
	length = interval_write(&writer, words, count, NOW_NS, out, sizeof(out), &taken);
	if (length < 0 || taken != count)
		fail("cannot encode", length < 0 ? strerror(-length) : "too much");
	if (fwrite(out, length, 1, file) != 1 || fclose(file))
		fail(path, strerror(errno));
}

/* ------------------------------------------------------------------------------------------- */

static int usage(FILE *out)
{
	fprintf(out,
		"usage: wirecat [-aos] FILE...\n"
		"       wirecat -e ipfix|v9|v5|file [-b] [-n COUNT] FILE\n"
		"       wirecat -i FILE\n"
		"\n"
		"  -a  a template holds for all datagrams of its sender's address, from whatever port:\n"
		"      for exporters that send templates and data from different ones. Not where two\n"
		"      exporters may stand behind one address (NAT): data would be read with the\n"
		"      other's templates, and nothing would show it\n"
		"  -o  print options data too\n"
		"  -s  at the end print what was counted, by sender and in all\n"
		"  -e  write made-up flows to FILE, -n so many, -b as biflows, and print them\n"
		"  -i  write one of each word that hosts and coordinators say to each other\n");
	return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	const char *protocol = NULL;
	bool biflow = false, counts = false, words = false;
	unsigned int count = 100;
	struct wire_decoder_options options = wire_decoder_defaults;
	struct wire_sink sink = {.flow.flows = print_flows};
	struct wire_decoder *d;
	int option;

	while ((option = getopt(argc, argv, "aose:bn:ih")) != -1) {
		switch (option) {
		case 'a':
			options.any_port = true;
			break;
		case 'o':
			sink.option = print_option;
			break;
		case 's':
			counts = true;
			break;
		case 'e':
			protocol = optarg;
			break;
		case 'b':
			biflow = true;
			break;
		case 'n':
			count = strtoul(optarg, NULL, 10);
			break;
		case 'i':
			words = true;
			break;
		case 'h':
			return usage(stdout);
		default:
			return usage(stderr);
		}
	}
	if (optind == argc || ((protocol || words) && optind + 1 != argc))
		return usage(stderr);
	if (words) {
		write_words(argv[optind]);
		return 0;
	}
	if (protocol) {
		encode(protocol, biflow, count, argv[optind]);
		return 0;
	}
	d = wire_decoder_new(&options, &sink);
	if (!d)
		fail("decoder", strerror(ENOMEM));
	while (optind < argc)
		read_file(d, argv[optind++]);
	if (counts) {
		wire_decoder_peers(d, print_source, NULL);
		print(json_pack("{s:o}", "counts", counts_json(wire_decoder_counts(d))));
	}
	wire_decoder_free(d);
	return 0;
}
