# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in the middle of a run, and files that are not there."""
import json
import os
import signal
import subprocess
import time
import unittest
import xml.etree.ElementTree

from support import EXEC, HARNESS, SERVER, Folder, harness, scenario


class Interrupt(unittest.TestCase):
    def test_results_so_far_are_in_every_report_and_nothing_is_left(self):
        long = scenario(seconds=100, expect=None, run=[{"pub": {"send": {"count": 900, "rate": 10}}}])
        with Folder() as folder:
            folder.write("s/a.json", scenario())
            folder.write("s/b.json", long)
            folder.write("s/c.json", scenario())
            pid = folder.path / "pid"
            calls = folder.path / "calls"
            reports = {kind: folder.path / f"report.{kind}" for kind in ("json", "junit")}
            command = [HARNESS, "run", str(folder.path / "s"), "--profile", "reference", "--evidence",
                       str(folder.path / "e"), "--exec", f"echo $$ > '{pid}'; {EXEC} --log-calls all 2>'{calls}'"]
            for kind, path in reports.items():
                command += ["--report", f"{kind}={path}"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for line in process.stdout:
                if line.startswith("PASS"):
                    break  # the first one is over, the second begins
            before = calls.read_text().count("SendMessage")
            while calls.read_text().count("SendMessage") == before:
                time.sleep(0.01)
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


class Mistakes(unittest.TestCase):
    """What a clumsy user types, and what the program says to type instead."""

    CASES = (
        ("rum", "no command 'rum'; did you mean run?"),
        ("help rum", "no command 'rum'; did you mean run?"),
        ("", "There are run list explain"),
        ("run", "--target localhost:50051 where the server listens, or --exec"),
        ("run --target a:1 --exec x", "not both"),
        ("run --exec x", "{port}"),
        ("run --targt a:1", "did you mean --target?"),
        ("run --target", "needs a value"),
        ("run --target localhost", "HOST:PORT, such as localhost:50051"),
        ("run --target localhost:http", "HOST:PORT, such as localhost:50051"),
        ("run --target localhost:0", "HOST:PORT, such as localhost:50051"),
        ("run --target ::1:50051", "[::1]:50051"),
        ("run --target http://localhost:50051", "without a path: localhost:50051\n"),
        ("run --target http://localhost/chat", "without a path: localhost:50051\n"),
        ("run --target https://chat.example.com", "chat.example.com:443 and --tls"),
        ("run --target a:1 --profile refrence", "no profile 'refrence'; there are"),
        ("run --target a:1 --profile /nonexistent.json", "/nonexistent.json: cannot be opened"),
        ("run --target a:1 stalled-stream", "did you mean slow-consumers/stalled-stream?"),
        ("run --target a:1 zzzzzzzzzzzzzzzz", "'sluice-harness list' shows them"),
        ("run --target a:1 --tag startr", "no scenario has the tag 'startr'; did you mean starter? There are "),
        ("run --target a:1 --tag startr", " slow-consumers soak starter storms wire"),
        ("list zzzzzzzzzzzzzzzz", "no scenario matches 'zzzzzzzzzzzzzzzz'; 'sluice-harness list' shows them"),
        ("list stalled-stream", "did you mean slow-consumers/stalled-stream?"),
        ("list --tag starter", "unknown option '--tag'"),
        ("selftest --jobs x", "a number from 1 to 64"),
        ("selftest --report x", "json=FILE"),
        ("selftest --sample 10", "1/N"),
        ("selftest --frontend h3", "grpc or h2"),
        ("run --target a:1 --report json", "json=FILE"),
        ("run --target a:1 --report out.json", "wanted: json=out.json"),
        ("run --target a:1 --report out.xml", "wanted: junit=out.xml"),
        ("run --target a:1 --report yaml=x", "json, junit, tap, md"),
        ("run --target a:1 --report json=a --report json=b", "json is given twice"),
        ("run --target a:1 --budget 60", "such as 60s, 5m or 1h"),
        ("run --target a:1 --budget 1week", "such as 60s, 5m or 1h"),
        ("run --target a:1 --jobs two", "a number from 1 to"),
        ("run --target a:1 --repeat 0", "a number from 1 to"),
        ("run --target a:1 --seed -1", "a number from 0 to"),
        ("run --target a:1 --metadata token", "'name: value'"),
        ("run --target a:1 --cert c.pem", "--cert and --key go together"),
        ("check", "sluice-harness check my-scenario.json"),
        ("replay", "replay evidence/decisions.jsonl --target localhost:50051"),
        ("replay /nonexistent --target a:1", "replay: /nonexistent: cannot be opened: No such file"),
        ("calibrate", "--target localhost:50051"),
        ("proxy", "--listen 127.0.0.1:0 --upstream localhost:50051"),
        ("proxy --listen 5", "port 0 is any free one"),
        ("compare a.json", "two reports"),
        ("explain SUB-4", "did you mean SUB-04?"),
        ("explain --format xml SUB-04", "text, md or json"),
    )

    def test_each_is_told_what_to_type_instead(self):
        for line, said in self.CASES:
            with self.subTest(line):
                done = harness(*line.split())
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")


class Skip(unittest.TestCase):
    def test_what_skips_nothing_is_told(self):
        done = harness("run", "--tag", "health", "--skip", "health/chek", "--skip", "contract/*", "--skip", "wire/*",
                       "--target", "127.0.0.1:1", "--ready-within", "1s")
        self.assertIn("no scenario matches --skip 'health/chek'; 'sluice-harness list' shows them", done.stderr)
        self.assertEqual(done.stderr.count("--skip"), 1)


class Help(unittest.TestCase):
    def test_the_word_is_as_good_as_the_option(self):
        for words, option in ((["help"], ["--help"]), (["help", "run"], ["run", "--help"])):
            asked, wanted = harness(*words), harness(*option)
            self.assertEqual((asked.returncode, asked.stdout), (0, wanted.stdout))


class Selftest(unittest.TestCase):
    """Nothing runs, which has a status of its own."""

    def test_what_has_no_match_is_named(self):
        for line, said in (
                ("--mutant zzzzzzzzzzzzzz", "no wrong server matches 'zzzzzzzzzzzzzz'; 'sluice-server --misbehave list'"),
                ("--mutant drop-oldst", "did you mean drop-oldest?"),
                ("--scenario stalled-stream", "did you mean slow-consumers/stalled-stream?"),
                ("--scenario contract/* --mutant drop-oldest", "none of these scenarios claims to catch")):
            with self.subTest(line):
                done = harness("selftest", "--server", SERVER, *line.split())
                self.assertEqual(done.returncode, 4, done.stderr)
                self.assertIn(said, done.stderr)


class Server(unittest.TestCase):
    """The server's own mistakes of usage: told in one message, before any library says a word."""

    CASES = (
        ("--listen http://127.0.0.1:50051", "without a scheme and without a path: 127.0.0.1:50051\n"),
        ("--listen http://localhost/chat", "without a path: localhost:50051\n"),
        ("--listen 50051", "want HOST:PORT, with port 0 for any free one"),
        ("--listen :50051", "want HOST:PORT"),
        ("--listen h:65536", "want HOST:PORT"),
        ("--listen ::1:50051", "stands in brackets: [::1]:50051"),
        ("--listen [::1:50051", "[::1]:50051"),
        ("--listen h/chat:50051", "[::1]:50051"),
        ("--metrics https://h:1", "without a path: h:1\n"),
        ("--frontend http", "want grpc or h2"),
        ("--buffer none", "a whole number from 1 to"),
        ("--history -1", "a whole number from 0 to"),
        ("--ping-interval 5", "such as 250ms or 10s"),
        ("--max-message big", "such as 4MiB"),
        ("--memory 0", "such as 64MiB"),
        ("--drop-policy new", "want newest or oldest"),
        ("--log xml", "want text or json"),
        ("--log-calls some", "want none, errors or all"),
        ("--tls-cert c.pem", "--tls-cert and --tls-key go together"),
        ("--misbehave drop-oldst", "drop-oldest"),
        ("--lisen x", "did you mean --listen?"),
        ("--listen", "needs a value"),
    )

    def test_each_is_told_what_to_type_instead(self):
        for line, said in self.CASES:
            with self.subTest(line):
                done = subprocess.run([SERVER, *line.split()], capture_output=True, text=True, timeout=20, check=False)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)
                self.assertTrue(done.stderr.startswith("sluice-server: "), done.stderr)
                self.assertEqual(done.stdout, "")


class Files(unittest.TestCase):
    def test_a_file_that_is_not_there_is_said_to_be_so(self):
        for options in (["--ca", "/nonexistent"], ["--cert", "/nonexistent", "--key", "/nonexistent"]):
            with self.subTest(options):
                done = harness("run", "--target", "127.0.0.1:1", "--tls", *options)
                self.assertEqual(done.returncode, 2)
                self.assertIn("/nonexistent: No such file or directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
