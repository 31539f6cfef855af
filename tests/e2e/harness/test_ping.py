# SPDX-License-Identifier: Apache-2.0
"""h2_ping: each PING waits for the one before it, is measured, and one without an answer fails."""
import unittest

from support import EXEC, Folder, Run, scenario

PATIENT = ("--exec", f"{EXEC} --min-ping-interval 1ms")
SUBSCRIBE = {"sub": {"subscribe": {}}}
NEAR = {"pub": {"kind": "publisher"}, "sub": {"kind": "subscriber"}}
FAR = {"pub": {"kind": "publisher"}, "sub": {"kind": "subscriber", "via": "proxy"}}


def pings(actors, *before, bound="40", op=">=", **ping):
    steps = [SUBSCRIBE, *before, {"sub": {"h2_ping": {"count": 5, "every": "10ms", "within": "2s", **ping}}}]
    return scenario(actors=actors, run=[*steps, {"pub": {"send": {}}}, {"await": "received(sub) >= 1"}],
                    rules=["SEND-01", "SUB-04"],
                    expect=[{"p": {"metric": "ping", "q": 0, "op": op, "vs": bound}, "of": "sub", "rule": "SUB-04"}])


CASES = {
    # name: the scenario, the verdict, the rule that is broken
    "near": (pings(NEAR, op="<=", bound="1000 + 2*S"), "pass", None),
    "delayed-by-the-network": (pings(FAR, {"fault": {"latency": "40ms", "dir": "to_client"}}), "pass", None),
    "not-delayed": (pings(FAR, bound="100000"), "fail", "SUB-04"),
    "lost": (pings(FAR, {"h2fault": {"frame": "PING", "ack": "yes", "do": "drop", "dir": "to_client", "nth": 3}}), "fail", "SUB-04"),
    "lost-by-another-rule": (pings(FAR, {"h2fault": {"frame": "PING", "ack": "yes", "do": "drop", "dir": "to_client"}},
                                   rule="SEND-01"), "fail", "SEND-01"),
}


class Ping(unittest.TestCase):
    def test_verdicts(self):
        with Folder() as folder:
            for name, (content, _, _) in CASES.items():
                folder.write(f"s/{name}.json", content)
            run = Run(folder, folder.path / "s", "--jobs", 4, target=PATIENT)
            self.assertEqual(run.status, 1, run)
            for name, (_, verdict, rule) in CASES.items():
                with self.subTest(name):
                    result = run.result(name)
                    self.assertEqual(result["verdict"], verdict, run)
                    if rule is not None:
                        self.assertIn(f"[{rule}]", run.done.stdout.split(f"s/{name} ")[1].split("\n")[0])


if __name__ == "__main__":
    unittest.main()
