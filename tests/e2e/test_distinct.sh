#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a 10.9.0.1, .11 to .210 ─── veth ─── 10.9.0.2 b, where weir runs; tcpdump beside it
#
# Distinct counts against exact ones: of captures, of real programs, across reloads, a crash and a
# flood, and as they are exported.
. "$(dirname "$0")/lib.sh"
PCAPS=${WEIR_PCAPS:-$HERE/../../../shared/pcaps}
EXACT=$HERE/tshark_distinct.py
SOURCES=200

# --- Captures, while the rest goes on ------------------------------------------------------------

cat >"$WORK/replay.yaml" <<'YAML'
interfaces: [lo]
distinct: {size: 512KiB}
queries:
  - {name: all, match: "ip or ip6", window: 60s, distinct: [flow, src, dst, pair, dport]}
  - {name: syns, match: "tcp flags syn and not tcp flags ack", measure: distinct src, window: 60s}
YAML
CELLS=$((512 * 16 * 120)) # 512 KiB, in lines

mkdir "$WORK/replay"
shopt -s nullglob
captures=("$PCAPS"/*.pcap "$PCAPS"/*.pcapng "$PCAPS"/*.cap)
shopt -u nullglob
# shellcheck disable=SC2016 # for the inner shell
[ ${#captures[@]} = 0 ] || printf '%s\0' "${captures[@]}" | xargs -0 -P 2 -I {} sh -c '
	out=$1/replay/$(basename "$5") && "$2" replay -j -c "$1/replay.yaml" "$5" |
		"$3" replay "$5" "$4" >"$out" 2>&1 && echo agrees >>"$out"' \
	sh "$WORK" "$WEIR" "$EXACT" "$CELLS" {} &
replays=$!

# --- Live ----------------------------------------------------------------------------------------

# configure [DISTINCT [MORE]]: what query `web` asks of distinct counts; further queries
configure() {
	cat >"$WORK/live.yaml" <<END
interfaces: [wb]
inside: [10.9.0.2/32]
flow: {size: 16384}
distinct: {size: 16KiB}
export:
  - {to: "ipfix+udp://127.0.0.1:4739", template_refresh: 1s, options_refresh: 1s}
queries:
  - {name: all, match: "ip", window: 60s, distinct: {keys: [flow, src, dst, pair, dport], size: 512KiB}}
  - {name: scanners, match: "in and tcp flags syn and not tcp flags ack", measure: distinct src, window: 4s}
  - {name: scan, match: "in and tcp flags syn and not tcp flags ack and dst portrange 2001-2500", measure: distinct dport, window: 4s}
  - {name: dns, match: "in and udp dst port 53", window: 60s, distinct: {keys: [src], expect: 1000, error: 2%}}
  - {name: kept, match: "udp dst port 7777", window: 60s, distinct: [src]}
  - {name: flood, match: "in and udp dst port 9", window: 60s, distinct: [flow, src]}
  - {name: web, match: "in and tcp dst port 80", window: 60s${1:+, distinct: $1}}
${2:+  - $2}
END
}

cat >"$WORK/send.py" <<'END'
import socket, struct, sys, time
verb, *words = sys.argv[1:]
HOST = "10.9.0.2"
sources = [f"10.9.0.{11 + i}" for i in range(int(words[0]))]
if verb == "udp":  # SOURCES PORT MILLISECONDS
    for source in sources:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((source, 0))
            s.sendto(b"x", (HOST, int(words[1])))
        time.sleep(int(words[2]) / 1000)
elif verb == "tcp":  # SOURCES FIRST LAST
    for source in sources:
        for port in range(int(words[1]), int(words[2]) + 1):
            with socket.socket() as s:
                s.bind((source, 0))
                s.connect_ex((HOST, port))
elif verb == "flood":  # 0 PACKETS: a source each, and there are others as far as the eye can see
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("wa", 0))
    frame = bytearray(60)
    frame[:14] = bytes.fromhex(open("/sys/class/net/wa/address").read().replace(":", "")) * 2 + b"\x08\0"
    frame[14:42] = struct.pack("!BBHHHBBHIIHHHH", 0x45, 0, 46, 0, 0, 64, 17, 0, 0,
                               0x0a090002, 0, 9, 26, 0)
    for i in range(int(words[1])):
        struct.pack_into("!I", frame, 26, 0x0b000000 + i)
        s.send(frame)
END

show() {
	on b "$WEIR" show "$@"
}

# answer QUERY KEY [OPTION...]
answer() {
	local key=$2
	show distinct -j -Q "$1" "${@:3}" | jq -c --arg key "$key" 'select(.key == $key)'
}

# is QUERY KEY FILTER: says jq of the answer, which is printed.
is() {
	answer "$1" "$2" | jq -es ".[0] | ., $3"
}

tcpdump_has_all() {
	local there
	there=$(capinfos -TrcM "$WORK/live.pcap" | awk -F'\t' '{ print $2 }')
	echo "tcpdump $there, interface $(stat_of b wb rx_packets) and $(stat_of b wb tx_packets)"
	[ "$there" -eq $(($(stat_of b wb rx_packets) + $(stat_of b wb tx_packets))) ]
}

# exact QUERY...: of what tcpdump has captured.
exact() {
	show distinct -j >"$WORK/answers"
	until_true 10 tcpdump_has_all || tcpdump_has_all || return
	"$EXACT" live "$WORK/live.pcap" "$@" <"$WORK/answers"
}

# listen NAME: to what is exported
listen() {
	start "$1" b tcpdump -Z root -i lo -U -w "$WORK/$1.pcap" 'udp dst port 4739'
	until_true 10 grep -q listening "$WORK/start-$1"
}

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
seq 11 $((10 + SOURCES)) | sed 's|.*|addr add 10.9.0.&/24 dev wa|' | on a ip -batch -
start tcpdump b tcpdump -Z root -i wb -U -s 128 -w "$WORK/live.pcap"
listen first
until_true 10 grep -q listening "$WORK/start-tcpdump"
start collector b socat -u UDP-RECV:4739,bind=127.0.0.1 OPEN:/dev/null
until_true 10 on b sh -c "ss -Hulnm 'sport = :4739' | grep -q UNCONN"
configure
check "an agent starts that counts what is distinct" agent b -j -c "$WORK/live.yaml"
CPUS=$(show status -j | jq .cpus)

# Ports in none of a, hence from b a RST each.
scan() {
	on a python3 "$WORK/send.py" tcp 1 2001 2500
}
check "a port scan passes" scan
check "as many ports as tcpdump saw scanned are in the scan's window" exact scan

# With room for all who knock at once.
start http b python3 -c 'from http.server import *
class Server(ThreadingHTTPServer):
    request_queue_size = 1024
Server(("", 80), SimpleHTTPRequestHandler).serve_forever()'
start dns b dnsmasq -k -C /dev/null --no-resolv --address=/weir.test/10.9.0.9 --listen-address=10.9.0.2 --bind-interfaces --pid-file= -u root
start nc b nc -lk 22
check "http passes" until_true 10 on a curl -fsS --interface 10.9.0.12 -o /dev/null http://10.9.0.2/
check "dns passes" until_true 10 on a dig +short +tries=1 -b 10.9.0.13 @10.9.0.2 weir.test
check "ssh's port answers" on a sh -c 'echo hi | nc -s 10.9.0.14 -N -w 2 10.9.0.2 22'
check "ping passes" on a ping -q -c 5 -i 0.02 -I 10.9.0.15 10.9.0.2
check "dns from $SOURCES sources passes" on a python3 "$WORK/send.py" udp $SOURCES 53 0
check "when the scan is over, its ports leave the window" until_true 8 is scan dport '.count == 0'
check "connections from $SOURCES sources pass" on a python3 "$WORK/send.py" tcp $SOURCES 80 80
check "as many sources are connecting as tcpdump saw" exact scanners
check "what all programs sent is counted as tcpdump has it, by every key" exact all dns

# The same of a moment in which nothing comes.
others_agree() {
	answer all src >"$WORK/src"
	grep '^{' "$WORK/agent-b" | tail -n 1 | jq -c '.queries[] | select(.query == "all").distinct.src' >"$WORK/line"
	show queries -j -Q all | jq -c .distinct.src >"$WORK/query"
	cat "$WORK/src" "$WORK/line" "$WORK/query"
	jq -es '.[0].count > 100 and (map([.count, .window_s, .saturated]) | unique | length == 1)' \
		"$WORK/src" "$WORK/line" "$WORK/query"
}
check "weir run's lines and show queries say the same as show distinct" until_true 5 others_agree
measured() {
	show queries -j -Q scanners | tee /dev/stderr |
		jq -e '.measure == "distinct src" and (.distinct | keys == ["src"])'
}
check "a measure says what it is of" measured
check "a vector's memory is what was asked for, on each CPU" \
	# 32 slabs of 16 KiB, and the page that the kernel adds to each.
	is all flow ".bytes == 32 * (16384 + $(getconf PAGESIZE)) * $CPUS and .cells == $CELLS"

shorter() {
	answer all src -w 30 | tee /dev/stderr | jq -e '.window_s == 30 and .count > 100' &&
		until_true 5 sh -c "nsenter -t ${HOST[b]} -n -m '$WEIR' show distinct -j -Q all -w 1 |
			jq -es 'length == 5 and all(.window_s == 1 and .count == 0)'" &&
		is all src '.window_s == 60 and .count > 100'
}
check "a shorter window can be asked for, and what came before is not in it" shorter
longer() {
	show distinct -Q scan -w 5 2>"$WORK/longer" >&2
	[ $? = 2 ] && grep "5 s is more than the 4 s of query 'scan'" "$WORK/longer" &&
		[ "$(wc -l <"$WORK/longer")" = 1 ]
}
check "a longer one is refused with status 2 and one line" longer

texts() {
	show distinct >"$WORK/distinct.txt" && show queries >"$WORK/queries.txt" || return
	cat "$WORK/distinct.txt" "$WORK/queries.txt"
	grep -q 'query .*distinct .*standard error' "$WORK/distinct.txt" &&
		grep -qE '^all +src +[0-9.]+ of 60 s +[0-9.]+ ?[KM]i?B +20[0-9] +± [0-9.]+ \(0\.[0-9]+ %\)$' "$WORK/distinct.txt" &&
		grep -qE '^scanners .* src ± ' "$WORK/queries.txt" &&
		grep -qE '^  distinct pair +[0-9]+ ± .*, over [0-9.]+ of 60 s$' "$WORK/queries.txt"
}
check "for people there is the standard error beside each" texts
in_status() {
	show status | grep -E '^distinct +[0-9]+ vectors, ' &&
		show distinct -j | jq -es --argjson told "$(show status -j | jq .vectors)" \
			'{count: length, bytes: map(.bytes) | add} | ., . == $told'
}
check "the status has how many vectors there are, and their memory" in_status

# --- Exported ------------------------------------------------------------------------------------

# told NAME QUERY: what is heard agrees with what is shown.
told() {
	show distinct -j -Q "$2" >"$WORK/shown" && "$EXACT" told "$WORK/$1.pcap" >"$WORK/told-all" || return
	grep "\"query\": \"$2\"" "$WORK/told-all" >"$WORK/told"
	"$EXACT" same "$WORK/told" "$WORK/shown"
}
check "tshark reads the same answers from IPFIX, by the types that come with them" until_true 10 told first all
stop first TERM

# --- Reload --------------------------------------------------------------------------------------

slabs() {
	on b sh -c 'ls /sys/fs/bpf/weir/slabs | wc -l'
}
notes() {
	grep -vc '^{' "$WORK/agent-b"
}
# Since when it counts, on the machine's clock.
since() {
	local up
	up=$(cut -d' ' -f1 /proc/uptime)
	answer "$1" "$2" | jq --argjson up "$up" '$up - .covered_s'
}
# same_since BEFORE QUERY KEY
same_since() {
	local now
	now=$(since "$2" "$3")
	echo "since $1, now $now"
	awk -v a="$1" -v b="$now" 'BEGIN { exit !(b - a < 0.5 && a - b < 0.5) }'
}
packets() {
	show queries -j -Q "$1" -w 60 | jq '.average.packets_per_second * .covered_s | round'
}
# said NOTE MORE_THAN: so often
said() {
	[ "$(grep -c "$1" "$WORK/agent-b")" -gt "$2" ]
}
# reload NOTE: and wait until that is said, once more than before.
reload() {
	local before
	before=$(grep -c "$1" "$WORK/agent-b")
	kill -HUP "${AGENT[b]}"
	until_true 5 said "$1" "$before" || {
		grep -v '^{' "$WORK/agent-b"
		return 1
	}
}

had=$(slabs) web=$(packets web) all_since=$(since all src) all=$(answer all src | jq .count)
configure '[src, pair]'
check "a reload adds vectors" reload 'reloaded'
check "which take a place each on every CPU" test "$(slabs)" = $((had + 2 * CPUS))
keeps_window() {
	echo "$web packets before, $(packets web) after"
	[ "$web" -gt $SOURCES ] && [ "$(packets web)" = "$web" ]
}
check "the query that they are of keeps its window" keeps_window
check "they begin empty" is web src '.count == 0 and .covered_s < 5'
check "vectors of others have gone on" same_since "$all_since" all src
check "and have kept what they counted" is all src ".count == $all"
on a python3 "$WORK/send.py" tcp 50 80 80
check "what comes is counted in the new ones" is web src '.count > 45 and .count < 55'
# Of whole seconds.
packets_came() {
	[ "$(packets web)" -ge $((web + 150)) ]
}
check "the packets are in the window as before" until_true 3 packets_came
web_since=$(since web src)
configure '[src]'
check "a reload takes one away again" reload 'reloaded'
check "and its memory" test "$(slabs)" = $((had + CPUS))
check "the other goes on" same_since "$web_since" web src
no_pair() {
	show distinct -j -Q web | jq -es 'map(.key) == ["src"]'
}
check "and only that is shown" no_pair

# refused TEXT
refused() {
	local before
	before=$(notes)
	reload "$1" || return
	grep -v '^{' "$WORK/agent-b" | tail -n "+$((before + 1))"
	[ "$(notes)" = $((before + 1)) ] && [ "$(slabs)" = $((had + CPUS)) ] && same_since "$web_since" web src
}
configure '[src]' '{name: more, match: "udp", distinct: {keys: [flow], size: 16MiB}}'
check "more than there may ever be is refused with one line, and the old goes on" \
	refused "query 'more': distinct needs 16MiB on each CPU"
configure '[src]'

# --- A crash -------------------------------------------------------------------------------------

kept_since=$(since kept src)
on a python3 "$WORK/send.py" udp $SOURCES 7777 10 &
sender=$!
check "sources come" until_true 10 is kept src '.count > 20'
stop b KILL
at_kill=$(answer kept src | jq .count)
goes_on() {
	is kept src ".count > $at_kill + 20 and .count < $SOURCES"
}
check "killed amid them, it goes on to count: show needs no agent" until_true 5 goes_on
check "the next agent adopts the vectors" agent b -c "$WORK/live.yaml"
wait $sender
check "they have counted since they were made" same_since "$kept_since" kept src
check "no source was missed, whether an agent was there or not" exact kept
check "weir run's lines for people have the standard error" until_true 5 \
	grep -qE '^..:..:.. kept: .*; (19|20)[0-9] src ± ' "$WORK/agent-b"

# --- A flood -------------------------------------------------------------------------------------

stop tcpdump
FLOOD=400000
before=$(counter b seen_in)
check "a flood of new sources passes" on a python3 "$WORK/send.py" flood 0 $FLOOD
check "the books equal the interface's counters" seen_equals_interface b wb
check "every packet is accounted for" conserved b
arrived=$(($(counter b seen_in) - before))
saturated() {
	echo "$arrived of $FLOOD arrived"
	is flood "$1" ".saturated and .count <= $arrived and .count > 100000 and .error == null"
}
check "a vector too small for it says so of sources, and no more than came" saturated src
check "and of flows" saturated flow
check "a large one tells how many: sources" sh -c "nsenter -t ${HOST[b]} -n -m '$WEIR' show distinct -j -Q all |
	jq 'select(.key == \"src\")' | '$EXACT' about $arrived $((arrived + SOURCES + 10))"
at_least() {
	show distinct -Q flood | tee /dev/stderr | grep -cE ' >= [0-9]+ +saturated$' | grep -qx 2
}
check "for people that is >=" at_least
# Of the flood's flows themselves nothing need be heard.
listen second
check "and exported it is told to be saturated, too" until_true 10 told second flood
stop second TERM

# --- The live table, and the end -----------------------------------------------------------------

stop b KILL
# On a terminal that has room for all queries.
# shellcheck disable=SC2016 # for the inner shells
start screen b sh -c 'exec python3 -c "import pty, sys; pty.spawn(sys.argv[1:])" \
	sh -c "stty rows 60 && exec \"\$@\"" sh "$1" run -c "$2/live.yaml" >"$2/screen"' sh "$WEIR" "$WORK"
draws() {
	tr -d '\r' <"$WORK/screen"
	grep -qE '^scanners .* 0 src ± ' "$WORK/screen" &&
		grep -qE '^  distinct flow +>= [0-9]+ saturated' "$WORK/screen" &&
		grep -qE '^  distinct pair +[0-9]+ ± [0-9]+ \(0\.[0-9]+ %\)' "$WORK/screen" &&
		grep -qE '^..:..:.. distinct: [0-9]+ vectors, ' "$WORK/screen"
}
check "the live table has measures, distinct counts and their memory; the scan has left its window" until_true 10 draws
kill -9 "$(show status -j | jq .agent)"
until_true 5 sh -c "! kill -0 ${AGENT[screen]}"
check "killed, it leaves its vectors" test "$(slabs)" = $((had + CPUS))
check "detach removes them" on b "$WEIR" detach --all
check "nothing stays" nothing_left b
check "it starts again" agent b -c "$WORK/live.yaml"
check "with vectors that are empty" is all src '.count < 10 and .covered_s < 10'
check "and when it stops by itself" stop b
check "nothing stays either" nothing_left b

# --- Replay --------------------------------------------------------------------------------------

cat >"$WORK/made.yaml" <<'YAML'
interfaces: [lo]
distinct: {size: 512KiB}
queries:
  - {name: minute, match: "ip or ip6", window: 60s, distinct: [flow, src, dst, pair, dport]}
  - {name: third, match: "ip or ip6", window: 20s, distinct: [flow, src, dst, pair, dport]}
  - {name: moment, match: "ip or ip6", window: 7s, distinct: [flow, src, dst, pair, dport]}
YAML
made() {
	"$EXACT" make "$WORK/made.pcap" >"$WORK/numbers" &&
		"$WEIR" replay -j -c "$WORK/made.yaml" "$WORK/made.pcap" >"$WORK/made" &&
		"$EXACT" made "$WORK/numbers" "$CELLS" <"$WORK/made"
}
check "50000 flows of 3000 sources, in a row, are counted over three windows" made

if [ ${#captures[@]} -gt 0 ]; then
	wait $replays
	agrees() {
		cat "$1"
		[ "$(tail -n 1 "$1")" = agrees ]
	}
	for capture in "${captures[@]}"; do
		capture=$(basename "$capture")
		check "distinct counts of $capture are those of tshark's packets" agrees "$WORK/replay/$capture"
	done
	exported() {
		"$WEIR" replay -j -c "$WORK/replay.yaml" --export "file:$WORK/replay.ipfix" \
			"$PCAPS/starcraft_battle.pcap" >"$WORK/shown" &&
			"$EXACT" told "$WORK/replay.ipfix" >"$WORK/told" && "$EXACT" same "$WORK/told" "$WORK/shown"
	}
	check "replay's export has replay's answers, as tshark reads it" exported
else
	skip "distinct counts of captures are those of tshark's packets" "no captures in WEIR_PCAPS"
fi
done_testing
