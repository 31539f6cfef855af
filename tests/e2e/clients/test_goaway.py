# SPDX-License-Identifier: Apache-2.0
"""G6: after a GOAWAY only what was not taken is sent again."""
import unittest

from judge import Case

SCENARIO = "drain/client-goaway-low"
NO_DEDUP = "--misbehave dedup-never"  # the reference server hides what comes twice


class Goaway(Case):
    def test_grpcio_repeats_what_was_not_taken(self):
        self.passes(SCENARIO, "sender")
        self.passes(SCENARIO, "sender", server=NO_DEDUP)

    def test_a_message_that_comes_twice_is_seen(self):
        self.fails(SCENARIO, "blind_resend", "that sub received again is 0; client_repeats(sub) is ", server=NO_DEDUP)

    def test_a_server_that_leaves_out_repeats_hides_nothing(self):
        self.fails(SCENARIO, "blind_resend", "sends(c)")


unittest.main()
