#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Captures of every kind, whole and damaged, into `weir replay`. What is good in them counts, and the
# rest is one line and exit status 1. Flows are compared with what the captures were made from, and
# with what tshark or tcpdump makes of them.
. "$(dirname "$0")/lib.sh"
FIELD=$HERE/../field
MADE=$WORK/made
mkdir "$MADE"
python3 "$HERE/capture_kinds.py" write "$MADE"

replay() {
	"$WEIR" replay "$@"
}

as_made() {
	replay --flows "$1" >"$WORK/flows" && python3 "$HERE/capture_kinds.py" check "$(basename "$1")" <"$WORK/flows"
}

# counts STATUS LINES FILTER ARGS...: the exit status, how many lines of errors, what holds of -j
counts() {
	local status=$1 lines=$2 filter=$3 got
	shift 3
	replay -j "$@" >"$WORK/totals" 2>"$WORK/err"
	got=$?
	cat "$WORK/err" "$WORK/totals"
	[ $got = "$status" ] && [ "$(wc -l <"$WORK/err")" = "$lines" ] &&
		jq -e ".conserved and ($filter)" "$WORK/totals"
}

# refused PATTERN FILE...: one line like this, nothing else
refused() {
	local pattern=$1
	shift
	replay "$@" >"$WORK/out" 2>"$WORK/err"
	[ $? = 1 ] && cat "$WORK/out" "$WORK/err" && [ ! -s "$WORK/out" ] &&
		[ "$(wc -l <"$WORK/err")" = 1 ] && grep -q -e "$pattern" "$WORK/err"
}

# --- Kinds ---------------------------------------------------------------------------------------

tshark_agrees() { # of the flows that as_made() left
	python3 "$HERE/tshark_flows.py" "$1" <"$WORK/flows"
}
tcpdump_agrees() {
	[ "$(tcpdump -nr "$1" 2>/dev/null | grep -cE 'IP6? (192|198|2001).* > ')" = 6 ]
}

