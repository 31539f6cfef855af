# SPDX-License-Identifier: Apache-2.0
"""D8: a client whose server has gone silent closes its connection within its keepalive."""
import unittest

from judge import Case

SCENARIO = "disconnects/client-half-open"


class HalfOpen(Case):
    def test_grpcio_with_keepalive_closes_it(self):
        self.passes(SCENARIO, "keepalive")

    def test_grpcio_without_keepalive_waits_for_ever(self):
        self.fails(SCENARIO, "no_keepalive", "left(c)")

    def test_a_new_connection_does_not_hide_the_old_socket(self):
        self.fails(SCENARIO, "keeps_the_socket", "left(c)")


unittest.main()
