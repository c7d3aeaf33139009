#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Flow records of export datagrams in captures as tshark tells them, against those on standard
input, as wirecat prints them: one by one, in order. Prints every difference; exit status 1 if there
are any.

usage: tshark_cflow.py [--strict] CAPTURE...

The captures are read one after the other as one, twice: data before their template, which weir
keeps, tshark knows in the second round only. --strict: tshark must find nothing to complain about
either.

What tshark tells differently, by rule:
- ICMP: type and code are the destination port, as in all of weir's JSON.
- An element told twice: the first is the outer header's, save in biflows, where the second is the
  reverse direction's.
- Addresses of both families in one record: the first that is not zero is meant.
- IPFIX times that count from a boot time which nobody told: weir does not tell them.
"""
import calendar
import json
import os
import re
import subprocess
import sys
import tempfile
import time

# Keys of weir's JSON, and tshark's fields that tell them, best first.
NUMBERS = {
    "sport": ["srcport"], "dport": ["dstport"], "proto": ["protocol"], "packets": ["packets"],
    "bytes": ["octets"], "tcp_flags": ["tcpflags"], "vlan": ["vlanid", "dot1q_vlan_id"],
    "tos": ["tos"], "in_if": ["inputint"], "out_if": ["outputint"], "src_as": ["srcas"],
    "dst_as": ["dstas"], "src_mask": ["srcmask", "srcmaskv6"], "dst_mask": ["dstmask", "dstmaskv6"],
    "in_vrf": ["ingress_vrfid"], "out_vrf": ["egress_vrfid"], "post_vlan": ["post_vlanid"],
    "nat_sport": ["post_naptsource_transport_port"],
    "nat_dport": ["post_naptdestination_transport_port"], "nat_event": ["nat_event"],
}
ADDRESSES = {
    "src": ["srcaddr", "srcaddrv6"], "dst": ["dstaddr", "dstaddrv6"],
    "next_hop": ["nexthop", "nexthopv6"], "bgp_next_hop": ["bgpnexthop", "bgpnexthopv6"],
    "nat_src": ["post_natsource_ipv4_address"], "nat_dst": ["post_natdestination_ipv4_address"],
}
ALWAYS = {"sport", "dport", "proto", "packets", "bytes", "tcp_flags", "vlan"}
ENDS = [None, "idle", "active", "end", "forced", "resources"]
UNSPECIFIED = {"0.0.0.0", "::"}


def messages(captures):
    """The cflow layers of all captures, read after they were all read once."""
    ports = set()
    for capture in captures:
        text = subprocess.run(["tshark", "-n", "-r", capture, "-T", "fields", "-e", "udp.dstport"],
                              check=True, capture_output=True, text=True).stdout
        ports |= set(text.split())
    with tempfile.TemporaryDirectory() as folder:
        both = os.path.join(folder, "both.pcap")
        subprocess.run(["mergecap", "-a", "-w", both, *captures, *captures], check=True)
        command = ["tshark", "-n", "-r", both, "--no-duplicate-keys", "-T", "json"]
        for port in ports:
            command += ["-d", f"udp.port=={port},cflow"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    packets = json.loads(text)
    for packet in packets[len(packets) // 2:]:
        yield packet["_source"]["layers"]["cflow"]


def found(record, names, nth=0):
    """Values of these fields that are there, the nth of each where there are several."""
    for name in names:
        value = record.get("cflow." + name)
        values = value if isinstance(value, list) else [] if value is None else [value]
        if nth < len(values):
            yield values[nth]


def number(record, names, nth=0):
    values = [int(v, 0) for v in found(record, names, nth)]
    return next((v for v in values if v), values[0] if values else None)


def address(record, names):
    told = [key.removeprefix("cflow.") for key in record]
    values = list(found(record, sorted(set(names) & set(told), key=told.index)))
    return next((v for v in values if v not in UNSPECIFIED), values[0] if values else None)


def unix(text):
    """Nanoseconds of "Feb 28, 2023 09:45:59.040000000 UTC"."""
    whole, fraction = re.fullmatch(r"(.*)\.(\d{9}) UTC", text).groups()
    return calendar.timegm(time.strptime(whole, "%b %d, %Y %H:%M:%S")) * 10**9 + int(fraction)


def seconds(text):
    whole, fraction = text.split(".")
    return int(whole) * 10**9 + int(fraction)


def boot(message, record):
    if "cflow.sys_init_time" in record:
        return unix(record["cflow.sys_init_time"])
    if "cflow.sysuptime" not in message:
        return None
    return unix(message["cflow.timestamp"]) - seconds(message["cflow.sysuptime"])


def times(message, record, nth=0):
    for moment in found(record, ["observation_time_milliseconds"]):
        return unix(moment), unix(moment)
    tree = next(found(record, ["timedelta_tree"], nth), {})
    if "cflow.abstimestart" in tree:
        return unix(tree["cflow.abstimestart"]), unix(tree["cflow.abstimeend"])
    began = boot(message, record)
    if "cflow.timestart" not in tree or began is None:
        return None, None
    return began + seconds(tree["cflow.timestart"]), began + seconds(tree["cflow.timeend"])


def labels(record):
    told = []
    for key, value in record.items():
        match = re.match(r"MPLS-Label(\d+)", key)
        if match:
            told.append((int(match[1]), int(value["cflow.mpls_label"]) << 4
                         | int(value["cflow.mpls_exp"]) << 1 | int(value["cflow.mpls_bos"])))
    stack = [label for _, label in sorted(told)]
    while stack and not stack[-1]:
        stack.pop()
    return stack if told else None


def traffic(message, record, nth):
    first, last = times(message, record, nth)
    return {"packets": number(record, ["packets"], nth), "bytes": number(record, ["octets"], nth),
            "tcp_flags": number(record, ["tcpflags"], nth), "tos": number(record, ["tos"], nth),
            "end_reason": ENDS[number(record, ["flow_end_reason"], nth) or 0],
            "first_ns": first, "last_ns": last}


def flow(message, record):
    out = {}
    for key, names in NUMBERS.items():
        value = number(record, names)
        if value is not None or key in ALWAYS:
            out[key] = value or 0
    for key, names in ADDRESSES.items():
        value = address(record, names)
        if value is not None:
            out[key] = value
    icmp = number(record, ["icmp_type"])
    if icmp is None and "cflow.icmp_ipv6_type" in record:
        icmp = number(record, ["icmp_ipv6_type"]) * 256 + number(record, ["icmp_ipv6_code"])
    is_icmp = out["proto"] in (1, 58)
    for key in "sport", "dport":
        if number(record, NUMBERS[key]) is None and icmp is None and \
                not (is_icmp and number(record, NUMBERS["dport"]) is not None):
            out[key] = None
    if is_icmp and icmp:
        out["dport"] = icmp
    out["tcp_flags"] &= 255
    out["direction"] = "out" if number(record, ["direction"]) else "in"
    out["end_reason"] = ENDS[number(record, ["flow_end_reason"]) or 0]
    out["first_ns"], out["last_ns"] = times(message, record)
    stack = labels(record)
    if stack is not None:
        out["labels"] = stack
    if "cflow.biflow_direction" in record:
        out["reverse"] = traffic(message, record, 1)
    return out


def records(node):
    """Flows of a message, which are flows of its sets in IPFIX and v9; options data are none."""
    for key, value in node.items():
        if re.match(r"(Flow \d+|pdu \d+/\d+)$", key):
            if any(name in value for name in ("cflow.packets", "cflow.srcaddr", "cflow.srcaddrv6")):
                yield value
        elif re.match(r"(Flow)?Set \d+ ", key) and isinstance(value, dict):
            yield from records(value)


def differs(theirs, weir):
    """Keys of which both tell another thing."""
    wrong = []
    for key, value in theirs.items():
        other = weir.get(key)
        if key == "reverse" and other is not None:
            wrong += differs(value, other)
        elif value != other:
            wrong.append(key)
    return wrong


def complaint(node):
    """Malformed or worth a warning; but the sequence, which begins anew in the second round."""
    if isinstance(node, list):
        return any(complaint(value) for value in node)
    if not isinstance(node, dict):
        return False
    return any(key.startswith("_ws.") or complaint(value) for key, value in node.items()
               if key != "cflow.sequence_tree")


def main():
    strict = "--strict" in sys.argv
    captures = [a for a in sys.argv[1:] if a != "--strict"]
    theirs, wrong = [], 0
    for message in messages(captures):
        theirs += [flow(message, record) for record in records(message)]
        if strict and complaint(message):
            print("tshark complains of", json.dumps(message)[:400])
            wrong += 1
    weir = [json.loads(line) for line in sys.stdin if '"src"' in line]
    if len(theirs) != len(weir):
        print(f"tshark: {len(theirs)} flows, weir: {len(weir)}")
        wrong += 1
    if len(captures) > 1 or len(theirs) != len(weir):
        # What weir kept comes when its template does.
        for flows in theirs, weir:
            flows.sort(key=lambda f: [f[k] or 0 for k in ("src", "dst", "sport", "bytes",
                                                          "last_ns")])
    for a, b in zip(theirs, weir):
        keys = differs(a, b)
        if keys:
            wrong += 1
            print(f"{keys}: tshark {a}, weir {b}")
    print(f"{len(theirs)} flows")
    sys.exit(1 if wrong else 0)


main()
