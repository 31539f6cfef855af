# SPDX-License-Identifier: Apache-2.0
"""Who reads the output decides what it is: a person at a terminal gets text that fits, a program gets JSON."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import tempfile
import termios
import unicodedata
import unittest
from pathlib import Path

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
GOLDEN = Path(os.environ["SLUICE_SOURCE"]) / "tests/golden"
CAPTURE = GOLDEN / "calls-of-grpc-go/input.pcap"
VIEWS = ["calls", "messages", "frames", "summary", "stalls"]
COLOUR = re.compile(r"\x1b\[\d+m")


def at_terminal(*args, columns=100, **environment):
    """What a terminal of so many columns is sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    env.update({"TERM": "xterm", **environment})
    child = subprocess.Popen([INSPECTOR, *map(str, args)], stdout=theirs, stderr=subprocess.DEVNULL, env=env)
    os.close(theirs)
    read = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the child's end is closed
            break
        if not piece:
            break
        read += piece
    os.close(ours)
    child.wait(60)
    return read.decode().replace("\r\n", "\n")


def in_pipe(*args):
    return subprocess.run([INSPECTOR, *map(str, args)], capture_output=True, check=False, timeout=60).stdout.decode()


def columns_of(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


class Text(unittest.TestCase):
    def test_a_terminal_gets_text_and_a_pipe_json(self):
        text = at_terminal(CAPTURE)
        self.assertIn("/chat.v1.ChatService/SendMessage", text)
        self.assertRegex(COLOUR.sub("", text), r"10 calls: 7 OK, 3 open\n.*nothing is missing\n$")
        for line in in_pipe(CAPTURE).splitlines():
            self.assertEqual(json.loads(line)["type"], "call")
        self.assertEqual(at_terminal("--format", "json", CAPTURE), in_pipe(CAPTURE))
        self.assertIn("7 OK", in_pipe("--format", "text", CAPTURE))

    def test_what_there_is_none_of_is_told(self):
        fast = CAPTURE.parent.parent / "messages-of-grpc-js/input.pcap"
        self.assertIn("no call waited for flow-control credit", in_pipe("--format", "text", "--view", "stalls", fast))
        with tempfile.NamedTemporaryFile() as file:
            file.write(CAPTURE.read_bytes()[:24])
            file.flush()
            self.assertEqual(in_pipe("--format", "text", file.name).split("\n")[-2], "0 packets, 0 connections")

    def test_a_file_gets_json_although_we_sit_at_a_terminal(self):
        with tempfile.NamedTemporaryFile() as file:
            self.assertEqual(at_terminal("-o", file.name, CAPTURE), "")
            self.assertEqual(file.read().decode(), in_pipe(CAPTURE))

    def test_colours_are_for_terminals_that_want_them(self):
        self.assertRegex(at_terminal(CAPTURE), COLOUR)
        self.assertRegex(at_terminal(CAPTURE, NO_COLOR=""), COLOUR)
        for plain in (at_terminal(CAPTURE, NO_COLOR="1"), at_terminal(CAPTURE, TERM="dumb"),
                      in_pipe("--format", "text", CAPTURE)):
            self.assertNotIn("\x1b", plain)

    def test_lines_fit_and_nothing_of_a_peer_acts_on_the_terminal(self):
        for i, capture in enumerate(sorted(GOLDEN.glob("*/input.*"))):
            for view in VIEWS:
                for columns in (80,) if i % 8 else (80, 120, 200):
                    text = COLOUR.sub("", at_terminal("--view", view, "--lint", capture, columns=columns))
                    for line in text.split("\n"):
                        self.assertLessEqual(columns_of(line), columns, line)
                        for c in line:
                            self.assertNotIn(unicodedata.category(c), ("Cc", "Cf", "Cs", "Zl", "Zp"), repr(line))

    def test_one_call_is_shown_with_all_of_it(self):
        text = in_pipe("--format", "text", "--call", "2", GOLDEN / "status-details-of-grpcio/input.pcap")
        for part in ("> te: trailers", "< trailer grpc-status: 8", "< init-bin: AAECAwQFBgcICQoLDA0ODxAREhM=", '{1: "C"}',
                     "RESOURCE_EXHAUSTED"):
            self.assertIn(part, text)


if __name__ == "__main__":
    unittest.main()
