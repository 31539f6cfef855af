# SPDX-License-Identifier: Apache-2.0
"""The verbs of the server's process, on servers that go away, that stay and that do not come back."""
import os
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from support import EXEC, HARNESS, SERVER, Folder, Run, harness, scenario

WAIT_S = 30  # longer than anything takes on a slow machine
ACTORS = {"srv": {"kind": "process"}, "pub": {"kind": "publisher"}}
SEND = {"pub": {"send": {"count": 1}}}


def plays(*steps, **more):
    return scenario(actors=dict(ACTORS, **more), run=[SEND, *steps], expect=None, seconds=60)


def signals(name):
    return {"srv": {"signal": {"name": name}}}


PAUSES = plays(signals("STOP"), signals("CONT"), {"srv": {"wait_ready": {}}}, SEND)
ENDS = plays(signals("TERM"), {"srv": {"wait_exit": {"within": "2s"}}})
RESTARTS = plays(signals("KILL"), {"srv": {"wait_exit": {"status": 137}}}, {"srv": {"restart": {}}}, SEND)


def eventually(what):
    """The first true value of what(), or the last one when the time is up."""
    end = time.monotonic() + WAIT_S
    seen = what()
    while not seen and time.monotonic() < end:
        time.sleep(0.02)
        seen = what()
    return seen


