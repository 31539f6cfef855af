# SPDX-License-Identifier: Apache-2.0
"""A relay that records one connection and writes it down as a capture, because capturing needs rights that tests
do not have."""

import socket
import struct
import threading

import sut

ACK_PUSH = 0x18
SEGMENT = 16000


class Recorder:
    """Stands before a server; has an address like one. One connection, recorded until it ends."""

    def __init__(self, server):
        self._upstream = server.address.split(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.port = int(self._upstream[1])
        self._pieces = []  # (is from the client, bytes), in their order
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        client = self._listener.accept()[0]
        server = socket.create_connection((self._upstream[0], int(self._upstream[1])), sut.WAIT)
        server.settimeout(None)
        back = threading.Thread(target=self._pump, args=(server, client, False), daemon=True)
        back.start()
        self._pump(client, server, True)
        back.join(sut.WAIT)
        client.close()
        server.close()

    def _pump(self, source, sink, is_client):
        try:
            while piece := source.recv(SEGMENT):
                with self._lock:
                    self._pieces.append((is_client, piece))
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side has gone

    def save(self, path):
        """After the client has closed: the connection as Ethernet, IPv4 and TCP."""
        self._thread.join(sut.WAIT)
        self._listener.close()
        sent = {True: 1, False: 1}
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, 1))
            for number, (is_client, piece) in enumerate(self._pieces):
                ports = (50000, self.port) if is_client else (self.port, 50000)
                tcp = struct.pack(">HHIIBBHHH", *ports, sent[is_client], sent[not is_client], 0x50, ACK_PUSH,
                                  65535, 0, 0)
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(piece), number, 0, 64, 6, 0,
                                 b"\x7f\0\0\1", b"\x7f\0\0\1")
                packet = bytes(12) + b"\x08\0" + ip + tcp + piece
                file.write(struct.pack("<IIII", 1700000000, number, len(packet), len(packet)) + packet)
                sent[is_client] += len(piece)
