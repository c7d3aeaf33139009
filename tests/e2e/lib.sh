# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What every end-to-end test sources: hosts made of namespaces, TAP lines, conservation.
#
# A host is a network and a mount namespace of its own, so that it has its own /sys/fs/bpf and
# /run and several agents do not meet. It lives as long as its `sleep`, which the trap ends.

set -u
WEIR=$(realpath "${WEIR:-$(dirname "$0")/../../build/weir}")
HERE=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
tests=0
declare -A HOST AGENT

finish() {
	local pid
	for pid in "${AGENT[@]}" "${HOST[@]}"; do
		kill -9 "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$WORK"
}
trap finish EXIT
trap 'exit 1' INT TERM

# check SENTENCE COMMAND...: one test.
check() {
	local sentence=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$WORK/check" 2>&1; then
		echo "ok $tests - $sentence"
	else
		echo "not ok $tests - $sentence"
		sed 's/^/# /' "$WORK/check"
		echo "# command: $*"
	fi
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

done_testing() {
	echo "1..$tests"
}

# until_true SECONDS COMMAND...: waits for a condition.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# host NAME: makes one. The ports that it sends from are above 33434 to 33533, which tshark takes for
# a traceroute's.
host() {
	unshare --net --mount sh -c 'mount --make-rprivate / && mount -t sysfs sysfs /sys &&
		mount -t bpf bpf /sys/fs/bpf && mount -t tmpfs tmpfs /run && ip link set lo up &&
		sysctl -qw net.ipv4.ip_local_port_range="40000 60999" &&
		echo ready >"$1" && exec sleep 900' sh "$WORK/host-$1" &
	HOST[$1]=$!
	until_true 10 test -s "$WORK/host-$1" || { echo "Bail out! no namespaces"; exit 1; }
}

# on HOST COMMAND...
on() {
	local name=$1
	shift
	nsenter -t "${HOST[$name]}" -n -m -- "$@"
}

# start NAME HOST COMMAND...: in the background; AGENT[NAME] is its pid.
start() {
	local name=$1 where=$2
	shift 2
	nsenter -t "${HOST[$where]}" -n -m -- "$@" >/dev/null 2>"$WORK/start-$name" &
	AGENT[$name]=$!
}

# wire HOST1 DEV1 ADDR1 HOST2 DEV2 ADDR2: a cable, segmentation off, so that what a host counts,
# tcpdump sees and the interface counts are the same packets.
wire() {
	on "$1" ip link add "$2" type veth peer name "$5" netns "${HOST[$4]}"
	on "$1" ip addr add "$3" dev "$2"
	on "$4" ip addr add "$6" dev "$5"
	on "$1" ethtool -K "$2" tso off gso off gro off tx off >/dev/null
	on "$4" ethtool -K "$5" tso off gso off gro off tx off >/dev/null
	# A counter on the wire must not hear what the test did not send.
	on "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
	on "$4" sysctl -qw "net.ipv6.conf.$5.disable_ipv6=1"
	on "$1" ip link set "$2" up
	on "$4" ip link set "$5" up
}

# agent HOST ARGS...: starts weir run there, waits until it measures.
agent() {
	local name=$1
	shift
	rm -f "$WORK/agent-$name" # what one before it said
	nsenter -t "${HOST[$name]}" -n -m -- "$WEIR" run "$@" >"$WORK/agent-$name" 2>&1 &
	AGENT[$name]=$!
	until_true 60 grep -qE 'in: .*out: |adopted' "$WORK/agent-$name" || {
		echo "# agent on $name:"
		sed 's/^/# /' "$WORK/agent-$name"
		return 1
	}
}

stop() {
	kill "-${2:-INT}" "${AGENT[$1]}"
	wait "${AGENT[$1]}" 2>/dev/null
	local status=$?
	unset "AGENT[$1]"
	return $status
}

# counter HOST NAME: packets in a counter of the books, over all interfaces.
counter() {
	on "$1" "$WEIR" show losses -j | jq -r ".counters.$2.packets"
}

stat_of() {
	on "$1" cat "/sys/class/net/$2/statistics/$3"
}

# seen_equals_interface HOST DEV: weir's books against the kernel's own, both ways.
seen_equals_interface() {
	local in out
	in=$(counter "$1" seen_in)
	out=$(counter "$1" seen_out)
	echo "weir $in in $out out, interface $(stat_of "$1" "$2" rx_packets) $(stat_of "$1" "$2" tx_packets)"
	[ "$in" -gt 0 ] && [ "$in" = "$(stat_of "$1" "$2" rx_packets)" ] &&
		[ "$out" = "$(stat_of "$1" "$2" tx_packets)" ]
}

conserved() {
	on "$1" "$WEIR" show losses
}

nothing_left() {
	! on "$1" bpftool net | grep -q weir && ! on "$1" ls /sys/fs/bpf/weir
}

# covered HOST: every query has counted for a whole second, so that from now on no packet is missing
# in its rate.
covered() {
	on "$1" "$WEIR" show queries -j | jq -es 'length > 0 and all(.covered_s >= 1)'
}
