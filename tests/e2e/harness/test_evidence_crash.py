# SPDX-License-Identifier: Apache-2.0
"""Evidence of a server that dies behind a play that passed: the run asks for as long as it waits for any answer."""
import subprocess
import unittest

import test_evidence
from support import SERVER, Run, scenario


class Crash(unittest.TestCase):
    setUp = test_evidence.Evidence.setUp
    left = test_evidence.Evidence.left

    def test_a_server_that_dies_after_a_pass_leaves_evidence(self):
        content = scenario(run=[*scenario()["run"], {"sub": {"close": {"how": "rst"}}}], expect=None)
        server = subprocess.Popen([SERVER, "--listen", "127.0.0.1:0", "--misbehave", "crash-on-rst"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        with server.stdout:
            address = server.stdout.readline().split()[-1]
        run = Run(self.folder, self.folder.write("s.json", content), "--evidence", self.evidence,
                  target=("--target", address))
        self.assertEqual(run.status, 1, run)
        left = self.left(run, "s")
        self.assertTrue({path.name for path in left.iterdir()} >= test_evidence.FILES - {"records.jsonl"})
        self.assertIn("RES-02", (left / "README.md").read_text())
        self.assertIn("SubscribeToRoom", str(test_evidence.calls(left / "traffic.pcapng")))


if __name__ == "__main__":
    unittest.main()
