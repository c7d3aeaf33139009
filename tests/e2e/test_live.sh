#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1 ─── veth ─── 10.9.0.2 b, where weir runs
#
# Real programs as traffic; the books against the interface and tcpdump.
. "$(dirname "$0")/lib.sh"

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
cat >"$WORK/live.yaml" <<'YAML'
interfaces: [wb]
inside: [10.9.0.2/32]
flow: {idle_timeout: 10m, active_timeout: 30m, closed_timeout: 10m, size: 16384}
YAML

check "the agent starts on a veth" agent b -c "$WORK/live.yaml"
check "it says that XDP is native and egress is TCX" grep -q "in: XDP native.*out: TCX" "$WORK/agent-b"
check "rates have begun" until_true 5 covered b
start tcpdump b tcpdump -i wb -U -w "$WORK/live.pcap" -s 128
until_true 10 grep -q listening "$WORK/start-tcpdump"

echo "hello" >"$WORK/index.html"
start http b python3 -m http.server -d "$WORK" 80
start dns-b b dnsmasq -k -C /dev/null --no-resolv --address=/weir.test/10.9.0.9 --listen-address=10.9.0.2 --bind-interfaces --pid-file= -u root
start iperf b iperf3 -s
start ssh b nc -lk 22
start dns-a a dnsmasq -k -C /dev/null --no-resolv --address=/weir.test/10.9.0.8 --listen-address=10.9.0.1 --bind-interfaces --pid-file= -u root

check "ping passes" on a ping -q -c 20 -i 0.02 10.9.0.2
check "http passes" until_true 10 on a curl -fsS -o /dev/null http://10.9.0.2/index.html
check "dns in passes" until_true 10 on a dig +short +tries=1 @10.9.0.2 weir.test
check "dns out passes" until_true 10 on b dig +short +tries=1 @10.9.0.1 weir.test
check "iperf3 passes" until_true 10 on a iperf3 -c 10.9.0.2 -n 5M
check "ssh's port answers" on a sh -c 'echo hi | nc -N -w 2 10.9.0.2 22'
check "udp passes" on a sh -c 'iperf3 -c 10.9.0.2 -u -b 20M -t 1 -l 600'

quiet() {
	local before
	before=$(stat_of b wb rx_packets)
	sleep 0.5
	[ "$before" = "$(stat_of b wb rx_packets)" ]
}
until_true 20 quiet
check "the books equal the interface's counters" seen_equals_interface b wb
check "every packet is accounted for" conserved b

stop tcpdump
on b "$WEIR" show flows -j -n 0 >"$WORK/flows"
check "flows are those tcpdump captured" sh -c "python3 '$HERE/tshark_flows.py' '$WORK/live.pcap' --any-time <'$WORK/flows'"

# A query's window holds at most 62 seconds and the run took less: its sum is the whole count.
total_of() {
	on b "$WEIR" show queries -j -w 60 | jq -r "select(.query == \"$1\") | .average.packets_per_second * .covered_s | round"
}
captured() {
	tshark -n -r "$WORK/live.pcap" -Y "$1" 2>/dev/null | wc -l
}
window_is() {
	echo "$1: weir $(total_of "$1"), tcpdump $(captured "$2")"
	[ "$(captured "$2")" -gt 0 ] && [ "$(total_of "$1")" = "$(captured "$2")" ]
}
sleep 1.2
check "Q1 counts what crosses the inside's border" window_is Q1 "ip"
check "Q3 counts incoming SYNs" window_is Q3 "ip.dst == 10.9.0.2 && tcp.flags.syn == 1 && tcp.flags.ack == 0"
check "Q4 counts outgoing DNS lookups" window_is Q4 "ip.src == 10.9.0.2 && dns.flags.response == 0"
check "Q5 counts remote-login requests" window_is Q5 "ip.dst == 10.9.0.2 && tcp.dstport == 22 && tcp.flags.syn == 1 && tcp.flags.ack == 0"

check "show works on every topic" sh -c "for t in status queries flows losses interfaces; do
	nsenter -t ${HOST[b]} -n -m -- $WEIR show \$t && nsenter -t ${HOST[b]} -n -m -- $WEIR show \$t -j | jq -e . >/dev/null || exit 1; done"
check "a second agent is refused" sh -c "nsenter -t ${HOST[b]} -n -m -- $WEIR run -i wb 2>&1 | grep 'weir run is already running'"
check "Ctrl-C ends it with status 0" stop b
check "and prints that all is accounted for" grep -qi "accounted for" "$WORK/agent-b"
check "nothing stays attached" nothing_left b
done_testing
