# SPDX-License-Identifier: Apache-2.0
"""The server under test and a client for it, for the tests of this folder.

SLUICE_SERVER is the program, SLUICE_PROTO the folder with the .proto files, PROTOC the compiler,
SLUICE_SANITIZE the sanitizers that the server was built with, SLUICE_FRONTEND the front end of servers that name none.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import grpc

_generated = tempfile.TemporaryDirectory()
_proto = os.environ["SLUICE_PROTO"]
subprocess.run(
    [os.environ["PROTOC"], "-I" + _proto, "--python_out=" + _generated.name,
     "chat/v1/chat.proto", "grpc/health/v1/health.proto", "google/rpc/status.proto",
     "google/rpc/error_details.proto"],
    check=True)
# The folder grpc/ of the generated code would hide the package grpc.
sys.path.insert(0, _generated.name)
sys.path.insert(0, os.path.join(_generated.name, "grpc", "health", "v1"))
sys.path.insert(0, os.path.join(_generated.name, "google", "rpc"))
from chat.v1 import chat_pb2  # noqa: E402
import error_details_pb2  # noqa: E402
import health_pb2  # noqa: E402
import status_pb2  # noqa: E402

SANITIZED = os.environ.get("SLUICE_SANITIZE", "") != ""
FRONTEND = os.environ.get("SLUICE_FRONTEND", "grpc")
WAIT = 20  # seconds: longer than anything takes on a slow machine


class Server:
    """A sluice-server on a free port; a context manager that ends it."""

    def __init__(self, *args):
        if "--frontend" not in args:
            args = ("--frontend", FRONTEND, *args)
        self.process = subprocess.Popen(
            [os.environ["SLUICE_SERVER"], "--listen", "127.0.0.1:0", *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on 127.0.0.1:"):
            self.process.kill()
            raise AssertionError("the server said %r and %r" % (line, self.process.stderr.read()))
        self.address = line.split()[-1]
        self.metrics = None
        if "--metrics" in args:
            line = self.process.stdout.readline()
            assert line.startswith("metrics on 127.0.0.1:"), line
            self.metrics = line.split()[-1]
        self.log = []
        self._log_change = threading.Condition()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _read_log(self):
        for line in self.process.stderr:
            with self._log_change:
                self.log.append(line)
                self._log_change.notify_all()

    def wait_for_log(self, text, count=1):
        """Until so many lines of the log have the text in them."""
        with self._log_change:
            if not self._log_change.wait_for(lambda: sum(text in line for line in self.log) >= count, WAIT):
                raise AssertionError("no %r in the log:\n%s" % (text, "".join(self.log)))

    def has_logged(self, text):
        with self._log_change:
            return any(text in line for line in self.log)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(WAIT)

    def stop(self):
        """Ends the server at once; its exit status tells whether all was well to the end."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:  # it drains
                self.signal(signal.SIGTERM)
        status = self.wait()
        self._reader.join(WAIT)
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def rss_kib(self):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def sockets(self):
        folder = "/proc/%d/fd" % self.process.pid
        count = 0
        for name in os.listdir(folder):
            try:
                count += os.readlink(os.path.join(folder, name)).startswith("socket:")
            except FileNotFoundError:
                pass  # closed meanwhile
        return count

    def threads(self):
        return len(os.listdir("/proc/%d/task" % self.process.pid))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        status = self.stop()
        if kind is None and status != 0:
            raise AssertionError("exit status %d\n%s" % (status, "".join(self.log)))


class Client:
    """Stubs for one connection of its own."""

    def __init__(self, server, credentials=None, options=()):
        options = [("grpc.use_local_subchannel_pool", 1), *options]
        if credentials is None:
            self.channel = grpc.insecure_channel(server.address, options)
        else:
            self.channel = grpc.secure_channel(server.address, credentials, options)
        chat = "/chat.v1.ChatService/"
        health = "/grpc.health.v1.Health/"
        self.send_message = self._stub("unary_unary", chat + "SendMessage",
                                       chat_pb2.ChatMessage, chat_pb2.ActionResponse)
        self.subscribe_to_room = self._stub("unary_stream", chat + "SubscribeToRoom",
                                            chat_pb2.RoomSubscription, chat_pb2.ChatMessage)
        self.chat_room = self._stub("stream_stream", chat + "ChatRoom",
                                    chat_pb2.ChatMessage, chat_pb2.ServerCommand)
        self.check = self._stub("unary_unary", health + "Check",
                                health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse)
        self.watch = self._stub("unary_stream", health + "Watch",
                                health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse)

    def _stub(self, kind, path, request, response):
        return getattr(self.channel, kind)(path, request_serializer=request.SerializeToString,
                                           response_deserializer=response.FromString)

    def send(self, room, text, message_id="", **fields):
        return self.send_message(
            chat_pb2.ChatMessage(message_id=message_id, room_id=room, text=text, **fields),
            timeout=WAIT, wait_for_ready=True)

    def subscribe(self, room, rate=100000, timeout=None):
        """A subscription that is registered."""
        stream = self.subscribe_to_room(
            chat_pb2.RoomSubscription(room_id=room, max_rate_hz=rate), timeout=timeout,
            wait_for_ready=True)
        stream.initial_metadata()
        return stream

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def status_of(call):
    """The status code that a call ends with."""
    try:
        for _ in call:
            pass
    except grpc.RpcError as error:
        return error.code()
    return call.code()


def texts(stream, count):
    """The texts of the next count messages."""
    return [next(stream).text for _ in range(count)]
