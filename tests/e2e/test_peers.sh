#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#                      ┌─→ v9, IPFIX, v5 ──→ nfcapd, nfacctd; tcpdump ──→ tshark
#   capture ─→ replay ─┼─→ IPFIX files ─────→ ipfixDump, tshark
#                      └─→ TCP, TLS ────────→ socat, openssl s_server ──→ ipfixDump, tshark
#   capture ─→ softflowd ─→ nfcapd
#
# Programs that we did not write read what `weir replay --flows` prints, record for record. What is
# the captures' truth is test_replay.sh's.
. "$(dirname "$0")/lib.sh"
PCAPS=${WEIR_PCAPS:-$HERE/../../../shared/pcaps}
PEERS=$HERE/peers.py

# Some of these go over years, which v5 and v9 can tell only by counting from another time in another
# message.
CAPTURES="http_ipv6.pcap bittorrent.pcap icmp-tunnel.pcap http-vlan-0.pcap http-qinq-0.pcap sctp.cap
	ftp.pcap dns_fragmented.pcap ipv6-fragmented-dns.pcap pppoe.pcap 6in4tunnel.pcap
	starcraft_battle.pcap synscan.pcap 1kxun.pcap mixed-vlan-mpls.pcap"
# softflowd has the same rules for these. It has no ports of SCTP and of fragments that are not the
# first, does not look into PPPoE, counts what is in a tunnel or VLAN by rules of its own, and takes
# Ethernet's padding for IP.
SOFTFLOWD="http_ipv6.pcap bittorrent.pcap ftp.pcap ssh.pcap telnet.pcap starcraft_battle.pcap
	synscan.pcap"
# Each side of a conversation is one of these networks, else it has no direction to be biflow in.
INSIDE='[10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, "fc00::/7", "2a00:d40:1:3::/64"]'

if [ ! -r "$PCAPS/http_ipv6.pcap" ]; then
	skip "other programs read what weir sends" "no captures in WEIR_PCAPS"
	done_testing
	exit 0
fi
has() {
	command -v "$1" >/dev/null
}

host c

# On one CPU, for a flow that went over two is printed as two parts, and exported as their sum.
replay() {
	on c taskset -c 0 "$WEIR" replay "$@"
}

# --- The collectors ------------------------------------------------------------------------------

# collect NAME PORT: nfcapd.
collect() {
	mkdir -p "$WORK/$1"
	start "$1" c nfcapd -w "$WORK/$1" -p "$2" -t 3600 -B 4000000
	until_true 10 grep -q Startup "$WORK/start-$1"
}

heard_all() {
	until_true 10 sh -c "nsenter -t ${HOST[c]} -n ss -Hulnm 'sport = :$1' | grep -q '^UNCONN *0 '"
}

# stop_collecting NAME PORT
stop_collecting() {
	heard_all "$2"
	stop "$1" TERM
}

nfcapd_is_content() {
	cat "$WORK/start-$1"
	grep -q 'Sequence Errors: 0, Bad Packets: 0' "$WORK/start-$1" &&
		! grep -vE '^(Add flow source|Bound to|Standard setsockopt|System set|Init |Startup|Process_(v5|v9|ipfix): New|Ident: |Terminating|$)' \
			"$WORK/start-$1"
}

account() {
	cat >"$WORK/nfacctd.conf" <<-END
		daemonize: false
		nfacctd_ip: 127.0.0.1
		nfacctd_port: 9998
		nfacctd_time_new: false
		nfacctd_disable_checks: false
		nfacctd_pipe_size: 4000000
		plugin_pipe_size: 10240000
		plugin_buffer_size: 10240
		plugins: print[all]
		aggregate[all]: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags, vlan, in_iface, out_iface, timestamp_start, timestamp_end, export_proto_version, flows
		print_output[all]: json
		print_output_file[all]: $WORK/nfacctd.json
		print_refresh_time[all]: 3600
	END
	start nfacctd c sh -c "exec nfacctd -f '$WORK/nfacctd.conf' >'$WORK/nfacctd.log' 2>&1"
	until_true 10 grep -q 'setting object handlers' "$WORK/nfacctd.log"
}

