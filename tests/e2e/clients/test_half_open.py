# SPDX-License-Identifier: Apache-2.0
"""D8: a client whose server has gone silent closes its connection within its keepalive."""
import json
import tempfile
import unittest
from pathlib import Path

from judge import Case

SCENARIO = "disconnects/client-half-open"
OUR_OWN = Path(__file__).parents[3] / "scenarios" / "disconnects" / "half-open-of-our-own.json"


class HalfOpen(Case):
    def test_grpcio_with_keepalive_closes_it(self):
        self.passes(SCENARIO, "keepalive")

    def test_grpcio_without_keepalive_waits_for_ever(self):
        self.fails(SCENARIO, "no_keepalive", "left(c)")

    def test_a_new_connection_does_not_hide_the_old_socket(self):
        self.fails(SCENARIO, "keeps_the_socket", "left(c)")

    def test_our_own_clients_are_judged_like_others(self):
        """Each transport by itself: one without keepalive hangs, and that is seen."""
        self.passes("disconnects/half-open-of-our-own", "keepalive")
        for name in ("core", "own"):
            with self.subTest(name), tempfile.TemporaryDirectory(prefix="sluice-") as folder:
                made = json.loads(OUR_OWN.read_text())
                del made["actors"][name]["keepalive"]
                path = Path(folder, "without.json")
                path.write_text(json.dumps(made))
                self.fails(str(path), "keepalive", "connections that core and own closed is 2; ended(core,own) is ")


unittest.main()
