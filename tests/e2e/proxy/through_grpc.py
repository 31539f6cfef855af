#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Faults of frames between grpcio's client and server, neither of which knows of the proxy; and the scenario of the
half-open connection against a server with keepalive and one without.

usage: through_grpc.py HARNESS SERVER
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

import grpc

HARNESS, SERVER = sys.argv[1:3]
IDENTITY = {"request_serializer": None, "response_deserializer": None}
WAIT = 20


class Service(grpc.GenericRpcHandler):
    """Echo; Count, which streams as many messages as it is asked for; Gather; Wait; and the calls of the chat."""

    def __init__(self):
        self.calls = []
        self.running = self.most_running = 0
        self.lock = threading.Lock()
        self.rooms = []

    def service(self, details):
        name = details.method.rsplit("/", 1)[1]
        if name in ("Count", "SubscribeToRoom"):
            return grpc.unary_stream_rpc_method_handler(getattr(self, name))
        if name == "Gather":
            return grpc.stream_unary_rpc_method_handler(self.Gather)
        return grpc.unary_unary_rpc_method_handler(getattr(self, name))

    def Echo(self, request, context):
        self.calls.append(request)
        return request

    def Count(self, request, context):
        for i in range(int(request)):
            yield b"%d" % i
        while context.is_active():
            time.sleep(0.01)

    def Gather(self, requests, context):
        return b"%d" % sum(len(request) for request in requests)

    def Wait(self, request, context):
        with self.lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        time.sleep(0.1)
        with self.lock:
            self.running -= 1
        return request

    # chat.v1, as far as one scenario goes: a room is any room, a request is passed on as it is.
    def SendMessage(self, request, context):
        for condition, queue in list(self.rooms):
            with condition:
                if queue["room"] in request:
                    queue["items"].append(request)
                    condition.notify()
        return b"\x0a\x01r\x10\x01"

    def SubscribeToRoom(self, request, context):
        condition = threading.Condition()
        queue = {"room": request[2:2 + request[1]], "items": []}
        self.rooms.append((condition, queue))
        context.add_callback(lambda: self.rooms.remove((condition, queue)))
        while context.is_active():
            with condition:
                condition.wait_for(lambda: queue["items"], 0.1)
                items, queue["items"] = queue["items"], []
            yield from items


class Stand:
    """A grpcio server, the proxy before it, and a channel through both."""

    def __init__(self, faults, server_options=(), client_options=()):
        self.service = Service()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0), *server_options])
        self.server.add_generic_rpc_handlers([self.service])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(faults, self.file)
        self.file.flush()
        self.proxy = subprocess.Popen([HARNESS, "proxy", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:%d" % self.port,
                                       "--faults", self.file.name], stdout=subprocess.PIPE, text=True)
        address = self.proxy.stdout.readline().split()[-1]
        self.channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1), *client_options])

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.channel.close()
        self.server.stop(0)
        self.proxy.terminate()
        status = self.proxy.wait(10)
        assert kind is not None or status == 0, status

    def unary(self, name):
        return self.channel.unary_unary("/test.Service/" + name, **IDENTITY)

    def count(self, wanted):
        """Messages that came of a Count, and the code that it ended with."""
        got = []
        try:
            for message in self.channel.unary_stream("/test.Service/Count", **IDENTITY)(b"%d" % wanted, timeout=WAIT):
                got.append(message)
        except grpc.RpcError as error:
            return got, error.code()
        return got, grpc.StatusCode.OK


def numbers(count):
    return [b"%d" % i for i in range(count)]


def a_reset_comes_after_its_message():
    # The C core forgets messages that nobody has asked for when a reset comes: it gets a moment.
    fault = {"frame": "RST_STREAM", "do": "inject", "dir": "to_client", "method": "Count", "message": 3, "code": "ENHANCE_YOUR_CALM",
             "after": "1s"}
    with Stand([fault]) as stand:
        got, code = stand.count(3)
        assert (got, code) == (numbers(3), grpc.StatusCode.RESOURCE_EXHAUSTED), (got, code)
        assert stand.unary("Echo")(b"x", timeout=WAIT) == b"x"


def a_cut_comes_after_its_message():
    with Stand([{"cut": {"after": {"messages": 3}, "how": "rst"}, "dir": "to_client", "method": "Count", "first": 1}]) as stand:
        assert stand.unary("Echo")(b"before", timeout=WAIT) == b"before"
        got, code = stand.count(3)
        assert (got, code) == (numbers(3), grpc.StatusCode.UNAVAILABLE), (got, code)
        assert stand.unary("Echo")(b"x", timeout=WAIT, wait_for_ready=True) == b"x"


def only_calls_above_a_goaway_are_retried():
    """G6: the first call is answered, the connection is left, and nothing is done twice."""
    fault = {"frame": "GOAWAY", "do": "inject", "dir": "to_client", "method": "Echo", "message": 1, "count": 1}
    with Stand([fault]) as stand:
        for i in range(5):
            assert stand.unary("Echo")(b"%d" % i, timeout=WAIT, wait_for_ready=True) == b"%d" % i
        assert stand.service.calls == numbers(5), stand.service.calls


def a_goaway_below_a_call_refuses_it():
    fault = {"frame": "GOAWAY", "do": "inject", "dir": "to_client", "method": "Count", "message": 2, "last_id": 0}
    with Stand([fault]) as stand:
        _, code = stand.count(2)
        assert code == grpc.StatusCode.UNAVAILABLE, code


