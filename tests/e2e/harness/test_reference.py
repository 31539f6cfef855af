# SPDX-License-Identifier: Apache-2.0
"""docs/SCENARIOS.md ends with what `explain language` prints."""
import os
import unittest
from pathlib import Path

from support import harness

PAGE = Path(os.environ["SLUICE_SOURCE"]) / "docs" / "SCENARIOS.md"
REFERENCE = harness("explain", "language").stdout


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


if __name__ == "__main__":
    unittest.main()
