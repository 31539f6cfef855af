# SPDX-License-Identifier: Apache-2.0
"""Writes a pcap of gRPC calls over plain HTTP/2, for tests that choose every byte of the messages."""
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
SEGMENT_MAX = 1400


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def block(*fields):
    """A header block of literals without indexing (RFC 7541 6.2.2)."""
    out = b""
    for name, value in fields:
        assert len(name) < 127 and len(value) < 127
        out += b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    return out


def framed(message):
    return b"\0" + struct.pack(">I", len(message)) + message


class Capture:
    """One connection from port 40000 to 50051 of 127.0.0.1, raw IP packets a microsecond apart."""

    def __init__(self):
        self.packets = []
        self.next = {True: 1000, False: 5000}
        self.stream = 1
        self.send(True, PREFACE + frame(SETTINGS, 0, 0))
        self.send(False, frame(SETTINGS, 0, 0))

    def send(self, is_client, data):
        for at in range(0, len(data), SEGMENT_MAX):
            piece = data[at:at + SEGMENT_MAX]
            ports = (40000, 50051) if is_client else (50051, 40000)
            tcp = struct.pack(">HHIIBBHHH", *ports, self.next[is_client], self.next[not is_client], 0x50, 0x18, 65535, 0, 0)
            self.next[is_client] += len(piece)
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(piece), 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
            self.packets.append(ip + tcp + piece)

    def data(self, is_client, message, is_last=False):
        data = framed(message)
        for at in range(0, len(data), 16384):
            piece = data[at:at + 16384]
            flags = END_STREAM if is_last and at + len(piece) == len(data) else 0
            self.send(is_client, frame(DATA, flags, self.stream, piece))

    def call(self, path, requests, responses):
        """One call with these messages (bytes), that ends with OK."""
        self.send(True, frame(HEADERS, END_HEADERS, self.stream,
                              block((":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x"),
                                    ("te", "trailers"), ("content-type", "application/grpc"))))
        for at, message in enumerate(requests):
            self.data(True, message, is_last=at + 1 == len(requests))
        self.send(False, frame(HEADERS, END_HEADERS, self.stream,
                               block((":status", "200"), ("content-type", "application/grpc"))))
        for message in responses:
            self.data(False, message)
        self.send(False, frame(HEADERS, END_HEADERS | END_STREAM, self.stream, block(("grpc-status", "0"))))
        self.stream += 2

    def write(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))  # LINKTYPE_RAW
            for at, packet in enumerate(self.packets):
                file.write(struct.pack("<IIII", 1767225600 + at // 1000000, at % 1000000, len(packet), len(packet)) + packet)
