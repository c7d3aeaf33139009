#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a wa 10.9.0.1 ────── veth ────── 10.9.0.2 wb b, where weir runs
#     ├ wa.55 10.8.0.1 ─── VLAN ─── 10.8.0.2 wb.55 ┤
#     └ ta 10.7.0.1 ──── IP in IP ─── 10.7.0.2 tb ─┘
#
# All that weir does with a kernel, once, in a guest of tests/kernels/run. What this kernel has is
# asked of the kernel: the agent must use it, say so, and go without where it is not there.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
O=${O:-$HERE/../../build}
OTHERS=$O/bench.bpf.o

has() {
	grep -qw "$1" /proc/kallsyms
}

if has tcx_prog_attach; then tc=TCX; else tc=clsact; fi
if has bpf_xdp_metadata_rx_vlan_tag; then hint=yes; else hint=no; fi
echo "# $(uname -r) has $tc, VLAN hint: $hint"

# --- What the kernel says -------------------------------------------------------------------------

xdp_id() {
	on b bpftool -j net show dev wb | jq -r '.[0].xdp[0].id // empty'
}
program_name() {
	bpftool -j prog show id "$1" | jq -r .name
}
# filters DEV ingress|egress: names of programs that tc has there
filters() {
	on b tc filter show dev "$1" "$2" | sed -nE 's/.* (weir_[a-z0-9_]+|empty_tc).*/\1/p'
}
# links PROGRAM: how many links hold it; an older bpftool has a number for TCX
links() {
	local ids

	ids=$(bpftool -j prog show name "$1" | jq -c 'if type == "array" then map(.id) else [.id] end')
	bpftool -j link show | jq --argjson ids "$ids" \
		'map(select((.type | . == "tcx" or . == 11) and (.prog_id | IN($ids[])))) | length'
}
# hooked PROGRAM DEV ingress|egress TCX|clsact: there, and not on the other one
hooked() {
	echo "$1: $(links "$1") TCX links, filters on $2 $3: $(filters "$2" "$3" | tr '\n' ' ')"
	case $4 in
	TCX) [ "$(links "$1")" = 1 ] && ! filters "$2" "$3" | grep -q "^$1" ;;
	clsact) [ "$(links "$1")" = 0 ] && filters "$2" "$3" | grep -q "^$1" ;;
	esac
}
xdp_is_weir() {
	program_name "$(xdp_id)" | grep '^weir_xdp'
}
said() {
	grep -v "packets/s\|^[0-9:]* seen:" "$WORK/agent-b"
	grep -qE "$1" "$WORK/agent-b"
}
accounted() {
	seen_equals_interface b "$1" && conserved b
}
# A packet may come between the two readings, but not each time.
settled() {
	until_true 30 accounted "$1" || {
		accounted "$1"
		on b ip -s -s link show dev "$1"
		return 1
	}
}

# --- What weir says -------------------------------------------------------------------------------

# flow JQ: "flows packets bytes" of those that it selects, of all that are in the cache
flow() {
	on b "$WEIR" show flows -j -n 0 | jq -r "select($1)" |
		jq -rs '"\(length) \(map(.packets) | add // 0) \(map(.bytes) | add // 0)"'
}
flow_is() {
	echo "$1: $(flow "$1"), not $2"
	[ "$(flow "$1")" = "$2" ]
}
# show_all: every topic, as text and as JSON
show_all() {
	local topic

	for topic in status queries flows distinct losses interfaces; do
		echo "show $topic"
		on b "$WEIR" show "$topic" || return 1
		on b "$WEIR" show "$topic" -j | jq -e . >/dev/null || return 1
	done
}

config() {
	printf 'interfaces: [%s]\nflow: {size: 4096, idle_timeout: 10m, active_timeout: 30m}\n%s\n' \
		"$1" "${2-}" >"$WORK/weir.yaml"
}
run() {
	agent b -c "$WORK/weir.yaml"
}
# ends: stopped, nothing of it is left
ends() {
	stop b && nothing_left b && ! filters wb egress | grep weir
}

