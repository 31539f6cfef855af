# SPDX-License-Identifier: Apache-2.0
"""The wrong servers whose deviation the front end makes; the others are shown by the unit tests of the chat core."""

import os
import queue
import subprocess
import threading
import time
import unittest

import grpc

import sut
from sut import chat_pb2

BODY = "b" * 16000
WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]


def wrong(*names):
    return sut.Server(*[arg for name in names for arg in ("--misbehave", name)])


class Misbehave(unittest.TestCase):
    def ends_by_itself(self, server, provoke):
        """The process ends when provoked."""
        with sut.Client(server) as client:
            try:
                provoke(client)
            except grpc.RpcError:
                pass
            self.assertEqual(server.wait(), 70)
        server.stop()

    def test_the_list_names_each_with_front_end_and_rule(self):
        run = subprocess.run([os.environ["SLUICE_SERVER"], "--misbehave", "list"],
                             capture_output=True, text=True, timeout=sut.WAIT, check=True)
        rows = [line.split("\t") for line in run.stdout.splitlines()]
        self.assertGreaterEqual(len(rows), 47)
        self.assertEqual({len(row) for row in rows}, {3})
        # All are known and bear each other; some alone, as the selftest plays each.
        self.assertEqual(wrong(*(row[0] for row in rows)).stop(), 0)
        for row in rows[::10]:
            server = wrong(row[0])
            self.assertEqual(server.stop(), 0, row)

    def test_publisher_waits_for_subscriber(self):
        with wrong("publisher-waits-for-subscriber") as server, \
                sut.Client(server, options=WINDOW) as reader, sut.Client(server) as client:
            stream = reader.subscribe("r")
            message = chat_pb2.ChatMessage(room_id="r", text=BODY)
            with self.assertRaises(grpc.RpcError) as raised:
                for _ in range(200):
                    client.send_message(message, timeout=1)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            client.send("other", "nobody listens")
            stream.cancel()

    def stalls(self, name, is_own_connection, room, wait=1):
        """True when a stalled stream holds up a reader of room for so long, on its own or another connection."""
        with wrong(name) as server, sut.Client(server, options=WINDOW) as first, \
                sut.Client(server) as second:
            stalled = first.subscribe("r")
            live = (first if is_own_connection else second).subscribe(room)
            seen = queue.Queue()
            reader = threading.Thread(target=lambda: self.drain(live, seen))
            reader.start()
            for _ in range(300):
                second.send("r", BODY)
            second.send(room, "last")
            deadline = time.monotonic() + wait
            is_held_up = True
            while is_held_up and time.monotonic() < deadline:
                try:
                    is_held_up = seen.get(timeout=0.1) != "last"
                except queue.Empty:
                    second.send(room, "last")
            stalled.cancel()
            live.cancel()
            reader.join(sut.WAIT)
            return is_held_up

    @staticmethod
    def drain(stream, seen):
        try:
            for message in stream:
                seen.put(message.text)
        except grpc.RpcError:
            pass

    def test_a_stalled_stream_blocks_what_the_name_says(self):
        self.assertFalse(self.stalls("ping-never", True, "r", sut.WAIT))
        self.assertTrue(self.stalls("stalled-stream-blocks-room", False, "r"))
        self.assertFalse(self.stalls("stalled-stream-blocks-room", False, "other", sut.WAIT))
        self.assertTrue(self.stalls("stalled-stream-blocks-server", False, "other"))
        self.assertTrue(self.stalls("stall-blocks-connection", True, "other"))
        self.assertFalse(self.stalls("stall-blocks-connection", False, "r", sut.WAIT))

    def leaked_kib(self, server):
        with server, sut.Client(server) as client:
            for _ in range(50):
                client.subscribe("warm").cancel()
            before = server.rss_kib()
            for _ in range(300):
                client.subscribe("leak").cancel()
            client.send("leak", "x")
            return server.rss_kib() - before

    @unittest.skipIf(sut.SANITIZED, "a sanitizer keeps freed memory")
    def test_leak_on_close_shows_in_the_memory(self):
        self.assertGreater(self.leaked_kib(wrong("leak-on-close")), 300 * 60)
        self.assertLess(self.leaked_kib(sut.Server()), 300 * 20)

    def test_unbounded_acks_reads_on(self):
        with wrong("unbounded-acks") as server, sut.Client(server, options=WINDOW) as client:
            message = chat_pb2.ChatMessage(message_id="i" * 8000)
            count = [0]

            def messages():
                for _ in range(2000):
                    count[0] += 1
                    yield message

            call = client.chat_room(messages())
            deadline = time.monotonic() + sut.WAIT
            while count[0] < 2000 and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertEqual(count[0], 2000)
            call.cancel()

    def test_unknown_methods(self):
        with wrong("unimplemented-hangs") as server, sut.Client(server) as client:
            with self.assertRaises(grpc.RpcError) as raised:
                client.channel.unary_unary("/x/Y")(b"", timeout=0.5)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            self.assertTrue(client.send("r", "t").accepted)
        with wrong("unknown-method-ok") as server, sut.Client(server) as client:
            call = client.channel.unary_stream("/x/Y")(b"", timeout=sut.WAIT)
            self.assertEqual(list(call), [])
            self.assertEqual(call.code(), grpc.StatusCode.OK)

    def test_crash_on_rst(self):
        self.ends_by_itself(wrong("crash-on-rst"), lambda client: client.subscribe("r").cancel())

    def test_crash_on_garbage(self):
        for path, kind in (("SendMessage", "unary_unary"), ("ChatRoom", "stream_unary")):
            self.ends_by_itself(
                wrong("crash-on-garbage"),
                lambda client, path=path, kind=kind: getattr(client.channel, kind)(
                    "/chat.v1.ChatService/" + path)(
                        iter([b"\xff"]) if kind == "stream_unary" else b"\xff", timeout=5))


if __name__ == "__main__":
    unittest.main()
