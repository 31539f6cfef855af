#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients of chat.v1 to be judged: right ones on grpcio, and wrong ones that do one thing as it must not be.

usage: client.py NAME PORT ROOM [IGNORED ...]
"""
import os
import socket
import struct
import sys
import threading
import time

SUBSCRIBE, SEND = "/chat.v1.ChatService/SubscribeToRoom", "/chat.v1.ChatService/SendMessage"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
KEEPALIVE = [("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_timeout_ms", 500), ("grpc.http2.max_pings_without_data", 0)]


def field(number, text):
    data = text.encode()
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


# ---- on grpcio ----

def channel_to(port, options=()):
    import grpc
    return grpc.insecure_channel("127.0.0.1:%d" % port, options=[("grpc.use_local_subchannel_pool", 1), *options])


def subscribe_for_ever(port, room, options=()):
    """What the harness asks of a client: subscribes, and again whenever the stream ends; the channel does the rest."""
    import grpc
    call = channel_to(port, options).unary_stream(SUBSCRIBE)
    while True:
        try:
            for _ in call(field(1, room), wait_for_ready=True):
                pass
        except grpc.RpcError:
            pass
        time.sleep(0.02)


def keepalive(port, room):
    subscribe_for_ever(port, room, KEEPALIVE)


def no_keepalive(port, room):
    subscribe_for_ever(port, room)


def messages(room):
    for number in range(1000000):
        yield b"".join((field(1, "m-%d-%d" % (os.getpid(), number)), field(2, room), field(3, "u"), field(4, "hello")))


def sender(port, room):
    """One message after the other; the channel knows what may be repeated, the client repeats nothing."""
    import grpc
    call = channel_to(port).unary_unary(SEND)
    for message in messages(room):
        try:
            call(message, timeout=20, wait_for_ready=True)
        except grpc.RpcError:
            pass
        time.sleep(0.01)


# ---- on sockets ----

def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header(name, value):
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def request(path, stream, message):
    block = b"".join(header(name, value) for name, value in (
        (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "chat"), ("te", "trailers"),
        ("content-type", "application/grpc")))
    return frame(1, 4, stream, block) + frame(0, 1, stream, b"\0" + struct.pack(">I", len(message)) + message)


class Connection:
    """As much of HTTP/2 as these clients need."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(PREFACE + frame(4, 0, 0))
        self.rest = b""

    def frames(self):
        while True:
            while len(self.rest) >= 9:
                length, kind, flags = int.from_bytes(self.rest[:3], "big"), self.rest[3], self.rest[4]
                if len(self.rest) < 9 + length:
                    break
                stream, payload = int.from_bytes(self.rest[5:9], "big"), self.rest[9:9 + length]
                self.rest = self.rest[9 + length:]
                if kind in (4, 6) and not flags & 1:
                    self.socket.sendall(frame(kind, 1, 0, payload if kind == 6 else b""))
                yield kind, flags, stream, payload
            data = self.socket.recv(65536)
            if not data:
                return
            self.rest += data


def subscribe_raw(port, room):
    """Until the connection is lost, or refused."""
    try:
        connection = Connection(port)
        connection.socket.sendall(request(SUBSCRIBE, 1, field(1, room)))
        for _ in connection.frames():
            pass
    except OSError:
        pass


def no_backoff(port, room):
    while True:
        subscribe_raw(port, room)
        time.sleep(0.05)


def fixed_delay(port, room):
    while True:
        subscribe_raw(port, room)
        time.sleep(1)


def gives_up(port, room):
    subscribe_raw(port, room)
    while True:
        time.sleep(60)


def keeps_the_socket(port, room):
    """Gives up the subscription in time, and makes another one, but the old socket stays open."""
    kept = []
    while True:
        connection = Connection(port)
        kept.append(connection)
        connection.socket.sendall(request(SUBSCRIBE, 1, field(1, room)))
        connection.socket.settimeout(0.5)
        silent = 0
        while silent < 3:
            try:
                for _ in connection.frames():
                    silent = 0
            except socket.timeout:
                silent += 1
                connection.socket.sendall(frame(6, 0, 0, b"12345678"))


def blind_resend(port, room):
    """Whatever was under way when the GOAWAY came is sent again on the next connection."""
    connection, stream = None, 1

    def send(message):
        nonlocal connection, stream
        if connection is None:
            connection, stream = Connection(port), 1
        connection.socket.sendall(request(SEND, stream, message))
        for kind, flags, number, _ in connection.frames():
            if kind == 7:
                break
            if kind == 1 and flags & 1 and number == stream:
                stream += 2
                return True
        connection = None
        return False

    for message in messages(room):
        while not send(message):
            pass
        time.sleep(0.01)


def with_a_child(port, room):
    """Right, with another process of its group that outlives everything but a signal to the group."""
    if os.fork() == 0:
        while True:
            time.sleep(60)
    keepalive(port, room)


def ends(port, room):
    print("no such luck", file=sys.stderr)
    sys.exit(3)


def floods_its_log(port, room):
    def flood():
        while True:
            os.write(1, b"x" * 65536)
            time.sleep(0.001)
    threading.Thread(target=flood, daemon=True).start()
    keepalive(port, room)


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
