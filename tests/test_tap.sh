#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What tests/tap.sh reads in the output of programs, and what it complains about.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
. ./tap.sh

tests=0 failures=0

# is SENTENCE EXPECTED FOUND
is() {
	tests=$((tests + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $tests - $1"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $tests - $1"
	printf 'expected: %s\nfound: %s\n' "$2" "$3" | sed 's/^/# /'
}

found() {
	heard+="$1: $2${3:+ ($3)}; "
	[ "$1" != FAIL ] || failed=$((failed + 1))
}

# reads SENTENCE OUTPUT EXPECTED: of the tests that OUTPUT, in printf's words, tells
reads() {
	local heard='' failed=0
	# shellcheck disable=SC2059 # a format
	tap_read found < <(printf "$2")
	is "$1" "$3" "$heard"
}

# complains SENTENCE STATUS OUTPUT EXPECTED
complains() {
	local heard='' failed=0
	# shellcheck disable=SC2059 # a format
	tap_read found < <(printf "$3")
	is "$1" "$4" "$(tap_complaint "$2" 300 "$failed")"
}

reads "tests that passed and failed are told apart" \
	'1..2\nok 1 - a flow ends\nnot ok 2 - a packet counts\n' "ok: a flow ends; FAIL: a packet counts; "
reads "a name in C becomes a sentence" 'ok 1 - a_flow_ends\nok 2 a_b # c\n' "ok: a flow ends; ok: a_b # c; "
reads "a test that skips says why" 'ok 1 - a set # SKIP no root\n' "skip: a set (no root); "
reads "cmocka skips in its own words" 'not ok 1 # SKIP a_set_is_read\n' "skip: a set is read; "
reads "a program may skip all of its tests" '1..0 # SKIP no tool\n' "skip: all of it (no tool); "
reads "what is no test is passed over" '# ok 1 - no\n ok 2\nok then\nBail out! not ok 3\n' ""
reads "a last line counts without its end, and with carriage return" \
	'ok 1 - first\r\nok 2 - last' "ok: first; ok: last; "

complains "a program that does what it planned is right" 0 '1..1\nok 1 - a\n' ""
complains "plans add up" 0 '1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n' ""
complains "a plan may come last" 0 'ok 1 - a\n1..1\n' ""
complains "it is wrong to run fewer tests than planned" 0 '1..2\nok 1 - a\n' "planned 2 tests and ran 1"
complains "or more" 0 '1..1\nok 1 - a\nok 2 - b\n' "planned 1 tests and ran 2"
complains "or to have no plan" 0 'ok 1 - a\n' "planned 0 tests and ran 1"
complains "or to have no test" 0 'hello\n' "printed no test"
complains "or to skip some and plan none of the others" 0 '1..0 # SKIP a\nok 1 - b\n' \
	"planned 1 tests and ran 2"
complains "or to fail without a test that failed" 1 '1..1\nok 1 - a\n' \
	"exit status 1, though no test failed"
complains "a test that failed says it all" 1 '1..1\nnot ok 1 - a\n' ""
complains "cmocka may fail for it skips" 1 '1..1\nnot ok 1 # SKIP a\n' ""
complains "but not die" 139 '1..1\nnot ok 1 # SKIP a\n' "exit status 139, though no test failed"
complains "who took too long is told so, whatever failed" 124 '1..1\nnot ok 1 - a\n' \
	"ran for more than 300 seconds, or was killed"
complains "a program that is not there is missed" 127 'no such file\n' "is not there to run"

echo "1..$tests"
[ "$failures" -eq 0 ]
