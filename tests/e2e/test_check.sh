#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a ─── veth ─── b, where weir says what it would do, alone, beside others, beside itself
. "$(dirname "$0")/lib.sh"
OTHERS=${O:-$HERE/../../build}/bench.bpf.o

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
on b ip tuntap add tun0 mode tun

# checks ARGS...: weir run --check with them; what it prints is in $WORK/out and $WORK/err.
checks() {
	on b timeout 60 "$WEIR" run --check "$@" >"$WORK/out" 2>"$WORK/err"
	local status=$?
	cat "$WORK/out" "$WORK/err"
	return $status
}
works() {
	checks "$@" && [ ! -s "$WORK/err" ]
}
# refuses STATUS PATTERN ARGS...: that status, and one line on stderr that matches.
refuses() {
	local status=$1 pattern=$2
	shift 2
	checks "$@"
	[ $? = "$status" ] && [ "$(wc -l <"$WORK/err")" = 1 ] && grep -q "$pattern" "$WORK/err"
}
prints() {
	cat "$WORK/out"
	grep -qE "$1" "$WORK/out"
}
has_symbol() {
	grep -qw "$1" /proc/kallsyms
}
yes_no() {
	if "$@"; then echo yes; else echo no; fi
}
# features JSON-PATH: of the kernel in $WORK/json, "name yes" or "name no"
feature() {
	jq -r "if .kernel.features.$1.given then \"yes\" else \"no\" end" "$WORK/json"
}
# agrees FEATURE SYMBOL: with the kernel's symbols
agrees() {
	echo "$1: weir says $(feature "$1"), the kernel's symbols $(yes_no has_symbol "$2")"
	[ "$(feature "$1")" = "$(yes_no has_symbol "$2")" ]
}
# bpftool names what the kernel has of helpers and maps.
bpftool_agrees() {
	bpftool feature probe kernel >"$WORK/bpftool" 2>/dev/null
	echo "ring: $(feature ring_buffer), frags: $(feature xdp_frags)"
	grep -E "ringbuf|xdp_get_buff_len" "$WORK/bpftool"
	[ "$(feature ring_buffer)" = "$(yes_no grep -q 'map_type ringbuf is available' "$WORK/bpftool")" ] &&
		[ "$(feature xdp_frags)" = "$(yes_no grep -q -- '- bpf_xdp_get_buff_len' "$WORK/bpftool")" ]
}
if has_symbol tcx_prog_attach; then tc=TCX; else tc=clsact; fi

check "a check on a veth works" works -i wb
check "it says which kernel this is" grep -xF "kernel      Linux $(uname -r)" "$WORK/out"
check "what it would attach" prints "^wb +in: XDP native.*; out: $tc"
for program in weir_xdp weir_tc_in weir_tc_out weir_l3_in weir_l3_out; do
	check "how much work $program was for the verifier" prints "$program +[1-9][0-9]* of 1000000 "
done
check "and attaches nothing" nothing_left b
check "in JSON as well" works -j -i wb
cp "$WORK/out" "$WORK/json"
check "which is one object" test "$(jq -rs 'length' "$WORK/json")" = 1
check "multi-buffer XDP is what the kernel has" agrees xdp_frags bpf_xdp_get_buff_len
check "TCX is" agrees tcx tcx_prog_attach
check "the VLAN hint is" agrees vlan_hint bpf_xdp_metadata_rx_vlan_tag
check "the ring buffer is" agrees ring_buffer bpf_ringbuf_reserve
check "bpftool finds the same" bpftool_agrees

printf 'interfaces: [wb, late, tun0]\n' >"$WORK/late.yaml"
check "an interface may come later" works -c "$WORK/late.yaml"
check "and is named" prints "^late +not there yet"
check "a device without link header is not for XDP" prints "^tun0 +in: $tc \(no link header for XDP.*\); out: $tc"
check "one that is asked for and not there is refused" refuses 1 "no interface nosuch0" -i nosuch0
printf 'interfaces: [wb]\nattach: {ingress: tc, egress: clsact}\n' >"$WORK/tc.yaml"
check "the configuration's way is taken" works -c "$WORK/tc.yaml"
check "and said" prints "^wb +in: clsact; out: clsact"
printf 'interfaces: [tun0]\nattach: {ingress: native}\n' >"$WORK/native.yaml"
check "an interface that cannot be had that way is refused" refuses 1 "cannot attach to tun0, ingress: no link header" -c "$WORK/native.yaml"
printf 'interfaces: [wb]\nspeed: 3\n' >"$WORK/key.yaml"
check "a wrong configuration is refused with its line, as by weir run" refuses 1 "key.yaml:2:" -c "$WORK/key.yaml"
check "wrong usage ends with 2" refuses 2 "unexpected argument" -i wb now
# --- What leaves the host -----------------------------------------------------------------------

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/other.key" -out "$WORK/other.pem" -subj /CN=other \
	-days 2 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/host.key" -out "$WORK/host.pem" -subj /CN=host \
	-days 2 2>/dev/null
