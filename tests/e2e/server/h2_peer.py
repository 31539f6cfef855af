# SPDX-License-Identifier: Apache-2.0
"""A client of plain frames that says what became of a stream, with an HPACK decoder of another make (python3-hpack)."""

import struct

import hpack
import raw_h2
from raw_h2 import DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM

PADDED = 8
PATH = "/chat.v1.ChatService/"

USUAL = [(":method", "POST"), (":scheme", "http"), (":path", PATH + "SendMessage"), (":authority", "localhost"),
         ("te", "trailers"), ("content-type", "application/grpc")]


def block(fields):
    """The fields as literals without indexing, of any length (RFC 7541 6.2.2)."""
    def string(text):
        data = text if isinstance(text, bytes) else text.encode()
        return hpack.hpack.encode_integer(len(data), 7) + data
    return b"".join(b"\x00" + bytes(string(name)) + bytes(string(value)) for name, value in fields)


def head(*changes):
    """The usual head with changes (name, value), value None for a field that is missing; the others are added."""
    fields = list(USUAL)
    for name, value in changes:
        places = [i for i, field in enumerate(fields) if field[0] == name]
        if not places:
            fields.append((name, value))
        elif value is None:
            del fields[places[0]]
        else:
            fields[places[0]] = (name, value)
    return fields


class Stream:
    """What came for one stream."""

    def __init__(self):
        self.blocks = []  # lists of (name, value)
        self.data = b""
        self.end = None  # how it ended

    def field(self, name):
        """The values of a field, of all blocks."""
        return [value for fields in self.blocks for key, value in fields if key == name]


class Peer(raw_h2.Connection):
    def __init__(self, server, window=65535):
        super().__init__(server, window)
        self.streams = {}
        self.goaway = None
        self.next_id = 1

    def new_id(self):
        self.next_id += 2
        return self.next_id - 2

    def begin(self, fields, flags=END_HEADERS):
        stream = self.new_id()
        self.frame(HEADERS, flags, stream, block(fields))
        return stream

    def step(self):
        """Reads a frame and notes what it says."""
        kind, flags, stream_id, payload = self.read()
        stream = self.streams.setdefault(stream_id, Stream())
        if kind == HEADERS:
            assert flags & END_HEADERS, "a response in CONTINUATION frames is not expected here"
            stream.blocks.append(self.block)
        elif kind == DATA:
            stream.data += payload
        elif kind == RST_STREAM:
            code = struct.unpack(">I", payload)[0]
            stream.end = stream.end or "rst %d" % code
        elif kind == GOAWAY:
            self.goaway = struct.unpack(">I", payload[4:8])[0]
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            status = stream.field("grpc-status")
            assert len(status) <= 1, status
            stream.end = "status " + status[0] if status else "http " + stream.field(":status")[0]
        return kind, flags, stream_id, payload

    def outcome(self, stream_id):
        """How the stream ended: "status N", "http N", "rst N", or the connection: "goaway N", "closed"."""
        try:
            while self.streams.setdefault(stream_id, Stream()).end is None and not self.goaway:
                self.step()
        except (EOFError, ConnectionError):
            return "closed"
        return self.streams[stream_id].end or "goaway %d" % self.goaway

    def error(self):
        """The code of the GOAWAY that ends the connection; None where it ends without."""
        try:
            while True:
                self.step()
        except (EOFError, ConnectionError):
            return self.goaway

    def call(self, fields=None, body=None):
        """A call with one message, or other bytes in its place; what became of it."""
        stream = self.begin(USUAL if fields is None else fields)
        self.frame(DATA, END_STREAM, stream, raw_h2.message(MESSAGE) if body is None else body)
        return stream, self.outcome(stream)


MESSAGE = b"\x0a\x01m\x12\x01r\x22\x04text"  # message_id, room_id, text
