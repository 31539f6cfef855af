#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The selftest believes nothing that it did not see fail.

usage: test_selftest.py HARNESS SERVER
"""
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

import jsonschema

HARNESS, SERVER = (os.path.abspath(path) for path in sys.argv[1:3])
SCENARIO = "contract/send-rejected"
WAIT = 120
SCHEMA = json.loads(subprocess.run([HARNESS, "schema", "selftest"], check=True, capture_output=True, text=True).stdout)


class Selftest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def script(self, text):
        """A stand-in for the server."""
        path = os.path.join(self.folder.name, "server")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, stat.S_IRWXU)
        return path

    def selftest(self, *arguments):
        report = os.path.join(self.folder.name, "report.json")
        environment = dict(os.environ, TMPDIR=self.folder.name)
        run = subprocess.run([HARNESS, "selftest", "--report", "json=" + report, *arguments],
                             capture_output=True, text=True, timeout=WAIT, env=environment)
        data = None
        if os.path.exists(report):
            with open(report, encoding="utf-8") as file:
                data = json.load(file)
            jsonschema.Draft202012Validator(SCHEMA).validate(data)
        return run, data

    def test_a_scenario_and_its_wrong_servers(self):
        run, data = self.selftest("--server", SERVER, "--scenario", SCENARIO)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertEqual(data["schema"], "sluice.selftest/1")
        caught = {result["mutant"] for result in data["results"] if result["verdict"] == "fail"}
        self.assertEqual(len(caught), data["expected"])
        self.assertGreaterEqual(data["expected"], 3)
        self.assertEqual([(item["frontend"], item["verdict"]) for item in data["clean"]],
                         [("grpc", "pass"), ("h2", "pass")])
        self.assertEqual([name for name in os.listdir(self.folder.name) if "selftest" in name], [])

    def test_a_wrong_server_that_is_not_wrong_survives(self):
        server = self.script('if [ "$2" = list ]; then exec "%s" "$@"; fi\nexec "%s" --listen "$2"\n'
                             % (SERVER, SERVER))
        run, data = self.selftest("--server", server, "--scenario", SCENARIO)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn("SURVIVED", run.stdout)
        self.assertEqual({result["verdict"] for result in data["results"]}, {"pass"})
        self.assertEqual(len(data["uncaught"]), data["expected"])

    def test_a_clean_server_that_is_wrong_is_told(self):
        server = self.script('if [ "$2" = list ]; then exec "%s" "$@"; fi\n'
                             'exec "%s" "$@" --misbehave accepts-empty-text\n' % (SERVER, SERVER))
        run, data = self.selftest("--server", server, "--scenario", SCENARIO, "--mutant", "accepts-empty-text")
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertEqual([(item["frontend"], item["verdict"]) for item in data["clean"]],
                         [("grpc", "fail"), ("h2", "fail")])

    def test_a_server_that_never_answers_is_believed_nothing(self):
        server = self.script('if [ "$2" = list ]; then exec "%s" "$@"; fi\nexit 1\n' % SERVER)
        run, data = self.selftest("--server", server, "--scenario", SCENARIO, "--mutant", "accepts-empty-text")
        self.assertEqual(run.returncode, 3, run.stdout + run.stderr)
        self.assertEqual([item["verdict"] for item in data["results"]], ["inconclusive"])
        self.assertEqual([(item["frontend"], item["verdict"]) for item in data["clean"]],
                         [("grpc", "inconclusive"), ("h2", "inconclusive")])

    def test_a_tenth_is_the_same_tenth_of_the_same_seed(self):
        server = self.script('if [ "$2" = list ]; then exec "%s" "$@"; fi\nexit 1\n' % SERVER)
        chosen = []
        for seed in ("3", "3"):
            run, data = self.selftest("--server", server, "--mutant", "status-*", "--scenario", "wire/response-shape",
                                      "--sample", "1/3", "--seed", seed)
            self.assertEqual(run.returncode, 3, run.stdout + run.stderr)
            chosen.append([item["mutant"] for item in data["results"]])
        self.assertEqual(chosen[0], chosen[1])

    def test_usage(self):
        cases = [
            (["--server", "/nonexistent"], 2),
            (["--server", self.script("exit 0\n")], 2),
            (["--server", self.script("echo nonsense\n")], 2),
            (["--server", SERVER, "--scenario", "no/such"], 4),
            (["--server", SERVER, "--mutant", "no-such"], 4),
            (["--jobs", "0"], 2),
            (["--report", "xml=f"], 2),
        ]
        for arguments, status in cases:
            with self.subTest(arguments=arguments):
                run, _ = self.selftest(*arguments)
                self.assertEqual(run.returncode, status, run.stdout + run.stderr)

    def test_an_interrupted_matrix_is_no_success_and_leaves_nothing(self):
        report = os.path.join(self.folder.name, "report.json")
        process = subprocess.Popen(
            [HARNESS, "selftest", "--server", SERVER, "--scenario", "contract/*", "--report", "json=" + report],
            stdout=subprocess.PIPE, text=True, env=dict(os.environ, TMPDIR=self.folder.name))
        with process:
            process.stdout.readline()  # the first case has ended
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=WAIT)
            self.assertEqual(process.returncode, 3)
        with open(report, encoding="utf-8") as file:
            verdicts = [item["verdict"] for item in json.load(file)["clean"]]
        self.assertIn("inconclusive", verdicts)
        self.assertEqual([name for name in os.listdir(self.folder.name) if "selftest" in name], [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
