#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What hosts and coordinators say to each other, as other programs read it: one of each word, each
# value by the name that the stream's own type records give its element.
. "$(dirname "$0")/lib.sh"
WIRECAT=${WIRECAT:-$(dirname "$WEIR")/wirecat}
FILE=$WORK/words.ipfix

# In the order of wirecat's words; names sorted. 1,700,000,000.123 s is the host's clock.
shall() {
	cat <<-END
		{"sessionHostId": 7, "sessionHostName": "rack-7", "sessionInstance": 81985529216486895, "sessionTime": 1700000000123}
		{"clockShift": -3600, "intervalMethod": "adaptive", "intervalPeriod": 10, "intervalShrink": 50000, "sessionCoordinatorName": "céntre"}
		{"intervalWidth": 1000, "queryMatch": "tcp port 443", "queryMeasure": "bytes", "queryName": "web", "queryNumber": 1, "queryWindowMilliseconds": 60000}
		{"grantSerial": 1, "intervalTick": 1700000001, "intervalWidth": 4000000, "queryNumber": 1}
		{"intervalCentre": -1000, "intervalCourse": "04ac0206027f", "intervalStep": 1500, "intervalTick": 1700000002, "intervalWidth": 4000000, "queryNumber": 1}
		{"intervalCentre": -288230376151711744, "intervalCourse": "00", "intervalError": 3, "intervalStep": 1125899906842624, "intervalTick": 1700000003, "intervalWidth": 288230376151711744, "queryNumber": 1}
		{"intervalTick": 1700000003, "missingHosts": "rack-8, rack-9", "queryNumber": 1}
		{"grantConfirmed": 1, "intervalTick": 1700000003}
		{"sessionRefusal": "host 7 is here already"}
		{"countedSince": 1699999990, "intervalTick": 1700000003, "queryNumber": 1}
		{"queryMatch": "udp", "queryMeasureThere": "packets", "queryNumber": 1, "queryWindowMilliseconds": 10000}
		{"sessionLeave": true}
	END
}

tshark_reads() {
	PYTHONIOENCODING=utf-8 python3 "$HERE/tshark_distinct.py" own "$FILE" >"$WORK/told" &&
		diff "$WORK/told" <(shall)
}

# Dates as they are, a boolean as its byte, octets as their number alone.
fixbuf_reads() {
	ipfixDump --rfc5610 --in "$FILE" >"$WORK/dump" && ! grep -i alien "$WORK/dump" || return
	sed -n 's/(len: [0-9]*) //; s/^\t(32473[^)]*) *\([A-Za-z]* : .*\)/\1/p' "$WORK/dump" \
		>"$WORK/fixbuf"
	local line
	while IFS= read -r line; do
		grep -qxF -- "$line" "$WORK/fixbuf" || { echo "no '$line'"; return 1; }
	done <<-END
		sessionHostName : rack-7
		sessionInstance : 81985529216486895
		intervalMethod : adaptive
		clockShift : -3600
		queryMatch : tcp port 443
		grantSerial : 1
		intervalCentre : -1000
		intervalCentre : -288230376151711744
		intervalWidth : 288230376151711744
		intervalStep : 1500
		intervalError : 3
		missingHosts : rack-8, rack-9
		grantConfirmed : 1
		sessionRefusal : host 7 is here already
		queryMeasureThere : packets
	END
}

# Types of 25 elements of these words alone, and of a query's name and window.
weir_passes_over_them() {
	"$WIRECAT" -s "$FILE" | tail -n 1 | jq -e '.counts ==
		{messages: 2, templates: 13, options: 27, other_records: 12}'
}

check "wirecat says one of each word" "$WIRECAT" -i "$FILE"
check "tshark reads each value under its name, and has no complaint" tshark_reads
if command -v ipfixDump >/dev/null; then
	check "libfixbuf reads them by their names" fixbuf_reads
else
	skip "libfixbuf reads them by their names" "no ipfixDump"
fi
check "weir's own collector passes over them, for they are no flows" weir_passes_over_them
done_testing
