/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Captures that are damaged, made here word by word: the packets before the damage are handed on,
 * and the reason says where the rest stopped. Whole captures of every kind are in
 * tests/e2e/test_captures.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/capture.h"

#define WORDS 64

struct got {
	int packets;
	__u32 bytes, wire_bytes;
	__u64 now_ns;
	int stop_at;
};

static int keep(void *context, const struct capture_packet *packet)
{
	struct got *got = context;

	assert_true(packet->bytes <= packet->wire_bytes);
	got->packets++;
	got->bytes = packet->bytes;
	got->wire_bytes = packet->wire_bytes;
	got->now_ns = packet->now_ns;
	return got->packets == got->stop_at ? 17 : 0;
}

static struct capture_counts counts;
static struct why why;

static int read_bytes(const void *data, size_t bytes, struct got *got)
{
	int fd = memfd_create("capture", 0), code;
	char path[64];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, bytes), bytes);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	counts = (struct capture_counts){};
	why = (struct why){};
	code = capture_read(path, keep, got, &counts, &why);
	close(fd);
	return code;
}

/* Packets that are handed on before the end; `reason` is what the line ends with, NULL for none. */
static void expect(const __u32 *words, size_t count, int packets, const char *reason)
{
	struct got got = {};
	int code = read_bytes(words, count * sizeof(*words), &got);

	assert_int_equal(got.packets, packets);
	assert_int_equal(counts.count[CAPTURE_READ].packets, packets);
	assert_int_equal(code, reason ? -EBADMSG : 0);
	if (reason && !strstr(why.text, reason))
		fail_msg("'%s' is not in '%s'", reason, why.text);
}

#define EXPECT(packets, reason, ...)                                                               \
	do {                                                                                       \
		const __u32 words_[] = {__VA_ARGS__};                                              \
		expect(words_, sizeof(words_) / sizeof(*words_), packets, reason);                 \
	} while (0)

#define PCAP 0xa1b2c3d4, 0x00040002, 0, 0, 65535
#define PCAP_RAW PCAP, 101
#define PCAP_PACKET 7, 1, 4, 4, 0x45
#define SECTION 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, ~0u, ~0u, 28
#define INTERFACE 1, 20, 101, 0, 20
#define PACKET 6, 36, 0, 0, 9, 4, 4, 0x45, 36

static void a_damaged_pcap_gives_what_is_good(void **state)
{
	EXPECT(0, NULL, PCAP_RAW);
	EXPECT(2, NULL, PCAP_RAW, PCAP_PACKET, PCAP_PACKET);
	EXPECT(0, "at byte 0: the file ends here: 8 of 20 bytes", 0xa1b2c3d4, 2, 0);
	EXPECT(0, "version 3.4", 0xa1b2c3d4, 0x00040003, 0, 0, 65535, 101);
	EXPECT(1, "after packet 1, at byte 44: the file ends here: 12 of 16 bytes", PCAP_RAW,
	       PCAP_PACKET, 7, 1, 4);
	EXPECT(1, "at byte 44: a packet of 262145 captured bytes", PCAP_RAW, PCAP_PACKET, 7, 1,
	       262145, 262145);
	EXPECT(0, "link type 147 (USER0) is not one", PCAP, 147);
	EXPECT(0, "neither pcap nor pcapng", 0xa1b2c3d5, 2, 0, 0, 65535, 101);
}

static void a_damaged_pcapng_gives_what_is_good(void **state)
{
	EXPECT(0, NULL, SECTION);
	EXPECT(2, NULL, SECTION, INTERFACE, PACKET, PACKET);
	EXPECT(1, NULL, SECTION, INTERFACE, PACKET, 0x999, 12, 12);
	EXPECT(1, NULL, SECTION, INTERFACE, PACKET, SECTION);
	EXPECT(1, "after packet 1, at byte 112: a packet of interface 0, but the section has 0",
	       SECTION, INTERFACE, PACKET, SECTION, PACKET);
	EXPECT(1, "a block of 10 bytes", SECTION, INTERFACE, PACKET, 6, 10, 0, 0);
	EXPECT(1, "a block of 38 bytes", SECTION, INTERFACE, PACKET, 6, 38, 0, 0);
	EXPECT(1, "a block too short for its contents", SECTION, INTERFACE, PACKET, 6, 16, 0, 16);
	EXPECT(1, "a packet of 8 bytes in a block with 4 left", SECTION, INTERFACE, PACKET, 6, 36,
	       0, 0, 9, 8, 8, 0x45, 36);
	EXPECT(1, "a block of 36 bytes whose end says 40", SECTION, INTERFACE, PACKET, 6, 36, 0, 0,
	       9, 4, 4, 0x45, 40);
	EXPECT(1, "the file ends here", SECTION, INTERFACE, PACKET, 6, 36, 0, 0, 9, 4, 4, 0x45);
	EXPECT(0, "a packet of interface 1, but the section has 1", SECTION, INTERFACE, 6, 36, 1, 0,
	       9, 4, 4, 0x45, 36);
	EXPECT(0, "a section without a valid byte-order mark", 0x0a0d0d0a, 28, 0x1a2b3c4e, 1, 0, 0,
	       28);
	EXPECT(0, "pcapng version 2.0", 0x0a0d0d0a, 28, 0x1a2b3c4d, 2, 0, 0, 28);
	EXPECT(0, "a block of 16 bytes", 0x0a0d0d0a, 16, 0x1a2b3c4d, 1, 0, 0, 28);
	EXPECT(0, "too short for its contents", SECTION, 1, 24, 101, 0, 9 | 8 << 16, 24);
}

