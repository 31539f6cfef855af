# SPDX-License-Identifier: Apache-2.0
"""scenarios/scenario.schema.json is what `explain schema` prints, and judges files as an editor would."""
import copy
import json
import os
import unittest
from pathlib import Path

import jsonschema
from support import GOOD, Folder, Run, harness, scenario

SCENARIOS = Path(os.environ["SLUICE_SOURCE"]) / "scenarios"
STORED = SCENARIOS / "scenario.schema.json"
OTHERS = ("profiles", "baselines", "bindings")
SUBSCRIBE = {"sub": {"subscribe": {}}}


def actor(**keys):
    return scenario(actors={"pub": {"kind": "publisher", **keys}, "sub": {"kind": "subscriber"}})


# What an editor must mark: `check` refuses each of them too.
WRONG = {
    "an-array": [],
    "no-title": scenario(title=None),
    "top-key": scenario(titel="x"),
    "title-is-a-number": scenario(title=1),
    "level": scenario(level="cor"),
    "calibrate": scenario(calibrate=["hiden"]),
    "alone-is-a-word": scenario(alone="yes"),
    "let-is-a-list": scenario(let={"A": [1]}),
    "own-rule-is-a-number": scenario(own_rules={"PAY-01": 1}),
    "no-kind": scenario(actors={"pub": {"kind": "publisher"}, "sub": {}}),
    "kind": actor(kind="publischer"),
    "key-of-actor": actor(roms="x"),
    "suppress": actor(suppress=["prefaces"]),
    "key-of-window": actor(window={"streams": 1}),
    "run-is-an-object": scenario(run={}),
    "step-is-a-word": scenario(run=["subscribe"]),
    "step-is-empty": scenario(run=[SUBSCRIBE, {}]),
    "two-actors-in-a-step": scenario(run=[{"sub": {"subscribe": {}}, "pub": {"send": {}}}]),
    "two-verbs-in-a-step": scenario(run=[SUBSCRIBE, {"pub": {"send": {}, "close": {"how": "fin"}}}]),
    "verb": scenario(run=[SUBSCRIBE, {"pub": {"sned": {}}}]),
    "verb-without-object": scenario(run=[SUBSCRIBE, {"pub": {"send": 5}}]),
    "key-of-verb": scenario(run=[SUBSCRIBE, {"pub": {"send": {"cuont": 1}}}]),
    "key-of-a-verb-is-missing": scenario(run=[SUBSCRIBE, {"pub": {"close": {}}}]),
    "word-of-verb": scenario(run=[SUBSCRIBE, {"pub": {"close": {"how": "fni"}}}]),
    "key-of-load": scenario(run=[SUBSCRIBE, {"pub": {"send": {"at": {"posson": 5}}}}]),
    "phase-without-do": scenario(run=[{"phase": "a"}]),
    "step-in-phase": scenario(run=[{"phase": "a", "do": [{"pub": {"sned": {}}}]}]),
    "step-in-track": scenario(run=[{"parallel": [[SUBSCRIBE, {"pub": {"sned": {}}}]]}]),
    "await-is-a-list": scenario(run=[SUBSCRIBE, {"await": ["received(sub) >= 1"]}]),
    "frames-are-empty": scenario(actors={"raw": {"kind": "raw"}, **GOOD["actors"]},
                                 run=[{"raw": {"raw_frames": {"frames": []}}}, SUBSCRIBE, {"pub": {"send": {}}}]),
    "expect-is-an-object": scenario(expect={"fifo": True}),
    "check": scenario(expect=[{"deliverd": "all"}]),
    "word-of-check": scenario(expect=[{"delivered": "every"}]),
    "key-of-check": scenario(expect=[{"fifo": True, "off": "sub"}]),
    "three-bounds": scenario(expect=[{"count": "received", "between": [1, 2, 3]}]),
    "status-is-a-number": scenario(expect=[{"status": [0]}]),
}


class Schema(unittest.TestCase):
    def setUp(self):
        self.validator = jsonschema.Draft7Validator(json.loads(STORED.read_text()))

    def test_it_is_what_the_harness_prints(self):
        self.assertEqual(STORED.read_text(), harness("explain", "schema").stdout, "ci/generate writes it anew")

    def test_it_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(self.validator.schema)

    def test_every_scenario_there_is_is_valid(self):
        files = [f for f in SCENARIOS.rglob("*.json") if f != STORED and f.parent.name not in OTHERS]
        self.assertEqual(len(files), len(harness("list").stdout.splitlines()), "the library holds these and no other")
        for file in files:
            with self.subTest(file.relative_to(SCENARIOS)):
                error = jsonschema.exceptions.best_match(self.validator.iter_errors(json.loads(file.read_text())))
                self.assertIsNone(error)

    def test_what_is_wrong_is_invalid_and_refused_by_check(self):
        with Folder() as folder:
            for name, content in WRONG.items():
                with self.subTest(name):
                    self.assertFalse(self.validator.is_valid(content))
                    self.assertEqual(harness("check", folder.write(f"{name}.json", content)).returncode, 1)

    def test_the_scenario_that_they_spoil_is_valid(self):
        self.assertTrue(self.validator.is_valid(copy.deepcopy(GOOD)))

    def test_a_schema_in_a_folder_of_scenarios_is_none_of_them(self):
        with Folder() as folder:
            folder.write("s/a.json", {"$schema": "scenario.schema.json", **scenario()})
            folder.write("s/scenario.schema.json", STORED.read_text())
            run = Run(folder, folder.path / "s")
            self.assertEqual([r["id"].rsplit("/", 1)[-1] for r in run.report["results"]], ["a"], run)


if __name__ == "__main__":
    unittest.main()
