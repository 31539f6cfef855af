# SPDX-License-Identifier: Apache-2.0
"""What a check leaves in the server's process: seen by who knows the process, and said where nobody does."""
import subprocess
import unittest

from support import SERVER, Folder, Run

CHECK = "wire/frame-lone-continuation"
H2 = [SERVER, "--frontend", "h2", "--max-streams", "100"]


def command(*more):
    return "exec " + " ".join([f"'{SERVER}'", *H2[1:], "--listen", "127.0.0.1:{port}", *more])


class Aftermath(unittest.TestCase):
    def play(self, *target):
        with Folder() as folder:
            return Run(folder, CHECK, target=target, profile="reference-h2")

    def test_a_process_that_another_one_replaces_is_no_pass(self):
        run = self.play("--exec", command("--misbehave", "dies-after-error"))
        self.assertEqual(run.status, 1, run)
        failures = run.result("frame-lone-continuation")["failures"]
        self.assertEqual([f["rule"] for f in failures], ["RES-02"], run)
        self.assertIn("another one answers in its place", failures[0]["text"])

    def test_where_the_process_is_known_nothing_is_left_out(self):
        with subprocess.Popen([*H2, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True) as server:
            try:
                port = server.stdout.readline().rpartition(":")[2].strip()
                known = self.play("--target", f"127.0.0.1:{port}", "--pid", str(server.pid))
                unknown = self.play("--target", f"127.0.0.1:{port}")
            finally:
                server.kill()
        self.assertEqual(known.status, 0, known)
        self.assertNotIn("not_looked_at", known.report)
        self.assertNotIn("not looked at", known.done.stdout)
        self.assertEqual(unknown.status, 0, unknown)
        self.assertIn("--exec, --pid", unknown.report["not_looked_at"])
        self.assertEqual(unknown.done.stdout.count("not looked at: "), 1, unknown)


if __name__ == "__main__":
    unittest.main()
