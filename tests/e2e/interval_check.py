#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a coordinator answered, against what its hosts counted.

    interval_check.py WHAT FOLDER

In FOLDER:

    plan.json     {answer: {query, hosts, precision, relative}}, precision per second or a share
    below.json    if there is one: {host: [hosts below it]}, of hosts that are coordinators, too;
                  what is wider than it may be is to be said to be so then, and hosts may come that
                  are in no plan
    told/HOST-*   `weir run -j` of the host of that number, a file for each start
    answers-*     `weir coordinate -j`, a file for each start, in the order of their names
    log/          its log, a file a day
    marks         lines of EVENT UNIX_TIME: "quiet" and "end" around times in which nothing was
                  disturbed, "kill" where an agent was killed, "cut"
                  where another was cut off, "ANSWER=PRECISION" where that
                  was changed; before "begun" it is not known who is there

WHAT:

    truth    each answer holds the sum of what its hosts counted, as of its second
    width    no answer is wider than it may be
    missing  who falls silent is named in time, and nobody is missing who has ticked
    once     an answer as of one second is one answer (a coordinator that was killed forgets)
    quiet    while nothing is disturbed nobody is missing, and nearly every second has its answer
    precise  and most of these answers are as narrow as they should be
    log      each interval in the log holds what was counted, too

