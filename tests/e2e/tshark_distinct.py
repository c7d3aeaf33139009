#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Distinct counts of weir against exact ones, most of them from what tshark says of each packet.

    tshark_distinct.py replay CAPTURE CELLS <JSON   of `weir replay -j`, from vectors of so many cells
    tshark_distinct.py live CAPTURE QUERY... <JSON  of `weir show distinct -j`, while all that the
                                            capture has, and nothing else, is in the queries' windows
    tshark_distinct.py make FILE            a capture of known numbers, which are printed
    tshark_distinct.py made NUMBERS CELLS <JSON     of `weir replay -j` of that
    tshark_distinct.py told FILE            tshark's reading of export messages, a capture or an IPFIX
                                            file: the last record of each query and key, as JSON
    tshark_distinct.py own FILE             so too: each record that has other elements of weir's
    tshark_distinct.py about LOW HIGH <JSON of one answer, which is in between
    tshark_distinct.py same FILE FILE       answers, such as `told` and `show distinct -j` print, agree

Prints what it compares; exit status 1 if anything differs.
"""

import json
import math
import re
import struct
import sys
from ipaddress import ip_address

import peers
from tshark_flows import PORTS, keys

SECOND = 10**9
STEPS = 14
SYN, ACK = 2, 16

# What weir names so, of (source, destination, protocol, ports, VLAN); None: it has none.
PARTS = {
    "flow": lambda k: k[:5],
    "src": lambda k: k[0],
    "dst": lambda k: k[1],
    "pair": lambda k: k[:2],
    "dport": lambda k: k[4] if k[2] in PORTS and (k[3] or k[4]) else None,
}
HOST = "10.9.0.2"  # where weir runs live: what is sent to it comes in
# The queries of test_distinct.sh, by name.
SELECTS = {
    "all": lambda k, flags: True,
    "scanners": lambda k, flags: flags & (SYN | ACK) == SYN and k[1] == HOST,
    "scan": lambda k, flags: flags & (SYN | ACK) == SYN and 2001 <= k[4] <= 2500,
    "dns": lambda k, flags: k[1] == HOST and k[2] == 17 and k[4] == 53,
    "web": lambda k, flags: k[1] == HOST and k[2] == 6 and k[4] == 80,
    "kept": lambda k, flags: k[2] == 17 and k[4] == 7777,
    "syns": lambda k, flags: flags & (SYN | ACK) == SYN,
}


# --- How far off an answer may be ---------------------------------------------------------------

def missed(count, cells):
    """So many keys, and hardly ever more, that share a cell with another: of few keys their number
    is far from normal, so that standard errors alone tell little (Poisson, 10^-5)."""
    mean = count * count / 2 / cells
    if mean > 100:
        return 0
    share, below, n = math.exp(-mean), 0.0, 0
    while below + share < 1 - 1e-5:
        below += share
        n += 1
        share *= mean / n
    return n


def is_near(answer, low, high, cells):
    """Counts are told as whole numbers, hence the half."""
    if answer["saturated"]:
        return False
    slack = max(5 * answer["error"], missed(high, cells)) + 0.5
    return low - slack <= answer["count"] <= high + slack


def compare(name, answer, low, high, cells):
    right = is_near(answer, low, high, cells)
    exact = low if low == high else f"{low} to {high}"
    error = "saturated" if answer["saturated"] else f"± {answer['error']:.2f}"
    print(f"{'' if right else 'WRONG: '}{name}: {answer['count']} {error} of {exact}")
    return right


# --- Exact counts -------------------------------------------------------------------------------

class Seen:
    """When each key came last."""

    def __init__(self, capture):
        self.last = {(query, key): {} for query in SELECTS for key in PARTS}
        self.first = self.end = None
        for now, k, _, flags in keys(capture):
            self.first = now if self.first is None else self.first
            self.end = max(self.end or 0, now)
            if k:
                self.add(now, k, flags)

    def add(self, now, k, flags):
        for query, selects in SELECTS.items():
            if not selects(k, flags):
                continue
            for key, part in PARTS.items():
                value, last = part(k), self.last[query, key]
                if value is not None:
                    last[value] = max(last.get(value, 0), now)

    def count(self, query, key, seconds):
        since = self.end - seconds * SECOND
        return sum(last >= since for last in self.last[query, key].values())


def answers_of_replay():
    told = json.load(sys.stdin)
    for query in told["queries"]:
        for key, answer in query["distinct"].items():
            yield query["query"], key, answer


def check_replay(capture, cells):
    seen, right, answers = Seen(capture), True, 0
    for query, key, answer in answers_of_replay():
        window = answer["window_s"]
        # The age of a cell is known to a step.
        low, high = (seen.count(query, key, window + by * window / STEPS) for by in (-1, 1))
        right &= compare(f"{query} {key}", answer, low, high, cells)
        answers += 1
    return right and answers


def check_live(capture, queries):
    seen, right = Seen(capture), True
    wanted = set(queries)
    for line in sys.stdin:
        answer = json.loads(line)
        query, key = answer["query"], answer["key"]
        if query not in queries:
            continue
        wanted.discard(query)
        count = len(seen.last[query, key])
        right &= compare(f"{query} {key}", answer, count, count, answer["cells"]) and count > 0
    print(f"{(seen.end - seen.first) / SECOND:.1f} s of packets; no answer: {wanted}")
    return right and not wanted


# --- A capture of known numbers -----------------------------------------------------------------

FLOWS, FLOW_SECONDS, SOURCES = 50000, 180, 3000


def frame(src, dst, sport, dport):
    udp = struct.pack("!HHHH", sport, dport, 8, 0)
    if isinstance(src, int):
        ip = struct.pack("!BBHHHBBHII", 0x45, 0, 28, 0, 0, 64, 17, 0, src, dst)
        return b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + udp
    ip = struct.pack("!IHBB", 6 << 28, 8, 17, 64) + src + dst
    return b"\2\0\0\0\0\2\2\0\0\0\0\1\x86\xdd" + ip + udp


def make(path):
    """Flows that come evenly, each of one packet, every other one of IPv6; addresses and ports in a
    row. Each source has its flows one after the other, so that as many are in a window as began in
    it; so have the destinations, ten times fewer."""
    begin, each = 1700000000 * SECOND, FLOW_SECONDS * SECOND // FLOWS
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for i in range(FLOWS):
            now = begin + (i + 1) * each
            source = i * SOURCES // FLOWS
            src, dst = 0x0a000000 + source, 0x0a800000 + source // 10
            if source % 2:
                src, dst = ip_address("2001:db8::").packed[:12] + struct.pack("!I", src), \
                    ip_address("2001:db8::").packed[:12] + struct.pack("!I", dst)
            data = frame(src, dst, 1024 + i % 50000, 1 + i % 5000)
            out.write(struct.pack("<IIII", now // SECOND, now % SECOND, len(data), len(data)) + data)
    numbers = {}
    for window in 60, 20, 7:
        flows = FLOWS * window / FLOW_SECONDS
        sources = SOURCES * window / FLOW_SECONDS
        numbers[window] = {"flow": flows, "src": sources, "dst": sources / 5, "pair": sources,
                           "dport": min(flows, 5000)}
    print(json.dumps(numbers))


def check_made(path, cells):
    with open(path, encoding="ascii") as file:
        numbers = json.load(file)
    right, answers = True, 0
    for query, key, answer in answers_of_replay():
        exact = numbers[str(answer["window_s"])][key]
        # The one at the edge is in or out.
        right &= compare(f"{query} {key}", answer, math.floor(exact), math.ceil(exact) + 1, cells)
        answers += 1
    return right and answers == 15


# --- Exported -----------------------------------------------------------------------------------

def decode(data_type, data):
    """By RFC 5610's informationElementDataType."""
    if data_type == 13:
        return data.decode()
    if data_type == 11:
        return {1: True, 2: False}[data[0]]
    if data_type in (9, 10):
        return struct.unpack("!f" if len(data) == 4 else "!d", data)[0]
    if data_type in (1, 2, 3, 4, 14, 15):
        return int.from_bytes(data, "big")
    if data_type in (5, 6, 7, 8):
        return int.from_bytes(data, "big", signed=True)
    if data_type == 0:
        return data.hex()
    raise ValueError(f"type {data_type}")


