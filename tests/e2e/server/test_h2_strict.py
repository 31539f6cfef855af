# SPDX-License-Identifier: Apache-2.0
"""The front end h2 answers what breaks the gRPC protocol, call by call, and the connection goes on."""

import gzip
import time
import unittest
import zlib

import h2_peer
import raw_h2
import sut
from h2_peer import Peer, head
from raw_h2 import CANCEL, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM
from sut import chat_pb2

MESSAGE = raw_h2.message(h2_peer.MESSAGE)
LIMIT = 4096
MALFORMED = "rst 1"  # PROTOCOL_ERROR

# What is changed in the head of a good call, and what becomes of it.
HEADS = [
    ("CALL-01", [], "status 0"),
    ("CALL-05", [(":path", "/chat.v1.ChatService/Nothing")], "status 12"),
    ("CALL-05", [(":path", "/no.Service/SendMessage")], "status 12"),
    ("CALL-06", [(":path", "/chat.v1.ChatService/sendmessage")], "status 12"),
    ("CALL-06", [(":path", "//chat.v1.ChatService/SendMessage")], "status 12"),
    ("CALL-06", [(":path", "/chat.v1.ChatService/SendMessage?x=1")], "status 12"),
    ("CALL-06", [(":path", "/chat.v1.ChatService/")], "status 12"),
    ("CALL-06", [(":path", "/" + "x" * 4000)], "status 12"),
    ("CALL-07", [(":path", "chat.v1.ChatService/SendMessage")], MALFORMED),
    ("CALL-08", [(":method", "GET")], "http 405"),
    ("CALL-08", [(":method", "PUT")], "http 405"),
    ("CALL-09", [("content-type", None)], "http 415"),
    ("CALL-09", [("content-type", "application/json")], "http 415"),
    ("CALL-10", [("content-type", "application/grpc+proto")], "status 0"),
    ("CALL-10", [("content-type", "application/grpc;charset=utf-8")], "status 0"),
    ("CALL-10", [("content-type", "application/grpcfoo")], "http 415"),
    ("CALL-10", [("content-type", "application/grpc+json")], "http 415"),
    ("CALL-11", [("te", None)], "status 13"),
    ("CALL-11", [("te", "gzip")], MALFORMED),
    ("CALL-12", [(":authority", None)], MALFORMED),
    ("CALL-12", [(":authority", None), ("host", "localhost")], "status 0"),
    ("CALL-12", [("host", "elsewhere")], "http 400"),
    ("CALL-13", [("connection", "keep-alive")], MALFORMED),
    ("CALL-13", [("transfer-encoding", "chunked")], MALFORMED),
    ("CALL-13", [("X-Upper", "1")], MALFORMED),
    ("CALL-13", [("x", "y"), (":late", "1")], MALFORMED),
    ("CALL-14", [("content-length", str(len(MESSAGE)))], "status 0"),
    ("CALL-14", [("content-length", str(len(MESSAGE) - 1))], MALFORMED),
    ("CALL-14", [("content-length", str(len(MESSAGE) + 1))], MALFORMED),
    ("CALL-24", [(":method", None)], MALFORMED),
    ("CALL-24", [(":scheme", None)], MALFORMED),
    ("CALL-24", [(":path", None)], MALFORMED),
    ("CALL-24", [(":path", "")], MALFORMED),
    ("CALL-24", [(":scheme", "gopher")], "http 400"),
    ("FRM-07", [("grpc-encoding", "identity")], "status 0"),
    ("FRM-07", [("grpc-encoding", "gzip")], "status 0"),
    ("FRM-07", [("grpc-encoding", "snappy")], "status 12"),
    ("META-02", [("x-bin", "AAE"), ("y-bin", "AAE="), ("z-bin", "")], "status 0"),
    ("META-03", [("x-bin", "AAE=,AAEC")], "status 0"),
    ("META-04", [("x-bin", "!!")], "status 13"),
    ("META-05", [("x-text", b"caf\xc3\xa9"), ("x-request-id", b"caf\xc3\xa9")], "status 0"),
    ("META-06", [("x-text", b"a\r\nb")], MALFORMED),
    ("META-06", [("x-text", b"a\0b")], MALFORMED),
    ("META-06", [("", "nameless")], MALFORMED),
    ("META-07", [("x-large", "v" * 8192)], "status 0"),
    ("META-07", [("x-large", "v" * 16100)], "status 8"),
    ("META-09", [("grpc-of-tomorrow", "1")], "status 0"),
    ("TIME-01", [("grpc-timeout", "1H")], "status 0"),
    ("TIME-03", [("grpc-timeout", "99999999H")], "status 0"),
    ("TIME-04", [("grpc-timeout", "100000000S")], "status 13"),
    ("TIME-04", [("grpc-timeout", "15 seconds")], "status 13"),
    ("TIME-04", [("grpc-timeout", "-1m")], "status 13"),
    ("TIME-04", [("grpc-timeout", "0.2S")], "status 13"),
    ("TIME-04", [("grpc-timeout", "")], "status 13"),
]