def a_client_notices_a_server_that_went_silent():
    """D8: without PING acknowledgements grpcio gives the connection up in time + timeout."""
    options = [("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_timeout_ms", 500), ("grpc.keepalive_permit_without_calls", 1),
               ("grpc.http2.max_pings_without_data", 0)]
    for fault in ({"frame": "PING", "do": "drop", "dir": "to_client", "ack": "yes"}, {"swallow": True, "dir": "to_server", "method": "Count"}):
        with Stand([fault], client_options=options) as stand:
            begin = time.monotonic()
            got, code = stand.count(1)
            took = time.monotonic() - begin
            print(f"{fault}: {code} after {took:.2f} s")
            assert code == grpc.StatusCode.UNAVAILABLE and 1.3 <= took < WAIT, (code, took)


def a_late_ping_ack_is_no_dead_server():
    options = [("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_timeout_ms", 2500), ("grpc.http2.max_pings_without_data", 0)]
    with Stand([{"frame": "PING", "do": "delay", "delay": "500ms", "dir": "to_client", "ack": "yes"}], client_options=options) as stand:
        call = stand.channel.unary_stream("/test.Service/Count", **IDENTITY)(b"2", timeout=4.5)
        try:
            got = list(call)
        except grpc.RpcError:
            pass
        assert call.code() == grpc.StatusCode.DEADLINE_EXCEEDED, call.code()


def settings_are_rewritten():
    with Stand([{"frame": "SETTINGS", "do": "rewrite", "dir": "to_client", "settings": {"MAX_CONCURRENT_STREAMS": 2}}]) as stand:
        assert stand.unary("Wait")(b"first", timeout=WAIT) == b"first"
        calls = [stand.unary("Wait").future(b"x", timeout=WAIT) for _ in range(8)]
        assert all(call.result() == b"x" for call in calls)
        assert stand.service.most_running == 2, stand.service.most_running


def credit_that_is_dropped_is_missing():
    # A client that probes for bandwidth raises its windows by SETTINGS, which are not dropped.
    with Stand([{"frame": "WINDOW_UPDATE", "do": "drop", "dir": "to_server", "method": "Count"}],
               client_options=[("grpc.http2.bdp_probe", 0)]) as stand:
        stand.unary("Echo")(b"warm", timeout=WAIT)
        call = stand.channel.unary_stream("/test.Service/Count", **IDENTITY)(b"40000", timeout=2)
        got = 0
        try:
            for _ in call:
                got += 1
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        print(f"without credit {got} of 40000 messages came")
        assert 0 < got < 40000, got


def latency_is_felt_and_slices_are_not():
    with Stand([{"latency": "100ms"}, {"slice": 3}]) as stand:
        stand.unary("Echo")(b"warm", timeout=WAIT)
        begin = time.monotonic()
        assert stand.unary("Echo")(b"y" * 2000, timeout=WAIT) == b"y" * 2000
        assert time.monotonic() - begin >= 0.2
        gather = stand.channel.stream_unary("/test.Service/Gather", **IDENTITY)
        assert gather((b"z" * 500 for _ in range(10)), timeout=WAIT) == b"5000"


def half_open_is_judged_by_keepalive():
    """D7 passes on a server with keepalive, and fails on one that declares it and has none."""
    with tempfile.TemporaryDirectory() as folder:
        profile = os.path.join(folder, "keepalive.json")
        with open(profile, "w", encoding="utf-8") as file:
            json.dump({"name": "keepalive", "extends": "seed", "capabilities": ["keepalive"],
                       "values": {"keepalive_time_ms": 1000, "keepalive_timeout_ms": 500}}, file)

        def play(*target):
            report = os.path.join(folder, "report.json")
            run = subprocess.run([HARNESS, "run", "disconnects/half-open", "--profile", profile, "--seed", "1", "--report", f"json={report}",
                                  *target], capture_output=True, text=True, timeout=100)
            print(run.stdout.splitlines()[0] if run.stdout else run.stderr)
            with open(report, encoding="utf-8") as file:
                return json.load(file)["results"][0]

        options = [("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_timeout_ms", 500), ("grpc.keepalive_permit_without_calls", 1),
                   ("grpc.http2.max_pings_without_data", 0), ("grpc.http2.min_ping_interval_without_data_ms", 500)]
        with Stand([], server_options=options) as stand:
            result = play("--target", f"127.0.0.1:{stand.port}")
            assert result["verdict"] == "pass", result
        result = play("--exec", f"exec {SERVER} --listen 127.0.0.1:{{port}} --keepalive-time off")
        assert result["verdict"] == "fail" and result["failures"][0]["rule"] == "OPS-05", result
        result = play("--exec", f"exec {SERVER} --listen 127.0.0.1:{{port}} --keepalive-time 1s --keepalive-timeout 500ms")
        assert result["verdict"] == "pass", result


def main():
    for check in (a_reset_comes_after_its_message, a_cut_comes_after_its_message, only_calls_above_a_goaway_are_retried,
                  a_goaway_below_a_call_refuses_it, a_client_notices_a_server_that_went_silent, a_late_ping_ack_is_no_dead_server,
                  settings_are_rewritten, credit_that_is_dropped_is_missing, latency_is_felt_and_slices_are_not,
                  half_open_is_judged_by_keepalive):
        check()
        print(check.__name__.replace("_", " "), flush=True)


if __name__ == "__main__":
    main()
