#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1 wa ─── veth ─── wb ── br0 10.9.0.2   b, where weir runs
#                               └── mv0 10.8.0.2, a macvlan, when wb is in no bridge
#              va ─── veth ─── vb                   both in b
#
# Devices above one another, both measured: what is said, what is counted, what is left out.
. "$(dirname "$0")/lib.sh"

# config NAME INTERFACES [MORE]
config() {
	printf 'interfaces: [%s]\n%s\n' "$2" "${3-}" >"$WORK/$1.yaml"
}
run() {
	agent b -c "$WORK/$1.yaml"
}
quiet_device() {
	on b sysctl -qw "net.ipv6.conf.$1.disable_ipv6=1"
}
address_of() {
	on b cat "/sys/class/net/$1/address"
}
bridge() {
	wire a wa 10.9.0.1/24 b wb 10.7.0.2/24 && on b ip addr flush dev wb &&
		on b ip link add br0 address "$(address_of wb)" type bridge mcast_snooping 0 &&
		quiet_device br0 && on b ip addr add 10.9.0.2/24 dev br0 &&
		on b ip link set wb master br0 && on b ip link set br0 up &&
		on a ip neigh replace 10.9.0.2 lladdr "$(address_of br0)" dev wa &&
		on b ip neigh replace 10.9.0.1 lladdr "$(on a cat /sys/class/net/wa/address)" dev br0
}
# said TEXT [TIMES]: lines of the agent's that have it
said() {
	grep -v "packets/s\|seen:" "$WORK/agent-b"
	[ "$(grep -c -- "$1" "$WORK/agent-b")" = "${2-1}" ]
}
# ticks N: so many seconds of the agent's are over
ticks() {
	local all

	all=$(($(seconds_over) + $1))
	until_true 10 sh -c "[ \$(grep -c 'seen:\|packets/s' '$WORK/agent-b') -ge $all ]"
}
seconds_over() {
	grep -c 'seen:\|packets/s' "$WORK/agent-b"
}
pings() {
	on a ping -q -c 10 -i 0.02 "${1-10.9.0.2}"
}
shown() {
	on b "$WEIR" show interfaces -j | jq -r "select(.name == \"$1\") | $2"
}
# counted DEV IN OUT: packets of that interface since the maps were made
counted() {
	local got

	got="$(shown "$1" '"\(.counters.seen_in.packets) \(.counters.seen_out.packets)"')"
	echo "$1: $got, not $2 $3"
	[ "$got" = "$2 $3" ]
}
# all_counted IN OUT: over all interfaces
all_counted() {
	echo "in $(counter b seen_in) out $(counter b seen_out)"
	[ "$(counter b seen_in) $(counter b seen_out)" = "$1 $2" ]
}
twice_with() {
	echo "$1: $(shown "$1" '.counted_twice_with | join(" ")')"
	[ "$(shown "$1" '.counted_twice_with | join(" ")')" = "$2" ]
}
state_is() {
	echo "$1: $(shown "$1" '"\(.state) \(.why)"')"
	[ "$(shown "$1" '"\(.state) \(.why)"')" = "$2" ]
}
ends() {
	stop b && nothing_left b
}
# covered LEAST MOST: rates are over so many seconds
covered() {
	on b "$WEIR" show queries -j | tee /dev/stderr | jq -es "map(.covered_s) | length == 1 and .[0] >= $1 and .[0] <= $2"
}

host a
host b
check "a bridge and its port" bridge
twice="br0: its packets are counted on wb too"
config all "wb, br0"
config once "wb, br0" "count: once"
config upper "wb, br0" "count: upper"
config bridge br0 "count: once"

# --- A bridge and its port ------------------------------------------------------------------------

check "both are measured" run all
check "that is said once, naming both" until_true 5 said "$twice"
check "ten packets come and ten go" pings
check "and are counted on the port" counted wb 10 10
check "and on the bridge" counted br0 10 10
check "twice, in the sum" all_counted 20 20
check "show interfaces has it of the one" twice_with br0 wb
check "and of the other" twice_with wb br0
check "and in words" sh -c "nsenter -t ${HOST[b]} -n -m -- $WEIR show interfaces | grep -A1 ^br0 | grep -q 'counted twice with wb'"
check "every packet is accounted for" conserved b
check "it is said once only" said "$twice"
check "the port leaves the bridge" on b ip link set wb nomaster
check "then nothing is counted twice" until_true 5 twice_with br0 ""
check "a second later" ticks 2
check "it comes back" on b ip link set wb master br0
check "and that is said again" until_true 5 said "$twice" 2
cp "$WORK/once.yaml" "$WORK/all.yaml"
kill -HUP "${AGENT[b]}"
check "told to count once, the bridge is left out" until_true 5 said "br0: left out: wb below it is measured"
pings >/dev/null
check "and the port goes on, without a gap" counted wb 20 20
check "while the bridge has what it had" counted br0 10 10
check "every packet is accounted for" conserved b
check "it ends" ends

check "checked first, the bridge would be left out" sh -c "nsenter -t ${HOST[b]} -n -m -- $WEIR run --check -c $WORK/once.yaml |
	grep -q '^br0 *left out: wb below it is measured'"
