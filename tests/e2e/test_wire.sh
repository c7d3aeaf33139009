#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The wire codec against other programs: datagrams of real exporters as tshark reads them, and our
# own messages as tshark and libfixbuf read them.
. "$(dirname "$0")/lib.sh"
WIRECAT=${WIRECAT:-$(dirname "$WEIR")/wirecat}
EXPORTERS=${WEIR_EXPORTERS:-$HERE/../../../shared/exporters}
FIELD=$HERE/../field

reads_as_tshark() {
	"$WIRECAT" "$@" | python3 "$HERE/tshark_cflow.py" "$@"
}

# Nothing in them is beyond us; what they lost themselves, they lost.
nothing_is_bad() {
	"$WIRECAT" -s "$@" | tail -n 1 |
		jq -e '.counts | with_entries(select(.key | startswith("bad_"))) == {}'
}

told() { # WHAT JQ_FILTER CAPTURE...: options of that kind
	local what=$1 filter=$2
	shift 2
	"$WIRECAT" -o "$@" | jq -es "map(.$what | objects) | $filter"
}

exporter() {
	local paths=() name
	for name in "$@"; do
		paths+=("$EXPORTERS/$name.pcap")
	done
	if [ ! -r "${paths[0]}" ]; then
		skip "datagrams of $* are read as tshark reads them" "no captures in WEIR_EXPORTERS"
		return
	fi
	check "datagrams of $* are read as tshark reads them" reads_as_tshark "${paths[@]}"
	check "datagrams of $* have nothing that is bad" nothing_is_bad "${paths[@]}"
}

