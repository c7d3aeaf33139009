#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One datagram under every kind of link header and in every kind of tunnel that weir reads.

  tshark_layers.py make CAPTURE     writes them, each with a source port of its own
  tshark_layers.py check CAPTURE    reads `weir replay --flows` with `tunnels: inner` of it: each
                                    must be the flow it was made with, and the one that tshark finds

Written from the standards; shares nothing with weir or its other tests. What tshark needs to be told
is in DECODE_AS, what it cannot find is in BLIND.
"""

import json
import struct
import subprocess
import sys

IN4, IN6 = ("10.9.0.1", "10.9.0.2"), ("fd09::1", "fd09::2")
DPORT = 2222
DECODE_AS = ["udp.port==8472,vxlan", "mpls.label==1000,pwethcw"]
# The lengths of cookie and sublayer are told on the control connection; of what follows NSH it knows
# Ethernet.
BLIND = {"NSH", "L2TPv3 over IP", "L2TPv3 over UDP", "L2TPv3 with cookie and sublayer"}


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip4(proto, payload, src="192.0.2.1", dst="192.0.2.2"):
    fields = [0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0, bytes(map(int, src.split("."))),
              bytes(map(int, dst.split(".")))]
    fields[7] = checksum(struct.pack("!BBHHHBBH4s4s", *fields))
    return struct.pack("!BBHHHBBH4s4s", *fields) + payload


def ip6(proto, payload, src="fd09::1", dst="fd09::2"):
    from ipaddress import ip_address
    return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + ip_address(src).packed + \
        ip_address(dst).packed + payload


def udp(sport, dport, payload=b"sixteen bytes---"):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def ethernet(kind, payload, *tags):
    types = b"".join(struct.pack("!HH", tpid, vid) for tpid, vid in tags)
    return bytes.fromhex("0200000000020200000000aa") + types + struct.pack("!H", kind) + payload


def datagram(sport, six=False):
    if six:
        return ip6(17, udp(sport, DPORT))
    return ip4(17, udp(sport, DPORT), *IN4)


def frame(sport, six=False):
    return ethernet(0x86dd if six else 0x0800, datagram(sport, six))


def gre(kind, payload, sequence=False):
    return ip4(47, struct.pack("!HH", 0x1000 * sequence, kind) + b"\0\0\0\1" * sequence + payload)


def over_udp(port, payload):
    return ethernet(0x0800, ip4(17, udp(50000, port, payload)))


def snap(payload):
    return b"\xaa\xaa\x03\0\0\0" + struct.pack("!H", 0x0800) + payload


def nsh(following, payload):
    return struct.pack("!HBBI", 63 << 6 | 4, 2, following, 42 << 8 | 255) + b"\x3c" * 8 + payload


def link_kinds():
    yield "SNAP", lambda p: ethernet(8 + len(datagram(p)), snap(datagram(p)))
    yield "three tags", lambda p: ethernet(0x0800, datagram(p), (0x88a8, 5), (0x8100, 6), (0x8100, 7))
    yield "four tags", lambda p: ethernet(0x86dd, datagram(p, True), (0x88a8, 5), (0x8100, 6),
                                          (0x8100, 7), (0x8100, 8))
    yield "802.1ah", lambda p: ethernet(0x88e7, struct.pack("!I", 0x123456) + frame(p))
    yield "FabricPath", lambda p: bytes.fromhex("020000000200" "020000000300") + \
        struct.pack("!HH", 0x8903, 1 << 6 | 32) + frame(p)
    yield "pseudowire with control word", lambda p: ethernet(
        0x8847, struct.pack("!II", 1000 << 12 | 1 << 8 | 64, 7) + frame(p))
    yield "IP behind labels", lambda p: ethernet(
        0x8847, struct.pack("!II", 2000 << 12 | 64, 2001 << 12 | 1 << 8 | 64) + datagram(p, True))
    yield "NSH", lambda p: ethernet(0x894f, nsh(1, datagram(p)))
    yield "NSH with Ethernet", lambda p: ethernet(0x894f, nsh(3, frame(p, True)))


def tunnel_kinds():
    vxlan = struct.pack("!II", 0x08000000, 77 << 8)
    yield "VXLAN", lambda p: over_udp(4789, vxlan + frame(p))
    yield "VXLAN at Linux's port", lambda p: over_udp(8472, vxlan + frame(p, True))
    yield "VXLAN-GPE with IP", lambda p: over_udp(4790, b"\x0c\0\0\1\0\0\x4d\0" + datagram(p))
    yield "VXLAN-GPE with Ethernet", lambda p: over_udp(4790, b"\x0c\0\0\3\0\0\x4d\0" + frame(p))
    yield "VXLAN-GPE with NSH", lambda p: over_udp(4790, b"\x0c\0\0\4\0\0\x4d\0" + nsh(3, frame(p)))
    yield "GTP-U", lambda p: over_udp(2152, struct.pack("!BBHI", 0x30, 255, len(datagram(p)), 9) +
                                      datagram(p))
    yield "GTP-U with a sequence number", lambda p: over_udp(
        2152, struct.pack("!BBHIHBB", 0x32, 255, 4 + len(datagram(p, True)), 9, 5, 0, 0) +
        datagram(p, True))
    yield "GTP-U with extension headers", lambda p: over_udp(
        2152, struct.pack("!BBHIHBB", 0x34, 255, 12 + len(datagram(p)), 9, 0, 0, 0x85) +
        b"\x01\0\0\x85" + b"\x01\0\x09\0" + datagram(p))
    yield "ERSPAN I", lambda p: ethernet(0x0800, gre(0x88be, frame(p)))
    yield "ERSPAN II", lambda p: ethernet(0x0800, gre(
        0x88be, struct.pack("!II", 0x10640009, 0) + frame(p), True))
    yield "ERSPAN III", lambda p: ethernet(0x0800, gre(
        0x22eb, struct.pack("!III", 0x20640009, 0, 0) + frame(p), True))
    yield "ERSPAN III with a subheader", lambda p: ethernet(0x0800, gre(
        0x22eb, struct.pack("!IIIII", 0x20640009, 0, 1, 0x04000000, 0) + frame(p, True), True))
    yield "L2TPv3 over IP", lambda p: ethernet(0x0800, ip4(115, b"\0\0\x12\x34" + frame(p)))
    yield "L2TPv3 over UDP", lambda p: ethernet(0x0800, ip4(17, udp(
        1701, 1701, struct.pack("!HHI", 3, 0, 0x1234) + frame(p, True))))
    yield "L2TPv3 with cookie and sublayer", lambda p: ethernet(0x0800, ip4(
        115, b"\0\0\x12\x34" + b"\xc0" * 8 + b"\0\0\0\0" + frame(p)))


KINDS = [*link_kinds(), *tunnel_kinds()]


def make(path):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for sport, (_, build) in enumerate(KINDS, 1000):
            data = build(sport)
            out.write(struct.pack("<IIII", 1700000000, sport, len(data), len(data)) + data)


def of_tshark(path):
    """Addresses and ports of each packet's last header."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=l",
               "-e", "frame.protocols", "-e", "ip.src", "-e", "ip.dst", "-e", "ipv6.src",
               "-e", "ipv6.dst", "-e", "udp.srcport", "-e", "udp.dstport"]
    for rule in DECODE_AS:
        command += ["-d", rule]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        protocols, src4, dst4, src6, dst6, sport, dport = line.split("\t")
        ips = [p for p in protocols.split(":") if p in ("ip", "ipv6")]
        pair = (src6, dst6) if ips and ips[-1] == "ipv6" else (src4, dst4)
        yield (*pair, int(sport or 0), int(dport or 0))


def check(path):
    ours = {(f["src"], f["dst"], f["sport"], f["dport"]) for f in map(json.loads, sys.stdin)}
    wrong = 0
    for sport, ((name, _), theirs) in enumerate(zip(KINDS, of_tshark(path), strict=True), 1000):
        made = {(*pair, sport, DPORT) for pair in (IN4, IN6)}
        if not made & ours or (name not in BLIND and (theirs not in made or theirs not in ours)):
            wrong += 1
            print(f"{name}: tshark {theirs}, weir {[f for f in ours if f[2] == sport]}")
    print(f"{len(KINDS)} kinds, {len(ours)} flows")
    return wrong or len(ours) != len(KINDS)


def main():
    if sys.argv[1] == "make":
        make(sys.argv[2])
    elif check(sys.argv[2]):
        sys.exit(1)


if __name__ == "__main__":
    main()