# pings FROM TO: ten of 84 bytes, of 104 in IPv6
pings() {
	on a ping -q -c 10 -i 0.02 -I "$1" "$2"
}
# iperf ARGS...: its report is in $WORK/iperf.json
iperf() {
	until_true 15 on b sh -c 'echo | nc -w 1 10.9.0.2 5201' || return 1
	on a iperf3 -J -c 10.9.0.2 "$@" >"$WORK/iperf.json" || { cat "$WORK/iperf.json"; return 1; }
}

# --- On a veth ------------------------------------------------------------------------------------

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24 || { echo "Bail out! no cable between hosts"; exit 1; }
# six 0|1: disable_ipv6. A host that has it talks of its own.
six() {
	on a sysctl -qw "net.ipv6.conf.wa.disable_ipv6=$1" &&
		on b sysctl -qw "net.ipv6.conf.wb.disable_ipv6=$1" || return 1
	[ "$1" = 1 ] || { on a ip addr add fd09::1/64 dev wa nodad &&
		on b ip addr add fd09::2/64 dev wb nodad; }
}
config wb
check "the agent starts on a veth" run
check "it says: native XDP and $tc" said "in: XDP native.*out: $tc"
check "the kernel has its XDP program" xdp_is_weir
check "and the one for what goes out, on $tc" hooked weir_tc_out wb egress $tc
check "ping passes" pings 10.9.0.1 10.9.0.2
check "both ends get an address in IPv6" six 0
check "ping passes there" until_true 10 pings fd09::1 fd09::2
check "is counted" flow_is '.src == "fd09::1" and .packets == 10' "1 10 1040"
six 1
start iperf b iperf3 -s
check "TCP passes" iperf -n 300K
check "UDP passes" iperf -u -b 5M -l 600 -n 300K
check "ten echo requests are a flow of ten packets, and so are the answers" \
	flow_is '.proto == 1' "2 20 1680"
check "the books equal the interface's, every packet accounted for" settled wb
check "show works on every topic" show_all

before=$(xdp_id)
start flood a ping -q -i 0.01 10.9.0.2
stop b KILL
seen=$(counter b seen_in)
more() {
	[ "$(counter b seen_in)" -gt $((seen + 5)) ]
}
check "killed: it still counts" until_true 15 more
check "started again: it adopts what runs" run
check "the same program" test -n "$before" -a "$(xdp_id)" = "$before"
stop flood
check "the books equal the interface's, nothing twice, nothing lost" settled wb

# --- VLAN -----------------------------------------------------------------------------------------

# vlan HOST DEV ID ADDR MAC-OF-PEER
vlan() {
	on "$1" ip link add link "$2" name "$2.$3" type vlan id "$3" &&
		on "$1" sysctl -qw "net.ipv6.conf.$2/$3.disable_ipv6=1" &&
		on "$1" ip addr add "$4" dev "$2.$3" && on "$1" ip link set "$2.$3" up
}
# vlans in|beside: where the tags shall be on the wire
vlans() {
	local offload=on

	[ "$1" = beside ] || offload=off
	on a ethtool -K wa txvlan $offload >/dev/null && on b ethtool -K wb txvlan $offload >/dev/null
}
# asks yes|no: whether XDP asks wb for tags
asks() {
	local why

	why=$(on b "$WEIR" show interfaces -j | jq -r 'select(.name == "wb").ingress.why')
	echo "$why"
	case $hint-$1 in
	yes-yes) [[ $why == *"reads offloaded VLAN tags"* ]] ;;
	yes-no) [[ $why == *"not asked for"* ]] ;;
	no-*) [[ $why == null ]] ;;
	esac
}
check "without VLAN devices nobody is asked for tags" asks no
check "VLAN devices come" vlan a wa 55 10.8.0.1/24
check "on both ends" vlan b wb 55 10.8.0.2/24
check "and now XDP asks, where it can" until_true 15 asks yes
check "with tags in the frame" vlans in
check "ping passes" pings 10.8.0.1 10.8.0.2
check "and XDP finds the tag" flow_is '.src == "10.8.0.1" and .vlan == 55' "1 10 840"
check "with tags beside the frame" vlans beside
check "ping passes again" pings 10.8.0.1 10.8.0.2
if [ $hint = yes ]; then
	check "and XDP asks for the tag" flow_is '.src == "10.8.0.1" and .vlan == 55' "1 20 1680"
