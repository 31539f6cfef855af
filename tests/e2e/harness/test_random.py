# SPDX-License-Identifier: Apache-2.0
"""A server that answers frames at random: the harness neither crashes nor hangs nor passes anything, and keeps its memory.
SLUICE_RANDOM_S=600 plays that long, with seeds from SLUICE_RANDOM_SEED on (.ci/soak does)."""
import concurrent.futures
import os
import re
import resource
import subprocess
import sys
import time
import unittest
from pathlib import Path

from support import HARNESS

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
from random_h2_server import RandomServer

SECONDS = float(os.environ.get("SLUICE_RANDOM_S", "0"))
SEED = int(os.environ.get("SLUICE_RANDOM_SEED", "1"))
AT_ONCE = 2
SCENARIOS = ("wire/response-*", "wire/empty-stream", "wire/ping*")
WAIT_S = 300
MOST_KB = 512 * 1024  # a sanitizer's build takes some hundred MB for itself


class Random(unittest.TestCase):
    def play(self, seed):
        server = RandomServer(seed)
        try:
            run = subprocess.Popen([HARNESS, "run", *SCENARIOS, "--target", server.address, "--ready-within", "30s",
                                    "--budget", "20s", "--jobs", "8", "--seed", str(seed)], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
            out, _ = run.communicate(timeout=WAIT_S)
        finally:
            server.close()
        self.assertIn(run.returncode, (1, 3), out[-2000:])
        self.assertIsNone(re.search(r"(?m)^PASS|Sanitizer|runtime error", out), out[-4000:])

    def test_nothing_passes(self):
        begun, seed = time.monotonic(), SEED
        while seed == SEED or time.monotonic() - begun < SECONDS:
            seeds = range(seed, seed + AT_ONCE)  # they wait more than they work
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as plays:
                for each, play in zip(seeds, [plays.submit(self.play, each) for each in seeds]):
                    with self.subTest(seed=each):
                        play.result()
            seed = seeds.stop
        most_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertLess(most_kb, MOST_KB)
        print(f"{most_kb} KB at most, {seed - SEED} plays, the last of seed {seed - 1}")


if __name__ == "__main__":
    unittest.main()
