#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scenarios below the chat core against servers that are wrong at the wire, and against one that is not.

usage: test_relay.py HARNESS SERVER SCENARIO [DEVIATION ...]
"""
import json
import os
import subprocess
import sys
import tempfile

HARNESS, SERVER, SCENARIO = sys.argv[1:4]
RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support", "h2_relay.py")
KNOWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scenarios", "profiles",
                     "grpc-core-1.51.known-failing.json")  # the server behind the relay stands on the C core
PLAYS = 3  # of a run that the machine was too busy to judge


def play(wrong):
    for _ in range(PLAYS):
        with tempfile.TemporaryDirectory() as folder:
            report = os.path.join(folder, "report.json")
            command = f"exec {sys.executable} {RELAY} {SERVER} {{port}} {wrong}"
            run = subprocess.run([HARNESS, "run", SCENARIO, "--seed", "1", "--exec", command, "--report",
                                  f"json={report}", "--known-failing", KNOWN], capture_output=True, text=True, timeout=120, check=False)
            if not os.path.exists(report):
                sys.exit(f"{SCENARIO} with {wrong}: no report\n{run.stdout}{run.stderr}")
            with open(report, encoding="utf-8") as file:
                result = json.load(file)["results"][0]
        if result["verdict"] != "inconclusive":
            break
    seen = {failure["rule"] for failure in result["failures"]}
    print(f"{wrong or 'right'}: {result['verdict']} {sorted(seen)}: {result['reason']}")
    if not wrong and result.get("known"):
        return "pass", seen
    return result["verdict"], seen & set(result["rules"])


def main():
    bad = [] if play("")[0] == "pass" else ["the right server"]
    for wrong in sys.argv[4:]:
        verdict, telling = play(wrong)
        if verdict != "fail" or not telling:
            bad.append(wrong)
    if bad:
        sys.exit(f"{SCENARIO} did not do its work on: {', '.join(bad)}")


if __name__ == "__main__":
    main()
