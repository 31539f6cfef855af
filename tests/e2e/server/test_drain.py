# SPDX-License-Identifier: Apache-2.0
"""SIGTERM, SIGINT, and what the command line refuses."""

import json
import os
import queue
import resource
import signal
import subprocess
import threading
import unittest

import grpc

import sut
from sut import chat_pb2, health_pb2


class Drain(unittest.TestCase):
    def test_without_connections_it_ends_with_exit_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = sut.Server()
            server.signal(number)
            self.assertEqual(server.wait(), 0)
            server.stop()

    def test_watchers_are_told_and_streams_may_finish(self):
        server = sut.Server("--drain-grace", "15s")
        with sut.Client(server) as client:
            watch = client.watch(health_pb2.HealthCheckRequest())
            self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
            outgoing = queue.Queue()
            room = client.chat_room(iter(outgoing.get, None))
            stream = client.subscribe("drain", 50)
            for number in range(30):
                client.send("drain", str(number))
            server.signal(signal.SIGTERM)
            self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.NOT_SERVING)
            self.assertEqual(sut.texts(stream, 30), [str(n) for n in range(30)])
            outgoing.put(chat_pb2.ChatMessage(message_id="late"))
            self.assertEqual(next(room).payload, "ack:late")
            outgoing.put(None)
            self.assertEqual(sut.status_of(room), grpc.StatusCode.OK)
            stream.cancel()
            watch.cancel()
            self.assertEqual(server.wait(), 0)
        server.stop()

    def test_streams_that_stay_end_unavailable_after_the_grace(self):
        server = sut.Server("--drain-grace", "300ms")
        with sut.Client(server) as client:
            stream = client.subscribe("drain")
            server.signal(signal.SIGTERM)
            self.assertEqual(sut.status_of(stream), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(stream.details(), "server draining")
            self.assertEqual(server.wait(), 0)
        server.stop()

    def test_a_stalled_stream_does_not_hold_the_drain_up(self):
        server = sut.Server("--drain-grace", "300ms")
        with sut.Client(server) as client:
            stream = client.subscribe("drain")
            for _ in range(120):
                client.send("drain", "x" * 100000)
            server.signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
            self.assertEqual(sut.status_of(stream), grpc.StatusCode.UNAVAILABLE)
        server.stop()

    def test_a_second_signal_ends_it_at_once(self):
        server = sut.Server("--drain-grace", "1h")
        with sut.Client(server) as client:
            stream = client.subscribe("drain")
            watch = client.watch(health_pb2.HealthCheckRequest())
            next(watch)
            ended = threading.Thread(target=lambda: sut.status_of(stream))
            ended.start()
            server.signal(signal.SIGTERM)
            self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.NOT_SERVING)  # it has seen the first
            server.signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
            ended.join(sut.WAIT)
        server.stop()

    def test_a_stray_signal_ends_nothing(self):
        with sut.Server() as server, sut.Client(server) as client:
            server.signal(signal.SIGUSR1)
            self.assertTrue(client.send("r", "t").accepted)

    @unittest.skipIf(sut.FRONTEND != "grpc", "the C core is not in it")
    def test_what_the_c_core_says_is_in_the_form_of_the_log(self):
        with sut.Server() as server:
            process = subprocess.run(
                [os.environ["SLUICE_SERVER"], "--listen", server.address, "--log", "json"],
                capture_output=True, text=True, timeout=sut.WAIT, check=False)
            *logged, told = process.stderr.splitlines()
            self.assertIn("cannot listen on " + server.address, told)
            self.assertIn("grpc", [json.loads(line)["component"] for line in logged])

    def test_a_port_is_taken_once(self):
        with sut.Server() as server:
            second = subprocess.run([os.environ["SLUICE_SERVER"], "--frontend", sut.FRONTEND, "--listen", server.address],
                                    capture_output=True, text=True, timeout=sut.WAIT, check=False)
            self.assertEqual(second.returncode, 1)
            self.assertEqual(second.stdout, "")
            self.assertIn("cannot listen", second.stderr)

    @unittest.skipIf(sut.SANITIZED or sut.FRONTEND != "h2", "the C core and sanitizers end the process themselves")
    def test_without_descriptors_it_says_why_it_does_not_start(self):
        for files in range(8, 14):
            run = subprocess.run(
                [os.environ["SLUICE_SERVER"], "--frontend", "h2", "--listen", "203.0.113.1:1"],
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
                capture_output=True, text=True, timeout=sut.WAIT, check=False)
            self.assertEqual(run.returncode, 1, (files, run.stderr))
            self.assertRegex(run.stderr, "cannot (be made|listen)|no listener")

    def test_what_is_not_built_is_a_usage_error(self):
        for args in (["--frontend", "h3"], ["--metrics", "127.0.0.1"],
                     ["--tls-cert", "x"], ["--misbehave", "nope"], ["operand"]):
            run = subprocess.run([os.environ["SLUICE_SERVER"], *args],
                                 capture_output=True, text=True, timeout=sut.WAIT, check=False)
            self.assertEqual(run.returncode, 2, args)
            self.assertEqual(run.stdout, "")


if __name__ == "__main__":
    unittest.main()