def as_answer(record):
    return {"query": record["queryName"], "key": record["distinctKey"],
            "window_s": record["queryWindowMilliseconds"] / 1000,
            "covered_s": record["distinctCoveredMilliseconds"] / 1000,
            "count": record["distinctCount"],
            "error": None if record["distinctSaturated"] else record["distinctStandardError"],
            "saturated": record["distinctSaturated"]}


def records_of_tshark(path):
    """What weir's own elements are it says itself: tshark has names and types of each as it has
    any other value."""
    types, raw = {}, []
    for message, said in peers.pdml(path, 10):
        if not raw and any("no template found" in text for text in said):
            continue  # who began to listen late
        if said:
            raise SystemExit(f"tshark complains: {said}")
        for record in message.iter("field"):
            if not re.match(r"Flow \d", record.get("show") or ""):
                continue
            fields = {e.get("name"): e.get("value") for e in record.iter("field")}
            if "cflow.information_element_name" in fields:
                name = bytes.fromhex(fields["cflow.information_element_name"]).decode()
                types[int(fields["cflow.information_element_id"], 16)] = \
                    name, int(fields["cflow.information_element_data_type"], 16)
                continue
            own = {}
            for e in record.iter("field"):
                match = re.search(r"Type (\d+): Value", e.get("showname") or e.get("show") or "")
                if match:
                    own[int(match[1])] = bytes.fromhex(e.get("value"))
            raw.append(own)
    for own in raw:
        yield {types[n][0]: decode(types[n][1], data) for n, data in own.items()}


