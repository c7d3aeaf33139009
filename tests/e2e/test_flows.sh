#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1 ─── veth ─── 10.9.0.2 b, where weir runs ──→ FIFO ──→ a reader, or one that does not
#                                            └──→ IPFIX file ──→ wirecat
#
# weir run --flows: a line of JSON a flow, against exactly what was sent, against the books, and
# against what an exporter was given. A reader that stops must cost lines, and nothing else.
. "$(dirname "$0")/lib.sh"
WIRECAT=${WIRECAT:-$(dirname "$WEIR")/wirecat}

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
cat >"$WORK/plain.yaml" <<'YAML'
interfaces: [wb]
flow: {idle_timeout: 1s, active_timeout: 10m, closed_timeout: 1s, size: 65536}
YAML
cat "$WORK/plain.yaml" - >"$WORK/export.yaml" <<YAML
export: [{to: "file:$WORK/export.ipfix", rotate: 1h}]
YAML
mkfifo "$WORK/fifo"

# reader NAME: what comes through the FIFO goes to $WORK/NAME, from when $WORK/NAME.go is there.
reader() {
	bash -c 'exec 3<"$1"; echo open >"$2.open"; until [ -e "$2.go" ]; do sleep 0.05; done
		exec cat <&3 >"$2"' sh "$WORK/fifo" "$WORK/$1" &
	AGENT[$1]=$!
}

# flows_agent ARGS...: weir run --flows into the FIFO, once it measures
flows_agent() {
	rm -f "$WORK/said"
	nsenter -t "${HOST[b]}" -n -m -- "$WEIR" run --flows "$@" >"$WORK/fifo" 2>"$WORK/said" &
	AGENT[b]=$!
	until_true 60 grep -q "in: .*out: " "$WORK/said"
}

# send FLOWS: to port 20000 + i, i % 3 + 1 packets of i % 7 * 10 + 50 bytes
send() {
	on a python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.9.0.1", 30000))
for i in range(int(sys.argv[1])):
    for n in range(i % 3 + 1):
        s.sendto(bytes(i % 7 * 10 + 50), ("10.9.0.2", 20000 + i))' "$1"
}

# Of FLOWS sent: "flows packets bytes", IP and UDP headers included
sent() {
	python3 -c 'import sys
flows = range(int(sys.argv[1]))
print(len(flows), sum(i % 3 + 1 for i in flows),
      sum((i % 3 + 1) * (i % 7 * 10 + 50 + 28) for i in flows))' "$1"
}

# Of lines of JSON: the same of what was sent, each flow against its own count
received() {
	jq -r 'select(.src == "10.9.0.1" and .dst == "10.9.0.2" and .proto == 17 and .sport == 30000)
		| "\(.dport) \(.packets) \(.bytes)"' "$@" | python3 -c 'import collections, sys
packets, octets = collections.Counter(), collections.Counter()
for line in sys.stdin:
    port, count, size = map(int, line.split())
    packets[port - 20000] += count
    octets[port - 20000] += size
for i in packets:
    if packets[i] != i % 3 + 1 or octets[i] != packets[i] * (i % 7 * 10 + 50 + 28):
        print("flow", i, "has", packets[i], octets[i])
print(len(packets), sum(packets.values()), sum(octets.values()))'
}

same() {
	echo "$1"
	echo "$2"
	[ "$1" = "$2" ]
}

# said NAME: of "flows: 12 ended, 10 lines written, 2 dropped"
said() {
	local ended written dropped
	read -r ended written dropped < <(sed -n \
		's/.*flows: \([0-9]*\) ended, \([0-9]*\) lines written, \([0-9]*\) dropped.*/\1 \2 \3/p' "$WORK/said")
	echo "${!1}"
}

packets_of_lines() {
	jq -s 'map(.packets) | add' "$1"
}

# --- Alone -----------------------------------------------------------------------------------