# exports YAML: a configuration with this.
exports() {
	printf 'interfaces: [wb]\nexport:\n  - {%s}\n' "$1" >"$WORK/export.yaml"
}
# as_run PATTERN: check and run refuse the configuration in the same words.
as_run() {
	refuses 1 "$1" -c "$WORK/export.yaml" || return
	on b timeout 60 "$WEIR" run -q -c "$WORK/export.yaml" 2>&1 | grep -xF -f "$WORK/err"
}
exports 'to: "ipfix+tls://[2001:db8::5]", ca: /etc/weir/no-ca.pem, cert: /etc/weir/host.pem, key: /etc/weir/host.key'
check "a CA that is not there is refused, as by weir run" as_run "ipfix+tls://\[2001:db8::5\]: /etc/weir/no-ca.pem: No such file"
exports "to: \"ipfix+tls://[2001:db8::5]\", ca: $WORK/host.pem, cert: $WORK/host.pem, key: $WORK/other.key"
check "so is a key that is another certificate's" as_run "other.key"
exports "to: \"ipfix+tls://[2001:db8::5]\", ca: $WORK/host.key, cert: $WORK/host.pem, key: $WORK/host.key"
check "and a file that is no certificate" as_run "host.key"
printf 'interfaces: [wb]\nreport: {address: "tls://192.0.2.1", host: 1, ca: %s, cert: %s, key: %s}\n' \
	"$WORK/host.pem" "$WORK/host.pem" "$WORK/other.key" >"$WORK/export.yaml"
check "for the coordinator as well" as_run "report: .*other.key"
exports "to: \"ipfix+tls://collector.invalid\", ca: $WORK/host.pem, cert: $WORK/host.pem, key: $WORK/host.key"
check "with the right ones it works, and nobody is asked for the name" works -c "$WORK/export.yaml"
check "and says where flows would go" prints "^export +ipfix\+tls://collector.invalid"
exports "to: \"file:$WORK/host.pem/%Y.ipfix\""
check "a folder that cannot be written to is refused" refuses 1 "host.pem/20[0-9]*.ipfix: Not a directory" -c "$WORK/export.yaml"
on b rm -r /run/weir # of the starts that were refused
exports "to: \"file:$WORK/new/%Y/%m.ipfix\""
check "one that can be made is not" works -c "$WORK/export.yaml"
check "and is not made" test ! -e "$WORK/new"
check "no queue is, nor a lock" on b test ! -e /run/weir
on b mount -o remount,ro /run
check "a folder of queues that cannot be is refused" refuses 1 "file:.*: /run/weir/export: Read-only file system" -c "$WORK/export.yaml"
on b mount -o remount,rw /run

unprivileged() {
	chmod 711 "$WORK"
	cp "$WEIR" "$WORK/weir-copy"
	on b setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/weir-copy" run --check -i wb >"$WORK/out" 2>"$WORK/err"
	local got=$?
	cat "$WORK/out" "$WORK/err"
	[ $got = 1 ] && [ "$(wc -l <"$WORK/err")" = 1 ] && grep -q CAP_ "$WORK/err"
}
check "without privilege it says what is needed" unprivileged
check "nothing of all that stays" nothing_left b

on b bpftool prog loadall "$OTHERS" /sys/fs/bpf/others
on b bpftool net attach xdpdrv pinned /sys/fs/bpf/others/empty_xdp dev wb
id=$(on b bpftool -j net show dev wb | jq -r '.[0].xdp[0].id')
check "beside another's XDP program it works" works -i wb
check "and says whose" prints "^wb +in: $tc \(XDP is taken by program $id 'empty_xdp'"
on b bpftool net detach xdp dev wb

check "an agent starts" agent b -q -i wb
ids() {
	on b bpftool -j net show dev wb | jq -c '.[0] | [.xdp[].id, .tc[].prog_id?]'
}
before=$(ids)
check "beside it a check works" works -i wb
check "it says that the agent is running" prints "^agent +pid [0-9]+ is running"
check "and the interface measured" prints "^wb +in: XDP native.*; out: $tc.*, attached already"
check "the agent's programs are left alone" test -n "$before" -a "$(ids)" = "$before"
on b "$WEIR" show status -j >"$WORK/json"
check "show status says what the kernel gives" agrees tcx tcx_prog_attach
check "and multi-buffer XDP" agrees xdp_frags bpf_xdp_get_buff_len
check "and the VLAN hint" agrees vlan_hint bpf_xdp_metadata_rx_vlan_tag
# Of a program that was loaded the kernel tells since 5.16, who holds it.
verified() {
	local id told
	id=$(on b bpftool -j prog show pinned /sys/fs/bpf/weir/progs/weir_tc_out | jq .id)
	told=$(grep -lw "prog_id:.$id" "/proc/${AGENT[b]}"/fdinfo/* | head -n 1 |
		xargs awk '/^verified_insns:/ { print $2 }')
	echo "kernel: $told, weir: $(jq .kernel.verifier.programs.weir_tc_out "$WORK/json")"
	[ "$(jq .kernel.verifier.programs.weir_tc_out "$WORK/json")" = "${told:-null}" ]
}
check "and the verifier's work as the kernel tells it" verified
check "the agent said once, in a line, what the kernel lacks" test "$(grep -c 'this kernel has no' "$WORK/agent-b")" = \
	"$(if [ $tc = TCX ] && has_symbol bpf_xdp_metadata_rx_vlan_tag; then echo 0; else echo 1; fi)"
check "it ends cleanly" stop b
check "nothing stays attached" nothing_left b
done_testing
