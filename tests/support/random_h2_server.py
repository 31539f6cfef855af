# SPDX-License-Identifier: Apache-2.0
"""A server whose first call has a right answer, so that it is met as a server, and whose others speak at random. What it sends
follows from its seed and the order of connections."""
import contextlib
import random
import socket
import threading

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
HEAD = b"\x88\0\x0ccontent-type\x10application/grpc"
TRAILERS = b"\0\x0bgrpc-status\x010"
UNIMPLEMENTED = b"\0\x0bgrpc-status\x0212"
MOST_PER_CONNECTION = 2000  # frames that a connection is given before it is closed


def frame(kind, flags, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


class RandomServer:
    def __init__(self, seed):
        self.seed, self.connections, self.is_met = seed, 0, False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.connections += 1
                chance = random.Random(f"{self.seed}/{self.connections}")
                threading.Thread(target=self.serve, args=(client, chance), daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def serve(self, client, chance):
        with client, contextlib.suppress(OSError), client.makefile("rb") as source:
            client.settimeout(10)
            client.sendall(frame(SETTINGS, 0))
            source.read(24)  # the preface
            sent = 0
            while sent < MOST_PER_CONNECTION and len(head := source.read(9)) == 9:
                source.read(int.from_bytes(head[:3], "big"))
                stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
                if head[3] == SETTINGS and not head[4] & 1:
                    client.sendall(frame(SETTINGS, 1))
                elif head[3] == HEADERS and not self.is_met:
                    self.is_met = True
                    client.sendall(frame(HEADERS, 5, stream, HEAD + UNIMPLEMENTED))
                elif head[3] == HEADERS:
                    for _ in range(chance.randrange(1, 12)):
                        client.sendall(self.any_frame(chance, stream))
                        sent += 1

    def any_frame(self, chance, stream):
        """A frame of the response, one of those with some bytes changed, or one of nothing but chance. No status of the
        calls is ever right: trailers that end a stream are changed always."""
        kind = chance.randrange(8)
        if kind == 0:
            return frame(HEADERS, 4, stream, HEAD)
        if kind == 1:
            return frame(DATA, 0, stream, b"\0\0\0\0\2\x08\x01")
        if kind == 2:
            return frame(chance.choice((SETTINGS, PING, GOAWAY, WINDOW_UPDATE, RST_STREAM)), chance.randrange(2),
                         chance.choice((0, stream)), chance.randbytes(chance.choice((4, 5, 6, 8, 8, 12))))
        if kind == 3:
            block = bytearray(HEAD + TRAILERS)
            for _ in range(chance.randrange(1, 6)):
                block[chance.randrange(len(block))] = chance.randrange(256)
            block[-1] = 0xFF  # no digit
            return frame(HEADERS, chance.choice((0, 4, 5)), stream, bytes(block))
        if kind == 4:
            return frame(HEADERS, 4, stream, chance.randbytes(chance.randrange(80)))
        if kind == 5:  # a length that is not that of its bytes
            return chance.randbytes(2) + chance.randbytes(chance.randrange(40))
        payload = chance.randbytes(chance.randrange(64))
        return frame(chance.randrange(12), chance.randrange(256), chance.choice((0, stream, stream + 2, 2)), payload)