reader plain
touch "$WORK/plain.go"
check "weir run --flows starts without an exporter" flows_agent -c "$WORK/plain.yaml"
send 300
plain_came() {
	[ "$(received "$WORK/plain")" = "$(sent 300)" ]
}
check "flows come when they end, while it runs" until_true 10 plain_came
send 30
sleep 0.2
seen=$(($(counter b seen_in) + $(counter b seen_out)))
not_in_flows=$(on b "$WEIR" show losses -j | jq '[.counters | to_entries[]
	| select(.key | test("^(seen_|evicted)") | not) | .value.packets] | add')
check "it ends with status 0" stop b
wait "${AGENT[plain]}"
check "what had not ended yet came too" same "$(jq -r 'select(.sport == 30000 and .dport == 20000
	and .proto == 17) | .packets' "$WORK/plain" | jq -s add)" 2
check "every packet is in a line" same "$(packets_of_lines "$WORK/plain")" "$((seen - not_in_flows))"
check "each line is an object of its schema" jq -es 'all(.[]; .weir == 1 and .first_ns <= .last_ns)' \
	"$WORK/plain"
check "nothing else is printed there" same "$(jq -c 'select(.packets == null)' "$WORK/plain")" ""
check "all lines were written" same "$(said ended) $(said written) $(said dropped)" \
	"$(wc -l <"$WORK/plain") $(wc -l <"$WORK/plain") 0"
check "nothing stays attached" nothing_left b

# --- Beside an exporter, with a reader that does not read --------------------------------------

reader stopped
check "it starts beside an exporter" flows_agent -c "$WORK/export.yaml"
FLOWS=7000
send $FLOWS
# The sink has had by then what the exporter has.
exported() {
	[ "$("$WIRECAT" "$WORK/${1:-.export.ipfix.part}" | received)" = "$(sent $FLOWS)" ]
}
check "the exporter gets every flow meanwhile" until_true 30 exported
before=$(date +%s%N)
kill -HUP "${AGENT[b]}"
check "the loop goes on: a signal is taken at once" until_true 2 grep -q reloaded "$WORK/said"
check "it ends with status 0 all the same" stop b
check "and within seconds" test $((($(date +%s%N) - before) / 1000000000)) -lt 9
check "the exporter's file holds what was sent" exported export.ipfix
touch "$WORK/stopped.go"
wait "${AGENT[stopped]}"
check "lines were dropped" test "$(said dropped)" -gt 0
check "each flow is a line that was written or one that was dropped" \
	same "$(said ended)" "$(($(said written) + $(said dropped)))"
check "as many lines came as were written" same "$(wc -l <"$WORK/stopped")" "$(said written)"
check "each of them whole" jq -es 'all(.[]; .weir == 1 and .packets > 0)' "$WORK/stopped"

# --- Beside an exporter, with one that reads ---------------------------------------------------

rm -f "$WORK/export.ipfix"
reader both
touch "$WORK/both.go"
check "it starts again" flows_agent -c "$WORK/export.yaml"
send 400
sleep 0.2
check "it ends with status 0" stop b
wait "${AGENT[both]}"
check "the lines hold what was sent" same "$(received "$WORK/both")" "$(sent 400)"
key() {
	jq -c '[.src, .dst, .sport, .dport, .proto, .packets, .bytes]' | sort
}
check "line by line they are what the exporter got" same \
	"$("$WIRECAT" "$WORK/export.ipfix" | key)" "$(key <"$WORK/both")"

# --- A reader that goes --------------------------------------------------------------------------

bash -c 'exec 3<"$1"; exec sleep 900' sh "$WORK/fifo" &
AGENT[gone]=$!
check "it starts with a reader" flows_agent -c "$WORK/plain.yaml"
kill "${AGENT[gone]}"
wait "${AGENT[gone]}" 2>/dev/null
send 20
check "it says that the reader has gone" until_true 10 grep -q "Broken pipe" "$WORK/said"
check "and goes on" conserved b
failed() {
	! stop b
}
check "to its end, with status 1" failed
check "with all lines dropped" same "$(said ended) $(said written)" "$(said dropped) 0"

refused() {
	"$WEIR" run "$@" 2>"$WORK/refused"
	[ $? -eq 2 ] && grep -q "neither" "$WORK/refused"
}
check "--flows is refused beside --json" refused --flows --json
done_testing
