# SPDX-License-Identifier: Apache-2.0
"""How a run ends that cannot go on: a silent server, signals at every stage, a closed stdout, a target that will not go.
All reports are there each time, and nothing is left of what was started."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest
import xml.etree.ElementTree
from pathlib import Path

from support import EXEC, HARNESS, SERVER, Folder, harness, scenario

SCHEMA = Path(__file__).with_name("junit.xsd")
KINDS = ("json", "junit", "tap", "md", "html")
WAIT_S = 30
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HOLDING = scenario(seconds=100, expect=None, run=[{"sub": {"subscribe": {}}}, {"hold": "1 == 1", "for": "90s"}])
CALIBRATING = scenario(calibrate=["hidden"], seconds=60)


def frame(kind, flags, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + bytes(4) + payload


class Silent:
    """A port that answers less than it should. how: "mute", "settings" (HTTP/2 and no call), "hole" (no connection)."""

    def __init__(self, how):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0 if how == "hole" else 50)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.held, self.how = [], how
        self.came = threading.Event()
        if how == "hole":  # what is queued and never accepted leaves no room for a SYN more
            for _ in range(4):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(self.listener.getsockname())
                self.held.append(client)
        else:
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
                if self.how == "settings":
                    client.sendall(frame(4, 0) + frame(4, 1))
            except OSError:
                return
            self.held.append(client)
            self.came.set()

    def close(self):
        self.listener.close()
        for client in self.held:
            client.close()


class Relay:
    """Passes bytes on, and counts connections."""

    def __init__(self, server):
        host, port = server.split(":")
        self.server, self.count, self.changed = (host, int(port)), 0, threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            inner = socket.create_connection(self.server)
            threading.Thread(target=self.pass_on, args=(client, inner), daemon=True).start()
            with self.changed:
                self.count += 1
                self.changed.notify_all()

    def pass_on(self, client, inner):
        with client, inner:
            back = threading.Thread(target=self.copy, args=(inner, client), daemon=True)
            back.start()
            self.copy(client, inner)
            back.join()

    @staticmethod
    def copy(source, sink):
        try:
            while chunk := source.recv(65536):
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: self.count >= count, WAIT_S)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def is_left(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_pending(pid, number):
    status = Path(f"/proc/{pid}/status").read_text()
    return any(int(word, 16) >> (number - 1) & 1 for word in re.findall(r"(?m)^S(?:ig|hd)Pnd:\s*(\w+)$", status))


class Ending(unittest.TestCase):
    """What the tests of ends have in common."""

    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        self.pids = self.folder.path / "pids"
        self.files = {kind: self.folder.path / f"report.{kind}" for kind in KINDS}
        self.options = [w for kind, path in self.files.items() for w in ("--report", f"{kind}={path}")]

    def stubborn(self, then):
        """A command of which every process notes itself, and none minds SIGTERM."""
        note = f"echo $$ >> '{self.pids}'"
        return (f"trap '' TERM INT HUP; {note}; sh -c '{note.replace(chr(39), '')}; sleep 1000; sleep 1000' & "
                f"{then}; sleep 1000; : {{port}}")

    def started(self):
        return [int(word) for word in self.pids.read_text().split()] if self.pids.exists() else []

    def await_file(self, path, lines):
        end = time.monotonic() + WAIT_S
        while not path.exists() or len(path.read_text().split("\n")) <= lines:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def await_taken(self, pid, number):
        """Until no signal of this number is pending any more."""
        end = time.monotonic() + WAIT_S
        while is_pending(pid, number):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def begin(self, *words):
        run = subprocess.Popen([HARNESS, "run", str(self.folder.path / "s"), "--profile", "reference", *self.options, *words],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.kill)
        return run

    def reports(self, verdicts=(), error=None):
        """All are there, valid and agree."""
        report = json.loads(self.files["json"].read_text())
        self.assertEqual([r["verdict"] for r in report["results"]], list(verdicts))
        done = subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, self.files["junit"]], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        suites = xml.etree.ElementTree.parse(self.files["junit"]).getroot()
        self.assertEqual(int(suites.get("errors")), verdicts.count("inconclusive") if verdicts else 1)
        proved = subprocess.run(["prove", "-v", "-e", "cat", self.files["tap"]], capture_output=True, text=True, check=False)
        if not error:
            self.assertNotIn("Parse errors", proved.stdout)
        page = re.search(r'<script type="application/json" id="report">(.*?)</script>', self.files["html"].read_text(), re.S)
        self.assertEqual(json.loads(page.group(1)), report)
        if error:
            self.assertRegex(report["error"], error)
            self.assertIn("Bailout called.", proved.stdout + proved.stderr)
            for kind in ("junit", "tap", "md"):
                self.assertRegex(self.files[kind].read_text(), error.split(";")[0])
        return report


class Ends(Ending):
    def test_a_silent_server_is_told_with_how_far_it_came(self):
        self.folder.write("s/a.json", scenario())
        for how, text in (("mute", "takes connections and says nothing; if it has TLS"),
                          ("settings", "speaks HTTP/2, but the call had no answer"),
                          ("hole", "no connection in time")):
            with self.subTest(how):
                server = Silent(how)
                self.addCleanup(server.close)
                run = self.begin("--target", server.address, "--ready-within", "1s")
                _, errors = run.communicate(timeout=WAIT_S)
                self.assertEqual(run.returncode, 2)
                self.assertIn(text, errors)
                self.reports(error=text.replace("; ", ".*"))

    def test_signals_before_the_first_answer(self):
        self.folder.write("s/a.json", scenario())
        for number in SIGNALS:
            with self.subTest(number):
                server = Silent("mute")
                self.addCleanup(server.close)
                run = self.begin("--target", server.address)
                self.assertTrue(server.came.wait(WAIT_S))
                run.send_signal(number)
                _, errors = run.communicate(timeout=WAIT_S)
                self.assertEqual(run.returncode, 2)
                self.assertIn("interrupted before its first answer", errors)
                self.reports(error="interrupted before its first answer")

    def test_signals_while_it_calibrates_and_plays(self):
        server = subprocess.Popen([SERVER, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        relay = Relay(server.stdout.readline().split()[-1])
        self.addCleanup(relay.close)
        for content in (CALIBRATING, HOLDING):
            self.folder.write("s/a.json", content)
            self.folder.write("s/b.json", HOLDING)
            for number in SIGNALS:
                with self.subTest(calibrates=content is CALIBRATING, number=number):
                    relay.count = 0
                    run = self.begin("--target", relay.address, "--ready-within", "30s")
                    relay.wait_for(2)  # the first asks whether it serves
                    run.send_signal(number)
                    run.communicate(timeout=WAIT_S)
                    self.assertEqual(run.returncode, 3)
                    report = self.reports(("inconclusive", "inconclusive"))
                    self.assertIn("interrupted", report["results"][0]["reason"])

    def test_a_second_signal_leaves_a_stubborn_target_no_grace(self):
        self.folder.write("s/a.json", HOLDING)
        self.folder.write("s/0.json", scenario())
        for then, verdicts in (("true", ()), (f"{{ '{SERVER}' --listen 127.0.0.1:{{port}} & }}", ("pass", "inconclusive"))):
            with self.subTest(verdicts=verdicts):
                for _ in range(3):
                    took_s = self.interrupt_twice(then, verdicts)
                    if took_s < 4:
                        break  # a busy machine may be late, but hardly each time
                self.assertLess(took_s, 4, "the grace is 5 s")

    def interrupt_twice(self, then, verdicts):
        """Seconds from the second signal to the end."""
        self.pids.unlink(missing_ok=True)
        run = self.begin("--exec", self.stubborn(then))
        self.await_file(self.pids, 2)
        if verdicts:
            self.assertTrue(run.stdout.readline().startswith("PASS"))
        run.send_signal(signal.SIGINT)
        self.await_taken(run.pid, signal.SIGINT)  # one that is not seen apart from the first would be none
        self.assertIsNone(run.poll(), "it waits for its target")
        begin = time.monotonic()
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=WAIT_S)
        took_s = time.monotonic() - begin
        self.assertEqual(run.returncode, 3 if verdicts else 2)
        self.reports(verdicts, error=None if verdicts else "interrupted")
        self.assertGreaterEqual(len(self.started()), 2)
        self.assertEqual([pid for pid in self.started() if is_left(pid)], [])
        return took_s

    def test_calibrate_leaves_nothing_behind(self):
        run = subprocess.Popen([HARNESS, "calibrate", "--profile", "reference", "--exec", self.stubborn("true")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(run.kill)
        self.await_file(self.pids, 2)
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(WAIT_S), -signal.SIGINT)
        end = time.monotonic() + WAIT_S
        while any(map(is_left, self.started())) and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual([pid for pid in self.started() if is_left(pid)], [])

    def test_a_reader_that_goes_away_and_a_stdout_that_is_closed(self):
        self.folder.write("s/a.json", scenario())
        self.folder.write("s/b.json", scenario())
        words = " ".join(f"'{w}'" for w in [HARNESS, "run", str(self.folder.path / "s"), "--profile", "reference",
                                            *self.options])
        for shell in (f'{words} --exec "$1" | head -1 | grep -q PASS; exit ${{PIPESTATUS[0]}}', f'{words} --exec "$1" >&-'):
            with self.subTest(shell[-30:]):
                done = subprocess.run(["bash", "-c", shell, "bash", EXEC], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("cannot write", done.stderr)
                self.reports_pass()

    def reports_pass(self):
        report = json.loads(self.files["json"].read_text())
        self.assertEqual([r["verdict"] for r in report["results"]], ["pass", "pass"])
        for path in self.files.values():
            self.assertTrue(path.exists())
            path.unlink()

    def test_a_report_without_a_folder_is_told_before_anything_is_played(self):
        self.folder.write("s/a.json", scenario())
        for path in ("/nowhere/r.xml", f"{self.folder.write('file', '')}/r.xml"):
            done = harness("run", self.folder.path / "s", "--exec", f"echo $$ > '{self.pids}'; {EXEC}", "--report",
                           f"junit={path}")
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"no folder for the report {path}", done.stderr)
            self.assertEqual((done.stdout, self.pids.exists()), ("", False))


if __name__ == "__main__":
    unittest.main()