check "counting once" run once
check "says so of the bridge" until_true 5 said "br0: left out: wb below it is measured"
check "and nothing of twice" said "counted on" 0
check "ten packets come and ten go" pings
check "and are ten in the sum" all_counted 10 10
check "of one flow each way" test "$(on b "$WEIR" show flows -j | jq -s 'map(.packets) == [10, 10]')" = true
check "the bridge is shown as left out, and why" state_is br0 "left_out left out: wb below it is measured"
check "nothing of ours is on it" test -z "$(on b bpftool net show dev br0 | grep weir)"
check "every packet is accounted for" conserved b
stop b KILL
pings >/dev/null
check "killed: it still counts once" all_counted 20 20
check "started again: it adopts what runs" run once
pings >/dev/null
check "and nothing is counted twice or lost" all_counted 30 30
check "the port leaves the bridge: that is measured" sh -c "nsenter -t ${HOST[b]} -n -- ip link set wb nomaster"
check "at once" until_true 5 state_is br0 "attached null"
on b ip link set wb master br0
check "and left out when it comes back" until_true 5 state_is br0 "left_out left out: wb below it is measured"
check "the bridge goes" on b ip link del br0
check "and is shown as gone" until_true 5 state_is br0 "gone null"
check "every packet is accounted for" conserved b
check "it ends" ends

on a ip link del wa
check "a bridge and its port, again" bridge
check "counting on the upper device" run upper
check "leaves the port out" until_true 5 said "wb: left out: br0 above it is measured"
check "ten packets come and ten go" pings
check "and are ten in the sum" all_counted 10 10
check "of the bridge's" counted br0 10 10
check "every packet is accounted for" conserved b
check "it ends" ends

check "with the bridge alone" run bridge
check "nothing is said" said "counted on\|left out" 0
pings >/dev/null
check "and all is counted" all_counted 10 10
check "it ends" ends

# A window in which some packets are twice and some once has no rate.
again="queries: [{name: all, match: ip}]"
config all "wb, br0" "$again"
config once "wb, br0" "count: once
$again"
check "both are measured" run all
check "for some seconds" until_true 10 covered 3 9
stop b KILL
check "started again to count once" run once
check "rates start again" covered 0 2
check "it ends" ends
on b ip link del br0

# --- A macvlan ------------------------------------------------------------------------------------

macvlan() {
	on b ip link add link wb name mv0 type macvlan mode bridge && quiet_device mv0 &&
		on b ip addr add 10.8.0.2/24 dev mv0 && on b ip link set mv0 up &&
		on b ip neigh replace 10.8.0.1 lladdr "$(on a cat /sys/class/net/wa/address)" dev mv0 &&
		on a ip neigh replace 10.8.0.2 lladdr "$(address_of mv0)" dev wa
}
on a ip addr add 10.8.0.1/24 dev wa
config all "mv0, wb"
config once "mv0, wb" "count: lower"
check "with a device that is still to come" run all
check "nothing is counted twice" said "counted on" 0
check "it comes, as a macvlan" macvlan
check "and that is said" until_true 5 said "mv0: its packets are counted on wb too"
check "ten packets come and ten go" pings 10.8.0.2
check "and are counted on the one" counted mv0 10 10
check "and on the other" counted wb 10 10
check "every packet is accounted for" conserved b
check "it ends" ends
check "counting once" run once
pings 10.8.0.2 >/dev/null
check "they are ten in the sum" all_counted 10 10
check "of the device below" counted wb 10 10
check "it ends" ends
on b ip link del mv0

# --- Not above one another ------------------------------------------------------------------------

# A macvlan on a's wa, moved to b, says the ifindex that wa has in a, and wb has it here.
foreign() {
	on a ip link add link wa name far0 type macvlan &&
		on a ip link set far0 netns "${HOST[b]}" && quiet_device far0 &&
		on b ip link set far0 up &&
		[ "$(on a cat /sys/class/net/wa/ifindex)" = "$(on b cat /sys/class/net/wb/ifindex)" ] &&
		[ "$(on b cat /sys/class/net/far0/iflink)" = "$(on b cat /sys/class/net/wb/ifindex)" ]
}
# same_number: until the cable's two ends have one number
same_number() {
	for _ in 1 2 3 4 5 6 7 8; do
		[ "$(on a cat /sys/class/net/wa/ifindex)" -lt "$(on b cat /sys/class/net/wb/ifindex)" ] &&
			on a ip link add spare type bridge && on a ip link del spare
		[ "$(on a cat /sys/class/net/wa/ifindex)" -gt "$(on b cat /sys/class/net/wb/ifindex)" ] &&
			on b ip link add spare type bridge && on b ip link del spare
		on a ip link del wa 2>/dev/null
		wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
		[ "$(on a cat /sys/class/net/wa/ifindex)" = "$(on b cat /sys/class/net/wb/ifindex)" ] && return 0
	done
	return 1
}
both_attached() {
	[ "$(shown far0 .state) $(shown wb .state)" = "attached attached" ]
}
check "a cable whose ends have one number in their namespaces" same_number
check "a macvlan on the other end has that number" foreign
config all "far0, wb" "count: once"
check "both are measured" run all
check "for it is not this wb that the macvlan is on" said "left out" 0
check "both in fact" until_true 5 both_attached
check "it ends" ends
on b ip link del far0

pair() {
	on b ip link add va type veth peer name vb && quiet_device va && quiet_device vb &&
		on b ip link set va up && on b ip link set vb up
}
check "a veth with both ends here" pair
config all "va, vb"
config once "va, vb" "count: once"
check "both are measured" run all
check "and said to see the same packets" until_true 5 said "vb: its packets are counted on va too"
check "it ends" ends
check "counting once" run once
check "the first named is measured" until_true 5 said "vb: left out: va, its other end, is measured"
check "it ends" ends
done_testing
