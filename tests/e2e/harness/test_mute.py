# SPDX-License-Identifier: Apache-2.0
"""A server that goes mute in the middle of a run: apart from the other ends, as silence takes its time to be sure of."""
import json
import select
import signal
import socket
import subprocess
import threading
import unittest

from support import SERVER, scenario
from test_ends import SCHEMA, WAIT_S, Ending


def relay_once(listener, to):
    """Relays the first connection; those that come later are taken and hear nothing."""
    first = listener.accept()[0]
    with first, socket.create_connection(to) as server:
        ends = {first: server, server: first}
        while True:
            for end in select.select(list(ends), [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                ends[end].sendall(data)


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

    def test_a_server_that_answers_the_first_call_and_then_nothing(self):
        for name in "abc":
            self.folder.write(f"s/{name}.json", scenario())
        server = subprocess.Popen([SERVER, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        address = server.stdout.readline().split()[-1].rpartition(":")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            relay = threading.Thread(target=relay_once, args=(listener, (address[0], int(address[2]))), daemon=True)
            relay.start()
            run = self.begin("--target", f"127.0.0.1:{listener.getsockname()[1]}")
            run.communicate(timeout=3 * WAIT_S)
        self.assertEqual(run.returncode, 1)
        results = json.loads(self.files["json"].read_text())["results"]
        self.assertEqual([r["verdict"] for r in results], ["fail"] * 3)
        self.assertTrue(all(r["reason"].startswith("not run: the server does not answer since") for r in results[1:]), results)


if __name__ == "__main__":
    unittest.main()
