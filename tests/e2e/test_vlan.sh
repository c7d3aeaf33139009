#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1 ─ tag_tc ─── veth ─── 10.9.0.2 b, where weir runs at XDP
#
#
# tag_tc puts VLAN tags beside the frames, as devices do that take them off the wire: XDP finds none
# in the frame and has to ask.
. "$(dirname "$0")/lib.sh"
OTHERS=${O:-$HERE/../../build}/bench.bpf.o

if ! grep -qw bpf_xdp_metadata_rx_vlan_tag /proc/kallsyms; then
	echo "1..0 # SKIP the kernel has no bpf_xdp_metadata_rx_vlan_tag (Linux 6.8)"
	exit 0
fi

# tagging: on a, between its stack and the wire
tagging() {
	on a tc qdisc add dev wa clsact &&
		on a tc filter add dev wa egress bpf da object-pinned /sys/fs/bpf/others/tag_tc
}
cable() {
	wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
	on a ip neigh replace 10.9.0.2 lladdr "$(on b cat /sys/class/net/wb/address)" dev wa
	tagging
}
# send PORT MARK [TAG]: ten datagrams of 100 bytes to b; MARK is the tag that goes beside the frame,
# TAG one in the frame.
send() {
	on a python3 - "$@" <<-'END'
		import socket, struct, sys
		port, mark, tag = (list(map(int, sys.argv[1:])) + [0])[:3]
		if tag:
		    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		    s.bind(("wa", 0))
		    udp = struct.pack("!4H", 999, port, 108, 0) + bytes(100)
		    ip = struct.pack("!2B3H2BH", 69, 0, 128, 0, 0, 64, 17, 0) + bytes([10, 9, 0, 1, 10, 9, 0, 2])
		    frame = b"\xff" * 6 + b"\x02" + bytes(5) + struct.pack("!3H", 0x8100, tag, 0x800) + ip + udp
		else:
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.bind(("10.9.0.1", 999))
		s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
		for _ in range(10):
		    s.send(frame) if tag else s.sendto(bytes(100), ("10.9.0.2", port))
	END
}
# flows PORT: "vlan packets bytes" of each flow to that port
flows() {
	on b "$WEIR" show flows -j | jq -r "select(.dport == $1) | \"\(.vlan) \(.packets) \(.bytes)\""
}
# flow_is PORT VLAN PACKETS: one flow of datagrams of 128 bytes, IP header included
flow_is() {
	echo "port $1: $(flows "$1")"
	[ "$(flows "$1")" = "$2 $3 $((128 * $3))" ]
}
why() {
	on b "$WEIR" show interfaces -j | jq -r 'select(.name == "wb").ingress.why'
}
reads_tags() {
	why
	why | grep -q "XDP native, reads offloaded VLAN tags"
}
xdp_program() {
	on b bpftool -j net show dev wb | jq -r '.[0].xdp[0] | "\(.id) \(.mode // .kind)"'
}
accounted() {
	seen_equals_interface b wb && conserved b
}

host a
host b
check "a program that tags is loaded" on a bpftool prog loadall "$OTHERS" /sys/fs/bpf/others
check "and put before the wire" cable
printf 'interfaces: [wb]\nattach: {vlan: always}\n' >"$WORK/native.yaml"
printf 'interfaces: [wb]\n' >"$WORK/auto.yaml"
printf 'interfaces: [wb]\nattach: {vlan: never}\n' >"$WORK/never.yaml"
printf 'interfaces: [wb]\nattach: {ingress: generic}\n' >"$WORK/generic.yaml"
printf 'interfaces: [wb]\nattach: {ingress: tc}\n' >"$WORK/tc.yaml"

check "generic XDP, which cannot ask, is attached" agent b -c "$WORK/generic.yaml"
send 5000 55
check "and finds no tag in the frame" flow_is 5000 0 10
check "every packet is accounted for" conserved b
stop b
on b "$WEIR" detach --all 2>/dev/null

check "TC, where the stack has the tags, is attached" agent b -c "$WORK/tc.yaml"
send 5000 55
send 5001 $((3 << 13 | 4094)) 7
check "and finds it" flow_is 5000 55 10
check "and the outer one of two" flow_is 5001 4094 10
stop b
on b "$WEIR" detach --all 2>/dev/null

