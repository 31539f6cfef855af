# SPDX-License-Identifier: Apache-2.0
"""chaos: a clean server passes, a wrong one is found, and what it is shrunk to fails again when it is run."""
import json
import unittest
from pathlib import Path

import jsonschema
from support import EXEC, Folder, Run, harness


class Chaos(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)

    def chaos(self, *arguments, target=EXEC):
        evidence = self.folder.path / "evidence"
        report = self.folder.path / "report.json"
        done = harness("chaos", "--for", "30s", "--profile", "reference", "--evidence", evidence, "--report",
                       f"json={report}", "--exec", target, *arguments)
        return done, json.loads(report.read_text()) if report.exists() else None

    def test_clean_server_passes(self):
        done, report = self.chaos("--seed", 3, "--rounds", 1, "--max-faults", 2, "--faults", "stalled-disconnect,cancel")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(report["chaos"]["rounds"], 1)
        self.assertEqual(report["totals"]["pass"], 1)
        self.assertNotIn("PASS", done.stdout)
        self.assertIn("1 rounds of chaos: 1 passed", done.stdout)
        self.assertIn("chaos --for 1s --from 0 --rounds 1 --faults 'stalled-disconnect,cancel' --max-faults 2 --seed 3 ",
                      report["results"][0]["rerun"])
        error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(
            json.loads(harness("schema", "report").stdout)).iter_errors(report))
        self.assertIsNone(error, error)

    def test_a_round_comes_again(self):
        options = ("--seed", 17, "--faults", "cancel,half-close,burst", "--max-faults", 2)
        _, all_of_them = self.chaos(*options, "--rounds", 2)
        _, last = self.chaos(*options, "--from", 1, "--rounds", 1)
        self.assertEqual(last["results"][0]["title"], all_of_them["results"][1]["title"])
        self.assertEqual(last["chaos"]["rounds"], 1)
        self.assertEqual(sum(last["chaos"]["faults"].values()), last["results"][0]["title"].count(" at "))

    def test_process_faults_pass(self):
        for kind in ("pause", "drain", "kill"):
            with self.subTest(kind):
                done, report = self.chaos("--seed", 6, "--rounds", 1, "--max-faults", 1, "--faults", kind)
                self.assertEqual(done.returncode, 0, done)
                self.assertEqual(report["chaos"]["faults"][kind], 1)

    def test_wrong_server_is_found_and_shrunk(self):
        wrong = EXEC + " --misbehave ghost-backlog"
        done, report = self.chaos("--seed", 5, "--faults", "stalled-disconnect", "--shrink-time", "2s",
                                  "--max-faults", 2, target=wrong)
        self.assertEqual(done.returncode, 1, done)
        found, = report["chaos"]["failures"]
        self.assertEqual(found["rule"], "SUB-07")
        self.assertTrue(found["shrunk"], found)
        self.assertLessEqual(len(found["schedule"]["faults"]), 3)
        self.assertIn("stalled-disconnect", [x["kind"] for x in found["schedule"]["faults"]])
        self.assertEqual(harness("check", found["file"]).returncode, 0)
        result = report["results"][-1]
        self.assertIn(f"run '{found['file']}' --seed 5 ", result["rerun"])
        self.assertEqual((Path(result["evidence"]) / "scenario.json").read_text(), Path(found["file"]).read_text())
        run = Run(self.folder, found["file"], target=("--exec", wrong))
        self.assertEqual(run.status, 1, run)
        self.assertEqual(run.report["results"][0]["failures"][0]["rule"], "SUB-07")
        self.assertEqual(Run(self.folder, found["file"]).status, 0)

    def test_usage(self):
        for arguments, wanted in {
            (): "--for is needed",
            ("--for", "0s"): "wanted: a duration",
            ("--for", "1s", "--faults", "rest"): "did you mean 'reset'?",
            ("--for", "1s", "--faults", ""): "no faults ''",
            ("--for", "1s", "--max-faults", "17"): "from 1 to 16",
            ("--for", "1s", "--faults", "kill", "--target", "127.0.0.1:1"): "they need --exec",
            ("--for", "1s", "--faults", "pause", "--target", "127.0.0.1:1"): "needs --exec or --pid",
        }.items():
            with self.subTest(arguments):
                target = () if "--target" in arguments else ("--exec", EXEC)
                done = harness("chaos", *arguments, *target)
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(wanted, done.stderr)


if __name__ == "__main__":
    unittest.main()
