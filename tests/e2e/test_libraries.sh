#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What each executable needs to run, and that it finds the others: as built, as installed, alone.
. "$(dirname "$0")/lib.sh"
BUILT=$(dirname "$WEIR")

# needs PROGRAM LIBRARY...: these and none else, but for the C library's own
needs() {
	local program=$1
	shift
	readelf -d "$program" | sed -n 's/.*(NEEDED).*\[lib\(.*\)\.so.*/\1/p' |
		grep -vxE 'c|m|pthread|dl|rt' | sort >"$WORK/needed"
	printf '%s\n' "$@" | sort >"$WORK/allowed"
	cat "$WORK/needed"
	[ -s "$WORK/needed" ] && ! comm -23 "$WORK/needed" "$WORK/allowed" | grep .
}
WEIR_NEEDS="bpf elf z yaml-0 jansson mnl ssl crypto"

# shellcheck disable=SC2086 # a list
check "weir needs what measuring needs" needs "$WEIR" $WEIR_NEEDS
# shellcheck disable=SC2086
check "weir replay needs libzstd besides" needs "$BUILT/libexec/weir/replay" $WEIR_NEEDS zstd
check "each verb's executable is held to a list" sh -c "ls '$BUILT/libexec/weir' | grep -vx replay; [ \$? -eq 1 ]"

replay_runs() {
	"$@" replay "$WORK/nothere.pcap" 2>"$WORK/line"
	[ $? -eq 1 ] && [ "$(wc -l <"$WORK/line")" -eq 1 ] && grep "nothere.pcap" "$WORK/line"
}
check "weir runs the one beside it" replay_runs "$WEIR"
mkdir "$WORK/bin"
ln -s "$WEIR" "$WORK/bin/weir"
check "through a link too" replay_runs "$WORK/bin/weir"
check "with the options it is given" sh -c "'$WEIR' replay --frobnicate 2>&1 |
	grep -F \"weir: replay: unknown option '--frobnicate' (see 'weir help replay')\""
check "help has its text" sh -c "'$WEIR' help replay | grep -q -e --export"
check "the manual too" sh -c "'$WEIR' help --man | grep -qF 'weir replay'"

cp "$WEIR" "$WORK/weir"
missing() {
	"$WORK/weir" replay "$WORK/nothere.pcap" 2>"$WORK/line"
	[ $? -eq 1 ] && [ "$(wc -l <"$WORK/line")" -eq 1 ] && grep "weir replay is not installed" "$WORK/line"
}
check "where it is missing, one line says so" missing

# What make was told when it built, it is told again.
install_as() {
	make -s -C "$HERE/../.." O="$BUILT" DESTDIR="$WORK/root" PREFIX=/usr "$1"
}
check "make install puts all in place" install_as install
check "the installed one finds it" replay_runs "$WORK/root/usr/sbin/weir"
check "its help without it" sh -c "rm '$WORK/root/usr/libexec/weir/replay'; '$WORK/root/usr/sbin/weir' help replay | grep -q CAPTURE"
check "make uninstall leaves nothing" sh -c "make -s -C '$HERE/../..' O='$BUILT' DESTDIR='$WORK/root' PREFIX=/usr uninstall
	[ -z \"\$(find '$WORK/root' -type f)\" ]"
done_testing
