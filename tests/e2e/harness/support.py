# SPDX-License-Identifier: Apache-2.0
"""Runs the harness with scenarios of a test's own against the reference server of this build."""
import copy
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

# Who runs a test in the background or under nohup would hand on to its processes that these are ignored.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)

HARNESS = os.environ["SLUICE_HARNESS"]
SERVER = os.environ["SLUICE_SERVER"]
EXEC = f"exec '{SERVER}' --listen 127.0.0.1:{{port}}"

GOOD = {
    "title": "Messages arrive",
    "why": "A test of the harness.",
    "rules": ["SEND-01"],
    "level": "core",
    "seconds": 20,
    "actors": {"pub": {"kind": "publisher"}, "sub": {"kind": "subscriber"}},
    "run": [{"sub": {"subscribe": {}}}, {"pub": {"send": {"count": 5}}}, {"await": "received(sub) >= 5"}],
    "expect": [{"delivered": "all", "of": "sub"}],
}


def scenario(**changes):
    """The good scenario with other top keys; None takes a key away."""
    made = copy.deepcopy(GOOD)
    made.update(changes)
    return {key: value for key, value in made.items() if value is not None}


class Folder:
    """A temporary folder of scenario files."""

    def __init__(self):
        self.held = tempfile.TemporaryDirectory(prefix="sluice-")
        self.path = Path(self.held.name)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.held.cleanup()

    def write(self, name, content):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return str(path)


def harness(*arguments, timeout=120):
    return subprocess.run([HARNESS, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          check=False)


class Run:
    """One `run`, with its report."""

    def __init__(self, folder, *arguments, target=("--exec", EXEC), profile="reference", timeout=120):
        report = folder.path / "report.json"
        report.unlink(missing_ok=True)
        self.done = harness("run", *arguments, "--profile", profile, "--report", f"json={report}", *target,
                            timeout=timeout)
        self.status = self.done.returncode
        self.report = json.loads(report.read_text()) if report.exists() else None

    def result(self, name):
        found = [r for r in self.report["results"] if r["id"].split("/")[-1] == name]
        assert len(found) == 1, (name, self.report)
        return found[0]

    def __str__(self):
        return f"exit {self.status}\n{self.done.stdout}\n{self.done.stderr}"
