#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1 ─── veth ─── 10.9.0.2 wb b, measured ─── veth ─── 10.9.1.2 c: nfcapd; socat; tcpdump
#                                    late0, late1 (later)                       └─→ tshark
#
# Interfaces have their names in the first options of every session and as soon as they change, though
# options are never repeated. tshark reads what went over the wire.
. "$(dirname "$0")/lib.sh"

for program in tshark tcpdump socat nfcapd; do
	command -v $program >/dev/null || {
		skip "collectors learn names" "no $program"
		done_testing
		exit 0
	}
done
host a
host b
host c
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
wire b wbc 10.9.1.1/24 c wc 10.9.1.2/24
on b ip link set wb alias "to a, 10 Gbit/s"
INDEX=$(on b cat /sys/class/net/wb/ifindex)

cat >"$WORK/names.yaml" <<END
interfaces: [wb, late0, late1]
flow: {size: 4096, idle_timeout: 1s, active_timeout: 3s, closed_timeout: 0s}
export:
  - {to: "ipfix+udp://10.9.1.2:4739", domain: 1, options_refresh: 0s}
  - {to: "v9+udp://10.9.1.2:9995", domain: 2, options_refresh: 0s}
  - {to: "ipfix+tcp://10.9.1.2:4739", domain: 3, options_refresh: 0s}
END

start sink c socat -u tcp-listen:4739,reuseaddr,fork OPEN:/dev/null
until_true 10 on c sh -c "ss -Htln 'sport = :4739' | grep -q LISTEN"
start udp c socat -u udp-recv:4739 OPEN:/dev/null
mkdir "$WORK/flows"
start nfcapd c nfcapd -w "$WORK/flows" -p 9995 -t 3600
until_true 10 grep -q Startup "$WORK/start-nfcapd"

# sniff FILE, heard FILE: what happens in between.
sniff() {
	start tcpdump c tcpdump -Z root -i wc -U --immediate-mode -w "$WORK/$1.pcap" \
		'tcp port 4739 or udp port 4739 or udp port 9995'
	until_true 10 grep -q 'listening on' "$WORK/start-tcpdump"
}
heard() {
	stop tcpdump INT
}

# The options and flows of a capture in order, as lines "DOMAIN name INDEX NAME", "DOMAIN about INDEX
# TEXT" and "DOMAIN flow". tshark says of v9's scope "ScopeInterface" what IPFIX has as InputInt.
cat >"$WORK/told.py" <<'END'
import json, subprocess, sys
out = subprocess.run(["tshark", "-r", sys.argv[1], "-d", "udp.port==9995,cflow", "-d",
                      "udp.port==4739,cflow", "-Y", "cflow", "-T", "json", "--no-duplicate-keys"],
                     capture_output=True, check=True).stdout
def dicts(x):
    for item in x if isinstance(x, list) else [x]:
        if isinstance(item, dict):
            yield item
def walk(node, domain):
    """Records are the sub-trees called "Flow N"."""
    for key, value in node.items():
        for item in dicts(value):
            if key.startswith("Flow "):
                yield item
            else:
                yield from walk(item, domain)
def number(flow):
    for key in ("cflow.inputint", "cflow.scope_interface", "cflow.scope.interface"):
        if key in flow:
            return int(flow[key], 0)
    for item in flow.values():
        for inner in dicts(item):
            return number(inner)
    return 0
for packet in json.loads(out):
    for message in dicts(packet["_source"]["layers"].get("cflow", [])):
        domain = message.get("cflow.od_id") or message.get("cflow.source_id")
        for flow in walk(message, domain):
            if "cflow.if_name" in flow:
                print(domain, "name", number(flow), flow["cflow.if_name"])
            elif "cflow.if_descr" in flow:
                print(domain, "about", number(flow), flow["cflow.if_descr"])
            elif "cflow.srcaddr" in flow:
                print(domain, "flow", number(flow))
END
told() {
	python3 "$WORK/told.py" "$WORK/$1.pcap" | tee "$WORK/$1.told"
}