def stat_of(pid):
    """State and parent of a process; None when there is none."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return state, int(parent)


def is_left(pid):
    seen = stat_of(pid)
    return seen is not None and seen[0] != "Z"


def descendants(pid):
    parents = {int(p.name): stat_of(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()}
    found = {pid}
    while True:
        more = {p for p, seen in parents.items() if seen is not None and seen[1] in found} - found
        if not more:
            return found - {pid}
        found |= more


class Started:
    """A command for --exec that notes the pid and the port of each server that it starts."""

    def __init__(self, folder, then=f"exec '{SERVER}' --listen 127.0.0.1:{{port}}"):
        self.list = folder.path / "started"
        self.command = f"echo $$ {{port}} >> '{self.list}'; count=$(wc -l < '{self.list}'); {then}"

    def all(self):
        lines = self.list.read_text().splitlines() if self.list.exists() else []
        return [tuple(map(int, line.split())) for line in lines]

    def pids(self):
        return [pid for pid, _ in self.all()]


class Processes(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)

    def run_on(self, content, then=None, **more):
        server = Started(self.folder) if then is None else Started(self.folder, then)
        run = Run(self.folder, self.folder.write("s.json", content), target=("--exec", server.command), **more)
        for pid in server.pids():
            self.assertFalse(is_left(pid), run)
        return run, server

    def test_signal_restart_wait_ready_and_wait_exit(self):
        run, server = self.run_on(RESTARTS)
        self.assertEqual(run.status, 0, run)
        ports = [port for _, port in server.all()]
        self.assertEqual(len(ports), 3, "the run's, the scenario's own, and that one again")
        self.assertEqual(ports[1], ports[2], "a restart keeps the port")
        self.assertNotEqual(ports[0], ports[1], "the run's own server is left alone")

    def test_the_servers_of_the_others_are_left_alone(self):
        folder = self.folder.path / "both"
        self.folder.write("both/a.json", ENDS)
        self.folder.write("both/b.json", scenario())
        server = Started(self.folder)
        run = Run(self.folder, folder, target=("--exec", server.command))
        self.assertEqual([run.result(n)["verdict"] for n in "ab"], ["pass", "pass"], run)
        self.assertEqual(len(server.all()), 2)

    def test_a_server_that_exits_at_once_cannot_be_reached(self):
        done = harness("run", self.folder.write("s.json", RESTARTS), "--exec", "echo no {port} today >&2; exit 3")
        self.assertEqual(done.returncode, 2, done)
        self.assertRegex(done.stderr, r"exited with status 3; it wrote: no [0-9]+ today")

    def test_a_scenarios_own_server_that_exits_at_once(self):
        run, _ = self.run_on(RESTARTS, f"[ $count = 1 ] || exit 3; {EXEC}")
        result = run.result("s")
        self.assertEqual((run.status, result["verdict"]), (1, "fail"), run)
        self.assertEqual(result["failures"][0]["rule"], "RES-02")
        self.assertIn("started for this scenario alone", result["reason"])
        self.assertIn("exited with status 3", result["reason"])

    def test_a_server_that_does_not_come_back(self):
        begin = time.monotonic()
        run, _ = self.run_on(RESTARTS, f"[ $count != 3 ] || {{ echo no port; exit 7; }}; {EXEC}")
        result = run.result("s")
        self.assertEqual((run.status, result["verdict"]), (1, "fail"), run)
        self.assertEqual(result["failures"][0]["rule"], "RES-02")
        self.assertIn("exited with status 7", result["reason"])
        self.assertIn("no port", result["reason"], "what it wrote is in the reason")
        self.assertLess(time.monotonic() - begin, WAIT_S, "an exit is noticed, not waited for")

    def test_a_server_that_ignores_sigterm_is_told_and_killed(self):
        content = plays({"sub": {"subscribe": {}}}, *ENDS["run"][1:], sub={"kind": "subscriber"})
        run, _ = self.run_on(content, f"{EXEC} --misbehave drain-never-ends")
        self.assertEqual(run.status, 1, run)
        self.assertEqual(run.result("s")["failures"][0]["rule"], "OPS-03")
        self.assertIn("does not end", run.result("s")["reason"])

    def test_grandchildren_that_stay_are_told_and_killed(self):
        left = self.folder.path / "left"
        run, _ = self.run_on(ENDS, f"(trap '' TERM; sh -c 'echo $$ >> {left}; exec sleep 1000') & {EXEC}")
        self.assertEqual(run.status, 1, run)
        self.assertIn("does not end", run.result("s")["reason"])
        pids = left.read_text().split()
        self.assertEqual(len(pids), 2)
        for pid in pids:
            self.assertFalse(is_left(pid), run)

    def test_a_wrong_exit_status(self):
        run, _ = self.run_on(plays(signals("KILL"), {"srv": {"wait_exit": {"status": 0, "rule": "RES-02"}}}))
        self.assertIn("the exit status is 137, not 0", run.result("s")["reason"])

    def test_evidence_holds_what_the_scenarios_own_server_wrote(self):
        evidence = self.folder.path / "evidence"
        content = plays(signals("KILL"), {"srv": {"wait_exit": {"status": 0}}})
        server = Started(self.folder, f"echo this is server $count; {EXEC}")
        Run(self.folder, self.folder.write("s.json", content), "--evidence", evidence,
            target=("--exec", server.command))
        logs = list(evidence.rglob("server.log"))
        self.assertEqual(len(logs), 1)
        self.assertIn("this is server 2", logs[0].read_text())


class Addresses(unittest.TestCase):
    """A server that was not started by --exec."""

    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        self.server = subprocess.Popen([SERVER, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        self.address = self.server.stdout.readline().split()[-1]

    def result(self, content, *more):
        run = Run(self.folder, self.folder.write("s.json", content), target=("--target", self.address, *more))
        self.assertIsNone(self.server.poll(), "it is somebody else's")
        return run.status, run.result("s")["verdict"], run.result("s")["reason"]

    def test_without_exec_nothing_is_signalled(self):
        for content in (ENDS, RESTARTS):
            status, verdict, reason = self.result(content)
            self.assertEqual((status, verdict), (4, "skip"))
            self.assertIn("--exec", reason)
        status, verdict, reason = self.result(PAUSES)
        self.assertEqual((status, verdict), (4, "skip"))
        self.assertIn("--pid", reason)

    def test_a_pid_is_stopped_and_continued_only(self):
        pid = ("--pid", str(self.server.pid))
        status, verdict, reason = self.result(PAUSES, *pid)
        self.assertEqual((status, verdict), (0, "pass"), reason)
        for content in (ENDS, RESTARTS):
            status, verdict, reason = self.result(content, *pid)
            self.assertEqual((status, verdict), (4, "skip"))
            self.assertIn("--exec", reason)


class Interrupted(unittest.TestCase):
    def test_nothing_is_left(self):
        """Ctrl-C while the scenario's own server is stopped, and a client in a process of its own runs."""
        content = plays({"crowd": {"spawn": {}}}, signals("STOP"), {"hold": "1 == 1", "for": "50s"},
                        crowd={"kind": "child", "streams": 3})
        with Folder() as folder, Folder() as scratch:
            server = Started(folder)
            report = folder.path / "report.json"
            run = subprocess.Popen(
                [HARNESS, "run", folder.write("s.json", content), "--profile", "reference", "--exec", server.command,
                 "--report", f"json={report}"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env=dict(os.environ, TMPDIR=str(scratch.path)))
            try:
                self.assertTrue(eventually(lambda: any((stat_of(p) or " ")[0] == "T" for p in server.pids()[1:])),
                                "the scenario's own server was stopped")
                started = descendants(run.pid)
                self.assertEqual(len(started), 3, "two servers and a client")
                run.send_signal(signal.SIGINT)
                output = run.communicate(timeout=WAIT_S)[0]
            finally:
                run.kill()
                run.wait()
                run.stdout.close()
            self.assertEqual(run.returncode, 3, output)
            self.assertIn("interrupted", output)
            self.assertTrue(report.exists(), "what is known is reported")
            self.assertEqual([p for p in started if is_left(p)], [])
            self.assertEqual(list(scratch.path.iterdir()), [])
            for _, port in server.all():
                with socket.socket() as probe:
                    self.assertNotEqual(probe.connect_ex(("127.0.0.1", port)), 0, port)

    def test_a_signal_while_a_leak_waits_for_its_second_play(self):
        server = f"exec '{SERVER}' --frontend h2 --max-streams 100 --misbehave leak-fd-of-error --listen 127.0.0.1:{{port}}"
        with Folder() as folder:
            hold = folder.write("hold.json", scenario(seconds=100, expect=None, run=[
                {"sub": {"subscribe": {}}}, {"hold": "1 == 1", "for": "90s"}]))
            run = subprocess.Popen([HARNESS, "run", hold, "wire/frame-lone-continuation", "--profile", "reference-h2", "--jobs",
                                    "2", "--evidence", str(folder.path / "e"), "--exec", server], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
            time.sleep(5)  # 3 s until it is to be played again, of which nothing can be seen from outside
            run.send_signal(signal.SIGINT)
            out, _ = run.communicate(timeout=WAIT_S)
        self.assertEqual(run.returncode, 3, out)


if __name__ == "__main__":
    unittest.main()
