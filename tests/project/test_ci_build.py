#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ci/action.yml on a runner that has nothing: the programs are built from this source, and come from the cache the next time.

SLUICE_SERVER comes from the environment.
"""
import os
import shlex
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
import ci_runner  # noqa: E402

EXEC = f"{shlex.quote(os.environ['SLUICE_SERVER'])} --listen 127.0.0.1:{{port}}"
ci_runner.TIMEOUT_SECONDS = 1500


class Build(unittest.TestCase):
    def play(self, folder, cache):
        workspace = Path(folder) / "workspace"
        workspace.mkdir()
        action = ci_runner.Action(ROOT / "ci/action.yml", workspace, cache)
        job = action.run(exec=EXEC, profile="reference", scenarios="contract/send-message")
        self.assertEqual((job.status, job.outputs["verdict"]), (0, "pass"), job.log)
        self.assertTrue((workspace / job.outputs["junit"]).is_file())
        return job, action.temp / "sluice"

    def test_built_once(self):
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            job, prefix = self.play(first, {})
            self.assertIn("building", job.log)
            self.assertEqual({path.name for path in (prefix / "bin").iterdir()}, {"sluice-harness", "sluice-inspector"})
            job, _ = self.play(second, {job.steps["plan"]["key"]: prefix})
            self.assertNotIn("building", job.log)


if __name__ == "__main__":
    unittest.main()
