#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1, fd09::1 ─── veth ─── 10.9.0.2, fd09::2 b, where weir runs
#     10.10.0.1 ─────────── VXLAN ────────── 10.10.0.2
#
# What stands between a frame's beginning and its ports: captures with right values (tests/field),
# headers of every kind against tshark, fragments and a VXLAN of this kernel.
. "$(dirname "$0")/lib.sh"
FIELD=$HERE/../field

printf 'tunnels: inner\nqueries: []\n' >"$WORK/inner.yaml"

# flows_are JSON REPLAY_ARGS...: [source, destination, ports, protocol, VLAN, packets, bytes] of each
flows_are() {
	local shall=$1
	shift
	"$WEIR" replay --flows "$@" |
		jq -sce 'map([.src, .dst, .sport, .dport, .proto, .vlan, .packets, .bytes]) | sort' |
		tee "$WORK/flows"
	[ "$(cat "$WORK/flows")" = "$shall" ]
}

# totals_are FILTER CAPTURE
totals_are() {
	"$WEIR" replay -j "$2" | jq -e ".conserved and ($1)"
}

check "a later fragment of a ping has the type and code of the first" \
	flows_are '[["10.0.0.1","10.0.0.2",0,2048,1,0,2,2520]]' "$FIELD/P01-icmp-fragments.pcap"
check "a fragment an hour later has no ports" \
	flows_are '[["10.0.0.1","10.0.0.2",null,null,17,0,1,520],["10.0.0.1","10.0.0.2",1000,2000,17,0,2,2020]]' \
	"$FIELD/P16-fragment-id-again.pcap"
check "a fragment in another VLAN has no ports" \
	flows_are '[["10.0.0.1","10.0.0.2",null,null,17,20,1,520],["10.0.0.1","10.0.0.2",1000,2000,17,10,1,1500]]' \
	"$FIELD/P16-fragment-other-vlan.pcap"
for capture in "$FIELD"/P16-*.pcap; do
	check "$(basename "$capture") has one fragment without its first" \
		totals_are '.counters.no_first_fragment.packets == 1' "$capture"
done
check "an IPv6 packet without payload has 40 octets, whatever pads it" \
	flows_are '[["2001:db8::1","2001:db8::2",0,0,59,0,1,40]]' "$FIELD/P04-ip6-no-payload-padded.pcap"
check "an Ethernet address behind a label is not IPv4" flows_are '[]' "$FIELD/P05-pseudowire-mac-45.pcap"
check "it is a pseudowire" totals_are '.counters.pseudowire.packets == 1' "$FIELD/P05-pseudowire-mac-45.pcap"
check "VXLAN is found at Linux's port" flows_are '[["10.0.0.1","10.0.0.2",1000,2000,17,0,1,100]]' \
	-c "$WORK/inner.yaml" "$FIELD/P08-vxlan-port-8472.pcap"

python3 "$HERE/tshark_layers.py" make "$WORK/layers.pcap"
found_as_made() {
	"$WEIR" replay -c "$WORK/inner.yaml" --flows "$WORK/layers.pcap" |
		python3 "$HERE/tshark_layers.py" check "$WORK/layers.pcap"
}
check "headers of every kind lead to the flow that tshark finds" found_as_made

# --- Live -----------------------------------------------------------------------------------------

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
for end in a:wa:1:2 b:wb:2:1; do
	IFS=: read -r name device own other <<<"$end"
	on "$name" sysctl -qw "net.ipv6.conf.$device.disable_ipv6=0" "net.ipv6.conf.$device.accept_dad=0"
	on "$name" ip addr add "fd09::$own/64" dev "$device" nodad
	on "$name" ip link add vx type vxlan id 5 local "10.9.0.$own" remote "10.9.0.$other" dstport 8472 dev "$device"
	on "$name" ip addr add "10.10.0.$own/24" dev vx
	on "$name" ip link set vx up
done
cat >"$WORK/live.yaml" <<'YAML'
interfaces: [wb]
tunnels: inner
queries: []
flow: {idle_timeout: 10m, active_timeout: 30m}
YAML
# The agent comes when the interfaces' own talk is over.
check "the agent starts" agent b -c "$WORK/live.yaml"

# flow_of JQ_CONDITION: packets of such flows, ports and all, as lines
flow_of() {
	on b "$WEIR" show flows -j -n 0 | jq -rc "select($1) | [.direction, .dport, .packets]" | sort | tr -d '\n'
}
pings_are() { # PROTO SHALL
	[ "$(flow_of ".proto == $1 and (.src | test(\"10.9|fd09\")) and .packets >= 15" | tee /dev/stderr)" = "$2" ]
}
check "large pings pass over IPv4" on a ping -q -c 5 -i 0.05 -s 3000 10.9.0.2
check "large pings pass over IPv6" on a ping -q -c 5 -i 0.05 -s 3000 fd09::2
check "their fragments are echo requests and replies" pings_are 1 '["in",2048,15]["out",0,15]'
check "and so are those of IPv6" pings_are 58 '["in",32768,15]["out",33024,15]'
check "no fragment was without its first" [ "$(counter b no_first_fragment)" = 0 ]

vxlan_is() { # SHALL
	[ "$(flow_of '.src == "10.10.0.1" and .dport == 2048' | tee /dev/stderr)" = "$1" ]
}
check "pings pass over VXLAN at port 8472" on a ping -q -c 5 -i 0.05 10.10.0.2
check "what is in it is found" vxlan_is '["in",2048,5]'
echo 'vxlan_ports: [4789, 1, 2]' >>"$WORK/live.yaml"
kill -HUP "${AGENT[b]}"
check "the ports change by a reload" until_true 10 grep -q 'reloaded' "$WORK/agent-b"
check "pings pass on" on a ping -q -c 3 -i 0.05 10.10.0.2
check "nothing more is found in it" vxlan_is '["in",2048,5]'
outer_is() {
	on b "$WEIR" show flows -j -n 0 |
		jq -se 'map(select(.dport == 8472 and .direction == "in") | .packets) | add >= 3'
}
check "it is counted by what is outside" outer_is
check "every packet is accounted for" conserved b
done_testing
