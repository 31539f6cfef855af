# SPDX-License-Identifier: Apache-2.0
"""What the server tells of calls: lines of its log, and spans to a collector over OTLP/HTTP."""

import datetime
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import time
import unittest

import grpc

import sut
from sut import chat_pb2, health_pb2

FRONTEND = sut.FRONTEND
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
HEX16 = re.compile(r"^[0-9a-f]{16}$")
HEX32 = re.compile(r"^[0-9a-f]{32}$")
DECIMAL = re.compile(r"^\d+$")


def server(*args):
    return sut.Server("--frontend", FRONTEND, *args)


# The queue of spans, their way to the collector and the count of lines know no front end: what is theirs alone is shown on one.
on_one_front_end = unittest.skipUnless(FRONTEND == "h2", "the same on both front ends")


class Collector:
    """Takes POSTs; replies is what the first ones get: (status, headers), and each later one 200. None is answered
    before gate is set."""

    def __init__(self, replies=(), gate=None):
        self.posts = []  # (path, headers, body, when)
        self._replies = list(replies)
        self._change = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer._change:
                    status, headers = outer._replies.pop(0) if outer._replies else (200, {})
                    outer.posts.append((self.path, dict(self.headers), body, time.monotonic(),
                                        status))
                    outer._change.notify_all()
                if gate is not None:
                    gate.wait(sut.WAIT)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait(self, holds):
        with self._change:
            if not self._change.wait_for(lambda: holds(self), sut.WAIT):
                raise AssertionError("the collector waits; it has %d posts" % len(self.posts))

    def spans(self):
        """Those of the requests that were accepted."""
        return [span for post in self.posts if post[4] == 200 for span in spans_of(post[2])]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def check_value(value):
    """An AnyValue of the JSON mapping, as what it means."""
    (kind, inner), = value.items()
    if kind == "stringValue":
        assert isinstance(inner, str), value
        return inner
    if kind == "intValue":  # a 64-bit number is a string
        assert isinstance(inner, str) and DECIMAL.match(inner), value
        return int(inner)
    assert kind == "arrayValue", value
    return [check_value(one) for one in inner["values"]]


def attributes_of(pairs):
    found = {pair["key"]: check_value(pair["value"]) for pair in pairs}
    assert len(found) == len(pairs), "a key is there twice: %r" % pairs
    return found


def spans_of(body):
    """The spans of an ExportTraceServiceRequest, each checked against the JSON mapping of OTLP."""
    document = json.loads(body.decode("utf-8", errors="strict"))
    assert list(document) == ["resourceSpans"]
    resource, = document["resourceSpans"]
    about = attributes_of(resource["resource"]["attributes"])
    assert about["service.name"] == "sluice-server"
    assert re.match(r"^\d+\.\d+\.\d+$", about["service.version"])
    assert HEX32.match(about["service.instance.id"])
    scope, = resource["scopeSpans"]
    for span in scope["spans"]:
        assert set(span) <= {"traceId", "spanId", "parentSpanId", "flags", "name", "kind",
                             "startTimeUnixNano", "endTimeUnixNano", "attributes", "status"}, span
        assert HEX32.match(span["traceId"]) and HEX16.match(span["spanId"])
        assert "parentSpanId" not in span or HEX16.match(span["parentSpanId"])
        assert span["kind"] == 2 and isinstance(span["flags"], int)
        for key in ("startTimeUnixNano", "endTimeUnixNano"):
            assert isinstance(span[key], str) and DECIMAL.match(span[key])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert abs(int(span["endTimeUnixNano"]) / 1e9 - time.time()) < 600
        span["attributes"] = attributes_of(span["attributes"])
    return scope["spans"]


def send(client, text="x", metadata=(), room="room"):
    return client.send_message.with_call(
        chat_pb2.ChatMessage(room_id=room, text=text), timeout=sut.WAIT, wait_for_ready=True,
        metadata=metadata)


def traceparent(flags="01"):
    return [("traceparent", "00-%s-%s-%s" % (TRACE, PARENT, flags))]