else
	check "and XDP, which cannot ask here, finds none" \
		flow_is '.src == "10.8.0.1" and .vlan == 0' "1 10 840"
fi
check "every packet is accounted for" settled wb

# A bond with wb in it, whose VLAN device it is, and a bridge that begins to go by VLANs.
bond() {
	on b ip link add bond0 type bond mode active-backup && on b ip link set wb down &&
		on b ip link set wb master bond0 && on b ip link set wb up && on b ip link set bond0 up &&
		on b ip link add link bond0 name bond0.66 type vlan id 66
}
check "the VLAN device goes" on b ip link del wb.55
check "and XDP asks no more" until_true 15 asks no
if modprobe bonding 2>/dev/null; then
	check "a VLAN device comes on a bond that the interface is in" bond
	check "XDP asks" until_true 15 asks yes
	check "the interface leaves the bond" on b ip link set wb nomaster
	check "XDP asks no more" until_true 15 asks no
	on b ip link del bond0
	on b ip link set wb up
else
	skip "a VLAN device comes on a bond that the interface is in" "this kernel has no bonding"
fi
check "a bridge comes" on b ip link add br0 type bridge mcast_snooping 0
on b sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
check "that the interface is a port of" on b ip link set wb master br0
check "XDP does not ask yet" asks no
check "up" on b ip link set br0 up
check "the bridge begins to go by VLANs" on b ip link set br0 type bridge vlan_filtering 1
check "XDP asks" until_true 15 asks yes
check "it stops" on b ip link set br0 type bridge vlan_filtering 0
check "XDP asks no more" until_true 15 asks no
check "every packet is accounted for" settled wb
on b ip link del br0
check "a VLAN device comes again" vlan b wb 55 10.8.0.2/24
check "it ends, and nothing is left" ends

# --- A VLAN and its parent, both measured ---------------------------------------------------------

config "wb, wb.55"
check "a VLAN device and its parent are measured" run
check "that is said" until_true 15 said "wb.55: its packets are counted on wb too"
check "ping passes" pings 10.8.0.1 10.8.0.2
check "and is counted on both" flow_is '.src == "10.8.0.1"' "2 20 1680"
check "every packet is accounted for" conserved b
check "it ends, and nothing is left" ends
config "wb.55, wb" "count: once"
check "counting once" run
check "leaves the VLAN device out" until_true 15 said "wb.55: left out: wb below it is measured"
check "ping passes" pings 10.8.0.1 10.8.0.2
check "and is counted on the parent alone" flow_is '.src == "10.8.0.1"' "1 10 840"
check "it ends, and nothing is left" ends

# --- TC, with segmentation left to the device -----------------------------------------------------

offloads() {
	on a ethtool -K wa tx on tso on gso on && on b ethtool -K wb tx on tso on gso on gro on
}
# Each buffer of TCP is one packet of the interface's, and as many as it has segments of weir's.
segments_counted() {
	local sent got packets=0 bytes=0 rx

	# What a sender still has in its socket when the test ends is not sent.
	sent=$(jq -e .end.sum_sent.bytes "$WORK/iperf.json") &&
		got=$(jq -e .end.sum_received.bytes "$WORK/iperf.json") ||
		{ cat "$WORK/iperf.json"; return 1; }
	read -r _ packets bytes < <(flow '.proto == 6 and .dport == 5201')
	rx=$(stat_of b wb rx_packets)
	echo "iperf3 sent $sent bytes, got $got; weir $packets packets, $bytes bytes; interface $rx packets"
	[ "$got" -ge 100000 ] && [ "$packets" -ge $((got / 1448)) ] &&
		[ "$packets" -le $((sent / 1000)) ] && [ "$bytes" -ge $((got + packets * 40)) ] &&
		[ "$bytes" -le $((sent * 11 / 10)) ] && [ $((rx - rx_before)) -lt "$packets" ]
}
config wb 'attach: {ingress: tc, egress: clsact}'
check "the agent starts on TC, and on clsact as it was asked to" run
check "it says so" said "in: clsact.*out: clsact"
check "the kernel has it on clsact" hooked weir_tc_out wb egress clsact
check "both ways" hooked weir_tc_in wb ingress clsact
check "segmentation is left to the device" offloads
rx_before=$(stat_of b wb rx_packets)
check "TCP passes" iperf -n 2M
check "and is counted as it would go on the wire" segments_counted
check "every packet is accounted for" conserved b
check "ping passes with tags" pings 10.8.0.1 10.8.0.2
check "which the stack has taken off, and still are the flow's" \
	flow_is '.src == "10.8.0.1" and .vlan == 55' "1 10 840"
