#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   a ─── veth ─── b, where weir runs beside other programs, and interfaces come and go
. "$(dirname "$0")/lib.sh"
OTHERS=${O:-$HERE/../../build}/bench.bpf.o

host a
host b
wire a wa 10.9.0.1/24 b wb 10.9.0.2/24
others() {
	on b bpftool prog loadall "$OTHERS" /sys/fs/bpf/others
}
xdp_id() {
	on b bpftool -j net show dev wb | jq -r '.[0].xdp[0].id // empty'
}
tc_hits() {
	on b tc -s filter show dev wb ingress 2>/dev/null | grep -c empty_tc
}

check "another's XDP program is loaded" others
check "and attached" on b bpftool net attach xdpdrv pinned /sys/fs/bpf/others/empty_xdp dev wb
check "and another's filter on both ways" sh -c "nsenter -t ${HOST[b]} -n -m -- tc qdisc add dev wb clsact &&
	nsenter -t ${HOST[b]} -n -m -- tc filter add dev wb ingress bpf da pinned /sys/fs/bpf/others/empty_tc &&
	nsenter -t ${HOST[b]} -n -m -- tc filter add dev wb egress bpf da pinned /sys/fs/bpf/others/empty_tc"
before=$(xdp_id)
check "the agent starts beside them" agent b -i wb
check "and says why it is on TCX" grep -q "in: TCX.*XDP is taken" "$WORK/agent-b"
check "the other XDP program is still the one attached" test -n "$before" -a "$(xdp_id)" = "$before"
check "the other filters still are" test "$(tc_hits)" -gt 0
check "traffic passes" on a ping -q -c 10 -i 0.02 10.9.0.2
check "and is counted" seen_equals_interface b wb
check "every packet is accounted for" conserved b
check "it ends cleanly" stop b
check "the others are left alone" test "$(xdp_id)" = "$before" -a "$(tc_hits)" -gt 0
on b bpftool net detach xdp dev wb

printf 'interfaces: [wb]\nattach: {ingress: tc, egress: clsact}\n' >"$WORK/tc.yaml"
check "clsact egress when asked for" agent b -c "$WORK/tc.yaml"
check "is counted too" on a ping -q -c 5 -i 0.02 10.9.0.2
check "and conserved" conserved b
check "it ends cleanly again" stop b
check "the others' qdisc and filters stay" test "$(tc_hits)" -gt 0

# As systemd runs it: of another's programs and maps it may open none by number.
unit_run() {
	local have

	have=$(sed -n 's/^CapabilityBoundingSet=//p' "$HERE/../../packaging/weir.service" |
		sed 's/CAP_//g; s/[A-Z_]*/+&/g; s/ /,/g' | tr '[:upper:]' '[:lower:]')
	nsenter -t "${HOST[b]}" -n -m -- setpriv --bounding-set="-all,$have" \
		"$WEIR" run -q -c "$WORK/$1.yaml" >"$WORK/agent-b" 2>&1 &
	AGENT[b]=$!
	until_true 60 grep -qE 'in: .*out: ' "$WORK/agent-b" || { cat "$WORK/agent-b"; return 1; }
}
# filters NUMBER: of ours, on each side
filters() {
	on b tc filter show dev wb ingress
	on b tc filter show dev wb egress
	[ "$(on b tc filter show dev wb ingress | grep -c weir_)" = "$1" ] &&
		[ "$(on b tc filter show dev wb egress | grep -c weir_)" = "$1" ]
}
check "with the unit's capabilities it starts on clsact" unit_run tc
stop b KILL
check "killed and started again it adopts what runs" unit_run tc
check "and says so" grep -q "adopted" "$WORK/agent-b"
check "nothing is there twice" filters 1
seen=$(counter b seen_in)
check "traffic passes" on a ping -q -c 10 -i 0.02 10.9.0.2
check "and is counted once" test "$(counter b seen_in)" = $((seen + 10))
check "it ends" stop b
check "and takes its filters along" filters 0

printf 'interfaces: [wb, late]\n' >"$WORK/late.yaml"
check "an interface may come later" agent b -c "$WORK/late.yaml"
wire a wl 10.8.0.1/24 b late 10.8.0.2/24
check "it is attached when it appears" until_true 10 grep -q "late: .*in: " "$WORK/agent-b"
check "traffic on it passes" on a ping -q -c 10 -i 0.02 10.8.0.2
seen=$(counter b seen_in)
check "and is counted" test "$seen" -ge 10
on a ip link del wl
check "it is let go when it goes" until_true 10 grep -q "late: gone" "$WORK/agent-b"
check "its counts stay" test "$(counter b seen_in)" -ge "$seen"
check "every packet is accounted for afterwards" conserved b
wire a wl 10.8.0.1/24 b late 10.8.0.2/24
check "it is attached again when it returns" until_true 10 sh -c "[ \$(grep -c 'late: .*in: ' '$WORK/agent-b') -ge 2 ]"
check "and all ends cleanly" stop b
done_testing
