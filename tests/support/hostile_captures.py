#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Captures that make the inspector hold as much as they can: many connections, calls, streams, tables, pieces.

    tests/support/hostile_captures.py list
    tests/support/hostile_captures.py secrets FILE [SCALE]  a key log for the case "tls"
    tests/support/hostile_captures.py NAME FILE [SCALE]     SCALE 1 is the worst case that the figures are of

Each case is a function of a scale that sends through a Net; sizes are what hurts, contents are arbitrary.
"""
import struct
import sys

from capture_writer import DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, block, frame, framed

CONTINUATION, WINDOW_UPDATE = 9, 8
SEGMENT_MAX = 60000
REQUEST = block((":method", "POST"), (":scheme", "http"), (":path", "/pkg.Service/Method"), (":authority", "host:50051"),
                ("te", "trailers"), ("content-type", "application/grpc"), ("user-agent", "grpc-c/30.2.0 (linux; chttp2)"))
RESPONSE = block((":status", "200"), ("content-type", "application/grpc"))
TRAILERS = block(("grpc-status", "0"))


class Net:
    """A pcap of raw IP packets, a microsecond apart, written as they come."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
        self.now = 0
        self.connections = 0

    def packet(self, packet):
        self.now += 1
        self.file.write(struct.pack("<IIII", 1767225600 + self.now // 1000000, self.now % 1000000, len(packet), len(packet)) + packet)

    def connect(self):
        self.connections += 1
        return Connection(self, self.connections)


class Connection:
    def __init__(self, net, number):
        self.net = net
        client, server = struct.pack(">BBH", 10, number >> 14 & 255, number & 0x3fff), b"\x0b\0\0\1"
        port = 1024 + number % 60000
        self.ends = {True: (client, server, port, 50051), False: (server, client, 50051, port)}
        self.next = {True: 1000, False: 5000}
        self.packet(True, 2, b"")
        self.next[True] += 1
        self.packet(False, 0x12, b"")
        self.next[False] += 1

    def packet(self, is_client, flags, data, ahead=0):
        source, target, source_port, target_port = self.ends[is_client]
        tcp = struct.pack(">HHIIBBHHH", source_port, target_port, (self.next[is_client] + ahead) & 0xffffffff, self.next[not is_client],
                          0x50, flags, 65535, 0, 0)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0, source, target)
        self.net.packet(ip + tcp + data)

    def send(self, is_client, data):
        for at in range(0, len(data), SEGMENT_MAX):
            piece = data[at:at + SEGMENT_MAX]
            self.packet(is_client, 0x18, piece)
            self.next[is_client] = (self.next[is_client] + len(piece)) & 0xffffffff

    def begin(self, table_size=None):
        settings = b"" if table_size is None else struct.pack(">HI", 1, table_size)
        self.send(True, PREFACE + frame(SETTINGS, 0, 0, settings))
        self.send(False, frame(SETTINGS, 0, 0, settings) + frame(SETTINGS, 1, 0))
        self.send(True, frame(SETTINGS, 1, 0))
        return self

    def headers(self, is_client, stream, fields, flags=END_HEADERS):
        """A block in as many frames as it needs."""
        kind = HEADERS
        while len(fields) > 16384:
            self.send(is_client, frame(kind, flags & ~END_HEADERS, stream, fields[:16384]))
            fields, kind = fields[16384:], CONTINUATION
        self.send(is_client, frame(kind, flags, stream, fields))


def integer(first, bits, value):
    top = (1 << bits) - 1
    if value < top:
        return bytes([first | value])
    out, value = bytes([first | top]), value - top
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def varint(value):
    out = b""
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def literal(name, value, first=0):
    """RFC 7541 6.2; first 0x40: with an entry in the table."""
    return bytes([first]) + integer(0, 7, len(name)) + name + integer(0, 7, len(value)) + value


def open_calls(net, scale, count=12000):
    for _ in range(int(count * scale)):
        conn = net.connect().begin()
        conn.headers(True, 1, REQUEST)
        conn.send(True, frame(DATA, 0, 1, framed(b"x" * 50)))


def more_open_calls(net, scale):
    open_calls(net, scale, 100000)


def indexed_calls(net, scale):
    """As clients write them: with table entries, answered, one more call."""
    fields = b"\x83\x86" + literal(b":path", b"/pkg.Service/Method", 0x40) + literal(b":authority", b"host.example:50051", 0x40) + \
        literal(b"te", b"trailers", 0x40) + literal(b"content-type", b"application/grpc", 0x40) + literal(b"user-agent", b"grpc-go/1.60", 0x40)
    conns = [net.connect().begin() for _ in range(int(12000 * scale))]
    for stream in (1, 3):
        for conn in conns:
            conn.headers(True, stream, fields)
            conn.send(True, frame(DATA, END_STREAM, stream, framed(b"x" * 50)))
            conn.headers(False, stream, b"\x88" + literal(b"content-type", b"application/grpc", 0x40))
            conn.send(False, frame(DATA, 0, stream, framed(b"y" * 50)))
            if stream == 1:
                conn.headers(False, stream, literal(b"grpc-status", b"0", 0x40), END_HEADERS | END_STREAM)


def web_calls(net, scale):
    for _ in range(int(12000 * scale)):
        net.connect().send(True, b"POST /pkg.Service/Method HTTP/1.1\r\nHost: web.example\r\nContent-Type: application/grpc-web+proto\r\n"
                                 b"X-Grpc-Web: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko\r\nContent-Length: 1000\r\n\r\n" + framed(b"x" * 600)[:300])


def undecided(net, scale):
    """Half a preface, half a request, half a hello."""
    for _ in range(int(12000 * scale)):
        for start in (PREFACE[:20], b"POST /x", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"r" * 400):
            net.connect().send(True, start)


def client_hello(random):
    suites = struct.pack(">HHH", 4, 0x1301, 0xc02f)
    body = b"\x03\x03" + random + b"\x20" + b"s" * 32 + suites + b"\1\0" + struct.pack(">H", 7) + b"\0\x2b\0\3\2\3\4"
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + struct.pack(">H", len(message)) + message


def server_hello(random):
    body = b"\x03\x03" + random + b"\x20" + b"s" * 32 + b"\x13\x01\0" + struct.pack(">H", 6) + b"\0\x2b\0\2\3\4"
    message = b"\2" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\3" + struct.pack(">H", len(message)) + message


def tls(net, scale):
    """Handshakes and records; secrets() has keys for them, which open none."""
    for number in range(int(12000 * scale)):
        conn = net.connect()
        random = struct.pack(">I", number) * 8
        conn.send(True, client_hello(random))
        conn.send(False, server_hello(random[::-1]))
        conn.send(False, b"\x17\3\3" + struct.pack(">H", 3000) + b"e" * 3000)
        conn.send(True, b"\x17\3\3" + struct.pack(">H", 3000) + b"e" * 1500)


def secrets(path, scale):
    """A key log for tls()."""
    names = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0")
    with open(path, "w", encoding="ascii") as file:
        for number in range(int(12000 * scale)):
            for name in names:
                file.write(f"{name} {(struct.pack('>I', number) * 8).hex()} {'ab' * 32}\n")


def streams(net, scale, metadata=2000, body=b""):
    """Open streams with metadata, all of one connection."""
    conn = net.connect().begin()
    for stream in range(1, 2 * int(32768 * scale), 2):
        conn.headers(True, stream, REQUEST + literal(b"x-large", (b"%07d" % stream) * (metadata // 7)))
        if body:
            conn.send(True, frame(DATA, 0, stream, body))


def large_metadata(net, scale):
    streams(net, scale / 16, 120000)


def half_messages(net, scale):
    streams(net, scale, 14, framed(b"h" * 2000)[:1200])


def many_half_messages(net, scale):
    for _ in range(int(8000 * scale)):
        conn = net.connect().begin()
        conn.headers(True, 1, REQUEST)
        conn.headers(False, 1, RESPONSE)
        for is_client in (True, False):
            conn.send(is_client, frame(DATA, 0, 1, struct.pack(">BI", 0, 100000) + b"h" * 8000))


def tables(net, scale, size=1 << 20, count=64, entry=4000):
    """Both dynamic tables of every connection filled to what is announced."""
    conns = [net.connect().begin(size) for _ in range(max(1, int(count * scale)))]
    for at in range(0, size, entry + 32 + 8):
        for number, conn in enumerate(conns):
            update = integer(0x20, 5, size) if at == 0 else b""
            fields = literal(b"x-%06d" % (at % 999999), (b"%06d" % number).ljust(entry, b"v"), 0x40)
            conn.headers(True, 1 + at * 2, update + REQUEST + fields, END_HEADERS | END_STREAM)
            conn.headers(False, 1 + at * 2, update + RESPONSE + fields)
            conn.headers(False, 1 + at * 2, TRAILERS, END_HEADERS | END_STREAM)


def small_entries(net, scale):
    tables(net, scale, count=8, entry=0)


def usual_tables(net, scale):
    tables(net, scale, size=4096, count=10000, entry=100)


def names(net, scale):
    """Methods, hosts and statuses, none of them twice."""
    conn = net.connect().begin()
    for number in range(int(300000 * scale)):
        stream = 1 + number * 2
        conn.headers(True, stream, block((":method", "POST"), (":scheme", "http"), (":path", f"/pkg.Service{number}/Method{number}"),
                                         (":authority", f"host{number}:50051"), ("content-type", "application/grpc")), END_HEADERS | END_STREAM)
        conn.headers(False, stream, block((":status", "200"), ("content-type", "application/grpc"), ("grpc-status", str(number)),
                                          ("grpc-message", f"m{number}")), END_HEADERS | END_STREAM)


def blocks(net, scale):
    """Header blocks of 1 MB that do not end."""
    for _ in range(int(200 * scale) + 1):
        conn = net.connect().begin()
        fields = REQUEST + b"".join(literal(b"x-%03d" % i, b"c" * 10000) for i in range(100))
        for is_client in (True, False):
            conn.headers(is_client, 1, fields, 0)


def gaps(net, scale):
    """Bytes behind a hole, in both directions of every connection."""
    conns = []
    for _ in range(int(12000 * scale)):
        conn = net.connect().begin()
        conn.headers(True, 1, REQUEST)
        conns.append(conn)
    for round_at in range(4):
        for conn in conns:
            for is_client in (True, False):
                conn.packet(is_client, 0x18, frame(DATA, 0, 1, framed(b"g" * 700)), 5000 + round_at * 1000)


def tiny_pieces(net, scale):
    """One byte a segment, every second one missing."""
    for _ in range(int(300 * scale) + 1):
        conn = net.connect().begin()
        for at in range(1, 1000):
            conn.packet(True, 0x18, b"p", at * 2)


def midway(net, scale):
    """Connections seen from their middle, with table entries of before: what is inferred is kept for each."""
    for _ in range(int(12000 * scale)):
        conn = net.connect()
        conn.next = {True: 90000, False: 80000}
        for stream in (101, 103, 105):
            conn.send(True, frame(HEADERS, END_HEADERS, stream, b"\x83\x86" + b"\xc2\xc1\xc0\xbf\xbe") + frame(DATA, END_STREAM, stream, framed(b"\x0a\x03abc")))
            conn.send(False, frame(HEADERS, END_HEADERS, stream, b"\x88\xbf") + frame(DATA, 0, stream, framed(b"\x0a\x03abc")))


def stalls(net, scale):
    """Every stream waits for the connection's window."""
    conn = net.connect().begin()
    for stream in range(1, 2 * int(20000 * scale), 2):
        conn.headers(True, stream, REQUEST)
        conn.headers(False, stream, RESPONSE)
        conn.send(False, frame(DATA, 0, stream, framed(b"s" * 4000)[:3000]))
        conn.send(True, frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 3000)))


def fragments(net, scale):
    """The first fragments of datagrams that never become whole."""
    for number in range(int(20000 * scale)):
        net.packet(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + 8000, number & 0xffff, 0x2000, 64, 6, 0, struct.pack(">I", 0x0a000000 + number), b"\x0b\0\0\1") +
                   b"f" * 8000)


def bombs(net, scale):
    """Messages of 4 MiB of text, and ones that become that by gzip, while calls are kept open."""
    import gzip
    bomb = gzip.compress(b"\x0a" + varint(4_000_000) + b"\x01" * 4_000_000)
    plain = b"\x0a" + varint(3_900_000) + b"<" * 3_900_000
    for _ in range(int(8 * scale) + 1):
        conn = net.connect().begin()
        for stream in (1, 3, 5):
            conn.headers(True, stream, REQUEST + literal(b"grpc-encoding", b"gzip"))
            for message in (struct.pack(">BI", 1, len(bomb)) + bomb, framed(plain), struct.pack(">BI", 1, len(bomb)) + bomb):
                for at in range(0, len(message), 16384):
                    conn.send(True, frame(DATA, 0, stream, message[at:at + 16384]))


def everything(net, scale):
    """Some of each at once."""
    for case in (tables, many_half_messages, gaps, streams, blocks, tls, web_calls, tiny_pieces, fragments, bombs, open_calls):
        case(net, scale / 2)


CASES = {case.__name__: case for case in (
    open_calls, more_open_calls, indexed_calls, web_calls, undecided, tls, streams, large_metadata, half_messages, many_half_messages,
    tables, small_entries, usual_tables, names, blocks, gaps, tiny_pieces, midway, stalls, fragments, bombs, everything)}


def write(name, path, scale=1.0):
    net = Net(path)
    CASES[name](net, scale)
    net.file.close()


if __name__ == "__main__":
    if sys.argv[1] == "list":
        print("\n".join(CASES))
    elif sys.argv[1] == "secrets":
        secrets(sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 1.0)
    else:
        write(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 1.0)
