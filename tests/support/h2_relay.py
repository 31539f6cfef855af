#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A right server made wrong at the wire: a relay of HTTP/2 frames with one named deviation.

No server on the C core can be made to break these rules, so the wrong server is the right one behind a relay. It
reads the server with windows wide open, holds the server's DATA itself, and gives it to the client by the client's
own windows: so it is the relay that keeps or breaks flow control. Without a name it keeps every rule.

usage: h2_relay.py SERVER PORT [DEVIATION]      (it starts SERVER, and ends it with itself)
"""
import collections
import os
import signal
import socket
import struct
import subprocess
import sys
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, PADDED = 1, 1, 8
INITIAL_WINDOW_SIZE = 4
WINDOW, WIDE, FRAME_MAX = 65535, 2**31 - 1, 16384
PROTOCOL_ERROR, FLOW_CONTROL_ERROR = 1, 3
PREFIX = 5  # of a gRPC message
BIG = 65536  # bytes of one
PAGE = 4096

DEVIATIONS = {
    "negative-window-forgotten": "a lowered INITIAL_WINDOW_SIZE never makes a window negative",
    "negative-window-stuck": "a window that was negative never opens again",
    "small-grants-lost": "a WINDOW_UPDATE of less than 16 bytes is not counted",
    "connection-window-ignored": "only the stream's window is kept",
    "connection-window-lost": "the credit that opens a spent connection window wakes no stream",
    "ping-behind-data": "the answer to a PING waits behind blocked DATA",
    "big-message-first": "while a message of more than 64 KiB is being sent no other stream sends",
    "blocking-write": "one writer for all connections, that waits for a socket which is not read",
    "stream-ids-end-early": "streams above 2^31-50 get no answer",
    "message-is-frame": "of the messages in one DATA frame the first is taken",
    "frame-is-message": "a message that is split into frames loses what is not in the first one",
    "empty-data-ends": "an empty DATA frame ends the stream's request",
    "padding-is-data": "the padding of DATA is taken for content",
    "window-update-zero-taken": "a WINDOW_UPDATE of 0 is taken",
    "window-wraps": "a window past 2^31-1 becomes negative",
    "goaway-hangs-up": "the connection ends at the client's GOAWAY",
    "pings-hoarded": "for each PING a page is kept",
    "headers-hoarded": "the CONTINUATION frames of a header block are kept without a limit, and copied twice",
    "prefix-believed": "room is made for what the prefix of a message announces",
    "metadata-kills": "the process ends at a header block of more than 5,000 bytes",
}


hoard = []  # of those that keep what they should not, up to HOARD_MAX bytes
HOARD_MAX = 600 << 20
hoarded = 0


def keep(some):
    global hoarded
    if hoarded < HOARD_MAX:
        hoard.append(some)
        hoarded += len(some)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def exactly(reader, count):
    """count bytes, or None at the end of the connection."""
    got = reader.read(count)
    return got if got is not None and len(got) == count else None


def frames(reader):
    """(kind, flags, stream, payload) one after the other, until the connection ends."""
    while (head := exactly(reader, 9)) is not None:
        payload = exactly(reader, int.from_bytes(head[:3], "big"))
        if payload is None:
            return
        yield head[3], head[4], int.from_bytes(head[5:], "big") & WIDE, payload


class Stream:
    """What of the server's waits for the client's window: (kind, flags, payload), in order."""

    def __init__(self, window):
        self.window = window
        self.was_negative = False
        self.waiting = collections.deque()
        self.prefix = b""  # of the message that is being sent
        self.left = 0  # bytes of it

    def sent(self, some):
        """True when some ends in the middle of a big message."""
        while some:
            if not self.left:
                size = PREFIX - len(self.prefix)
                self.prefix += some[:size]
                some = some[size:]
                if len(self.prefix) == PREFIX:
                    self.left = int.from_bytes(self.prefix[1:], "big")
            else:
                size = min(self.left, len(some))
                self.left -= size
                some = some[size:]
            if len(self.prefix) == PREFIX and not self.left:
                self.prefix = b""
        return self.left > 0 and int.from_bytes(self.prefix[1:], "big") > BIG


class Pair:
    """One client, and the connection to the server that is its own."""

    writer = threading.Lock()  # of all clients: blocking-write

    def __init__(self, client, server, wrong):
        self.client, self.server, self.wrong = client, server, wrong
        self.lock = threading.Lock()
        self.sending = threading.Lock()
        self.streams = {}
        self.initial = self.window = WINDOW
        self.late = []  # answers to PINGs that wait
        self.bodies = {}
        self.refused = {}  # payload of a PING to the server: the stream that is reset when it comes back, and the error
        self.is_spent = self.is_lost = False
        self.big = 0  # the stream in the middle of a big message: big-message-first

    # --- towards the client ---

    def send(self, some):
        if not some:
            return
        if self.wrong == "blocking-write":
            with Pair.writer:
                self.client.sendall(some)
        else:
            self.client.sendall(some)

    def stream(self, number):
        return self.streams.setdefault(number, Stream(self.initial))

    def allowed(self, stream):
        own = stream.window
        if self.wrong == "negative-window-stuck" and stream.was_negative:
            return 0
        if self.wrong == "connection-window-ignored":
            return own
        return 0 if self.is_lost else min(own, self.window)

    def pump(self, number, stream):
        """All that the windows let pass."""
        out = b""
        while stream.waiting:
            kind, flags, payload = stream.waiting.popleft()
            if kind != DATA or not payload:
                out += frame(kind, flags, number, payload)
                continue
            size = max(0, min(self.allowed(stream), len(payload), FRAME_MAX))
            stream.window -= size
            self.window -= size
            self.is_spent |= self.window <= 0
            if self.wrong == "big-message-first":
                self.big = number if stream.sent(payload[:size]) else 0
            if size:
                out += frame(DATA, flags if size == len(payload) else flags & ~END_STREAM, number, payload[:size])
            if size < len(payload):
                stream.waiting.appendleft((kind, flags, payload[size:]))
                if not size:
                    break
        return out

    def pump_all(self):
        """Of every stream; then what waited for that."""
        out = b""
        self.big = self.big if self.big in self.streams else 0
        for number, stream in sorted(self.streams.items(), key=lambda one: one[0] != self.big):
            if self.big in (0, number):
                out += self.pump(number, stream)
        if self.late and not any(stream.waiting for stream in self.streams.values()):
            out += b"".join(self.late)
            self.late = []
        return out

    def flush(self):
        with self.sending:
            with self.lock:
                out = self.pump_all()
            self.send(out)

    def tell(self, some):
        with self.sending:
            self.send(some)

    def from_server(self):
        try:
            for kind, flags, number, payload in frames(self.server.makefile("rb")):
                if kind == WINDOW_UPDATE or not number:
                    self.of_server_connection(kind, flags, number, payload)
                elif number in self.streams or kind != RST_STREAM:
                    with self.lock:
                        self.stream(number).waiting.append((kind, flags, payload))
                    if kind == DATA and payload:
                        self.server.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload))))
                    self.flush()
        except OSError:
            pass
        self.end()

    def of_server_connection(self, kind, flags, number, payload):
        if kind == SETTINGS and flags & ACK and self.own_acks:
            self.own_acks -= 1  # of a SETTINGS that the relay wrote itself
            return
        if kind == PING and flags & ACK and payload in self.refused:
            refused, error = self.refused.pop(payload)
            with self.lock:
                self.streams.pop(refused, None)
            self.tell(frame(RST_STREAM, 0, refused, struct.pack(">I", error)))
            return
        answer = frame(kind, flags, number, payload)
        with self.lock:
            waits = kind == PING and flags & ACK and any(stream.waiting for stream in self.streams.values())
            if waits and self.wrong == "ping-behind-data":
                self.late.append(answer)
                return
        self.tell(answer)

    own_acks = 0

    def end(self):
        for side in (self.client, self.server):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # --- towards the server ---

    def from_client(self):
        reader = self.client.makefile("rb")
        try:
            if exactly(reader, len(PREFACE)) != PREFACE:
                raise OSError
            self.server.sendall(PREFACE)
            for kind, flags, number, payload in frames(reader):
                if not self.of_client(kind, flags, number, payload):
                    break
        except OSError:
            pass
        try:
            self.server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    is_first = True

    def of_client(self, kind, flags, number, payload):
        """False at the connection's end."""
        if self.is_taken(kind, flags, payload):
            return True
        if kind == SETTINGS and not flags & ACK:
            self.settings(payload)
        elif kind == WINDOW_UPDATE:
            return self.window_update(number, int.from_bytes(payload[:4], "big") & WIDE)
        elif kind == GOAWAY:
            return self.wrong != "goaway-hangs-up"
        elif kind == DATA:
            self.server.sendall(self.data(flags, number, payload))
        elif number > WIDE - 50 and self.wrong == "stream-ids-end-early":
            pass
        else:
            if kind == RST_STREAM:
                with self.lock:
                    self.streams.pop(number, None)
            self.server.sendall(frame(kind, flags, number, payload))
        return True

    block = 0  # bytes of the header block that is being sent

    def is_taken(self, kind, flags, payload):
        """By a deviation that keeps what a client sends; True when nobody else gets it."""
        if self.wrong == "pings-hoarded" and kind == PING and not flags & ACK:
            keep(b"x" * PAGE)
            try:
                self.client.send(frame(PING, ACK, 0, payload), socket.MSG_DONTWAIT)
            except BlockingIOError:
                pass  # who does not read gets none
            return True
        if self.wrong == "headers-hoarded" and kind == CONTINUATION:
            keep(payload * 3)
            return True
        if self.wrong == "prefix-believed" and kind == DATA and len(payload) >= PREFIX:
            size = int.from_bytes(payload[1:PREFIX], "big")
            if size >= 2**28:
                keep(b"x" * min(size, HOARD_MAX // 5))
        if self.wrong == "metadata-kills" and kind in (HEADERS, CONTINUATION):
            self.block = len(payload) + (self.block if kind == CONTINUATION else 0)
            if self.block > 5000:
                os._exit(1)
        return False

    def settings(self, payload):
        """The client's windows are kept here; the server gets one that never closes."""
        kept = b""
        with self.lock:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[at:at + 6])
                if name != INITIAL_WINDOW_SIZE:
                    kept += payload[at:at + 6]
                    continue
                for stream in self.streams.values():
                    stream.window += value - self.initial
                    stream.was_negative |= stream.window < 0
                    if self.wrong == "negative-window-forgotten":
                        stream.window = max(stream.window, value)
                self.initial = value
        if self.is_first:
            self.is_first = False
            kept += struct.pack(">HI", INITIAL_WINDOW_SIZE, WIDE)
            self.server.sendall(frame(SETTINGS, 0, 0, kept)
                                + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WIDE - WINDOW)))
        else:
            self.server.sendall(frame(SETTINGS, 0, 0, kept))
        self.flush()

    def window_update(self, number, increment):
        if increment == 0:
            return self.refuse(number, PROTOCOL_ERROR, "window-update-zero-taken")
        if self.wrong == "small-grants-lost" and increment < 16:
            return True
        with self.lock:
            if number:
                stream = self.stream(number)
                stream.window += increment
                is_over = stream.window > WIDE
                if is_over and self.wrong == "window-wraps":
                    stream.window -= 2**32
            else:
                self.is_lost = self.wrong == "connection-window-lost" and (self.is_lost or self.is_spent)
                self.window += increment
                is_over = self.window > WIDE
                if is_over and self.wrong == "window-wraps":
                    self.window -= 2**32
        if is_over:
            return self.refuse(number, FLOW_CONTROL_ERROR, "window-wraps")
        self.flush()
        return True

    def refuse(self, number, error, unless):
        """An error of the stream or the connection; nothing by the deviation that takes it."""
        if self.wrong == unless:
            return True
        if number:  # what the server sends of it meanwhile must be with the client first: a block is in the HPACK state of both
            sign = struct.pack(">II", number, error)
            self.refused[sign] = number, error
            self.server.sendall(frame(RST_STREAM, 0, number, struct.pack(">I", 8)) + frame(PING, 0, 0, sign))
            return True
        self.tell(frame(GOAWAY, 0, 0, struct.pack(">II", WIDE, error)))
        self.end()
        return False

    def data(self, flags, number, payload):
        """The request's DATA without its padding, which the C core does not take."""
        if flags & PADDED:
            pad = payload[0]
            payload = payload[1:] if self.wrong == "padding-is-data" else payload[1:len(payload) - pad]
            flags &= ~PADDED
        if not payload and not flags & END_STREAM and self.wrong == "empty-data-ends":
            flags |= END_STREAM
        if self.wrong in ("message-is-frame", "frame-is-message"):
            payload = self.first_message(payload)
        return frame(DATA, flags, number, payload)

    def first_message(self, payload):
        if len(payload) < PREFIX:
            return payload
        size = PREFIX + int.from_bytes(payload[1:PREFIX], "big")
        if self.wrong == "message-is-frame":
            return payload[:size]
        return payload if len(payload) >= size else payload[:1] + struct.pack(">I", len(payload) - PREFIX) + payload[PREFIX:]


def serve(client, port, wrong):
    server = socket.create_connection(("127.0.0.1", port))
    for end in (client, server):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pair = Pair(client, server, wrong)
    threading.Thread(target=pair.from_server, daemon=True).start()
    pair.from_client()


def main():
    server, port = sys.argv[1:3]
    wrong = sys.argv[3] if len(sys.argv) > 3 else ""
    if wrong and wrong not in DEVIATIONS:
        sys.exit(f"no deviation '{wrong}'")
    child = subprocess.Popen([server, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGTERM, lambda *_: (child.terminate(), os._exit(0)))
    behind = int(child.stdout.readline().rsplit(":", 1)[1])
    with socket.create_server(("127.0.0.1", int(port)), backlog=200) as listener:
        print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, behind, wrong), daemon=True).start()


if __name__ == "__main__":
    main()
