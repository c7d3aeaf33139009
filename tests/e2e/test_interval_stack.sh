#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#                        p 10.9.0.100, above all
#             ┌──────────────────┬──────┴──────┬───────────┐
#   a 10.9.0.101, host 101   b .102, host 102  │           │
#       ┌─────┴─────┐            │             │           │
#   h1 10.9.0.1   h2 .2        h3 .3         h4 .4   h5 .5, for a while
#
# Who reports to whom; all of them are on one bridge, in the namespace of p. Coordinators a, of
# method static, and b, adaptive, report their answers to p, auto. An agent and a coordinator are
# killed and restored, a host comes and goes, and p is given other precisions while it runs. Each
# host logs what it counts, so that it can be verified afterwards that every answer of all three
# held the truth.
. "$(dirname "$0")/interval_lib.sh"
P=10.9.0.100
names=(h1 h2 h3 h4)

# --- Who is whose host, and what is answered -----------------------------------------------------

queries='queries:
  - {name: all, match: "ip", window: 5s}
  - {name: in, match: "in", measure: bytes, window: 3s}
  - {name: udp, match: "udp", window: 10s}'

# config_of HOST ADDRESS
config_of() {
	configure "$1" "address: \"tcp://$2:4740\", host: ${1#h}, plain: true"
}

# coordinator_of NAME ADDRESS OTHERS ALL IN UDP: OTHERS are lines of YAML, the rest precisions.
coordinator_of() {
	coordinator "$1"
	cat >"$WORK/$1.yaml" <<-END
		$queries
		coordinate:
		  name: $1
		  listen: ["tcp://$2:4740"]
		  plain: true
		$3
		  answers:
		    - {name: all, query: all, precision: $4}
		    - {name: in, query: in, precision: $5}
		    - {name: udp, query: udp, precision: $6}
	END
}

