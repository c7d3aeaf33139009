#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   h1 10.9.0.1  ─── veth ──┐
#   h2 10.9.0.2  ─── veth ──┤  bridge
#    ...                    ├─ 10.9.0.254  c, the coordinator
#   h10 10.9.0.10 ── veth ──┤
#   x 10.9.0.99  ─── veth ──┘  whom it refuses
#
# Ten hosts, each with its own `weir run`, report to a coordinator by TLS, while programs talk and an
# agent, a link and the coordinator are killed and restored. Each host logs what it counts, so that
# it can be verified afterwards that every answer held the truth.
. "$(dirname "$0")/interval_lib.sh"
PCAPS=${WEIR_PCAPS:-$HERE/../../../shared/pcaps}
CAPTURE=$PCAPS/synscan.pcap
HOSTS=$(seq 10)
COORDINATOR=10.9.0.254
SECONDS_OF_TRAFFIC=120 # at most: the trap ends it
names=()
for n in $HOSTS; do
	names+=("h$n")
done

# --- Certificates --------------------------------------------------------------------------------

key_options=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2)

ca() {
	openssl req -x509 "${key_options[@]}" -subj "/CN=$1" -keyout "$WORK/$1.key" \
		-out "$WORK/$1.pem" 2>/dev/null
}

# certificate NAME CA [ALTERNATIVE_NAME]
certificate() {
	openssl req -x509 "${key_options[@]}" -subj "/CN=$1" -CA "$WORK/$2.pem" \
		-CAkey "$WORK/$2.key" -addext basicConstraints=critical,CA:FALSE \
		${3:+-addext "subjectAltName=$3"} -keyout "$WORK/$1.key" -out "$WORK/$1.pem" \
		2>/dev/null
}

# --- Hosts ---------------------------------------------------------------------------------------

queries='queries:
  - {name: all, match: "ip", window: 10s}
  - {name: in, match: "in", measure: bytes, window: 5s}
  - {name: udp, match: "udp", window: 30s}
  - {name: ping, match: "icmp", window: 3s}
  - {name: scan, match: "tcp flags syn and not tcp flags ack", window: 60s}'

# config_of NAME NUMBER CERTIFICATE
config_of() {
	local files="ca: $WORK/ca.pem, cert: $WORK/$3.pem, key: $WORK/$3.key"

	configure "$1" "address: \"tls://$COORDINATOR:4740\", host: $2, $files"
}

coordinator c
cat >"$WORK/c.yaml" <<END
$queries
coordinate:
  listen: ["tls://$COORDINATOR:4740"]
  ca: $WORK/ca.pem
  cert: $WORK/coordinator.pem
  key: $WORK/coordinator.key
  hosts: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  log: $CASE/c/log
  answers:
    - {name: all, query: all, precision: 20}
    - {name: some, query: all, hosts: [1, 3, 7], precision: 5}
    - {name: mean, query: all, aggregate: avg, precision: 2}
    - {name: in, query: in, precision: 20000}
    - {name: udp, query: udp, precision: 5%}
    - {name: ping, query: ping, precision: 1.5}
    - {name: scan, query: scan, hosts: [1, 2, 3, 4, 5], precision: 0.5}
END
python3 - >"$CASE/c/plan.json" <<'END'
import json
everybody = list(range(1, 11))
def answer(query, precision, hosts=everybody, relative=False):
    return {"query": query, "hosts": hosts, "precision": precision, "relative": relative}
print(json.dumps({
    "all": answer("all", 20), "some": answer("all", 5, [1, 3, 7]), "mean": answer("all", 2),
    "in": answer("in", 20000), "udp": answer("udp", 0.05, relative=True),
    "ping": answer("ping", 1.5), "scan": answer("scan", 0.5, [1, 2, 3, 4, 5])}))
END

# --- What is asked of the coordinator's output ---------------------------------------------------

refusals() {
	last_line c | jq -r ".counters.$1"
}

more_than() {
	[ "$(refusals "$1")" -gt "$2" ]
}

# refuses COUNTER GUEST: the guest is let go, and that is counted by this name.
refuses() {
	local before
	before=$(refusals "$1")
	on x timeout 30 python3 "$HERE/interval_guest.py" "$2" $COORDINATOR 4740 "$WORK" &&
		until_true 10 more_than "$1" "$before"
}

# --- The beginning -------------------------------------------------------------------------------

bridge c "$COORDINATOR"
ca ca
ca other
certificate coordinator ca IP:$COORDINATOR
for name in guest x; do
	certificate $name ca
done
certificate stranger other
for n in $HOSTS; do
	join "h$n" "10.9.0.$n"
	certificate "h$n" ca
	config_of "h$n" "$n" "h$n"
done
join x 10.9.0.99

coordinate c
for n in $HOSTS; do
	report "h$n"
done
check "ten hosts report to a coordinator by TLS" until_true 60 tell "${names[@]}"
check "it answers for all of them" complete_again c 20

# --- Traffic -------------------------------------------------------------------------------------