for capture in "$MADE"/*; do
	name=$(basename "$capture")
	check "$name gives the flows that it was made from" as_made "$capture"
	case $name in
	*-simple.pcapng | link-20[56]-*) ;; # times that are not there, and what neither of them reads
	link-106-* | link-166-* | link-240-* | link-28?-*)
		check "$name is read so by tcpdump" tcpdump_agrees "$capture"
		;;
	*) check "$name is read so by tshark" tshark_agrees "$capture" ;;
	esac
done
check "packets without a time are counted by name" counts 0 0 \
	'.captured.no_time.packets == 5 and .captured.first_ns == .captured.last_ns' "$MADE/form-simple.pcapng"

# made NAME PYTHON: a capture by capture_kinds.py's functions
made() {
	PYTHONPATH=$HERE python3 -c "from capture_kinds import *; sys.stdout.buffer.write($2)" >"$MADE/$1"
}
made late.pcapng 'ng_late(9)'
cat >"$WORK/late.yaml" <<'YAML'
queries: [{ name: all, match: 'ip or ip6', window: 60s, distinct: [src] }]
YAML
check "those before the first time do not make a capture longer" counts 0 0 \
	'.captured.no_time.packets == 1 and (.queries[0] | .covered_s == 9 and .distinct.src.covered_s == 9)' \
	-c "$WORK/late.yaml" "$MADE/late.pcapng"

# --- Link types that are not read, or not all of ---------------------------------------------------

made usb.pcap 'pcap(189, FRAMES)'
check "a link type that is not read is refused by number and name" refused '189 (USB_LINUX)' "$MADE/usb.pcap"
made nameless.pcap 'pcap(9999, FRAMES)'
check "or by number alone" refused '9999 (unknown)' "$MADE/nameless.pcap"
made ppi.pcap 'pcap(192, [struct.pack("<BBHI", 0, 0, 8, 251) + f for f in FRAMES])'
check "one inside PPI too" counts 1 1 '.captured.link_type.packets == 6' "$MADE/ppi.pcap"
check "the line names it" grep -q '6 of 6 packets.*251 (BLUETOOTH_LE_LL)' "$WORK/err"
PYTHONPATH=$HERE python3 - >"$MADE/mixed.pcapng" <<'PY'
from capture_kinds import *
ng = Ng()
ng.interface(1)
ng.interface(220, 0, ng.option(2, b"usbmon0"))
for i, t in enumerate(TIMES):
    ng.packet(i % 2, t, FRAMES[i])
sys.stdout.buffer.write(ng.out)
PY
check "one interface of a pcapng does not take the others with it" counts 1 1 \
	'.captured.link_type.packets == 3 and .seen.packets == 3 and .captured.incomplete' "$MADE/mixed.pcapng"
PYTHONPATH=$HERE python3 - >"$MADE/wlan.pcap" <<'PY'
from capture_kinds import *
p = PACKETS[0]
frames = [wlan(p), b"\x80\0" + bytes(30),             # a beacon
          b"\xd4\0" + bytes(8),                       # an acknowledgement
          b"\x48\x01" + bytes(22),                    # null
          b"\xc8\x01" + bytes(24),                    # QoS null
          wlan(p, b"\x08\x41"),                       # protected
          wlan(p)[:22] + b"\x01\0" + bytes(100),      # the second fragment
          wlan(p, b"\x88\x01", b"\x80\0"),            # an A-MSDU
          b"\x08"]                                    # cut
sys.stdout.buffer.write(pcap(105, frames, times=range(9)))
PY
check "802.11 frames without a packet are counted by name" counts 0 0 '.captured.wlan_no_data.packets == 4 and
	.captured.wlan_protected.packets == 1 and .captured.wlan_parts.packets == 2 and
	.counters.truncated.packets == 1 and .seen.packets == 2' "$MADE/wlan.pcap"
made tagged.pcap 'pcap(285, [ADDRESSES + b"\xda\xda\0\0\xe0\0\x20\x64" + ethertype(p) + p for p in PACKETS])'
made tagged-dsa.pcap 'pcap(284, [ADDRESSES + b"\xe0\0\x20\x64" + ethertype(p) + p for p in PACKETS])'
vlans() {
	[ "$(replay --flows "$1" | jq .vlan | uniq -c | xargs)" = "5 100" ]
}
check "a tag of a switch with a VLAN in it is the VLAN's" vlans "$MADE/tagged.pcap"
check "in both forms" vlans "$MADE/tagged-dsa.pcap"

# --- Damage ----------------------------------------------------------------------------------------

check "P06: every packet of interfaces with other snap lengths" counts 0 0 \
	'.seen.packets == 2 and .seen.bytes == 228' "$FIELD/P06-two-snaplens.pcapng"
cut=$FIELD/P07-last-packet-cut.pcap
check "P07: packets before a cut count, and the exit status is 1" counts 1 1 \
	'.captured.read.packets == 4 and .captured.read.bytes == 456 and .captured.incomplete' "$cut"
check "the line says where" grep -q "P07-last-packet-cut.pcap: after packet 4, at byte 544: .*104 of 114" "$WORK/err"
cut_flows() {
	replay --flows "$cut" >"$WORK/flows"
	[ $? = 1 ] && [ "$(jq .packets "$WORK/flows")" = 4 ]
}
check "its flows are printed" cut_flows
cut_export() {
	replay --export "file:$WORK/cut.ipfix" "$cut" >"$WORK/out" 2>&1
	[ $? = 1 ] && [ "$("$(dirname "$WEIR")/wirecat" "$WORK/cut.ipfix" | jq .packets)" = 4 ]
}
check "and exported" cut_export
check "one capture does not take the others with it, before or after" counts 1 2 \
	'.captured.read.packets == 16' "$MADE/ethernet.pcap" "$cut" "$MADE/no.pcap" "$MADE/form-big.pcapng"

# Of a file cut anywhere tshark reads as many packets.
everywhere() {
	local bytes packets
	for bytes in $(seq "$2" "$3" "$(($(stat -c %s "$1") - 1))"); do
		head -c "$bytes" "$1" >"$WORK/part"
		packets=$(tshark -r "$WORK/part" -T fields -e frame.number 2>/dev/null | wc -l)
		replay -j "$WORK/part" >"$WORK/totals" 2>"$WORK/err"
		[ "$(jq -s '.[0].captured.read.packets // 0' "$WORK/totals")" = "$packets" ] || {
			echo "$bytes bytes: tshark reads $packets"
			cat "$WORK/totals" "$WORK/err"
			return 1
		}
	done
}
check "a pcap cut anywhere gives what tshark reads of it" everywhere "$MADE/form-nano-big.pcap" 30 311
check "a pcapng too" everywhere "$MADE/form-interfaces.pcapng" 166 336

made fraction.pcap 'pcap(1, FRAMES)[:-12 - len(FRAMES[5])] + struct.pack("<3I", 1000000, len(FRAMES[5]), len(FRAMES[5])) + FRAMES[5]'
check "P18: seconds are unsigned" counts 0 0 \
	'.captured.first == "2038-01-19T03:14:07.000000000Z" and .captured.last == "2038-01-19T03:14:09.000000000Z"' \
	"$FIELD/P18-across-2038.pcap"
check "P18: a fraction of a second or more is refused by name, and its packet counts" counts 1 1 \
	'.captured.read.packets == 6 and .captured.bad_time.packets == 1' "$MADE/fraction.pcap"
check "the line has it" grep -q "times of 1 of 6 packets .* packet 6: 1000000/1000000" "$WORK/err"
check "P02: first and last are the earliest and latest" counts 0 0 \
	'.captured.first == "2023-11-13T22:13:20.000000000Z" and .captured.last == "2023-11-14T22:13:21.000000000Z"' \
	"$FIELD/P02-clock-back-a-day.pcap"
forward() {
	replay --flows "$FIELD/P02-clock-back-a-day.pcap" |
		jq -se 'length == 3 and all(.last_ns == .first_ns) and (map(.packets) | add) == 3'
}
check "P02: no flow lasts a day, or less than nothing" forward
check "P03: no byte count wraps below 0" counts 0 0 \
	'.seen.bytes == 114 and .counters.truncated == {packets: 1, bytes: 0}' "$FIELD/P03-sll-wire-length-0.pcap"
PYTHONPATH=$HERE python3 - >"$MADE/short.pcap" <<'PY'
from capture_kinds import *
sll = LINKS["113-sll"](PACKETS[0])
data = pcap(113, [sll, sll])
sys.stdout.buffer.write(data[:36] + struct.pack("<I", 3) + data[40:])
PY
check "P03: a length on the wire less than what was captured is counted by name" counts 0 0 \
	'.captured.short_wire == {packets: 1, bytes: 144} and .seen == {packets: 2, bytes: 284}' "$MADE/short.pcap"

# --- Compressed, and from a pipe -------------------------------------------------------------------

plain=$MADE/form-interfaces.pcapng
gzip -c "$plain" >"$WORK/one.gz"
zstd -qc "$plain" >"$WORK/one.zst"
split -n 3 "$plain" "$WORK/third."
gzip -c "$WORK"/third.aa >"$WORK/three.gz" && gzip -c "$WORK"/third.ab >>"$WORK/three.gz" && gzip -c "$WORK"/third.ac >>"$WORK/three.gz"
zstd -qc "$WORK"/third.aa >"$WORK/three.zst" && zstd -qc "$WORK"/third.ab >>"$WORK/three.zst" && zstd -qc "$WORK"/third.ac >>"$WORK/three.zst"
for packed in one.gz one.zst three.gz three.zst; do
	check "$packed is unpacked" as_made "$WORK/$packed"
	check "$packed from a pipe too" sh -c "cat '$WORK/$packed' | '$WEIR' replay --flows - |
		python3 '$HERE/capture_kinds.py' check ''"
done
check "a pipe byte by byte is a capture like any other" sh -c "dd if='$plain' bs=1 2>/dev/null | '$WEIR' replay --flows - |
	python3 '$HERE/capture_kinds.py' check ''"

# A capture of some length, so that it is several blocks when packed.
PYTHONPATH=$HERE python3 - >"$WORK/long.pcap" <<'PY'
import random
from capture_kinds import *
r = random.Random(1)
frames = [ADDRESSES + b"\x08\0" + ip("192.0.2.1", "198.51.100.2", 17, 1, 2, 0)[:-2] + r.randbytes(r.randrange(1000))
          for _ in range(2000)]
sys.stdout.buffer.write(pcap(1, frames, times=range(2000)))
PY
gzip -c "$WORK/long.pcap" >"$WORK/long.gz"
zstd -qc "$WORK/long.pcap" >"$WORK/long.zst"
# cut_short PACKED UNPACKER: of its first two thirds no less is read than the unpacker gives.
cut_short() {
	head -c $(($(stat -c %s "$1") * 2 / 3)) "$1" >"$WORK/part"
	$2 "$WORK/part" 2>/dev/null | replay -j - 2>/dev/null | jq .captured.read.packets >"$WORK/want"
	cat "$WORK/want"
	[ "$(cat "$WORK/want")" -gt 1000 ] &&
		counts 1 1 ".captured.read.packets == $(cat "$WORK/want")" "$WORK/part" && grep -q 'data ends too early' "$WORK/err"
}
check "gzip data that is cut gives what is before the cut" cut_short "$WORK/long.gz" "gzip -dc"
check "zstd data too" cut_short "$WORK/long.zst" "zstd -dcf"
damaged() {
	cp "$1" "$WORK/part"
	printf '\377\377\377\377\377\377\377\377' |
		dd of="$WORK/part" bs=1 seek=$(($(stat -c %s "$1") * 2 / 3)) conv=notrunc 2>/dev/null
	counts 1 1 '.captured.read.packets > 1000' "$WORK/part"
}
check "zstd data that is damaged gives what is before the damage" damaged "$WORK/long.zst"
for packer in xz bzip2 lz4; do
	if command -v $packer >/dev/null; then
		$packer -c "$plain" >"$WORK/other" 2>/dev/null
		check "$packer is refused by name" refused "compressed by $packer" "$WORK/other"
	fi
done
check "a folder is no capture" refused "$WORK: Is a directory" "$WORK"
check "nothing is no capture" refused 'standard input: neither pcap nor pcapng' - </dev/null
done_testing