static void times_that_cannot_be_are_refused(void **state)
{
	/* 2^32 * 2^32 units of 10^-6 are in the year 586524; 10^-20 and 2^-64 are no units. */
	EXPECT(1, "a time before 1970 or after 2261", SECTION, INTERFACE, PACKET, 6, 36, 0, ~0u,
	       ~0u, 4, 4, 0x45, 36);
	EXPECT(0, "times in units of 10^-20 seconds", SECTION, 1, 28, 101, 0, 9 | 1 << 16, 20, 28);
	EXPECT(0, "times in units of 2^-64 seconds", SECTION, 1, 28, 101, 0, 9 | 1 << 16, 0xc0, 28);
	/* An offset of -1 s, before the epoch. */
	EXPECT(0, "a time before 1970", SECTION, 1, 32, 101, 0, 14 | 8 << 16, ~0u, ~0u, 32, PACKET);
}

static void a_fraction_of_a_second_or_more_costs_its_packet_the_time(void **state)
{
	const __u32 words[] = {PCAP_RAW, PCAP_PACKET, 9, 1000000, 4, 4, 0x45, 8, ~0u, 4, 4, 0x45};
	struct got got = {};

	assert_int_equal(read_bytes(words, sizeof(words), &got), -EBADMSG);
	assert_non_null(strstr(why.text, "times of 2 of 3 packets have a fraction of a second or "
					 "more, the first in packet 2: 1000000/1000000"));
	assert_int_equal(got.packets, 3);
	assert_int_equal(got.now_ns, 7000001000);
	assert_int_equal(counts.count[CAPTURE_BAD_TIME].packets, 2);
	assert_int_equal(counts.first_ns, 7000001000);
	assert_int_equal(counts.last_ns, 7000001000);
	EXPECT(1, "the first in packet 1: 1000000000/1000000000", 0xa1b23c4d, 0x00040002, 0, 0,
	       65535, 101, 7, 1000000000, 4, 4, 0x45);
}

static void a_first_packet_with_such_a_fraction_has_its_second(void **state)
{
	const __u32 words[] = {PCAP_RAW, 7, 8915240, 4, 4, 0x45};
	struct got got = {};

	assert_int_equal(read_bytes(words, sizeof(words), &got), -EBADMSG);
	assert_int_equal(got.packets, 1);
	assert_int_equal(got.now_ns, 7000000000);
	assert_false(counts.timed);
}

static void what_stops_the_reader_is_returned(void **state)
{
	const __u32 words[] = {PCAP_RAW, PCAP_PACKET, PCAP_PACKET, PCAP_PACKET};
	struct got got = {.stop_at = 2};

	assert_int_equal(read_bytes(words, sizeof(words), &got), 17);
	assert_int_equal(got.packets, 2);
	assert_string_equal(why.text, "");
}

static void times_are_nanoseconds_whatever_the_unit(void **state)
{
	static const struct {
		__u32 option, high, low;
		__u64 ns;
	} cases[] = {
		{6, 0, 1, 1000},
		{9, 1, 0, 4294967296},
		{0, 0, 5, 5000000000},
		{12, 0, 1999, 1},
		{0x80 | 10, 0, 1024 + 512, 1500000000},
		{0x80 | 32, 1, 1u << 31, 1500000000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const __u32 words[] = {SECTION,         1,  28, 101,  0, 9 | 1 << 16,
				       cases[i].option, 28, 6,  36,   0, cases[i].high,
				       cases[i].low,    4,  4,  0x45, 36};
		struct got got = {};

		assert_int_equal(read_bytes(words, sizeof(words), &got), 0);
		assert_int_equal(got.now_ns, cases[i].ns);
		assert_int_equal(counts.first_ns, cases[i].ns);
	}
}

static void lengths_never_wrap(void **state)
{
	/* SLL of 16 bytes: 2 less than an Ethernet header. */
	static const struct {
		__u32 bytes, told, wire_bytes;
		__u64 short_wire;
	} cases[] = {
		{20, 20, 18, 0},       {20, 0, 18, 1},  {20, 15, 18, 1},
		{20, ~0u, ~0u - 2, 0}, {16, 16, 14, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		__u32 words[] = {PCAP, 113, 7,          1,   cases[i].bytes, cases[i].told, 0,
				 0,    0,   0x08000000, 0x45};
		struct got got = {};

		assert_int_equal(read_bytes(words, 40 + cases[i].bytes, &got), 0);
		assert_int_equal(got.wire_bytes, cases[i].wire_bytes);
		assert_int_equal(got.bytes, cases[i].bytes - 2);
		assert_int_equal(counts.count[CAPTURE_SHORT_WIRE].packets, cases[i].short_wire);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_pcap_gives_what_is_good),
		cmocka_unit_test(a_damaged_pcapng_gives_what_is_good),
		cmocka_unit_test(times_that_cannot_be_are_refused),
		cmocka_unit_test(a_fraction_of_a_second_or_more_costs_its_packet_the_time),
		cmocka_unit_test(a_first_packet_with_such_a_fraction_has_its_second),
		cmocka_unit_test(what_stops_the_reader_is_returned),
		cmocka_unit_test(times_are_nanoseconds_whatever_the_unit),
		cmocka_unit_test(lengths_never_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
