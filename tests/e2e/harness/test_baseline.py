# SPDX-License-Identifier: Apache-2.0
"""A run kept as a baseline, held against another run, and shown by `explain` and by the reports of what fails."""
import json
import os
import shutil
import unittest
from pathlib import Path

from support import Folder, Run, SERVER, harness

SOURCE = Path(os.environ["SLUICE_SOURCE"])
CLEAN = ("--exec", f"exec '{SERVER}' --frontend h2 --listen 127.0.0.1:{{port}} 2>/dev/null")
WRONG = ("--exec", f"exec '{SERVER}' --frontend h2 --misbehave any-te-served --listen 127.0.0.1:{{port}} 2>/dev/null")


def baseline(*arguments):
    return harness("baseline", *arguments)


def copied_scenarios(folder):
    """The scenarios, with no baselines."""
    path = folder.path / "scenarios"
    shutil.copytree(SOURCE / "scenarios", path, ignore=shutil.ignore_patterns("baselines"))
    (path / "baselines").mkdir()
    return path


class Kept(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.scenarios = copied_scenarios(cls.folder)
        cls.old = os.environ.get("SLUICE_SCENARIOS")
        os.environ["SLUICE_SCENARIOS"] = str(cls.scenarios)
        cls.clean = Run(cls.folder, "wire/te", "wire/window-update-zero", target=CLEAN)
        cls.report = cls.folder.write("clean.json", cls.clean.report)
        cls.file = cls.scenarios / "baselines" / "good-2.1.json"
        cls.written = baseline("write", cls.report, "--stack", "good", "--release", "2.1", "-o", cls.file)
        # The same scenarios by a server that breaks one of them; its baseline is not installed.
        cls.wrong = Run(cls.folder, "wire/te", "wire/window-update-zero", target=WRONG)
        cls.wrong_report = cls.folder.write("wrong.json", cls.wrong.report)

    @classmethod
    def tearDownClass(cls):
        if cls.old is None:
            del os.environ["SLUICE_SCENARIOS"]
        else:
            os.environ["SLUICE_SCENARIOS"] = cls.old
        cls.folder.held.cleanup()

    def test_what_passed_says_what_came_over_the_wire(self):
        self.assertEqual(self.clean.status, 0, str(self.clean))
        self.assertEqual(self.written.returncode, 0, self.written.stderr)
        kept = json.loads(self.file.read_text())
        self.assertEqual((kept["schema"], kept["stack"], kept["version"], kept["binding"]),
                         ("sluice.baseline/1", "good", "2.1", "chat"))
        results = {result["id"]: result for result in kept["results"]}
        self.assertEqual(results["wire/te"]["verdict"], "pass")
        self.assertRegex(results["wire/te"]["seen"]["gzip"], r"^(RST_STREAM\(\w+\)|grpc-status \d+|HTTP \d+)$")
        self.assertRegex(results["wire/window-update-zero"]["seen"]["conn"], r"^GOAWAY\(PROTOCOL_ERROR\)$")

    def test_the_same_run_is_no_difference(self):
        same = baseline("diff", "--strict", self.file, self.report)
        self.assertEqual(same.returncode, 0, same.stdout + same.stderr)
        self.assertEqual(len(same.stdout.splitlines()), 1)

    def test_another_verdict_is_one(self):
        other = baseline("diff", self.file, self.wrong_report)
        self.assertEqual(other.returncode, 1, other.stdout)
        self.assertIn("worse   wire/te: pass before, now fail (CALL-11)", other.stdout)

    def test_explain_says_what_the_stack_does(self):
        for asked, wanted in (("wire/te", "good 2.1 passes: "), ("CALL-11", "good 2.1 keeps it")):
            with self.subTest(asked):
                text = " ".join(harness("explain", asked).stdout.split())
                self.assertIn("What known stacks do - " + wanted, text)

    def test_each_report_of_a_failure_says_it(self):
        seen = json.loads(self.file.read_text())["results"][0]["seen"]["gzip"]
        line = f"good 2.1 passes ({seen})"
        self.assertIn(f"known stacks: {line}", self.wrong.done.stdout)
        stacks = self.wrong.result("te")["stacks"]
        self.assertEqual([(s["stack"], s["version"], s["verdict"]) for s in stacks], [("good", "2.1", "pass")])
        self.assertEqual(self.wrong.result("window-update-zero")["stacks"], [])
        for name in ("md", "html", "junit"):
            with self.subTest(name):
                file = self.folder.path / f"report.{name}"
                harness("run", "wire/te", *WRONG, "--profile", "reference", "--report", f"{name}={file}")
                self.assertIn("good 2.1 passes", file.read_text())

    def test_a_note_stays_and_another_stack_is_not_mixed_in(self):
        file = self.folder.path / "wrong-1.json"
        arguments = ("write", self.wrong_report, "--stack", "wrong", "--release", "1", "-o", file)
        self.assertEqual(baseline(*arguments).returncode, 0)
        kept = json.loads(file.read_text())
        for result in kept["results"]:
            if result["verdict"] == "fail":
                result["note"] = "confirmed by hand"
        file.write_text(json.dumps(kept))
        self.assertEqual(baseline(*arguments).returncode, 0)
        results = {result["id"]: result for result in json.loads(file.read_text())["results"]}
        self.assertEqual(results["wire/te"]["note"], "confirmed by hand")
        other = baseline("write", self.report, "--stack", "good", "--release", "1", "-o", file)
        self.assertEqual(other.returncode, 2)
        self.assertIn("it is of wrong 1", other.stderr)
        table = baseline("table", self.file, file)
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertRegex(table.stdout, r"\| wire/te \| M \| pass; .* \| \*\*FAIL\*\* CALL-11; .* \|")
        self.assertIn("confirmed by hand", table.stdout)


class Mistakes(unittest.TestCase):
    def test_usage(self):
        with Folder() as folder:
            report = folder.write("report.json", "{}")
            for arguments, wanted in (
                    ((), "wanted: write REPORT.json"),
                    (("write", report), "--stack NAME and --release VERSION"),
                    (("write", report, "--stack", "a/b", "--release", "1"), "letters, digits"),
                    (("write", report, "--stack", "a", "--release", "1"), "$.schema: this is no report"),
                    (("write", folder.path / "none", "--stack", "a", "--release", "1"), "No such file"),
                    (("diff", report), "wanted: write REPORT.json"),
                    (("diff", report, report), "report.json:1: $: the key 'schema' is missing"),
                    (("check", folder.write("bad.json", '{\n"stack": 1}')), "bad.json:")):
                with self.subTest(arguments):
                    done = baseline(*arguments)
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(wanted, done.stderr)

    def test_what_is_there_is_not_lost(self):
        """A file that is no baseline, or an older one that cannot be read, is not written over."""
        with Folder() as folder:
            report = folder.write("report.json", {
                "schema": "sluice.report/1", "target": "t", "duration_ms": 1,
                "results": [{"id": "a", "verdict": "pass"}]})
            file = folder.write("mine.txt", "precious")
            done = baseline("write", report, "--stack", "a", "--release", "1", "-o", file)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(Path(file).read_text(), "precious")

    def test_a_bad_one_beside_the_scenarios_is_told_and_left_out(self):
        with Folder() as folder:
            scenarios = copied_scenarios(folder)
            (scenarios / "baselines" / "bad.json").write_text('{\n"schema": "sluice.baseline/7"}')
            os.environ["SLUICE_SCENARIOS"] = str(scenarios)
            try:
                done = harness("explain", "wire/te")
            finally:
                del os.environ["SLUICE_SCENARIOS"]
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stderr, r"left out: .*bad\.json:\d+: \$")
            self.assertIn("wire/te", done.stdout)


class Installed(unittest.TestCase):
    def test_all_are_good_and_named_by_what_they_are(self):
        files = sorted((SOURCE / "scenarios" / "baselines").glob("*.json"))
        self.assertGreater(len(files), 3)
        done = baseline("check", *files)
        self.assertEqual(done.returncode, 0, done.stderr)
        for file in files:
            with self.subTest(file.name):
                kept = json.loads(file.read_text())
                self.assertEqual(file.stem, f"{kept['stack']}-{kept['version']}")

    def test_the_page_is_fresh(self):
        page = (SOURCE / "docs" / "STACKS.md").read_text()
        self.assertTrue(page.endswith(baseline("table").stdout), "run ci/generate")


if __name__ == "__main__":
    unittest.main()
