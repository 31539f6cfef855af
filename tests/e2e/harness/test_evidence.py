# SPDX-License-Identifier: Apache-2.0
"""--evidence: a failure leaves a folder by which a person can see what went wrong, and a run that passes none."""
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import unittest

from support import EXEC, HARNESS, Folder, Run, scenario

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
WRONG = f"{EXEC} --misbehave duplicate-delivery"
FILES = {".sluice-evidence", "README.md", "decisions.jsonl", "records.jsonl", "result.json", "traffic.pcapng"}


def read(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def tshark(capture, *options):
    return read("tshark", "-r", capture, *options).stdout.splitlines()


def calls(capture):
    done = read(INSPECTOR, capture)
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


def fails(**changes):
    """It fails whatever the server does."""
    return scenario(expect=[{"count": "received", "between": [0, 0], "of": "sub"}], **changes)


def below(path):
    return {str(found.relative_to(path)) for found in path.rglob("*")}


def commands(folder):
    """The commands of a README.md, those of each block."""
    return [block.splitlines() for block in re.findall(r"```sh\n(.*?)\n```", (folder / "README.md").read_text(), re.S)]


class Evidence(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        self.evidence = self.folder.path / "it's evi$dence"
        self.shell = dict(os.environ, PATH=f"{os.path.dirname(HARNESS)}:{os.environ['PATH']}")

    def left(self, run, name):
        """The folder that a result says it left."""
        folder = run.result(name)["evidence"]
        self.assertIsNotNone(folder, run)
        return self.evidence / os.path.relpath(folder, self.evidence)

    def run_wrong(self, *options, target=("--exec", WRONG), **changes):
        content = scenario(actors={"pub": {"kind": "publisher"}, "sub": {"kind": "subscriber", "n": 2}},
                           run=[{"sub": {"subscribe": {}}}, {"pub": {"send": {"count": 12}}},
                                {"await": "least_received(sub) >= 12"}], **changes)
        run = Run(self.folder, self.folder.write("s.json", content), "--evidence", self.evidence, "--seed", 5,
                  *options, target=target)
        self.assertEqual(run.status, 1, run)
        return run, self.left(run, "s")

    def assert_traffic(self, capture, port_option):
        seen = calls(capture)
        sends = [call for call in seen if call["method"].endswith("/SendMessage")]
        streams = [call for call in seen if call["method"].endswith("/SubscribeToRoom")]
        self.assertEqual(len(streams), 2, seen)
        self.assertTrue(sends and all(call["kind"] == "unary" for call in sends))
        self.assertIn("text", sends[0]["request"]["messages"][0]["json"])
        self.assertTrue(streams[0]["response"]["message_count"] > 1, streams)
        if shutil.which("tshark"):
            self.assertEqual(tshark(capture, *port_option, "-Y", "_ws.malformed || tcp.analysis.flags"), [])
            paths = tshark(capture, *port_option, "-Y", "http2.headers.path", "-T", "fields", "-e",
                           "http2.headers.path")
            self.assertEqual(sum("SubscribeToRoom" in path for path in paths), 2, paths)
            names = tshark(capture, "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment", "-e",
                           "frame.interface_name")
            self.assertTrue(any(name.startswith("sub[1], h2:") and name.endswith("\tharness") for name in names), names)

    def test_a_failure_leaves_what_a_person_needs(self):
        run, left = self.run_wrong()
        self.assertEqual({path.name for path in left.iterdir()}, FILES)
        readme = (left / "README.md").read_text()
        for text in ("# FAIL: ", "SUB-01", "CONTRACT.md", "arrive in the order sent", "twice",
                     "What to look at first", run.result("s")["failures"][0]["look"]):
            self.assertIn(text, readme)
        result = json.loads((left / "result.json").read_text())
        self.assertEqual(result, run.result("s"))
        for path in left.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)
        self.assertEqual(stat.S_IMODE(left.stat().st_mode), 0o700)
        port = re.search(r"tcp\.port==(\d+),http2", readme).group(0)
        self.assert_traffic(left / "traffic.pcapng", ("-d", port))

        again, see = commands(left)
        done = subprocess.run(["sh", "-c", again[0]], env=self.shell, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(run.result("s")["reason"], done.stdout)
        done = subprocess.run(["sh", "-c", see[0]], env=self.shell, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("SubscribeToRoom", done.stdout)
        done = read(HARNESS, "replay", left / "decisions.jsonl", "--exec", WRONG)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("the same", done.stdout)

    def test_over_tls_the_keys_are_inside(self):
        for name, subject in (("ca", "/CN=test ca"), ("server", "/CN=localhost")):
            at = self.folder.path / name
            signed = [] if name == "ca" else ["-CA", self.folder.path / "ca.pem", "-CAkey",
                                              self.folder.path / "ca.key", "-addext",
                                              "subjectAltName=DNS:localhost,IP:127.0.0.1"]
            done = read("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", 2, "-subj", subject, "-keyout", f"{at}.key", "-out", f"{at}.pem", *signed)
            self.assertEqual(done.returncode, 0, done)
        at = self.folder.path
        serving = f"--tls-cert '{at}/server.pem' --tls-key '{at}/server.key'"
        run, left = self.run_wrong("--ca", at / "ca.pem", "--metadata", "x-token: secret'word",
                                   target=("--exec", f"{WRONG} {serving}"))
        self.assertIn("secret'word", str(calls(left / "traffic.pcapng")))
        self.assert_traffic(left / "traffic.pcapng", ())
        for path in left.iterdir():
            if path.name != "traffic.pcapng":
                self.assertNotIn("secret'word", path.read_text(), path)
        again, see = commands(left)
        self.assertNotIn("http2", see[1])
        done = subprocess.run(["sh", "-c", again[0]], env=self.shell, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(run.result("s")["reason"], done.stdout)

        # The C core's client, and the proxy, whose side to the server alone has TLS.
        far = fails(actors={"pub": {"kind": "publisher", "via": "proxy"},
                            "sub": {"kind": "subscriber", "transport": "grpc"}})
        run = Run(self.folder, self.folder.write("far.json", far), "--evidence", self.evidence, "--ca", at / "ca.pem",
                  target=("--exec", f"{EXEC} {serving}"))
        seen = calls(self.left(run, "far") / "traffic.pcapng")
        self.assertEqual(sum(call["method"].endswith("/SubscribeToRoom") for call in seen), 1, seen)
        self.assertEqual(sum(call["method"].endswith("/SendMessage") for call in seen), 10, seen)

    def test_both_sides_of_the_fault_proxy_are_told_apart(self):
        content = fails(actors={"pub": {"kind": "publisher", "via": "proxy"},
                                "sub": {"kind": "subscriber", "via": "proxy"}})
        run = Run(self.folder, self.folder.write("s.json", content), "--evidence", self.evidence)
        capture = self.left(run, "s") / "traffic.pcapng"
        seen = calls(capture)
        self.assertEqual(sum(call["method"].endswith("/SubscribeToRoom") for call in seen), 2, seen)
        if shutil.which("tshark"):
            names = tshark(capture, "-Y", "frame.comment", "-T", "fields", "-e", "frame.interface_name", "-e",
                           "frame.comment")
            self.assertEqual(sorted(name.split("\t")[0] for name in names), ["harness"] * 2 + ["upstream"] * 2)
            ports = re.findall(r"tcp\.port==\d+,http2", (capture.parent / "README.md").read_text())
            self.assertEqual(len(set(ports)), 2, ports)
            paths = tshark(capture, *[word for port in ports for word in ("-d", port)], "-Y",
                           'http2.headers.path contains "Subscribe"')
            self.assertEqual(len(paths), 2, paths)

    def test_a_pass_leaves_nothing_and_takes_away_what_was_left(self):
        content = fails()
        file = self.folder.write("s.json", content)
        other = self.folder.write("other.json", content)
        run = Run(self.folder, file, other, "--evidence", self.evidence, "--repeat", 2)
        left = self.left_all(run)
        self.assertEqual(len(left), 4)
        theirs = left[0] / "notes.txt"
        theirs.write_text("mine")
        (self.evidence / "foreign").mkdir()
        (self.evidence / "foreign" / "README.md").write_text("mine")
        (self.evidence / ".sluice-traffic-1-0").write_text("of a run that was killed")
        self.folder.write("s.json", scenario())
        self.assertEqual(Run(self.folder, file, "--evidence", self.evidence).status, 0)
        kept = {path for path in below(self.evidence) if (self.evidence / path).is_file()}
        others = {str((folder / name).relative_to(self.evidence)) for folder in left if "other" in folder.name
                  for name in FILES}
        self.assertEqual(kept, others | {"decisions.jsonl", "foreign/README.md",
                                         str(theirs.relative_to(self.evidence))})
        theirs.unlink()
        shutil.rmtree(self.evidence)
        self.assertEqual(Run(self.folder, file, "--evidence", self.evidence).status, 0)
        self.assertEqual(below(self.evidence), {"decisions.jsonl"})

    def left_all(self, run):
        return [self.evidence / os.path.relpath(result["evidence"], self.evidence)
                for result in run.report["results"]]

    def test_links_are_not_followed_and_files_not_written_over(self):
        file = self.folder.write("s.json", fails())
        run = Run(self.folder, file, "--evidence", self.evidence)
        left = self.left(run, "s")
        shutil.rmtree(left)
        elsewhere = self.folder.path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / ".sluice-evidence").write_text("")
        (elsewhere / "README.md").write_text("mine")
        left.symlink_to(elsewhere)
        victim = self.folder.path / "victim"
        victim.write_text("mine")
        (self.evidence / "decisions.jsonl").unlink()
        (self.evidence / "decisions.jsonl").symlink_to(victim)
        run = Run(self.folder, file, "--evidence", self.evidence)
        self.assertEqual(run.status, 1, run)
        self.assertEqual((elsewhere / "README.md").read_text(), "mine")
        self.assertEqual({path.name for path in elsewhere.iterdir()}, {".sluice-evidence", "README.md"})
        self.assertEqual(victim.read_text(), "mine")
        self.assertEqual(self.left(run, "s").name, "s.2")
        self.assertEqual({path.name for path in self.left(run, "s").iterdir()}, FILES)

    def test_an_id_stays_below_the_folder(self):
        self.folder.write("x.json", fails())
        (self.folder.path / "here").mkdir()
        report = self.folder.path / "r.json"
        done = subprocess.run([HARNESS, "run", "../x.json", "--exec", EXEC, "--evidence", "e", "--report",
                               f"json={report}"], cwd=self.folder.path / "here", capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertEqual(json.loads(report.read_text())["results"][0]["evidence"], "e/__/x")
        self.assertTrue((self.folder.path / "here" / "e" / "__" / "x" / "README.md").exists())

    def test_a_folder_that_cannot_be_written_is_told_and_the_run_goes_on(self):
        self.evidence.write_text("a file")
        run = Run(self.folder, self.folder.write("s.json", fails()), "--evidence", self.evidence)
        self.assertEqual(run.status, 2, run)
        self.assertIn("cannot be", run.done.stderr)
        self.assertEqual(run.result("s")["verdict"], "fail")
        self.assertIsNone(run.result("s")["evidence"])

    def test_a_full_disk_is_told_and_the_run_goes_on(self):
        big = fails(run=[{"sub": {"subscribe": {}}}, {"pub": {"send": {"count": 40, "size": 50000}}},
                         {"await": "received(sub) >= 40"}])
        file = self.folder.write("s.json", big)
        report = self.folder.path / "r.json"

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))
        done = subprocess.run([HARNESS, "run", file, "--exec", EXEC, "--evidence", self.evidence, "--report",
                               f"json={report}"], preexec_fn=limit, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("traffic.pcapng: File too large", done.stderr)
        self.assertEqual(json.loads(report.read_text())["results"][0]["verdict"], "fail")
        self.assertIn("it has gaps", next(self.evidence.rglob("README.md")).read_text())

    def test_the_servers_output_is_that_of_the_play(self):
        holds = fails(run=[{"sub": {"subscribe": {}}}, {"pub": {"send": {"count": 1}}}, {"await": "received(sub) >= 1"},
                           {"hold": "ended(sub) == 0", "for": "200ms"}])
        file = self.folder.write("s.json", holds)
        run = Run(self.folder, file, "--evidence", self.evidence,
                  target=("--exec", f"echo before; (while sleep 0.02; do echo tick; done) & {EXEC}"))
        log = (self.left(run, "s") / "server.log").read_text()
        self.assertIn("tick\n", log)
        self.assertNotIn("before", log)
        self.assertIn("server.log: what the server wrote", (self.left(run, "s") / "README.md").read_text())

    def test_a_server_that_dies_after_a_pass_leaves_evidence(self):
        content = scenario(expect=None, run=[*scenario()["run"], {"sub": {"close": {"how": "rst"}}},
                                             {"await": "closed(pub) == 1"}])
        run = Run(self.folder, self.folder.write("s.json", content), "--evidence", self.evidence,
                  target=("--exec", f"{EXEC} --misbehave crash-on-rst"))
        self.assertEqual(run.status, 1, run)
        left = self.left(run, "s")
        self.assertTrue({path.name for path in left.iterdir()} >= FILES - {"records.jsonl"})
        self.assertIn("RES-02", (left / "README.md").read_text())
        self.assertIn("SubscribeToRoom", str(calls(left / "traffic.pcapng")))

    def test_an_interrupted_run_leaves_what_there_is(self):
        waits = scenario(run=[{"sub": {"subscribe": {}}}, {"await": "received(sub) >= 9", "within": "50s"}],
                         seconds=60, expect=None)
        self.folder.write("s/b.json", waits)
        self.folder.write("s/a.json", scenario())
        run = subprocess.Popen([HARNESS, "run", self.folder.path / "s", "--exec", EXEC, "--evidence", self.evidence],
                               stdout=subprocess.PIPE, text=True)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        self.assertIn("PASS", run.stdout.readline())
        run.send_signal(signal.SIGINT)
        said = run.communicate()[0]
        self.assertEqual(run.wait(60), 3, said)
        files = {path for path in below(self.evidence) if (self.evidence / path).is_file()}
        left = next(self.evidence.rglob("README.md")).parent
        self.assertEqual(left.name, "b")
        self.assertEqual(files, {"decisions.jsonl"} | {
            str((left / name).relative_to(self.evidence)) for name in FILES
            if name != "traffic.pcapng" or (left / name).exists()})
        self.assertIn("# INCONCLUSIVE: ", (left / "README.md").read_text())


if __name__ == "__main__":
    unittest.main()
