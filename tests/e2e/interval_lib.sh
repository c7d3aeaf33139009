# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the end-to-end tests of coordinators share: hosts on a bridge, agents that log what they
# count, coordinators that log what they answer, questions to what was said.
#
#   $CASE/told/HOST-N     what host HOST counted, by its N-th agent
#   $CASE/marks           when what was done
#   $CASE/C/              of coordinator C, as interval_check.py wants it:
#     plan.json             what it answers
#     answers-N             what it answered, by its N-th start

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
CASE=$WORK/case
declare -A starts
mkdir -p "$CASE/told"
: >"$CASE/marks"

# bridge HOST ADDRESS: all hosts that join are on its bridge. Nobody speaks IPv6 unasked.
bridge() {
	host "$1"
	BRIDGE=$1
	on "$1" ip link add bridge type bridge
	on "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	on "$1" ip addr add "$2/24" dev bridge
	on "$1" ip link set bridge up
}

# join NAME ADDRESS: a host on the bridge.
join() {
	host "$1"
	on "$BRIDGE" ip link add "v$1" type veth peer name eth0 netns "${HOST[$1]}"
	on "$BRIDGE" ip link set "v$1" master bridge up
	on "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
	on "$1" ethtool -K eth0 tso off gso off gro off tx off >/dev/null
	on "$1" ip addr add "$2/24" dev eth0
	on "$1" ip link set eth0 up
}

# configure HOST KEYS: it asks $queries and reports as the keys of `report` say.
configure() {
	cat >"$WORK/$1.yaml" <<-END
		interfaces: [eth0]
		inside: [10.9.0.0/24]
		flow: {size: 4096}
		$queries
		report: {name: $1, $2}
	END
}

# report HOST: starts its agent; what it tells stands in a file of its own.
report() {
	starts[$1]=$((${starts[$1]:-0} + 1))
	nsenter -t "${HOST[$1]}" -n -m -- "$WEIR" run -j -c "$WORK/$1.yaml" \
		>"$CASE/told/${1#h}-${starts[$1]}" 2>>"$WORK/agent-$1" &
	AGENT[$1]=$!
}

# tell HOST...: has each told a second?
tell() {
	local name
	for name in "$@"; do
		grep -q '"reported":{' "$CASE/told/${name#h}-${starts[$name]}" || return 1
	done
}

# coordinator NAME: its folder, before it is configured.
coordinator() {
	mkdir -p "$CASE/$1/log"
	ln -s ../told ../marks "$CASE/$1/"
}

# coordinate NAME: starts it.
coordinate() {
	starts[$1]=$((${starts[$1]:-0} + 1))
	nsenter -t "${HOST[$1]}" -n -m -- "$WEIR" coordinate -j -c "$WORK/$1.yaml" \
		>"$CASE/$1/answers-${starts[$1]}" 2>>"$WORK/coordinator-$1" &
	AGENT[$1]=$!
}

# bursts NAME HOST SEED ADDRESS: datagrams in irregular bursts.
bursts() {
	cat >"$WORK/bursts.py" <<-'END'
		import random, socket, sys, time
		random.seed(int(sys.argv[1]))
		out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		peer.bind(("", 9000))
		while True:
		    for _ in range(random.randrange(1, 120)):
		        out.sendto(bytes(random.randrange(1, 1200)), (sys.argv[2], 9000))
		    time.sleep(random.expovariate(2))
	END
	start "$1" "$2" python3 "$WORK/bursts.py" "$3" "$4"
}

mark() {
	echo "$1 $(date +%s.%N)" >>"$CASE/marks"
}

# --- What is asked of a coordinator's output -----------------------------------------------------

# last_line COORDINATOR
last_line() {
	tail -n 2 "$CASE/$1/answers-${starts[$1]}" | jq -c . 2>/dev/null | tail -n 1
}

# complete_since COORDINATOR SECOND: of all hosts, as of then or later.
complete_since() {
	last_line "$1" | jq -e --argjson since "$2" --slurpfile plan "$CASE/$1/plan.json" '
		(.answers | length) == ($plan[0] | length)
		and all(.answers[]; .complete and .as_of_ns >= $since * 1e9)'
}

# complete_again COORDINATOR SECONDS
complete_again() {
	until_true "$2" complete_since "$1" "$(date +%s)"
}

# answered COORDINATOR SECOND: as of then or later.
answered() {
	last_line "$1" | jq -e --argjson until "$2" 'all(.answers[]; .as_of_ns >= $until * 1e9)'
}

# misses COORDINATOR NUMBER [WHY]: is it named in an answer, with a reason in which WHY is?
misses() {
	last_line "$1" | jq -e --argjson host "$2" --arg why "${3-}" \
		'any(.answers[].missing[]; .host == $host and (.why // "" | contains($why)))'
}

# --- The end -------------------------------------------------------------------------------------

# conserved_at HOST...
conserved_at() {
	local name status=0
	for name in "$@"; do
		conserved "$name" || status=1
	done
	return $status
}

# all_stop NAME...: together, each with status 0.
all_stop() {
	local name status=0
	for name in "$@"; do
		kill -INT "${AGENT[$name]}"
	done
	for name in "$@"; do
		wait "${AGENT[$name]}" || { echo "$name: status $?"; status=1; }
		unset "AGENT[$name]"
	done
	return $status
}

# left_nothing HOST...
left_nothing() {
	local name
	for name in "$@"; do
		nothing_left "$name" || return 1
		! on "$name" test -e /run/weir/run.sock || return 1
	done
}

# verify COORDINATOR WHAT
verify() {
	python3 "$HERE/interval_check.py" "$2" "$CASE/$1"
}
