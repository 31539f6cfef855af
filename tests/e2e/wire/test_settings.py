#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers whose SETTINGS are lawful and rare: the scenarios of the wire pass against each, or are SKIP with what it lacks.

usage: test_settings.py HARNESS SERVER quick|all
"""
import json
import os
import subprocess
import sys
import tempfile

HARNESS, SERVER, HOW_MUCH = sys.argv[1:4]
# What a scenario may be skipped for, by the flag that makes it so.
LACKS = {"--header-table": "dynamic table", "--max-frame": "frames that are longer", "--initial-window": "padded frame",
         "--max-streams": "at once on a connection"}
SERVERS = {
    "quick": (["--initial-window", "1000", "--header-table", "0"],),
    "all": (["--initial-window", "0", "--max-frame", "16777215"], ["--initial-window", "16", "--header-table", "100"],
            ["--initial-window", "100", "--header-table", "65536"], ["--initial-window", "16384", "--max-frame", "100000"],
            ["--max-streams", "1"], ["--max-streams", "2", "--initial-window", "1000"],
            ["--max-streams", "10", "--header-table", "0"], ["--max-frame", "16777215"]),
}
SCENARIOS = {
    "quick": ["wire/message-boundaries", "wire/messages-together", "wire/frame-too-long", "wire/hpack-*", "wire/credit-of-*",
              "wire/padded-*", "wire/strange-messages", "wire/window-*", "wire/stream-numbers"],
    "all": ["--tag", "wire"],
}


def judge(flags):
    """What is wrong with the verdicts on a server of these flags."""
    command = f"exec '{SERVER}' --listen 127.0.0.1:{{port}} --frontend h2 {' '.join(flags)}"
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        done = subprocess.run([HARNESS, "run", *SCENARIOS[HOW_MUCH], "--profile", "reference", "--seed", "1", "--jobs", "4",
                               "--report", f"json={report}", "--exec", command], capture_output=True, text=True,
                              timeout=400, check=False)
        if not os.path.exists(report):
            return [f"{flags}: no report: {done.stdout}{done.stderr}"]
        with open(report, encoding="utf-8") as file:
            results = json.load(file)["results"]
    bad = [f"{flags}: {r['id']}: {r['verdict']}: {r['reason']}" for r in results if r["verdict"] not in ("pass", "skip")]
    words = ["does not declare", "needs", "without TLS"] + [word for flag, word in LACKS.items() if flag in flags]
    bad += [f"{flags}: {r['id']} is skipped: {r['reason']}" for r in results
            if r["verdict"] == "skip" and not any(word in r["reason"] for word in words)]
    counts = {verdict: sum(r["verdict"] == verdict for r in results) for verdict in ("pass", "skip")}
    print(flags, counts)
    if counts["pass"] < 3 * counts["skip"]:
        bad.append(f"{flags}: {counts}")
    return bad


def main():
    bad = [text for flags in SERVERS[HOW_MUCH] for text in judge(flags)]
    if bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
