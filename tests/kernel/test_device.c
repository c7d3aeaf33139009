/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets as a device hands them to the stack, which TEST_RUN cannot make: with their headers in
 * pages beside the buffer, with tags that the stack took off, without a link header.
 *
 *	write() ─→ tap0 or tun0 ─→ TC ingress: weir_tc_in, weir_l3_in ─→ stack
 *	           in a network namespace of this process alone
 *
 * A tun device keeps as much of a packet of more than a page in one piece as its virtio header
 * says (tun_alloc_skb()), so that says the least.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/bed.h"
#include "kernel/zoo.h"

#define TCX_INGRESS 46 /* enum bpf_attach_type */
#define LONG 6000      /* more than a page */
#define LONGEST_802_3 1500

static struct bed bed;
static struct frame zoo[ZOO_FRAMES];
static int tap = -1, tun = -1;

static int make_device(const char *name, int flags, __u32 *ifindex)
{
	struct ifreq request = {.ifr_flags = flags | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), control = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || control < 0)
		return -1;
	strcpy(request.ifr_name, name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	request.ifr_mtu = 9000;
	assert_int_equal(ioctl(control, SIOCSIFMTU, &request), 0);
	assert_int_equal(ioctl(control, SIOCGIFFLAGS, &request), 0);
	request.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(control, SIOCSIFFLAGS, &request), 0);
	assert_int_equal(ioctl(control, SIOCGIFINDEX, &request), 0);
	*ifindex = request.ifr_ifindex;
	close(control);
	return fd;
}

/* By TCX, before 6.6 by clsact; either goes with the network namespace. */
static void attach(int prog, __u32 ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog);

	if (bpf_link_create(prog, ifindex, TCX_INGRESS, NULL) >= 0)
		return;
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
}

/* Says why and skips where the kernel cannot do it. */
static void need_devices(void)
{
	__u32 tap_index, tun_index;

	if (tap >= 0)
		return;
	if (unshare(CLONE_NEWNET)) {
		print_message("# no network namespace: %s\n", strerror(errno));
		skip();
	}
	tap = make_device("tap0", IFF_TAP, &tap_index);
	if (tap < 0) {
		print_message("# no /dev/net/tun: %s\n", strerror(errno));
		skip();
	}
	tun = make_device("tun0", IFF_TUN, &tun_index);
	assert_true(tun >= 0);
	attach(bed.m.prog[PROG_TC_IN], tap_index);
	attach(bed.m.prog[PROG_L3_IN], tun_index);
}

/* linear: bytes to keep in one piece, if there are more than a page */
static void send_frame(int fd, const struct frame *f, __u16 linear, __u16 segment_bytes)
{
	struct {
		struct virtio_net_hdr header;
		__u8 data[FRAME_BYTES];
	} __attribute__((packed)) out = {.header = {.hdr_len = linear}};
	int bytes = sizeof(out.header) + f->bytes;

	if (segment_bytes) {
		out.header.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		out.header.gso_size = segment_bytes;
		out.header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		out.header.csum_start = f->ip_at[0] + 20;
		out.header.csum_offset = 16;
	}
	memcpy(out.data, f->data, f->bytes);
	assert_int_equal(write(fd, &out, bytes), bytes);
}

/* Has the frame a length, behind its tag if it has one, where others have a type? */
static bool is_802_3(const struct frame *f)
{
	return f->data[f->data[12] == 0x81 ? 16 : 12] < 6;
}

