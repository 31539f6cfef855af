# SPDX-License-Identifier: Apache-2.0
"""What the inspector exports makes the calls again, and diff tells whether two captures hold the same calls."""
import json
import os
import pathlib
import shlex
import shutil
import struct
import subprocess
import tempfile
import unittest

from tap import Tap

ROOT = pathlib.Path(__file__).parents[3]
INSPECTOR, HARNESS, SERVER = (os.environ[name] for name in ("SLUICE_INSPECTOR", "SLUICE_HARNESS", "SLUICE_SERVER"))
TLS = ROOT / "tests/golden/tls-keys-behind-packets/input.pcapng"
GOLDEN = ROOT / "tests/golden/calls-of-grpc-go/input.pcap"
OURS = ("--metadata", "x-e2e")  # not what the harness asks on its own
DRAWN = [word for name in ("requestId", "x-request-id", "createdAt", "authorization") for word in ("--ignore", name)]
CHAT = "/chat.v1.ChatService/"
HOSTILE = "it's $(id) `id` \"x\" \\ ; #"


def meta(**more):
    return {"x-e2e": "yes", **more}


def send(text, message_id, **more):
    message = {"room_id": "r1", "user_id": "u2", "text": text, "message_id": message_id}
    return {"p": {"call": {"method": CHAT + "SendMessage", "message": message, "metadata": meta(), **more}}}


def subscribe(name, **more):
    return {name: {"open": {"message": {"room_id": "r1"}, "headers": True, "metadata": meta(**more)}}}


SOURCE = {
    "title": "t", "why": "w", "rules": ["X-01"], "own_rules": {"X-01": "x"}, "level": "core", "seconds": 20,
    "actors": {
        "p": {"kind": "client"}, "chat": {"kind": "stream", "method": CHAT + "ChatRoom"},
        "live": {"kind": "stream", "method": CHAT + "SubscribeToRoom"},
        "slow": {"kind": "stream", "method": CHAT + "SubscribeToRoom", "credit": "manual", "window": {"stream": 20}}},
    "run": [
        subscribe("live", authorization="Bearer s3cret", **{"x-odd": HOSTILE}),
        subscribe("slow"),
        {"chat": {"open": {"metadata": meta()}}},
        send("hello", "m1", deadline="3s"), send(HOSTILE, "m2"),
        {"p": {"call": {"method": CHAT + "Nothing", "status": ["UNIMPLEMENTED"], "metadata": meta(), "bytes": "0a0178"}}},
        {"chat": {"send": {"json": {"room_id": "r1", "user_id": "u3", "text": "from chat", "message_id": "m3"}}}},
        {"live": {"receive": {"count": 3}}}, {"chat": {"receive": {"count": 1}}},
        {"hold": 1, "for": "50ms"},
        {"slow": {"credit": {"bytes": 10000, "wait": "no"}}}, {"slow": {"receive": {"count": 3}}},
        {"chat": {"half_close": {}}}, {"live": {"cancel": {}}}, {"slow": {"cancel": {}}},
        {"hold": 1, "for": "20ms"}],
}


def run(*command, status=0):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode == status, (command, done.returncode, done.stdout, done.stderr)
    return done


