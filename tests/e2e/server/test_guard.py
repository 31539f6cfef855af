# SPDX-License-Identifier: Apache-2.0
"""What ends a connection of the h2 front end that its client does not end, on the wire."""

import gzip
import socket
import struct
import threading
import unittest

import raw_h2
import sut
from raw_h2 import ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS
from raw_h2 import WINDOW_UPDATE
from sut import chat_pb2

PRIORITY, CONTINUATION = 2, 9
REFUSED_STREAM, ENHANCE_YOUR_CALM = 7, 11
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MANY = 12000  # more than any bucket holds and gets back while a test sends them


def server(*args):
    return sut.Server("--frontend", "h2", *args)


def subscription():
    return chat_pb2.RoomSubscription(room_id="room").SerializeToString()


class Connection(raw_h2.Connection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.credit = {}
        self.statuses = {}

    def flood(self, frames, count=MANY):
        """Sends frames(number) so often, or until the server has closed; reads in another thread what comes."""
        def send():
            try:
                for number in range(count):
                    frames(number)
            except OSError:
                pass
        sender = threading.Thread(target=send)
        sender.start()
        try:
            return self.goaway()
        finally:
            self.socket.close()
            sender.join(sut.WAIT)

    def goaway(self):
        """(last stream, error, text) of the next GOAWAY, or None when the server closes without one."""
        try:
            while True:
                kind, _, _, payload = self.read()
                if kind == GOAWAY:
                    return (*struct.unpack(">II", payload[:8]), payload[8:].decode())
        except (EOFError, OSError):
            return None

    def take(self):
        """Reads a frame; keeps credit in self.credit and statuses in self.statuses, both by stream."""
        kind, _, stream, payload = self.read()
        if kind == WINDOW_UPDATE:
            self.credit[stream] = self.credit.get(stream, 65535) + int.from_bytes(payload, "big")
        elif kind == HEADERS and self.field("grpc-status") is not None:
            self.statuses[stream] = (self.field("grpc-status"), self.field("grpc-message"))

    def upload(self, stream, body):
        """Sends body as the windows allow, without END_STREAM; stops when the stream has ended."""
        for at in range(0, len(body), 8192):
            piece = body[at:at + 8192]
            while min(self.credit.setdefault(of, 65535) for of in (0, stream)) < len(piece):
                self.take()
            if stream in self.statuses:
                return
            self.frame(DATA, 0, stream, piece)
            for of in (0, stream):
                self.credit[of] -= len(piece)

    def rest(self):
        """The kinds of frames up to the end of the connection."""
        kinds = []
        try:
            while True:
                kinds.append(self.read()[0])
        except (EOFError, OSError):
            return kinds


class Floods(unittest.TestCase):
    def setUp(self):
        self.server = server()
        self.addCleanup(self.server.stop)

    def assert_frame_calmed(self, text, *frame):
        connection = Connection(self.server)
        got = connection.flood(lambda _: connection.frame(*frame))
        self.assertIsNotNone(got)
        self.assertEqual(got[1:], (ENHANCE_YOUR_CALM, text))

    def test_frames_that_do_nothing(self):
        for text, *frame in (
                ("too_many_settings", SETTINGS, 0, 0, b""),
                ("too_many_priorities", PRIORITY, 0, 1, b"\0\0\0\0\1"),
                ("too_many_window_updates", WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
                ("too_many_frames", SETTINGS | 0x70, 0, 0, b"unknown"),
                ("too_many_pings", PING, 0, 0, b"12345678")):
            with self.subTest(text):
                self.assert_frame_calmed(text, *frame)
        with sut.Client(self.server) as client:
            client.send("room", "still served")

    def test_empty_data(self):
        connection = Connection(self.server)
        connection.headers(1, "ChatRoom")
        got = connection.flood(lambda _: connection.frame(DATA, 0, 1, b""))
        self.assertEqual(got, (1, ENHANCE_YOUR_CALM, "too_many_empty_frames"))

    def test_header_blocks_without_end(self):
        for size, text in ((0, "too_many_continuations"), (16384, "header_block_too_large")):
            with self.subTest(text):
                connection = Connection(self.server)
                connection.read_until(SETTINGS, 0)  # its answer may not stand between those frames
                connection.headers(1, "SendMessage", flags=0)
                piece = raw_h2.literal("x", "y" * 100) * 150 if size else b""
                got = connection.flood(lambda _: connection.frame(CONTINUATION, 0, 1, piece), 100)
                self.assertEqual(got[1:], (ENHANCE_YOUR_CALM, text))

    def test_rapid_reset_and_the_others_are_served(self):
        connection = Connection(self.server)

        def frames(number):
            stream = 2 * number + 1
            connection.call(stream, "SubscribeToRoom", subscription())
            connection.frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
        with sut.Client(self.server) as client:
            live = client.subscribe("room")
            got = connection.flood(frames)
            self.assertEqual(got[1:], (ENHANCE_YOUR_CALM, "too_many_resets"))
            client.send("room", "still served")
            self.assertEqual(next(live).text, "still served")
            live.cancel()

    def test_resets_that_the_server_is_made_to_send(self):
        connection = Connection(self.server)

        def frames(number):
            stream = 2 * number + 1
            connection.headers(stream, "ChatRoom")
            connection.frame(WINDOW_UPDATE, 0, stream, b"\x7f\xff\xff\xff")
        got = connection.flood(frames)
        self.assertEqual(got[1:], (ENHANCE_YOUR_CALM, "too_many_errors"))

    def test_subscribers_that_leave_are_no_flood(self):
        connection = Connection(self.server)
        for number in range(1500):
            stream = 2 * number + 1
            connection.headers(stream, "SubscribeToRoom")
            connection.frame(DATA, END_STREAM, stream, raw_h2.message(subscription()))
            connection.read_until(HEADERS, stream)
            connection.frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
        connection.headers(9999, "SubscribeToRoom")
        connection.frame(DATA, END_STREAM, 9999, raw_h2.message(subscription()))
        connection.read_until(HEADERS, 9999)
        connection.close()


class Silence(unittest.TestCase):
    def test_who_does_not_begin_is_closed(self):
        for said in (b"", PREFACE[:10], PREFACE):
            with self.subTest(said), server("--handshake-timeout", "300ms",
                                            "--keepalive-time", "off") as sluice:
                host, port = sluice.address.split(":")
                with socket.create_connection((host, int(port)), sut.WAIT) as plain:
                    plain.sendall(said)
                    while plain.recv(4096):
                        pass
                sluice.wait_for_log("reason=handshake-timeout")

    def test_a_head_without_end_is_cut(self):
        with server("--handshake-timeout", "300ms", "--keepalive-time", "off") as sluice:
            connection = Connection(sluice)
            connection.read_until(SETTINGS, 0)
            connection.headers(1, "SendMessage", flags=0)
            self.assertEqual(connection.goaway()[1:], (ENHANCE_YOUR_CALM, "header_block_too_slow"))
            connection.close()

    def test_a_flood_in_a_head_while_nothing_is_read_stops_nobody(self):
        with server("--handshake-timeout", "500ms", "--log-calls", "all") as sluice, sut.Client(sluice) as client:
            connection = Connection(sluice, window=2 ** 31 - 1)
            connection.grant(0, 2 ** 31 - 2 ** 16)
            connection.call(1, "SubscribeToRoom", chat_pb2.RoomSubscription(
                room_id="room", max_rate_hz=10 ** 9).SerializeToString())
            connection.read_until(HEADERS, 1)
            for _ in range(16):  # more than the sockets take
                client.send("room", "x" * 1000000)
            connection.headers(3, "SendMessage", flags=0)
            for _ in range(100):
                connection.frame(CONTINUATION, 0, 3)
            # Its GOAWAY cannot go out. The head is overdue before the time for that is over.
            sluice.wait_for_log("reason=too_many_continuations")
            client.send("room", "still served")
            connection.close()

    def test_nobody_fills_the_log_where_no_calls_are_wanted(self):
        with server("--log-calls", "none", "--handshake-timeout", "300ms") as sluice:
            for _ in range(20):
                connection = Connection(sluice)
                connection.frame(CONTINUATION, 0, 1)
                connection.rest()
                connection.close()
                connection = Connection(sluice)
                connection.read_until(SETTINGS, 0)
                connection.headers(1, "SendMessage", flags=0)
                connection.flood(lambda _: connection.frame(CONTINUATION, 0, 1), 100)
            host, port = sluice.address.split(":")
            with socket.create_connection((host, int(port)), sut.WAIT) as silent:
                while silent.recv(4096):
                    pass
            sluice.signal(15)
            self.assertEqual(sluice.wait(), 0)
            self.assertEqual([line for line in sluice.log if "peer=" in line], [])

    def test_who_began_may_be_silent(self):
        with server("--handshake-timeout", "200ms", "--keepalive-time", "300ms",
                    "--keepalive-timeout", "20s") as sluice:
            connection = Connection(sluice)
            for _ in range(3):  # each comes after a silence of keepalive-time
                while connection.read()[:2] != (PING, 0):
                    pass
            connection.close()

    def test_who_answers_no_ping_is_dropped(self):
        with server("--keepalive-time", "200ms", "--keepalive-timeout", "200ms") as sluice:
            connection = Connection(sluice)
            connection.socket.setblocking(True)
            kinds = []
            try:
                while True:  # read() would answer
                    head = connection._exactly(9)
                    connection._exactly(int.from_bytes(head[:3], "big"))
                    kinds.append(head[3])
            except (EOFError, OSError):
                pass
            self.assertEqual(kinds.count(PING), 1)
            connection.close()
            sluice.wait_for_log("reason=keepalive")

    def test_pings_that_come_too_fast(self):
        with server("--min-ping-interval", "10s") as sluice:
            connection = Connection(sluice)
            for _ in range(3):
                connection.frame(PING, 0, 0, b"12345678")
            while connection.read()[:2] != (PING, ACK):
                pass
            connection.frame(PING, 0, 0, b"12345678")
            self.assertEqual(connection.goaway(), (0, ENHANCE_YOUR_CALM, "too_many_pings"))
            self.assertLessEqual(set(connection.rest()), {GOAWAY, PING})
            connection.close()


class Limits(unittest.TestCase):
    def test_a_connection_too_many_is_closed_and_a_later_one_served(self):
        with server("--max-connections", "2") as sluice:
            first, second = Connection(sluice), Connection(sluice)
            first.read_until(SETTINGS, 0)
            second.read_until(SETTINGS, 0)
            host, port = sluice.address.split(":")
            with socket.create_connection((host, int(port)), sut.WAIT) as third:
                self.assertEqual(third.recv(1), b"")
            sluice.wait_for_log("connections are refused (--max-connections 2)")
            first.close()
            with sut.Client(sluice) as client:
                client.send("room", "served")
            second.close()

    def test_a_stream_too_many_is_refused_by_itself(self):
        with server("--max-streams", "2") as sluice:
            connection = Connection(sluice)
            kind, _, _, payload = connection.read()
            self.assertEqual(kind, SETTINGS)
            self.assertIn(struct.pack(">HI", 3, 2), [payload[i:i + 6] for i in range(0, len(payload), 6)])
            for stream in (1, 3):
                connection.headers(stream, "ChatRoom")
            connection.headers(5, "ChatRoom")
            self.assertEqual(connection.read_until(RST_STREAM, 5)[3], struct.pack(">I", REFUSED_STREAM))
            connection.frame(RST_STREAM, 0, 1, b"\0\0\0\x08")
            connection.headers(7, "ChatRoom")
            connection.read_until(HEADERS, 7)
            connection.close()

    def test_unfinished_requests_of_the_greediest_give_way(self):
        large = chat_pb2.ChatMessage(room_id="room", text="x" * 2 ** 20).SerializeToString()
        for name, extra, body in (("plain", (), raw_h2.message(large)),
                                  ("inflated", (("grpc-encoding", "gzip"),), raw_h2.message(gzip.compress(large), 1))):
            with self.subTest(name), server("--memory", "16MiB", "--max-message", "2MiB",
                                            "--subscriber-memory", "4MiB") as sluice:
                modest, greedy = Connection(sluice), Connection(sluice)
                small = raw_h2.message(chat_pb2.ChatMessage(room_id="room", text="y" * 9000).SerializeToString())
                modest.headers(1, "SendMessage")
                modest.frame(DATA, 0, 1, small)
                modest.frame(PING, 0, 0, b"12345678")
                modest.read_until(PING, 0)  # what was before it is with the server
                for stream in range(1, 41, 2):
                    greedy.headers(stream, "SendMessage", extra=extra)
                    greedy.upload(stream, body)
                greedy.call(99, "SendMessage", b"")
                while 99 not in greedy.statuses:
                    greedy.take()
                self.assertEqual(greedy.statuses.get(1), (
                    "8", "too many bytes of messages are waiting (--memory 16777216)"))
                modest.frame(DATA, END_STREAM, 1)
                while 1 not in modest.statuses:
                    modest.take()
                self.assertEqual(modest.statuses[1][0], "0")
                modest.close()
                greedy.close()

    def test_an_old_connection_is_told_to_go_and_its_streams_are_ended(self):
        with server("--max-connection-age", "300ms", "--max-connection-age-grace", "300ms") as sluice:
            connection = Connection(sluice)
            connection.call(1, "SubscribeToRoom", subscription())
            self.assertEqual(connection.goaway(), (2 ** 31 - 1, 0, ""))
            self.assertEqual(connection.goaway(), (1, 0, ""))
            frame = connection.read_until(HEADERS, 1)
            self.assertTrue(frame[1] & END_STREAM)
            self.assertIn(b"\x0214", frame[3])  # UNAVAILABLE
            connection.rest()
            connection.close()

    def test_a_drain_takes_streams_between_its_goaways(self):
        with server() as sluice:
            connection = Connection(sluice)
            connection.read_until(SETTINGS, 0)
            sluice.signal(15)
            self.assertEqual(connection.goaway(), (2 ** 31 - 1, 0, ""))
            connection.call(1, "SubscribeToRoom", subscription())
            self.assertEqual(connection.goaway(), (1, 0, ""))
            connection.frame(RST_STREAM, 0, 1, b"\0\0\0\x08")
            connection.rest()
            connection.close()
            self.assertEqual(sluice.wait(), 0)


if __name__ == "__main__":
    unittest.main()
