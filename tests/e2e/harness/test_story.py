# SPDX-License-Identifier: Apache-2.0
"""The story of a play, from real plays: who did what, who was hit by a fault and who was not; and the JSON Schema of
reports, which every report keeps to and which has all that is in them."""
import json
import os
import unittest
from pathlib import Path

import jsonschema

from support import EXEC, SERVER, Folder, Run, harness, scenario

SOURCE = Path(os.environ["SLUICE_SOURCE"])

# A reader that takes nothing, beside: one on its connection, one in its room, one elsewhere, and two publishers.
ACTORS = {
    "pub": {"kind": "publisher"},
    "stalled": {"kind": "subscriber", "conn": "shared:c", "credit": "manual"},
    "beside": {"kind": "subscriber", "conn": "shared:c", "room": "{room}-2"},
    "mate": {"kind": "subscriber", "transport": "grpc"},
    "pub2": {"kind": "publisher", "room": "{room}-2"},
    "far": {"kind": "subscriber", "room": "{room}-2"},
}
COME = {"await": "least_received(mate,beside,far) >= 170"}


def stalled(*then, expect=None):
    return scenario(actors=ACTORS, rules=["SUB-04"], expect=expect, run=[
        {"mate,beside,far": {"subscribe": {}}},
        {"phase": "before", "do": [{"pub,pub2": {"send": {"count": 20}}},
                                   {"await": "least_received(mate,beside,far) >= 20"}]},
        {"stalled": {"subscribe": {}}},
        {"phase": "stalled", "do": [{"pub,pub2": {"send": {"count": 150, "size": 1000, "rate": 1000}}}, *then]},
        {"hold": "1 == 1", "for": "100ms"},
        {"stalled": {"cancel": {}}}])


CROWD = scenario(actors={"pub": {"kind": "publisher"}, "sub": {"kind": "subscriber", "n": 99}},
                 run=[{"sub": {"subscribe": {}}}, {"pub": {"send": {"count": 20}}},
                      {"await": "least_received(sub) >= 20"}])
SCOPES = ["same stream", "publisher", "same connection", "same room", "same server"]


def closed(schema):
    """The same schema, in which no object has a property that is not named, unless it says otherwise."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copied = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        copied.setdefault("additionalProperties", False)
    return copied


class Story(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = harness("schema").stdout
        cls.schema = jsonschema.Draft202012Validator(closed(json.loads(cls.text)))

    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)

    def valid(self, report):
        error = jsonschema.exceptions.best_match(self.schema.iter_errors(report))
        self.assertIsNone(error, f"{error and error.json_path}: {error and error.message[:300]}")

    def play(self, name, content, profile="reference", misbehave=None):
        """The one result of a scenario, whose report is as the schema has it."""
        target = EXEC if misbehave is None else f"exec '{SERVER}' --listen 127.0.0.1:{{port}} --misbehave {misbehave}"
        run = Run(self.folder, self.folder.write(f"{name}.json", content), target=("--exec", target), profile=profile)
        self.valid(run.report)
        return run.result(name)

    def affected(self, result, what):
        faults = [fault for fault in result["story"]["faults"] if fault["what"] == what]
        self.assertEqual(len(faults), 1, result["story"]["faults"])
        self.assertEqual([a["scope"] for a in faults[0]["affected"]], SCOPES)
        return {a["scope"]: a for a in faults[0]["affected"]}

    def test_the_schema_is_the_file_of_the_repository_and_well_formed(self):
        self.assertEqual(self.text, (SOURCE / "harness/report/report.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(json.loads(self.text))
        self.assertEqual(harness("schema", "scenario").stdout, harness("explain", "schema").stdout)
        self.assertEqual(harness("schema", "reprot").returncode, 2)

    def test_a_clean_server_hits_nobody_else_and_the_story_shows_what_they_got(self):
        result = self.play("clean", stalled(COME))
        self.assertEqual(result["verdict"], "pass", result)
        affected = self.affected(result, "metered reading")
        self.assertEqual(affected["same stream"]["actors"], ["stalled"])
        for scope, who in (("publisher", "pub had 150 of 150 answered (20 of 20 before)"),
                           ("same connection", "beside got 150 of 150 messages (20 of 20 before)"),
                           ("same room", "mate got 150 of 150 messages (20 of 20 before)"),
                           ("same server", "far got 150 of 150 messages (20 of 20 before)")):
            self.assertEqual(affected[scope]["judged"], affected[scope]["of"])
            self.assertIn(who, affected[scope]["text"])
        rows = {row["name"]: row for row in result["story"]["actors"]}
        self.assertEqual(rows["mate"]["totals"], {"sent": 0, "received": 170, "lost": 0})
        self.assertEqual(sum(rows["mate"]["received"]), 170)
        self.assertEqual(rows["stalled"]["connection"], rows["beside"]["connection"])
        self.assertEqual(rows["stalled"]["totals"]["lost"], 150)
        self.assertEqual([s["what"] for s in rows["stalled"]["spans"]], ["subscribe", "stream", "cancel"])
        self.assertEqual([p["name"] for p in result["story"]["phases"]], ["before", "stalled"])
        windows = [w for w in result["story"]["windows"] if w["actor"] == "stalled" and w["stream"] != 0]
        self.assertEqual(windows[0]["bytes"][-1], 0, "it never gave credit for more than the probe")

    def test_a_server_that_stops_the_room_is_seen_in_the_room_and_nowhere_else(self):
        result = self.play("room", stalled(expect=[{"delivered": "all", "of": "mate", "rule": "SUB-04"}]),
                           misbehave="stalled-stream-blocks-room")
        self.assertEqual(result["verdict"], "fail", result)
        affected = self.affected(result, "metered reading")
        self.assertEqual(affected["same room"]["actors"], ["mate"])
        self.assertIn("of 150 messages (20 of 20 before)", affected["same room"]["text"])
        self.assertNotIn("mate got 150 of 150", affected["same room"]["text"])
        blame = result["failures"][0]["blame"]
        self.assertRegex(blame, r"^the server broke SUB-04: a slow subscriber .*; felt by mate \(same room\)$")
        self.assertEqual(affected["same connection"]["actors"], [])
        self.assertIn("beside got 150 of 150", affected["same connection"]["text"])

    def test_a_hundred_actors_have_a_row_each(self):
        result = self.play("crowd", CROWD)
        story = result["story"]
        self.assertEqual(len(story["actors"]), 100)
        self.assertEqual(story["actors_left_out"], 0)
        self.assertEqual({sum(row["received"]) for row in story["actors"]}, {20})
        self.assertLess(len(json.dumps(story, separators=(",", ":"))), 100_000)

    def test_reports_of_what_was_not_played_are_valid_too(self):
        skipped = self.play("skipped", scenario(needs=["mtls"]), profile="seed")
        self.assertEqual((skipped["verdict"], skipped["story"]), ("skip", None))
        mistaken = self.play("mistaken", scenario(run=[{"await": "1 / (sent(pub) - sent(pub)) > 1"}]))
        self.assertTrue(mistaken["mistake"])
        run = Run(self.folder, "contract/chat", target=("--exec", "exit 3 # {port}"))
        self.valid(run.report)
        self.assertIn("error", run.report)


if __name__ == "__main__":
    unittest.main()
