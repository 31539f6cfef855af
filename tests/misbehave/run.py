#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that one scenario catches the wrong servers that it claims to catch.

Plays the scenario against the clean reference server, which must pass, and against each wrong server of
its `catches`, which must fail with a rule of the scenario, or with the rule that this wrong server breaks.

usage: run.py HARNESS SERVER SCENARIO_ID SCENARIO_FILE
"""
import json
import os
import subprocess
import sys
import tempfile


def broken_rules(server):
    """What `--misbehave list` says: name to the rule that it breaks."""
    lines = subprocess.run([server, "--misbehave", "list"], capture_output=True, text=True, check=True).stdout
    rules = {}
    for line in lines.splitlines():
        words = line.split()
        rules[words[0]] = [word for word in words[1:] if "-" in word and word.split("-")[0].isupper()]
    return rules


PLAYS = 3  # of a run that the machine was too busy to judge; a pass or a fail is never played again


def play(harness, server, scenario, wrong):
    """The one result of a run that could be judged, or of the last try."""
    result = play_once(harness, server, scenario, wrong)
    for _ in range(PLAYS - 1):
        if result["verdict"] != "inconclusive":
            break
        print(f"{wrong or 'clean'}: inconclusive: {result['reason']}; played again")
        result = play_once(harness, server, scenario, wrong)
    return result


def play_once(harness, server, scenario, wrong):
    """The one result of a run."""
    command = f"exec {server} --listen 127.0.0.1:{{port}}" + (f" --misbehave {wrong}" if wrong else "")
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        run = subprocess.run([harness, "run", scenario, "--seed", "1", "--exec", command, "--report", f"json={report}"],
                             capture_output=True, text=True, timeout=240)
        if not os.path.exists(report):
            sys.exit(f"{scenario} with {wrong}: no report\n{run.stdout}{run.stderr}")
        with open(report, encoding="utf-8") as file:
            results = json.load(file)["results"]
    if len(results) != 1:
        sys.exit(f"{scenario} with {wrong}: {len(results)} results\n{run.stdout}{run.stderr}")
    return results[0]


def main():
    harness, server, scenario, path = sys.argv[1:5]
    with open(path, encoding="utf-8") as file:
        about = json.load(file)
    rules = broken_rules(server)
    bad = []
    clean = play(harness, server, scenario, None)
    print(f"clean: {clean['verdict']}: {clean['reason']}")
    if clean["verdict"] == "skip" and about.get("needs") and not about.get("catches"):
        print("the reference server does not declare what it needs: a test of its own proves this one")
        return
    if clean["verdict"] != "pass":
        bad.append("the clean server")
    if not about.get("catches"):
        bad.append("catches nothing")
    for wrong in about.get("catches", []):
        if wrong not in rules:
            bad.append(f"{wrong} (unknown)")
            continue
        result = play(harness, server, scenario, wrong)
        seen = [failure["rule"] for failure in result["failures"]]
        print(f"{wrong}: {result['verdict']} {seen}: {result['reason']}")
        if result["verdict"] != "fail" or not set(seen) & set(about["rules"] + rules[wrong]):
            bad.append(wrong)
    if bad:
        sys.exit(f"{scenario} did not do its work on: {', '.join(bad)}")


if __name__ == "__main__":
    main()
