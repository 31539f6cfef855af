# SPDX-License-Identifier: Apache-2.0
"""What `explain` says of rules, scenarios, tags and words, in text, Markdown and JSON."""
import json
import os
import re
import unittest
from pathlib import Path

from support import Folder, harness, scenario

SOURCE = Path(os.environ["SLUICE_SOURCE"])


def explained(*arguments):
    done = harness("explain", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Rules(unittest.TestCase):
    def test_every_rule_of_the_contract(self):
        contract = (SOURCE / "proto" / "CONTRACT.md").read_text()
        rules = sorted(set(re.findall(r"\b(?:SEND|SUB|CHAT|RES|OPS)-\d+b?\b", contract)))
        self.assertGreater(len(rules), 40)
        told = [json.loads(line) for line in explained("--format", "json", *rules).splitlines()]
        self.assertEqual([rule["id"] for rule in told], rules)
        for rule in told:
            with self.subTest(rule["id"]):
                headings = [section["heading"] for section in rule["sections"]]
                self.assertIn("What it prevents", headings)
                self.assertIn("Where to look first when it fails", headings)

    def test_a_wrong_server_and_who_catches_it(self):
        text = " ".join(explained("SUB-04").split())
        self.assertIn("stalled-stream-blocks-room, caught by slow-consumers/stalled-stream", text)

    def test_a_rule_of_the_wire_and_what_stacks_do(self):
        text = " ".join(explained("CALL-20").split())
        for part in ("RFC 9113 5.1", "Where to look first", "The C core sends a second block of trailers",
                     "gRPC C core 1.51.1"):
            self.assertIn(part, text)

    def test_the_page_of_all_rules_is_fresh(self):
        page = (SOURCE / "docs" / "RULES.md").read_text()
        self.assertTrue(page.endswith(explained("rules", "--format", "md")), "run ci/generate")

    def test_every_rule_of_the_catalogue_is_checked_and_every_check_of_a_must_is_proven(self):
        counts = {"CALL": 24, "FRM": 20, "META": 13, "TIME": 6, "CANC": 3, "FLOW": 24, "CONN": 19, "ABU": 10,
                  "TLS": 6, "HLTH": 3, "REFL": 2}
        catalogue = {f"{group}-{number:02}" for group, count in counts.items() for number in range(1, count + 1)}
        self.assertEqual(len(catalogue), 130)
        told = {}
        for line in explained("coverage").splitlines()[2:]:
            rule, level, scenarios, passive, mutants = (cell.strip() for cell in line.strip("|").split("|"))
            told[rule] = (level, int(scenarios), passive, int(mutants))
        self.assertEqual(catalogue - set(told), set(), "rules without a row in harness/rules/rules.def")
        for rule, (level, scenarios, passive, mutants) in told.items():
            with self.subTest(rule):
                self.assertTrue(scenarios > 0 or passive, "nothing checks it")
                if level.startswith("M"):
                    self.assertGreater(mutants, 0, "no wrong server proves the check")


class Scenarios(unittest.TestCase):
    def test_each_is_told_in_sentences(self):
        ids = harness("list", "--json").stdout.splitlines()
        told = explained("--format", "json", *(json.loads(line)["id"] for line in ids)).splitlines()
        self.assertEqual(len(told), len(ids))
        for line in told:
            made = json.loads(line)
            done = [item["text"] for section in made["sections"] for item in section["items"]
                    if section["heading"] in ("What is done", "What must be seen")]
            with self.subTest(made["id"]):
                self.assertGreaterEqual(len(done), 2)
                self.assertNotRegex("\n".join(done), r'[{]"|[}]$|\bnull\b')

    def test_one_of_the_users_own(self):
        with Folder() as folder:
            path = folder.write("mine.json", scenario(
                let={"N": 7}, run=[{"sub": {"subscribe": {}}}, {"pub": {"send": {"count": "N", "rate": 20}}},
                                   {"await": "received(sub) >= N", "within": "3s", "why": "all \x1b[31m came"}]))
            text = " ".join(explained(path).split())
        self.assertIn("pub sends N messages, 20 a second", text)
        self.assertIn("wait, at most 3s, until the number of messages that sub received is at least N: "
                      "all \\x1b[31m came", text)
        self.assertIn("N = 7", text)

    def test_lines_fit_a_page(self):
        for line in explained("slow-consumers/stalled-stream").splitlines():
            self.assertLessEqual(len(line), 80)


class Words(unittest.TestCase):
    def test_tags_verbs_checks_capabilities_verdicts_and_statuses(self):
        for word, part in (("D8", "disconnects/client-half-open"), ("credit", "A verb of subscriber"),
                           ("backlog", "check"), ("ready", "SUB-10"), ("min_ping_interval_ms", "ENHANCE_YOUR_CALM"),
                           ("INCONCLUSIVE", "Nobody can tell"), ("3", "No FAIL"), ("H", "ceil(128 KiB"),
                           ("publisher", "send:"), ("probe", "--dry-run"), ("binding", "--binding health"),
                           ("baseline", "baseline diff")):
            with self.subTest(word):
                self.assertIn(part, explained(word))

    def test_nothing_asked_lists_what_can_be(self):
        text = explained()
        for part in ("SUB-04", "FLOW-01", "subscribe", "delivered", "drop_policy", "language"):
            self.assertIn(part, text)

    def test_the_nearest(self):
        for wrong, right in (("sub-4", "SUB-04"), ("stalled-stream", "slow-consumers/stalled-stream"),
                             ("subscrib", "subscribe"), ("keepalife", "keepalive")):
            done = harness("explain", wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(f"nothing is known of '{wrong}'; did you mean {right}?", done.stderr)


if __name__ == "__main__":
    unittest.main()
