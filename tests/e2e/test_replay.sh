#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every capture through the kernel programs, packet for packet against tshark.
. "$(dirname "$0")/lib.sh"
PCAPS=${WEIR_PCAPS:-$HERE/../../../shared/pcaps}

agrees() {
	"$WEIR" replay --flows "$1" | python3 "$HERE/tshark_flows.py" "$1"
}

# seen is what capinfos counts, from the earliest to the latest, and all of it is accounted for.
totals_agree() {
	local packets first last
	IFS=$'\t' read -r _ packets first last <<<"$(capinfos -TrcaeSM "$1")"
	"$WEIR" replay -j "$1" | tee "$WORK/totals" | jq -e --argjson n "$packets" \
		'.conserved and .seen.packets == $n and .counters.overflow.packets == 0' &&
		grep -F "\"first_ns\":${first/./}000," "$WORK/totals" && grep -F "\"last_ns\":${last/./}000," "$WORK/totals"
}

found=0
for capture in "$PCAPS"/*.pcap "$PCAPS"/*.pcapng "$PCAPS"/*.cap; do
	[ -r "$capture" ] || continue
	found=1
	check "flows of $(basename "$capture") are those tshark sees" agrees "$capture"
	check "totals of $(basename "$capture") are complete" totals_agree "$capture"
done
[ $found = 1 ] || skip "captures agree with tshark" "no captures in WEIR_PCAPS"

# --- The same every time --------------------------------------------------------------------------

# The cache is so small that flows give way, and others want the processors.
printf 'flow: {size: 1024}\nqueries:\n  - {name: q, match: "ip", distinct: [src, flow]}\n' >"$WORK/small.yaml"
twenty_times() {
	local n i
	for n in 1 2 3; do
		sha256sum /dev/zero 2>/dev/null &
		AGENT[load$n]=$!
	done
	for i in {1..20}; do
		"$WEIR" replay -c "$WORK/small.yaml" --flows "$1" || return 1
		"$WEIR" replay -j -c "$WORK/small.yaml" "$1" >"$WORK/totals" || return 1
		jq -e '.counters.evicted.packets > 0' "$WORK/totals" >/dev/null || return 1
		cat "$WORK/totals"
		echo
	done >"$WORK/twenty"
	for n in 1 2 3; do
		kill "${AGENT[load$n]}"
		unset "AGENT[load$n]"
	done
	awk -v RS= '!seen[$0]++ { different++ } END { print NR, different; exit NR != 20 || different != 1 }' \
		"$WORK/twenty"
}
if [ -r "$PCAPS/synscan.pcap" ]; then
	check "the same capture gives the same flows and totals twenty times" twenty_times "$PCAPS/synscan.pcap"
else
	skip "the same capture gives the same flows and totals twenty times" "no captures in WEIR_PCAPS"
fi
done_testing
