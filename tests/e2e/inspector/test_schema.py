# SPDX-License-Identifier: Apache-2.0
"""What every view says of every golden capture is as `sluice-inspector schema` has it, and has no field besides.

A new field of a record is written down in inspector/schema/records.schema.json first. Where a record holds names that
are not ours (metadata, counts by name, a message's own JSON) the schema says so by "additionalProperties".
"""
import copy
import json
import os
import subprocess
import unittest
from pathlib import Path

import jsonschema

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
SOURCE = Path(os.environ["SLUICE_SOURCE"])
GOLDEN = SOURCE / "tests/golden"
VIEWS = ["calls", "messages", "frames", "summary", "stalls"]


def closed(schema):
    """The same schema, in which an object has no property that is not named, unless it says otherwise."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copied = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema and "additionalProperties" not in schema \
            and "allOf" not in schema:
        copied["additionalProperties"] = False
    return copied


def inspect(*args):
    done = subprocess.run([INSPECTOR, *map(str, args)], capture_output=True, check=False, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = subprocess.run([INSPECTOR, "schema"], capture_output=True, check=True, timeout=60).stdout
        cls.schema = json.loads(cls.text)
        cls.open = jsonschema.Draft202012Validator(cls.schema)
        cls.closed = jsonschema.Draft202012Validator(closed(cls.schema))

    def test_it_is_the_file_of_the_repository_and_well_formed(self):
        self.assertEqual(self.text, (SOURCE / "inspector/schema/records.schema.json").read_bytes())
        jsonschema.Draft202012Validator.check_schema(self.schema)
        self.assertEqual(self.schema["$id"], "urn:sluice:records:1")

    def test_every_view_of_every_golden_capture(self):
        seen = {}
        for capture in sorted(GOLDEN.glob("*/input.*")):
            for view in VIEWS:
                for record in inspect("--view", view, "--lint", capture):
                    with self.subTest(capture=capture.parent.name, view=view):
                        error = jsonschema.exceptions.best_match(self.closed.iter_errors(record))
                        self.assertIsNone(error, f"{error and error.json_path}: {error and error.message[:300]}")
                    seen.setdefault(record["type"], record)
        self.assertEqual(set(seen), {"call", "message", "frame", "summary", "stall", "finding"})
        self.samples = seen

    def test_what_it_refuses(self):
        record = inspect("--view", "calls", GOLDEN / "calls-of-grpc-go/input.pcap")[0]
        self.closed.validate(record)
        for path, value in [(["colour"], "red"), (["request", "colour"], "red"), (["response", "messages", 0, "colour"], 1),
                            (["status", "colour"], 1), (["id"], "1"), (["start"], "yesterday"), (["status_source"], "guess"),
                            (["stalled_ms", "stream"], -1), (["type"], "caller")]:
            wrong = copy.deepcopy(record)
            place = wrong
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            self.assertFalse(self.closed.is_valid(wrong), path)
        for key in record:
            self.assertFalse(self.open.is_valid({k: v for k, v in record.items() if k != key}), key)
        # Readers let fields pass that they do not know.
        self.assertTrue(self.open.is_valid({**record, "colour": "red"}))


if __name__ == "__main__":
    unittest.main()
