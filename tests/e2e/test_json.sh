#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1 ─── veth ─── 10.9.0.2 b: weir run ──→ weir coordinate c ──→ (its parent is away)
#                                          └──→ exporters, one of which is refused
#
# The keys of all that weir prints as JSON: those in json/VERB.keys and no others, of one type in all
# verbs. WRITE=1 writes these files instead of comparing.
. "$(dirname "$0")/lib.sh"
KEYS=$HERE/json_keys.py
OUT=$WORK/out
mkdir "$OUT" "$WORK/log"

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
on b ip tuntap add tun0 mode tun
on b ip link set tun0 up
on b ip link add link wb name mv0 type macvlan
on b ip link set mv0 up

queries='queries:
  - {name: all, match: "ip", window: 5s, distinct: [src, flow]}
  - {name: octets, match: "in", measure: bytes, window: 3s}
  - {name: sources, match: "ip", measure: distinct src, window: 5s}'
cat >"$WORK/c.yaml" <<END
$queries
  - {name: other, match: "udp"}
coordinate:
  name: c
  listen: ["tcp://127.0.0.1:4740"]
  hosts: [1, 2]
  log: $WORK/log
  parent: {address: "tcp://127.0.0.1:4749", host: 9}
  answers:
    - {name: all, query: all, precision: 10%}
    - {name: octets, query: octets, precision: 100}
    - {name: other, query: other, precision: 100}
END
cat >"$WORK/b.yaml" <<END
interfaces: [wb, tun0, mv0, late]
inside: [10.9.0.2/32]
flow: {size: 4096, idle_timeout: 2s, active_timeout: 3s, closed_timeout: 0s}
$queries
  - {name: other, match: "in"}
export:
  - {to: "ipfix+udp://127.0.0.1:9995"}
  - {to: "file:$WORK/%Y%m%d%H%M%S.ipfix"}
report: {address: "tcp://127.0.0.1:4740", host: 1, name: b}
END
printf 'interfaces: [tun0, nosuch]\nattach: {ingress: native}\n' >"$WORK/native.yaml"

# --- What there is to be said --------------------------------------------------------------------

weir() {
	on b "$WEIR" "$@"
}
weir run --check -j -c "$WORK/b.yaml" >"$OUT/run-check" 2>/dev/null
weir run --check -j -c "$WORK/native.yaml" >>"$OUT/run-check" 2>/dev/null

coordinate() {
	nsenter -t "${HOST[b]}" -n -m -- "$WEIR" coordinate -j -c "$WORK/c.yaml" >"$OUT/coordinate" 2>"$WORK/said" &
	AGENT[c]=$!
	until_true 10 grep -q '^{' "$OUT/coordinate"
}
check "a coordinator starts" coordinate
run() {
	nsenter -t "${HOST[b]}" -n -m -- "$WEIR" run -j -c "$WORK/b.yaml" >"$OUT/run" 2>"$WORK/said-b" &
	AGENT[b]=$!
	until_true 60 grep -q '^{' "$OUT/run"
}
check "an agent starts" run
start ping a ping -q -i 0.05 10.9.0.2
cat >"$WORK/send.py" <<'END'
import socket, time
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    for port in range(20000, 22000):
        out.sendto(b"x" * 100, ("10.9.0.2", port))
        time.sleep(0.0005)
END
start udp a python3 "$WORK/send.py"
start tcp a sh -c 'while :; do curl -s -m 1 http://10.9.0.2:80/; sleep 0.2; done'
all_said() {
	tail -n 1 "$OUT/run" | jq -e '.report.state == "up" and .report.as_of != null and .flows.evicted > 0
		and any(.queries[]; .reported != null) and any(.exporters[]; .last_error != null)
		and any(.exporters[]; .exported.flow_count > 0)' &&
		tail -n 1 "$OUT/coordinate" | jq -e '.parent.why != null and all(.answers[] | select(.answer != "other"); .low != null)'
}
check "each part of it has something to say" until_true 30 all_said
other="'other' matches \"udp\" at the coordinator, \"in\" here"
check "a query that the coordinator refuses the host names itself, with both wordings" grep -qF "query refused: $other" "$WORK/said-b"
in_status() {
	weir show status | tee /dev/stderr | grep -qF "$other"
}
check "the status has it, too" in_status
for topic in status queries flows distinct losses interfaces exporters answers; do
	weir show "$topic" -j >"$OUT/show-$topic"
