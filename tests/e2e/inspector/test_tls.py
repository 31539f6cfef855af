# SPDX-License-Identifier: Apache-2.0
"""gRPC over TLS: the same calls as without it, by a key log, by secrets in the capture, and told when there are none."""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

try:
    import grpc
except ImportError:
    print("SKIP: install the package python3-grpcio")
    sys.exit(77)

import tap

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "server"))
import certificates  # noqa: E402

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
SEND = "/chat.v1.ChatService/SendMessage"
HEALTH = "/grpc.health.v1.Health/Check"


def field(number, text):
    return bytes([number << 3 | 2]) + struct.pack("B", len(text)) + text


def talk(channel):
    """Calls of several sizes and ends."""
    for number in range(10):
        room = field(1, b"room") + field(2, b"u") + field(3, b"t" * (number * 12))
        try:
            channel.unary_unary(SEND)(room, timeout=tap.SECONDS, metadata=[("x-number", str(number))])
        except grpc.RpcError:
            pass
    channel.unary_unary(HEALTH)(b"", timeout=tap.SECONDS)
    for method, message in [("/no.Such/Method", b"x" * 300), (HEALTH, field(1, b"nobody"))]:
        try:
            channel.unary_unary(method)(message, timeout=tap.SECONDS)
        except grpc.RpcError:
            pass


def essence(call):
    """What does not depend on when and between whom."""
    kept = {key: call[key] for key in ("stream", "method", "protocol", "status", "status_source", "http_status", "complete")}
    for side in ("request", "response"):
        kept[side + "_bytes"] = [message["bytes"] for message in call[side]["messages"]]
        kept[side + "_count"] = call[side]["message_count"]
    # answers hold ids and times of the server
    kept["request"] = [(message.get("json"), message.get("raw")) for message in call["request"]["messages"]]
    kept["number"] = call["request"]["metadata"].get("x-number")
    return kept


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = certificates.Folder()
        cls.made.authority("ca")
        cls.made.sign("server", "ca", "serverAuth")

    @classmethod
    def tearDownClass(cls):
        cls.made.close()

    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)

    def record(self, frontend, *args, is_tls=True):
        """A capture of talk() with a server of these arguments."""
        process = subprocess.Popen([os.environ["SLUICE_SERVER"], "--listen", "127.0.0.1:0", "--frontend", frontend, *args],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            relay = tap.Tap(int(process.stdout.readline().split(":")[-1]))
            target = "localhost:%d" % relay.port
            trust = grpc.ssl_channel_credentials(self.made.read("ca.crt"))
            with (grpc.secure_channel(target, trust) if is_tls else grpc.insecure_channel(target)) as channel:
                talk(channel)
            packets = list(relay.packets())
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()
        return packets

    def tls_args(self):
        return ("--tls-cert", self.made.path("server.crt"), "--tls-key", self.made.path("server.key"),
                "--keylog", str(self.folder / "keys"))

    def inspect(self, *args, stderr=""):
        done = subprocess.run([INSPECTOR, *map(str, args)], capture_output=True, text=True, timeout=tap.SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(stderr, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_the_calls_are_those_without_tls(self):
        for frontend in ("grpc", "h2"):
            clear, sealed, keys = self.folder / "clear.pcap", self.folder / "tls.pcap", self.folder / "keys"
            tap.write_pcap(clear, 101, self.record(frontend, is_tls=False))
            packets = self.record(frontend, *self.tls_args())
            tap.write_pcap(sealed, 101, packets)
            expected = self.inspect(clear)
            calls = self.inspect("--keylog", keys, sealed)
            self.assertEqual(len(expected), 13)
            self.assertEqual([essence(call) for call in calls], [essence(call) for call in expected])
            self.assertEqual({call["tls"]["version"] for call in calls}, {"TLSv1.3"})
            alpn = {"grpc": "grpc-exp", "h2": "h2"}[frontend]  # two C cores prefer their own name
            self.assertEqual({(call["tls"]["sni"], call["tls"]["alpn"]) for call in calls}, {("localhost", alpn)})
            self.assertNotIn("tls", expected[0])
            self.secrets_in_the_capture(packets, calls, keys.read_bytes())
            keys.unlink()

    def secrets_in_the_capture(self, packets, calls, keys):
        """Before the packets, between them, or behind all."""
        def block(kind, body):
            body += b"\0" * (-len(body) % 4)
            return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

        sealed = self.folder / "tls.pcapng"
        secrets = block(10, struct.pack("<II", 0x544c534b, len(keys)) + keys)
        for place in (0, 8, len(packets)):
            blocks = [block(6, struct.pack("<IIIII", 0, 395813, number, len(packet), len(packet)) + packet)
                      for number, packet in enumerate(packets)]
            blocks.insert(place, secrets)
            sealed.write_bytes(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) +
                               block(1, struct.pack("<HHI", 101, 0, 0)) + b"".join(blocks))
            found = self.inspect(sealed)
            self.assertEqual([essence(call) for call in found], [essence(call) for call in calls])
            self.assertEqual(len(found), len(calls))

    def test_what_is_not_decrypted_is_told(self):
        sealed = self.folder / "tls.pcap"
        packets = self.record("h2", *self.tls_args())
        tap.write_pcap(sealed, 101, packets)
        self.assertEqual(self.inspect(sealed, stderr="1 of 1 TLS connections not decrypted: 1 without keys"), [])
        summary = self.inspect("--view", "summary", sealed)[0]
        self.assertEqual((summary["tls"]["connections"], summary["tls"]["no_keys"]), (1, 1))
        tap.write_pcap(sealed, 101, packets[8:])
        keys = self.folder / "keys"
        self.assertEqual(self.inspect("--keylog", keys, sealed, stderr="1 began before the capture"), [])


if __name__ == "__main__":
    unittest.main()