def packets(path):
    """(interface, link type, name, FCS size, time, original length, bytes) of each, and the secrets."""
    data, interfaces, found, secrets = pathlib.Path(path).read_bytes(), [], [], b""
    while data:
        kind, size = struct.unpack_from("<II", data)
        body, data = data[8:size - 4], data[size:]
        if kind == 1:
            options, at = {}, 8
            while at + 4 <= len(body):
                code, length = struct.unpack_from("<HH", body, at)
                options[code] = body[at + 4:at + 4 + length]
                at += 4 + (length + 3) // 4 * 4
            scale = 10 ** (9 - options.get(9, b"\6")[0])
            interfaces.append((struct.unpack_from("<H", body)[0], options.get(2, b""), options.get(13, b"\0")[0], scale))
        elif kind == 6:
            number, high, low, captured, original = struct.unpack_from("<IIIII", body)
            link, name, fcs, scale = interfaces[number]
            found.append((link, name, fcs, (high << 32 | low) * scale, original, body[20:20 + captured]))
        elif kind == 10:
            secrets += body[8:8 + struct.unpack_from("<I", body, 4)[0]]
    return found, secrets


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.at = pathlib.Path(cls.folder.name)
        (cls.at / "source.json").write_text(json.dumps(SOURCE))
        cls.play("source.json", "first.pcapng")

    @classmethod
    def play(cls, scenario, capture, frontend="h2"):
        run(HARNESS, "run", cls.at / scenario, "--exec", f"{SERVER} --frontend {frontend} --listen 127.0.0.1:{{port}}",
            "--capture", cls.at / capture)

    def calls(self, name):
        return [json.loads(line) for line in run(INSPECTOR, *OURS, self.at / name).stdout.splitlines()]

    def test_a_replay_makes_the_exchange_again(self):
        done = run(INSPECTOR, "export", "scenario", *OURS, "-o", self.at / "again.json", self.at / "first.pcapng")
        self.assertIn("redacted", done.stderr)
        run(HARNESS, "check", self.at / "again.json")
        text = (self.at / "again.json").read_text()
        self.assertNotIn("s3cret", text)
        self.assertIn('"credit"', text)
        self.assertIn('"hold"', text)
        self.assertIn('"UNIMPLEMENTED"', text)
        for frontend in ("h2", "grpc"):
            self.play("again.json", "second.pcapng", frontend)
            ignored = DRAWN if frontend == "h2" else [*DRAWN, "--ignore", "$.status.message",
                                                      *("--ignore", "grpc-message", "--ignore", "grpc-accept-encoding"),
                                                      *("--ignore", "accept-encoding")]
            done = run(INSPECTOR, "diff", *OURS, *ignored, "--format", "json",
                       self.at / "first.pcapng", self.at / "second.pcapng")
            total = json.loads(done.stdout)
            self.assertEqual((total["equal"], total["calls"]), (6, {"a": 6, "b": 6}))
            stalls = run(INSPECTOR, "--view", "stalls", self.at / "second.pcapng").stdout
            self.assertIn('"window":"stream"', stalls)
            self.assertEqual(len(self.calls("second.pcapng")), 6)

    def test_a_capture_of_grpc_js_is_made_again_on_another_server(self):
        source = ROOT / "tests/golden/messages-of-grpc-js/input.pcap"
        run(INSPECTOR, "export", "scenario", "-o", self.at / "js.json", source)
        self.play("js.json", "js.pcapng")
        names = ("user-agent", "content-type", "grpc-encoding", "grpc-accept-encoding", "grpc-message", "chat-capabilities",
                 "$.status.message")
        done = run(INSPECTOR, "diff", *DRAWN, *(word for name in names for word in ("--ignore", name)), "--metadata", "x-id",
                   "--format", "json", source, self.at / "js.pcapng")
        total = json.loads(done.stdout)
        self.assertEqual(total["equal"], 16)  # x-id comes twice in each, beside a binary one
        self.assertEqual(len(total["latency_ms"]), 2)

    def test_secrets_and_fields(self):
        capture = self.at / "first.pcapng"
        kept = run(INSPECTOR, "export", "scenario", *OURS, "--keep-secrets", capture).stdout
        self.assertIn("s3cret", kept)
        for path in ("ChatMessage.text", "chat.v1.ChatMessage.text", "text"):
            redacted = run(INSPECTOR, "export", "scenario", *OURS, "--redact", path, "--redact", "metadata:x-odd", capture)
            self.assertNotIn("hello", redacted.stdout)
            self.assertNotIn("$(id)", redacted.stdout)
            self.assertIn('"xxxxx"', redacted.stdout)
        # what cannot be redacted is not exported: the message of a method without a schema
        self.assertIn("left out", redacted.stderr)
        self.assertNotIn("0a0178", redacted.stdout)

    def test_commands_of_grpcurl_are_one_shell_word_each(self):
        out = run(INSPECTOR, "export", "grpcurl", *OURS, self.at / "first.pcapng").stdout
        commands = [shlex.split(line) for line in out.splitlines() if not line.startswith("#")]
        self.assertEqual(len(commands), 5)
        comments = [line for line in out.splitlines() if line.startswith("#")]
        self.assertEqual(len(comments), 1)
        self.assertIn("Nothing", comments[0])
        server = self.calls("first.pcapng")[0]["server"]
        for command in commands:
            self.assertEqual(command[:2], ["grpcurl", "-plaintext"])
            self.assertEqual(command[-2], server)
        data = [json.loads(command[command.index("-d") + 1]) for command in commands]
        self.assertIn(HOSTILE, [message.get("text") for message in data])
        self.assertIn(f"x-odd: {HOSTILE}", [word for command in commands for word in command])
        self.assertIn("3.000", [word for command in commands for word in command])
        shell = run("sh", "-c", "grpcurl() { printf '%s\\0' \"$@\"; }\n" + out).stdout
        self.assertEqual(shell.split("\0")[:-1], [word for command in commands for word in command[1:]])

    def test_both_sides_of_a_proxy(self):
        server = self.start(SERVER, "--frontend", "h2", "--listen", "127.0.0.1:0")
        behind = Tap(server)
        proxy = self.start(HARNESS, "proxy", "--listen", "127.0.0.1:0", "--upstream", f"127.0.0.1:{behind.port}")
        before = Tap(proxy)
        run(HARNESS, "run", self.at / "source.json", "--target", f"127.0.0.1:{before.port}")
        before.save(self.at / "before.pcap")
        behind.save(self.at / "behind.pcap")
        # whose FIN comes first at the end of everything is not the same on both sides
        done = run(INSPECTOR, "diff", *OURS, "--ignore", "aborted", "--format", "text", self.at / "before.pcap", self.at / "behind.pcap")
        self.assertIn("6 equal, 0 different", done.stdout)

    def start(self, *command):
        """The port that it says it listens on."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        line = process.stdout.readline()
        return int(line.split()[2].rsplit(":", 1)[1])

    def test_differences_are_told_where_they_are(self):
        changed = json.loads(json.dumps(SOURCE))
        changed["run"][3]["p"]["call"]["message"]["text"] = "good bye"
        del changed["run"][4], changed["run"][5]["chat"]  # a call less ...
        changed["run"][5] = {"chat": {"send": {"json": {"room_id": "r1", "user_id": "u3", "text": "x", "message_id": "m3"}}}}
        changed["run"][6]["live"]["receive"]["count"] = 2
        changed["run"][10]["slow"]["receive"]["count"] = 2
        (self.at / "changed.json").write_text(json.dumps(changed))
        self.play("changed.json", "changed.pcapng")
        done = run(INSPECTOR, "diff", *OURS, *DRAWN, "--format", "json", self.at / "first.pcapng",
                   self.at / "changed.pcapng", status=1)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        paths = {one["path"]: (one.get("a"), one.get("b")) for record in records
                 for one in record.get("differences", [])}
        self.assertIn("$.response.messages[2]", paths)
        self.assertEqual(records[-1]["only_a"], 1)
        self.assertIn("good bye", done.stdout)
        text = run(INSPECTOR, "diff", *OURS, *DRAWN, "--format", "text", self.at / "first.pcapng",
                   self.at / "changed.pcapng", status=1).stdout
        self.assertIn("only A", text)
        run(INSPECTOR, "diff", GOLDEN, GOLDEN)

    def test_connections_are_cut_out_as_they_are(self):
        # every second packet as Ethernet with a frame check sequence, on an interface of another name
        source, cut = self.at / "mixed.pcapng", self.at / "cut.pcapng"
        option = struct.pack("<HH", 2, 4)
        blocks = [block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)),
                  block(1, struct.pack("<HHI", 101, 0, 0) + option + b"lo_0"),
                  block(1, struct.pack("<HHI", 1, 0, 0) + option + b"eth7" + struct.pack("<HH", 13, 1) + b"\4")]
        for number, (_, _, _, time, _, packet) in enumerate(packets(self.at / "first.pcapng")[0]):
            if number % 2:
                packet = b"\2" * 12 + b"\x08\0" + packet + b"FCS!"
            blocks.append(block(6, struct.pack("<IIIII", number % 2, time // 1000 >> 32, time // 1000 & 0xffffffff,
                                               len(packet), len(packet)) + packet))
        source.write_bytes(b"".join(blocks))
        call = [one for one in self.calls("mixed.pcapng") if one["method"].endswith("ChatRoom")][0]
        run(INSPECTOR, "export", "pcapng", "--call", call["id"], "-o", cut, source)
        ports = {int(call[end].rsplit(":", 1)[1]) for end in ("client", "server")}

        def is_of_call(packet):
            at = (14 if packet[0] == 1 else 0) + 20
            return set(struct.unpack_from(">HH", packet[5], at)) == ports

        expected = [packet for packet in packets(source)[0] if is_of_call(packet)]
        self.assertGreater(len(expected), 8)
        self.assertEqual(len({packet[:3] for packet in expected}), 2)
        self.assertEqual(packets(cut)[0], expected)
        run(INSPECTOR, "diff", *OURS, "--method", "*/ChatRoom", source, cut)
        if shutil.which("tshark"):
            seen = run("tshark", "-r", cut, "-T", "fields", "-e", "tcp.flags.syn", "-e", "frame.interface_name").stdout
            self.assertEqual(len(seen.splitlines()), len(expected))
            self.assertIn("eth7", seen)
            self.assertTrue(seen.startswith(("1", "True")))

    def test_secrets_go_along_for_the_connections_that_are_cut_out(self):
        calls = [json.loads(line) for line in run(INSPECTOR, TLS).stdout.splitlines()]
        keys = packets(TLS)[1]
        other = b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48
        (self.at / "keys").write_bytes(other + b"\n" + keys)
        for options in ((), ("--keylog", self.at / "keys")):
            run(INSPECTOR, "export", "pcapng", "--call", calls[0]["id"], *options, "-o", self.at / "tls.pcapng", TLS)
            again = [json.loads(line) for line in run(INSPECTOR, self.at / "tls.pcapng").stdout.splitlines()]
            self.assertEqual(again, [call for call in calls if call["connection"] == calls[0]["connection"]])
            self.assertTrue(set(packets(self.at / "tls.pcapng")[1].splitlines()) <= set(keys.splitlines()))
        with open(TLS, "rb") as pipe:
            done = subprocess.run([INSPECTOR, "export", "pcapng", "-"], stdin=pipe, capture_output=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"twice", done.stderr)

    def test_usage(self):
        for words in (("diff", GOLDEN), ("export", GOLDEN), ("export", "scenario"), ("diff", GOLDEN, "/nowhere"),
                      ("export", "scenario", "--method", "/nothing", GOLDEN),
                      ("export", "scenario", "--redact", "metadata:", GOLDEN)):
            self.assertTrue(run(INSPECTOR, *words, status=2).stderr, words)
        for words in (("export", "--help"), ("diff", "--help")):
            self.assertIn("usage", run(INSPECTOR, *words).stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
