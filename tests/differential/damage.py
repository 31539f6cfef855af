# SPDX-License-Identifier: Apache-2.0
"""Captures as lists of (time in ns, IP packet), and what happens to them on their way."""
import gzip
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e/inspector"))
from wraps import WRAPS  # noqa: E402

RAW, ETHERNET = 101, 1
MERGED_MAX = 60000
ETHERNET_HEADER = bytes(12) + b"\x08\x00"


def read(path):
    """The IPv4 packets of a classic capture of Ethernet or raw frames, which may be compressed by gzip."""
    path = pathlib.Path(path)
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    link, = struct.unpack_from("<I", data, 20)
    skip, at, out = {ETHERNET: 14, RAW: 0}[link], 24, []
    while at < len(data):
        seconds, micros, size, _ = struct.unpack_from("<IIII", data, at)
        packet = data[at + 16 + skip:at + 16 + size]
        length = struct.unpack_from(">H", packet, 2)[0] or len(packet)  # 0: the sender's machine left it to its card
        if packet[0] >> 4 == 4:  # a client may have tried ::1 first, where nobody listens
            out.append((seconds * 10**9 + micros * 1000, packet[:length]))
        at += 16 + size
    return out


def write(path, packets, link=RAW, snaplen=None):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 1 << 18, link))
        for time, packet in packets:
            kept = packet[:snaplen]
            file.write(struct.pack("<IIII", *divmod(time, 10**9), len(kept), len(packet)) + kept)


class Segment:
    """An IPv4 packet with TCP, taken apart."""

    def __init__(self, packet):
        self.start = (packet[0] & 15) * 4
        self.data_at = self.start + (packet[self.start + 12] >> 4) * 4
        self.packet = packet
        self.payload = packet[self.data_at:]
        self.sequence, self.acknowledged = struct.unpack_from(">II", packet, self.start + 4)
        self.flags = packet[self.start + 13]
        self.connection = frozenset((packet[12:16] + packet[self.start:self.start + 2],
                                     packet[16:20] + packet[self.start + 2:self.start + 4]))
        self.ends = packet[12:20] + packet[self.start:self.start + 4]

    def with_payload(self, payload, offset=0, is_last=True):
        """The same segment with other data, which begins so far behind its own; FIN and PSH stay with the last."""
        header = bytearray(self.packet[:self.data_at])
        struct.pack_into(">H", header, 2, len(header) + len(payload))
        struct.pack_into(">I", header, self.start + 4, (self.sequence + offset) & 0xffffffff)
        if not is_last:
            header[self.start + 13] &= ~0x09
        return bytes(header) + payload


def swapped(packets, seed, distance, settled=0, share=0.3):
    """Some packets come up to so many places later; each keeps its time, as those of several queues do.

    The first so many (settled) of a connection stay: where it begins is decided by them.
    """
    draw = random.Random(seed)
    late, counts = [], {}
    for at, (_, packet) in enumerate(packets):
        ends = Segment(packet).connection
        counts[ends] = counts.get(ends, 0) + 1
        is_moved = draw.random() < share and counts[ends] > settled
        late.append(at + (draw.uniform(1, distance) if is_moved else 0))
    return [packets[at] for at in sorted(range(len(packets)), key=late.__getitem__)]


def shuffled(packets, seed, size):
    """Each so many packets in any order."""
    draw = random.Random(seed)
    order = []
    for at in range(0, len(packets), size):
        part = list(range(at, min(len(packets), at + size)))
        draw.shuffle(part)
        order += part
    return [packets[number] for number in order]


def doubled(packets, seed, distance):
    """Each packet comes again, up to so many packets later."""
    draw = random.Random(seed)
    placed = [(at + 0.0, packet) for at, packet in enumerate(packets)]
    placed += [(at + draw.random() * distance + 0.01, packet) for at, packet in enumerate(packets)]
    placed.sort(key=lambda pair: pair[0])
    return [packet for _, packet in placed]


def split(packets, sizes):
    """Segments with data come in pieces; sizes(payload) gives their lengths, the last one over and over."""
    out = []
    for time, packet in packets:
        segment = Segment(packet)
        at = 0
        lengths = list(sizes(segment.payload)) if segment.payload else []
        while at < len(segment.payload) and lengths:
            size = max(1, lengths.pop(0) if len(lengths) > 1 else lengths[0])
            piece = segment.payload[at:at + size]
            out.append((time, segment.with_payload(piece, at, at + len(piece) == len(segment.payload))))
            at += len(piece)
        if not at:
            out.append((time, packet))
    return out


def split_at(packets, offset):
    return split(packets, lambda payload: [offset, len(payload)] if len(payload) > offset else [])


def split_into(packets, size, longest):
    """Pieces of one size, of segments up to a length, for a big one makes very many."""
    return split(packets, lambda payload: [size] if len(payload) <= longest else [])


def split_randomly(packets, seed):
    draw = random.Random(seed)
    return split(packets, lambda payload: [draw.randint(1, 1460) for _ in range(len(payload) // 200 + 2)])


def merged(packets):
    """Segments of one side that follow each other are one, as segmentation offload shows them."""
    out, last = [], None
    for time, packet in packets:
        now = Segment(packet)
        fits = (last is not None and last.ends == now.ends and last.payload and now.payload
                and (last.sequence + len(last.payload)) & 0xffffffff == now.sequence and not (last.flags | now.flags) & 0x07
                and len(last.payload) + len(now.payload) <= MERGED_MAX)
        if fits:
            last = Segment(last.with_payload(last.payload + now.payload))
            out[-1] = (time, last.packet)
        else:
            last = now
            out.append((time, packet))
    return out


def wrapped(packets, name):
    link, wrap = WRAPS[name]
    return link, [(time, frame) for time, packet in packets for frame in wrap(packet)]


def without(packets, number):
    return packets[:number] + packets[number + 1:]


def with_data(packets, is_once=True):
    """The numbers of the packets with data that come once, or of all at their first coming."""
    places = {}
    for number, (_, packet) in enumerate(packets):
        segment = Segment(packet)
        if segment.payload:
            places.setdefault((segment.ends, segment.sequence), []).append(number)
    return [numbers[0] for numbers in places.values() if len(numbers) == 1 or not is_once]


def ethernet(packets):
    return [(time, ETHERNET_HEADER + packet) for time, packet in packets]
