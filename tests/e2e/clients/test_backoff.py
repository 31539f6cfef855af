# SPDX-License-Identifier: Apache-2.0
"""R3: a client that is refused tries no more often than its backoff allows."""
import unittest

from judge import Case

SCENARIO = "storms/client-backoff"


class Backoff(Case):
    def test_grpcio_backs_off(self):
        self.passes(SCENARIO, "keepalive")

    def test_a_loop_without_backoff_is_a_storm(self):
        self.fails(SCENARIO, "no_backoff", "attempts of 1 clients")

    def test_a_client_that_never_tries_again_is_none_that_backs_off(self):
        self.fails(SCENARIO, "gives_up", "it comes back by itself")


unittest.main()
