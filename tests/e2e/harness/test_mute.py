# SPDX-License-Identifier: Apache-2.0
"""A server that goes mute in the middle of a run: apart from the other ends, as silence takes its time to be sure of."""
import json
import signal
import subprocess
import unittest

from support import SERVER, scenario
from test_ends import SCHEMA, WAIT_S, Ending


class Mute(Ending):
    def test_a_server_that_goes_mute_in_mid_run(self):
        for name, content in (("a", scenario()), ("b", scenario(
                seconds=1, run=[{"sub": {"subscribe": {}}}, {"pub": {"send": {}}}, {"hold": "1 == 1", "for": "500ms"},
                                {"pub": {"send": {}}}, {"await": "received(sub) >= 2"}])), ("c", scenario())):
            self.folder.write(f"s/{name}.json", content)
        server = subprocess.Popen([SERVER, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        run = self.begin("--target", server.stdout.readline().split()[-1])
        self.assertTrue(run.stdout.readline().startswith("PASS"))
        server.send_signal(signal.SIGSTOP)
        run.communicate(timeout=3 * WAIT_S)
        self.assertEqual(run.returncode, 1)
        report = json.loads(self.files["json"].read_text())
        self.assertEqual([r["verdict"] for r in report["results"]], ["pass", "fail", "fail"])
        self.assertIn("RES-02", [f["rule"] for f in report["results"][1]["failures"]])
        self.assertIn("does not answer since", report["results"][2]["reason"])
        subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, self.files["junit"]], capture_output=True, check=True)


if __name__ == "__main__":
    unittest.main()
