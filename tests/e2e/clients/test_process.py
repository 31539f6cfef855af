# SPDX-License-Identifier: Apache-2.0
"""The program of --client: its group ends with the play, whatever happens, and its output is bounded."""
import os
import signal
import subprocess
import tempfile
import time
import unittest
import uuid
from pathlib import Path

from judge import HARNESS, SERVER, Case, arguments, play

SCENARIO = "disconnects/client-half-open"


def processes(token):
    """Those that have the token among their arguments, the harness left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if token.encode() in words:
            found.append(int(path.parent.name))
    return found


def await_count(token, is_right):
    end = time.monotonic() + 20
    while not is_right(len(processes(token))) and time.monotonic() < end:
        time.sleep(0.02)
    return len(processes(token))


class Process(Case):
    def test_what_the_client_started_ends_with_it(self):
        token = uuid.uuid4().hex
        result = play(SCENARIO, "with_a_child", token)
        self.assertEqual(result["verdict"], "pass", result)
        self.assertEqual(await_count(token, lambda count: count == 0), 0)

    def test_an_interrupted_run_leaves_nobody_behind(self):
        token = uuid.uuid4().hex
        with tempfile.TemporaryDirectory(prefix="sluice-") as folder:
            run = subprocess.Popen(arguments(folder, "storms/client-backoff", "with_a_child", token),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.assertEqual(await_count(token, lambda count: count == 2), 2)
            run.send_signal(signal.SIGINT)
            run.wait(30)
        self.assertEqual(await_count(token, lambda count: count == 0), 0)

    def test_output_without_end_is_bounded(self):
        with tempfile.TemporaryDirectory(prefix="sluice-") as folder:
            run = subprocess.Popen(arguments(folder, SCENARIO, "floods_its_log"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            _, _, usage = os.wait4(run.pid, 0)
            self.assertLess(usage.ru_maxrss, 1024 * 1024, "KiB")

    def test_a_client_that_ends_by_itself_fails_with_its_last_words(self):
        self.fails(SCENARIO, "ends", "exited with status 3; its last words: 'no such luck'")

    def test_a_run_without_a_client_skips(self):
        done = subprocess.run([HARNESS, "run", "storms/client-herd", "--exec",
                               f"exec '{SERVER}' --listen 127.0.0.1:{{port}}"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertIn("it judges a client, and the run names none", done.stdout)


unittest.main()