on a ip link del wa
cable
check "native XDP is attached" agent b -c "$WORK/native.yaml"
check "and says that it reads offloaded tags" reads_tags
send 5000 55
send 5001 $((3 << 13 | 4094)) 7
send 5002 0
send 5003 0 7
check "it finds what TC found" flow_is 5000 55 10
check "two tags too, without the priority" flow_is 5001 4094 10
check "none where there is none" flow_is 5002 0 10
check "and the one in the frame" flow_is 5003 7 10
check "the books equal the interface's, every packet accounted for" accounted

before=$(xdp_program)
stop b KILL
send 5000 55
check "killed: it still counts" flow_is 5000 55 20
check "started again: it adopts what runs" agent b -c "$WORK/native.yaml"
check "the same program" test -n "$before" -a "$(xdp_program)" = "$before"
check "and still says why" reads_tags
send 5000 55
send 5004 4095
check "the flow goes on" flow_is 5000 55 30
check "and others begin" flow_is 5004 4095 10
check "the books equal the interface's, nothing twice, nothing lost" accounted

on a ip link del wa
check "the interface goes: it is let go" until_true 10 grep -q "wb: gone" "$WORK/agent-b"
check "its packets stay accounted for" conserved b
check "it comes back" cable
check "and is attached again" until_true 10 reads_tags
send 5005 77
check "to read tags" until_true 5 flow_is 5005 77 10
stop b KILL
check "a dead agent's program is detached from the interface" on b "$WEIR" detach -i wb
check "and off the interface" test "$(xdp_program)" = "null null"
check "detach removes the rest" on b "$WEIR" detach --all
check "nothing stays attached" nothing_left b

# --- Who wants the tags ---------------------------------------------------------------------------

does_not_ask() {
	why
	why | grep -q "XDP native (offloaded VLAN tags not asked for)"
}
# bound yes|no: is there a program of the interface's own?
bound() {
	on b ls /sys/fs/bpf/weir/links
	[ "$(on b ls /sys/fs/bpf/weir/links | grep -c bound)" = "$([ "$1" = yes ] && echo 1 || echo 0)" ]
}
# hears all|own: wb is promiscuous, as a monitoring port is. With VLAN devices and VLAN-aware bridges,
# which not every kernel has, tests/kernels/smoke.sh does the same.
hears() {
	on b ip link set wb promisc "$([ "$1" = all ] && echo on || echo off)"
}
# toggles: tags are wanted and not wanted, again and again
toggles() {
	for _ in 1 2 3 4 5; do
		hears all && until_true 5 reads_tags && hears own && until_true 5 does_not_ask || return 1
	done
}
on a ip link del wa
cable
check "without VLANs" agent b -c "$WORK/auto.yaml"
check "nobody is asked for tags" does_not_ask
check "and the common program is attached" bound no
send 6000 55
check "so it finds none" flow_is 6000 0 10
check "a bridge comes" on b ip link add br0 type bridge mcast_snooping 0
check "and the interface becomes a port of it" on b ip link set wb master br0
check "it is still not asked, for the bridge does not go by VLANs" does_not_ask
check "and leaves it" on b ip link set wb nomaster
check "its administrator makes it hear all there is" hears all
check "now it is asked" until_true 5 reads_tags
check "by a program of its own" bound yes
send 6002 55
check "which finds the tag" flow_is 6002 55 10
stop b KILL
check "killed" hears own
check "and started again when nobody wants tags" agent b -c "$WORK/auto.yaml"
check "it asks no more" does_not_ask
check "with the common program" bound no
start flood a ping -q -f -i 0.001 10.9.0.2
flooding=$(counter b seen_in)
check "wanted and not wanted while packets come" toggles
check "and came" test "$(counter b seen_in)" -gt $((flooding + 100))
stop flood
check "no packet was missed or counted twice" until_true 5 accounted
check "it hears all once more" hears all
check "and is asked" until_true 5 reads_tags
cp "$WORK/never.yaml" "$WORK/auto.yaml"
kill -HUP "${AGENT[b]}"
check "until told never to ask" until_true 5 does_not_ask
check "the books equal the interface's, nothing twice, nothing lost" accounted
check "it ends" stop b
check "nothing stays attached" nothing_left b
done_testing
