# SPDX-License-Identifier: Apache-2.0
"""R2: clients that were all cut off scatter."""
import unittest

from judge import Case

SCENARIO = "storms/client-herd"


class Herd(Case):
    def test_grpcio_scatters(self):
        self.passes(SCENARIO, "keepalive")

    def test_a_fixed_delay_keeps_the_crowd_together(self):
        self.fails(SCENARIO, "fixed_delay", "of 16 connections came within 100 ms")


unittest.main()