# child NAME NUMBER RULES HOSTS: more precise than p.
child() {
	coordinator_of "$1" "10.9.0.1${2#1}" "  $3
  hosts: [$4]
  parent: {address: \"tcp://$P:4740\", host: $2, name: $1, plain: true}" 3 3000 1
	jq -n --argjson hosts "[$4]" '{query: "", hosts: $hosts, relative: false} as $a |
		{all: ($a + {query: "all", precision: 3}), in: ($a + {query: "in", precision: 3000}),
		udp: ($a + {query: "udp", precision: 1})}' >"$CASE/$1/plan.json"
}

child a 101 "method: static" "1, 2"
child b 102 "method: adaptive
  period: 2s" 3
coordinator_of p $P "  method: auto
  log: $CASE/p/log" 40 40000 10%
jq -n '{query: "", hosts: [4, 101, 102], guests: [5], relative: false} as $a |
	{all: ($a + {query: "all", precision: 40}), in: ($a + {query: "in", precision: 40000}),
	udp: ($a + {query: "udp", precision: 0.1, relative: true})}' >"$CASE/p/plan.json"
echo '{"101": [1, 2], "102": [3]}' >"$CASE/p/below.json"

# --- The beginning -------------------------------------------------------------------------------

bridge p $P
join a 10.9.0.101
join b 10.9.0.102
for n in 1 2 3 4 5; do
	join "h$n" "10.9.0.$n"
done
config_of h1 10.9.0.101
config_of h2 10.9.0.101
config_of h3 10.9.0.102
config_of h4 $P
config_of h5 $P
bursts bursts1 h1 1 10.9.0.3
bursts bursts3 h3 3 10.9.0.4
bursts bursts4 h4 4 10.9.0.2
start ping2 h2 ping -q -i 0.02 10.9.0.1
start ping4 h4 ping -q -i 0.05 10.9.0.3

for name in p a b; do
	coordinate $name
done
for name in "${names[@]}"; do
	report "$name"
done
check "four hosts report, three to coordinators that report" until_true 30 tell "${names[@]}"

# has_hosts NUMBER: so many are in the answers of p, and none of them is missing.
has_hosts() {
	last_line p | jq -e --argjson count "$1" --argjson since "$2" '(.answers | length) == 3
		and all(.answers[]; .complete and .present == $count and
			.as_of_ns >= $since * 1e9)'
}
has_hosts_again() {
	until_true "$2" has_hosts "$1" "$(date +%s)"
}
check "the coordinator above answers for all of them" has_hosts_again 3 20
mark begun

# quiet SECONDS: in which nobody is disturbed, as of which all three have answered.
quiet() {
	local end
	end=$(($(date +%s) + $1))
	mark quiet
	until_true 15 answered p $end && until_true 5 answered a $end && until_true 5 answered b $end
	local status=$?
	mark end
	return $status
}
until_true 10 answered p $(($(date +%s) + 3))
check "the answers go on" quiet 8

# --- What is killed, and restored ----------------------------------------------------------------

mark kill
stop h1 KILL
killed=$(date +%s)
check "an agent that is killed is named by its coordinator" until_true 5 misses a 1
check "and by the one above" until_true 5 misses p 101 "host 1 (h1)"
until_true 10 answered p $((killed + 6))
on p "$WEIR" show answers >"$WORK/shown"
shows_who() {
	cat "$WORK/shown"
	grep -q 'host 101 (a) since .*: lacks host 1 (h1)' "$WORK/shown"
}
check "show answers says so" shows_who
report h1
check "started again, it is in its coordinator's answers" complete_again a 10
check "and in those above" complete_again p 10

stop a KILL
check "a coordinator that is killed is named by the one above" until_true 5 misses p 101
coordinate a
check "started again, it answers for its hosts" complete_again a 15
check "and the one above for all" complete_again p 10

# --- Who comes, and goes -------------------------------------------------------------------------

# over CONDITION: what all of p's answers are over
over() {
	last_line p | jq -c '[.answers[] | {answer, present, covered_s, window_s}]'
	last_line p | jq -e "(.answers | length) == 3 and all(.answers[]; $1)"
}
check "when all hosts have counted whole windows, so have the answers of all" until_true 15 over '.covered_s == .window_s'
report h5
check "a host that comes is in the answers" has_hosts_again 4 10
began_new() {
	grep '^{' "$CASE/p/answers-1" | jq -es "[.[].answers[]? | select(.answer == \"udp\" and .present == 4) | .covered_s] | ., (.[0] >= 1 and .[0] < 10)"
}
check "which then are over what it has counted" began_new
check "until that is the window, too" until_true 15 over '.present == 4 and .covered_s == .window_s'
on p "$WEIR" show answers >"$WORK/shown"
check "show answers says over how much they are" grep -E '^udp .* 10 s +4 ' "$WORK/shown"

# --- Another precision ---------------------------------------------------------------------------

# precision VALUE: of p's answer to "all" from now on.
precision() {
	sed -i "s/{name: all, query: all, precision: .*}/{name: all, query: all, precision: $1}/" \
		"$WORK/p.yaml"
	mark "all=$1"
	kill -HUP "${AGENT[p]}"
}
as_precise_as() {
	last_line p | jq -e --argjson precision "$1" '.answers[] | select(.answer == "all")
		| .precision == $precision and .precise and .width <= $precision'
}
precision 12
check "given a smaller precision, answers are that narrow" until_true 6 as_precise_as 12
until_true 10 answered p $(($(date +%s) + 2))
check "and stay so" quiet 5
precision 80
check "given a larger one, they are that narrow" until_true 6 as_precise_as 80
uses_room() {
	last_line p | jq -e '.answers[] | select(.answer == "all") | .width > 20'
}
check "and make use of it" until_true 10 uses_room

# Its queries start again, and its session goes on.
sed -i 's|^inside: .*|inside: [10.9.0.0/24, 192.0.2.0/24]|' "$WORK/h5.yaml"
kill -HUP "${AGENT[h5]}"
check "what a host's reload makes start again, does so above" until_true 10 over '.present == 4 and (.answer != "udp" or .covered_s < 6)'
check "in the same session" test "$(grep -c ': up, as host' "$WORK/agent-h5")" = 1

check "the host that came has counted every packet" conserved h5
check "it leaves with status 0" stop h5 TERM
check "and is in no answer any more" has_hosts_again 3 10
check "nor missed" quiet 5

# --- The end -------------------------------------------------------------------------------------

check "every packet of every host is accounted for" conserved_at "${names[@]}"
check "all agents stop with status 0" all_stop "${names[@]}"
check "so do the coordinators" all_stop a b p
check "nothing is left" left_nothing "${names[@]}" h5

# everywhere WHAT: of all three.
everywhere() {
	local name status=0
	for name in a b p; do
		verify $name "$1" || status=1
	done
	return $status
}
check "each answer held the truth" everywhere truth
check "no answer was wider than it may be, or it said so" everywhere width
named_in_time() {
	verify a missing && verify p missing
}
check "who fell silent was named in time, above too" named_in_time
check "each second has one answer" everywhere once
check "nobody was missing while nothing was disturbed" everywhere quiet
check "and most answers were as precise as asked" everywhere precise
check "the log above held the truth, too" verify p log
done_testing
