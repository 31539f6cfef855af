# SPDX-License-Identifier: Apache-2.0
"""The page of metrics counts exactly what clients did, and no scraper disturbs a call (OPS-06).

The page is read by Prometheus' own Python parser. `promtool check metrics` judges it too where it is installed; its package is too
large to ask for, so the rules of it that matter are checked here as well.
"""

import collections
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

import grpc
from prometheus_client.parser import text_string_to_metric_families

import raw_h2
import sut
from sut import chat_pb2, health_pb2

CHAT = "chat.v1.ChatService"
HEALTH = "grpc.health.v1.Health"
FRONTEND = sut.FRONTEND
SHOWN = ("--frontend", FRONTEND, "--metrics", "127.0.0.1:0")


def get(server, path="/metrics", method="GET"):
    host, port = server.metrics.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=sut.WAIT)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer, body


def values(server):
    """{(name, frozenset of its label values): number}"""
    _, body = get(server)
    found = {}
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            found[(sample.name, frozenset(sample.labels.values()))] = sample.value
    return found


def eventually(server, expected):
    """The page shows the numbers of expected, {(name, label value, ...): number}, and stays with them."""
    wanted = {key: expected[key] for key in expected}

    def seen():
        page = values(server)
        result = {}
        for name, *labels in wanted:
            sums = [number for (other, have), number in page.items()
                    if other == name and set(labels) <= have]
            result[(name, *labels)] = sum(sums)
        return result

    until = time.monotonic() + sut.WAIT
    while seen() != wanted and time.monotonic() < until:
        time.sleep(0.02)
    for _ in range(2):
        assert seen() == wanted, (seen(), wanted)


class Form(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = sut.Server(*SHOWN)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def test_the_page_is_text_format_0_0_4(self):
        answer, body = get(self.server)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.getheader("Content-Type"),
                         "text/plain; version=0.0.4; charset=utf-8")
        self.assertTrue(body.endswith("\n"))
        number = r"[0-9]+(\.[0-9]+)?"
        label = r'[a-z_]+="(\\.|[^"\\\n])*"'
        line = re.compile(r"[a-z_]+(\{%s(,%s)*\})? %s$|# (HELP|TYPE) " % (label, label, number))
        for one in body.splitlines():
            self.assertRegex(one, line)

    def test_what_promtool_would_say(self):
        _, body = get(self.server)
        helps, types, samples = [], {}, collections.Counter()
        for line in body.splitlines():
            kind = line.split(" ")
            if line.startswith("# HELP"):
                helps.append(kind[2])
                self.assertTrue(len(kind) > 3 and kind[3])
            elif line.startswith("# TYPE"):
                types[kind[2]] = kind[3]
            else:
                samples[line.rsplit(" ", 1)[0]] += 1
        self.assertEqual(helps, list(types))
        self.assertEqual([name for name, count in samples.items() if count > 1], [])
        for name, kind in types.items():
            self.assertEqual(name.endswith("_total"), kind == "counter", name)
            self.assertNotRegex(name, "_(count|sum|bucket|info_total|ms|milliseconds|kib)$")
        self.assertEqual(len(list(text_string_to_metric_families(body))), len(types))

    @unittest.skipUnless(shutil.which("promtool"), "package prometheus is not installed")
    def test_promtool_has_nothing_to_say(self):
        _, body = get(self.server)
        said = subprocess.run(["promtool", "check", "metrics"], input=body, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual((said.returncode, said.stdout), (0, ""))

    def test_there_is_one_page_and_it_can_only_be_read(self):
        for path in ("/", "/metrics/", "/metricsx", "/%6detricss", "/../etc/passwd"):
            self.assertEqual(get(self.server, path)[0].status, 404, path)
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            self.assertEqual(get(self.server, method=method)[0].status, 405, method)

    def test_a_scraper_may_keep_its_connection(self):
        host, port = self.server.metrics.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=sut.WAIT)
        for _ in range(3):
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            self.assertIn(b"process_open_fds", answer.read())
            self.assertNotEqual(answer.getheader("Connection"), "close")
        connection.close()

    def test_the_process_and_the_build_are_shown(self):
        page = values(self.server)
        plain = {name: number for (name, labels), number in page.items() if not labels}
        self.assertLess(abs(plain["process_start_time_seconds"] - time.time()), 300)
        self.assertGreater(plain["process_resident_memory_bytes"], 1 << 20)
        self.assertGreater(plain["process_open_fds"], 3)
        self.assertGreater(plain["process_max_fds"], plain["process_open_fds"])
        self.assertEqual([number for (name, _), number in page.items()
                          if name == "sluice_build_info"], [1])


