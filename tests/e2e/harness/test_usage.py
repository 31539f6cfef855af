# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in the middle of a run, and files that are not there."""
import json
import os
import signal
import subprocess
import time
import unittest
import xml.etree.ElementTree

from support import EXEC, HARNESS, Folder, harness, scenario


class Interrupt(unittest.TestCase):
    def test_results_so_far_are_in_every_report_and_nothing_is_left(self):
        long = scenario(seconds=100, expect=None, run=[{"pub": {"send": {}}}, {"hold": "1 == 1", "for": "90s"}])
        with Folder() as folder:
            folder.write("s/a.json", scenario())
            folder.write("s/b.json", long)
            folder.write("s/c.json", scenario())
            pid = folder.path / "pid"
            reports = {kind: folder.path / f"report.{kind}" for kind in ("json", "junit")}
            command = [HARNESS, "run", str(folder.path / "s"), "--profile", "reference", "--evidence",
                       str(folder.path / "e"), "--exec", f"echo $$ > '{pid}'; {EXEC}"]
            for kind, path in reports.items():
                command += ["--report", f"{kind}={path}"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for line in process.stdout:
                if line.startswith("PASS"):
                    break  # the first one is over, the second begins
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            self.assertEqual(process.wait(30), 3, "no FAIL, but INCONCLUSIVE")
            process.stdout.close()
            results = json.loads(reports["json"].read_text())["results"]
            self.assertEqual([r["verdict"] for r in results], ["pass", "inconclusive", "inconclusive"])
            self.assertIn("interrupted", results[1]["reason"])
            root = xml.etree.ElementTree.parse(reports["junit"]).getroot()
            self.assertEqual([[child.tag for child in case] for case in root.iter("testcase")],
                             [[], ["error"], ["error"]])
            for line in (folder.path / "e" / "decisions.jsonl").read_text().splitlines():
                json.loads(line)
            with self.assertRaises(ProcessLookupError, msg="the server is gone, and its port with it"):
                os.kill(int(pid.read_text()), 0)


class Files(unittest.TestCase):
    def test_a_file_that_is_not_there_is_said_to_be_so(self):
        for options in (["--ca", "/nonexistent"], ["--cert", "/nonexistent", "--key", "/nonexistent"]):
            with self.subTest(options):
                done = harness("run", "--target", "127.0.0.1:1", "--tls", *options)
                self.assertEqual(done.returncode, 2)
                self.assertIn("/nonexistent: No such file or directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