class Spans(unittest.TestCase):
    def test_a_run_is_the_spans_of_its_calls(self):
        with Collector() as collector:
            with server("--otlp", collector.url) as target, sut.Client(target) as client:
                send(client, metadata=[*traceparent(), ("x-request-id", "request-7")])
                stream = client.subscribe("room")
                send(client, "hello")
                self.assertEqual(next(stream).text, "hello")
                stream.cancel()
                unknown = client.channel.unary_unary("/no.Such/Method")
                with self.assertRaises(grpc.RpcError):
                    unknown(b"", timeout=sut.WAIT)
                with self.assertRaises(grpc.RpcError):
                    client.check(health_pb2.HealthCheckRequest(service="none"), timeout=sut.WAIT)
                collector.wait(lambda c: len(c.spans()) >= 5)
            self.assertEqual(len(collector.spans()), 5)
            self.assertEqual({post[0] for post in collector.posts}, {"/v1/traces"})
            self.assertEqual({post[1]["Content-Type"] for post in collector.posts},
                             {"application/json"})
            self.check_the_run(collector.spans())

    def check_the_run(self, spans):
        traced, = [span for span in spans if span["traceId"] == TRACE]
        self.assertEqual(traced["parentSpanId"], PARENT)
        self.assertEqual(traced["flags"], 0x301)
        self.assertEqual(traced["name"], "chat.v1.ChatService/SendMessage")
        about = traced["attributes"]
        self.assertEqual(about["rpc.system"], "grpc")
        self.assertEqual(about["rpc.service"], "chat.v1.ChatService")
        self.assertEqual(about["rpc.method"], "SendMessage")
        self.assertEqual(about["rpc.grpc.status_code"], 0)
        self.assertEqual(about["rpc.grpc.request.metadata.x-request-id"], ["request-7"])
        self.assertEqual(about["client.address"], "127.0.0.1")
        self.assertGreater(about["client.port"], 0)
        self.assertEqual(about["network.transport"], "tcp")
        self.assertEqual((about["sluice.messages.received"], about["sluice.messages.sent"]), (1, 1))
        self.assertEqual(traced["status"], {})
        self.assertEqual(len({span["spanId"] for span in spans}), 5)
        self.assertEqual(len({span["traceId"] for span in spans}), 5)
        by_name = {span["name"]: span for span in spans if span is not traced}
        self.assertTrue(all("parentSpanId" not in span for span in by_name.values()))
        subscription = by_name["chat.v1.ChatService/SubscribeToRoom"]
        self.assertEqual(subscription["attributes"]["rpc.grpc.status_code"], 1)
        self.assertEqual(subscription["attributes"]["sluice.messages.sent"], 1)
        self.assertEqual(subscription["status"], {})
        self.assertEqual(by_name["_OTHER"]["attributes"]["rpc.grpc.status_code"], 12)
        self.assertEqual(by_name["_OTHER"]["status"], {"code": 2})
        self.assertEqual(by_name["_OTHER"]["attributes"]["error.type"], "UNIMPLEMENTED")
        self.assertEqual(by_name["grpc.health.v1.Health/Check"]["status"], {})
        self.assertNotIn(b"hello", json.dumps(spans).encode())

    def test_what_the_caller_does_not_sample_is_not_sent(self):
        with Collector() as collector:
            with server("--otlp", collector.url + "/own/path") as target, \
                    sut.Client(target) as client:
                send(client, metadata=traceparent("00"))
                send(client, metadata=traceparent("01"))
            self.assertEqual([span["flags"] for span in collector.spans()], [0x301])
            self.assertEqual({post[0] for post in collector.posts}, {"/own/path"})

    def test_what_is_queued_is_sent_before_the_end(self):
        with Collector() as collector:
            with server("--otlp", collector.url, "--log-calls", "none") as target, \
                    sut.Client(target) as client:
                calls = [client.send_message.future(chat_pb2.ChatMessage(room_id="r", text="x"), timeout=sut.WAIT,
                                                    wait_for_ready=True) for _ in range(1100)]
                for call in calls:
                    call.result()
            self.assertEqual(len(collector.spans()), 1100)
            self.assertLessEqual(max(len(spans_of(post[2])) for post in collector.posts), 512)

    @on_one_front_end
    def test_a_batch_that_was_refused_for_now_is_sent_again(self):
        with Collector([(503, {}), (429, {"Retry-After": "1"})]) as collector:
            with server("--otlp", collector.url) as target, sut.Client(target) as client:
                send(client)
                collector.wait(lambda c: len(c.posts) == 3)
            self.assertEqual(collector.posts[0][2], collector.posts[1][2])
            self.assertGreaterEqual(collector.posts[2][3] - collector.posts[1][3], 0.9)
            self.assertEqual(len(collector.spans()), 1)

    @on_one_front_end
    def test_a_batch_that_was_refused_for_good_is_not(self):
        with Collector([(400, {})]) as collector:
            with server("--otlp", collector.url) as target, sut.Client(target) as client:
                send(client)
                collector.wait(lambda c: len(c.posts) == 1)
                send(client)
                collector.wait(lambda c: len(c.posts) == 2)
            self.assertEqual(len(collector.spans()), 1)
            self.assertIn("not_delivered=1", "".join(target.log))

    @on_one_front_end
    def test_a_slow_collector_gets_all_that_the_queue_holds(self):
        gate = threading.Event()
        with Collector(gate=gate) as collector:
            with server("--otlp", collector.url) as target, sut.Client(target) as client:
                send(client)
                collector.wait(lambda c: len(c.posts) == 1)  # and has no answer
                for _ in range(1000):
                    send(client)
                self.assertEqual(len(collector.posts), 1)
                gate.set()
                collector.wait(lambda c: len(c.spans()) == 1001)
            self.assertNotIn("spans were lost", "".join(target.log))

    def assert_goes_on(self, url):
        """Calls are answered and the drain is bounded; the losses are told."""
        with server("--otlp", url, "--log-calls", "none") as target, sut.Client(target) as client:
            for _ in range(2000):
                send(client)
            before = target.rss_kib()
            calls = [client.send_message.future(chat_pb2.ChatMessage(room_id="r", text="x"),
                                                timeout=sut.WAIT) for _ in range(10000)]
            for call in calls:
                call.result()
            if not sut.SANITIZED:
                self.assertLess(target.rss_kib() - before, 32 * 1024)
            stopped = time.monotonic()
            client.close()
            self.assertEqual(target.stop(), 0)
            self.assertLess(time.monotonic() - stopped, sut.WAIT)
        log = "".join(target.log)
        lost = re.search(r"spans were lost queue_full=(\d+) not_delivered=(\d+)", log)
        self.assertIsNotNone(lost, log)
        self.assertEqual(int(lost.group(1)) + int(lost.group(2)), 12000)

    @on_one_front_end
    def test_a_collector_that_hangs_delays_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.assert_goes_on("http://127.0.0.1:%d" % listener.getsockname()[1])

    @on_one_front_end
    def test_a_collector_that_refuses_delays_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.assert_goes_on("http://127.0.0.1:%d" % port)

    @on_one_front_end
    def test_an_address_that_is_none_is_bad_usage(self):
        for url in ("ftp://localhost", "localhost:4318", "http://", "", "file:///etc/passwd"):
            with self.subTest(url=url):
                run = subprocess.run([os.environ["SLUICE_SERVER"], "--listen", "127.0.0.1:0",
                                      "--otlp", url], capture_output=True, text=True,
                                     timeout=sut.WAIT, check=False)
                self.assertEqual(run.returncode, 2)
                self.assertIn("--otlp", run.stderr)