ZEROS = bytes(16 * 1024 * 1024)

# The head's changes, the body of the call, and what becomes of it.
BODIES = [
    ("FRM-01", [], raw_h2.message(b""), "status 0"),
    ("FRM-05", [], raw_h2.message(h2_peer.MESSAGE, 1), "status 13"),
    ("FRM-05", [("grpc-encoding", "identity")], raw_h2.message(h2_peer.MESSAGE, 1), "status 13"),
    ("FRM-06", [], raw_h2.message(h2_peer.MESSAGE, 2), "status 13"),
    ("FRM-06", [("grpc-encoding", "gzip")], raw_h2.message(gzip.compress(h2_peer.MESSAGE), 0x81), "status 13"),
    ("FRM-09", [("grpc-encoding", "gzip")], raw_h2.message(gzip.compress(h2_peer.MESSAGE), 1), "status 0"),
    ("FRM-09", [("grpc-encoding", "deflate")], raw_h2.message(zlib.compress(h2_peer.MESSAGE), 1), "status 0"),
    ("FRM-10", [("grpc-encoding", "gzip")], raw_h2.message(b"no gzip", 1), "status 13"),
    ("FRM-10", [("grpc-encoding", "gzip")], raw_h2.message(gzip.compress(h2_peer.MESSAGE)[:-1], 1), "status 13"),
    ("FRM-11", [("grpc-encoding", "gzip")], raw_h2.message(gzip.compress(gzip.compress(ZEROS)), 1), "status 8"),
    ("FRM-12", [], raw_h2.message(b"\x22\xfd\x1f" + b"x" * (LIMIT - 3)), "status 0"),
    ("FRM-12", [], raw_h2.message(b"\x22\xfe\x1f" + b"x" * (LIMIT - 2)), "status 8"),
    ("FRM-14", [], MESSAGE[:3], "status 13"),
    ("FRM-14", [], MESSAGE[:-1], "status 13"),
    ("FRM-14", [], MESSAGE + MESSAGE[:3], "status 13"),
    ("FRM-15", [], raw_h2.message(b"\xff\xff\xff"), "status 13"),
    ("CALL-18", [], b"", "status 12"),
    ("CALL-18", [], MESSAGE + MESSAGE, "status 12"),
    ("CALL-18", [(":path", h2_peer.PATH + "SubscribeToRoom")], b"", "status 12"),
    ("CALL-18", [(":path", h2_peer.PATH + "ChatRoom")], b"", "status 0"),
]


