#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Every verb with a standard output that is full, whose reader has gone, or that is not there at all:
# one line on standard error about it, exit status 1, and nothing else is different. The list of verbs
# is `weir help`'s, so that one which is added is missed here.
. "$(dirname "$0")/lib.sh"

host b
python3 "$HERE/capture_kinds.py" write "$WORK"
cat >"$WORK/b.yaml" <<YAML
interfaces: [lo]
queries: [{name: in, match: "in", distinct: [src]}]
export: [{to: "file:$WORK/b.ipfix"}]
report: {address: "tcp://127.0.0.1:4740", host: 1}
YAML
cat >"$WORK/coordinate.yaml" <<YAML
queries: [{name: in, match: "in"}]
coordinate: {listen: ["tcp://127.0.0.1:4740"], log: "$WORK/log"}
YAML
cat >"$WORK/other.yaml" <<YAML
queries: [{name: in, match: "in"}]
coordinate: {listen: ["tcp://127.0.0.1:4741"], socket: "$WORK/other.sock"}
YAML
mkdir "$WORK/log"

# to_nobody HOW ARGS...: output to what takes nothing. Sets `status`; messages are in $WORK/err. What
# runs until it is stopped gets LIMIT seconds to notice.
LIMIT=20
to_nobody() {
	local how=$1
	shift
	set -- nsenter -t "${HOST[b]}" -n -m -- timeout --preserve-status "$LIMIT" "$WEIR" "$@"
	status=0
	case $how in
	full) "$@" >/dev/full 2>"$WORK/err" || status=$? ;;
	missing) "$@" >&- 2>"$WORK/err" || status=$? ;;
	gone)
		mkfifo "$WORK/pipe"
		exec 7<>"$WORK/pipe" 8>"$WORK/pipe" 7>&- # writable, and nobody reads
		rm "$WORK/pipe"
		"$@" >&8 2>"$WORK/err" 8>&- || status=$?
		exec 8>&-
		;;
	esac
	echo "status $status"
	cat "$WORK/err"
}

# refused REASON HOW ARGS...: of a verb that says nothing else
refused() {
	local reason=$1
	shift
	to_nobody "$@"
	[ "$status" = 1 ] && [ "$(wc -l <"$WORK/err")" = 1 ] && grep -q "^weir: .*: $reason\$" "$WORK/err"
}

# ends REASON HOW ARGS...: of one that has more to say
ends() {
	local reason=$1
	shift
	to_nobody "$@"
	[ "$status" = 1 ] && [ "$(grep -c "$reason" "$WORK/err")" = 1 ]
}

declare -A REASON=([full]="No space left on device" [gone]="Broken pipe" [missing]="Bad file descriptor")
tried=" "
each() { # CHECK ARGS...
	local test=$1 how
	shift
	tried+="$1 "
	for how in full gone missing; do
		check "weir $* > $how: ${REASON[$how]}, exit status 1" "$test" "${REASON[$how]}" $how "$@"
	done
}

each refused --version
each refused --help
each refused help
each refused help run
each refused help --man
each refused run --help
for shape in "" -j --flows; do
	# shellcheck disable=SC2086 # nothing, or an option
	each refused replay $shape "$WORK/ethernet.pcap"
done
each refused run --check -c "$WORK/b.yaml"
each refused run --check -j -c "$WORK/b.yaml"

start coordinate b "$WEIR" coordinate -q -c "$WORK/coordinate.yaml"
check "an agent measures" agent b -c "$WORK/b.yaml"
start ping b ping -q -i 0.2 127.0.0.1
answers() {
	on b "$WEIR" show answers -j | grep -q .
}
check "a coordinator answers" until_true 20 answers
for topic in status queries flows distinct losses interfaces exporters answers; do
	each refused show $topic
	each refused show $topic -j
done
check "the agent stops as ever" stop b
check "the coordinator too" stop coordinate
log=$(find "$WORK/log" -type f)
each refused coordinate --read "$log"
each refused coordinate --read "$log" -j
each refused coordinate --read "$log" --at 1

# These run until they are stopped; what they say at the start and the end is not about the output.
for shape in "" -j; do
	# shellcheck disable=SC2086
	each ends coordinate $shape -c "$WORK/other.yaml"
	# shellcheck disable=SC2086
	each ends run $shape -c "$WORK/b.yaml"
done
# Flows whose reader has gone are dropped, and counted: others may want them too.
LIMIT=5
each ends run --flows -c "$WORK/b.yaml"
check "and nothing stays attached" nothing_left b
head_reads() {
	on b timeout 20 "$WEIR" run -c "$WORK/b.yaml" 2>"$WORK/err" | head -n 2 >"$WORK/two"
	cat "$WORK/two" "$WORK/err"
	[ "$(wc -l <"$WORK/two")" = 2 ] && [ "$(grep -c 'standard output: Broken pipe' "$WORK/err")" = 1 ]
}
check "weir run | head ends when head does" head_reads
check "and nothing stays attached" nothing_left b

check "weir detach prints nothing, and needs no output" on b sh -c "'$WEIR' detach --all >/dev/full 2>/dev/null; [ \$? = 0 ]"
tried+="detach "
all_tried() {
	local verb verbs
	mapfile -t verbs < <("$WEIR" help | sed -n 's/^  \([a-z]\{3,\}\) .*/\1/p')
	[ ${#verbs[@]} -ge 6 ] || return 1
	for verb in "${verbs[@]}"; do
		[[ $tried == *" $verb "* ]] || { echo "weir $verb was not tried"; return 1; }
	done
}
check "every verb was tried" all_tried
done_testing
