#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/CCORE.md and the list of what the C core is known to fail say the same, and it is so.

usage: test_known.py HARNESS SERVER
"""
import json
import os
import re
import subprocess
import sys

HARNESS, SERVER = sys.argv[1:3]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
LIST = os.path.join(ROOT, "scenarios/profiles/grpc-core-1.51.known-failing.json")
ENTRIES_MAX = 50
OF_THE_CONTRACT = ("SEND-", "SUB-", "CHAT-")


def main():
    with open(LIST, encoding="utf-8") as file:
        entries = json.load(file)
    with open(os.path.join(ROOT, "docs/CCORE.md"), encoding="utf-8") as file:
        page = file.read().split("## Let pass")[0]
    rows = [(row[0], re.findall("`([^`]+)`", row[3])) for row in re.findall(
        r"^\| ([A-Z]+-\d+) \| (.*?) \| (.*?) \| (.*?) \|$", page, re.M)]
    assert len(entries) <= ENTRIES_MAX, len(entries)
    assert {entry["id"] for entry in entries} == {scenario for _, scenarios in rows for scenario in scenarios}
    for entry in entries:
        rule = entry["reason"].split(":")[0]
        assert not rule.startswith(OF_THE_CONTRACT), entry
        assert (rule, [entry["id"]]) in rows, entry
    run = subprocess.run([HARNESS, "run", *(entry["id"] for entry in entries), "--known-failing", LIST, "--report",
                          "json=/dev/stdout", "--exec", f"exec {SERVER} --listen 127.0.0.1:{{port}}"],
                         capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0 and run.stdout.count('"known":true') == len(entries), run.stdout + run.stderr


if __name__ == "__main__":
    main()