stop_accounting() {
	heard_all 9998
	stop nfacctd INT
	until_true 10 grep -q 'Purging cache - END' "$WORK/nfacctd.log"
}

nfacctd_is_content() {
	cat "$WORK/nfacctd.log"
	! sed '1,/waiting for/d' "$WORK/nfacctd.log" | grep -vE \
		'^INFO \( all/print \)|OK, Exiting'
}

sniff() {
	start tcpdump c tcpdump -Z root -i lo -B 8192 -U -w "$WORK/lo.pcap" \
		'udp and dst portrange 9995-9997'
	until_true 10 grep -q 'listening on' "$WORK/start-tcpdump"
}

tcpdump_has_all() {
	[ "$(tcpdump -r "$WORK/lo.pcap" 2>/dev/null | wc -l)" -ge \
		"$(jq -s '[.[].exporters[] | select(.to | test(":999[567]$")).sent.messages] | add' "$WORK"/said/*)" ]
}

# --- TLS -----------------------------------------------------------------------------------------

# authority NAME, and a certificate of it for a server and one for a client
authority() {
	local new=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2)
	openssl req -x509 "${new[@]}" -keyout "$WORK/$1-ca.key" -out "$WORK/$1-ca.pem" -subj "/CN=$1"
	for who in server client; do
		openssl req "${new[@]}" -keyout "$WORK/$1-$who.key" -out "$WORK/$1-$who.csr" \
			-subj "/CN=$1 $who"
		echo "subjectAltName = IP:127.0.0.1" | openssl x509 -req -in "$WORK/$1-$who.csr" \
			-days 2 -CA "$WORK/$1-ca.pem" -CAkey "$WORK/$1-ca.key" -CAcreateserial \
			-extfile /dev/stdin -out "$WORK/$1-$who.pem"
	done
}

# tls_server PORT FILE: demands a certificate of ours. It reads its input, which must not end.
tls_server() {
	[ -p "$WORK/silence" ] || mkfifo "$WORK/silence"
	start "tls$1" c sh -c "exec openssl s_server -accept 127.0.0.1:$1 -quiet -Verify 1 \
		-verify_return_error -CAfile '$WORK/our-ca.pem' -cert '$WORK/our-server.pem' \
		-key '$WORK/our-server.key' <>'$WORK/silence' >'$WORK/$2'"
	until_true 10 on c sh -c "ss -Htln 'sport = :$1' | grep -q LISTEN"
}

# tls_config PORT CA CLIENT
tls_config() {
	cat <<-END
		interfaces: [lo]
		inside: $INSIDE
		export:
		  - to: "ipfix+tls://127.0.0.1:$1"
		    domain: 1
		    ca: $WORK/$2-ca.pem
		    cert: $WORK/$3-client.pem
		    key: $WORK/$3-client.key
	END
}

# Both wait ten seconds for a collector that may think better of it.
refused() {
	tls_config "$2" "$3" "$4" >"$WORK/$1.yaml"
	replay -c "$WORK/$1.yaml" --export "ipfix+tls://127.0.0.1:$2" "$PCAPS/ftp.pcap" >"$WORK/$1.out" 2>&1
	echo $? >"$WORK/$1.status"
}

said_why() {
	until_true 20 test -s "$WORK/$1.status"
	cat "$WORK/$1.out" "$WORK/$1.status"
	[ "$(cat "$WORK/$1.status")" = 1 ] && grep -qE "127.0.0.1:474[12]: .*$2" "$WORK/$1.out"
}

check "certificates are made" eval "authority our && authority strange"
tls_server 4741 refused-server
tls_server 4742 refused-client
refused server 4741 strange our &
refused client 4742 our strange &

# --- All captures to all collectors --------------------------------------------------------------

