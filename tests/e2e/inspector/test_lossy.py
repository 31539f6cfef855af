# SPDX-License-Identifier: Apache-2.0
"""Lint of captures that lack packets, show them out of order, cut or late: of traffic that breaks no rule nothing is told of
level M, whatever of it is missing. What one side did rests on what the other had said, and that may be what is missing."""
import itertools
import json
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import unittest

import tap

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
SEEDS = 20
SHARES = (0.01, 0.05, 0.2)
WINDOW = 1000  # of a stream
LARGEST = 2**31 - 1
DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, UNKNOWN = 0, 1, 3, 4, 6, 8, 0xfa
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CLIENT, SERVER = 0, 1


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


REQUEST = b"\x83\x86\x04\x06/s/Met\x41\x01a" + literal(b"content-type", b"application/grpc") + literal(b"te", b"trailers")
RESPONSE = b"\x88" + literal(b"content-type", b"application/grpc")
TRAILERS = literal(b"grpc-status", b"0")


def update(stream, count):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", count))


def talk():
    """(side, bytes of a packet) of one connection of peers that use all that they may: windows to the last byte, the largest
    window of a connection, frames as long as SETTINGS allow, and PINGs that are all alike."""
    yield CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0)
    yield SERVER, frame(SETTINGS, 0, 0, struct.pack(">HIHI", 4, WINDOW, 5, 30000))
    yield SERVER, update(0, LARGEST - 65535) + frame(SETTINGS, ACK, 0)
    yield CLIENT, frame(SETTINGS, ACK, 0)
    yield CLIENT, frame(UNKNOWN, 0, 0, bytes(30000))
    for stream in itertools.islice(itertools.count(1, 2), 12):
        yield CLIENT, frame(HEADERS, END_HEADERS, stream, REQUEST)
        half, message = WINDOW // 2, struct.pack(">BI", 0, 4 * WINDOW - 5) + bytes(4 * WINDOW - 5)
        yield CLIENT, frame(DATA, 0, stream, message[:half])
        yield SERVER, update(stream, 3 * WINDOW) + update(0, half)
        for at in range(half, len(message), WINDOW):
            yield CLIENT, b"".join(frame(DATA, 0, stream, message[begin:begin + half]) for begin in range(at, min(at + WINDOW, len(message)), half))
            yield SERVER, update(0, min(WINDOW, len(message) - at))
        if stream % 3 == 0:  # the client gives up, and what the server had sent crosses it
            yield SERVER, frame(HEADERS, END_HEADERS, stream, RESPONSE)
            yield CLIENT, frame(PING, 0, 0, bytes(8))
            yield CLIENT, frame(RST_STREAM, 0, stream, struct.pack(">I", 8)) + frame(PING, 0, 0, bytes(8))
            yield SERVER, frame(PING, ACK, 0, bytes(8))
            yield SERVER, frame(DATA, 0, stream, b"\0\0\0\0\1x")
            yield SERVER, frame(PING, ACK, 0, bytes(8))
            continue
        yield CLIENT, frame(DATA, END_STREAM, stream)
        yield SERVER, frame(HEADERS, END_HEADERS, stream, RESPONSE)
        yield SERVER, frame(DATA, 0, stream, b"\0\0\0\0\1x")
        yield SERVER, frame(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)
        yield SERVER, frame(SETTINGS, 0, 0)
        yield CLIENT, frame(SETTINGS, ACK, 0)


