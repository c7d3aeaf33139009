#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The keys of what a verb prints with -j, against those it is to have.

usage: json_keys.py check VERB <LINES    the keys and types of the lines are those of json/VERB.keys
       json_keys.py write VERB <LINES    writes that file
       json_keys.py settle               after all are written: what may be null in one of them may
                                         be in the others, and what always was null in one has the
                                         type that it has in the others
       json_keys.py alike                a key has one type in all of the files
       json_keys.py filled FILE...       whatever may be null is something in one of these outputs

A line of VERB.keys is a path and its type. `?` behind it: may be null. `~`: may be absent. Members
that are named by a table of the kernel side or a query's choice are one path, `*`.
"""
import json
import os
import re
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "json")
# Objects whose keys are names of things.
NAMED = re.compile(r"\.(counters|distinct|features|programs)$")
# Of a flow a time, of a query rates.
TWO = {"last"}
TYPES = {dict: "object", list: "list", str: "string", bool: "boolean", int: "integer",
         float: "number", type(None): "null"}
# Read as times: what they are called, and not.
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?Z$")


class Paths:
    """What was seen: {path: {type: how often}}."""

    def __init__(self):
        self.types = {}

    def add(self, path, value):
        kind = TYPES[type(value)]
        if kind == "string" and TIME.match(value):
            kind = "time"
        count = self.types.setdefault(path, {})
        count[kind] = count.get(kind, 0) + 1
        if isinstance(value, list):
            for item in value:
                self.add(path + "[]", item)
        elif isinstance(value, dict):
            for key, item in value.items():
                self.add(f"{path}.{'*' if NAMED.search(path) else key}", item)

    def lines(self):
        """{path: type with its marks}"""
        out = {}
        for path, types in self.types.items():
            kinds = sorted(set(types) - {"null"}) or ["null"]
            mark = "?" if "null" in types and kinds != ["null"] else ""
            if path and path[-1] not in "*]":
                objects = self.types[parent_of(path)]["object"]
                mark += "~" if sum(types.values()) < objects else ""
            out[path] = "|".join(kinds) + mark
        return out


def parent_of(path):
    return re.sub(r"(\.[^.\[\]]+|\[\])$", "", path)


def read(lines):
    paths = Paths()
    for line in lines:
        if not line.startswith("{"):
            continue
        value = json.loads(line)
        if next(iter(value.items()), None) != ("weir", 1):
            sys.exit(f'a line does not begin with "weir": 1: {line[:80]}')
        paths.add("", value)
    if not paths.types:
        sys.exit("there are no lines")
    return paths.lines()


def golden(verb):
    with open(os.path.join(FOLDER, verb + ".keys"), encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(" ") for line in file if line[0] == ".")


def check(verb):
    seen, wanted = read(sys.stdin), golden(verb)
    wrong = []
    for path in sorted((set(seen) | set(wanted)) - {""}):
        is_, should = seen.get(path), wanted.get(path)
        if should is None:
            wrong.append(f"{path} {is_}: is new")
        elif is_ is None:
            if "~" not in should and not under_empty(path, seen):
                wrong.append(f"{path} {should}: is missing")
        elif not fits(is_, should):
            wrong.append(f"{path}: is {is_}, not {should}")
    print("\n".join(wrong) or f"{len(seen)} keys")
    return not wrong


def under_empty(path, seen):
    """Below something that was null or an empty list all the while."""
    path = parent_of(path)
    while path and path not in seen:
        if path.endswith("[]"):
            return True
        path = parent_of(path)
    return seen.get(path) == "null"


def fits(is_, should):
    kind, marks = re.match(r"([^?~]+)(.*)", is_).groups()
    wanted, allowed = re.match(r"([^?~]+)(.*)", should).groups()
    if kind == "null":
        return wanted == "null" or "?" in allowed
    return kind in (wanted, "null") and set(marks) <= set(allowed)


def write(verb):
    seen = read(sys.stdin)
    with open(os.path.join(FOLDER, verb + ".keys"), "w", encoding="utf-8") as file:
        for path in sorted(set(seen) - {""}):
            file.write(f"{path} {seen[path]}\n")
    return True


def key_of(path):
    return path.rsplit(".", 1)[-1]


def settle():
    files = {name[:-5]: golden(name[:-5]) for name in sorted(os.listdir(FOLDER))}
    types, nullable = {}, set()
    for path, kind in (pair for keys in files.values() for pair in keys.items()):
        bare = re.sub("[?~]", "", kind)
        if bare != "null":
            types[key_of(path)] = bare
        if bare == "null" or "?" in kind:
            nullable.add(key_of(path))
    for verb, keys in files.items():
        with open(os.path.join(FOLDER, verb + ".keys"), "w", encoding="utf-8") as file:
            for path, kind in keys.items():
                bare, absent = re.sub("[?~]", "", kind), "~" if "~" in kind else ""
                if bare == "null":
                    bare = types.get(key_of(path), "null")
                null = "?" if key_of(path) in nullable and bare != "null" else ""
                file.write(f"{path} {bare}{null}{absent}\n")
    return True


def alike():
    """By the last name of each path, without marks."""
    types = {}
    for name in sorted(os.listdir(FOLDER)):
        for path, kind in golden(name[:-5]).items():
            key = key_of(path)
            if key.startswith("*"):
                continue
            kind = re.sub("[?~]", "", kind)
            if kind != "null":
                types.setdefault(key, {}).setdefault(kind, f"{name[:-5]} {path}")
    wrong = {key: kinds for key, kinds in types.items() if len(kinds) > 1 and key not in TWO}
    for key, kinds in sorted(wrong.items()):
        print(f"{key}:", ", ".join(f"{kind} in {where}" for kind, where in kinds.items()))
    return not wrong


def filled(files):
    """A key that is null in one verb may say something in another."""
    some, none = set(), {}
    for name in files:
        with open(name, encoding="utf-8") as file:
            for path, kind in read(file).items():
                if kind == "null":
                    none[key_of(path)] = f"{os.path.basename(name)} {path}"
                else:
                    some.add(key_of(path))
    wrong = {key: where for key, where in none.items() if key not in some}
    for where in wrong.values():
        print("always null:", where)
    return not wrong


def main():
    verb, *words = sys.argv[1:]
    right = {"check": lambda: check(*words), "write": lambda: write(*words), "settle": settle, "alike": alike,
             "filled": lambda: filled(words)}[verb]()
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
