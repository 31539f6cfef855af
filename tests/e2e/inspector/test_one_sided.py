# SPDX-License-Identifier: Apache-2.0
"""Captures of which a direction is missing: what is there is shown, what is not is told, and memory stays bounded."""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import tap

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
SECONDS = 60
MEMORY = 64 * 1024  # KiB
# A small process between, because what a child's parent takes counts as the child's until it is another program.
MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, used = os.wait4(process.pid, 0)
print(used.ru_maxrss, file=sys.stderr)
os._exit(os.waitstatus_to_exitcode(status))
"""
OPEN = 4096  # calls, as docs/INSPECTOR.md has it


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


REQUEST = b"\x83\x86" + b"\x04\x06/s/Met" + literal(b"content-type", b"application/grpc") + literal(b"te", b"trailers") \
    + literal(b"authorization", b"x" * 100)


class OneSided(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)

    def inspect(self, packets, *options):
        path = self.folder / "capture.pcap"
        tap.write_pcap(path, 101, packets)
        done = subprocess.run([sys.executable, "-c", MEASURE, INSPECTOR, "--format", "json", *options, path],
                              capture_output=True, timeout=SECONDS, check=False)
        memory = int(done.stderr.splitlines()[-1])
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], memory

    def requests(self, connections, count):
        """Clients alone, each with count calls of one message, on connections side by side."""
        sent = {}

        def packet(number, flags, payload):
            sequence = sent.get(number, 1000)
            sent[number] = sequence + len(payload) + (flags & 3 != 0)
            tcp = struct.pack(">HHIIBBHHH", 40000 + number, 443, sequence, sequence, 0x50, flags, 65535, 0, 0)
            return struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(payload), 1, 0x4000, 64, 6, 0) \
                + b"\x0a\0\0\1\x0a\0\0\2" + tcp + payload
        for number in range(connections):
            yield packet(number, 2, b"")
            yield packet(number, 16, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
        for stream in range(1, 2 * count, 20):
            for number in range(connections):
                yield packet(number, 16, b"".join(
                    frame(1, 4, own, REQUEST) + frame(0, 1, own, b"\0\0\0\0\4\x0a\2hi") for own in range(stream, stream + 20, 2)))

    def test_requests_alone(self):
        count, connections = 1500, 8
        for view in ("calls", "summary", "messages"):
            with self.subTest(view):
                status, records, memory = self.inspect(self.requests(connections, count), "--view", view, "--strict")
                self.assertEqual(status, 1)
                if not os.environ.get("SLUICE_SANITIZE"):
                    self.assertLess(memory, MEMORY)
                if view == "summary":
                    loss = records[0]["loss"]
                    self.assertEqual(records[0]["calls"], count * connections)
                    self.assertEqual(loss["calls_given_up"], count * connections - OPEN)
                    self.assertGreater(loss["bytes_missing"], 0)
                    continue
                self.assertEqual(len(records), count * connections)
                if view == "calls":
                    given_up = [record for record in records if record["problems"][0]["code"] == "given_up"]
                    self.assertEqual(len(given_up), count * connections - OPEN)
                    self.assertEqual({record["complete"] for record in records}, {False})
                    self.assertEqual({record["request"]["message_count"] for record in records}, {1})
                    self.assertEqual({record["method"] for record in records}, {"/s/Met"})


if __name__ == "__main__":
    unittest.main()
