#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Bad input: one line, the right exit status, nothing left attached.
. "$(dirname "$0")/lib.sh"

host b
# refuses STATUS PATTERN ARGS...: weir ends with STATUS and one line on stderr that matches.
refuses() {
	local status=$1 pattern=$2
	shift 2
	on b timeout 20 "$WEIR" "$@" >"$WORK/out" 2>"$WORK/err"
	local got=$?
	echo "status $got, stderr:"
	cat "$WORK/err"
	[ $got = "$status" ] && [ "$(wc -l <"$WORK/err")" = 1 ] && grep -q "$pattern" "$WORK/err"
}

printf 'interfaces: [lo]\nspeed: 3\n' >"$WORK/key.yaml"
printf 'queries:\n  - {name: q, match: "tcp and prot 4"}\n' >"$WORK/match.yaml"
printf 'inside: [10.0.0.1/8]\n' >"$WORK/prefix.yaml"
echo "this is no capture" >"$WORK/no.pcap"
check "an interface that is not there" refuses 1 "nosuch0" run -i nosuch0
check "an unknown key, with its line" refuses 1 "key.yaml:2:" run -c "$WORK/key.yaml"
check "a wrong expression, with line and column" refuses 1 "match.yaml:2:" run -c "$WORK/match.yaml"
check "a prefix with host bits" refuses 1 "prefix.yaml:1:" replay -c "$WORK/prefix.yaml" "$WORK/no.pcap"
check "a config that is not there" refuses 1 "nothere.yaml" run -c "$WORK/nothere.yaml"
check "a file that is no capture" refuses 1 "no.pcap" replay "$WORK/no.pcap"
check "a capture that is not there" refuses 1 "nothere.pcap" replay "$WORK/nothere.pcap"
check "an unknown verb" refuses 2 "frobnicate" frobnicate
check "an unknown option" refuses 2 "frobnicate" run --frobnicate
check "an unknown topic" refuses 2 "weather" show weather
check "show where nothing runs" refuses 1 "." show status
check "detach where nothing runs" on b "$WEIR" detach --all
unprivileged() {
	chmod 711 "$WORK"
	chmod 755 "$WORK/weir-copy" 2>/dev/null
	on b setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/weir-copy" run -i lo >"$WORK/out" 2>"$WORK/err"
	local got=$?
	cat "$WORK/err"
	[ $got = 1 ] && [ "$(wc -l <"$WORK/err")" = 1 ] && grep -q CAP_ "$WORK/err"
}
cp "$WEIR" "$WORK/weir-copy"
check "no privilege, and what is needed" unprivileged
check "nothing stays attached" nothing_left b
done_testing
