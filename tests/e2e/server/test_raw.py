# SPDX-License-Identifier: Apache-2.0
"""Credit byte by byte, and clients that leave in the middle, over plain HTTP/2 frames."""

import gzip
import resource
import socket
import time
import unittest

import raw_h2
import sut
from raw_h2 import DATA, HEADERS, RST_STREAM, Connection
from sut import chat_pb2

BUFFER = 10
FILES = 64
MIB = 1 << 20


def subscription(room, rate=1000000000):
    return chat_pb2.RoomSubscription(room_id=room, max_rate_hz=rate).SerializeToString()


class Raw(unittest.TestCase):
    def test_a_stream_without_credit_holds_its_buffer_and_one_exactly(self):
        with sut.Server("--buffer", str(BUFFER)) as server, sut.Client(server) as client:
            connection = Connection(server, window=0)
            connection.call(1, "SubscribeToRoom", subscription("r"))
            connection.read_until(HEADERS, 1)
            for number in range(100, 200):
                client.send("r", str(number))
            connection.grant(1, 1 << 20)
            got = []
            while len(got) < BUFFER + 1:
                data = connection.read_until(DATA, 1)[3]
                while data:
                    length = int.from_bytes(data[1:5], "big")
                    got.append(int(chat_pb2.ChatMessage.FromString(data[5:5 + length]).text))
                    data = data[5 + length:]
            self.assertEqual(got, list(range(100, 100 + BUFFER + 1)))
            client.send("r", "next")
            self.assertIn(b"next", connection.read_until(DATA, 1)[3])
            connection.close()

    def test_a_reader_of_one_message_a_step_gets_the_next_ones(self):
        with sut.Server("--buffer", str(BUFFER)) as server, sut.Client(server) as client:
            messages = [chat_pb2.ChatMessage(room_id="r", text=str(number), message_id=str(number), created_at=1)
                        for number in range(100, 200)] # whole: nothing is filled in
            size = len(raw_h2.message(messages[0].SerializeToString()))
            connection = Connection(server, window=0)
            connection.call(1, "SubscribeToRoom", subscription("r"))
            connection.read_until(HEADERS, 1)
            for message in messages:
                self.assertTrue(client.send_message(message).accepted)
            for step in range(BUFFER + 1):
                connection.grant(1, size)
                data = b""
                while len(data) < size:
                    data += connection.read_until(DATA, 1)[3]
                self.assertEqual(chat_pb2.ChatMessage.FromString(data[5:]).text, str(100 + step))
            connection.close()

    def leave(self, how):
        """Leaves twenty stalled subscriptions and chats behind and asks that nobody notices."""
        with sut.Server() as server, sut.Client(server) as client:
            stays = client.subscribe("r")
            threads = server.threads()
            for _ in range(20):
                connection = Connection(server, window=0)
                connection.call(1, "SubscribeToRoom", subscription("r"))
                connection.headers(3, "ChatRoom")
                connection.frame(DATA, 0, 3, raw_h2.message(b"\x0a\x01x") + b"\x00\x00\x00\x00\x09par")
                connection.read_until(HEADERS, 3)
                client.send("r", "x" * 1000)
                self.assertEqual(len(next(stays).text), 1000)
                how(connection)
            client.send("r", "after")
            self.assertEqual(next(stays).text, "after")
            deadline = time.monotonic() + sut.WAIT
            while server.sockets() > 3 and time.monotonic() < deadline:
                time.sleep(0.05)
            # The listener, the client's connection, and one of the C core's own.
            self.assertLessEqual(server.sockets(), 3)
            self.assertLessEqual(server.threads(), threads + 4)
            stays.cancel()

    def test_streams_that_are_reset_leave_nothing(self):
        def reset(connection):
            connection.frame(RST_STREAM, 0, 1, b"\0\0\0\x08")
            connection.frame(RST_STREAM, 0, 3, b"\0\0\0\x08")
            connection.call(5, "SendMessage", b"\xff")
            connection.read_until(HEADERS, 5)  # the connection goes on
            connection.close()

        self.leave(reset)

    def test_a_fin_leaves_nothing(self):
        self.leave(lambda connection: connection.close())

    @unittest.skipIf(sut.FRONTEND == "grpc", "the C core drops what it has read when the FIN comes")
    def test_a_call_whose_client_closes_behind_it_is_answered(self):
        request = chat_pb2.ChatMessage(room_id="r", text="t").SerializeToString()
        with sut.Server() as server:
            host, port = server.address.split(":")
            with socket.create_connection((host, int(port)), sut.WAIT) as plain:
                plain.sendall(raw_h2.one_call("SendMessage", request))
                plain.shutdown(socket.SHUT_WR)
                got = b""
                while piece := plain.recv(65536):
                    got += piece
            self.assertEqual(raw_h2.kinds(got), [HEADERS, DATA, HEADERS])

    def test_a_tcp_reset_leaves_nothing(self):
        self.leave(lambda connection: connection.reset_tcp())

    def test_half_a_message_is_never_acted_on(self):
        with sut.Server() as server, sut.Client(server) as client:
            stays = client.subscribe("r")
            whole = raw_h2.message(chat_pb2.ChatMessage(room_id="r", text="half").SerializeToString())
            connection = Connection(server)
            connection.headers(1, "SendMessage")
            connection.frame(DATA, raw_h2.END_STREAM, 1, whole[:-1])
            trailers = connection.read_until(HEADERS, 1)
            self.assertTrue(trailers[1] & raw_h2.END_STREAM)
            connection.headers(3, "SendMessage", raw_h2.END_HEADERS | raw_h2.END_STREAM)
            connection.read_until(HEADERS, 3)
            connection.headers(5, "ChatRoom")
            connection.frame(DATA, raw_h2.END_STREAM, 5, whole[:-1])
            frame = connection.read()
            while not (frame[2] == 5 and frame[1] & raw_h2.END_STREAM):
                self.assertNotEqual(frame[0], DATA)
                frame = connection.read()
            client.send("r", "whole")
            self.assertEqual(next(stays).text, "whole")
            stays.cancel()
            connection.close()

    def test_a_server_out_of_file_descriptors_refuses_and_then_serves_again(self):
        with sut.Server() as server:
            soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
            self.assertEqual(soft, hard)
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
            host, port = server.address.split(":")
            crowd = [socket.create_connection((host, int(port)), sut.WAIT) for _ in range(3 * FILES)]
            # The last ones are closed at once rather than left to wait.
            crowd[-1].settimeout(sut.WAIT)
            try:
                self.assertEqual(crowd[-1].recv(1), b"")
            except ConnectionResetError:
                pass
            for connection in crowd:
                connection.close()
            with sut.Client(server) as client:
                self.assertTrue(client.send("r", "still").accepted)

    @unittest.skipIf(sut.SANITIZED, "a sanitizer keeps what was freed")
    def test_a_storm_of_resets_gives_its_memory_back(self):
        with sut.Server() as server, sut.Client(server) as client:
            client.send("r", "warm")
            before = server.rss_kib()
            connection = Connection(server)
            for stream in range(1, 6001, 2):
                connection.call(stream, "SubscribeToRoom", subscription("r"))
                connection.frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
            connection.close()
            client.send("r", "after")
            deadline = time.monotonic() + sut.WAIT
            while server.rss_kib() - before > 12 * 1024 and time.monotonic() < deadline:
                time.sleep(0.1)
            self.assertLess(server.rss_kib() - before, 12 * 1024)

    def test_a_message_that_inflates_past_the_limit_is_refused_before_it_does(self):
        with sut.Server("--max-message", "1MiB") as server, sut.Client(server) as client:
            client.send("r", "warm")
            before = server.rss_kib()
            packed = gzip.compress(bytes(32 * MIB))
            for stream, method in ((1, "SendMessage"), (1, "SubscribeToRoom"), (1, "ChatRoom")):
                connection = Connection(server)
                connection.headers(stream, method, extra=[("grpc-encoding", "gzip")])
                connection.frame(DATA, 0, stream, raw_h2.message(packed, flag=1)[:16384])
                connection.frame(DATA, raw_h2.END_STREAM, stream, raw_h2.message(packed, flag=1)[16384:])
                frame = connection.read_until(HEADERS, stream)
                while not frame[1] & raw_h2.END_STREAM:
                    frame = connection.read_until(HEADERS, stream)
                self.assertEqual(connection.field("grpc-status"), "8")  # RESOURCE_EXHAUSTED
                connection.close()
            if not sut.SANITIZED:
                self.assertLess(server.rss_kib() - before, 16 * 1024)

    def test_garbage_ends_its_connection_only(self):
        with sut.Server() as server, sut.Client(server) as client:
            stays = client.subscribe("r")
            for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"\xff" * 10000, b""):
                connection = Connection(server)
                connection.socket.sendall(junk)
                connection.close()
            client.send("r", "still")
            self.assertEqual(next(stays).text, "still")
            stays.cancel()


if __name__ == "__main__":
    unittest.main()
