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

    def test_streams_that_ended_in_an_error_must_give_their_places_back(self):
        check = "wire/early-status"
        with Folder() as folder:
            leaks = Run(folder, check, target=("--exec", command("--misbehave", "leaks-stream-slot-of-error")),
                        profile="reference-h2")
        self.assertEqual([f["rule"] for f in leaks.result("early-status")["failures"]], ["CONN-15"], leaks)
        self.assertIn("allows 20 at once, 0 were open, and of 20 more 1 were refused, twice; on a new connection all 20",
                      leaks.result("early-status")["reason"])
        with Folder() as folder:
            clean = Run(folder, check, target=("--exec", command()), profile="reference-h2")
        self.assertEqual(clean.status, 0, clean)
        self.assertNotIn("not_looked_at", clean.report)

    def test_where_nobody_says_how_many_streams_there_may_be_it_is_told(self):
        with Folder() as folder:
            server = f"exec '{SERVER}' --frontend h2 --listen 127.0.0.1:{{port}}"
            run = Run(folder, "wire/early-status", target=("--exec", server), profile="reference-h2")
        self.assertEqual(run.status, 0, run)
        self.assertIn("more than 256 at once", run.report["not_looked_at"])

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
