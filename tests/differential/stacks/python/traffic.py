# SPDX-License-Identifier: Apache-2.0
"""The traffic of ../README.md with grpcio, on the gRPC C core."""
import base64
import hashlib
import json
import signal
import sys
import threading
from concurrent import futures

import grpc

SERVICE = "/traffic.v1.Traffic/"
LOCK = threading.Lock()


def digest(message):
    return f"{len(message)}:{hashlib.sha256(message).hexdigest()[:16]}"


def table(metadata):
    out = {}
    for key, value in metadata or ():
        out.setdefault(key, []).append(base64.b64encode(value).decode() if isinstance(value, bytes) else value)
    return out


def log(path, **record):
    with LOCK, open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


class Call:
    """What one call asks the server to do, and what it did."""

    def __init__(self, context):
        self.context = context
        self.fields = list(context.invocation_metadata())
        self.ask = dict(self.fields)
        self.head = [(k, v) for k, v in self.fields if k.startswith("x-head-")]
        self.trail = [(k, v) for k, v in self.fields if k.startswith("x-trail-")]
        self.received, self.sent = [], []
        self.has_headers = False

    def begin(self):
        if not self.has_headers:
            self.has_headers = True
            self.context.send_initial_metadata(self.head)

    def answer(self, message, copy=1):
        self.begin()
        out = message + bytes([0x10, copy])
        self.sent.append(digest(out))
        return out

    def end(self):
        code = int(self.ask.get("x-code", 0))
        if code:
            self.context.set_code({c.value[0]: c for c in grpc.StatusCode}[code])
        text = self.ask.get("x-text-bin", b"")
        if text:
            self.context.set_details(text.decode())
        extra = [("grpc-status-details-bin", self.ask["x-details-bin"])] if "x-details-bin" in self.ask else []
        self.context.set_trailing_metadata(self.trail + extra)
        return code


class Service(grpc.GenericRpcHandler):
    def __init__(self, path):
        self.path = path

    def note(self, call, method, code):
        log(self.path, who="server", id=int(call.ask["x-id"]), method=method, received=call.received, sent=call.sent,
            metadata=table(call.fields), head=table(call.head), trail=table(call.trail), code=code)

    def unary(self, method):
        def handle(request, context):
            call = Call(context)
            call.received.append(digest(request))
            gone = threading.Event()
            context.add_callback(gone.set)
            if "x-gzip" in call.ask:
                context.set_compression(grpc.Compression.Gzip)
            if "x-early" in call.ask:
                call.begin()
            if "x-wait" in call.ask:
                gone.wait()
                self.note(call, method, None)
                return b""
            code = call.end()
            if code:
                self.note(call, method, code)
                context.abort(context.code(), context.details().decode())  # without it an empty answer goes out
            out = call.answer(request)
            self.note(call, method, code)
            return out
        return grpc.unary_unary_rpc_method_handler(handle)

    def stream(self, method):
        def handle(requests, context):
            call = Call(context)
            gone = threading.Event()
            noted = []

            def ended():  # grpcio leaves a generator where it stands when the call is cancelled
                if not noted:
                    noted.append(self.note(call, method, None))
                gone.set()

            context.add_callback(ended)
            if "x-gzip" in call.ask:
                context.set_compression(grpc.Compression.Gzip)
            if "x-early" in call.ask:
                call.begin()
            how, _, count = call.ask["x-answer"].partition(":")
            last, is_cancelled = b"", False
            try:
                for last in requests:
                    call.received.append(digest(last))
                    if how == "each":
                        yield call.answer(last)
                    elif how == "now":
                        break
            except Exception:  # how grpcio tells a handler that the call was cancelled
                is_cancelled = True
            for copy in range(int(count or 0)):
                yield call.answer(last, copy + 1)
            if "x-wait" in call.ask or is_cancelled:
                gone.wait()
                return
            code = call.end()
            noted.append(self.note(call, method, code))
        return grpc.stream_stream_rpc_method_handler(handle)

    def service(self, handler_call_details):
        method = handler_call_details.method
        if not method.startswith(SERVICE):
            return None
        return self.unary(method) if method == SERVICE + "Unary" else self.stream(method)


def serve(path, cert=None, key=None, _keylog=None):
    server = grpc.server(futures.ThreadPoolExecutor(64))
    server.add_generic_rpc_handlers((Service(path),))
    if cert:
        with open(cert, "rb") as c, open(key, "rb") as k:
            port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(k.read(), c.read())]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server.start()
    print(f"listening on {port}", flush=True)
    stop.wait()
    server.stop(0).wait()


def make(channel, plan, path):
    metadata = [(k, base64.b64decode(v) if k.endswith("-bin") else v) for k, v in plan["metadata"]]
    send = [base64.b64decode(m) for m in plan["send"]]
    done = threading.Event()
    received, cancelled = [], False

    def requests():
        yield from send
        if plan["hold"]:
            done.wait()

    options = {"metadata": metadata, "timeout": plan["timeout_ms"] / 1000,
               "compression": grpc.Compression.Gzip if plan["gzip"] else None}
    if plan["cancel_after"] == 0:
        call = channel.unary_stream(plan["method"])(send[0], **options)  # only that gives headers before the message
        call.initial_metadata()
        call.cancel()
        cancelled = True
    elif plan["method"] == SERVICE + "Unary":
        call = channel.unary_unary(plan["method"]).future(send[0], **options)
        try:
            received.append(digest(call.result()))
        except (grpc.RpcError, grpc.FutureCancelledError):
            pass
    else:
        call = channel.stream_stream(plan["method"])(requests(), **options)
        try:
            for message in call:
                received.append(digest(message))
                if len(received) == plan["cancel_after"]:
                    call.cancel()
                    cancelled = True
        except grpc.RpcError:
            pass
    done.set()
    head, trail = ((), ()) if cancelled else (call.initial_metadata(), call.trailing_metadata())
    details = dict(trail or ()).get("grpc-status-details-bin")
    log(path, who="client", id=plan["id"], method=plan["method"], sent=[digest(m) for m in send], received=received,
        metadata=table(metadata), head=table(head),
        trail=table([(k, v) for k, v in trail or () if k != "grpc-status-details-bin"]),
        code=call.code().value[0], text=call.details(), details=details and base64.b64encode(details).decode())


def run(port, plan_path, path, ca=None, _keylog=None):
    with open(plan_path, encoding="utf-8") as file:
        plans = [json.loads(line) for line in file]
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    channels = []
    for _ in range(1 + max(plan["channel"] for plan in plans)):
        if ca:
            with open(ca, "rb") as file:
                channels.append(grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(file.read()), options))
        else:
            channels.append(grpc.insecure_channel(f"127.0.0.1:{port}", options))
    for group in sorted({plan["group"] for plan in plans}):
        threads = [threading.Thread(target=make, args=(channels[plan["channel"]], plan, path))
                   for plan in plans if plan["group"] == group]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for channel in channels:
        channel.close()


{"server": serve, "client": run}[sys.argv[1]](*sys.argv[2:])