configure() {
	cat <<-END
		interfaces: [lo]
		inside: $INSIDE
		export:
		  - {to: "ipfix+udp://127.0.0.1:9995", domain: $1}
		  - {to: "v9+udp://127.0.0.1:9996", domain: $1}
		  - {to: "v5+udp://127.0.0.1:9997", domain: $1}
		  - {to: "ipfix+udp://127.0.0.1:9998", domain: 10$1}
		  - {to: "v9+udp://localhost:9998", domain: 20$1}
		  - {to: "v5+udp://127.0.0.1:9998", domain: $1}
		  - {to: "file:$WORK/files/$1.ipfix", domain: $1}
		  - {to: "file:$WORK/biflow/$1.ipfix", domain: $1, biflow: true}
	END
}

send_all() {
	local n=100 capture url urls
	for capture in $CAPTURES; do
		n=$((n + 1)) urls=()
		[ -r "$PCAPS/$capture" ] || continue
		configure $n >"$WORK/$n.yaml"
		for url in $(sed -n 's/.*to: "\([^"]*\)".*/\1/p' "$WORK/$n.yaml"); do
			urls+=(--export "$url")
		done
		replay -j -c "$WORK/$n.yaml" "${urls[@]}" "$PCAPS/$capture" >"$WORK/said/$n" || return 1
		replay -c "$WORK/$n.yaml" --flows "$PCAPS/$capture" |
			"$PEERS" flows "$PCAPS/$capture" >"$WORK/flows/$n" || return 1
	done
	cat "$WORK"/flows/* >"$WORK/ours"
}

# What each exporter says it did: all flows sent; IPv6 in v5 not exportable; nothing lost.
books_hold() {
	local said n
	for said in "$WORK"/said/*; do
		n=$WORK/flows/$(basename "$said")
		jq -e --argjson all "$(wc -l <"$n")" --argjson v6 "$(grep -c '"src": "[^"]*:' "$n")" '
			.conserved and (.exporters | length) == 8 and all(.exporters[];
				((.to | startswith("v5")) as $v5 | if $v5 then $v6 else 0 end) as $not |
				.exported.flow_count == $all - $not and .not_exportable.flow_count == $not and
				.queued.flow_count == 0 and .dropped.flow_count == 0)' "$said" || return 1
	done
}

mkdir "$WORK/said" "$WORK/flows"
check "nfcapd listens to IPFIX" collect nfcapd10 9995
check "nfcapd listens to v9" collect nfcapd9 9996
check "nfcapd listens to v5" collect nfcapd5 9997
check "nfacctd listens" account
check "tcpdump listens" sniff
check "every capture is sent to every collector" send_all
check "the exporters' books hold, with IPv6 not exportable in v5" books_hold

check "tcpdump has every datagram" until_true 10 tcpdump_has_all
stop tcpdump INT
stop_collecting nfcapd10 9995
stop_collecting nfcapd9 9996
stop_collecting nfcapd5 9997
stop_accounting

for version in 10 9 5; do
	check "nfcapd saw no gap, no bad message and nothing odd in version $version" \
		nfcapd_is_content nfcapd$version
	check "nfdump has weir's flows from version $version" \
		"$PEERS" nfdump $version "$WORK/ours" "$WORK/nfcapd$version"
	check "pmacct has weir's flows from version $version" \
		"$PEERS" nfacctd $version "$WORK/ours" "$WORK/nfacctd.json"
	check "tshark has weir's flows from version $version, and no complaint" \
		"$PEERS" tshark $version "$WORK/ours" "$WORK/lo.pcap"
done
check "pmacct saw no gap and nothing odd" nfacctd_is_content

# --- Files ---------------------------------------------------------------------------------------

cat "$WORK"/files/*.ipfix >"$WORK/all.ipfix"
check "tshark has weir's flows from its files, and no complaint" \
	"$PEERS" tshark 10 "$WORK/ours" "$WORK/all.ipfix"
cat "$WORK"/biflow/*.ipfix >"$WORK/biflows.ipfix"
check "tshark has no complaint about biflows" "$PEERS" content "$WORK/biflows.ipfix"
if has ipfixDump; then
	check "libfixbuf has weir's flows from its files" \
		"$PEERS" ipfixdump "$WORK/ours" "$WORK"/files/*.ipfix
	check "libfixbuf has both directions of conversations in biflows" \
		"$PEERS" biflow "$WORK/ours" "$WORK"/biflow/*.ipfix
	check "libfixbuf has weir's own elements by what the files say of them" \
		"$PEERS" types "$WORK"/files/*.ipfix
else
	for what in "weir's flows from its files" "both directions of conversations in biflows" \
		"weir's own elements by what the files say of them"; do
		skip "libfixbuf has $what" "no ipfixDump here"
	done
fi

rotate() {
	cat >"$WORK/rotate.yaml" <<-END
		interfaces: [lo]
		inside: $INSIDE
		export:
		  - {to: "file:$WORK/rotated/a.ipfix", rotate_size: 65535, message: 1400}
	END
	replay -c "$WORK/rotate.yaml" --export "file:$WORK/rotated/a.ipfix" "$PCAPS/synscan.pcap"
	ls -lA "$WORK/rotated"
	[ "$(find "$WORK/rotated" -type f | wc -l)" -ge 2 ] &&
		[ -z "$(find "$WORK/rotated" -size +65535c -o -name '.*.part')" ]
}
check "files end before they are larger than rotate_size" rotate
if has ipfixDump; then
	# One ipfixDump a file: templates of another would not help it.
	check "and each of them is whole" "$PEERS" ipfixdump "$WORK/flows/113" "$WORK"/rotated/*.ipfix
else
	skip "and each of them is whole" "no ipfixDump here"
fi

# --- Streams -------------------------------------------------------------------------------------

# A stream of IPFIX messages is an IPFIX file.
stream_has_all() {
	"$PEERS" tshark 10 "$WORK/flows/113" "$1" &&
		{ ! has ipfixDump || "$PEERS" ipfixdump "$WORK/flows/113" "$1"; }
}

over_tcp() {
	start socat c socat -u TCP-LISTEN:4739,bind=127.0.0.1 "CREATE:$WORK/tcp.ipfix"
	until_true 10 on c sh -c "ss -Htln 'sport = :4739' | grep -q LISTEN"
	replay -c "$WORK/113.yaml" --export ipfix+tcp://127.0.0.1:4739 "$PCAPS/synscan.pcap" || return 1
	wait "${AGENT[socat]}"
	unset "AGENT[socat]"
	stream_has_all "$WORK/tcp.ipfix"
}
if has socat; then
	check "socat gets weir's flows over TCP" over_tcp
else
	skip "socat gets weir's flows over TCP" "no socat here"
fi

over_tls() {
	tls_server 4740 tls.ipfix
	tls_config 4740 our our >"$WORK/tls.yaml"
	replay -c "$WORK/tls.yaml" --export ipfix+tls://127.0.0.1:4740 "$PCAPS/synscan.pcap" || return 1
	until_true 10 stream_has_all "$WORK/tls.ipfix" || stream_has_all "$WORK/tls.ipfix"
}
check "openssl gets weir's flows over TLS, with a certificate each" over_tls
check "a server of a strange CA is refused, and weir says so" said_why server 'certificate'
check "a server that refuses weir's certificate got nothing" \
	sh -c "! [ -s '$WORK/refused-client' ] && ! [ -s '$WORK/refused-server' ]"
check "and weir says that it was refused" said_why client '(alert|certificate|unknown ca)'

# --- softflowd -----------------------------------------------------------------------------------

# Flows that never end by themselves, so that both sum up a conversation's packets.
cat >"$WORK/whole.yaml" <<END
interfaces: [lo]
inside: $INSIDE
flow: {idle_timeout: 3600s, active_timeout: 3600s, closed_timeout: 3600s}
END
whole=()
for what in tcp tcp.rst tcp.fin udp icmp general maxlife; do
	whole+=(-t "$what=100000")
done

as_softflowd() {
	local capture there=()
	collect softflowd 9995 || return 1
	for capture in $SOFTFLOWD; do
		[ -r "$PCAPS/$capture" ] || continue
		there+=("$PCAPS/$capture")
		on c timeout 10 softflowd -d -r "$PCAPS/$capture" -n 127.0.0.1:9995 -v 10 -A milli \
			"${whole[@]}" -c none -p /run/softflowd.pid >/dev/null 2>&1 || return 1
		replay -c "$WORK/whole.yaml" --flows "$PCAPS/$capture" |
			"$PEERS" flows "$PCAPS/$capture" >>"$WORK/whole" || return 1
	done
	stop_collecting softflowd 9995
	"$PEERS" softflowd "$WORK/whole" "$WORK/softflowd" "${there[@]}"
}
if has softflowd; then
	check "softflowd counts the same packets and bytes of the same conversations" as_softflowd
else
	skip "softflowd counts the same packets and bytes of the same conversations" "no softflowd here"
fi

# --- Live: what is said besides flows ------------------------------------------------------------

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
on b ip link set wb alias "cable to a"
cat >"$WORK/live.yaml" <<END
interfaces: [wb]
flow: {size: 4096, idle_timeout: 1s, active_timeout: 3s, closed_timeout: 0s}
export:
  - {to: "ipfix+udp://127.0.0.1:9995", options_refresh: 1s}
  - {to: "v9+udp://127.0.0.1:9996", options_refresh: 1s}
END
live() {
	mkdir -p "$WORK/live10" "$WORK/live9"
	start live10 b nfcapd -w "$WORK/live10" -p 9995 -t 3600
	start live9 b nfcapd -w "$WORK/live9" -p 9996 -t 3600
	start livedump b tcpdump -Z root -i lo -U -w "$WORK/live.pcap" 'udp and dst portrange 9995-9996'
	until_true 10 grep -q Startup "$WORK/start-live10" &&
		until_true 10 grep -q Startup "$WORK/start-live9" &&
		until_true 10 grep -q 'listening on' "$WORK/start-livedump" &&
		agent b -c "$WORK/live.yaml" && on a ping -q -c 20 -i 0.01 10.9.0.2
}
told() {
	"$PEERS" options "$1" "$WORK/live.pcap" wb "cable to a" "$(on b cat /sys/class/net/wb/ifindex)" \
		"$(($(counter b seen_in) + $(counter b seen_out)))"
}
# Two flows, one each way: what came in has the interface's index as input, the other as output.
live_flows() {
	local index
	index=$(on b cat /sys/class/net/wb/ifindex)
	nfdump -R "$WORK/$1" -q -N -o 'fmt:%sa %pkt %in %out' 'proto icmp' >"$WORK/live"
	cat "$WORK/live"
	awk -v i="$index" '$1 == "10.9.0.1" && $3 == i && $4 == 0 { in_ += $2 }
		$1 == "10.9.0.2" && $3 == 0 && $4 == i { out += $2 }
		END { exit !(in_ == 20 && out == 20) }' "$WORK/live"
}
check "an agent measures, with collectors that are there" live
check "tshark reads names, sampling and statistics from IPFIX's options" until_true 10 told 10
check "tshark reads names, sampling and statistics from v9's options" until_true 10 told 9
check "the agent stops" stop b
stop livedump INT
stop live10 TERM
stop live9 TERM
# nfcapd counts flows alone in IPFIX's sequence, where all data records count (RFC 7011, 3.1): once
# flows have come, each refresh of the options looks like a gap to it. tshark checks the sequence.
sed -i 's/Sequence Errors: [0-9]*/Sequence Errors: 0/' "$WORK/start-live10"
for version in 10 9; do
	check "nfcapd has nothing to say against the options of version $version" \
		nfcapd_is_content live$version
	check "nfdump has the interface of each flow from version $version" live_flows live$version
done
done_testing
