# SPDX-License-Identifier: Apache-2.0
"""K10: the same seed makes the same run, and `replay` repeats one from its decisions.jsonl."""
import json
import re
import unittest

from support import EXEC, Folder, Run, harness, scenario

SUBSCRIBE = {"sub": {"subscribe": {}}}
FAR = {"pub": {"kind": "publisher", "via": "proxy"}, "sub": {"kind": "subscriber", "n": 3, "via": "proxy"}}
TWO = {"pub": {"kind": "publisher", "n": 4}, "sub": {"kind": "subscriber"}}

# Each has something random in it, or tracks that race.
RANDOM = {
    "poisson": scenario(actors=TWO, run=[
        SUBSCRIBE,
        {"repeat": 3, "do": [{"pub": {"send": {"for": "200ms", "at": {"poisson": 200}, "size": 300, "loop": "open"}}}]},
        {"await": "received(sub) >= accepted(pub)"}]),
    "jitter": scenario(actors=FAR, run=[
        {"fault": {"latency": "2ms", "jitter": "5ms", "name": "wan"}}, SUBSCRIBE,
        {"pub": {"send": {"count": 30, "at": {"poisson": 300}}}}, {"clear": "wan"},
        {"await": "least_received(sub) >= 30"}]),
    "cut": scenario(actors=FAR, run=[
        SUBSCRIBE, {"pub": {"send": {"count": 5}}}, {"await": "least_received(sub) >= 5"},
        {"fault": {"cut": {"after": {"messages": 3}, "how": "fin"}, "dir": "to_client", "method": "SubscribeToRoom"}},
        {"pub": {"send": {"count": 5}}}, {"await": "ended(sub) == 3"}],
        expect=[{"status": ["UNAVAILABLE"], "of": "sub"}]),
    "tracks": scenario(actors=TWO, run=[
        SUBSCRIBE,
        {"repeat": 5, "do": [
            {"parallel": [
                [{"pub": {"send": {"count": 3, "at": {"poisson": 500}}}}, {"mark": "a"}, {"await": "replied(pub) >= 3"}],
                [{"mark": "b"}, {"pub": {"send": {"count": 2, "at": {"poisson": 500}}}}, {"mark": "c"}],
                {"hold": "ended(sub) == 0", "for": "5ms"}]}]},
        {"await": "received(sub) >= accepted(pub)"}]),
    "skipped": scenario(needs=["max_streams"]),
}
# It fails, so that there are records: what was intended is in them.
TIMES = scenario(actors=TWO, expect=[{"count": "received", "between": [0, 0], "of": "sub"}], run=[
    SUBSCRIBE, {"pub": {"send": {"count": 40, "at": {"poisson": 400}, "loop": "open"}}},
    {"await": "received(sub) >= 160"}])


def decisions(folder, name, *options):
    """Runs all of the folder's s/, or what the options say; the bytes of the log."""
    run = Run(folder, *options, "--evidence", folder.path / name)
    assert run.status == 0, run
    return (folder.path / name / "decisions.jsonl").read_bytes()


