#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What other programs read of weir's messages, against what weir says.

    peers.py flows CAPTURE <JSON        the flows of `weir replay --flows`, as below
    peers.py nfdump 10|9|5 OURS FOLDER
    peers.py nfacctd 10|9|5 OURS FILE
    peers.py tshark 10|9|5 OURS FILE    a capture of datagrams, or an IPFIX file
    peers.py ipfixdump OURS FILE...
    peers.py biflow OURS FILE...        IPFIX files whose records tell both directions
    peers.py softflowd OURS FOLDER CAPTURE...   nfcapd's folder of softflowd's records
    peers.py content FILE               tshark has no complaint
    peers.py types FILE...              ipfixDump reads weir's own elements
    peers.py options 10|9 FILE NAME ALIAS INDEX SEEN
                                        tshark reads the interface's name, and all else besides flows

A flow is a dict of numbers and texts, one in a line of the file OURS. Times are milliseconds, as
all the protocols have them. Prints the differences; exit status 1 if there are any.
"""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as xml
from calendar import timegm
from collections import Counter, defaultdict
from glob import glob
from ipaddress import ip_address
from time import strptime

ICMP, ICMP6, SCTP = 1, 58, 132
KEY = ("src", "dst", "proto", "sport", "dport", "vlan")
COUNTS = ("packets", "bytes", "flags", "tos", "first", "last")
SIDES = ("direction", "in", "out")
ALL = KEY + COUNTS + SIDES + ("end",)
ENDS = {"idle": 1, "active": 2, "end": 3, "forced": 4, "resources": 5}  # flowEndReason


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def milliseconds(text):
    """2015-11-23T08:58:59.219, with a space for the T and more digits or none."""
    second, _, fraction = text.replace("T", " ").partition(".")
    return timegm(strptime(second, "%Y-%m-%d %H:%M:%S")) * 1000 + int(fraction.ljust(3, "0")[:3])


# --- What weir says -----------------------------------------------------------------------------

def tos_of(capture):
    """(microsecond, source, destination) of each packet → TOS or traffic class, by tshark."""
    fields = "frame.time_epoch ip.src ip.dst ip.dsfield ipv6.src ipv6.dst ipv6.tclass".split()
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "occurrence=f"]
    for field in fields:
        command += ["-e", field]
    tos = {}
    for line in output(*command).splitlines():
        time, *rest = line.split("\t")
        second, _, fraction = time.partition(".")
        at = int(second) * 10**6 + int(fraction.ljust(6, "0")[:6])
        for src, dst, value in (rest[:3], rest[3:]):
            if src:
                tos.setdefault((at, ip_address(src), ip_address(dst)), int(value, 0))
    return tos


def say_flows(capture):
    tos = tos_of(capture)
    for line in sys.stdin:
        f = json.loads(line)
        src, dst = ip_address(f["src"]), ip_address(f["dst"])
        first, last = f["first_ns"] // 1000, f["last_ns"] // 1000
        out = int(f["direction"] == "out")
        print(json.dumps({
            "src": str(src), "dst": str(dst), "proto": f["proto"], "vlan": f["vlan"],
            # Ports that are not known are left out, and tools that have to show some show 0.
            "sport": f["sport"] or 0, "dport": f["dport"] or 0, "packets": f["packets"],
            "bytes": f["bytes"], "flags": f["tcp_flags"], "tos": tos[first, src, dst],
            "first": first // 1000, "last": last // 1000, "direction": out,
            # A replayed packet comes from interface 1.
            "in": 1 - out, "out": out, "end": ENDS[f["end_reason"]]}))


def read_ours(path, version=10):
    flows = [json.loads(line) for line in open(path)]
    if version == 5:
        flows = [f for f in flows if ":" not in f["src"]]
    return flows


# --- nfdump -------------------------------------------------------------------------------------

def of_nfdump(folder):
    flows = []
    for path in glob(folder + "/nfcapd.2*"):
        # It is one array, but not after -q; and without -q a summary follows.
        text = output("nfdump", "-r", path, "-q", "-o", "json").strip().strip("[]")
        for f in json.loads("[" + re.sub(r"\}\s*,?\s*\{", "},{", text).strip(",") + "]"):
            icmp = f.get("icmp_type", 0) * 256 + f.get("icmp_code", 0)
            mask = "".join("01"[c != "."] for c in f["tcp_flags"]) if "tcp_flags" in f else "0"
            flows.append({
                "src": str(ip_address(f.get("src4_addr") or f["src6_addr"])),
                "dst": str(ip_address(f.get("dst4_addr") or f["dst6_addr"])),
                "proto": f["proto"], "sport": f.get("src_port", 0),
                "dport": f.get("dst_port", icmp), "vlan": f.get("src_vlan", 0),
                "packets": f["in_packets"], "bytes": f["in_bytes"], "flags": int(mask, 2),
                "tos": f["src_tos"], "first": milliseconds(f["first"]),
                "last": milliseconds(f["last"]), "direction": f["direction"],
                "in": f["input_snmp"], "out": f["output_snmp"]})
    return flows


# --- pmacct -------------------------------------------------------------------------------------

def of_nfacctd(path, version):
    protocols = {}
    for line in open("/etc/protocols"):
        words = line.split("#")[0].split()
        if words:
            protocols[words[0]] = int(words[1])
    flows = []
    for line in open(path):
        f = json.loads(line)
        if f["export_proto_version"] != version:
            continue
        proto = f["ip_proto"]
        flows.append({
            "src": str(ip_address(f["ip_src"])), "dst": str(ip_address(f["ip_dst"])),
            "proto": int(proto) if proto.isdigit() else protocols[proto],
            "sport": f["port_src"], "dport": f["port_dst"], "vlan": f["vlan"],
            "packets": f["packets"], "bytes": f["bytes"], "flags": int(f["tcp_flags"]),
            "tos": f["tos"], "in": f["iface_in"], "out": f["iface_out"],
            "first": milliseconds(f["timestamp_start"]),
            "last": milliseconds(f["timestamp_end"]), "records": f["flows"]})
    return flows


# --- tshark -------------------------------------------------------------------------------------

CFLOW = {"cflow.srcaddr": "src", "cflow.srcaddrv6": "src", "cflow.dstaddr": "dst",
         "cflow.dstaddrv6": "dst", "cflow.protocol": "proto", "cflow.srcport": "sport",
         "cflow.dstport": "dport", "cflow.vlanid": "vlan", "cflow.packets": "packets",
         "cflow.octets": "bytes", "cflow.tcpflags": "flags", "cflow.tcpflags16": "flags",
         "cflow.tos": "tos", "cflow.direction": "direction", "cflow.inputint": "in",
         "cflow.outputint": "out", "cflow.flow_end_reason": "end", "cflow.timestart": "first",
         "cflow.timeend": "last", "cflow.abstimestart": "first", "cflow.abstimeend": "last"}
COMPLAINTS = re.compile("malformed|expert|not found|no template|unknown|expected", re.I)
# What a capture's packets were is nobody's fault.
HARMLESS = ("cflow.protocol", "cflow.icmp")


def pdml(path, version):
    """Each message, and its complaints."""
    command = ["tshark", "-n", "-r", path, "-T", "pdml"]
    if version:
        command += ["-Y", f"cflow.version == {version}"]
        for port in 9995, 9996, 9997:
            command += ["-d", f"udp.port=={port},cflow"]
    root = xml.fromstring(output(*command))
    for packet in root.iter("packet"):
        said = [e.get("showname") or e.get("show") for e in packet.iter()
                if COMPLAINTS.search(" ".join(e.get(a) or "" for a in ("name", "showname")))
                and not (e.get("name") or "").startswith(HARMLESS)]
        yield packet.find("proto[@name='cflow']"), said


def of_tshark(path, version):
    flows = []
    for message, said in pdml(path, version):
        boot = 0
        if version != 10:
            boot = milliseconds_of_boot(message)
        for record in message.iter("field"):
            if not re.match(r"(Flow|pdu) \d", record.get("show") or ""):
                continue
            raw = [(CFLOW[e.get("name")], e.get("value")) for e in record.iter("field")
                   if e.get("name") in CFLOW]
            if "packets" not in dict(raw):
                continue
            flow = {"vlan": 0, "sport": 0, "dport": 0}
            for name, value in raw:
                flow[name] = str(ip_address(bytes.fromhex(value))) if name in ("src", "dst") \
                    else int(value, 16)
                if name in ("first", "last") and len(value) == 8:
                    flow[name] += boot
            flows.append(flow)
        for text in said:
            flows.append({"complaint": text})
    return flows


def milliseconds_of_boot(message):
    number = {e.get("name"): int(e.get("value") or "0", 16) for e in message.iter("field")
              if e.get("name") in ("cflow.sysuptime", "cflow.unix_secs", "cflow.unix_nsecs")}
    return number["cflow.unix_secs"] * 1000 + number.get("cflow.unix_nsecs", 0) // 10**6 \
        - number["cflow.sysuptime"]


# --- ipfixDump ----------------------------------------------------------------------------------

DUMP = {"sourceIPv4Address": "src", "sourceIPv6Address": "src", "destinationIPv4Address": "dst",
        "destinationIPv6Address": "dst", "protocolIdentifier": "proto",
        "sourceTransportPort": "sport", "destinationTransportPort": "dport", "vlanId": "vlan",
        "packetDeltaCount": "packets", "octetDeltaCount": "bytes", "tcpControlBits": "flags",
        "ipClassOfService": "tos", "flowDirection": "direction", "ingressInterface": "in",
        "egressInterface": "out", "flowEndReason": "end", "flowStartMilliseconds": "first",
        "flowEndMilliseconds": "last", "biflowDirection": "initiator"}
for _name in list(DUMP):
    DUMP["reverse" + _name[0].upper() + _name[1:]] = "reverse_" + DUMP[_name]


def records_of_ipfixdump(paths):
    for path in paths:
        text = output("ipfixDump", "--rfc5610", "-d", "-i", path)
        for record in text.split("--- data record")[1:]:
            yield dict(re.findall(r"\) +(\w+) : (.*)", record))


def of_ipfixdump(paths):
    flows = []
    for record in records_of_ipfixdump(paths):
        if "packetDeltaCount" not in record:
            continue
        flow = {"sport": 0, "dport": 0}
        for name, value in record.items():
            name = DUMP.get(name)
            if name in ("src", "dst"):
                value = str(ip_address(re.sub(r"\b0+(?=\d)", "", value) if "." in value
                                       else value))
            elif name and name.endswith(("first", "last")):
                value = milliseconds(value)
            if name:
                flow[name] = value if name in ("src", "dst") else int(value)
        flows.append(flow)
    return flows


# --- Options ------------------------------------------------------------------------------------

STATISTICS = {"overflowPacketTotalCount": 1, "overflowOctetTotalCount": 2,
              "seenPacketTotalCount": 3, "seenOctetTotalCount": 4}
DISTINCT = {"queryName": 16, "queryWindowMilliseconds": 17, "distinctKey": 32, "distinctCount": 33,
            "distinctStandardError": 34, "distinctSaturated": 35,
            "distinctCoveredMilliseconds": 36}


def check_types(paths):
    """The statistics that end each file are right, by the names that the file gave them."""
    wrong = 0
    for path in paths:
        records = list(records_of_ipfixdump([path]))
        seen = [r for r in records if "seenPacketTotalCount" in r]
        flows = [r for r in records if "packetDeltaCount" in r]
        packets = sum(int(f["packetDeltaCount"]) for f in flows)
        octets = sum(int(f["octetDeltaCount"]) for f in flows)
        if len(seen) != 1 or not set(STATISTICS) <= set(seen[0]):
            print(path, "has no statistics:", seen)
            wrong += 1
        elif int(seen[0]["seenPacketTotalCount"]) != packets + int(
                seen[0]["ignoredPacketTotalCount"]) + int(seen[0]["overflowPacketTotalCount"]) or \
                int(seen[0]["seenOctetTotalCount"]) < octets:
            print(path, packets, "packets,", octets, "octets in flows:", seen[0])
            wrong += 1
    return wrong or not paths


def check_options(version, path, name, alias, index, seen):
    """The latest record of each kind."""
    told, types, complaints = {}, {}, []
    for message, said in pdml(path, version):
        complaints += said
        for record in message.iter("field"):
            if not re.match(r"Flow \d", record.get("show") or ""):
                continue
            fields = {e.get("name"): e.get("value") for e in record.iter("field")}
            entries = [int(e.get("value"), 16) for e in record.iter("field")
                       if "Enterprise Private entry" in (e.get("showname") or e.get("show") or "")]
            told.update(fields)
            if len(entries) == len(STATISTICS):
                told["own"] = entries
            if "cflow.if_name" in fields:
                told["index"] = fields.get("cflow.inputint") or fields["cflow.scope_interface"]
            if "cflow.information_element_name" in fields:
                type_name = bytes.fromhex(fields["cflow.information_element_name"])
                types[type_name.decode()] = int(fields["cflow.information_element_id"], 16)

    def number(field):
        return int(told.get(field, "-1"), 16)
    right = {
        "complaints": not complaints,
        "name": bytes.fromhex(told.get("cflow.if_name", "")).rstrip(b"\0") == name.encode(),
        "alias": bytes.fromhex(told.get("cflow.if_descr", "")).rstrip(b"\0") == alias.encode(),
        "sampling": number("cflow.sampling_interval") == 1 == number("cflow.sampling_algorithm"),
        "exported": number("cflow.flowsexp") > 0 == number("cflow.notsent_flows"),
        "ignored": number("cflow.ignore_packets") >= 0,
        "index": number("index") == index,
    }
    if version == 10:
        right["types"] = types == STATISTICS | DISTINCT
        right["seen"] = told.get("own", [0] * 3)[2] == seen
    print(right, complaints, types, told)
    return not all(right.values())


# --- Comparing ----------------------------------------------------------------------------------

def compare(theirs, ours, fields):
    """Multisets of flows; returns how many differ."""
    def counter(flows):
        return Counter(json.dumps([[n, f.get(n)] for n in (*fields, "complaint") if n in f])
                       for f in flows)
    a, b = counter(theirs), counter(ours)
    wrong = sorted([("only they", r) for r in (a - b).elements()] +
                   [("only weir", r) for r in (b - a).elements()], key=lambda pair: pair[1])
    for who, record in wrong[:40]:
        print(who, record)
    print(f"{len(theirs)} of theirs, {len(ours)} of ours, {len(wrong)} differ")
    return len(wrong) or not ours


def total(flows, fields, near):
    """Flows of one key (`fields`) summed; `near`: which keys share start and end."""
    sums, spans = defaultdict(Counter), {}
    for f in flows:
        key = tuple(f[n] for n in fields)
        s = sums[key]
        s["packets"] += f["packets"]
        s["bytes"] += f["bytes"]
        s["records"] += f.get("records", 1)
        s["flags"] |= f["flags"]
        first, last = spans.get(near(f), (f["first"], f["last"]))
        spans[near(f)] = min(first, f["first"]), max(last, f["last"])
    return sums, spans


def compare_totals(theirs, ours, fields, near, counts, slack_ms):
    (a, a_spans), (b, b_spans) = total(theirs, fields, near), total(ours, fields, near)
    wrong = 0
    for key in sorted(set(a) | set(b), key=str):
        if any(a[key][n] != b[key][n] for n in counts):
            wrong += 1
            print(key, "they", dict(a[key]), "weir", dict(b[key]))
    for key in sorted(set(a_spans) & set(b_spans), key=str):
        if any(abs(x - y) > slack_ms for x, y in zip(a_spans[key], b_spans[key])):
            wrong += 1
            print(key, "times: they", a_spans[key], "weir", b_spans[key])
    print(f"{len(a)} keys of theirs, {len(b)} of ours, {wrong} differences")
    return wrong or not ours


def other_way(f):
    """The key of the opposite direction. What is no port has no other end."""
    ports = (f["sport"], f["dport"]) if f["proto"] in (ICMP, ICMP6) else (f["dport"], f["sport"])
    return f["dst"], f["src"], f["proto"], *ports, f["vlan"], 1 - f["direction"]


def halves(f):
    """Of a biflow, as two flows."""
    src, dst, proto, sport, dport, vlan, direction = other_way(f)
    one = {n: f[n] for n in ALL}
    two = {"src": src, "dst": dst, "proto": proto, "sport": sport, "dport": dport, "vlan": vlan,
           "direction": direction, "in": f["out"], "out": f["in"]}
    two.update({n: f["reverse_" + n] for n in (*COUNTS, "end")})
    return one, two


def compare_biflows(theirs, ours):
    """Their halves are our flows; and what can be paired by hand without a doubt is paired."""
    def key(f):
        return tuple(f[n] for n in (*KEY, "direction"))
    flows, wrong, paired = [], 0, set()
    for f in theirs:
        if "reverse_packets" not in f:
            flows.append(f)
            continue
        flows += halves(f)
        paired |= {key(f), other_way(f)}
        if f["first"] > f["reverse_first"] or f["initiator"] not in (0, 1) or \
                (f["first"] < f["reverse_first"] and f["initiator"] != 1):
            wrong += 1
            print("who began?", f)
    times = Counter(key(f) for f in ours)
    for f in ours:
        if times[key(f)] == 1 == times[other_way(f)] and key(f) not in paired:
            wrong += 1
            print("not paired:", f)
    print(f"{len(paired) // 2} biflows")
    return compare(flows, ours, ALL) or wrong or not paired


# --- softflowd ----------------------------------------------------------------------------------

def padding_of(captures):
    """Bytes of Ethernet padding in the IPv4 packets of (source, destination, protocol, ports)."""
    fields = "ip.src ip.dst ip.proto tcp.srcport udp.srcport tcp.dstport udp.dstport ip.len " \
        "frame.len".split()
    padding = Counter()
    for capture in captures:
        command = ["tshark", "-n", "-r", capture, "-Y", "ip", "-T", "fields", "-E", "occurrence=f"]
        for field in fields:
            command += ["-e", field]
        for line in output(*command).splitlines():
            src, dst, proto, *ports, length, frame = line.split("\t")
            key = src, dst, int(proto), int(ports[0] or ports[1] or 0), \
                int(ports[2] or ports[3] or 0)
            # Length 0: segmented by the network card after it was captured.
            padding[key] += max(int(frame) - 14 - int(length), 0) if int(length) else 0
    return padding


def compare_softflowd(theirs, ours, captures):
    """softflowd looks at conversations: both directions have the start and the end of the whole.
    Its flow goes on after FIN and a new SYN, so that incarnations are summed on both sides. What
    pads short frames counts as bytes of IPv4 there."""
    padding = padding_of(captures)
    for f in ours:
        f["bytes"] += padding.pop(tuple(f[n] for n in KEY[:5]), 0)

    def conversation(f):
        ends = sorted(((f["src"], f["sport"]), (f["dst"], f["dport"])))
        if f["proto"] in (ICMP, ICMP6):
            ends = sorted((f["src"], f["dst"])), f["dport"]
        return f["proto"], str(ends)
    return compare_totals(theirs, ours, ("src", "dst", "proto", "sport", "dport"), conversation,
                          ("packets", "bytes", "flags"), 1)


# ------------------------------------------------------------------------------------------------

def main():
    verb, *words = sys.argv[1:]
    if verb == "flows":
        say_flows(words[0])
        return 0
    if verb == "content":
        said = [text for _, texts in pdml(words[0], 0) for text in texts]
        print(said)
        return bool(said)
    if verb == "types":
        return check_types(words)
    if verb == "options":
        return check_options(int(words[0]), words[1], words[2], words[3], int(words[4]),
                             int(words[5]))
    version = int(words.pop(0)) if words[0].isdigit() else 10
    ours, *paths = words
    ours = read_ours(ours, version)
    fields = [n for n in ALL if not (version == 5 and n in ("vlan", "direction", "end"))]
    if verb == "nfdump":
        return compare(of_nfdump(paths[0]), ours, [n for n in fields if n != "end"])
    if verb == "nfacctd":
        # Of times it keeps seconds, and sums what is then the same. In v5 it has ports of TCP, UDP
        # and ICMP only.
        for f in ours:
            if version == 5 and f["proto"] == SCTP:
                f["sport"] = f["dport"] = 0
        keys = KEY[:5] + ("tos", "in", "out") + (("vlan",) if version != 5 else ())
        return compare_totals(of_nfacctd(paths[0], version), ours, keys,
                              lambda f: tuple(f[n] for n in keys),
                              ("packets", "bytes", "flags", "records"), 999)
    if verb == "tshark":
        return compare(of_tshark(paths[0], version), ours, fields)
    if verb == "ipfixdump":
        return compare(of_ipfixdump(paths), ours, fields)
    if verb == "biflow":
        return compare_biflows(of_ipfixdump(paths), ours)
    if verb == "softflowd":
        return compare_softflowd(of_nfdump(paths[0]), ours, paths[1:])
    raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