class Counts(unittest.TestCase):
    def setUp(self):
        self.server = sut.Server(*SHOWN, "--buffer", "5", "--history", "3")
        self.client = sut.Client(self.server)

    def tearDown(self):
        self.client.close()
        self.assertEqual(self.server.stop(), 0)

    def fails(self, code, call):
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        self.assertEqual(raised.exception.code(), code)

    def test_unary_calls_by_method_and_status(self):
        for number in range(7):
            self.client.send("r", str(number))
        self.client.send("", "no room")
        self.client.send("r", "same", message_id="m")
        self.client.send("r", "same", message_id="m")
        for _ in range(3):
            self.fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.client.send("\x01", "t"))
        for service in ("", "", "nope"):
            request = health_pb2.HealthCheckRequest(service=service)
            if service:
                self.fails(grpc.StatusCode.NOT_FOUND,
                           lambda r=request: self.client.check(r, timeout=sut.WAIT))
            else:
                self.client.check(request, timeout=sut.WAIT)
        handled = "grpc_server_handled_total"
        eventually(self.server, {
            ("grpc_server_started_total", CHAT, "SendMessage", "unary"): 13,
            (handled, CHAT, "SendMessage"): 13,
            (handled, CHAT, "SendMessage", "OK"): 10,
            (handled, CHAT, "SendMessage", "InvalidArgument"): 3,
            ("grpc_server_handling_seconds_count", "SendMessage"): 13,
            ("grpc_server_msg_received_total", "SendMessage"): 13,
            ("grpc_server_msg_sent_total", "SendMessage"): 10,
            (handled, HEALTH, "Check", "OK"): 2,
            (handled, HEALTH, "Check", "NotFound"): 1,
            ("sluice_chat_messages_total", "broadcast"): 8,
            ("sluice_chat_messages_total", "rejected"): 4,
            ("sluice_chat_messages_total", "repeated"): 1,
            ("sluice_open_streams",): 0,
        })

    def test_streams_while_they_are_open_and_when_they_have_ended(self):
        streams = [self.client.subscribe("s") for _ in range(3)]
        for number in range(4):
            self.client.send("s", str(number))
        for stream in streams:
            self.assertEqual(sut.texts(stream, 4), ["0", "1", "2", "3"])
        eventually(self.server, {
            ("sluice_open_streams", "SubscribeToRoom"): 3,
            ("sluice_subscriptions",): 3,
            ("sluice_rooms",): 1,
            ("sluice_broadcast_copies_total",): 12,
            ("sluice_delivered_messages_total",): 12,
            ("sluice_buffered_messages",): 0,
            ("grpc_server_msg_sent_total", "SubscribeToRoom"): 12,
        })
        ages = [number for (name, labels), number in values(self.server).items()
                if name == "sluice_oldest_stream_age_seconds" and "SubscribeToRoom" in labels]
        self.assertGreater(ages[0], 0)
        streams[0].cancel()
        # One that leaves the end to the server: a gRPC client cancels at its deadline, and may be the first to.
        waits = raw_h2.Connection(self.server)
        waits.headers(1, "SubscribeToRoom", extra=[("grpc-timeout", "50m")])
        waits.frame(raw_h2.DATA, raw_h2.END_STREAM, 1, raw_h2.message(
            chat_pb2.RoomSubscription(room_id="s").SerializeToString()))
        self.assertEqual(len(list(self.client.chat_room(
            iter([chat_pb2.ChatMessage(message_id="a")] * 9), timeout=sut.WAIT))), 9)
        handled = "grpc_server_handled_total"
        eventually(self.server, {
            (handled, "SubscribeToRoom"): 2,
            (handled, "SubscribeToRoom", "Canceled"): 1,
            (handled, "SubscribeToRoom", "DeadlineExceeded"): 1,
            (handled, "ChatRoom", "bidi_stream", "OK"): 1,
            ("grpc_server_msg_received_total", "ChatRoom"): 9,
            ("grpc_server_msg_sent_total", "ChatRoom"): 9,
            ("sluice_chat_acks_total",): 9,
            ("sluice_chat_messages_total", "acknowledged"): 9,
            ("sluice_open_streams", "SubscribeToRoom"): 2,
        })
        for stream in streams[1:]:
            stream.cancel()
        eventually(self.server, {("sluice_open_streams",): 0, ("sluice_subscriptions",): 0,
                                 ("sluice_oldest_stream_age_seconds",): 0})
        waits.close()

    def test_a_slow_subscription_fills_its_buffer_and_loses_what_does_not_fit(self):
        stream = self.client.subscribe("slow", rate=1)
        for number in range(20):
            self.client.send("slow", str(number))
        eventually(self.server, {
            ("sluice_broadcast_copies_total",): 20,
            ("sluice_delivered_messages_total",): 1,
            ("sluice_dropped_messages_total", "buffer"): 14,
            ("sluice_buffered_messages",): 5,
            ("sluice_buffer_full_total",): 1,
        })
        stream.cancel()
        eventually(self.server, {("sluice_discarded_messages_total",): 5,
                                 ("sluice_buffered_messages",): 0,
                                 ("sluice_buffered_bytes",): 0})

    def test_clients_cannot_invent_labels(self):
        before = len(get(self.server)[1].splitlines())
        for number in range(500):
            call = self.client.channel.unary_unary("/evil.%d/Method\"%d" % (number, number))
            self.fails(grpc.StatusCode.UNIMPLEMENTED, lambda c=call: c(b"", timeout=sut.WAIT))
        eventually(self.server, {
            ("grpc_server_started_total", "unknown"): 500,
            ("grpc_server_handled_total", "unknown", "Unimplemented"): 500,
        })
        self.assertEqual(len(get(self.server)[1].splitlines()), before + 1)


