# SPDX-License-Identifier: Apache-2.0
"""Subscribers that do not read, and clients that leave."""

import threading
import time
import unittest

import grpc

import sut
from sut import chat_pb2

BUFFER = 20
BURST = 1500
# Bodies so large that a client's window (64 KiB) holds a few of them only.
BODY = "b" * 16000
WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]


class Slow(unittest.TestCase):
    def burst(self, policy):
        """The numbers that a reader which slept through a burst gets, then those of a live tail."""
        with sut.Server("--buffer", str(BUFFER), "--drop-policy", policy) as server, \
                sut.Client(server) as publisher, sut.Client(server, options=WINDOW) as reader:
            live = publisher.subscribe("burst")
            stalled = reader.subscribe("burst")
            for number in range(BURST):
                publisher.send("burst", "%d %s" % (number, BODY))
                # The live one is read in step, so that it loses nothing.
                self.assertEqual(int(next(live).text.split()[0]), number)
            got = []
            while not got or got[-1] != "end":
                if len(got) == BUFFER:
                    time.sleep(0.1)
                    publisher.send("burst", "end")
                got.append(next(stalled).text.split()[0])
            live.cancel()
            stalled.cancel()
            return [int(text) for text in got[:-1]]

    def test_a_stalled_reader_gets_the_first_ones_when_the_newest_are_dropped(self):
        numbers = self.burst("newest")
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertGreaterEqual(len(numbers), BUFFER)
        self.assertLess(len(numbers), BUFFER + 60)

    def test_a_stalled_reader_gets_the_last_ones_when_the_oldest_are_dropped(self):
        numbers = self.burst("oldest")
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(numbers[-(BUFFER - 2):], list(range(BURST - BUFFER + 2, BURST)))
        self.assertLess(len(numbers), BUFFER + 60)

    def test_a_burst_of_the_buffer_reaches_a_throttled_subscriber_whole(self):
        with sut.Server("--buffer", str(BUFFER)) as server, sut.Client(server) as client:
            stream = client.subscribe("throttled", 50)
            for number in range(BUFFER):
                client.send("throttled", str(number))
            self.assertEqual(sut.texts(stream, BUFFER), [str(n) for n in range(BUFFER)])
            stream.cancel()

    def test_a_client_that_sends_and_never_reads_is_stopped_alone(self):
        with sut.Server() as server, sut.Client(server, options=WINDOW) as client, \
                sut.Client(server) as other:
            count = [0]
            stop = threading.Event()

            def flood():
                message = chat_pb2.ChatMessage(message_id="i" * 8000, text="x")
                while not stop.is_set():
                    count[0] += 1
                    yield message

            call = client.chat_room(flood())
            before = -1
            deadline = time.monotonic() + sut.WAIT
            while count[0] != before or count[0] == 0:
                self.assertLess(time.monotonic(), deadline)
                before = count[0]
                time.sleep(0.5)
            self.assertLess(count[0], 800)
            stream = client.subscribe("beside")
            other.send("beside", "hello")
            self.assertEqual(next(stream).text, "hello")
            stop.set()
            call.cancel()
            stream.cancel()

    @unittest.skipIf(sut.SANITIZED, "a sanitizer keeps freed memory")
    def test_subscriptions_that_are_gone_leave_no_memory(self):
        with sut.Server() as server, sut.Client(server) as client:
            def churn(count):
                for _ in range(count):
                    client.subscribe("churn").cancel()

            def flood():
                for number in range(200):
                    client.send("churn", "%d %s" % (number, BODY))

            churn(500)
            flood()
            before = server.rss_kib()
            churn(1000)
            flood()
            self.assertLess(server.rss_kib() - before, 8 * 1024)

    def test_a_connection_that_breaks_leaves_the_others_alone(self):
        with sut.Server() as server, sut.Client(server) as stays:
            stream = stays.subscribe("stays")
            for _ in range(20):
                leaver = sut.Client(server)
                leaver.subscribe("stays")
                leaver.close()
            stays.send("stays", "hello")
            self.assertEqual(next(stream).text, "hello")
            stream.cancel()
            self.assertEqual(sut.status_of(stream), grpc.StatusCode.CANCELLED)


if __name__ == "__main__":
    unittest.main()