done
weir show answers --hosts -j >"$OUT/show-hosts"
weir run --check -j -c "$WORK/b.yaml" >>"$OUT/run-check" 2>/dev/null
check "the agent stops" stop b
grep stopped "$OUT/run" >"$OUT/run-stopped"
sed -i /stopped/d "$OUT/run"
stop c
grep stopped "$OUT/coordinate" >"$OUT/coordinate-stopped"
sed -i /stopped/d "$OUT/coordinate"
weir coordinate --read "$WORK"/log/* -j >"$OUT/coordinate-read"

run_flows() {
	nsenter -t "${HOST[b]}" -n -m -- "$WEIR" run --flows -c "$WORK/b.yaml" >"$OUT/run-flows" 2>"$WORK/said-b" &
	AGENT[b]=$!
	until_true 30 grep -q '"proto":17' "$OUT/run-flows"
}
check "flows are printed as they end" run_flows
stop b

# Without an agent: what was pinned and queued.
check "an agent starts again" agent b -q -c "$WORK/b.yaml"
stop b KILL
weir show status -j >>"$OUT/show-status"
weir show exporters -j >>"$OUT/show-exporters"
weir detach --all >/dev/null
kill "${AGENT[ping]}" "${AGENT[udp]}" "${AGENT[tcp]}"

cat >"$WORK/capture.py" <<'END'
import struct
with open(__import__("sys").argv[1], "wb") as out:
    out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for i in range(50):
        udp = struct.pack("!HHHH", 1000 + i % 5, 53, 18, 0) + bytes(10)
        ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 0x0a090001, 0x0a090002)
        frame = bytes(12) + b"\x08\0" + ip + udp
        out.write(struct.pack("<IIII", 1795312709 + i, 125000, len(frame), len(frame)) + frame)
END
python3 "$WORK/capture.py" "$WORK/some.pcap"
weir replay -j -c "$WORK/b.yaml" --export "file:$WORK/replayed.ipfix" "$WORK/some.pcap" >"$OUT/replay"
weir replay --flows "$WORK/some.pcap" >"$OUT/replay-flows"

# --- Whether it is said as it is to be -----------------------------------------------------------

if [ -n "${WRITE-}" ]; then
	for verb in "$OUT"/*; do
		"$KEYS" write "${verb##*/}" <"$verb"
	done
	"$KEYS" settle
fi
for verb in run run-stopped run-flows run-check show-status show-queries show-flows show-distinct show-losses \
	show-interfaces show-exporters show-answers show-hosts coordinate coordinate-stopped \
	coordinate-read replay replay-flows; do
	check "the keys of $verb are the documented ones" "$KEYS" check "$verb" <"$OUT/$verb"
done
check "a key has one type in all verbs" "$KEYS" alike
check "what may be null is something at some time" "$KEYS" filled "$OUT"/*

# The test itself.
sabotage() {
	! sed "$2" "$OUT/$1" | "$KEYS" check "$1"
}
check "a key that is missing is found" sabotage run 's/"uptime_s":[0-9]*,//'
check "a key that is new is found" sabotage run 's/"uptime_s"/"uptime"/'
check "a list that became a number is found" sabotage show-status 's/"interfaces":\[.*\],"kernel"/"interfaces":2,"kernel"/'
check "a line without the schema's number is found" sabotage run 's/"weir":1,//'
done_testing
