# SPDX-License-Identifier: Apache-2.0
"""The list of known failures, clause by clause."""
import unittest
import xml.etree.ElementTree

from support import Folder, Run, scenario

FAILING = scenario(run=[{"pub": {"send": {}}}], expect=[{"count": "accepted", "of": "pub", "between": 2}])
PASSING = scenario(run=[{"pub": {"send": {}}}], expect=None)


class Known(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)
        self.ids = {}
        for name, content in (("bad", FAILING), ("good", PASSING), ("other", PASSING)):
            self.ids[name] = self.folder.write(f"s/{name}.json", content)
        listed = Run(self.folder, self.folder.path / "s")
        self.assertEqual(listed.status, 1, listed)
        self.ids = {r["id"].split("/")[-1]: r["id"] for r in listed.report["results"]}

    def run_with(self, *entries, select="s"):
        entries = [{"id": self.ids.get(i, i), "reason": "issue 7", "expires": day} for i, day in entries]
        known = self.folder.write("known.json", entries)
        junit = self.folder.path / "junit.xml"
        run = Run(self.folder, self.folder.path / select, "--known-failing", known, "--report", f"junit={junit}")
        self.cases = xml.etree.ElementTree.parse(junit).getroot() if junit.exists() else None
        return run

    def test_a_known_failure_is_told_and_does_not_count(self):
        run = self.run_with(("bad", "2999-01-31"))
        self.assertEqual(run.status, 0, run)
        result = run.result("bad")
        self.assertEqual((result["verdict"], result["known"]), ("fail", True))
        self.assertEqual(run.report["totals"]["fail"], 1, "it stays a failure")
        self.assertNotIn("known", run.result("good"))
        case = [c for c in self.cases.iter("testcase") if c.get("name") == "bad"]
        self.assertEqual([child.tag for child in case[0]], ["skipped"])
        self.assertEqual(self.cases.get("failures"), "0")

    def test_an_expired_entry_counts_as_absent(self):
        run = self.run_with(("bad", "2020-01-31"))
        self.assertEqual(run.status, 1, run)
        self.assertNotIn("known", run.result("bad"))
        self.assertEqual(self.cases.get("failures"), "1")
        self.assertEqual(self.run_with(("good", "2020-01-31"), select="s/good.json").status, 0,
                         "an expired entry of one that passes is no failure")

    def test_one_that_passes_fails_the_run(self):
        run = self.run_with(("bad", "2999-01-31"), ("good", "2999-01-31"))
        self.assertEqual(run.status, 1, run)
        self.assertIn("take its entry out", run.done.stdout)
        self.assertTrue(run.result("good")["unexpected_pass"])
        self.assertNotIn("unexpected_pass", run.result("bad"))
        self.assertEqual((self.cases.get("failures"), self.cases[0].get("failures")), ("1", "1"))
        (failure,) = self.cases.iter("failure")
        self.assertEqual(failure.get("type"), "known-failing")
        self.assertIn("take it out", failure.get("message"))

    def test_one_that_matches_no_scenario_fails_the_run(self):
        run = self.run_with(("bad", "2999-01-31"), ("no/such", "2999-01-31"))
        self.assertEqual(run.status, 1, run)
        self.assertIn("no/such", run.done.stderr)

    def test_matched_against_all_scenarios_and_not_the_selection(self):
        run = self.run_with(("slow-consumers/stalled-stream", "2999-01-31"), select="s/good.json")
        self.assertEqual(run.status, 0, run)

    def test_a_bad_list_is_bad_usage(self):
        for text in ("{", "{}", '[{"id":"x","reason":"y","expires":"soon"}]', '[{"id":"x"}]'):
            with self.subTest(text):
                known = self.folder.write("known.json", text)
                run = Run(self.folder, self.folder.path / "s", "--known-failing", known)
                self.assertEqual(run.status, 2, run)
                self.assertIn("known.json", run.done.stderr)


if __name__ == "__main__":
    unittest.main()
