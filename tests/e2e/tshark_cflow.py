#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Flow records of export datagrams in captures as tshark tells them, against those on standard
input, as wirecat prints them: one by one, in order. Prints every difference; exit status 1 if there
are any.

usage: tshark_cflow.py [--strict] CAPTURE...

The captures are read one after the other as one, twice: data before their template, which weir
keeps, tshark knows in the second round only. --strict: tshark must find nothing to complain about
either.

Where a record tells a thing by several elements, weir has to tell one of them; which, is not known
here, for it is weir's rule: tests/unit/wire/test_ranks.c and the literal values in test_wire.sh hold it.
What a record does not tell, weir must not tell either.

What tshark tells differently:
- ICMP: type and code are the destination port, as in all of weir's JSON.
- An element told twice: the first is the outer header's, save in biflows, where the second is the
  reverse direction's.
- A first packet after the last: the earlier of the two is the first.
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

# Keys of weir's JSON, and tshark's fields that tell them, in no order.
NUMBERS = {
    "sport": {"srcport"}, "dport": {"dstport"}, "proto": {"protocol"},
    "vlan": {"vlanid", "dot1q_vlan_id"},
    "in_if": {"inputint"}, "out_if": {"outputint"}, "src_as": {"srcas"}, "dst_as": {"dstas"},
    "src_mask": {"srcmask", "srcmaskv6"}, "dst_mask": {"dstmask", "dstmaskv6"},
    "in_vrf": {"ingress_vrfid"}, "out_vrf": {"egress_vrfid"},
    "post_vlan": {"post_vlanid", "post_dot1q_vlan_id"},
    "nat_sport": {"post_naptsource_transport_port"},
    "nat_dport": {"post_naptdestination_transport_port"}, "nat_event_number": {"nat_event"},
    "event_number": {"firewall_event"}, "event_detail": {"fw_ext_event"},
}
TRAFFIC = {
    "packets": {"packets", "post_packets", "permanent_packets", "post_total_packets",
                "initiator_packets"},
    "bytes": {"octets", "post_octets", "permanent_octets", "post_total_octets", "initiator_octets",
              "layer2_octet_delta_count", "layer2_octet_total_count",
              "post_layer2_octet_delta_count", "post_layer2_octet_total_count"},
    "tcp_flags": {"tcpflags"}, "tos": {"tos"},
}
RESPONDER = {"packets": {"responder_packets"}, "bytes": {"responder_octets"}}
ADDRESSES = {
    "src": {"srcaddr", "srcaddrv6"}, "dst": {"dstaddr", "dstaddrv6"},
    "next_hop": {"nexthop", "nexthopv6"}, "bgp_next_hop": {"bgpnexthop", "bgpnexthopv6"},
    "nat_src": {"post_natsource_ipv4_address", "post_nat_source_ipv6_address"},
    "nat_dst": {"post_natdestination_ipv4_address", "post_nat_destination_ipv6_address"},
}
OBSERVED = {"observation_time_" + unit for unit in
            ("seconds", "milliseconds", "microseconds", "nanoseconds")}
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


def numbers(record, names, nth=0):
    """What weir may tell: None where nothing is told."""
    return {int(v, 0) for v in found(record, names, nth)} or {None}


def addresses(record, names):
    told = set(found(record, names))
    return told - UNSPECIFIED or told or {None}


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
    """Pairs of a start and an end that weir may tell."""
    tree = next(found(record, ["timedelta_tree"], nth), None)
    where, at = (record, nth) if tree is None else (tree, 0)
    began = boot(message, record)
    told = []
    for key in "start", "end":
        moments = {unix(t) for t in found(where, ["abstime" + key], at)}
        if began is not None:
            moments |= {began + seconds(t) for t in found(where, ["time" + key], at)}
        told.append(moments)
    # A duration is told by itself where tshark has not reckoned it from the two.
    if tree is None:
        for duration in map(seconds, found(record, ["timedelta"], nth)):
            starts, ends = told
            told = [starts | {t - duration for t in ends}, ends | {t + duration for t in starts}]
    if not nth:
        told = [moments | {unix(t) for t in found(record, OBSERVED)} for moments in told]
    return {(min(s, e), max(s, e)) if s is not None and e is not None else (s, e)
            for s in told[0] or {None} for e in told[1] or {None}}


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
    out = {key: numbers(record, names, nth) for key, names in TRAFFIC.items()}
    if nth:
        for key, names in RESPONDER.items():
            told = numbers(record, names) - {None}
            out[key] = out[key] - {None} | told or {None}
    out["tcp_flags"] = {v if v is None else v & 255 for v in out["tcp_flags"]}
    out["end_reason"] = {ENDS[v or 0] for v in numbers(record, ["flow_end_reason"], nth)}
    out["first_ns", "last_ns"] = times(message, record, nth)
    return out


def icmp(record):
    told = numbers(record, {"icmp_type"}) - {None}
    for family in "ipv4", "ipv6":
        if f"cflow.icmp_{family}_type" in record:
            told |= {t * 256 + c for t in numbers(record, [f"icmp_{family}_type"])
                     for c in numbers(record, [f"icmp_{family}_code"])}
    return told


def flow(message, record):
    """What weir may tell, by key; of a pair of keys pairs."""
    out = {key: numbers(record, names) for key, names in NUMBERS.items()}
    out |= {key: addresses(record, names) for key, names in ADDRESSES.items()}
    out |= traffic(message, record, 0)
    if out["proto"] & {1, 58} and icmp(record):
        out["dport"] = icmp(record) - {0} or out["dport"] - {None} or {0}
    out["direction"] = {(None if v is None else "out" if v else "in")
                        for v in numbers(record, ["direction"])}
    stack = labels(record)
    if stack is not None:
        out["labels"] = [stack]
    if any("cflow." + name in record
           for name in ("biflow_direction", "responder_octets", "responder_packets")):
        out["reverse"] = traffic(message, record, 1)
    return out


def records(node):
    """Flows of a message, which are flows of its sets in IPFIX and v9; options data are none."""
    for key, value in node.items():
        if re.match(r"(Flow \d+|pdu \d+/\d+)$", key):
            if any("cflow." + name in value
                   for name in TRAFFIC["packets"] | TRAFFIC["bytes"] | {"srcaddr", "srcaddrv6"}):
                yield value
        elif re.match(r"(Flow)?Set \d+ ", key) and isinstance(value, dict):
            yield from records(value)


def differs(theirs, weir):
    """Keys of which weir tells what the record does not."""
    wrong = []
    for key, allowed in theirs.items():
        if key == "reverse":
            wrong += differs(allowed, weir["reverse"]) if "reverse" in weir else [key]
        elif isinstance(key, tuple):
            if tuple(weir.get(k) for k in key) not in allowed:
                wrong.append(key)
        elif weir.get(key) not in allowed:
            wrong.append(key)
    return wrong


def match(theirs, weir):
    """Pairs of flows, in order; those that weir kept for their template come when that does."""
    left = list(weir)
    for a in theirs:
        at = next((i for i, b in enumerate(left) if not differs(a, b)), 0)
        yield a, left.pop(at)


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
        sys.exit(1)
    for a, b in match(theirs, weir) if len(captures) > 1 else zip(theirs, weir):
        keys = differs(a, b)
        if keys:
            wrong += 1
            print(f"{keys}: tshark {a}, weir {b}")
    print(f"{len(theirs)} flows")
    sys.exit(1 if wrong else 0)


main()
