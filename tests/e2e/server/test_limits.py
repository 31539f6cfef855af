# SPDX-License-Identifier: Apache-2.0
"""What clients may take of the server, and how they are told that it is enough."""

import threading
import time
import unittest

import grpc

import raw_h2
import sut
from sut import chat_pb2

WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]


class Limits(unittest.TestCase):
    def assert_refused(self, stream, text):
        with self.assertRaises(grpc.RpcError) as raised:
            next(stream)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertEqual(raised.exception.details(), text)

    def subscribe(self, client, room):
        return client.subscribe_to_room(
            chat_pb2.RoomSubscription(room_id=room, max_rate_hz=1000), wait_for_ready=True)

    def test_a_room_too_many_is_refused_and_those_that_are_there_go_on(self):
        with sut.Server("--max-rooms", "2", "--history", "0") as server, \
                sut.Client(server) as client:
            first = client.subscribe("first")
            second = client.subscribe("second")
            self.assert_refused(self.subscribe(client, "third"),
                                "there are too many rooms (--max-rooms 2)")
            client.send("third", "nobody is there")
            client.send("first", "x")
            client.send("second", "y")
            self.assertEqual((next(first).text, next(second).text), ("x", "y"))
            first.cancel()
            second.cancel()

    def test_a_subscriber_of_a_room_too_many_is_refused(self):
        with sut.Server("--max-subscribers-per-room", "1") as server, sut.Client(server) as client:
            stream = client.subscribe("room")
            self.assert_refused(self.subscribe(client, "room"),
                                "the room has too many subscribers (--max-subscribers-per-room 1)")
            other = client.subscribe("other")
            stream.cancel()
            other.cancel()

    def test_a_subscription_too_many_is_refused(self):
        with sut.Server("--max-subscriptions", "1") as server, sut.Client(server) as client:
            stream = client.subscribe("room")
            self.assert_refused(self.subscribe(client, "other"),
                                "there are too many subscriptions (--max-subscriptions 1)")
            stream.cancel()

    def test_a_room_id_of_which_there_can_be_no_room_is_refused(self):
        with sut.Server() as server, sut.Client(server) as client:
            self.assertEqual(sut.status_of(self.subscribe(client, "r" * 1025)),
                             grpc.StatusCode.INVALID_ARGUMENT)
            client.subscribe("r" * 1024).cancel()

    def test_a_buffer_of_bytes_drops_and_a_live_one_beside_it_loses_nothing(self):
        body = "b" * 100000
        with sut.Server("--max-message", "200KiB", "--subscriber-memory", "512KiB") as server, \
                sut.Client(server) as publisher, sut.Client(server, options=WINDOW) as reader:
            live = publisher.subscribe("room")
            stalled = reader.subscribe("room")
            for number in range(40):
                publisher.send("room", "%d %s" % (number, body))
                self.assertEqual(int(next(live).text.split()[0]), number)
            got = []
            while not got or got[-1] != 1000:
                if len(got) == 5:
                    publisher.send("room", "1000 end")
                got.append(int(next(stalled).text.split()[0]))
            # 5 of 100 kB are in the buffer; the transport and the client's own window hold a few more.
            self.assertEqual(got[:-1], list(range(len(got) - 1)))
            self.assertGreaterEqual(len(got), 6)
            self.assertLess(len(got), 20)
            live.cancel()
            stalled.cancel()

    def test_a_stream_that_does_not_move_is_ended_and_no_other_one(self):
        body = "b" * 16000
        with sut.Server("--stall-limit", "700ms") as server, sut.Client(server) as client, \
                sut.Client(server, options=WINDOW) as reader:
            live = client.subscribe("room")
            idle = client.subscribe("quiet")
            throttled = client.subscribe("room", 1)
            stalled = reader.subscribe("room")
            chat = client.chat_room(iter(()))
            number = 0
            end = time.monotonic() + sut.WAIT
            while not server.has_logged("RESOURCE_EXHAUSTED") and time.monotonic() < end:
                client.send("room", "%d %s" % (number, body))
                self.assertEqual(int(next(live).text.split()[0]), number)
                number += 1
            with self.assertRaises(grpc.RpcError) as raised:
                for _ in range(2 * number):
                    next(stalled)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertEqual(raised.exception.details(), "slow consumer (--stall-limit 700ms)")
            client.send("quiet", "x")
            self.assertEqual(next(idle).text, "x")
            self.assertTrue(next(throttled).text.startswith("0 "))
            self.assertTrue(next(throttled).text.startswith("1 "))
            self.assertEqual(sut.status_of(chat), grpc.StatusCode.OK)
            for stream in (live, idle, throttled):
                self.assertTrue(stream.is_active())
                stream.cancel()

    def test_a_chat_whose_acks_are_not_read_is_ended(self):
        with sut.Server("--stall-limit", "300ms") as server, \
                sut.Client(server, options=WINDOW) as client:
            message = chat_pb2.ChatMessage(message_id="i" * 8000, text="x")
            stop = threading.Event()

            def flood():
                while not stop.is_set():
                    yield message

            call = client.chat_room(flood())
            server.wait_for_log("RESOURCE_EXHAUSTED")  # before it reads, or it would be no slow consumer
            self.assertEqual(sut.status_of(call), grpc.StatusCode.RESOURCE_EXHAUSTED)
            stop.set()

    def test_a_reply_that_its_client_gives_no_credit_for_is_ended(self):
        request = chat_pb2.ChatMessage(room_id="r", text="x").SerializeToString()
        with sut.Server("--stall-limit", "200ms") as server:
            connection = raw_h2.Connection(server, window=0)
            connection.call(1, "SendMessage", request)
            while connection.field("grpc-status") is None:
                self.assertNotEqual(connection.read()[0], raw_h2.DATA)
            self.assertIn("slow consumer", connection.field("grpc-message").replace("%20", " "))
            connection.close()


if __name__ == "__main__":
    unittest.main()
