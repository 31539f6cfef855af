#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ci/demo fails when a program does not do its part, and leaves no process behind, however it ends."""
import os
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))

# Stand-ins for the programs. Each notes its process id, and ends only when it is told to.
SERVER = """#!/usr/bin/env python3
import os, signal, socket, sys
open({pids!r}, "a").write(f"{{os.getpid()}}\\n")
listener = socket.create_server(("127.0.0.1", 0))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print({line!r}.format(port=listener.getsockname()[1]), flush=True)
while True:
    signal.pause()
"""
HARNESS = """#!/usr/bin/env python3
import os, signal, sys
open({pids!r}, "a").write(f"{{os.getpid()}}\\n")
if sys.argv[1] == "run":
    open({ready!r}, "w").close()
    {then}
"""


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Demo(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.pids = os.path.join(self.folder.name, "pids")
        self.ready = os.path.join(self.folder.name, "ready")

    def start(self, line="listening on 127.0.0.1:{port}", then="sys.exit(0)"):
        programs = {"sluice-server": SERVER.format(pids=self.pids, line=line),
                    "sluice-harness": HARNESS.format(pids=self.pids, ready=self.ready, then=then),
                    "sluice-inspector": "#!/bin/sh\nexit 2\n"}
        for name, text in programs.items():
            path = os.path.join(self.folder.name, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o755)
        out = os.path.join(self.folder.name, "out")
        return subprocess.Popen([os.path.join(ROOT, "ci", "demo"), "--bin", self.folder.name, "--out", out],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self, demo):
        """The demo's exit status and text, after a look that nothing of it is left."""
        text, _ = demo.communicate(timeout=40)
        with open(self.pids, encoding="utf-8") as file:
            left = [pid for pid in map(int, file.read().split()) if is_alive(pid)]
        self.assertEqual(left, [], text)
        folder = self.folder.name.encode()
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    self.assertNotIn(folder, file.read(), f"process {name} is left")
            except (FileNotFoundError, ProcessLookupError):
                pass
        return demo.returncode, text

    def test_a_server_that_says_something_else_ends_it(self):
        code, text = self.finish(self.start(line="ready"))
        self.assertEqual(code, 1)
        self.assertIn("the server said: ready", text)

    def test_a_failed_run_ends_it(self):
        code, text = self.finish(self.start(then="print('FAIL bursts/edge'); sys.exit(1)"))
        self.assertEqual(code, 1)
        self.assertIn("the harness ended with status 1", text)
        self.assertIn("FAIL bursts/edge", text)

    def test_a_run_that_leaves_no_capture_ends_it(self):
        code, _ = self.finish(self.start())
        self.assertEqual(code, 1)

    def test_a_signal_in_mid_run_ends_it(self):
        demo = self.start(then="signal.pause()")
        deadline = time.monotonic() + 20
        while not os.path.exists(self.ready):
            self.assertLess(time.monotonic(), deadline, "the harness was not started")
            time.sleep(0.01)
        demo.send_signal(signal.SIGTERM)
        code, _ = self.finish(demo)
        self.assertEqual(code, 143)


if __name__ == "__main__":
    unittest.main()
