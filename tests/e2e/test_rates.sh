#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1 ─── veth ─── 10.9.0.2 b, where weir runs
#
# 20 packets a second all the while: a rate is 20 from the first second on, whatever part of the
# window has been counted, and says how much that is. In a capture capinfos(1) knows.
. "$(dirname "$0")/lib.sh"

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
cat >"$WORK/send.py" <<'END'
import socket, time
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
due = time.monotonic()
while True:
    out.sendto(b"x" * 58, ("10.9.0.2", 9))
    due += 0.05
    time.sleep(max(0, due - time.monotonic()))
END
on a ip neigh add 10.9.0.2 lladdr "$(on b cat /sys/class/net/wb/address)" dev wa
start send a python3 "$WORK/send.py"

configure() {
	printf 'interfaces: [%s]\nqueries:\n  - {name: all, match: "in and udp", distinct: [src]}\n%s\n' "$1" "$2" >"$WORK/b.yaml"
}
configure wb ''
lines() {
	nsenter -t "${HOST[b]}" -n -m -- "$WEIR" run -c "$WORK/b.yaml" "$@" >>"$WORK/agent-b" 2>&1 &
	AGENT[b]=$!
}
query() {
	on b "$WEIR" show queries -j -Q "$1" "${@:3}" | jq -e "$2"
}
# is QUERY CONDITION [OPTION...]: with the line if not.
is() {
	query "$1" . "${@:3}"
	query "$1" "$2" "${@:3}"
}
true_rate='.average.packets_per_second | . > 18 and . < 22'

lines
check "the agent starts" until_true 20 grep -q "over 1 of 60 s" "$WORK/agent-b"
check "in its first second there was no rate" grep -q ' all: -; over 0 of 60 s: -;' "$WORK/agent-b"
check "after a few seconds the rate is what it is" until_true 10 is all ".covered_s >= 3 and .covered_s < 20 and ($true_rate)"
check "and over the last two seconds" is all ".window_s == 2 and .covered_s == 2 and ($true_rate)" -w 2
check "the line says over how many" grep -qE ' all: (19|20|21) packets/s, [0-9]+ bits/s; over 3 of 60 s: (19|20|21)\.[0-9]+ packets/s' "$WORK/agent-b"
table() {
	on b "$WEIR" show queries | tee /dev/stderr | grep -qE '^all .* [0-9.]+ of 60 s  in and udp$'
}
check "so does the table" table
covered_s() {
	query "$1" .covered_s
}

stop b KILL
before=$(covered_s all)
lines -j
check "an agent that adopts it" until_true 20 grep -q '^{' "$WORK/agent-b"
check "goes on where the killed one was" is all ".covered_s >= $before and ($true_rate)"
in_json() {
	grep '^{' "$WORK/agent-b" | tail -n 1 | jq -e ".queries[] | select(.query == \"all\") | .covered_s >= $before and ($true_rate)"
}
check "in its JSON, too" in_json

configure wb '  - {name: more, match: "udp"}'
before=$(covered_s all)
kill -HUP "${AGENT[b]}"
check "a query that a reload adds starts again" until_true 10 is more ".covered_s >= 1 and .covered_s < 6 and ($true_rate)"
check "one that it keeps does not" is all ".covered_s > $before and ($true_rate)"
configure wb '  - {name: more, match: "in and udp"}'
kill -HUP "${AGENT[b]}"
check "one that it changes does" until_true 10 is more ".match == \"in and udp\" and .covered_s >= 1 and .covered_s < 6 and ($true_rate)"
on b ip tuntap add tun0 mode tun
on b ip link set tun0 up
configure 'wb, tun0' '  - {name: short, match: "in and udp", window: 14s, distinct: [src]}'
before=$(covered_s all)
kill -HUP "${AGENT[b]}"
check "with another interface that it names all do" until_true 10 is all ".covered_s >= 1 and .covered_s < $before"
# Of a vector whose cells tell their age to a second.
sources() {
	on b "$WEIR" show distinct -j -Q short | tee /dev/stderr | jq -e "$1"
}
on a ip addr add 10.9.0.3/24 dev wa
until_true 10 sources '.covered_s >= 2'
on a python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.9.0.3", 0))
s.sendto(b"x", ("10.9.0.2", 9))'
check "two sources are counted" sources '.count == 2'
until_true 10 sources '.covered_s >= 5'
sed -i '1i inside: [192.0.2.0/24]' "$WORK/b.yaml"
kill -HUP "${AGENT[b]}"
check "and with another inside" until_true 10 is all '.covered_s >= 1 and .covered_s < 3'
check "then a source that is silent since is not counted" until_true 10 sources '.covered_s >= 2 and .covered_s < 14 and .count == 1'
until_true 10 is all '.covered_s >= 5'
stop b KILL
sed -i 's/^inside:.*/inside: [192.0.2.0\/25]/' "$WORK/b.yaml"
: >"$WORK/agent-b"
lines -j
started_again() {
	grep '^{' "$WORK/agent-b" | head -n 1 | jq -e '.queries[] | select(.query == "all") | .covered_s < 5'
}
check "an agent that adopts it with another inside starts again" until_true 20 started_again
stop b

# --- A capture -----------------------------------------------------------------------------------

on b tcpdump -i wb -w "$WORK/cut.pcap" -c 180 -s 128 udp 2>/dev/null
"$WEIR" replay -j "$WORK/cut.pcap" -c "$WORK/b.yaml" >"$WORK/replay"
like_capinfos() {
	local seconds
	seconds=$(capinfos -Tmru "$WORK/cut.pcap" | awk -F '[\t,]' '{ print $NF }')
	echo "capinfos: $seconds s"
	jq -c '.queries[0] | {covered_s, average}' "$WORK/replay"
	jq -e --argjson s "$seconds" '.queries[0] | .covered_s - $s | . < 0.002 and . > -0.002' "$WORK/replay" &&
		jq -e --argjson s "$seconds" '.queries[0].average.packets_per_second / (180 / $s) | . > 0.999 and . < 1.001' "$WORK/replay"
}
check "a capture is as long as capinfos says, and its rate over that" like_capinfos
check "in words, too" sh -c "$WEIR replay '$WORK/cut.pcap' -c '$WORK/b.yaml' | grep -E '^all .* over (8.9|9) of 60 s'"
tcpdump -r "$WORK/cut.pcap" -c 1 -w "$WORK/one.pcap" 2>/dev/null
check "a capture of one packet has no rate" sh -c "$WEIR replay -j '$WORK/one.pcap' -c '$WORK/b.yaml' |
	jq -e '.queries[0] | .total.packets == 1 and .covered_s == 0 and .average.packets_per_second == null'"
done_testing
