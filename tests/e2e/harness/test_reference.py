# SPDX-License-Identifier: Apache-2.0
"""docs/SCENARIOS.md ends with what `explain language` prints: every key, and an accepted example of every verb and check."""
import json
import os
import re
import unittest
from pathlib import Path

import jsonschema
from support import Folder, harness, scenario

PAGE = Path(os.environ["SLUICE_SOURCE"]) / "docs" / "SCENARIOS.md"
REFERENCE = harness("explain", "language").stdout
BLOCK = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


def sections(title):
    """What stands under a heading, by the names of what it describes."""
    part = REFERENCE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return {text.split("\n")[0]: text for text in part.split("\n### ")[1:]}


def example(text):
    blocks = BLOCK.findall(text)
    assert len(blocks) == 1, text
    return json.loads(blocks[0])


class Reference(unittest.TestCase):
    def test_the_page_has_the_tables_of_the_code(self):
        page = PAGE.read_text()
        start = page.index("\n## Top keys\n") + 1
        self.assertEqual(page[start:], REFERENCE, "ci/generate writes it anew")

    def test_every_key_says_what_it_means(self):
        rows = [line.split(" | ") for line in REFERENCE.splitlines() if line.startswith("| `")]
        self.assertGreater(len(rows), 400)
        for row in rows:
            self.assertEqual(len(row), 3, row)
            self.assertNotIn(row[2].strip(" |"), ("", "(needed)"), row)

    def test_check_and_the_schema_accept_an_example_of_every_verb_and_check(self):
        actors = example(REFERENCE.split("\n## Actors\n")[1].split("\n## ")[0])
        quiet = [{"phase": "healthy", "do": [{"pub": {"send": {}}}]}, {"phase": "other", "do": []}]
        steps = {**sections("Steps that order others"), **sections("Verbs of actors")}
        checks = sections("Checks")
        self.assertGreater(len(steps), 40)
        self.assertGreater(len(checks), 24)
        schema = jsonschema.Draft7Validator(json.loads(harness("explain", "schema").stdout))
        with Folder() as folder:
            for name, text in {**steps, **checks}.items():
                with self.subTest(name):
                    it = example(text)
                    key = next(iter(it))
                    if name in checks:
                        phases = [*quiet, {"phase": "burst", "do": []}]
                        made = scenario(actors=actors, run=phases, expect=[it])
                        self.assertEqual(key, name)
                    else:
                        made = scenario(actors=actors, run=[*quiet, it], expect=None)
                        self.assertIn(name, [key, *(it[key] if key in actors else json.dumps(it).split('"'))])
                    done = harness("check", folder.write(f"{name}.json", made))
                    self.assertEqual(done.returncode, 0, done.stdout)
                    self.assertTrue(schema.is_valid(made))


if __name__ == "__main__":
    unittest.main()
