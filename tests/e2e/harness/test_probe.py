# SPDX-License-Identifier: Apache-2.0
"""probe: the limits of a good server are seen, those that a wrong one lacks are missed, and nobody else's server is touched."""
import json
import os
import socket
import unittest
from pathlib import Path

import jsonschema
from support import SERVER, Folder, harness

SCHEMA = json.loads(harness("schema", "probe").stdout)


def command(frontend="h2", misbehave=None):
    wrong = "" if misbehave is None else f" --misbehave {misbehave}"
    return f"exec '{SERVER}' --frontend {frontend} --listen 127.0.0.1:{{port}}{wrong}"


class Probe(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)

    def probe(self, classes, *more, **server):
        """Exit status and the results by class, which are as the schema has them."""
        report = Path(self.folder.path) / "probe.json"
        chosen = [word for name in classes for word in ("--class", name)]
        done = harness("probe", "--exec", command(**server), "--report", f"json={report}", *chosen, *more)
        self.assertTrue(report.exists(), done.stderr)
        written = json.loads(report.read_text())
        jsonschema.Draft202012Validator(SCHEMA).validate(written)
        self.assertEqual(written["exit_status"], done.returncode)
        results = {result["class"]: result for result in written["results"]}
        self.assertTrue(set(results), done.stdout)
        return done, results

    def test_a_good_server_bounds_what_is_sent_and_others_are_served(self):
        done, results = self.probe(["rapid-reset", "made-you-reset-*", "continuation-flood", "ping-flood",
                                    "prefix-allocation", "path-without-slash", "binary-garbage"])
        self.assertEqual(done.returncode, 0, done.stdout)
        for name, result in results.items():
            self.assertEqual(result["verdict"], "bounded", (name, result))
            self.assertEqual([result["canary"][when]["lost"] for when in ("before", "during", "after")], [0, 0, 0])
            self.assertTrue(result["alive"])
        limit = results["rapid-reset"]["limit"]
        self.assertEqual((limit["seen"], limit["what"]), ("goaway", "GOAWAY ENHANCE_YOUR_CALM"))
        self.assertTrue(900 <= limit["after"] <= 1200, limit)
        self.assertEqual(results["path-without-slash"]["canary"]["same_connection"], "served")

    def test_a_limit_that_is_absent_is_told_and_is_no_failure(self):
        for wrong, name in (("no-reset-limit", "CVE-2023-44487"), ("continuation-unbounded", "continuation-flood"),
                            ("limit-waits-for-body", "prefix-allocation")):
            with self.subTest(wrong):
                done, results = self.probe([name], misbehave=wrong)
                self.assertEqual([result["verdict"] for result in results.values()], ["not_bounded"], done.stdout)
                self.assertEqual(done.returncode, 0)
                self.assertIn("It is no exploit", done.stdout)

    def test_what_must_not_be_is_affected(self):
        for wrong, name in (("path-without-slash", "CVE-2026-33186"), ("bad-binary-ends-connection", "META-04")):
            with self.subTest(wrong):
                done, results = self.probe([name], misbehave=wrong)
                self.assertEqual([result["verdict"] for result in results.values()], ["affected"], done.stdout)
                self.assertEqual(done.returncode, 1)

    def test_the_c_core_is_told_by_its_own_limits(self):
        done, results = self.probe(["ping-flood", "binary-garbage", "rapid-reset"], frontend="grpc")
        self.assertEqual(results["ping-flood"]["limit"]["seen"], "goaway", done.stdout)
        self.assertEqual(results["binary-garbage"]["verdict"], "affected")
        if not os.environ.get("SLUICE_SANITIZE"):  # a sanitizer keeps what was freed, and the probe takes that for growth
            self.assertEqual(results["rapid-reset"]["verdict"], "not_bounded")

    def test_a_part_of_the_amount_is_a_part(self):
        _, results = self.probe(["settings-flood"], "--amount", "5%", misbehave=None)
        self.assertEqual(results["settings-flood"]["sent"]["planned"], 50)
        self.assertLessEqual(results["settings-flood"]["sent"]["count"], 50)

    def test_slow_connections_wait_as_long_as_they_are_told(self):
        _, results = self.probe(["silent-connections"], "--patience", "1s")
        self.assertEqual(results["silent-connections"]["sent"]["connections"], 20)
        self.assertEqual(results["silent-connections"]["sent"]["bytes"], 0)

    def test_another_machine_is_refused_before_anything_is_sent(self):
        done = harness("probe", "192.0.2.1:443")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--allow-remote", done.stderr)
        self.assertIn("not this machine", done.stderr)

    def test_a_dry_run_and_the_list_need_no_target(self):
        self.assertIn("3,000 times", harness("probe", "--dry-run").stdout)
        self.assertIn("CVE-2023-44487", harness("probe", "--list").stdout)

    def test_mistakes_are_usage_errors(self):
        for words in (["--class", "rapid-rest"], ["--amount", "0"], ["--patience", "1h"], ["--method", "Check"],
                      ["--report", "html=x"], [], ["localhost:1", "localhost:2"]):
            done = harness("probe", *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr)

    def test_a_report_without_a_place_is_told_before_anything_is_sent(self):
        for path, why in ((f"{self.folder.path}/none/x.json", "no folder"), (self.folder.path, "a folder is no place")):
            done = harness("probe", "--exec", command(), "--report", f"json={path}")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(why, done.stderr)

    def test_nobody_there_is_no_target(self):
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
        done = harness("probe", f"127.0.0.1:{port}", "--ready-within", "300ms")
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot be reached", done.stderr)


if __name__ == "__main__":
    unittest.main()
