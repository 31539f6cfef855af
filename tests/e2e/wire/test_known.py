#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/CCORE.md and the list of what the C core is known to fail say the same, and it is so.

usage: test_known.py HARNESS SERVER all|quick

quick plays what fails by CALL-20 only: the wire tells that at once, where other rules are broken by a silence.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

HARNESS, SERVER, HOW_MUCH = sys.argv[1:4]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
LIST = os.path.join(ROOT, "scenarios/profiles/grpc-core-1.51.known-failing.json")
ENTRIES_MAX = 50
OF_THE_CONTRACT = ("SEND-", "SUB-", "CHAT-")


def rule_of(entry):
    return entry["reason"].split(":")[0]


def needs_tls(scenario):
    with open(os.path.join(ROOT, "scenarios", scenario + ".json"), encoding="utf-8") as file:
        return "tls" in json.load(file).get("needs", [])


def play(scenarios, options):
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        run = subprocess.run([HARNESS, "run", *scenarios, "--profile", "reference", "--known-failing", LIST,
                              "--jobs", "32", "--report", f"json={report}",
                              "--exec", f"exec {SERVER} --listen 127.0.0.1:{{port}} {options}"],
                             capture_output=True, text=True, timeout=170, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        with open(report, encoding="utf-8") as file:
            return json.load(file)["results"]


def main():
    with open(LIST, encoding="utf-8") as file:
        entries = json.load(file)
    with open(os.path.join(ROOT, "docs/CCORE.md"), encoding="utf-8") as file:
        page = file.read().split("## Let pass")[0]
    rows = {(row[0], scenario) for row in re.findall(r"^\| ([A-Z]+-\d+) \| (.*?) \| (.*?) \| (.*?) \|$", page, re.M)
            for scenario in re.findall("`([^`]+)`", row[3])}
    assert len(entries) <= ENTRIES_MAX, len(entries)
    assert {entry["id"] for entry in entries} == {scenario for _, scenario in rows}
    for entry in entries:
        assert not rule_of(entry).startswith(OF_THE_CONTRACT), entry
        assert (rule_of(entry), entry["id"]) in rows, entry
    played = {entry["id"]: rule_of(entry) for entry in entries if HOW_MUCH == "all" or rule_of(entry) == "CALL-20"}
    encrypted = [name for name in played if needs_tls(name)]
    results = play([name for name in played if name not in encrypted], "")
    if encrypted:
        results += play(encrypted, "--tls-cert {cert} --tls-key {key}")
    assert len(results) == len(played), results
    for result in results:
        assert result.get("known"), result
        broken = [failure["rule"] for failure in result["failures"]]
        assert played[result["id"]] in broken, (result["id"], broken)
        texts = [failure["text"] for failure in result["failures"]]
        assert not any(text.startswith(f"on the wire: {other}") for text in texts for other in texts), texts


if __name__ == "__main__":
    main()
