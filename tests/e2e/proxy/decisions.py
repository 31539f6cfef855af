#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two runs of one seed through the proxy write the same decision log, and what the proxy did is in it (K10).

usage: decisions.py HARNESS SERVER
"""
import json
import os
import subprocess
import sys
import tempfile

HARNESS, SERVER = sys.argv[1:3]
SCENARIO = {
    "title": "faults of every kind", "why": "for the log", "rules": ["SUB-01"], "level": "core", "seconds": 20,
    "actors": {"pub": {"kind": "publisher"}, "sub": {"kind": "subscriber", "n": 3, "via": "proxy"},
               "lost": {"kind": "subscriber", "via": "proxy"}, "core": {"kind": "subscriber", "transport": "grpc", "via": "proxy"}},
    "run": [
        {"fault": {"latency": "5ms", "jitter": "5ms", "name": "slow"}},
        {"sub,core": {"subscribe": {}}},
        {"h2fault": {"frame": "PING", "do": "inject", "dir": "to_client"}},
        {"fault": {"cut": {"after": {"messages": 3}, "how": "rst"}, "first": 1, "dir": "to_client"}},
        {"lost": {"subscribe": {}}},
        {"pub": {"send": {"count": 10, "rate": 100}}},
        {"await": "received(sub) == 30 && received(core) == 10 && ended(lost) == 1"},
        {"clear": "slow"},
        {"pub": {"send": {"count": 5}}},
        {"await": "received(sub) == 45 && received(core) == 15"},
        {"clear": True}],
    "expect": [{"delivered": "all", "of": "sub,core"}, {"status": ["UNAVAILABLE"], "of": "lost"}],
}


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "faults.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(SCENARIO, file)
        logs = []
        for name in ("one", "two"):
            evidence = os.path.join(folder, name)
            run = subprocess.run([HARNESS, "run", path, "--seed", "5", "--evidence", evidence, "--exec",
                                  f"exec {SERVER} --listen 127.0.0.1:{{port}}"], capture_output=True, text=True, timeout=100)
            assert run.returncode == 0, run.stdout + run.stderr
            with open(os.path.join(evidence, "decisions.jsonl"), encoding="utf-8") as file:
                logs.append(file.read())
        assert logs[0] == logs[1], "\n".join(logs)
        did = [json.loads(line)["did"] for line in logs[0].splitlines() if json.loads(line).get("actor") == "proxy"]
        print(did)
        assert sorted(did) == ["cut"] + 5 * ["inject"] + 5 * ["shape"], did


if __name__ == "__main__":
    main()