def packets(port):
    """The connection between this port and that of the server, as IP packets. Each acknowledges all that came before it,
    but for what crossed: what the server sent between two PINGs was sent before the second came."""
    sent = [1000, 5000]

    def packet(side, flags, payload=b"", seen=None):
        ports = (port, 443) if side == CLIENT else (443, port)
        tcp = struct.pack(">HHIIBBHHH", *ports, sent[side], sent[1 - side] if seen is None else seen, 0x50, flags, 65535, 0, 0)
        sent[side] += len(payload) + (flags & 2 != 0)
        return struct.pack(">BBHHHBBHII", 0x45, 0, 40 + len(payload), 1, 0x4000, 64, 6, 0, 0x0a000001 + side, 0x0a000002 - side) \
            + tcp + payload
    yield CLIENT, packet(CLIENT, 2)
    yield SERVER, packet(SERVER, 18)
    yield CLIENT, packet(CLIENT, 16)
    before = None  # what the client had sent before its RST_STREAM
    for side, payload in talk():
        resets = side == CLIENT and payload[3] == RST_STREAM
        before = sent[CLIENT] if resets else before
        crosses = side == SERVER and before is not None
        yield side, packet(side, 24, payload, before if crosses else None)
        if crosses and payload[3] == DATA:
            before = None


def lost(draw, whole, share):
    return [(side, packet) for side, packet in whole if draw.random() >= share]


def lost_of_one_side(draw, whole, share):
    victim = draw.randrange(2)
    return [(side, packet) for side, packet in whole if side != victim or draw.random() >= share]


def lost_in_a_row(draw, whole, share):
    left, skip = [], 0
    for item in whole:
        skip = skip - 1 if skip > 0 else draw.randrange(2, 9) if draw.random() < share / 4 else 0
        if skip == 0:
            left.append(item)
    return left


def reordered(draw, whole, share):
    places = [(at + (draw.random() * 40 if draw.random() < share else 0), at) for at in range(len(whole))]
    return [whole[at] for _, at in sorted(places)]


def reordered_and_lost(draw, whole, share):
    return reordered(draw, lost(draw, whole, share), share)


def late(draw, whole, share):
    return whole[draw.randrange(1, 3 + int(4 * share * len(whole))):]


def one_sided(draw, whole, share):
    begin, victim = draw.randrange(len(whole)) if share < 0.2 else 0, draw.randrange(2)
    return whole[:begin] + [(side, packet) for side, packet in whole[begin:] if side != victim]


def cut(draw, whole, share):
    return [(side, packet[:draw.randrange(40, 600)] if draw.random() < share else packet) for side, packet in whole]


DAMAGES = (lost, lost_of_one_side, lost_in_a_row, reordered, reordered_and_lost, late, one_sided, cut)


class Lossy(unittest.TestCase):
    def lint(self, connections):
        """The findings of level M, by the client's port."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "capture.pcap")
            write_cut_pcap(path, connections)
            told = subprocess.run([INSPECTOR, "--lint", "--view", "stalls", path], capture_output=True, check=True, timeout=60).stdout
        records = [json.loads(line) for line in told.splitlines()]
        return [record for record in records if record["type"] == "finding" and record["level"] == "M"]

    def test_whole_it_breaks_no_rule(self):
        self.assertEqual(self.lint([list(packets(1024))]), [])

    def test_damaged_it_breaks_none_either(self):
        plays = list(itertools.product(DAMAGES, SHARES, range(SEEDS)))
        for damage in DAMAGES:
            names, connections = [], []
            for number, (how, share, seed) in enumerate(plays):
                if how is damage:
                    draw = random.Random(f"{how.__name__} {share} {seed}")
                    names.append((how.__name__, share, seed))
                    connections.append(how(draw, list(packets(1024 + number)), share))
            with self.subTest(damage.__name__, seeds=SEEDS):
                self.assertEqual([(finding["rule"], finding["text"], finding["connection"]) for finding in self.lint(connections)], [])


def write_cut_pcap(path, connections):
    """One connection after the other; each packet says how long it was before it was cut."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
        for at, (_, packet) in enumerate(itertools.chain.from_iterable(connections)):
            file.write(struct.pack("<IIII", at // 1000, at % 1000 * 1000, len(packet), struct.unpack(">H", packet[2:4])[0]) + packet)


if __name__ == "__main__":
    unittest.main()
