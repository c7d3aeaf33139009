#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares the flows of `weir replay --flows CAPTURE` (read from standard input) with what tshark
says of each packet of CAPTURE. Prints every difference; exit status 1 if there is one.

A flow here is all packets of a capture with one (source, destination, protocol, ports, VLAN):
weir's incarnations are summed, so that the two need not share timeouts. tshark looks at packets
one by one, without reassembly; ports, or type and code, of later fragments are carried over from the
first as weir promises to, for 60 s and within a VLAN. What is in no header that tshark sees is null.
Tunnels are not followed: the outermost IP header counts.
"""

import ipaddress
import json
import subprocess
import sys
from collections import defaultdict

FIELDS = (
    "frame.time_epoch ip.version ip.hdr_len ip.len ip.src ip.dst ip.proto ip.id ip.frag_offset "
    "ip.flags.mf ipv6.version ipv6.plen ipv6.src ipv6.dst ipv6.nxt ipv6.hopopts.nxt "
    "ipv6.routing.nxt ipv6.fraghdr.nxt ipv6.fraghdr.offset ipv6.fraghdr.more ipv6.fraghdr.ident "
    "ipv6.dstopts.nxt ah.next_header tcp.srcport tcp.dstport tcp.flags udp.srcport udp.dstport "
    "sctp.srcport sctp.dstport dccp.srcport dccp.dstport icmp.type icmp.code icmpv6.type icmpv6.code vlan.id frame.len "
    "frame.protocols"
).split()

TCP, UDP, SCTP, DCCP, UDPLITE, ICMP, ICMP6 = 6, 17, 132, 33, 136, 1, 58
AH = 51
PORTS = {TCP: "tcp", UDP: "udp", SCTP: "sctp", DCCP: "dccp", UDPLITE: "udp"}
FRAGMENTS_S = 60
UNKNOWN = None, None
INFINITY = float("inf")
NEXT = {0: "ipv6.hopopts.nxt", 43: "ipv6.routing.nxt", 44: "ipv6.fraghdr.nxt",
        60: "ipv6.dstopts.nxt", 51: "ah.next_header"}


def packets(capture):
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "occurrence=f",
               "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
               "-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tcp.analyze_sequence_numbers:FALSE",
               "-o", "tcp.check_checksum:FALSE", "-o", "ip.tso_support:TRUE"]
    for field in FIELDS:
        command += ["-e", field]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        yield dict(zip(FIELDS, line.split("\t")))


def number(p, field):
    text = p[field]
    if text in ("", "False"):
        return 0
    return 1 if text == "True" else int(text, 0)


def network(p):
    """Version, source, destination, IP bytes, protocol, fragment (0, 1 first, 2 later), id; or None
    where the first IP header is not one (weir: malformed)."""
    if "ip" not in p["frame.protocols"].split(":") and "ipv6" not in p["frame.protocols"].split(":"):
        return None
    order = [x for x in p["frame.protocols"].split(":") if x in ("ip", "ipv6")]
    if order[0] == "ip":
        if not p["ip.src"] or number(p, "ip.hdr_len") < 20 or number(p, "ip.version") != 4:
            return None
        length = number(p, "ip.len")
        if length and length < number(p, "ip.hdr_len"):
            return None
        part = 2 if number(p, "ip.frag_offset") else 1 if number(p, "ip.flags.mf") else 0
        proto = number(p, "ip.proto")
        if proto == AH and p["ah.next_header"] and part != 2:
            proto = number(p, "ah.next_header")
        return p["ip.src"], p["ip.dst"], length, proto, part, p["ip.id"]
    if not p["ipv6.src"] or number(p, "ipv6.version") != 6:
        return None
    proto, part = number(p, "ipv6.nxt"), 0
    while proto in NEXT and p[NEXT[proto]]:
        if proto == 44:
            part = 2 if number(p, "ipv6.fraghdr.offset") else 1 if number(p, "ipv6.fraghdr.more") \
                else 0
        proto = number(p, NEXT[proto])
        if part == 2:
            break
    plen = number(p, "ipv6.plen")
    return p["ipv6.src"], p["ipv6.dst"], plen + 40 if plen else 0, proto, part, \
        p["ipv6.fraghdr.ident"]


def ports(p, proto):
    if proto in PORTS:
        name = PORTS[proto]
        if not p[name + ".srcport"]:
            return UNKNOWN
        return number(p, name + ".srcport"), number(p, name + ".dstport")
    if proto == ICMP and p["icmp.type"]:
        return 0, number(p, "icmp.type") * 256 + number(p, "icmp.code")
    if proto == ICMP6 and p["icmpv6.type"]:
        return 0, number(p, "icmpv6.type") * 256 + number(p, "icmpv6.code")
    return UNKNOWN if proto in (ICMP, ICMP6) else (0, 0)


def nanoseconds(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])


def merge(flow, count, octets, first, last, flags):
    if not flow:
        flow.update(packets=0, bytes=0, first=first, last=last, flags=0)
    flow["packets"] += count
    flow["bytes"] += octets
    flow["first"] = min(flow["first"], first)
    flow["last"] = max(flow["last"], last)
    flow["flags"] |= flags


def keys(capture):
    """Of each packet: its time; source, destination, protocol, ports and VLAN, bytes, TCP flags, or
    None three times where it is in no flow."""
    known = {}
    for p in packets(capture):
        now = nanoseconds(p["frame.time_epoch"])
        ip = network(p)
        if not ip:
            yield now, None, None, None
            continue
        src, dst, length, proto, part, ident = ip
        if p["frame.protocols"].startswith(("eth:ethertype:ip:", "eth:ethertype:ipv6:")):
            # Where the header claims more than there is, the frame is right.
            length = min(length, number(p, "frame.len") - 14)
        pair, datagram = ports(p, proto), (src, dst, ident, number(p, "vlan.id"))
        if part == 2 and (proto in PORTS or proto in (ICMP, ICMP6) or proto in NEXT):
            # The first one may lead on to another protocol.
            seen, *first = known.get(datagram, (-INFINITY, proto, UNKNOWN))
            old = abs(now - seen) > FRAGMENTS_S * 10**9
            proto, pair = (proto, UNKNOWN) if old else first
        elif part == 1:
            known[datagram] = now, proto, pair
        flags = number(p, "tcp.flags") & 255 if proto == TCP and part != 2 else 0
        yield now, (src, dst, proto, *pair, number(p, "vlan.id")), length, flags


def of_tshark(capture):
    flows, out = defaultdict(dict), 0
    for now, key, length, flags in keys(capture):
        if key:
            merge(flows[key], 1, length, now, now, flags)
        else:
            out += 1
    return flows, out


def of_weir(lines):
    flows = defaultdict(dict)
    for line in lines:
        f = json.loads(line)
        key = (str(ipaddress.ip_address(f["src"])), str(ipaddress.ip_address(f["dst"])),
               f["proto"], f["sport"], f["dport"], f["vlan"])
        merge(flows[key], f["packets"], f["bytes"], f["first_ns"] // 1000, f["last_ns"] // 1000,
              f["tcp_flags"])
    return flows


def main():
    any_time = "--any-time" in sys.argv
    theirs, out = of_tshark(sys.argv[1])
    ours = of_weir(sys.stdin)
    wrong = 0
    for key in sorted(set(theirs) | set(ours), key=str):
        a, b = theirs.get(key), ours.get(key)
        if a and b and a["packets"] == b["packets"] and a["flags"] == b["flags"] \
                and a["bytes"] == b["bytes"] \
                and (any_time or max(abs(a["first"] / 1e3 - b["first"]),
                                     abs(a["last"] / 1e3 - b["last"])) < 2):
            continue
        wrong += 1
        print(f"{key}: tshark {a}, weir {b}")
    print(f"{sum(f['packets'] for f in theirs.values())} packets in {len(theirs)} flows, "
          f"{out} in none")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
