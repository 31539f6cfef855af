# SPDX-License-Identifier: Apache-2.0
"""No capture makes the inspector pass 64 MB: the worst cases of hostile_captures.py, smaller, but each still far more than the
inspector can keep. What it gives up for that is told in the records and counted."""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[3]
WRITER = ROOT / "tests/support/hostile_captures.py"
INSPECTOR = os.environ["SLUICE_INSPECTOR"]
SANITIZED = os.environ.get("SLUICE_SANITIZE", "") != ""  # a sanitizer keeps what was freed
MAX_KIB = 64_000_000 // 1024


class Memory(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def run_on(self, name, scale, *options):
        """Inspects a case and checks the memory. The output is in self.output, which this program must not read whole: what
        it had itself when it began a child counts for that, too. Returns stderr."""
        capture, errors = self.path / f"{name}.pcap", self.path / "errors"
        self.output = self.path / "output"
        if not capture.exists():
            subprocess.run([sys.executable, WRITER, name, capture, str(scale)], check=True)
        command = [INSPECTOR, "-o", str(self.output), *options, str(capture)]
        child = os.posix_spawn(INSPECTOR, command, os.environ,
                               file_actions=[(os.POSIX_SPAWN_OPEN, 2, str(errors), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
        _, status, usage = os.wait4(child, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, errors.read_text())
        if not SANITIZED:
            self.assertLess(usage.ru_maxrss, MAX_KIB, f"{name} {options}")
        return errors.read_text()

    def codes(self):
        """How many records there are, and how many have which problem."""
        count, codes = 0, collections.Counter()
        with open(self.output, encoding="utf-8") as lines:
            for line in lines:
                count += 1
                codes.update({problem["code"] for problem in json.loads(line)["problems"]})
        return count, codes

    def loss(self, name, scale):
        """The summary's loss."""
        self.run_on(name, scale, "--view", "summary")
        return json.loads(self.output.read_text())["loss"]

    def test_open_calls(self):
        """Every call has a record; those of connections that were given up say so."""
        loss = self.loss("open_calls", 0.5)
        told = self.run_on("open_calls", 0.5, "--view", "calls")  # it gives up more than the summary, which keeps less
        count, codes = self.codes()
        self.assertEqual(count, 6000)
        self.assertIn(f"{codes['given_up']} calls given up" if codes["given_up"] > 0 else "connections given up", told)
        self.assertGreater(loss["calls_given_up"] + loss["connections_given_up"], 0)
        self.assertEqual(codes["given_up"] + codes["connection_given_up"] + codes["open"], count)

    def test_metadata(self):
        """Long fields give way before their calls do."""
        loss = self.loss("large_metadata", 0.3)
        self.run_on("large_metadata", 0.3, "--view", "calls")
        count, codes = self.codes()
        self.assertEqual(count, 614)
        self.assertGreater(codes["metadata_omitted"], 0)
        self.assertLess(codes["metadata_omitted"], count)
        self.assertEqual(codes["given_up"], 0)
        self.assertEqual(loss["calls_given_up"], 0)
        self.assertEqual(loss["connections_given_up"], 0)

    def test_tables(self):
        loss = self.loss("tables", 0.25)
        self.assertGreater(loss["connections_given_up"], 0)
        self.assertIn("connections given up", self.run_on("tables", 0.25, "--view", "calls"))

    def test_blocks(self):
        self.assertGreater(self.loss("blocks", 0.08)["connections_given_up"], 0)

    def test_large_messages(self):
        for options in (("--view", "calls"), ("--format", "html"), ("--format", "text", "--call", "2")):
            self.run_on("bombs", 0.1, *options)

    def test_all_at_once(self):
        self.run_on("everything", 0.05, "--view", "calls")


if __name__ == "__main__":
    unittest.main()
