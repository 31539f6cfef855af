# SPDX-License-Identifier: Apache-2.0
"""Plays a scenario that judges a client, with a client of client.py, against the reference server of this build."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HARNESS = os.environ["SLUICE_HARNESS"]
SERVER = os.environ["SLUICE_SERVER"]
CLIENT = Path(__file__).with_name("client.py")
# The keepalive of client.py.
PROFILE = {"name": "client", "values": {"keepalive_time_ms": 1000, "keepalive_timeout_ms": 500}}
TRIES = 3  # a machine too noisy to judge is asked again


def command(client, *more):
    return " ".join(["exec", f"'{sys.executable}'", f"'{CLIENT}'", client, "{port}", "{room}", *more])


def arguments(folder, scenario, client, *more, server=""):
    """Of the harness; the report is written into the folder."""
    profile = Path(folder, "profile.json")
    profile.write_text(json.dumps(PROFILE))
    return [HARNESS, "run", scenario, "--profile", str(profile), "--exec",
            f"exec '{SERVER}' --listen 127.0.0.1:{{port}} {server}", "--client", command(client, *more),
            "--report", "json=" + str(Path(folder, "report.json"))]


def play(scenario, client, *more, server=""):
    """The result of one run."""
    for _ in range(TRIES):
        with tempfile.TemporaryDirectory(prefix="sluice-") as folder:
            done = subprocess.run(arguments(folder, scenario, client, *more, server=server), capture_output=True,
                                  text=True, timeout=120, check=False)
            report = Path(folder, "report.json")
            assert report.exists(), done.stderr
            result = json.loads(report.read_text())["results"][0]
        if result["verdict"] != "inconclusive":
            break
    return result


class Case(unittest.TestCase):
    def passes(self, scenario, client, **how):
        result = play(scenario, client, **how)
        self.assertEqual(result["verdict"], "pass", result)

    def fails(self, scenario, client, words, **how):
        result = play(scenario, client, **how)
        self.assertEqual(result["verdict"], "fail", result)
        self.assertIn(words, result["reason"])
        return result
