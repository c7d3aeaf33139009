#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every capture through the kernel programs, packet for packet against tshark.
. "$(dirname "$0")/lib.sh"
PCAPS=${WEIR_PCAPS:-$HERE/../../../shared/pcaps}

agrees() {
	"$WEIR" replay --flows "$1" | python3 "$HERE/tshark_flows.py" "$1"
}

# seen is what capinfos counts, and all of it is accounted for.
totals_agree() {
	local packets
	packets=$(capinfos -TrcM "$1" | awk -F'\t' '{print $2}')
	"$WEIR" replay -j "$1" | jq -e --argjson n "$packets" \
		'.conserved and .seen.packets == $n and .counters.overflow.packets == 0'
}

found=0
for capture in "$PCAPS"/*.pcap "$PCAPS"/*.pcapng "$PCAPS"/*.cap; do
	[ -r "$capture" ] || continue
	found=1
	check "flows of $(basename "$capture") are those tshark sees" agrees "$capture"
	check "totals of $(basename "$capture") are complete" totals_agree "$capture"
done
[ $found = 1 ] || skip "captures agree with tshark" "no captures in WEIR_PCAPS"
done_testing
