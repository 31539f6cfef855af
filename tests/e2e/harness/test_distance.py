# SPDX-License-Identifier: Apache-2.0
"""Time limits follow the round trips of a distant target; one that hangs fails soon all the same."""
import json
import subprocess
import time
import unittest

from support import HARNESS, SERVER, Folder, Run, scenario

DELAY_MS = 75  # each way


def spawn(*command):
    """Starts a program and waits for its 'listening on'; returns it and its address."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        if line.startswith("listening on "):
            return process, line.split()[-1]
    raise AssertionError(f"{command[0]} did not start")


def stop(process):
    process.terminate()
    process.wait(10)
    process.stdout.close()


class Distance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        faults = cls.folder.write("faults.json", json.dumps([{"latency": f"{DELAY_MS}ms"}]))
        cls.server, cls.near = spawn(SERVER, "--listen", "127.0.0.1:0")
        cls.proxy, cls.far = spawn(HARNESS, "proxy", "--listen", "127.0.0.1:0", "--upstream", cls.near,
                                   "--faults", faults)

    @classmethod
    def tearDownClass(cls):
        stop(cls.proxy)
        stop(cls.server)
        cls.folder.__exit__()

    def play(self, name, content, address):
        return Run(self.folder, self.folder.write(f"{name}.json", content), target=("--target", address))

    def test_a_slow_answer_costs_no_verdict(self):
        slow = scenario(seconds=2, run=[
            {"sub": {"subscribe": {}}}, {"pub": {"send": {"count": 20, "within": "1s"}}},
            {"await": "received(sub) >= 20", "within": "50ms", "rule": "SEND-03"}])
        run = self.play("slow", slow, self.far)
        self.assertEqual((run.status, run.result("slow")["verdict"]), (0, "pass"), run)
        self.assertGreater(run.result("slow")["duration_ms"], 20 * 2 * DELAY_MS, "it was far away")

    def test_a_hanging_server_fails_soon(self):
        actors = {"pub": {"kind": "publisher", "via": "proxy"}}
        hanging = scenario(actors=actors, seconds=60, expect=None, run=[
            {"pub": {"send": {"count": 3}}}, {"fault": {"stall": True}},
            {"pub": {"send": {"count": 1, "within": "1s"}}}])
        for address in (self.near, self.far):
            begin = time.monotonic()
            run = self.play("hanging", hanging, address)
            self.assertEqual(run.result("hanging")["failures"][0]["rule"], "SEND-06", run)
            self.assertIn("the server did not answer", run.result("hanging")["reason"])
            self.assertLess(time.monotonic() - begin, 40)

    def test_running_out_of_time_blames_the_step_it_stands_at(self):
        waits = {"await": "received(sub) >= 99", "within": "50s", "rule": "SUB-16"}
        cases = {
            "rule-of-step": ([waits], "SUB-16"),
            "rule-within": ([{"phase": "p", "do": [{"parallel": [[{"hold": "1 == 1", "for": "50s"}], waits]}]}],
                            "SUB-16"),
            "no-rule": ([{"hold": "1 == 1", "for": "50s"}], ""),
        }
        for name, (steps, rule) in cases.items():
            with self.subTest(name):
                content = scenario(seconds=1, expect=None, run=[{"sub": {"subscribe": {}}},
                                                                {"pub": {"send": {}}}, *steps])
                result = self.play(name, content, self.near).result(name)
                if result["verdict"] == "inconclusive":
                    continue  # the machine paused for a good part of a second
                self.assertEqual([f["rule"] for f in result["failures"]], [rule], result)
                self.assertIn("did not end", result["reason"])


if __name__ == "__main__":
    unittest.main()
