# SPDX-License-Identifier: Apache-2.0
"""The three methods of chat.v1, health and unknown methods, as grpcio sees them."""

import queue
import time
import unittest

import grpc

import sut
from sut import chat_pb2, error_details_pb2, health_pb2, status_pb2


class Rpcs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = sut.Server("--ping-interval", "200ms")
        cls.client = sut.Client(cls.server)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        assert cls.server.stop() == 0

    def test_a_message_is_accepted_and_reaches_a_subscriber_byte_for_byte(self):
        stream = self.client.subscribe("exact")
        cases = [
            dict(message_id="id", user_id="u", text="plain", created_at=1),
            dict(message_id=" ", user_id="", text="a\0b\0", created_at=-1),
            dict(message_id="\u00e9\U0001F600", user_id="\0", text="\u202e x ", created_at=2**63 - 1),
            dict(message_id="m", user_id="u", text="\n\t\x01", created_at=-2**63),
            dict(message_id="M", user_id="u", text="t" * 100000, created_at=2**53 + 1),
        ]
        for case in cases:
            sent = chat_pb2.ChatMessage(room_id="exact", **case)
            answer = self.client.send_message(sent, timeout=sut.WAIT)
            self.assertTrue(answer.accepted)
            self.assertEqual(answer.reason, "")
            self.assertEqual(next(stream), sent)
        stream.cancel()

    def test_what_is_empty_is_filled_and_what_is_repeated_comes_once(self):
        stream = self.client.subscribe("declared")
        before = time.time()
        for _ in range(2):
            self.assertTrue(self.client.send("declared", "t").accepted)
        for _ in range(2):
            self.assertTrue(self.client.send("declared", "again", message_id="same").accepted)
        self.assertTrue(self.client.send("declared", "last").accepted)
        came = [next(stream) for _ in range(4)]
        self.assertEqual([message.text for message in came], ["t", "t", "again", "last"])
        self.assertEqual(len({message.message_id for message in came} - {""}), 4)
        for message in came:
            self.assertTrue(before - 1 < message.created_at / 1000 < time.time() + 1)
        stream.cancel()

    def test_a_request_id_is_echoed_or_new(self):
        message = chat_pb2.ChatMessage(room_id="id", text="t")
        seen = set()
        for metadata in ((), (), (("x-request-id", "trace 7"),)):
            answer, call = self.client.send_message.with_call(message, timeout=sut.WAIT,
                                                              metadata=metadata)
            headers = dict(call.initial_metadata())
            self.assertEqual(headers["x-request-id"], answer.request_id)
            self.assertEqual(headers["chat-capabilities"], "fill, dedup")
            seen.add(answer.request_id)
        self.assertEqual(len(seen - {""}), 3)
        self.assertIn("trace 7", seen)

    def test_a_bad_room_is_refused_with_details(self):
        for room in ("r" * 257, "a\0", "\x1f", "\x7f"):
            with self.assertRaises(grpc.RpcError) as raised:
                self.client.send(room, "t")
            self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertIn("\u2014", raised.exception.details())
            details = dict(raised.exception.trailing_metadata())["grpc-status-details-bin"]
            status = status_pb2.Status.FromString(details)
            self.assertEqual(status.code, 3)
            bad = error_details_pb2.BadRequest()
            self.assertTrue(status.details[0].Unpack(bad))
            self.assertEqual([one.field for one in bad.field_violations], ["room_id"])
            self.assertFalse(self.client.send(room, "").accepted)
        self.assertTrue(self.client.send("r" * 256, "t").accepted)

    def test_a_message_without_room_or_text_is_rejected_and_not_broadcast(self):
        stream = self.client.subscribe("reject")
        for room, text in (("", "x"), ("reject", ""), ("", "")):
            answer = self.client.send(room, text)
            self.assertFalse(answer.accepted)
            self.assertEqual(answer.reason, "missing room or text")
        self.assertTrue(self.client.send("reject", " ").accepted)
        self.assertEqual(next(stream).text, " ")
        stream.cancel()

    def test_rooms_are_told_apart_exactly(self):
        rooms = ["Room", "room", "room ", "roo", "r\u00e9", "re\u0301"]
        streams = [self.client.subscribe(room) for room in rooms]
        for room in rooms:
            self.client.send(room, "to " + room)
        for room, stream in zip(rooms, streams):
            self.client.send(room, "last")
            self.assertEqual(sut.texts(stream, 2), ["to " + room, "last"])
            stream.cancel()

    def test_a_default_subscription_gets_ten_a_second(self):
        times = []
        for rate in (0, -1, -2**31):
            stream = self.client.subscribe("default", rate)
            began = time.monotonic()
            for number in range(6):
                self.client.send("default", str(number))
            self.assertEqual(sut.texts(stream, 6), [str(n) for n in range(6)])
            took = time.monotonic() - began
            self.assertGreaterEqual(took, 0.45)  # rate * w + 1.5
            times.append(took)
            stream.cancel()
        self.assertLess(min(times), 3)  # a busy machine may be late, but hardly each time

    def test_an_old_message_is_not_delivered(self):
        self.client.send("old", "before")
        stream = self.client.subscribe("old")
        self.client.send("old", "after")
        self.assertEqual(next(stream).text, "after")
        stream.cancel()

    def test_an_empty_room_cannot_be_subscribed_to(self):
        call = self.client.subscribe_to_room(chat_pb2.RoomSubscription(), timeout=sut.WAIT)
        self.assertEqual(sut.status_of(call), grpc.StatusCode.INVALID_ARGUMENT)

    def test_each_message_of_a_chat_room_is_acked_in_order_then_ok(self):
        ids = ["id%d" % n for n in range(3000)] + ["", "a\0b"]
        messages = [chat_pb2.ChatMessage(message_id=i) for i in ids]
        call = self.client.chat_room(iter(messages), timeout=sut.WAIT)
        acks = [c.payload for c in call if c.type == chat_pb2.ServerCommand.TYPE_REDIRECT]
        self.assertEqual(acks, ["ack:" + i for i in ids])
        self.assertEqual(call.code(), grpc.StatusCode.OK)

    def test_a_half_close_without_a_message_is_ok_at_once(self):
        call = self.client.chat_room(iter([]), timeout=sut.WAIT)
        self.assertEqual(list(call), [])
        self.assertEqual(call.code(), grpc.StatusCode.OK)

    def test_pings_come_at_whole_intervals(self):
        outgoing = queue.Queue()
        began = time.monotonic()
        call = self.client.chat_room(iter(outgoing.get, None), timeout=sut.WAIT)
        for number in range(1, 4):
            self.assertEqual(next(call).payload, "ping")
            took = time.monotonic() - began
            self.assertGreaterEqual(took, 0.2 * number)  # a busy machine is late, never early; the call has its deadline
        outgoing.put(None)
        self.assertEqual(sut.status_of(call), grpc.StatusCode.OK)

    def test_a_cancel_and_a_deadline_end_a_stream_and_nothing_else(self):
        other = self.client.subscribe("ends")
        stream = self.client.subscribe("ends")
        stream.cancel()
        self.assertEqual(sut.status_of(stream), grpc.StatusCode.CANCELLED)
        stream = self.client.subscribe("ends", timeout=0.3)
        self.assertEqual(sut.status_of(stream), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.client.send("ends", "still here")
        self.assertEqual(next(other).text, "still here")
        other.cancel()

    def test_an_unknown_method_is_unimplemented(self):
        for path in ("/chat.v1.ChatService/Nope", "/nope.Nope/SendMessage",
                     "/chat.v1.ChatService/sendmessage"):
            call = self.client.channel.unary_unary(path)
            with self.assertRaises(grpc.RpcError) as raised:
                call(b"", timeout=sut.WAIT)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_what_is_no_protobuf_is_an_internal_error(self):
        bad = [b"\x0a\x05ab", b"\xff", b"\x0a\x02\xc3\x28", b"\x00\x00", b"\x0b\x0a", b"\x0c"]
        for path, kind in (("SendMessage", "unary_unary"), ("SubscribeToRoom", "unary_stream"),
                           ("ChatRoom", "stream_stream")):
            stub = getattr(self.client.channel, kind)("/chat.v1.ChatService/" + path)
            for request in bad:
                with self.assertRaises(grpc.RpcError) as raised:
                    call = stub(iter([request]) if path == "ChatRoom" else request,
                                timeout=sut.WAIT)
                    list(call)
                self.assertEqual(raised.exception.code(), grpc.StatusCode.INTERNAL)

    def test_compressed_messages_are_inflated(self):
        with sut.Server() as server, sut.Client(server) as client:
            stream = client.subscribe("r")
            for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
                message = chat_pb2.ChatMessage(room_id="r", text="x" * 10000, created_at=1,
                                               message_id="i%d" % int(compression))
                self.assertTrue(client.send_message(message, compression=compression).accepted)
                self.assertEqual(next(stream), message)
                acks = list(client.chat_room(iter([message] * 3), compression=compression))
                self.assertEqual([ack.payload for ack in acks], ["ack:" + message.message_id] * 3)
                self.assertEqual([next(stream) for _ in range(3)], [message] * 3) # CHAT-04
            stream.cancel()

    def test_unknown_fields_and_groups_are_passed_on(self):
        stub = self.client.channel.unary_stream("/chat.v1.ChatService/SubscribeToRoom")
        stream = stub(chat_pb2.RoomSubscription(room_id="more", max_rate_hz=1000).SerializeToString())
        stream.initial_metadata()
        message = chat_pb2.ChatMessage(room_id="more", text="t", message_id="i",
                                       created_at=1).SerializeToString()
        message += b"\x98\x06\x07\x53\x0a\x01x\x53\x54\x54" + b"\x2a\x01z"
        send = self.client.channel.unary_unary("/chat.v1.ChatService/SendMessage",
                                               response_deserializer=chat_pb2.ActionResponse.FromString)
        self.assertTrue(send(message, timeout=sut.WAIT).accepted)
        self.assertEqual(next(stream), message)
        stream.cancel()

    def test_a_message_of_the_limit_passes_and_a_larger_one_does_not(self):
        limit = 4 * 1024 * 1024
        empty = chat_pb2.ChatMessage(room_id="limit", text="x" * (limit - 100))
        text = "x" * (limit - 100 + limit - empty.ByteSize())
        self.assertTrue(self.client.send("limit", text).accepted)
        with self.assertRaises(grpc.RpcError) as raised:
            self.client.send("limit", text + "x")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_health_knows_its_services(self):
        serving = health_pb2.HealthCheckResponse.SERVING
        for name in ("", "chat.v1.ChatService", "grpc.health.v1.Health"):
            answer = self.client.check(health_pb2.HealthCheckRequest(service=name), timeout=sut.WAIT)
            self.assertEqual(answer.status, serving)
        with self.assertRaises(grpc.RpcError) as raised:
            self.client.check(health_pb2.HealthCheckRequest(service="nope"), timeout=sut.WAIT)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)
        watch = self.client.watch(health_pb2.HealthCheckRequest(service="nope"), timeout=0.5)
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
        self.assertEqual(sut.status_of(watch), grpc.StatusCode.DEADLINE_EXCEEDED)


if __name__ == "__main__":
    unittest.main()