# Each alone, then where the template is in another capture than the data.
for capture in "$EXPORTERS"/*.pcap; do
	exporter "$(basename "$capture" .pcap)"
done
exporter akvorado-template akvorado-data
exporter akvorado-data akvorado-template
exporter akvorado-options-template akvorado-options-data
exporter akvorado-samplingrate-template akvorado-samplingrate-data

if [ -r "$EXPORTERS/akvorado-options-data.pcap" ]; then
	check "a Cisco's sampling is one in 30000, told four times" told sampling \
		'map(.rate) == [30000, 30000, 30000, 30000]' \
		"$EXPORTERS"/akvorado-options-{template,data}.pcap
	check "a Cisco's sampling by selector is one in 256" told sampling \
		'. == [{scope: "sampler", id: 1, rate: 256}]' \
		"$EXPORTERS/pmacct-104-IPFIXv10-IPv6-CISCO-sampling_option.pcap"
else
	skip "sampling is understood" "no captures in WEIR_EXPORTERS"
fi

# --- Datagrams that other collectors misread -------------------------------------------------

flows_of() { # FILE JQ_FILTER, which holds for its flows, as a list
	local file=$1 filter=$2
	"$WIRECAT" "$FIELD/$file.pcap" | jq -es "$filter"
}

counted() { # FILE NAME NUMBER
	"$WIRECAT" -s "$FIELD/$1.pcap" | tail -n 1 | jq -e ".counts.$2 == $3"
}

for capture in "$FIELD"/D*.pcap; do
	name=$(basename "$capture" .pcap)
	# tshark reads 1970 from uptimes in 8 bytes, and D06 is no flow.
	[[ $name == D0[16]-* ]] ||
		check "$name is read as tshark reads it" reads_as_tshark "$capture"
done
check "uptimes in 8 bytes are their low 32 bits" flows_of D01-v9-uptime-8-bytes \
	'map([.first_ns, .last_ns]) == [[1699999990000000000, 1699999999000000000]]'
check "a v9 field of 65535 bytes says its length itself" flows_of D02-v9-variable-length \
	'map([.packets, .bytes, .vrf_name]) == [[12, 2835, "blue"]]'
check "a flow begins when it began, not when it was observed" flows_of \
	D03-event-time-before-start 'map([.first, .last, .bytes, .reverse.bytes, .reverse.packets]) ==
	[["2023-11-14T22:13:15Z", "2023-11-14T22:13:20Z", 1500, 64000, null]]'
check "a firewall's events are told apart" flows_of D04-events-one-connection \
	'map([.event, .event_number, .bytes, .reverse.bytes]) == [["created", 1, 0, 0],
	["updated", 5, 2557, 1117], ["updated", 5, 31, 0], ["deleted", 2, 2588, 1117]]'
check "deltas add up, wherever the totals stand" flows_of D05-total-then-delta \
	'map(.bytes) == [1000, 500] and map(.packets) == [10, 5] and
	all(has("counted") | not)'
check "a record without key and counters is no flow" flows_of D06-frame-section-only '. == []'
check "a record without key and counters is counted" counted D06-frame-section-only \
	other_records 1
check "each interface has the rate that was told of it" flows_of D07-sampling-per-interface \
	'map([.in_if, .sampling]) == [[1, 100], [2, 1000]]'
check "no other's rate stands in for a sampler's" flows_of D08-sampler-not-told \
	'map(.sampling) == [null, 1000]'
check "an end that nobody told is unknown" flows_of D09-start-only \
	'map([.first, .last, .last_ns]) == [["2023-11-14T22:13:11Z", null, null]]'
check "a duration tells the end" flows_of D09-start-and-duration \
	'map([.first, .last]) == [["2023-11-14T22:13:11Z", "2023-11-14T22:13:19Z"]]'
check "counters behind the exporter are told where there are no others" flows_of \
	D10-post-counters-only 'map([.packets, .bytes, .counted]) == [[12, 2835, "post"]]'
check "octets of layer 2 are told as such where there are no others" flows_of \
	D10-layer2-octets-only 'map([.packets, .bytes, .counted]) == [[50, 64000, "layer2"]]'
check "an ASA's old numbers are read" flows_of D11-asa-old-nat-numbers \
	'map([.nat_src, .nat_dst, .nat_sport, .nat_dport, .event, .event_detail]) ==
	[["192.0.2.5", "10.0.0.2", 40000, 443, "deleted", 0]]'
check "a probability of 0.001 is one in 1000" flows_of D12-sampling-probability \
	'map(.sampling) == [1000]'
check "no flow ends before it begins" flows_of D13-first-after-last \
	'map([.first_ns, .last_ns]) == [[1699999990000000000, 1699999990058000000]]'
check "and such a one is counted" counted D13-first-after-last bad_order 1

# --- Our own messages ------------------------------------------------------------------------

# encodes PROTOCOL [-b]: made-up flows, in $WORK/made.pcap and as they are in $WORK/made.
encodes() {
	"$WIRECAT" -e "$@" -n 1000 "$WORK/made.pcap" >"$WORK/made"
}

tshark_reads() {
	encodes "$@" && python3 "$HERE/tshark_cflow.py" --strict "$WORK/made.pcap" <"$WORK/made"
}

# Of elements that it does not know, the bytes: the record of query "web" and key "src".
tshark_reads_distinct() {
	encodes ipfix && tshark -n -r "$WORK/made.pcap" -d udp.port==4739,cflow -V >"$WORK/verbose" &&
		sed -n '/\[id=266\]/,/Flow 2/s/.*Type \([0-9]*\): Value (hex bytes): /\1: /p' \
			"$WORK/verbose" | diff - <(printf '%s\n' '16: 77 65 62' '32: 73 72 63' \
			'17: 00 00 ea 60' '36: 00 00 ea 60' '33: 00 00 00 00 00 01 8f e6' \
			'34: 40 55 e0 00 00 00 00 00' '35: 02')
}

check "tshark reads our distinct counts' bytes" tshark_reads_distinct
for protocol in "ipfix" "ipfix -b" "v9" "v5"; do
	# shellcheck disable=SC2086 # two words
	check "tshark reads our $protocol as we meant it, and has no complaint" tshark_reads $protocol
done

# All messages but the first, which has the templates, from another port.
other_ports() {
	python3 - "$1" "$2" <<-'END'
		import struct, sys
		b, at = bytearray(open(sys.argv[1], "rb").read()), 24
		while at < len(b):
		    if at > 24:
		        b[at + 16 + 34:at + 16 + 36] = struct.pack(">H", 50001)
		    at += 16 + struct.unpack("<I", b[at + 8:at + 12])[0]
		open(sys.argv[2], "wb").write(b)
	END
}

ports_are_shared_when_asked() {
	encodes v9 && other_ports "$WORK/made.pcap" "$WORK/ports.pcap" || return
	"$WIRECAT" "$WORK/made.pcap" >"$WORK/one" || return
	"$WIRECAT" -a "$WORK/ports.pcap" | cmp - "$WORK/one" || return
	"$WIRECAT" "$WORK/ports.pcap" | cmp -s - "$WORK/one" && return 1
	"$WIRECAT" -h | grep -q NAT
}

check "wirecat -a reads data from another port than the templates" ports_are_shared_when_asked

fixbuf_reads() {
	"$WIRECAT" -e file -b -n 1000 "$WORK/made.ipfix" >"$WORK/made" || return
	ipfixDump --rfc5610 --in "$WORK/made.ipfix" >"$WORK/dump" || return
	# By our types' records it knows our elements.
	! grep -i alien "$WORK/dump" || return
	# 32473/1 and so on: name and value.
	grep -A12 'tid: *264' "$WORK/dump" | grep -q 'overflowPacketTotalCount : 9$' || return
	# Distinct counts by query and key, which are their scope; a boolean is 1 or 2.
	diff <(grep -A8 'tid: *266' "$WORK/dump" |
		sed -n 's/(len: [0-9]*) //; s/^\t(32473[^)]*) *//p') - <<-END || return
		(S)                 queryName : web
		(S)               distinctKey : src
		queryWindowMilliseconds : 60000
		distinctCoveredMilliseconds : 60000
		distinctCount : 102374
		distinctStandardError : 87.5
		distinctSaturated : 2
		(S)                 queryName : everything
		(S)               distinctKey : flow
		queryWindowMilliseconds : 300000
		distinctCoveredMilliseconds : 1500
		distinctCount : 8000000
		distinctStandardError : 0
		distinctSaturated : 1
	END
	# Every flow with its addresses, ports, counts, both ways.
	diff <(awk '/ : / { field[$2] = $NF }
		/^--- / || /^\*\*\*/ { if ("packetDeltaCount" in field) print \
			field["packetDeltaCount"], field["octetDeltaCount"], \
			field["sourceTransportPort"], field["reversePacketDeltaCount"] + 0; delete field }' \
		"$WORK/dump") \
		<(jq -r '"\(.packets) \(.bytes) \(.sport) \(.reverse.packets // 0)"' "$WORK/made")
}

if command -v ipfixDump >/dev/null; then
	check "libfixbuf reads our IPFIX files as we meant them" fixbuf_reads
else
	skip "libfixbuf reads our IPFIX files as we meant them" "no ipfixDump"
fi
done_testing