@unittest.skipIf(FRONTEND == "grpc", "the C core tells nothing of its connections")
class Connections(unittest.TestCase):
    def test_they_and_their_bytes_are_counted(self):
        with sut.Server(*SHOWN) as server:
            clients = [sut.Client(server) for _ in range(3)]
            for client in clients:
                client.send("r", "t" * 10000)
            eventually(server, {("sluice_connections_total",): 3, ("sluice_open_connections",): 3})
            page = values(server)
            self.assertGreater(page[("sluice_received_bytes_total", frozenset())], 30000)
            self.assertGreater(page[("sluice_sent_bytes_total", frozenset())], 300)
            for client in clients:
                client.close()
            eventually(server, {("sluice_connections_total",): 3, ("sluice_open_connections",): 0})


class Scrapers(unittest.TestCase):
    def test_those_that_hold_on_delay_no_call_and_no_other_scraper(self):
        with sut.Server(*SHOWN) as server, sut.Client(server) as client:
            host, port = server.metrics.split(":")
            held = []
            for number in range(100):
                one = socket.create_connection((host, int(port)))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
                one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"\r\n" * (number % 2))
                held.append(one)
                client.send("r", str(number))
            eventually(server, {("grpc_server_handled_total", "SendMessage", "OK"): 100})
            fds = [number for (name, _), number in values(server).items()
                   if name == "process_open_fds"]
            self.assertLess(fds[0], 80)
            for one in held:
                one.close()

    def test_a_drain_is_shown_and_does_not_wait_for_them(self):
        with sut.Server(*SHOWN) as server, sut.Client(server) as client:
            stream = client.subscribe("r")
            host, port = server.metrics.split(":")
            held = socket.create_connection((host, int(port)))
            eventually(server, {("sluice_drain_step",): 0})
            server.signal(signal.SIGTERM)
            eventually(server, {("sluice_drain_step",): 2})
            stream.cancel()
            client.close()
            self.assertEqual(server.wait(), 0)
            held.close()

    def test_an_address_in_use_is_said_before_anything_is_served(self):
        with sut.Server(*SHOWN) as server:
            with self.assertRaises(AssertionError) as raised:
                sut.Server("--frontend", FRONTEND, "--metrics", server.metrics)
            self.assertIn("cannot show metrics on " + server.metrics, str(raised.exception))

    def test_without_the_option_there_is_no_page(self):
        with sut.Server() as server:
            self.assertEqual(server.sockets(), 1)


if __name__ == "__main__":
    unittest.main()