def say_latest(records):
    latest = {}
    for record in records:
        if "distinctCount" in record:
            answer = as_answer(record)
            latest[answer["query"], answer["key"]] = answer
    for answer in latest.values():
        print(json.dumps(answer))
    return bool(latest)


def say_others(records):
    others = [record for record in records if record and "distinctCount" not in record]
    for record in others:
        print(json.dumps(record, sort_keys=True, ensure_ascii=False))
    return bool(others)


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        answers = [json.loads(line) for line in file]
    if len(answers) == 1 and "queries" in answers[0]:
        answers = [{"query": q["query"], "key": key, **a}
                   for q in answers[0]["queries"] for key, a in q["distinct"].items()]
    return {(a["query"], a["key"]): a for a in answers}


def check_same(paths):
    """Of vectors of the same keys, maybe read at two moments: no more than rounding and what the
    edge of the window does to their error."""
    a, b = (lines_of(path) for path in paths)
    right = set(a) == set(b) and bool(a)
    for name in sorted(set(a) & set(b)):
        x, y = a[name], b[name]
        alike = abs(x["count"] - y["count"]) <= 1 and x["window_s"] == y["window_s"] and \
            x["saturated"] == y["saturated"] and \
            (x["saturated"] or abs(x["error"] - y["error"]) < 0.05) and \
            abs(x["covered_s"] - y["covered_s"]) < 3
        right &= alike
        print("" if alike else "WRONG:", x, y)
    print("only in one:", set(a) ^ set(b))
    return right


def main():
    verb, *words = sys.argv[1:]
    if verb == "replay":
        return check_replay(words[0], int(words[1]))
    if verb == "live":
        return check_live(words[0], words[1:])
    if verb == "make":
        make(words[0])
        return True
    if verb == "made":
        return check_made(words[0], int(words[1]))
    if verb == "told":
        return say_latest(records_of_tshark(words[0]))
    if verb == "own":
        return say_others(records_of_tshark(words[0]))
    if verb == "about":
        answer = json.load(sys.stdin)
        return compare(answer["query"], answer, int(words[0]), int(words[1]), answer["cells"])
    if verb == "same":
        return check_same(words)
    raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
