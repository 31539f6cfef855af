# SPDX-License-Identifier: Apache-2.0
"""A real capture gives the same call records in every link type, every tunnel, and in fragments."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

from wraps import WRAPS

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
GOLDEN = pathlib.Path(os.environ["SLUICE_SOURCE"]) / "tests/golden"
SOURCE = GOLDEN / "calls-of-grpc-go/input.pcap"
SECONDS = 60
# What tshark has to be told, and what it takes for something else.
TOLD = ["-d", "udp.port==8472,vxlan", "-d", "mpls.label==20,pwethcw"]
NOT_OF_TSHARK = ("length 0",)


def packets(path):
    """The IP packets of a capture of Ethernet or Linux cooked frames, with their times."""
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    link, = struct.unpack_from("<I", data, 20)
    skip = {1: 14, 101: 0, 113: 16, 276: 20}[link]
    at = 24
    while at < len(data):
        seconds, fraction, size, _ = struct.unpack_from("<IIII", data, at)
        yield seconds * 10**9 + fraction * (1 if magic == 0xa1b23c4d else 1000), trimmed(data[at + 16 + skip:at + 16 + size])
        at += 16 + size


def trimmed(packet):
    size = 40 + struct.unpack_from(">H", packet, 4)[0] if packet[0] >> 4 == 6 else struct.unpack_from(">H", packet, 2)[0]
    return packet[:size]


def as_v6(packet):
    """The same segment over IPv6."""
    hosts = b"".join(b"\xfd" + bytes(11) + packet[at:at + 4] for at in (12, 16))
    header = (packet[0] & 15) * 4
    return struct.pack(">IHBB", 0x60000000, len(packet) - header, 6, 64) + hosts + packet[header:]


def write(path, link, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 1 << 18, link))
        for time, frame in frames:
            file.write(struct.pack("<IIII", *divmod(time, 10**9), len(frame), len(frame)) + frame)


def without_packets(value):
    if isinstance(value, dict):
        return {key: without_packets(item) for key, item in value.items() if key not in ("packet", "client", "server")}
    return [without_packets(item) for item in value] if isinstance(value, list) else value


class Rewrap(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        plain = list(packets(SOURCE))
        self.packets = {"IPv4": plain, "IPv6": [(time, as_v6(packet)) for time, packet in plain]}
        self.assertEqual({packet[0] >> 4 for _, packet in plain}, {4})

    def inspect(self, path, *options):
        done = subprocess.run([INSPECTOR, *options, path], capture_output=True, timeout=SECONDS, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return [without_packets(json.loads(line)) for line in done.stdout.splitlines()]

    def test_records_are_the_same(self):
        for version, plain in self.packets.items():
            base = self.folder / "base.pcap"
            write(base, 101, plain)
            expected = self.inspect(base, "--strict")
            self.assertGreater(len(expected), 3)
            for name, (link, wrap) in WRAPS.items():
                with self.subTest(f"{version} in {name}"):
                    path = self.folder / "wrapped.pcap"
                    write(path, link, [(time, frame) for time, packet in plain for frame in wrap(packet)])
                    self.assertEqual(self.inspect(path, "--strict"), expected)

    def test_tshark_finds_the_same_segments_in_them(self):
        """So that the wraps are those of the world, and not only ours."""
        if shutil.which("tshark") is None:
            self.skipTest("tshark is not installed")
        plain = self.packets["IPv4"]
        names = [name for name in WRAPS if name not in NOT_OF_TSHARK]
        blocks = [struct.pack("<IIIHHqI", 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28)]
        blocks += [struct.pack("<IIHHII", 1, 20, WRAPS[name][0], 0, 0, 20) for name in names]
        for number, name in enumerate(names):
            for _, packet in plain:
                for frame in WRAPS[name][1](packet):
                    padding = -len(frame) % 4
                    size = 32 + len(frame) + padding
                    blocks.append(struct.pack("<IIIIIII", 6, size, number, 0, 0, len(frame), len(frame)) + frame
                                  + bytes(padding) + struct.pack("<I", size))
        path = self.folder / "all.pcapng"
        path.write_bytes(b"".join(blocks))
        done = subprocess.run(["tshark", "-n", *TOLD, "-r", path, "-Y", "tcp", "-T", "fields", "-E", "occurrence=l", "-e",
                               "frame.interface_id", "-e", "tcp.seq_raw", "-e", "tcp.len"], capture_output=True,
                              timeout=SECONDS, check=True, text=True)
        found = {}
        for line in done.stdout.splitlines():
            number, *segment = line.split("\t")
            found.setdefault(names[int(number)], []).append(tuple(map(int, segment)))
        expected = []
        for _, packet in plain:
            tcp = packet[(packet[0] & 15) * 4:]
            expected.append((struct.unpack_from(">I", tcp, 4)[0], len(tcp) - (tcp[12] >> 4) * 4))
        for name in names:
            with self.subTest(name):
                twice = 2 if name == "each packet twice" else 1
                self.assertEqual(found.get(name), [segment for segment in expected for _ in range(twice)])


if __name__ == "__main__":
    unittest.main()
