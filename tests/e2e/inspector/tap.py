# SPDX-License-Identifier: Apache-2.0
"""A relay that writes what it passes on as a capture: capturing needs rights that tests do not have."""
import socket
import struct
import threading

SECONDS = 20
PIECE = 16000
SYN, ACK, FIN = 0x02, 0x10, 0x01


class Tap:
    """Listens before a server, whose address it gets; each connection is recorded as one of its own."""

    def __init__(self, port):
        self.server = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.events = []  # (connection, side, flags, bytes) in their order
        self.threads = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server), SECONDS)
            server.settimeout(None)
            number = len(self.threads)
            self.note(number, 0, SYN, b"")
            self.note(number, 1, SYN | ACK, b"")
            for side, ends in enumerate([(client, server), (server, client)]):
                thread = threading.Thread(target=self.pump, args=(number, side, *ends), daemon=True)
                self.threads.append(thread)
                thread.start()

    def note(self, *event):
        with self.lock:
            self.events.append(event)

    def pump(self, number, side, source, sink):
        try:
            while piece := source.recv(PIECE):
                self.note(number, side, ACK, piece)
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.note(number, side, FIN | ACK, b"")

    def packets(self):
        """Of all connections, as IPv4; after the clients have closed."""
        self.listener.close()
        for thread in self.threads:
            thread.join(SECONDS)
        sent = {}
        for number, side, flags, piece in self.events:
            key = (number, side)
            sequence = sent.setdefault(key, 1000)
            ports = [40000 + number, self.server]
            tcp = struct.pack(">HHIIBBHHH", ports[side], ports[1 - side], sequence,
                              sent.get((number, 1 - side), 1000) if flags & ACK else 0, 0x50, flags, 65535, 0, 0)
            sent[key] = sequence + len(piece) + (1 if flags & (SYN | FIN) else 0)
            hosts = [b"\x0a\0\0\1", b"\x0a\0\0\2"]
            yield struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(piece), 1, 0x4000, 64, 6, 0) \
                + hosts[side] + hosts[1 - side] + tcp + piece

    def save(self, path):
        write_pcap(path, 101, self.packets())


def write_pcap(path, link, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, link))
        for number, packet in enumerate(packets):
            file.write(struct.pack("<IIII", 1700000000 + number // 1000, number % 1000 * 1000, len(packet), len(packet)))
            file.write(packet)