sent_flows() {
	on b "$WEIR" show status -j | jq -e '[.exporters[].exported.flow_count] | min > 0'
}
run_once() {
	agent b -q -c "$WORK/names.yaml" && on a ping -qc 1 10.9.0.2 && until_true 10 sent_flows
}
# each_begins_with SESSION NAME ABOUT: before the first flow, in all three.
each_begins_with() {
	told "$1"
	for domain in 1 2 3; do
		sed "/^$domain flow/q" "$WORK/$1.told" | grep -qx "$domain name $INDEX $2" &&
			sed "/^$domain flow/q" "$WORK/$1.told" | grep -qx "$domain about $INDEX $3" &&
			grep -q "^$domain flow" "$WORK/$1.told" || return 1
	done
}

SESSIONS=6
for n in $(seq $SESSIONS); do
	sniff "session$n"
	run_once >/dev/null || echo "Bail out! no flows"
	stop b
	heard
done
all_sessions() {
	for n in $(seq $SESSIONS); do
		each_begins_with "session$n" wb "to a, 10 Gbit/s" || return 1
	done
}
check "each of $SESSIONS runs names the interface before its flows, over IPFIX, v9 and TCP" all_sessions

# One session from here on, its templates included. news COMMAND...: from now on; each_told LINE: to
# all three since then, soon.
sniff all
run_once >/dev/null
news() {
	told all >/dev/null
	before=$(wc -l <"$WORK/all.told")
	"$@"
}
since() {
	told all >/dev/null
	tail -n "+$((before + 1))" "$WORK/all.told" | tee "$WORK/news"
}
has_each() {
	since
	for domain in 1 2 3; do
		grep -qx "$domain $1" "$WORK/news" || return 1
	done
}
each_told() {
	until_true 5 has_each "$1" || { since; return 1; }
}
add_late() {
	on b ip link add late0 type veth peer name far0
	on b ip link set late0 up
}
news add_late
LATE=$(on b cat /sys/class/net/late0/ifindex)
check "an interface that comes later is told at once" each_told "name $LATE late0"
check "with no alias its description is empty" each_told "about $LATE "
check "and it alone is told" sh -c "! grep -qE ' (name|about) $INDEX ' '$WORK/news'"

news on b ip link set wb alias "to a, 40 Gbit/s"
check "an alias that changes is told at once" each_told "about $INDEX to a, 40 Gbit/s"
news on b ip link set wb alias ""
check "and one that is taken away" each_told "about $INDEX "

rename() {
	on b ip link set late0 down
	on b ip link set late0 name late1
	on b ip link set late1 up
}
news rename
check "an interface that is renamed is told at once" each_told "name $LATE late1"

other() {
	on b ip link set far0 alias "nobody asked"
	on b ip link set far0 up
	on b ip link set wb alias "the last word"
	each_told "about $INDEX the last word"
}
news other
check "others are not told of" sh -c "! grep 'nobody asked' '$WORK/news'"

# A TCP collector that comes back is a session, and is told all.
connect_again() {
	pkill -P "${AGENT[sink]}" # the one that serves the connection
	on a ping -qc 1 10.9.0.2 >/dev/null
}
again() {
	since
	grep -qx "3 name $INDEX wb" "$WORK/news" && grep -qx "3 name $LATE late1" "$WORK/news"
}
news connect_again
check "a connection that is made again begins with all names" until_true 20 again
heard

# Killed, and started again: a name that changed meanwhile is told, to UDP too.
stop b KILL
on b ip link set wb alias "to a again"
sniff all
before=0
run_once >/dev/null
check "what changed while no agent ran is told by the next" each_told "about $INDEX to a again"
heard
check "every packet is accounted for" conserved b
stop b
until_true 10 sh -c "nsenter -t ${HOST[c]} -n ss -Hulnm 'sport = :9995' | grep -q '^UNCONN *0 '"
stop nfcapd TERM
nfcapd_read() {
	cat "$WORK/start-nfcapd"
	grep -q 'Bad Packets: 0' "$WORK/start-nfcapd"
}
check "nfcapd takes all of it" nfcapd_read
done_testing
