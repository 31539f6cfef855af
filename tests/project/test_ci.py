#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ci/action.yml and ci/gitlab.yml, their steps run as a runner does: against the reference server and a wrong one, with hostile
inputs, with and without programs that are there already.

SLUICE_HARNESS and SLUICE_SERVER come from the environment.
"""
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
import ci_runner  # noqa: E402

BIN = str(Path(os.environ["SLUICE_HARNESS"]).parent)
EXEC = f"{shlex.quote(os.environ['SLUICE_SERVER'])} --listen 127.0.0.1:{{port}}"
WRONG = EXEC + " --misbehave ack-duplicate"
SCENARIOS = "contract/chat\ncontract/send-message\n"
ACTION = ROOT / "ci/action.yml"
GITLAB = ROOT / "ci/gitlab.yml"
# a program in the place of sluice-harness, which tells its arguments and ends as it is told
FAKE = """#!/usr/bin/env bash
if [[ $1 == --version ]]; then echo fake; exit 0; fi
printf '%s\\n' "$@" >"$(dirname "$0")/arguments"
echo '::error::not mine'
echo '::set-output name=verdict::pass' >&2
exit "$(cat "$(dirname "$0")/status")"
"""


def make_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


class Place(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice ci ")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.workspace = self.folder / "work space"
        self.workspace.mkdir()

    def fake(self, status, folder=None):
        folder = folder or self.folder / "fake"
        for name in ("sluice-harness", "sluice-inspector"):
            make_program(folder / name, FAKE)
        (folder / "status").write_text(str(status))
        return folder

    def judge_reports(self, folder, failures):
        """They are all there, and agree."""
        report = json.loads((folder / "report.json").read_text())
        self.assertEqual(report["totals"]["fail"], failures)
        suite = xml.etree.ElementTree.parse(folder / "report.xml").getroot()
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", str(failures)))
        for name in ("report.tap", "report.html", "summary.md"):
            self.assertTrue((folder / name).stat().st_size, name)
        self.assertEqual((folder / "evidence/contract/chat").is_dir(), failures > 0)
        return report


class Github(Place):
    def action(self, cache=None, path="", **inputs):
        return ci_runner.Action(ACTION, self.workspace, cache, path).run(**inputs)

    def test_the_reference_server_passes(self):
        job = self.action(bin=BIN, exec=EXEC, profile="reference", scenarios=SCENARIOS, args="--seed\n7\n")
        self.assertEqual(job.status, 0, job.log)
        self.assertEqual((job.outputs["verdict"], job.outputs["status"]), ("pass", "0"))
        report = self.judge_reports(self.workspace / job.outputs["reports"], 0)
        self.assertEqual((report["seed"], report["profile"]), (7, "reference"))
        self.assertIn("**2 passed, 0 failed", job.summary)
        self.assertEqual([kind for kind, _, _ in job.annotations], ["notice"])
        for name in ("json", "junit", "html", "summary", "evidence"):
            self.assertTrue((self.workspace / job.outputs[name]).exists(), name)

    def test_a_wrong_server_fails(self):
        job = self.action(path=BIN + ":", exec=WRONG, scenarios=SCENARIOS, report_dir="out/of it")
        self.assertEqual(job.status, 1, job.log)
        self.assertEqual((job.outputs["verdict"], job.outputs["status"]), ("fail", "1"))
        self.judge_reports(self.workspace / "out/of it", 1)
        self.assertIn("contract/chat", job.summary)
        self.assertIn("**1 passed, 1 failed", job.summary)
        kind, properties, text = job.annotations[0]
        self.assertEqual(kind, "error")
        self.assertRegex(properties["title"], r"^contract/chat \[CHAT-0\d\]$")
        self.assertIn("acknowledgement", text)

    def test_an_own_scenario_that_fails_is_told_at_its_file(self):
        chat = json.loads((ROOT / "scenarios/contract/chat.json").read_text())
        (self.workspace / "own.json").write_text(json.dumps(chat))
        job = self.action(bin=BIN, exec=WRONG, scenarios="own.json")
        self.assertEqual(job.status, 1, job.log)
        self.assertEqual(job.annotations[0][1]["file"], "own.json")

    def test_a_known_failure_passes(self):
        known = [{"id": "contract/chat", "reason": "an issue", "expires": "2999-01-31"}]
        (self.workspace / "known.json").write_text(json.dumps(known))
        job = self.action(bin=BIN, exec=WRONG, scenarios=SCENARIOS, known_failing="known.json")
        self.assertEqual((job.status, job.outputs["verdict"]), (0, "pass"), job.log)

    def test_what_cannot_run_says_so(self):
        cases = [({"exec": "exit 7 # {port}"}, "target"), ({"target": "nowhere"}, "nowhere"),
                 ({"exec": EXEC, "args": "--nonsense"}, "--nonsense"), ({}, "")]
        for inputs, words in cases:
            with self.subTest(words):
                job = self.action(bin=BIN, scenarios="contract/send-message", **inputs)
                self.assertEqual((job.status, job.outputs["verdict"]), (2, "error"), job.log)
                self.assertTrue(job.summary)
                self.assertIn(words, job.log)

    def test_inconclusive_is_as_it_is_asked_for(self):
        for status, allow, expected in [("3", "false", 3), ("3", "true", 0), ("1", "true", 1), ("4", "true", 4)]:
            job = self.action(bin=str(self.fake(status)), target="h:1", allow_inconclusive=allow)
            self.assertEqual((job.status, job.outputs["status"]), (expected, status))

    def test_inputs_become_arguments_and_nothing_else(self):
        fake = self.fake(0)
        evil = "$(touch pwned)`touch pwned`\"; touch pwned; '"
        job = self.action(bin=str(fake), target=evil, profile=evil, scenarios=f"{evil}\n\n-x\r\n* a b", tags="one two", skip=evil,
                          known_failing=evil, args=f"--metadata\n{evil}")
        self.assertEqual(job.status, 0, job.log)
        words = (fake / "arguments").read_text().splitlines()
        self.assertEqual(words[:6], ["run", f"--target={evil}", f"--profile={evil}", f"--known-failing={evil}", "--tag=one", "--tag=two"])
        self.assertEqual(words[6], f"--skip={evil}")
        self.assertEqual(words[-6:], ["--metadata", evil, "--", evil, "-x", "* a b"])
        self.assertEqual([path for path in self.folder.rglob("pwned")], [])

    def test_a_folder_with_a_line_break_is_refused(self):
        job = self.action(bin=str(self.fake(0)), target="h:1", report_dir="x\nverdict=pass")
        self.assertEqual((job.status, job.outputs["verdict"]), (2, ""))
        job = self.action(bin="x\nneeded=no", target="h:1")
        self.assertEqual(job.status, 2)

    def test_commands_in_the_words_of_a_server_are_none(self):
        job = self.action(bin=str(self.fake(1)), target="h:1")
        self.assertIn("::error::not mine", job.log)
        self.assertEqual(job.annotations, [])
        self.assertEqual(job.outputs["verdict"], "fail")

    def test_programs_come_from_the_cache(self):
        plan = subprocess.run([ROOT / "ci/kit/setup", "--plan"], capture_output=True, text=True, check=True,
                              env={"PATH": ci_runner.BASE_PATH, "RUNNER_TEMP": "/nowhere"})
        told = dict(line.split("=", 1) for line in plan.stdout.splitlines())
        self.assertEqual((told["needed"], told["prefix"], told["bin"]), ("yes", "/nowhere/sluice", "/nowhere/sluice/bin"))
        kept = self.folder / "kept"
        self.fake(0, kept / "bin")
        (kept / "share/sluice").mkdir(parents=True)
        (kept / "share/sluice/kit").write_text(told["key"] + "\n")
        job = self.action(cache={told["key"]: kept}, target="h:1")
        self.assertEqual(job.status, 0, job.log)
        self.assertIn("is of this source", job.log)
        self.assertTrue((self.folder / "runner_temp/sluice/bin/arguments").exists())

    def test_no_script_holds_an_expression(self):
        action = ci_runner.load(ACTION)
        used = set()
        for step in action["runs"]["steps"]:
            self.assertNotIn("${{", step.get("run", ""))
            self.assertLess(len(step.get("run", "").splitlines()), 2, "scripts are files")
            used |= set(re.findall(r"inputs\.([\w-]+)", json.dumps(step)))
        self.assertEqual(used, set(action["inputs"]))


class Gitlab(Place):
    def job(self, path=BIN + ":", **variables):
        variables = {"SLUICE_KIT": str(ROOT / "ci/kit"), "SLUICE_IDS": SCENARIOS, **variables}
        return ci_runner.gitlab_job(GITLAB, ".sluice", self.workspace, variables, path)

    def test_the_reference_server_passes(self):
        job = self.job(SLUICE_EXEC=EXEC, SLUICE_PROFILE="reference")
        self.assertEqual(job.status, 0, job.log)
        self.judge_reports(self.workspace / "sluice-report", 0)
        self.assertEqual(job.outputs["$SLUICE_REPORTS/report.xml"], [self.workspace / "sluice-report/report.xml"])

    def test_a_wrong_server_fails_and_leaves_reports(self):
        job = self.job(SLUICE_EXEC=WRONG, SLUICE_REPORTS="out")
        self.assertEqual(job.status, 1, job.log)
        self.judge_reports(self.workspace / "out", 1)
        self.assertEqual(job.outputs, {"$SLUICE_REPORTS": [self.workspace / "out"],
                                       "$SLUICE_REPORTS/report.xml": [self.workspace / "out/report.xml"]})
        self.assertNotIn("::", job.log, "GitLab has no workflow commands")

    def test_the_source_is_cloned_and_built_where_it_is_asked_for(self):
        source = self.folder / "source"
        make_program(source / "ci/kit/run", (ROOT / "ci/kit/run").read_text())
        make_program(source / "ci/kit/setup", f"#!/bin/sh\nmkdir -p \"$1/bin\" && ln -s {shlex.quote(os.environ['SLUICE_HARNESS'])} \"$1/bin/\"\n")
        git = ["git", "-C", source, "-c", "user.name=t", "-c", "user.email=t@example.org"]
        for words in (["init", "-q", "-b", "v1"], ["add", "."], ["commit", "-q", "-m", "kit"]):
            subprocess.run([*git, *words], check=True, capture_output=True)
        job = self.job(path="", SLUICE_REPOSITORY=f"file://{source}", SLUICE_REF="v1", SLUICE_EXEC=EXEC, SLUICE_PROFILE="reference",
                       SLUICE_KIT="/nowhere")
        self.assertEqual(job.status, 0, job.log)
        self.judge_reports(self.workspace / "sluice-report", 0)

    def test_an_image_without_the_programs_fails(self):
        job = self.job(path="", SLUICE_TARGET="127.0.0.1:1")
        self.assertEqual(job.status, 2)
        self.assertIn("there is no sluice-harness", job.log)


class Cancelled(Place):
    def test_a_job_that_is_cancelled_leaves_its_reports(self):
        env = {"PATH": BIN + ":" + ci_runner.BASE_PATH, "SLUICE_EXEC": EXEC, "SLUICE_PROFILE": "reference",
               "SLUICE_IDS": "contract/send-message\ncontract/chat-pings", "GITHUB_OUTPUT": str(self.folder / "outputs")}
        with subprocess.Popen([ROOT / "ci/kit/run"], cwd=self.workspace, env=env, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL) as job:
            for line in job.stdout:
                if line.startswith("PASS"):
                    break
            job.send_signal(signal.SIGTERM)
            job.stdout.read()
            self.assertEqual(job.wait(60), 3)
        report = json.loads((self.workspace / "sluice-report/report.json").read_text())
        self.assertEqual(sorted(result["verdict"] for result in report["results"]), ["inconclusive", "pass"])
        self.assertIn("verdict=inconclusive\n", (self.folder / "outputs").read_text())


if __name__ == "__main__":
    unittest.main()