class Log(unittest.TestCase):
    def lines(self, log, component):
        found = []
        for text in log:
            line = json.loads(text)
            self.assertTrue(TIME.match(line["time"]), text)
            datetime.datetime.fromisoformat(line["time"][:26])
            if line["component"] == component:
                found.append(line)
        return found

    def test_every_call_is_a_line_where_that_is_asked_for(self):
        with server("--log", "json", "--log-calls", "all") as target, sut.Client(target) as client:
            send(client, "secret", metadata=[*traceparent("00"), ("x-request-id", "id 1")])
            _, call = send(client, "secret")
            given = dict(call.initial_metadata())["x-request-id"]
        first, second = self.lines(target.log, "call")
        self.assertEqual((first["method"], first["status"], first["code"], first["level"]),
                         ("/chat.v1.ChatService/SendMessage", "OK", 0, "info"))
        self.assertEqual((first["request_id"], first["trace_id"]), ("id 1", TRACE))
        self.assertEqual((first["messages_in"], first["messages_out"]), (1, 1))
        self.assertTrue(first["bytes_in"] > 0 and first["bytes_out"] > 0)
        self.assertTrue(first["peer"].startswith("127.0.0.1:"), first["peer"])
        self.assertTrue(HEX16.match(first["span_id"]) and first["span_id"] != PARENT)
        self.assertGreater(first["duration_ms"], 0)
        self.assertEqual(second["request_id"], given)
        self.assertTrue(HEX32.match(second["trace_id"]))
        if FRONTEND == "h2":
            self.assertEqual((first["connection"], first["stream"]), (1, 1))
            opened, closed = self.lines(target.log, "conn")
            self.assertEqual((opened["message"], closed["message"]), ("opened", "closed"))
            self.assertEqual(opened["peer"], first["peer"])
            self.assertTrue(closed["reason"])
        else:
            self.assertEqual((first["connection"], first["stream"]), (None, None))
        self.assertNotIn("secret", "".join(target.log))

    def test_errors_alone_are_logged_unless_asked_otherwise(self):
        with server("--log", "json") as target, sut.Client(target) as client:
            send(client)
            client.subscribe("room").cancel()
            with self.assertRaises(grpc.RpcError):
                send(client, room="\x7f")
            with self.assertRaises(grpc.RpcError):
                client.channel.unary_unary("/no.Such/Method")(b"", timeout=sut.WAIT)
        refused, unknown = self.lines(target.log, "call")
        self.assertEqual((refused["status"], refused["level"]), ("INVALID_ARGUMENT", "info"))
        self.assertEqual((unknown["status"], unknown["level"]), ("UNIMPLEMENTED", "warn"))
        self.assertIsNone(unknown["method"])

    def test_nothing_is_logged_of_calls_where_that_is_asked_for(self):
        with server("--log", "json", "--log-calls", "none") as target, \
                sut.Client(target) as client:
            with self.assertRaises(grpc.RpcError):
                send(client, room="\x7f")
        self.assertEqual(self.lines(target.log, "call"), [])

    def test_hostile_metadata_stays_within_its_value(self):
        hostile = ['","status":"OK', "\\", "}{", 'a" status="OK', "a b=c", "x" * 1000, "%0a%00"]
        for form in ("json", "text"):
            with server("--log", form, "--log-calls", "all") as target, \
                    sut.Client(target) as client:
                for value in hostile:
                    send(client, metadata=[("x-request-id", value),
                                           ("traceparent", value)])
            if form == "json":
                lines = self.lines(target.log, "call")
                self.assertEqual([line["request_id"] for line in lines],
                                 [value[:64] for value in hostile])
                self.assertEqual({line["status"] for line in lines}, {"OK"})
            else:
                lines = [line for line in target.log if " call: " in line]
                self.assertEqual(len(lines), len(hostile))
                for line, value in zip(lines, hostile):
                    shown = re.search(r' request_id=("(?:[^"\\]|\\.)*"|[^" ]+) trace_id=', line)
                    self.assertIsNotNone(shown, line)
                    text = shown.group(1)
                    self.assertEqual(json.loads(text) if text[0] == '"' else text, value[:64])

    @on_one_front_end
    def test_a_flood_of_errors_is_counted_rather_than_written(self):
        with server("--log", "json") as target, sut.Client(target) as client:
            began = time.monotonic()
            calls = [client.send_message.future(chat_pb2.ChatMessage(room_id="\x7f", text="x"),
                                                timeout=sut.WAIT)
                     for _ in range(5000)]
            for call in calls:
                self.assertEqual(call.code(), grpc.StatusCode.INVALID_ARGUMENT)
            seconds = time.monotonic() - began
        written = len(self.lines(target.log, "call"))
        left_out = sum(line["left_out"] for line in self.lines(target.log, "log"))
        self.assertEqual(written + left_out, 5000)
        self.assertLessEqual(written, 100 * (seconds + 3))

    def test_a_log_that_nobody_reads_delays_no_call(self):
        process = subprocess.Popen(
            [os.environ["SLUICE_SERVER"], "--frontend", FRONTEND, "--listen", "127.0.0.1:0",
             "--log", "json", "--log-calls", "all"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        target = type("Target", (), {})()
        target.address = process.stdout.readline().decode().split()[-1]
        with sut.Client(target) as client:
            for _ in range(4):  # each about 400 KiB of lines: a pipe holds 64, the buffer 1024
                calls = [client.send_message.future(chat_pb2.ChatMessage(room_id="r", text="x"),
                                                    timeout=sut.WAIT) for _ in range(1000)]
                for call in calls:
                    call.result()
        received = []
        reader = threading.Thread(target=lambda: received.append(process.stderr.read()))
        reader.start()
        process.terminate()
        self.assertEqual(process.wait(sut.WAIT), 0)
        reader.join(sut.WAIT)
        process.stdout.close()
        process.stderr.close()
        lines = [json.loads(line) for line in received[0].splitlines()]
        written = sum(line["component"] == "call" for line in lines)
        dropped = sum(line.get("dropped", 0) for line in lines)
        self.assertGreater(dropped, 0)
        self.assertGreaterEqual(written + dropped, 4000)


if __name__ == "__main__":
    unittest.main()
