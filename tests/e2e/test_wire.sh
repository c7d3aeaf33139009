#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The wire codec against other programs: datagrams of real exporters as tshark reads them, and our
# own messages as tshark and libfixbuf read them.
. "$(dirname "$0")/lib.sh"
WIRECAT=${WIRECAT:-$(dirname "$WEIR")/wirecat}
EXPORTERS=${WEIR_EXPORTERS:-$HERE/../../../shared/exporters}

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
		'. == [{selector: 1, rate: 256}]' \
		"$EXPORTERS/pmacct-104-IPFIXv10-IPv6-CISCO-sampling_option.pcap"
else
	skip "sampling is understood" "no captures in WEIR_EXPORTERS"
fi

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
