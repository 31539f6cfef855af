#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scenario of the partial message against a server that acts on one (CHAT-06).

No server on the C core can do so. So the wrong server is the right one behind a relay of HTTP/2 frames, which
gives a message that breaks off the length of what came of it: the server then sees a whole one.

usage: acts_on_parts.py HARNESS SERVER
"""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

HARNESS, SERVER = sys.argv[1:3]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, RST_STREAM = 0, 3
END_STREAM, PADDED = 1, 8
PREFIX = 5  # of a gRPC message: compressed or not, and its length
WAIT = 30


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def exactly(reader, count):
    """count bytes, or None at the end of the connection."""
    got = reader.read(count)
    return got if got is not None and len(got) == count else None


class Parts:
    """What came of the message that is not whole yet, stream by stream."""

    def __init__(self, is_wrong):
        self.is_wrong = is_wrong
        self.held = {}

    def data(self, flags, stream, payload):
        if flags & PADDED:
            payload = payload[1:len(payload) - payload[0]]
        held = self.held.pop(stream, b"") + payload
        whole = 0
        while len(held) >= whole + PREFIX:
            size = PREFIX + int.from_bytes(held[whole + 1:whole + PREFIX], "big")
            if len(held) < whole + size:
                break
            whole += size
        rest = held[whole:]
        if flags & END_STREAM:
            return frame(DATA, END_STREAM, stream, held[:whole] + (self.completed(rest) if rest else b""))
        if rest:
            self.held[stream] = rest
        return frame(DATA, 0, stream, held[:whole]) if whole else b""

    def completed(self, rest):
        if not self.is_wrong or len(rest) <= PREFIX:
            return rest
        return rest[:1] + struct.pack(">I", len(rest) - PREFIX) + rest[PREFIX:]

    def ended(self, stream):
        """In place of what ended the stream; nothing where no message was broken off, or it is to stay so."""
        rest = self.held.pop(stream, b"")
        if not self.is_wrong or len(rest) <= PREFIX:
            return b""
        return frame(DATA, END_STREAM, stream, self.completed(rest))

    def all_ended(self):
        return b"".join(self.ended(stream) for stream in list(self.held))


def client_to_server(client, server, parts):
    reader = client.makefile("rb")
    try:
        server.sendall(exactly(reader, len(PREFACE)) or b"")
        while True:
            head = exactly(reader, 9)
            payload = exactly(reader, int.from_bytes(head[:3], "big")) if head else None
            if payload is None:
                break
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            if kind == DATA:
                server.sendall(parts.data(flags, stream, payload))
            elif kind == RST_STREAM:
                server.sendall(parts.ended(stream) or head + payload)
            else:
                server.sendall(head + payload)
    except OSError:
        pass
    try:
        server.sendall(parts.all_ended())
        server.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def server_to_client(client, server):
    try:
        while some := server.recv(65536):
            client.sendall(some)
    except OSError:
        pass
    for end in (client, server):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def relay(listener, port, is_wrong):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", port), WAIT)
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=client_to_server, args=(client, server, Parts(is_wrong)), daemon=True).start()
        threading.Thread(target=server_to_client, args=(client, server), daemon=True).start()


def play(port, is_wrong):
    """The scenario's result against the server behind the relay."""
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=relay, args=(listener, port, is_wrong), daemon=True).start()
        report = os.path.join(folder, "report.json")
        subprocess.run([HARNESS, "run", "disconnects/partial-message", "--target",
                        f"127.0.0.1:{listener.getsockname()[1]}", "--report", f"json={report}"],
                       capture_output=True, timeout=60, check=False)
        with open(report, encoding="utf-8") as file:
            return json.load(file)["results"][0]


def main():
    server = subprocess.Popen([SERVER, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline().rsplit(":", 1)[1])
        right = play(port, False)
        assert right["verdict"] == "pass", right
        wrong = play(port, True)
        assert wrong["verdict"] == "fail" and wrong["failures"][0]["rule"] == "CHAT-06", wrong
        print(wrong["reason"])
    finally:
        server.terminate()
        server.wait(WAIT)


if __name__ == "__main__":
    main()
