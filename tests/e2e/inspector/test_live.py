# SPDX-License-Identifier: Apache-2.0
"""Live capture on the loopback interface, and the ring that a real tcpdump writes. Needs the right to open raw sockets."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

try:
    import grpc
except ImportError:
    print("SKIP: install the package python3-grpcio")
    sys.exit(77)
try:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
except OSError as refused:
    print(f"SKIP: no raw sockets: {refused}")
    sys.exit(77)

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
SECONDS = 40
METHOD = "/test.Echo/Echo"


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


class Live(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=[Echo()])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.addCleanup(lambda: self.server.stop(None).wait())

    def calls(self, count, size):
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            call = channel.unary_unary(METHOD)
            for _ in range(count):
                call(os.urandom(size), timeout=SECONDS)

    def start(self, *command, ready):
        """A program, once it has said that it is ready; stderr goes on to a file."""
        process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        while ready not in (line := process.stderr.readline().decode()):
            if not line:
                self.fail(f"{command} ended with {process.wait()}")
        return process

    def end(self, process):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
        return [json.loads(line) for line in out.splitlines()], err.decode(), process.returncode

    def test_calls_are_told_as_they_end(self):
        for interface in ("lo", "any"):
            with self.subTest(interface=interface):
                running = self.start(INSPECTOR, "-i", interface, "--filter", f"tcp port {self.port}", ready="listening")
                self.calls(5, 100)
                first = json.loads(running.stdout.readline())
                self.assertEqual((first["method"], first["status"]["name"], first["complete"]), (METHOD, "OK", True))
                self.assertEqual(first["server"], f"127.0.0.1:{self.port}")
                rest, err, status = self.end(running)
                self.assertEqual(len(rest), 4)
                self.assertEqual((err, status), ("", 0))

    def test_the_summary_counts_what_was_seen_before_the_signal(self):
        running = self.start(INSPECTOR, "-i", "lo", "--buffer-size", "32MiB", "--view", "summary", "--strict", "--filter",
                             f"port {self.port}", ready="listening")
        self.calls(300, 2000)
        (summary,), err, status = self.end(running)
        self.assertEqual(summary["calls"], 300)
        self.assertEqual(summary["messages"], {"request": 300, "response": 300})
        self.assertEqual(summary["loss"]["packets_dropped"], 0)
        self.assertEqual((err, status), ("", 0))

    def test_a_ring_of_tcpdump_is_followed_round_and_round(self):
        if shutil.which("tcpdump") is None:
            self.skipTest("tcpdump is not installed")
        tcpdump = self.start("tcpdump", "-i", "lo", "-n", "-U", "--immediate-mode", "-C", 1, "-W", 3, "-B", 32768, "-Z", "root", "-w",
                             self.folder / "ring", f"port {self.port}", ready="listening")
        running = subprocess.Popen([INSPECTOR, "--follow", self.folder / "ring*"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, bufsize=0)
        self.addCleanup(running.kill)
        told = 0
        for _ in range(5):  # 5 MB through files of 1 MB, three of them
            self.calls(100, 5000)
            told += len([running.stdout.readline() for _ in range(100)])
        self.assertLessEqual(len(list(self.folder.iterdir())), 3)
        rest, err, status = self.end(running)
        tcpdump.send_signal(signal.SIGINT)
        tcpdump.communicate(timeout=SECONDS)
        self.assertEqual((told, rest), (500, []))
        self.assertEqual((err, status), ("", 0))


if __name__ == "__main__":
    unittest.main(verbosity=1)
