# SPDX-License-Identifier: Apache-2.0
"""compare: reports of real runs side by side, and what it says of files that are none."""
import json
import os
import pty
import re
import subprocess
import unittest
from pathlib import Path

from support import EXEC, HARNESS, Folder, harness, scenario

# Nothing of either depends on time.
PHASED = scenario(run=[{"sub": {"subscribe": {}}}, {"phase": "burst", "do": [{"pub": {"send": {"count": 50}}}]},
                       {"await": "received(sub) >= 50"}])
REJECTED = "contract/send-rejected"
WRONG = EXEC + " --misbehave accepts-empty-text"
H2 = EXEC + " --frontend h2"


class Compare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.scenarios = [cls.folder.write("phased.json", PHASED), REJECTED]
        cls.clean = cls.run_of("clean", EXEC)
        cls.wrong = cls.run_of("wrong", WRONG)
        cls.h2 = cls.run_of("h2", H2, "--repeat", "2", profile="reference-h2")

    @classmethod
    def tearDownClass(cls):
        cls.folder.held.cleanup()

    @classmethod
    def run_of(cls, name, command, *options, profile="reference"):
        path = str(cls.folder.path / f"{name}.json.report")
        done = harness("run", *cls.scenarios, "--exec", command, "--profile", profile, "--seed", 7, "--report",
                       f"json={path}", *options)
        assert done.returncode in (0, 1), (name, done.stdout, done.stderr)
        return path

    def compare(self, *arguments, status=0):
        done = harness("compare", *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_a_wrong_server_is_worse_than_the_clean_one(self):
        text = self.compare(self.clean, self.wrong, "--labels", "A=before,B=after", status=1).stdout
        self.assertRegex(text, r"A  before: .*")
        self.assertIn("1 newly failing, 0 newly passing, 0 differs, 0 only in A, 0 only in B, 1 same", text)
        self.assertRegex(text, r"  ! contract/send-rejected: passed, now fails\n      A  PASS .*\n      B  FAIL .* \[SEND-02\] ")
        self.assertIn("1 scenario is worse in B.\n", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80 + len(EXEC), "only a word may be longer")

    def test_the_way_back_is_newly_passing(self):
        text = self.compare(self.wrong, self.clean).stdout
        self.assertIn("0 newly failing, 1 newly passing", text)
        self.assertIn("Nothing got worse.", text)

    def test_a_run_is_the_same_as_itself(self):
        told = json.loads(self.compare(self.clean, self.clean, "--format", "json").stdout)
        self.assertEqual(told["schema"], "sluice.compare/1")
        self.assertEqual(told["groups"]["same"], 2)
        self.assertEqual(told["warnings"], [])
        self.assertTrue(told["latencies"])
        self.assertEqual({latency["p99"]["noise"] for latency in told["latencies"]} - {"small", "ours"}, set())

    def test_two_servers_with_repeats(self):
        done = self.compare(self.clean, self.h2, "--format", "json")
        told = json.loads(done.stdout)
        self.assertEqual(told["groups"]["same"], 2)
        self.assertEqual([pair["b"]["results"] for pair in told["scenarios"]], [2, 2])
        self.assertEqual([pair["b"]["pass"] for pair in told["scenarios"]], [2, 2])
        self.assertTrue(any("profiles differ" in warning for warning in told["warnings"]))
        self.assertNotIn(None, [latency["p50"]["noise"] for latency in told["latencies"]],
                         "two repeats are too few for a change")

    def test_each_format_goes_to_its_file(self):
        for form, begin in (("text", "A  "), ("md", "### sluice-harness compare"), ("html", "<!DOCTYPE html>"),
                            ("json", "{")):
            path = self.folder.path / f"out.{form}"
            done = self.compare(self.clean, self.wrong, "--format", form, "-o", path, status=1)
            self.assertEqual(done.stdout, "")
            self.assertTrue(path.read_text().startswith(begin))
        page = (self.folder.path / "out.html").read_text()
        data = re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.S).group(1)
        self.assertEqual(json.loads(data), json.loads((self.folder.path / "out.json").read_text()))
        self.assertNotRegex(page, r"(src|href)=\"?(https?:|//)")

    def test_a_report_may_come_by_a_pipe(self):
        with open(self.wrong, encoding="utf-8") as file:
            done = subprocess.run([HARNESS, "compare", self.clean, "-"], stdin=file, capture_output=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_a_terminal_gets_colours(self):
        leader, follower = pty.openpty()
        environment = {**os.environ, "TERM": "xterm"}
        environment.pop("NO_COLOR", None)
        process = subprocess.Popen([HARNESS, "compare", self.clean, self.wrong], stdout=follower, env=environment)
        os.close(follower)
        seen = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
        os.close(leader)
        self.assertEqual(process.wait(), 1)
        self.assertIn(b"\x1b[1;31mFAIL\x1b[0m", seen)

    def test_files_that_are_no_reports_are_named_with_the_place(self):
        whole = Path(self.clean).read_text(encoding="utf-8")
        newer = whole.replace("sluice.report/1", "sluice.report/9")
        wrong = json.loads(whole)
        wrong["results"][1]["verdict"] = 7
        cases = {"cut.json": (whole[:len(whole) // 2], "was the file cut off?"),
                 "empty.json": ("", "it is empty"),
                 "newer.json": (newer, "$.schema: 'sluice.report/9': a version that this program does not know"),
                 "wrong.json": (json.dumps(wrong), "$.results[1].verdict: wanted a string, found a number"),
                 "bad\x1b[2J.json": ("x", "bad\\x1b[2J.json: line 1")}
        for name, (text, error) in cases.items():
            done = self.compare(self.clean, self.folder.write(name, text), status=2)
            self.assertEqual(done.stdout, "")
            self.assertIn(error, done.stderr)
            self.assertIn(name.replace("\x1b", "\\x1b"), done.stderr)
        large = self.folder.path / "large.json"
        with open(large, "wb") as file:
            file.truncate(256 * 1024 * 1024 + 1)
        self.assertIn("large.json: is larger than", self.compare(large, self.clean, status=2).stderr)
        large.unlink()

    def test_bad_usage(self):
        for arguments in ([], [self.clean], [self.clean] * 3, ["-", "-"], [self.clean, self.clean, "--format", "pdf"],
                          [self.clean, self.clean, "--labels", "C=x"], [self.clean, "no-such-file.json"],
                          [self.clean, self.clean, "-o", self.folder.path / "no" / "such"]):
            self.assertTrue(self.compare(*arguments, status=2).stderr)


if __name__ == "__main__":
    unittest.main()