stop b KILL
check "detach removes what a dead agent left" on b "$WEIR" detach --all
check "nothing stays attached" nothing_left b
check "no filter either" test -z "$(filters wb ingress)$(filters wb egress)"

# --- Beside others --------------------------------------------------------------------------------

others() {
	on b bpftool prog loadall "$OTHERS" /sys/fs/bpf/others &&
		on b bpftool net attach xdpdrv pinned /sys/fs/bpf/others/empty_xdp dev wb &&
		on b tc qdisc replace dev wb clsact &&
		on b tc filter add dev wb ingress bpf da object-pinned /sys/fs/bpf/others/empty_tc &&
		on b tc filter add dev wb egress bpf da object-pinned /sys/fs/bpf/others/empty_tc
}
others_stay() {
	echo "XDP $(program_name "$(xdp_id)"), in $(filters wb ingress), out $(filters wb egress)"
	[ "$(program_name "$(xdp_id)")" = empty_xdp ] &&
		filters wb ingress | grep -q empty_tc && filters wb egress | grep -q empty_tc
}
check "another's programs are on XDP, and on TC both ways" others
config wb
check "the agent starts beside them" run
check "it says that XDP is taken, and that it is on $tc" said "in: $tc.*XDP is taken.*out: $tc"
check "the others are still there" others_stay
check "the kernel has it on $tc" hooked weir_tc_in wb ingress $tc
check "ping passes" pings 10.9.0.1 10.9.0.2
check "and is counted" flow_is '.proto == 1' "2 20 1680"
check "every packet is accounted for" conserved b
check "it ends" stop b
check "and leaves the others alone" others_stay
on b bpftool net detach xdp dev wb
on b tc qdisc del dev wb clsact

# --- Without a link header ------------------------------------------------------------------------

# tunnel HOST DEV ADDR FROM TO
tunnel() {
	on "$1" ip link add "$2" type ipip local "$4" remote "$5" &&
		on "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1" &&
		on "$1" ip addr add "$3" dev "$2" && on "$1" ip link set "$2" up
}
check "a tunnel comes" tunnel a ta 10.7.0.1/24 10.9.0.1 10.9.0.2
check "on both ends" tunnel b tb 10.7.0.2/24 10.9.0.2 10.9.0.1
config tb
check "the agent starts on it" run
check "it says: $tc both ways" said "in: $tc.*out: $tc"
check "the kernel has its programs for such devices" hooked weir_l3_in tb ingress $tc
check "both ways" hooked weir_l3_out tb egress $tc
check "ping passes" pings 10.7.0.1 10.7.0.2
check "and is a flow each way" flow_is '.proto == 1' "2 20 1680"
check "the books equal the interface's, every packet accounted for" settled tb
check "it ends, and nothing is left" ends

# --- Captures -------------------------------------------------------------------------------------

# The books of a few captures, beside what the machine that made this guest says of them.
replays_alike() {
	local want=$HERE/../../expected/${O##*/}.json

	"$WEIR" replay -j "$WEIR_PCAPS"/* >"$WORK/replay" && jq -e .conserved "$WORK/replay" >/dev/null &&
		cmp "$WORK/replay" "$want"
}
if [ -e "$HERE/../../expected" ]; then
	check "captures replayed give what they gave elsewhere, to the byte" replays_alike
else
	skip "captures replayed give what they gave elsewhere" "no captures in WEIR_PCAPS"
fi
done_testing