class Replay(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        for name, content in RANDOM.items():
            self.folder.write(f"s/{name}.json", content)
        self.all = self.folder.path / "s"

    def test_the_same_seed_decides_the_same_whatever_runs_beside_it(self):
        first = decisions(self.folder, "1", self.all, "--seed", 11)
        self.assertEqual(decisions(self.folder, "2", self.all, "--seed", 11), first)
        self.assertEqual(decisions(self.folder, "3", self.all, "--seed", 11, "--jobs", 2), first)
        self.assertNotEqual(decisions(self.folder, "4", self.all, "--seed", 12), first)
        lines = [json.loads(line) for line in first.splitlines()]
        head = lines.pop(0)
        self.assertEqual({**head, "scenarios": [s.rsplit("/", 1)[-1] for s in head["scenarios"]]},
                         {"schema": "sluice.decisions/1", "seed": "11", "profile": "reference", "strict": False,
                          "repeat": 1, "scenarios": sorted(RANDOM)})
        told = {name: [x for x in lines if x["scenario"].endswith("/" + name)] for name in RANDOM}
        self.assertEqual(len([x for x in told["poisson"] if x.get("draw") == "poisson"]), 3 * 4)
        self.assertEqual(len({x["stream"] for x in told["poisson"] if "draw" in x}), 3 * 4, "none draws what another does")
        self.assertEqual(len([x for x in told["cut"] if x.get("did") == "cut"]), 3)
        self.assertEqual([x.get("verdict") for x in told["skipped"]], ["skip"])
        marks = [x["args"]["mark"] for x in told["tracks"] if x.get("verb") == "mark"]
        self.assertEqual(marks, ["a", "b", "c"] * 5, "in the order of the file, not of the race")

    def test_a_run_is_repeated_from_its_log(self):
        log = self.folder.path / "1" / "decisions.jsonl"
        first = decisions(self.folder, "1", self.all, "--seed", 13, "--repeat", 2)
        report = self.folder.path / "again.json"
        done = harness("replay", log, "--exec", EXEC, "--jobs", 2, "--evidence", self.folder.path / "2",
                       "--report", f"json={report}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual((self.folder.path / "2" / "decisions.jsonl").read_bytes(), first)
        self.assertRegex(done.stdout, r"decisions\.jsonl: the same [0-9]{3,} lines of decisions\n")
        again = json.loads(report.read_text())
        self.assertEqual((again["seed"], again["profile"]), (13, "reference"))
        self.assertEqual(len(again["results"]), 2 * len(RANDOM))

    def test_it_says_where_it_decided_otherwise(self):
        decisions(self.folder, "1", self.all / "jitter.json", "--seed", 13)
        log = self.folder.path / "1" / "decisions.jsonl"
        changed = json.loads(json.dumps(RANDOM["jitter"]))
        changed["run"][2]["pub"]["send"]["size"] = 100
        self.folder.write("s/jitter.json", changed)
        line = 1 + next(i for i, x in enumerate(log.read_text().splitlines()) if '"verb":"send"' in x)
        done = harness("replay", log, "--exec", EXEC)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"decisions.jsonl:{line}: decided otherwise from here on: ", done.stdout)

    def test_the_same_seed_intends_the_same_times(self):
        file = self.folder.write("times.json", TIMES)

        def gaps(name, seed):
            run = Run(self.folder, file, "--seed", seed, "--evidence", self.folder.path / name)
            self.assertEqual(run.status, 1, run)
            records = self.folder.path.joinpath(name).rglob("records.jsonl")
            rows = [json.loads(line) for path in records for line in path.read_text().splitlines()]
            sent = [x for x in rows if x["event"] == "sent"]
            self.assertEqual(len(sent), 160)
            return [round(x["intended_ms"] - sent[0]["intended_ms"], 1) for x in sent]

        first = gaps("1", 5)
        self.assertLess(max(abs(a - b) for a, b in zip(first, gaps("2", 5))), 0.3)
        self.assertGreater(max(abs(a - b) for a, b in zip(first, gaps("3", 6))), 5)

    def test_several_logs_and_the_gravest_status(self):
        decisions(self.folder, "1", self.all / "jitter.json", "--seed", 1)
        failing = self.folder.write("times.json", TIMES)
        self.assertEqual(Run(self.folder, failing, "--seed", 1, "--evidence", self.folder.path / "2").status, 1)
        logs = [self.folder.path / name / "decisions.jsonl" for name in "12"]
        self.assertEqual(harness("replay", *logs, "--exec", EXEC).returncode, 1)
        self.assertEqual(harness("replay", *logs, "--exec", EXEC, "--evidence", self.folder.path / "3").returncode, 2)

    def test_what_is_no_log_is_bad_usage(self):
        good = json.loads(decisions(self.folder, "1", self.all / "skipped.json", self.all / "jitter.json")
                          .splitlines()[0])
        wrong = {
            "empty": "",
            "not-json": "{\n",
            "no-head": '{"scenario":"a","verdict":"skip"}\n',
            "schema": json.dumps({**good, "schema": "sluice.decisions/9"}),
            "seed": json.dumps({**good, "seed": "x"}),
            "repeat": json.dumps({**good, "repeat": 0}),
            "too-many": json.dumps({**good, "repeat": 1001}),
            "scenario": json.dumps({**good, "scenarios": ["no/such"]}),
            "profile": json.dumps({**good, "profile": "nobody"}),
        }
        for name, text in wrong.items():
            with self.subTest(name):
                done = harness("replay", self.folder.write(f"{name}.jsonl", text), "--exec", EXEC)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertTrue(re.match(r"sluice-harness replay: \S", done.stderr), done.stderr)
        self.assertEqual(harness("replay", "--exec", EXEC).returncode, 2)
        self.assertEqual(harness("replay", self.folder.path / "1" / "decisions.jsonl").returncode, 2, "no target")
        self.assertEqual(harness("replay", "/nonexistent", "--exec", EXEC).returncode, 2)


if __name__ == "__main__":
    unittest.main()