Prints what is wrong; exit status 1 if anything is.
"""

import json
import math
import re
import sys
from calendar import timegm
from collections import defaultdict
from fractions import Fraction
from glob import glob
from itertools import chain
from os.path import basename, exists
from time import strptime
from typing import NamedTuple

NS = 10**9
NAMED_S = 3.0  # from a host's last tick to the answer that names it
NAMED_ABOVE_S = 6.0  # and to that of a coordinator above
PRINTED_S = 1.0  # and until the next line of a coordinator's output
DIGIT = 1e-6  # to which answers are rounded, outward
SHARE_OF_SECONDS = 0.9  # a line has the last answers: what comes late can come together
SHARE_PRECISE = 0.7
SETTLES_S = 5.0  # until widths are what a new precision makes them
ENOUGH_S = 25  # each answer, for a check to have checked something


class Answer(NamedTuple):
    run: str
    printed: float
    name: str
    aggregate: str
    window_s: int
    as_of: int
    low: float
    high: float
    present: int
    missing: dict  # host → its last tick, None: it never came
    complete: bool
    precise: bool


# --- What was said ------------------------------------------------------------------------------

def lines_of(path):
    """Objects of a file whose writer may have been killed in its last line."""
    with open(path) as file:
        lines = file.readlines()
    for number, line in enumerate(lines, 1):
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            if number < len(lines) or line.endswith("\n"):
                raise SystemExit(f"{path}:{number}: no JSON")


def answers_of(folder):
    for path in sorted(glob(f"{folder}/answers-*")):
        for line in lines_of(path):
            for a in line.get("answers", []):
                yield Answer(
                    run=basename(path),
                    printed=line["time_ns"] / NS,
                    name=a["answer"],
                    aggregate=a["aggregate"],
                    window_s=a["window_s"],
                    as_of=a["as_of_ns"] // NS,
                    low=a["low"],
                    high=a["high"],
                    present=a["present"],
                    missing={m["host"]: m["since_ns"] and m["since_ns"] // NS for m in a["missing"]},
                    complete=a["complete"],
                    precise=a["precise"],
                )


def told_of(folder):
    """{(host, query): {tick: counts in the window}}"""
    told = defaultdict(dict)
    for path in glob(f"{folder}/told/*"):
        host = int(basename(path).split("-")[0])
        for line in lines_of(path):
            for query in line.get("queries", []):
                reported = query["reported"]
                if not reported:
                    continue
                ticks = told[host, query["query"]]
                tick, value = reported["as_of_ns"] // 10**9, reported["value"]
                if ticks.setdefault(tick, value) != value:
                    raise SystemExit(f"{path}: host {host} told tick {tick} twice")
    return told


def marks_of(folder):
    with open(f"{folder}/marks") as file:
        return [(event, float(at)) for event, at in map(str.split, file)]


class Case:
    def __init__(self, folder):
        self.folder = folder
        with open(f"{folder}/plan.json") as file:
            self.plan = json.load(file)
        self.below = {}
        if exists(f"{folder}/below.json"):
            with open(f"{folder}/below.json") as file:
                self.below = {int(host): below for host, below in json.load(file).items()}
        self.told = told_of(folder)
        self.answers = list(answers_of(folder))
        self.marks = marks_of(folder)
        self.begun = min((at for event, at in self.marks if event == "begun"), default=0)
        self.enough = ENOUGH_S * len(self.plan)
        self.wrong = 0
        self.checked = 0
        self.unlogged = set()  # (host, tick): told, and killed before it was logged

    def complain(self, text):
        self.wrong += 1
        if self.wrong <= 20:
            print(text)

    def hosts(self, a):
        """Who is in an answer and not missing."""
        listed = set(self.plan[a.name]["hosts"])
        if a.present + len(a.missing) > len(listed):
            listed |= set(self.plan[a.name].get("guests", []))
        return listed - set(a.missing)

    def leaves(self, hosts):
        return chain.from_iterable(self.below.get(host, [host]) for host in hosts)

    def counts(self, answer_name, hosts, tick):
        """The sum over hosts; None: one of them has not logged it."""
        query = self.plan[answer_name]["query"]
        sum_ = 0
        for host in self.leaves(hosts):
            counts = self.told[host, query].get(tick)
            if counts is None:
                self.unlogged.add((host, tick))
                return None
            sum_ += counts
        return sum_

    def precision(self, name, at):
        """That may hold at a time: a new one, or, until widths have settled, the one before."""
        precision, allowed = self.plan[name]["precision"], 0
        for event, since in self.marks:
            answer, equals, value = event.partition("=")
            if not equals or answer != name or since > at + PRINTED_S:
                continue
            if at - since < SETTLES_S:
                allowed = max(allowed, precision)
            precision = float(value)
        return max(allowed, precision)

    def end(self, checked_least):
        kills = sum(event == "kill" for event, _ in self.marks)
        if len(self.unlogged) > kills:
            self.complain(f"of {len(self.unlogged)} ticks in answers no host has a log, of one "
                          f"for each of {kills} kills it may be: {sorted(self.unlogged)[:5]}")
        if self.checked < checked_least:
            self.complain(f"only {self.checked} were there to check")
        print(f"{self.checked} checked, {self.wrong} wrong")
        return self.wrong > 0


# --- Checks -------------------------------------------------------------------------------------

def check_truth(case):
    sums = set()
    for a in case.answers:
        if a.as_of < case.begun and case.below:
            continue
        hosts = case.hosts(a)
        if a.complete == bool(a.missing) or a.present != len(hosts):
            case.complain(f"{a}: complete, present and missing do not agree")
        if not hosts:
            continue
        counts = case.counts(a.name, hosts, a.as_of)
        if counts is None:
            continue
        value = Fraction(counts, a.window_s * (a.present if a.aggregate == "avg" else 1))
        case.checked += 1
        sums.add((a.name, value))
        # Ends are rounded outward, so that the decimals printed are compared as they are.
        if not Fraction(str(a.low)) <= value <= Fraction(str(a.high)):
            case.complain(f"{float(value)} of {sorted(hosts)} is not in {a}")
    if len(sums) < case.enough / 4:
        case.complain(f"only {len(sums)} different values: nothing has moved")
    return case.end(case.enough)


def check_width(case):
    for a in case.answers:
        plan = case.plan[a.name]
        if a.low is None:
            continue
        case.checked += 1
        if plan["relative"]:
            # To how much that comes is known when the answer is: until then it is not precise.
            # Between two counts there is nothing, so that one count is always allowed.
            allowed = max(case.precision(a.name, a.as_of) * a.low, 1 / a.window_s)
            if a.precise and a.high - a.low > allowed + 2 * DIGIT:
                case.complain(f"wider than {plan['precision']} of it: {a}")
            continue
        # Who is there has his share of the width only, and that was given to the sum.
        allowed = case.precision(a.name, a.as_of)
        if a.aggregate == "avg":
            allowed *= len(plan["hosts"]) / a.present
        if a.high - a.low > allowed + 2 * DIGIT and (a.precise or not case.below):
            case.complain(f"wider than {allowed}: {a}")
        if a.complete and not a.precise and not case.below:
            case.complain(f"complete, and said to be not precise: {a}")
    return case.end(case.enough)


def check_missing(case):
    named = {}  # (run, host, last tick) → when it was printed first
    in_time_s = PRINTED_S + (NAMED_ABOVE_S if case.below else NAMED_S)
    last_told = {host: max(ticks) for (host, _), ticks in case.told.items()}
    for a in case.answers:
        query = case.plan[a.name]["query"]
        for host, since in a.missing.items():
            if not any(leaf in last_told for leaf in case.leaves([host])):
                case.complain(f"host {host} has told nothing at all")
            if since:
                key = a.run, host, since
                named[key] = min(named.get(key, math.inf), a.printed)
                case.counts(a.name, [host], since)
        # What is printed as true is of these seconds.
        if a.printed - a.as_of > in_time_s and not a.missing:
            case.complain(f"{a.printed - a.as_of:.1f} s old, and complete: {a}")
    for (run, host, since), printed in named.items():
        case.checked += 1
        if printed - since > in_time_s:
            case.complain(f"{run}: host {host} was silent after {since}, and named "
                          f"{printed - since:.2f} s later")
    return case.end(sum(event in ("kill", "cut") for event, _ in case.marks))


def check_once(case):
    first = {}
    for a in case.answers:
        case.checked += 1
        said = a.low, a.high, tuple(sorted(a.missing.items()))
        if first.setdefault((a.run, a.name, a.as_of), said) != said:
            case.complain(f"{a}: before it was {first[a.run, a.name, a.as_of]}")
    return case.end(case.enough)


def quiet_times(case):
    begun = None
    for event, at in case.marks:
        if event == "quiet":
            begun = at
        elif event == "end" and begun:
            yield begun, at
            begun = None


def check_quiet(case):
    for begin, end in quiet_times(case):
        during = [a for a in case.answers if begin <= a.as_of < math.floor(end)]
        case.checked += len(during)
        seconds = range(math.ceil(begin), math.floor(end))
        for name in case.plan:
            answered = {a.as_of for a in during if a.name == name}
            if len(answered) < SHARE_OF_SECONDS * len(seconds):
                case.complain(f"'{name}' is answered for {len(answered)} of {len(seconds)} s")
        for a in during:
            if not a.complete:
                case.complain(f"host {sorted(a.missing)} is missing while all is quiet: {a}")
    return case.end(case.enough / 4)


def check_precise(case):
    """Over all quiet times together: in one of some seconds a moving budget may be outrun."""
    for name in case.plan:
        precise, all_ = set(), set()
        for begin, end in quiet_times(case):
            during = [a for a in case.answers if a.name == name and begin <= a.as_of < end]
            precise |= {a.as_of for a in during if a.precise}
            all_ |= {a.as_of for a in during}
        case.checked += len(all_)
        if len(precise) < SHARE_PRECISE * len(all_):
            case.complain(f"'{name}' is precise as of {len(precise)} of {len(all_)} s")
    return case.end(case.enough / 4)


# --- The log ------------------------------------------------------------------------------------

RECORD = re.compile(r"(\S+)-(\d+|all) (\S+) (\S+) (\d+)$")


def start_of(path, line):
    key, _, text = line.partition(":")
    if key != "Start":
        raise SystemExit(f"{path}: begins with {line!r}")
    return timegm(strptime(text.strip(), "%b %d, %Y %H:%M:%S"))


def states_of(path):
    """(answer, tick, {host: (centre, width)}) as of each of its seconds in which it changed."""
    states = defaultdict(dict)
    with open(path) as file:
        lines = file.read().split("\n")[:-1]  # what is not whole is not said
    start = start_of(path, lines[0])
    for number, line in enumerate(lines[1:], 2):
        record = RECORD.match(line)
        if not record:
            if states:
                raise SystemExit(f"{path}:{number}: no record: {line!r}")
            continue
        name, host, centre, width = record[1], record[2], float(record[3]), float(record[4])
        if host != "all":
            states[name][int(host)] = centre, width
            continue
        all_ = [sum(v) for v in zip(*states[name].values())]
        if not math.isinf(width) and any(
                abs(a - b) > DIGIT * len(states[name]) for a, b in zip(all_, (centre, width))):
            raise SystemExit(f"{path}:{number}: {line!r}, and its hosts' sum is {all_}")
        yield name, start + int(record[5]), dict(states[name])


def see_in_log(case, name, window_s, tick, host, centre, width):
    query = case.plan[name]["query"]
    told = [case.told[leaf, query].get(tick) for leaf in case.leaves([host])]
    if None in told or math.isinf(width):
        return
    counts = sum(told)
    case.checked += 1
    if abs(counts / window_s - centre) > width / 2 + 2 * DIGIT:
        case.complain(f"log: {name}-{host} at {tick}: {counts / window_s} is not in {centre} +- "
                      f"{width / 2}")


def check_log(case):
    answered = defaultdict(set)  # as of which seconds there was one, by answer
    window_s = {}
    for a in case.answers:
        answered[a.name].add(a.as_of)
        window_s[a.name] = a.window_s
    for path in sorted(glob(f"{case.folder}/log/*")):
        states = defaultdict(dict)
        for name, tick, hosts in states_of(path):
            states[name][tick] = hosts
        for name, changes in states.items():
            hosts = {}
            for tick in range(min(changes), max(changes) + 1):
                hosts = changes.get(tick, hosts)
                if tick not in answered[name]:
                    continue
                for host, (centre, width) in hosts.items():
                    see_in_log(case, name, window_s[name], tick, host, centre, width)
    return case.end(case.enough)


# ------------------------------------------------------------------------------------------------

CHECKS = {name[6:]: check for name, check in list(globals().items()) if name.startswith("check_")}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in CHECKS:
        print(__doc__, file=sys.stderr)
        return 2
    return CHECKS[sys.argv[1]](Case(sys.argv[2]))


if __name__ == "__main__":
    sys.exit(main())