start serve1 h1 iperf3 -s
start serve5 h5 iperf3 -s
until_true 10 on h1 sh -c 'ss -Hltn "sport = :5201" | grep -q .'
until_true 10 on h5 sh -c 'ss -Hltn "sport = :5201" | grep -q .'
start flood h2 iperf3 -c 10.9.0.1 -u -b 1M -l 400 -t $SECONDS_OF_TRAFFIC
start stream h4 iperf3 -c 10.9.0.5 -b 2M -t $SECONDS_OF_TRAFFIC
start ping6 h6 ping -q -i 0.1 10.9.0.7
start ping8 h8 ping -q -i 0.05 10.9.0.9
bursts bursts9 h9 9 10.9.0.10
bursts bursts10 h10 10 10.9.0.9
if [ -r "$CAPTURE" ]; then
	start replay h3 tcpreplay -q -i eth0 --pps 150 --limit 2000 --loop 10 "$CAPTURE"
else
	skip "a capture is replayed, too" "no captures in WEIR_PCAPS"
fi

mark quiet
check "the answers go on" until_true 30 answered c $(($(date +%s) + 15))
mark end

# --- What is killed, and restored ----------------------------------------------------------------

mark kill
stop h3 KILL
check "an agent that is killed is named" until_true 10 misses c 3
report h3
check "started again, it reports, and the answers are complete" complete_again c 20
until_true 20 answered c $(($(date +%s) + 5))

mark cut
on c ip link set vh7 down
cut=$(date +%s)
check "a host whose link is cut is named" until_true 10 misses c 7
until_true 15 answered c $((cut + 6))
on c ip link set vh7 up
check "the link is back, and the answers are complete" complete_again c 10
check "its agent has said why" grep -q 'lost: ' "$WORK/agent-h7"

stop c KILL
told_off() {
	on h1 "$WEIR" show status -j | jq -e '.report.state == "down" and .report.why != null'
}
check "show status says that the coordinator is gone" until_true 10 told_off
sed -i 's/^coordinate:/&\n  method: adaptive\n  period: 2s/' "$WORK/c.yaml"
coordinate c
check "a coordinator that was killed and started again, with another method, answers for all" \
	complete_again c 20
told_on() {
	on h1 "$WEIR" show status -j | jq -e '.report | .state == "up" and .ticks > 0
		and .updates > 0 and .method == "adaptive" and .to == "tls://10.9.0.254:4740"'
}
check "show status says that it is back, and what was sent" until_true 5 told_on
until_true 20 answered c $(($(date +%s) + 8))

# --- Who is refused ------------------------------------------------------------------------------

mark quiet
check "who shows no certificate is refused by that name" refuses refused_handshakes bare
check "who shows one of another CA is" refuses refused_handshakes stranger
check "who speaks plain text to TLS is" refuses refused_handshakes plain
check "who speaks no IPFIX is" refuses refused_bytes garbage
check "whose message is too long is" refuses refused_oversized oversized

# impostor CERTIFICATE COUNTER: another host of number 3.
impostor() {
	local before
	before=$(refusals "$2")
	config_of x 3 "$1"
	report x
	until_true 20 grep -q 'refused: ' "$WORK/agent-x" && until_true 10 more_than "$2" "$before"
	local status=$?
	stop x
	rm -f "$CASE/told/x-"* "$WORK/agent-x"
	return $status
}
check "a host's number with another's certificate is refused, on both sides by name" \
	impostor x refused_bound
check "and with its own from another place too, for the host is here" impostor h3 refused_twice

flood() {
	local before_address before_full status
	before_address=$(refusals refused_address)
	before_full=$(refusals refused_full)
	mkfifo "$WORK/idle"
	on x timeout 60 python3 "$HERE/interval_guest.py" idle $COORDINATOR 4740 "$WORK" \
		<"$WORK/idle" >"$WORK/idle-said" &
	local guests=$!
	exec 9>"$WORK/idle"
	until_true 20 grep -qx 200 "$WORK/idle-said" &&
		until_true 10 eval "more_than refused_address $before_address ||
			more_than refused_full $before_full"
	status=$?
	complete_again c 10 || status=1
	exec 9>&-
	wait $guests || status=1
	return $status
}
check "of two hundred connections that say nothing some are refused, and answers go on" flood
mark end

# --- The end -------------------------------------------------------------------------------------

on c "$WEIR" show answers -j >"$WORK/shown"
shown() {
	jq -es --slurpfile plan "$CASE/c/plan.json" '[.[] | objects | (.answers // [.])[]
		| select(has("as_of") and has("low"))] | length == ($plan[0] | length)' "$WORK/shown"
}
check "show answers has them all" shown
check "every packet of every host is accounted for" conserved_at "${names[@]}"
check "all agents stop with status 0" all_stop "${names[@]}"
check "so does the coordinator" stop c
check "nothing is left" left_nothing "${names[@]}"

check "each answer held the truth" verify c truth
check "no answer was wider than it may be" verify c width
check "who fell silent was named in time" verify c missing
check "each second has one answer" verify c once
check "nobody was missing while nothing was disturbed, not by those who were refused either" \
	verify c quiet
check "the log held the truth, too" verify c log
reads_log() {
	local file status=1
	for file in "$CASE"/c/log/*; do
		"$WEIR" coordinate --read "$file" >"$WORK/read" || return 1
		cat "$WORK/read"
		status=0
	done
	return $status
}
check "weir coordinate --read reads it" reads_log
done_testing
