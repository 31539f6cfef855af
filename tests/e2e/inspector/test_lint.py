# SPDX-License-Identifier: Apache-2.0
"""A capture of a wrong server, through --lint: its rule is named, with the server as who broke it and the frames that show
it; and of a server as it should be nothing is told of level M."""
import concurrent.futures
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

INSPECTOR, HARNESS, SERVER = (os.environ[name] for name in ("SLUICE_INSPECTOR", "SLUICE_HARNESS", "SLUICE_SERVER"))
SHAPE, ENCODING = "wire/response-shape", "wire/response-encoding"
# The wrong server, the rule, and what makes it do so.
WRONG = [
    ("status-twice", "CALL-02", SHAPE),
    ("content-type-html", "CALL-01", SHAPE),
    ("trailers-only-in-two", "CALL-04", SHAPE),
    ("second-trailers", "CALL-20", SHAPE),
    ("reset-before-trailers", "CALL-19", SHAPE),
    ("uppercase-field", "CALL-22", SHAPE),
    ("unary-twice", "CALL-23", SHAPE),
    ("message-unencoded", "CALL-15", "contract/validation"),
    ("details-of-another-code", "META-13", "contract/validation"),
    ("status-out-of-range", "CALL-16", "contract/validation"),
    ("accept-encoding-missing", "FRM-08", ENCODING),
    ("length-one-more", "FRM-17", SHAPE),
    ("data-on-connection", "FRM-18", SHAPE),
    ("frame-too-long", "FRM-19", SHAPE),
    ("block-in-fragments", "FRM-20", SHAPE),
]


class Lint(unittest.TestCase):
    def findings(self, folder, name, scenario):
        """Of the capture that the harness writes of a play; as JSON and as text."""
        capture = Path(folder) / f"{name}.pcapng"
        wrong = f" --misbehave {name}" if name != "none" else ""
        subprocess.run([HARNESS, "run", scenario, "--profile", "reference", "--capture", capture, "--exec",
                        f"{SERVER} --frontend h2{wrong} --listen 127.0.0.1:{{port}}"], capture_output=True, check=False, timeout=60)
        told = subprocess.run([INSPECTOR, "--lint", "--view", "messages", "-I", Path(os.environ["SLUICE_SOURCE"]) / "proto", capture],
                              capture_output=True, check=True, timeout=60).stdout
        text = subprocess.run([INSPECTOR, "--lint", "--format", "text", capture], capture_output=True, check=True, timeout=60).stdout
        records = map(json.loads, told.splitlines())
        return [record for record in records if record["type"] == "finding"], text.decode()

    def test_the_rule_of_a_wrong_server_is_named(self):
        with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(4) as pool:
            plays = [(name, rule, pool.submit(self.findings, folder, name, scenario)) for name, rule, scenario in WRONG]
            for name, rule, play in plays:
                with self.subTest(name):
                    findings, text = play.result()
                    of_server = [finding for finding in findings if finding["side"] == "server"]
                    self.assertIn(rule, [finding["rule"] for finding in of_server])
                    finding = next(finding for finding in of_server if finding["rule"] == rule)
                    self.assertTrue(finding["frames"])
                    shown = finding["frames"][-1]
                    self.assertEqual((shown["side"], shown["packet"]), ("server", finding["packet"]))
                    if rule != "CALL-23":  # which needs the schema
                        self.assertIn(f"{rule} ({finding['level']}): ", text)
                        self.assertIn(f"server {finding['by']}: ", text)

    def test_of_a_right_server_nothing_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            for scenario in (SHAPE, ENCODING):
                findings, _text = self.findings(folder, "none", scenario)
                self.assertEqual([finding for finding in findings if finding["side"] == "server"], [])


if __name__ == "__main__":
    unittest.main()
