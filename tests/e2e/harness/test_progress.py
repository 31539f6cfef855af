# SPDX-License-Identifier: Apache-2.0
"""Long work says on a terminal how far it is, and leaves a clean line; what it writes elsewhere has nothing of it."""
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import EXEC, HARNESS, SERVER

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
CAPTURE = Path(os.environ["SLUICE_SOURCE"]) / "tests/golden/calls-of-grpc-go/input.pcap"
PCAP_HEADER = 24
ERASE = "\r\x1b[K"


class Work:
    """A program whose stderr is a terminal, and its stdout too or a file."""

    def __init__(self, *command, stdin=subprocess.DEVNULL, is_all=False):
        self.ours, theirs = pty.openpty()
        self.seen = ""
        self.file = tempfile.TemporaryFile()
        self.process = subprocess.Popen([str(word) for word in command], stdin=stdin, stderr=theirs,
                                        stdout=theirs if is_all else self.file, env={**os.environ, "TERM": "xterm"})
        os.close(theirs)

    def read(self, timeout=60):
        """False at the end, or when nothing came in time."""
        try:
            piece = os.read(self.ours, 65536) if select.select([self.ours], [], [], timeout)[0] else b""
        except OSError:  # nobody has the other end any more
            piece = b""
        self.seen += piece.decode()
        return bool(piece)

    def until(self, text):
        while text not in self.seen:
            assert self.read(), self.seen

    def end(self):
        while self.read():
            pass
        os.close(self.ours)
        status = self.process.wait(60)
        with self.file:
            self.file.seek(0)
            return status, self.file.read().decode()

    def left(self):
        """What is on the terminal in the end: the lines, each after its last erasure."""
        return [line.rsplit(ERASE, 1)[-1] for line in self.seen.replace("\r\n", "\n").split("\n")]


class Progress(unittest.TestCase):
    def test_calibrate_says_what_it_measures(self):
        work = Work(HARNESS, "calibrate", "--profile", "reference", "--exec", EXEC)
        work.until("measuring ")
        self.assertRegex(work.seen, r"measuring [a-z_]+, [1-5] of 5  \d s")
        work.process.send_signal(signal.SIGINT)
        status, output = work.end()
        self.assertEqual((status, output), (-signal.SIGINT, ""))
        self.assertEqual(work.left(), [""])

    def test_selftest_says_what_runs_below_what_it_found(self):
        work = Work(HARNESS, "selftest", "--server", SERVER, "--scenario", "contract/chat*", is_all=True)
        work.until(" of ")
        work.until("(clean)")  # a case has ended, which the line of what runs stands below
        work.process.send_signal(signal.SIGINT)
        work.end()
        self.assertRegex(work.seen, r"\d+ of \d+  \d+ s  running: contract/chat")
        told = [line for line in work.left() if "(clean)" in line]
        self.assertTrue(told and told[0].startswith("ok "), work.left())
        self.assertEqual([line for line in work.left() if "running" in line], [])

    def test_the_inspector_says_what_it_has_read(self):
        capture = CAPTURE.read_bytes()
        for is_all in (False, True):
            with self.subTest(is_all=is_all):
                work = Work(INSPECTOR, "--view", "summary", "-", stdin=subprocess.PIPE, is_all=is_all)
                os.write(work.process.stdin.fileno(), capture[:PCAP_HEADER])
                while "read " not in work.seen:
                    os.write(work.process.stdin.fileno(), capture[PCAP_HEADER:])
                    work.read(timeout=0.02)
                work.process.stdin.close()
                status, output = work.end()
                self.assertEqual(status, 0)
                self.assertNotIn("\x1b[K", output)
                self.assertRegex(work.seen, r"read \d+ MiB, \d+ calls" + re.escape(ERASE))
                self.assertEqual([line for line in work.left() if re.match(r"read \d", line)], [])


if __name__ == "__main__":
    unittest.main()
