# SPDX-License-Identifier: Apache-2.0
"""The reports of a run: valid, agreeing, and complete, whatever the server does and whatever happens to the run."""
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import termios
import unittest
import xml.etree.ElementTree
from pathlib import Path

from support import EXEC, HARNESS, SERVER, Folder, harness, scenario

SCHEMA = Path(__file__).with_name("junit.xsd")
KINDS = ("json", "junit", "tap", "md", "html", "github")
FAILING = scenario(run=[{"pub": {"send": {}}}], expect=[{"count": "accepted", "of": "pub", "between": 2}])
HOLDING = scenario(seconds=100, expect=None, run=[{"sub": {"subscribe": {}}}, {"hold": "1 == 1", "for": "90s"}])
PASSING = scenario()
# What a server might write before it dies: markup, quotes, controls, no UTF-8, test points, a link.
HOSTILE = b'<b>"\'&|`]]>\x1b[2J\x00\x01 \xff\xfe \xc2\x85 \xe2\x80\xae@all\nok 1 # TODO http://x.example -->'


def read(folder):
    return {kind: folder.path / f"report.{kind}" for kind in KINDS}


def options(folder):
    return [word for kind, path in read(folder).items() for word in ("--report", f"{kind}={path}")]


def runs(pid):
    """Whether there is such a process, and more of it than the entry that its parent has not read yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Reports(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)

    def judge(self, verdicts, prove=1):
        """All reports are there and valid, and tell these verdicts in this order."""
        files = read(self.folder)
        report = json.loads(files["json"].read_text())
        self.assertEqual([r["verdict"] for r in report["results"]], verdicts)
        totals = report["totals"]
        for verdict in ("pass", "fail", "inconclusive", "skip"):
            self.assertEqual(totals[verdict], verdicts.count(verdict))
        checked = subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, files["junit"]], capture_output=True,
                                 text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        for suite in (xml.etree.ElementTree.parse(files["junit"]).getroot(),
                      xml.etree.ElementTree.parse(files["junit"]).getroot()[0]):
            self.assertEqual(suite.get("tests"), str(len(verdicts)))
            self.assertEqual(suite.get("failures"), str(totals["fail"] - totals["known"]))
            self.assertEqual(suite.get("errors"), str(totals["inconclusive"]))
        self.assertEqual(suite.get("skipped"), str(totals["skip"] + totals["known"]))
        points = re.findall(r"^(ok|not ok) (\d+) - ", files["tap"].read_text(), re.M)
        self.assertEqual([point == "ok" for point, _ in points], [v in ("pass", "skip") for v in verdicts])
        self.assertEqual([int(number) for _, number in points], list(range(1, len(verdicts) + 1)))
        proved = subprocess.run(["prove", "-v", "-e", "cat", files["tap"]], capture_output=True, check=False)
        self.assertEqual(proved.returncode, prove, proved.stdout)
        self.assertNotIn(b"Parse errors", proved.stdout)
        text = files["md"].read_text()
        self.assertIn(f"**{totals['pass']} passed, {totals['fail']} failed", text)
        rows = [line for line in text.splitlines() if line.startswith(("| **FAIL", "| FAIL", "| INCON"))]
        self.assertEqual(len(rows), totals["fail"] + totals["inconclusive"])
        self.assertEqual({row.count("|") for row in rows} - {6}, set(), "a row has five cells")
        told = files["github"].read_text().splitlines()
        for line in told:
            self.assertRegex(line, r"^::(error|warning|notice) (file=[^,:]+,)?title=[^,:]+::.+$")
        if not report.get("error"):
            self.assertEqual(sum(line.startswith("::error ") for line in told), totals["fail"] - totals["known"])
            self.assertEqual(sum(line.startswith("::warning ") for line in told), totals["inconclusive"])
        page = re.search(r'<script type="application/json" id="report">(.*?)</script>', files["html"].read_text(), re.S)
        self.assertEqual(json.loads(page.group(1)), report)
        return report

    def begin(self, target, *arguments):
        """A run that goes on; returns it when its first result is there."""
        process = subprocess.Popen([HARNESS, "run", *map(str, arguments), "--profile", "reference", *options(self.folder),
                                    "--exec", target], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        for line in process.stdout:
            if line.startswith("PASS"):
                break
        return process

    def test_verdicts_of_every_kind(self):
        for name, content in (("a", PASSING), ("b", FAILING), ("c", FAILING), ("d", scenario(needs=["ready"]))):
            self.folder.write(f"s/{name}.json", content)
        known = self.folder.write("known.json", "[]")
        arguments = ["run", self.folder.path / "s", "--profile", "seed", "--exec", EXEC, "--known-failing", known]
        done = harness(*arguments, *options(self.folder))
        self.assertEqual(done.returncode, 1, done.stderr)
        report = self.judge(["pass", "fail", "fail", "skip"])
        ids = [r["id"] for r in report["results"]]
        self.folder.write("known.json", [{"id": i, "reason": "an issue", "expires": "2999-01-31"} for i in ids[1:3]])
        done = harness(*arguments, *options(self.folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.judge(["pass", "fail", "fail", "skip"], prove=0)
        tap = read(self.folder)["tap"].read_text()
        self.assertEqual((tap.count("# TODO known failing"), tap.count("# SKIP ")), (2, 1))

    def test_the_rerun_line_comes_to_the_same(self):
        self.folder.write("s/b.json", FAILING)
        harness("run", self.folder.path / "s", "--profile", "reference", "--exec", EXEC, *options(self.folder))
        report = self.judge(["fail"])
        rerun = report["results"][0]["rerun"].replace("sluice-harness", f"'{HARNESS}'", 1)
        again = subprocess.run(["sh", "-c", rerun], capture_output=True, text=True, check=False)
        self.assertEqual(again.returncode, 1, again.stderr)
        self.assertIn(report["results"][0]["reason"], again.stdout)

    def test_a_server_that_dies_in_mid_run_with_hostile_last_words(self):
        for name, content in (("a", PASSING), ("b", HOLDING), ("c", PASSING)):
            self.folder.write(f"s/{name}.json", content)
        words = self.folder.path / "words"
        words.write_bytes(HOSTILE)
        pid = self.folder.path / "pid"
        process = self.begin(f"'{SERVER}' --listen 127.0.0.1:{{port}} & echo $! > '{pid}'; wait $!; cat '{words}' >&2; "
                             "exit 7", self.folder.path / "s", "--evidence", self.folder.path / "e")
        os.kill(int(pid.read_text()), signal.SIGKILL)
        process.stdout.read()
        self.assertEqual(process.wait(60), 1)
        report = self.judge(["pass", "fail", "pass"])
        self.assertEqual([f["rule"] for f in report["results"][1]["failures"]][-1:], ["RES-02"])
        for kind in KINDS:
            self.assertNotIn(b"\x1b", read(self.folder)[kind].read_bytes(), kind)
        self.assertFalse(runs(int(pid.read_text())), "the second server is gone, too")

    def test_an_interrupted_run(self):
        for name, content in (("a", PASSING), ("b", HOLDING), ("c", PASSING)):
            self.folder.write(f"s/{name}.json", content)
        process = self.begin(EXEC, self.folder.path / "s")
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        self.assertEqual(process.wait(30), 3)
        report = self.judge(["pass", "inconclusive", "inconclusive"])
        self.assertIn("interrupted", report["results"][2]["reason"])

    def test_a_server_that_is_not_there(self):
        self.folder.write("s/a.json", PASSING)
        done = harness("run", self.folder.path / "s", "--exec", "echo '<no> {port}' >&2; exit 3", *options(self.folder))
        self.assertEqual(done.returncode, 2)
        files = read(self.folder)
        self.assertIn("exit", json.loads(files["json"].read_text())["error"])
        subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, files["junit"]], capture_output=True, check=True)
        proved = subprocess.run(["prove", "-e", "cat", files["tap"]], capture_output=True, text=True, check=False)
        self.assertIn("Bailout called.", proved.stdout + proved.stderr)
        self.assertIn("cannot be reached", files["md"].read_text())

    def test_a_full_disk_takes_only_the_report_that_is_on_it(self):
        self.folder.write("s/a.json", PASSING)
        for kind in KINDS:
            with self.subTest(kind):
                files = read(self.folder)
                done = harness("run", self.folder.path / "s", "--profile", "reference", "--exec", EXEC,
                               *[word if word != f"{kind}={files[kind]}" else f"{kind}=/dev/full"
                                 for word in options(self.folder)])
                self.assertEqual(done.returncode, 2)
                self.assertIn("cannot write /dev/full: No space left on device", done.stderr)
                self.assertIn("1 passed", done.stdout)
                self.assertEqual({k for k in KINDS if files[k].exists()}, set(KINDS) - {kind})
                for path in files.values():
                    path.unlink(missing_ok=True)

    def test_no_report_is_left_in_part_nor_an_older_one(self):
        """RLIMIT_FSIZE is a disk that fills up in the middle of a file."""
        self.folder.write("s/a.json", PASSING)
        path = self.folder.path / "report.json"
        path.write_text("older")
        limit = shutil.which("prlimit")
        done = subprocess.run([limit, "--fsize=100", HARNESS, "run", str(self.folder.path / "s"), "--profile", "reference",
                               "--exec", EXEC, "--report", f"json={path}"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(f"cannot write {path}: File too large", done.stderr)
        self.assertEqual([p.name for p in self.folder.path.iterdir()], ["s"])

    def test_nothing_but_the_report_is_written(self):
        """What is not complete yet has no name that somebody else could have taken."""
        self.folder.write("s/a.json", FAILING)
        files, secret = read(self.folder), self.folder.path / "secret"
        secret.write_text("mine")
        for kind in KINDS:
            files[kind].with_name(files[kind].name + ".part").symlink_to(secret)
        done = harness("run", self.folder.path / "s", "--profile", "reference", "--exec", EXEC, *options(self.folder))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.judge(["fail"])
        self.assertEqual(secret.read_text(), "mine")
        for path in files.values():
            self.assertFalse(path.is_symlink(), path)
            self.assertTrue(path.with_name(path.name + ".part").is_symlink(), path)
        self.assertEqual(len(list(self.folder.path.iterdir())), 2 * len(KINDS) + 2)

    def test_two_reports_do_not_go_into_one_file(self):
        for before in (False, True):
            with self.subTest(before):
                path = self.folder.path / "report"
                other = path
                if before:  # the same by another name
                    path.write_text("older")
                    other = self.folder.path / "." / "link"
                    other.symlink_to(path)
                done = harness("run", "--target", "127.0.0.1:1", "--report", f"json={path}", "--report", f"html={other}")
                self.assertEqual(done.returncode, 2)
                self.assertIn("the report json goes into that file already", done.stderr)

    def test_a_full_stdout_is_told_by_the_exit_status(self):
        self.folder.write("s/a.json", PASSING)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([HARNESS, "run", str(self.folder.path / "s"), "--profile", "reference", "--exec", EXEC,
                                   *options(self.folder)], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot write stdout", done.stderr)
        self.judge(["pass"], prove=0)

    def test_what_is_no_format_is_told_with_those_there_are(self):
        for value in ("xml=f", "json", "tap="):
            with self.subTest(value):
                done = harness("run", "--target", "127.0.0.1:1", "--report", value)
                self.assertEqual(done.returncode, 2)
                self.assertIn("wanted: ", done.stderr)


class Live(unittest.TestCase):
    """The line below the verdicts, which only a terminal gets."""

    def play(self, **environment):
        """What is written to a terminal of 60 columns, to the interrupted end."""
        with Folder() as folder:
            folder.write("s/a.json", PASSING)
            folder.write("s/b.json", HOLDING)
            ours, theirs = pty.openpty()
            termios.tcsetwinsize(theirs, (20, 60))
            process = subprocess.Popen([HARNESS, "run", "s", "--profile", "reference", "--exec", EXEC], cwd=folder.path,
                                       stdout=theirs, stderr=subprocess.DEVNULL,
                                       env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **environment})
            os.close(theirs)
            seen, sign = b"", b"PASS" if environment.get("TERM") == "dumb" else b"running: s/b"
            try:
                while chunk := os.read(ours, 4096):
                    seen += chunk
                    if sign in seen:
                        sign = b"never again"
                        process.send_signal(signal.SIGINT)
            except OSError:  # the end of a terminal
                pass
            os.close(ours)
            self.assertEqual(process.wait(30), 3)
            return seen.decode()

    def test_how_far_it_is_and_what_is_running(self):
        seen = self.play()
        lines = [line for line in re.split(r"\r\033\[K|\r\n", seen) if " of 2 " in line]
        self.assertTrue(any(re.match(r"1 of 2  \d+ s  1 pass  running: s/b$", line) for line in lines), lines)
        self.assertTrue(all(len(line) < 60 for line in lines))
        self.assertIn("\033[32mPASS        \033[0m  s/a ", seen)
        self.assertNotIn(" of 2 ", seen.rsplit("\r\033[K", 1)[1], "it goes away in the end")

    def test_without_colour(self):
        seen = self.play(NO_COLOR="1")
        self.assertIn("running: s/b", seen)
        self.assertEqual(seen.replace("\r\033[K", "").count("\033"), 0)

    def test_a_terminal_that_erases_nothing_gets_plain_lines(self):
        seen = self.play(TERM="dumb")
        self.assertNotIn("\033", seen)
        self.assertNotIn("running:", seen)

    def test_a_pipe_gets_plain_lines(self):
        with Folder() as folder:
            done = harness("run", folder.write("s/a.json", PASSING), "--profile", "reference", "--exec", EXEC)
            self.assertTrue(done.stdout.startswith("PASS "), done.stdout)
            self.assertFalse({"\r", "\033"} & set(done.stdout))


if __name__ == "__main__":
    unittest.main()
