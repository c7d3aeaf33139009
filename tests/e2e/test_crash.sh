#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1 ─── veth ─── 10.9.0.2 b, where weir runs and is killed
#
# A crash is a pause in reporting, not in measuring.
. "$(dirname "$0")/lib.sh"

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
printf 'interfaces: [wb]\nflow: {size: 4096}\n' >"$WORK/crash.yaml"
check "the agent starts" agent b -c "$WORK/crash.yaml"

start iperf b iperf3 -s
on a sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do iperf3 -c 10.9.0.2 -u -b 300M -l 100 -t 8 >/dev/null 2>&1 && exit 0; sleep 0.2; done' &
flood=$!
above() {
	[ "$(counter b seen_in)" -gt "$1" ]
}
until_true 10 above 1000

for round in 1 2 3; do
	stop b KILL
	before=$(counter b seen_in)
	check "killed, round $round: it still counts" until_true 5 above "$before"
	check "started again, round $round: it adopts what runs" agent b -c "$WORK/crash.yaml"
done
wait $flood
sleep 0.3
check "the books equal the interface's counters after three kills" seen_equals_interface b wb
check "every packet is accounted for" conserved b

printf 'interfaces: [wb]\nflow: {size: 4096}\nqueries:\n  - {name: mine, match: "udp", measure: bytes, window: 5s}\n' >"$WORK/crash.yaml"
kill -HUP "${AGENT[b]}"
check "SIGHUP brings the new query" until_true 5 sh -c "nsenter -t ${HOST[b]} -n -m -- $WEIR show queries -j | jq -e 'select(.query == \"mine\")'"
printf 'interfaces: [wb]\nqueries:\n  - {name: bad, match: "udp and and"}\n' >"$WORK/crash.yaml"
kill -HUP "${AGENT[b]}"
check "a bad config is refused with its place" until_true 5 grep -q "crash.yaml:3:" "$WORK/agent-b"
check "and the old query stays" sh -c "nsenter -t ${HOST[b]} -n -m -- $WEIR show queries -j | jq -e 'select(.query == \"mine\")'"
check "still equal to the interface's counters" seen_equals_interface b wb

stop b KILL
on b rm /sys/fs/bpf/weir/maps/control
printf 'interfaces: [wb]\n' >"$WORK/crash.yaml"
check "pins without their last are cleared, and it starts afresh" agent b -c "$WORK/crash.yaml"
check "with one program a side" test "$(on b bpftool -j net show dev wb | jq '.[0].xdp | length')" = 1
stop b KILL
check "detach removes what a dead agent left" on b "$WEIR" detach --all
check "nothing stays attached" nothing_left b
done_testing
