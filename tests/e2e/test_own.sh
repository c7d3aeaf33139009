#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   b 10.9.1.1 wb, measured ─── veth ─── 10.9.1.2 c: collectors over UDP and TCP, a coordinator
#
# Nothing is on the link but what weir itself sends and gets back. With count_own: false it is in one
# counter and in no flow and no query, so nothing is exported about exports.
. "$(dirname "$0")/lib.sh"

host b
host c
wire b wb 10.9.1.1/24 c wc 10.9.1.2/24
# IPv6 too, without anything of its own: no link-local address, neighbours known.
ip6() { # HOST DEV ADDRESS
	on "$1" ip link set "$2" addrgenmode none
	on "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=0"
	on "$1" ip addr add "$3/64" dev "$2" nodad
}
neighbour() { # HOST DEV ADDRESS OF_HOST OF_DEV
	on "$1" ip neigh replace "$3" dev "$2" nud permanent \
		lladdr "$(on "$4" cat "/sys/class/net/$5/address")"
}
ip6 b wb fd00:9::1
ip6 c wc fd00:9::2
neighbour b wb fd00:9::2 c wc
neighbour c wc fd00:9::1 b wb

cat >"$WORK/own.yaml" <<END
count_own: false
interfaces: [wb]
flow: {size: 4096, idle_timeout: 1s, active_timeout: 2s, closed_timeout: 0s}
queries:
  - {name: all, match: "ip or ip6", window: 5s}
  - {name: tcp, match: "tcp", window: 5s}
export:
  - {to: "ipfix+udp://10.9.1.2:4739", domain: 1, options_refresh: 1s}
  - {to: "v9+udp://[fd00:9::2]:9995", domain: 2, options_refresh: 1s}
  - {to: "ipfix+tcp://10.9.1.2:4739", domain: 3, options_refresh: 1s}
  - {to: "ipfix+tcp://[fd00:9::2]:4740", domain: 4, options_refresh: 1s}
report: {address: "tcp://10.9.1.2:4747", host: 1, plain: true}
END
sed '/^count_own/d' "$WORK/own.yaml" >"$WORK/counted.yaml"
cat >"$WORK/coordinate.yaml" <<END
queries:
  - {name: all, match: "ip or ip6", window: 5s}
  - {name: tcp, match: "tcp", window: 5s}
coordinate: {listen: ["tcp://0.0.0.0:4747"], plain: true, hosts: [1]}
END
for port in 4739 9995; do
	start "udp$port" c socat -u udp6-recv:$port OPEN:/dev/null
done
for port in 4739 4740; do
	start "tcp$port" c socat -u tcp6-listen:$port,reuseaddr,fork OPEN:/dev/null
	until_true 10 on c sh -c "ss -Htln 'sport = :$port' | grep -q LISTEN"
done
start coordinate c "$WEIR" coordinate -c "$WORK/coordinate.yaml" -j
until_true 10 on c sh -c "ss -Htln 'sport = :4747' | grep -q LISTEN"

state() {
	on b "$WEIR" show status -j | jq -r "$1"
}
all_up() {
	[ "$(state '[.exporters[].state] | unique | join(" ")')" = up ] &&
		[ "$(state .report.state)" = up ]
}
exported() {
	state '[.exporters[].exported.flow_count] | add'
}
# pings_exported PINGS: to each collector, with their answers.
pings_exported() {
	[ "$(state '[.exporters[].exported.packets] | unique | join(" ")')" = $((2 * $1)) ]
}
# quiet_for SECONDS [EXPORTED]: packets of weir's own come, and no flow, resident or exported, and no
# query has any.
quiet_for() {
	local own before
	before=$(counter b own)
	sleep "$1"
	own=$(counter b own)
	on b "$WEIR" show flows -j
	on b "$WEIR" show queries -j
	echo "own $before, then $own; exported $(exported)"
	[ "$own" -gt $((before + 10)) ] && [ "$(exported)" = "${2:-0}" ] &&
		[ -z "$(on b "$WEIR" show flows -j | jq -c 'select(.proto == 6 or .proto == 17)')" ] &&
		[ "$(on b "$WEIR" show queries -j | jq -s '[.[].average.packets_per_second] | add')" = 0 ]
}

# What IPv6 says of a new address: each host tells of its multicast group twice (RFC 3810, 6.1), and
# that is no traffic of weir's.
told_groups() { # HOST DEV
	[ "$(on "$1" awk '$1 == "Icmp6OutMLDv2Reports" { print $2 }' "/proc/net/dev_snmp6/$2")" -ge 2 ]
}
until_true 10 told_groups b wb
until_true 10 told_groups c wc
# missed: what the interface counted and weir did not, in and out, read while nothing passes. Exporters
# send before the first program is attached; after that nothing more is missed.
missed() {
	local in= out= again=
	while [ "$again" != "$in $out" ] || [ -z "$in" ]; do
		in=$(counter b seen_in) out=$(counter b seen_out)
		echo "$(($(stat_of b wb rx_packets) - in)) $(($(stat_of b wb tx_packets) - out))" >"$WORK/missed"
		again="$(counter b seen_in) $(counter b seen_out)"
	done
	cat "$WORK/missed"
}
balanced() {
	[ "$(missed)" = "$at_first" ] && conserved b
}
check "the agent starts" agent b -q -c "$WORK/own.yaml"
at_first=$(missed)
check "collectors and the coordinator are connected" until_true 20 all_up
check "on an idle link nothing is exported about exports" quiet_for 6
check "every packet is accounted for, as the interface counted it" until_true 5 balanced
told() {
	conserved b | grep -E '^\+ own +[1-9]'
}
check "show losses names it" told

on c ping -qc 3 -i 0.2 10.9.1.1 >/dev/null
others() {
	[ "$(exported)" -gt 0 ]
}
check "what is not weir's own is exported" until_true 20 others

stop b KILL
on c ping -qc 2 -i 0.2 10.9.1.1 >/dev/null
check "killed, and started again, it goes on" agent b -q -c "$WORK/own.yaml"
check "with new connections" until_true 20 all_up
check "every packet is accounted for, as the interface counted it" until_true 5 balanced
check "what is not weir's own is exported, and once" until_true 20 pings_exported 5
settled=$(exported)
check "and still nothing is exported about exports" quiet_for 6 "$settled"

cp "$WORK/counted.yaml" "$WORK/own.yaml"
kill -HUP "${AGENT[b]}"
more() {
	[ "$(exported)" -gt "$settled" ]
}
check "with count_own: true, the default, it is" until_true 20 more
check "every packet is accounted for then too" conserved b
check "the agent stops" stop b
check "and leaves nothing" nothing_left b
done_testing
