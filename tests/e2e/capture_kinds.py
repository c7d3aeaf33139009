#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One conversation as captures of every kind.

    capture_kinds.py write FOLDER    writes them:
        ethernet.pcap
        link-NUMBER-NAME.pcap        in each link type that weir reads (tcpdump.org/linktypes.html)
        form-NAME                    in each form of file
    capture_kinds.py check NAME      are the flows on standard input (JSON Lines) those of that one?

All hold the same packets at the same times, but for simple packets of pcapng, which have none. The
test asks tshark and tcpdump whether they read them so too.
"""

import ipaddress
import json
import os
import struct
import sys

START = 1_700_000_000_123_456  # Unix time, microseconds
STEP = 250_000


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport(proto, sport, dport, size):
    if proto == 17:
        return struct.pack("!4H", sport, dport, 8 + size, 0) + bytes(size)
    return struct.pack("!2H2I2B3H", sport, dport, 1, 1, 5 << 4, 0x10, 1000, 0, 0) + bytes(size)


def ip(src, dst, proto, sport, dport, size):
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    payload = transport(proto, sport, dport, size)
    if src.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + src.packed + dst.packed \
            + payload
    head = struct.pack("!2B3H2BH", 0x45, 0, 20 + len(payload), 7, 0, 64, proto, 0) \
        + src.packed + dst.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


PACKETS = [
    ip("192.0.2.1", "198.51.100.2", 17, 4000, 9, 100),
    ip("198.51.100.2", "192.0.2.1", 17, 9, 4000, 500),
    ip("192.0.2.1", "198.51.100.2", 6, 4001, 80, 1),
    ip("2001:db8::1", "2001:db8::2", 17, 4002, 9, 33),
    ip("2001:db8::2", "2001:db8::1", 6, 80, 4003, 1200),
    ip("192.0.2.1", "198.51.100.2", 17, 4000, 9, 101),
]
TIMES = [START + i * STEP for i in range(len(PACKETS))]


def ethertype(p):
    return b"\x08\x00" if p[0] >> 4 == 4 else b"\x86\xdd"


def padded(p, unit=4):
    return p + bytes(-len(p) % unit)


ADDRESSES = bytes.fromhex("020000000002020000000001")
SNAP = bytes.fromhex("aaaa03000000")


def ethernet(p):
    return ADDRESSES + ethertype(p) + p


def snap(p):
    return SNAP + ethertype(p) + p


def wlan(p, fc=b"\x08\x01", qos=b"", more=b""):
    return fc + b"\0\0" + ADDRESSES + bytes(6) + b"\x10\0" + more + qos + snap(p)


def radiotap(p):
    """With a time, flags (FCS at the end, padding after the header of 26 bytes), two bit words."""
    body = wlan(p, b"\x88\x01", b"\0\0" + b"\0\0")
    head = struct.pack("<BxHIIxxxxQB", 0, 25, 0x80000003, 0, 5, 0x30)
    return head + body + b"\xde\xad\xbe\xef"


def radiotap_plain(p):
    return struct.pack("<BxHI", 0, 8, 0) + wlan(p, b"\x08\x03", b"", bytes(6))


def ppp_type(p):
    return b"\x00\x21" if p[0] >> 4 == 4 else b"\x00\x57"


def family(p, six=10):
    return 2 if p[0] >> 4 == 4 else six


def nflog(p, order="<"):
    def attribute(kind, value):
        return padded(struct.pack(order + "HH", 4 + len(value), kind) + value)
    return struct.pack("!BBH", family(p), 0, 5) + attribute(1, ethertype(p) + b"\x01\0") \
        + attribute(10, b"prefix\0") + attribute(9, p)


def pktap(p):
    return struct.pack("<III", 108, 1, 1) + bytes(96) + ethernet(p)


def frame_relay(p):
    return b"\x18\x41\x03" + (b"\xcc" if p[0] >> 4 == 4 else b"\x8e") + p


LINKS = {
    "0-null": lambda p: struct.pack("<I", family(p, 30)) + p,
    "0-null-big": lambda p: struct.pack(">I", family(p, 28)) + p,
    "9-ppp": lambda p: b"\xff\x03" + ppp_type(p) + p,
    "9-ppp-short": lambda p: ppp_type(p)[1:] + p,
    "10-fddi": lambda p: b"\x50" + ADDRESSES + snap(p),
    "12-raw": lambda p: p,
    "14-raw": lambda p: p,
    "50-ppp-hdlc": lambda p: b"\xff\x03" + ppp_type(p) + p,
    "50-ppp-hdlc-cisco": lambda p: b"\x0f\x00" + ethertype(p) + p,
    "51-pppoe": lambda p: struct.pack("!BBHH", 0x11, 0, 1, len(p) + 2) + ppp_type(p) + p,
    "100-rfc1483": snap,
    "101-raw": lambda p: p,
    "104-cisco-hdlc": lambda p: b"\x0f\x00" + ethertype(p) + p,
    "105-wlan": wlan,
    "105-wlan-qos": lambda p: wlan(p, b"\x88\x01", b"\x05\0"),
    "105-wlan-4-addresses": lambda p: wlan(p, b"\x88\x03", b"\0\0", bytes(6)),
    "105-wlan-ht": lambda p: wlan(p, b"\x88\x81", b"\0\0" + bytes(4)),
    "106-clip": snap,
    "107-frame-relay": frame_relay,
    "107-frame-relay-cisco": lambda p: b"\x18\x41" + ethertype(p) + p,
    "108-loop": lambda p: struct.pack(">I", family(p, 24)) + p,
    "109-enc": lambda p: struct.pack("<III", family(p, 24), 1, 2) + p,
    "113-sll": lambda p: struct.pack("!3H8s", 0, 1, 6, ADDRESSES[:8]) + ethertype(p) + p,
    "113-sll-llc": lambda p: struct.pack("!3H8sH", 0, 1, 6, ADDRESSES[:8], 4) + snap(p),
    "117-pflog": lambda p: bytes([61, family(p, 24)]) + bytes(62) + p,
    "119-prism": lambda p: struct.pack("<II", 0x44, 144) + bytes(136) + wlan(p),
    "119-avs": lambda p: struct.pack(">II", 0x80211001, 64) + bytes(56) + wlan(p),
    "122-ip-over-fc": lambda p: bytes(16) + snap(p),
    "127-radiotap": radiotap,
    "127-radiotap-plain": radiotap_plain,
    "163-avs": lambda p: struct.pack(">II", 0x80211001, 64) + bytes(56) + wlan(p),
    "166-pppd": lambda p: b"\x00\x03" + ppp_type(p) + p,
    "192-ppi": lambda p: struct.pack("<BBHI", 0, 0, 8, 105) + wlan(p),
    "204-ppp-dir": lambda p: b"\x01\xff\x03" + ppp_type(p) + p,
    "205-hdlc-dir": lambda p: b"\x00\x0f\x00" + ethertype(p) + p,
    "206-frame-relay-dir": lambda p: b"\x01" + frame_relay(p),
    "226-ipnet": lambda p: struct.pack("!BBHIIIII", 1, 2 if p[0] >> 4 == 4 else 26, 0, len(p),
                                       1, 0, 0, 0)[:24] + p,
    "239-nflog": nflog,
    "240-netanalyzer": lambda p: bytes(4) + ethernet(p),
    "258-pktap": pktap,
    "276-sll2": lambda p: ethertype(p) + struct.pack("!HIHBB8s", 0, 1, 1, 0, 6, ADDRESSES[:8]) + p,
    "281-dsa-brcm": lambda p: ADDRESSES + b"\x20\0\0\x01" + ethertype(p) + p,
    "282-dsa-brcm-prepend": lambda p: b"\x20\0\0\x01" + ethernet(p),
    "284-dsa": lambda p: ADDRESSES + b"\xc0\0\0\x05" + ethertype(p) + p,
    "285-edsa": lambda p: ADDRESSES + b"\xda\xda\0\0\xc0\0\0\x05" + ethertype(p) + p,
}


def pcap(link, packets, order="<", magic=0xA1B2C3D4, times=TIMES, version=(2, 4), extra=b"", nano=False):
    out = struct.pack(order + "IHHIIII", magic, *version, 0, 0, 262144, link)
    for t, p in zip(times, packets):
        s, fraction = divmod(t, 10**6)
        out += struct.pack(order + "4I", s, fraction * 1000 if nano else fraction, len(p), len(p))
        out += extra + p
    return out


class Ng:
    """A section of pcapng."""

    def __init__(self, order="<"):
        self.order = order
        self.out = self.block(0x0A0D0D0A, self.pack("IHHq", 0x1A2B3C4D, 1, 0, -1))

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def block(self, kind, body):
        body = padded(body)
        return self.pack("II", kind, 12 + len(body)) + body + self.pack("I", 12 + len(body))

    def add(self, kind, body):
        self.out += self.block(kind, body)

    def option(self, code, value):
        return self.pack("HH", code, len(value)) + padded(value)

    def interface(self, link, snap=0, *options):
        end = self.option(0, b"") if options else b""
        self.add(1, self.pack("HHI", link, 0, snap) + b"".join(options) + end)

    def packet(self, interface, units, p, options=b""):
        self.add(6, self.pack("5I", interface, units >> 32, units & 0xFFFFFFFF, len(p), len(p))
                 + padded(p) + options)

    def old_packet(self, interface, units, p):
        self.add(2, self.pack("HHIIII", interface, 0, units >> 32, units & 0xFFFFFFFF, len(p),
                              len(p)) + p)

    def simple_packet(self, p):
        self.add(3, self.pack("I", len(p)) + p)


FRAMES = [ethernet(p) for p in PACKETS]


def ng_plain(order):
    ng = Ng(order)
    ng.interface(1, 262144, ng.option(2, b"eth0"))
    for t, p in zip(TIMES, FRAMES):
        ng.packet(0, t, p, ng.option(1, b"a comment") + ng.option(0, b""))
    return ng.out


def ng_interfaces():
    """Several snap lengths, link types and units, one with an offset; blocks that nobody knows."""
    ng = Ng()
    ng.interface(1, 65535, ng.option(9, b"\x09"))
    ng.interface(101, 1500, ng.option(2, b"tun0"), ng.option(9, b"\x06"))
    ng.add(0x7777, b"whoever" * 9)
    ng.interface(113, 0, ng.option(9, b"\x94"),  # 2^-20
                 ng.option(14, ng.pack("q", TIMES[0] // 10**6)))
    ng.add(4, ng.pack("HH", 0, 0))
    for i, (t, p) in enumerate(zip(TIMES, PACKETS)):
        if i % 3 == 0:
            ng.packet(0, t * 1000, ethernet(p))
        elif i % 3 == 1:
            ng.old_packet(1, t, p)
        else:
            late = t - TIMES[0] // 10**6 * 10**6
            ng.packet(2, -(-late * 2**20 // 10**6), LINKS["113-sll"](p))
    ng.add(5, ng.pack("III", 0, 0, 0))
    return ng.out


def ng_sections():
    out = b""
    for i, (t, p) in enumerate(zip(TIMES, PACKETS)):
        ng = Ng("<>"[i % 2])
        ng.interface(147)
        ng.interface([1, 101][i % 2])
        ng.packet(1, t, [ethernet(p), p][i % 2])
        out += ng.out
    return out


def ng_simple(timed):
    ng = Ng()
    ng.interface(1)
    if timed:
        ng.packet(0, TIMES[0], FRAMES[0])
    for p in FRAMES[timed:]:
        ng.simple_packet(p)
    return ng.out


def ng_late(seconds):
    """A simple packet, then one with a time each second, over so many."""
    ng = Ng()
    ng.interface(1)
    ng.simple_packet(FRAMES[0])
    for i in range(seconds + 1):
        ng.packet(0, START // 10**6 * 10**6 + i * 10**6, FRAMES[i % len(FRAMES)])
    return ng.out


FORMS = {
    "big.pcap": pcap(1, FRAMES, ">"),
    "nano.pcap": pcap(1, FRAMES, magic=0xA1B23C4D, nano=True),
    "nano-big.pcap": pcap(1, FRAMES, ">", magic=0xA1B23C4D, nano=True),
    "modified.pcap": pcap(1, FRAMES, magic=0xA1B2CD34, extra=bytes(8)),
    "fcs-told.pcap": pcap(1 | 0x14000000 << 2, FRAMES),
    "little.pcapng": ng_plain("<"),
    "big.pcapng": ng_plain(">"),
    "interfaces.pcapng": ng_interfaces(),
    "sections.pcapng": ng_sections(),
    "simple.pcapng": ng_simple(1),
    "timeless-simple.pcapng": ng_simple(0),
}


def write(folder):
    def put(name, data):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)

    put("ethernet.pcap", pcap(1, FRAMES))
    for name, link in LINKS.items():
        order = ">" if "big" in name else "<"
        put(f"link-{name}.pcap", pcap(int(name.split("-")[0]), [link(p) for p in PACKETS], order))
    put("link-239-nflog-big.pcap", pcap(239, [nflog(p, ">") for p in PACKETS], ">"))
    for name, data in FORMS.items():
        put("form-" + name, data)


def key_of(p):
    at, proto, src, dst = (20, p[9], p[12:16], p[16:20]) if p[0] >> 4 == 4 else \
        (40, p[6], p[8:24], p[24:40])
    return str(ipaddress.ip_address(src)), str(ipaddress.ip_address(dst)), proto, \
        *struct.unpack("!HH", p[at:at + 4])


def check(name):
    """Packets, octets from the IP header on, first and last microsecond."""
    made, told = {}, {}
    times = [START] * len(PACKETS) if "simple" in name else TIMES
    for t, p in zip(times, PACKETS):
        flow = made.setdefault(key_of(p), [0, 0, t, t])
        made[key_of(p)] = [flow[0] + 1, flow[1] + len(p), min(flow[2], t), max(flow[3], t)]
    for line in sys.stdin:
        f = json.loads(line)
        assert f["vlan"] == 0
        told[f["src"], f["dst"], f["proto"], f["sport"], f["dport"]] = [
            f["packets"], f["bytes"], *(f[k] and f[k] // 1000 for k in ("first_ns", "last_ns"))]
    if "timeless" in name:
        made = {key: flow[:2] + [None, None] for key, flow in made.items()}
    for key in sorted(set(made) | set(told)):
        if made.get(key) != told.get(key):
            sys.exit(f"{key}: made {made.get(key)}, told {told.get(key)}")


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](sys.argv[2])
