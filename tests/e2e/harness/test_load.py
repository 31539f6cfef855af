# SPDX-License-Identifier: Apache-2.0
"""Shapes of load: what a run intends and sends, as its records tell it, and what cannot be."""
import json
import unittest

from support import Folder, Run, harness, scenario


def load(send, **changes):
    """Sends so, then fails on purpose, so that there are records."""
    return scenario(run=[{"sub": {"subscribe": {}}}, {"pub": {"send": send}}, {"await": "received(sub) >= accepted(pub)"}],
                    expect=[{"count": "received", "between": [-1, -1], "of": "sub"}], **changes)


# name: the load, and when its messages are due in ms (replay: as given).
SHAPES = {
    "rate": ({"count": 5, "at": {"rate": 50}}, [0, 20, 40, 60, 80]),
    "plain-rate": ({"count": 5, "rate": 50, "loop": "open"}, [0, 20, 40, 60, 80]),
    "grouped-rate": ({"count": 6, "rate": 100, "burst": 3}, [0, 0, 0, 30, 30, 30]),
    "burst": ({"for": "250ms", "at": {"burst": {"n": 3, "every_ms": 100}}, "loop": "open"},
              [0, 0, 0, 100, 100, 100, 200, 200, 200]),
    "burst-and-count": ({"for": "250ms", "count": 4, "at": {"burst": {"n": 3, "every_ms": 100}}}, [0, 0, 0, 100]),
    "step": ({"for": "400ms", "at": {"step": [20, 50]}, "loop": "open"}, [0, 50, 100, 150, 200, 220, 240, 260, 280, 300, 320,
                                                                       340, 360, 380]),
    "step-with-a-pause": ({"for": "300ms", "at": {"step": [40, 0, 20]}, "loop": "open"}, [0, 25, 50, 75, 200, 250]),
    "ramp": ({"for": "400ms", "at": {"ramp": [0, 100]}, "loop": "open"}, [1000 * (n / 125) ** 0.5 for n in range(20)]),
    "ramp-down": ({"for": "400ms", "at": {"ramp": [100, 0]}, "loop": "open"},
                  [400 - 1000 * ((20 - n) / 125) ** 0.5 for n in range(20)]),
    "replay": ({"at": {"replay": [0, 5, 5, 70, "2*60", 121.5]}, "loop": "open"}, [0, 5, 5, 70, 120, 121.5]),
    "replay-and-count": ({"count": 3, "at": {"replay": [10, 20, 30, 40]}}, [10, 20, 30]),
    "replay-and-for": ({"for": "35ms", "at": {"replay": [10, 20, 30, 40]}}, [10, 20, 30]),
}
IMPOSSIBLE = {
    "two-shapes": ({"at": {"rate": 5, "poisson": 5}}, "'at' takes one of its keys"),
    "rate-twice": ({"rate": 5, "at": {"rate": 5}}, "'rate' and 'at' exclude each other"),
    "step-without-time": ({"at": {"step": [1, 2]}}, "'step' and 'ramp' need 'for'"),
    "ramp-of-three": ({"for": "1s", "at": {"ramp": [1, 2, 3]}}, "'ramp' is [from, to]"),
    "open-without-end": ({"for": "1s", "loop": "open"}, "an open loop needs 'count', 'rate' or 'at'"),
    "empty-replay": ({"at": {"replay": []}}, "an array of numbers"),
}
MISTAKEN = {
    "negative-step": {"for": "1s", "at": {"step": ["1 - 2"]}},
    "negative-time": {"at": {"replay": [-5]}},
    "no-poisson": {"for": "1s", "at": {"poisson": 0}},
    "group-of-none": {"count": 5, "rate": 5, "burst": 0},
}


class Load(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)

    def sent(self, *files, **options):
        """The records of what was sent, by scenario."""
        evidence = self.folder.path / "e"
        run = Run(self.folder, *files, "--seed", 3, "--jobs", 4, "--evidence", evidence, **options)
        self.assertEqual(run.status, 1, run)
        found = {}
        for path in evidence.rglob("records.jsonl"):
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            found[path.parent.name] = [x for x in rows if x["event"] == "sent"]
        return found

    def test_messages_are_due_when_the_shape_says_and_go_then(self):
        for name, (send, _) in SHAPES.items():
            self.folder.write(f"s/{name}.json", load(send))
        sent = self.sent(self.folder.path / "s")
        for name, (_, due) in SHAPES.items():
            with self.subTest(name):
                rows = sent[name]
                self.assertEqual(len(rows), len(due))
                begin = rows[0]["intended_ms"] - due[0]
                for row, at in zip(rows, due):
                    self.assertAlmostEqual(row["intended_ms"] - begin, at, delta=0.1)
                    self.assertGreaterEqual(row["sent_ms"], row["intended_ms"] - 0.01, "never early")
                    self.assertTrue(row["accepted"])

    def test_independent_users_come_at_random_and_as_many_as_they_should(self):
        many = load({"for": "500ms", "at": {"poisson": 100}, "loop": "open"},
                    actors={"pub": {"kind": "publisher", "n": 20}, "sub": {"kind": "subscriber"}})
        rows = self.sent(self.folder.write("poisson.json", many))["poisson"]
        self.assertTrue(800 < len(rows) < 1200, len(rows))  # 1000, and six standard deviations
        begin = min(row["intended_ms"] for row in rows)
        self.assertLess(max(row["intended_ms"] for row in rows) - begin, 500)
        times = [[row["intended_ms"] for row in rows if row["index"] == i] for i in range(20)]
        gaps = [b - a for at in times for a, b in zip(at, at[1:])]
        short = sum(gap < 10 for gap in gaps) / len(gaps)
        self.assertTrue(0.53 < short < 0.73, short)  # 1 - 1/e of the gaps are shorter than the mean

    def test_a_closed_loop_waits_for_replies_and_an_open_one_does_not(self):
        flight = {"actors": {"pub": {"kind": "publisher", "via": "proxy"}, "sub": {"kind": "subscriber"}}}

        def slow(name, **send):
            made = load({"count": 6, **send}, **flight)
            made["run"].insert(1, {"fault": {"latency": "50ms", "dir": "to_client"}})
            return self.folder.write(f"s/{name}.json", made)

        slow("closed")
        slow("two", inflight=2)
        slow("open", rate=1000, loop="open")
        sent = self.sent(self.folder.path / "s")

        def most_at_a_time(rows):
            return max(sum(x["sent_ms"] <= row["sent_ms"] < x["answered_ms"] for x in rows) for row in rows)

        self.assertEqual(most_at_a_time(sent["closed"]), 1)
        self.assertEqual(most_at_a_time(sent["two"]), 2)
        self.assertEqual(most_at_a_time(sent["open"]), 6)

    def test_check_tells_what_cannot_be(self):
        for name, (send, text) in IMPOSSIBLE.items():
            with self.subTest(name):
                done = harness("check", self.folder.write(f"{name}.json", load(send)))
                self.assertEqual(done.returncode, 1)
                self.assertIn("$.run[1].pub.send", done.stdout)
                self.assertIn(text, done.stdout)

    def test_numbers_that_only_a_run_knows_are_mistakes_of_the_scenario(self):
        for name, send in MISTAKEN.items():
            self.folder.write(f"s/{name}.json", load(send))
        run = Run(self.folder, self.folder.path / "s")
        self.assertEqual(run.status, 2, run)
        for name in MISTAKEN:
            self.assertIn(f"{name}.json:", run.done.stderr)
            self.assertTrue(run.result(name)["mistake"], run)


if __name__ == "__main__":
    unittest.main()
