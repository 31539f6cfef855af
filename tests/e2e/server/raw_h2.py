# SPDX-License-Identifier: Apache-2.0
"""Just enough HTTP/2 to leave in ways that no gRPC client offers, and to give credit byte by byte."""

import socket
import struct

import hpack

import sut

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CANCEL = 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def literal(name, value):
    """A header field without indexing and without Huffman coding (RFC 7541 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def message(payload, flag=0):
    return bytes([flag]) + struct.pack(">I", len(payload)) + payload


def frame_bytes(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def request_block(method, extra=()):
    fields = [(":method", "POST"), (":scheme", "http"), (":path", "/chat.v1.ChatService/" + method),
              (":authority", "localhost"), ("te", "trailers"), ("content-type", "application/grpc"), *extra]
    return b"".join(literal(*field) for field in fields)


def one_call(method, payload):
    """All bytes of a connection that makes one call."""
    return (PREFACE + frame_bytes(SETTINGS, 0, 0) + frame_bytes(HEADERS, END_HEADERS, 1, request_block(method))
            + frame_bytes(DATA, END_STREAM, 1, message(payload)))


def kinds(data):
    """The kinds of the frames on stream 1, in order."""
    found = []
    while data:
        if int.from_bytes(data[5:9], "big") == 1:
            found.append(data[3])
        data = data[9 + int.from_bytes(data[:3], "big"):]
    return found


class Connection:
    """window is the stream window that every stream begins with; tls is a context of module ssl."""

    def __init__(self, server, window=65535, tls=None):
        host, port = server.address.split(":")
        self.socket = socket.create_connection((host, int(port)), sut.WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.decoder = hpack.Decoder()
        self.block = []  # the last block of fields that was read
        self.socket.sendall(PREFACE)
        self.frame(SETTINGS, 0, 0, struct.pack(">HI", 4, window))

    def frame(self, kind, flags, stream, payload=b""):
        self.socket.sendall(frame_bytes(kind, flags, stream, payload))

    def headers(self, stream, method, flags=END_HEADERS, extra=()):
        self.frame(HEADERS, flags, stream, request_block(method, extra))

    def call(self, stream, method, payload):
        self.headers(stream, method)
        self.frame(DATA, END_STREAM, stream, message(payload))

    def grant(self, stream, amount):
        self.frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", amount))

    def read(self):
        """The next frame as (kind, flags, stream, payload); settings and pings are answered."""
        head = self._exactly(9)
        length = int.from_bytes(head[:3], "big")
        kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
        payload = self._exactly(length)
        if kind == HEADERS:
            self.block = self.decoder.decode(payload)
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.frame(kind, ACK, 0, payload if kind == PING else b"")
        return kind, flags, stream, payload

    def field(self, name):
        """The value of a field of the last block; None where it has none."""
        return dict(self.block).get(name)

    def read_until(self, kind, stream):
        while True:
            frame = self.read()
            if frame[0] == kind and frame[2] == stream:
                return frame

    def _exactly(self, length):
        data = b""
        while len(data) < length:
            piece = self.socket.recv(length - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def reset_tcp(self):
        """Closes with a TCP RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()
