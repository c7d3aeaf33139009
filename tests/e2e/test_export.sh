#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1 ─── veth ─── 10.9.0.2 b, measured ─── veth ─── 10.9.1.2 c, where nfcapd collects
#
# Each packet reaches the collector once: though the agent is killed, though the collector is away.
. "$(dirname "$0")/lib.sh"

host a
host b
host c
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
wire b wbc 10.9.1.1/24 c wc 10.9.1.2/24
mkdir -p "$WORK/flows/1" "$WORK/flows/2"

cat >"$WORK/export.yaml" <<END
interfaces: [wb]
flow: {size: 4096, idle_timeout: 1s, active_timeout: 3s, closed_timeout: 0s}
export:
  - {to: "ipfix+udp://10.9.1.2:9995", template_refresh: 5s}
  - {to: "ipfix+tcp://10.9.1.2:4739"}
END

# collect N: into a folder of its own, for two runs of one hour would write one file.
collect() {
	start nfcapd c nfcapd -w "$WORK/flows/$1" -p 9995 -t 3600
	until_true 10 grep -q Startup "$WORK/start-nfcapd"
}

# Nothing on the way and nothing in its socket: then it may go.
stop_collecting() {
	until_true 10 sh -c "nsenter -t ${HOST[c]} -n ss -Hulnm 'sport = :9995' | grep -q '^UNCONN *0 '"
	stop nfcapd TERM
	cat "$WORK/start-nfcapd" >>"$WORK/nfcapd.log"
}

# 60,000 packets of 20,000 flows in each of three rounds, and now and then a round trip.
cat >"$WORK/flood.py" <<'END'
import random, socket, sys, time
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
random.seed(int(sys.argv[1]))
for i in range(60000):
    out.sendto(b"x" * random.randrange(1, 900), ("10.9.0.2", 1024 + random.randrange(20000)))
    if i % 500 == 0:
        time.sleep(0.02)
END

state() {
	on b "$WEIR" show status -j | jq -r ".exporters[] | select(.to | startswith(\"ipfix+udp\")) | $1"
}

refused() {
	[ "$(state .state)" = refused ]
}

check "nfcapd listens" collect 1
check "the agent starts, with a collector that is there and one that is not" \
	agent b -c "$WORK/export.yaml"
for round in 1 2 3; do
	on a python3 "$WORK/flood.py" $round &
	flood=$!
	sleep 0.7
	stop b KILL
	check "killed in round $round, and started again, it goes on" agent b -c "$WORK/export.yaml"
	wait $flood
done

# A stopped agent sends nothing, so that nothing is on its way when the collector goes.
kill -STOP "${AGENT[b]}"
stop_collecting
kill -CONT "${AGENT[b]}"
on a python3 "$WORK/flood.py" 4
check "while the collector is away, the exporter says so" until_true 10 \
	refused
stop b KILL
sed '/^export:/a\  - {to: "ipfix+tls://10.9.1.2:4740", ca: /nonexistent}' "$WORK/export.yaml" >"$WORK/bad.yaml"
fails_to_start() {
	timeout 20 nsenter -t "${HOST[b]}" -n -m "$WEIR" run -q -c "$WORK/bad.yaml"
	[ $? = 1 ]
}
check "a start that fails changes nothing" fails_to_start
check "killed while it waits, it goes on waiting" agent b -c "$WORK/export.yaml"
check "nfcapd comes back" collect 2
drained() {
	[ "$(state .queued.flow_count)" = 0 ] && [ "$(state .exported.flow_count)" -gt 0 ]
}
on a python3 "$WORK/flood.py" 5
check "and gets what waited" until_true 60 drained
check "nothing was dropped" test "$(state .dropped.flow_count)" = 0
check "show status tells of the collector that never came" \
	sh -c "nsenter -t ${HOST[b]} -n -m $WEIR show status | grep 'ipfix+tcp.*refused.*Connection refused'"
sed -i '/ipfix+tcp/d' "$WORK/export.yaml"
kill -HUP "${AGENT[b]}"
gone() {
	! on b "$WEIR" show status | grep -q ipfix+tcp
}
check "an exporter that the configuration names no more is let go" until_true 10 gone
seen=$(($(counter b seen_in) + $(counter b seen_out)))
named=$(($(counter b arp) + $(counter b not_ip) + $(counter b truncated) + $(counter b malformed)))
overflow=$(counter b overflow)
check "the books equal the interface's counters" seen_equals_interface b wb
check "every packet is accounted for" conserved b
fate_is_told() {
	conserved b | grep -A1 '^to ipfix+udp://10.9.1.2:9995' | grep ' sent *[1-9]'
}
check "show losses tells what the exporters made of them" fate_is_told
check "the agent stops" stop b
until_true 10 sh -c "nsenter -t ${HOST[c]} -n ss -Hulnm 'sport = :9995' | grep -q '^UNCONN *0 '"
stop_collecting

for n in 1 2; do
	nfdump -R "$WORK/flows/$n" -q -N -o "fmt:%pkt %byt %pr" >>"$WORK/nfdump"
done
packets=$(awk '{ sum += $1 } END { print sum + 0 }' "$WORK/nfdump")
same_sum() {
	echo "seen $seen, named $named, overflow $overflow; nfdump $packets in $(wc -l <"$WORK/nfdump")"
	[ "$packets" -gt 300000 ] && [ $((seen - named - overflow)) -eq "$packets" ]
}
check "nfdump has every packet once" same_sum
check "nfcapd saw no gap in the sequence and no bad message" sh -c \
	"grep -c 'Sequence Errors: 0, Bad Packets: 0' '$WORK/nfcapd.log' | grep -qx 2"

done_testing