class Strict(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = sut.Server("--frontend", "h2", "--max-message", str(LIMIT))

    @classmethod
    def tearDownClass(cls):
        if cls.server.stop() != 0:
            raise AssertionError("the server did not end well\n" + "".join(cls.server.log))

    def setUp(self):
        self.peer = Peer(self.server)
        self.addCleanup(self.peer.close)

    def check_alive(self):
        self.assertEqual(self.peer.call()[1], "status 0")

    def test_each_head_has_its_answer(self):
        for rule, changes, expected in HEADS:
            with self.subTest(rule=rule, changes=str(changes)[:80]):
                peer = Peer(self.server)
                self.addCleanup(peer.close)
                self.assertEqual(peer.call(head(*changes))[1], expected)
                self.assertEqual(peer.call()[1], "status 0")

    def test_each_body_has_its_answer(self):
        for rule, changes, body, expected in BODIES:
            with self.subTest(rule=rule, changes=str(changes)[:80], body=body[:20]):
                peer = Peer(self.server)
                self.addCleanup(peer.close)
                self.assertEqual(peer.call(head(*changes), body)[1], expected)
                self.assertEqual(peer.call()[1], "status 0")

    def test_a_repeated_or_late_pseudo_header_is_malformed(self):
        for name in (":method", ":scheme", ":path", ":authority"):
            value = dict(h2_peer.USUAL)[name]
            self.assertEqual(self.peer.call([(name, value)] + h2_peer.USUAL)[1], MALFORMED)
            self.assertEqual(self.peer.call([f for f in h2_peer.USUAL if f[0] != name] + [(name, value)])[1],
                             MALFORMED)
        self.check_alive()

    def test_a_head_that_ends_the_stream_ends_the_call(self):
        """CALL-17"""
        for method, expected in (("SendMessage", "status 12"), ("SubscribeToRoom", "status 12"),
                                 ("ChatRoom", "status 0")):
            stream = self.peer.begin(head((":path", h2_peer.PATH + method)), END_HEADERS | END_STREAM)
            self.assertEqual(self.peer.outcome(stream), expected)
        self.check_alive()

    def test_a_refused_encoding_is_told_which_are_taken(self):
        """FRM-08"""
        stream, _ = self.peer.call(head(("grpc-encoding", "snappy")))
        names = self.peer.streams[stream].field("grpc-accept-encoding")[0].split(",")
        self.assertEqual(sorted(names), ["deflate", "gzip", "identity"])

    def test_a_refusal_is_one_block(self):
        """CALL-04"""
        for changes in ([("te", None)], [(":path", "/x")], [(":method", "GET")], [("grpc-encoding", "br")]):
            stream, _ = self.peer.call(head(*changes))
            self.assertEqual(len(self.peer.streams[stream].blocks), 1)
            self.assertEqual(self.peer.streams[stream].data, b"")

    def test_an_oversized_message_is_refused_by_its_prefix(self):
        """FRM-13; CALL-19: behind the status the server asks for no more with RST_STREAM(NO_ERROR)."""
        for prefix in (b"\x00\xff\xff\xff\xff", b"\x00\x00\x00\x10\x01"):
            stream = self.peer.begin(h2_peer.USUAL)
            self.peer.frame(DATA, 0, stream, prefix)
            self.assertEqual(self.peer.outcome(stream), "status 8")
            self.assertEqual(self.peer.read_until(RST_STREAM, stream)[3], b"\0\0\0\0")
        self.check_alive()

    def test_a_head_is_refused_before_its_body_comes(self):
        for changes, expected in (([("content-type", "text/plain")], "http 415"), ([(":path", "/x")], "status 12")):
            stream = self.peer.begin(head(*changes))
            self.assertEqual(self.peer.outcome(stream), expected)
            self.assertEqual(self.peer.read_until(RST_STREAM, stream)[3], b"\0\0\0\0")
        self.check_alive()

    def test_a_compressed_reply_comes_to_those_only_who_offer_it(self):
        """FRM-09"""
        zipped = raw_h2.message(gzip.compress(h2_peer.MESSAGE), 1)
        for offers, body, is_zipped in (("identity,gzip", zipped, True), ("identity", zipped, False),
                                        ("identity,gzip", MESSAGE, False)):
            fields = head(("grpc-encoding", "gzip"), ("grpc-accept-encoding", offers))
            stream, outcome = self.peer.call(fields, body)
            self.assertEqual(outcome, "status 0")
            reply = self.peer.streams[stream]
            self.assertEqual(reply.data[0], 1 if is_zipped else 0)
            self.assertEqual(reply.field("grpc-encoding"), ["gzip"] if is_zipped else [])
            payload = gzip.decompress(reply.data[5:]) if is_zipped else reply.data[5:]
            self.assertTrue(chat_pb2.ActionResponse.FromString(payload).accepted)

    def test_messages_before_a_damaged_one_are_answered(self):
        """FRM-15"""
        stream = self.peer.begin(head((":path", h2_peer.PATH + "ChatRoom")))
        self.peer.frame(DATA, 0, stream, MESSAGE + MESSAGE + raw_h2.message(b"\xff\xff\xff"))
        self.assertEqual(self.peer.outcome(stream), "status 13")
        self.assertEqual(self.peer.streams[stream].data.count(b"ack:m"), 2)
        self.check_alive()

    def test_a_unary_call_is_acted_on_when_it_is_whole(self):
        """FRM-14: a message that is followed by half of another one is not broadcast."""
        with sut.Client(self.server) as client:
            subscription = client.subscribe("r")
            self.peer.call(body=MESSAGE + MESSAGE[:3])
            stream = self.peer.begin(h2_peer.USUAL)
            self.peer.frame(DATA, 0, stream, MESSAGE)
            self.peer.frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big"))
            self.peer.call(body=raw_h2.message(b"\x0a\x01n\x12\x01r\x22\x05other"))
            self.assertEqual(next(subscription).text, "other")

    def test_a_text_is_percent_encoded(self):
        """CALL-15, META-13"""
        stream, outcome = self.peer.call(body=raw_h2.message(b"\x12\x01\x01\x22\x01t"))
        self.assertEqual(outcome, "status 3")
        text = self.peer.streams[stream].field("grpc-message")[0]
        self.assertIn("%", text)
        self.assertTrue(all(0x20 <= ord(c) <= 0x7e for c in text))
        self.assertEqual(len(self.peer.streams[stream].field("grpc-status-details-bin")), 1)

    def test_request_trailers_end_the_call_and_a_second_head_does_not_pass(self):
        """CONN-14, CALL-24"""
        for flags, fields, expected in ((END_STREAM, [("x", "y")], "status 0"), (0, [("x", "y")], MALFORMED),
                                        (END_STREAM, [(":path", "/x")], MALFORMED)):
            stream = self.peer.begin(h2_peer.USUAL)
            self.peer.frame(DATA, 0, stream, MESSAGE)
            self.peer.frame(HEADERS, END_HEADERS | flags, stream, h2_peer.block(fields))
            self.assertEqual(self.peer.outcome(stream), expected)
        self.check_alive()

    def test_a_deadline_is_kept_while_the_window_is_zero(self):
        """TIME-01, TIME-06, CALL-20"""
        peer = Peer(self.server, window=0)
        self.addCleanup(peer.close)
        body = raw_h2.message(chat_pb2.RoomSubscription(room_id="late", max_rate_hz=1000).SerializeToString())
        began = time.monotonic()
        stream = peer.begin(head((":path", h2_peer.PATH + "SubscribeToRoom"), ("grpc-timeout", "500m")))
        peer.frame(DATA, END_STREAM, stream, body)
        peer.read_until(HEADERS, stream)
        self.peer.call(body=raw_h2.message(b"\x12\x04late\x22\x01t"))
        self.assertIn(peer.outcome(stream), ("status 4", "rst 8"))
        self.assertGreaterEqual(time.monotonic() - began, 0.5)
        peer.frame(raw_h2.PING, 0, 0, b"pingpong")
        while True:
            kind, _, number, _ = peer.read()
            self.assertNotEqual(number, stream, "a frame behind END_STREAM")
            if kind == raw_h2.PING:
                break

    def test_frames_of_a_stream_that_the_client_has_ended_end_the_connection(self):
        """CONN-06, CONN-07; RFC 9113 5.1, 5.1.1"""
        stream_closed, protocol_error = 5, 1

        def end(peer):
            return peer.call()[0]

        def reset(peer):
            stream = peer.begin(head((":path", h2_peer.PATH + "ChatRoom")))
            peer.frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big"))
            return stream

        def skip(peer):
            peer.next_id += 2
            return peer.call()[0] - 2

        for leave, kind, payload, expected in (
                (end, DATA, MESSAGE, stream_closed), (end, HEADERS, h2_peer.block(h2_peer.USUAL), stream_closed),
                (reset, DATA, MESSAGE, stream_closed), (reset, HEADERS, h2_peer.block(h2_peer.USUAL), stream_closed),
                (skip, HEADERS, h2_peer.block(h2_peer.USUAL), protocol_error)):
            with self.subTest(leave=leave.__name__, kind=kind):
                peer = Peer(self.server)
                self.addCleanup(peer.close)
                self.assertEqual(peer.call()[1], "status 0")
                peer.frame(kind, END_HEADERS if kind == HEADERS else 0, leave(peer), payload)
                self.assertEqual(peer.error(), expected)
        self.check_alive()

    def test_frames_that_were_on_their_way_when_the_server_reset_are_let_pass(self):
        """RFC 9113 5.1: also of many streams, more than the server remembers one by one."""
        streams = []
        for _ in range(100):
            stream = self.peer.begin(head((":path", "/x")))
            self.assertEqual(self.peer.outcome(stream), "status 12")
            streams.append(stream)
        for stream in streams:
            self.peer.frame(DATA, 0, stream, MESSAGE)
            self.peer.frame(HEADERS, END_HEADERS | END_STREAM, stream, h2_peer.block([("x", "y")]))
        self.check_alive()

    def test_a_refusal_in_http_waits_for_the_end_of_the_request(self):
        """RFC 9113 8.1: the request is cut when that takes long; else nothing comes behind the answer."""
        stream = self.peer.begin(head((":method", "PUT")))
        self.assertEqual(self.peer.outcome(stream), "http 405")
        self.peer.frame(DATA, END_STREAM, stream, MESSAGE)
        self.peer.frame(raw_h2.PING, 0, 0, b"pingpong")
        kind, _, number, _ = self.peer.read()
        self.assertEqual((kind, number), (raw_h2.PING, 0))
        stream = self.peer.begin(head((":method", "PUT")))
        self.assertEqual(self.peer.outcome(stream), "http 405")
        self.assertEqual(self.peer.read_until(RST_STREAM, stream)[3], b"\0\0\0\0")
        stream = self.peer.begin(head((":method", "PUT")))
        self.assertEqual(self.peer.outcome(stream), "http 405")
        self.peer.frame(DATA, 0, stream, MESSAGE)
        self.assertEqual(self.peer.outcome(stream), "http 405") # what comes in one read with it would overtake it
        self.peer.frame(HEADERS, END_HEADERS, stream, h2_peer.block([("x", "y")])) # no trailers: not the end
        self.assertEqual(self.peer.read_until(RST_STREAM, stream)[3], b"\0\0\0\1")
        self.check_alive()

    def test_data_that_is_ignored_gives_its_credit_back(self):
        """FLOW-11: several connection windows of it, in calls that are refused or reset."""
        for round_ in range(60):
            stream = self.peer.begin(head((":path", "/x")) if round_ % 2 == 0 else h2_peer.USUAL)
            self.peer.frame(DATA, 0, stream, b"\x00\x00\x00\x0f\xff" + b"x" * 4000)
            self.peer.frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big"))
        self.check_alive()


if __name__ == "__main__":
    unittest.main()