static void headers_outside_the_linear_buffer_are_read(void **state)
{
	need_devices();
	for (int i = 0; i < ZOO_FRAMES - 2; i++) {
		static const __u16 linear[] = {14, 18, 34, 60, 100};

		for (size_t l = 0; l < sizeof(linear) / sizeof(*linear); l++) {
			struct frame f = zoo[i];
			struct bed_flow flow;

			frame_payload(&f, (is_802_3(&f) ? LONGEST_802_3 : LONG) - f.bytes);
			frame_end(&f);
			bed_reset(&bed);
			send_frame(tap, &f, linear[l], 0);
			flow = bed_only_flow(&bed);
			assert_int_equal(__builtin_bswap16(flow.flow.key.sport), 1111);
			assert_int_equal(__builtin_bswap16(flow.flow.key.dport), 2222);
			assert_int_equal(flow.flow.packets, 1);
			assert_int_equal(flow.flow.bytes, f.bytes - f.ip_at[f.ips - 1]);
			bed_expect_conserved(&bed);
		}
	}
	bed_expect_balance(&bed);
}

static void tags_that_the_stack_takes_off_are_still_the_flows(void **state)
{
	struct frame f = {};
	struct bed_flow flow;

	need_devices();
	for (__u32 payload = 10; payload <= LONG; payload += LONG - 10) {
		f = (struct frame){};
		frame_eth(&f);
		frame_vlan(&f, 0x8100, 55);
		frame_ip4(&f, "192.0.2.1", "10.0.0.1");
		frame_udp(&f, 1, 2);
		frame_payload(&f, payload);
		frame_end(&f);
		bed_reset(&bed);
		send_frame(tap, &f, 18, 0);
		flow = bed_only_flow(&bed);
		bed_expect_key(&flow, &(struct bed_key){"192.0.2.1", "10.0.0.1", 1, 2, .proto = 17,
							.vlan = 55});
		assert_int_equal(flow.flow.bytes, 28 + payload);
		bed_expect_balance(&bed);
	}
}

static void a_tun_device_has_no_link_header(void **state)
{
	need_devices();
	for (int six = 0; six < 2; six++) {
		for (__u32 payload = 10; payload <= LONG; payload += LONG - 10) {
			struct bed_key want = {six ? "2001:db8::1" : "192.0.2.1",
					       six ? "fd00::1" : "10.0.0.1", 1, 2, .proto = 6};
			struct frame f = {};
			struct bed_flow flow;

			if (six)
				frame_ip6(&f, want.src, want.dst);
			else
				frame_ip4(&f, want.src, want.dst);
			frame_tcp(&f, 1, 2, WEIR_TCP_SYN);
			frame_payload(&f, payload);
			frame_end(&f);
			bed_reset(&bed);
			send_frame(tun, &f, 20, 0);
			flow = bed_only_flow(&bed);
			bed_expect_key(&flow, &want);
			assert_int_equal(flow.flow.bytes, f.bytes);
			bed_expect_balance(&bed);
		}
	}
}

/* A sender that the kernel does not trust leaves the number of segments to be worked out. */
static void a_buffer_that_names_its_segment_size_only_is_counted_in_segments(void **state)
{
	struct frame f = {};

	need_devices();
	frame_eth(&f);
	frame_ip4(&f, "192.0.2.1", "10.0.0.1");
	frame_tcp(&f, 1, 2, WEIR_TCP_ACK);
	frame_payload(&f, 5500);
	frame_end(&f);
	bed_reset(&bed);
	send_frame(tap, &f, 54, 1000);
	assert_int_equal(bed_only_flow(&bed).flow.packets, 6);
	assert_int_equal(bed_only_flow(&bed).flow.bytes, 6 * 40 + 5500);
	bed_expect_balance(&bed);
}

static int open_bed(void **state)
{
	zoo_frames(zoo);
	bed_open(&bed, &(struct meter_options){.flow_size = 64}, "queries: []\ntunnels: inner\n");
	return 0;
}

static int close_bed(void **state)
{
	close(tap);
	close(tun);
	bed_close(&bed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_outside_the_linear_buffer_are_read),
		cmocka_unit_test(tags_that_the_stack_takes_off_are_still_the_flows),
		cmocka_unit_test(a_tun_device_has_no_link_header),
		cmocka_unit_test(a_buffer_that_names_its_segment_size_only_is_counted_in_segments),
	};

	if (bed_is_impossible())
		return 0;
	return cmocka_run_group_tests(tests, open_bed, close_bed);
}
