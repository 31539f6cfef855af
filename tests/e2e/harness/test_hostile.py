# SPDX-License-Identifier: Apache-2.0
"""A server whose every answer is an attack on who reads about it: in no report, and on no terminal, is it obeyed."""
import json
import os
import pty
import re
import socket
import subprocess
import termios
import threading
import unittest
import xml.etree.ElementTree

from support import HARNESS, scenario
from test_ends import KINDS, WAIT_S, Ending, frame

HEADERS, SETTINGS = 1, 4
# Quotes, markup, ends of CDATA, comments and fences, links, test points, commands of runners and of terminals, text that
# turns its direction, NUL, invalid and overlong UTF-8, surrogates, what XML does not allow, percent signs.
WORDS = (b'"\'<b>&amp;]]><!--|`````\\\r\n# h1\n<script>alert(1)</script></script> ![x](http://x.example/y) [l](javascript:1)\n'
         b"ok 99 - passed # TODO\nBail out!\n1..0\n...\n---\n::error::x\n##[error]x\x1b[2J\x1b]0;title\x07\x1b[31m\x08\x7f\xc2\x9b2J"
         b"\x00\x01\xff\xfe\xc0\xaf\xed\xa0\x80\xf0\x9f\xbf\xbf\xef\xbf\xbe\xef\xbb\xbf\xe2\x80\xae%n%s%00 end-of-words")
CONTROLS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xef\xbf\xbe")


def literal(name, value):
    """A field without indexing (RFC 7541 6.2.2), without Huffman."""
    def text(raw):
        if len(raw) < 127:
            return bytes([len(raw)]) + raw
        rest, out = len(raw) - 127, [127]
        while rest >= 128:
            out.append(rest % 128 + 128)
            rest //= 128
        return bytes([*out, rest]) + raw
    return b"\0" + text(name) + text(value)


class Hostile:
    """Ends each call with the status (PERMISSION_DENIED) and the words, percent-encoded, or as they are where HTTP/2 takes them."""

    def __init__(self, message, status=b"7"):
        block = b"\x88" + literal(b"content-type", b"application/grpc") + literal(b"grpc-status", status)
        self.block = block + literal(b"grpc-message", message)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as source:
            try:
                client.sendall(frame(SETTINGS, 0))
                source.read(24)  # the preface
                while len(head := source.read(9)) == 9:
                    kind, stream = head[3], head[5:]
                    source.read(int.from_bytes(head[:3], "big"))
                    if kind == SETTINGS and not head[4] & 1:
                        client.sendall(frame(SETTINGS, 1))
                    elif kind == HEADERS:
                        answer = frame(HEADERS, 5, self.block)
                        client.sendall(answer[:5] + stream + answer[9:])
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Reports(Ending):
    def play(self, message, **more):
        server = Hostile(message)
        self.addCleanup(server.close)
        for name in ("a", 'b "q" <i> & | `c`'):
            self.folder.write(f"s/{name}.json", scenario(
                run=[{"pub": {"send": {}}}], expect=[{"count": "accepted", "of": "pub", "between": 1}]))
        run = subprocess.Popen([HARNESS, "run", str(self.folder.path / "s"), "--target", server.address, *self.options,
                                "--evidence", str(self.folder.path / "e")], **more)
        return run

    def percent(self):
        return b"".join(b"%%%02X" % byte for byte in WORDS)

    def test_all_reports_are_valid_and_show_the_words(self):
        for message in (self.percent(), WORDS.replace(b"\0", b"").replace(b"\r", b"").replace(b"\n", b"")):
            with self.subTest(message[:20]):
                run = self.play(message, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                out, errors = run.communicate(timeout=WAIT_S)
                self.assertEqual(run.returncode, 1, errors)
                report = self.reports(("fail", "fail"))
                suites = xml.etree.ElementTree.parse(self.files["junit"]).getroot()
                for place in (suites, suites[0]):
                    self.assertEqual({name: int(place.get(name)) for name in ("tests", "failures", "errors")},
                                     {"tests": 2, "failures": report["totals"]["fail"], "errors": 0})
                text = self.files["json"].read_text()
                if "end-of-words" in text:  # a reason is cut where it is long; then it is cut everywhere
                    self.assertIn("end-of-words", self.files["html"].read_text())
                for name, content in (("stdout", out), ("stderr", errors),
                                      *((kind, self.files[kind].read_bytes()) for kind in KINDS)):
                    self.assertIsNone(CONTROLS.search(content.replace(b"\r\n", b"\n")), (name, CONTROLS.search(content)))
                    content.decode()  # UTF-8 throughout
                tap = self.files["tap"].read_text()
                self.assertEqual(len(re.findall(r"^(?:not )?ok ", tap, re.M)), 2, tap)
                self.assertNotRegex(tap, r"(?m)^(Bail out!|1\.\.0)")
                markdown = self.files["md"].read_text()
                self.assertNotRegex(markdown, r"(?m)^# h1|<script>alert|<b>\"")
                page = self.files["html"].read_text()
                self.assertNotIn("<script>alert", page)
                self.assertEqual(page.count("</script>"), page.count("<script"))

    def test_a_terminal_is_given_none_of_it(self):
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        run = self.play(self.percent(), stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"})
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 4096):
                seen += chunk
        except OSError:  # the end of a terminal
            pass
        os.close(ours)
        self.assertEqual(run.wait(WAIT_S), 1)
        left = seen.replace(b"\r\033[K", b"").replace(b"\r\n", b"\n")
        self.assertIsNone(CONTROLS.search(left), CONTROLS.search(left))

    def test_the_target_that_writes_them_before_it_goes(self):
        """What a process says that never came up reaches stderr, too."""
        self.folder.write("s/a.json", scenario())
        words = self.folder.path / "words"
        words.write_bytes(WORDS)
        run = self.begin("--exec", f"cat '{words}' >&2; exit 3; : {{port}}")
        out, errors = run.communicate(timeout=WAIT_S)
        self.assertEqual(run.returncode, 2)
        self.assertIn("exited with status 3", errors)
        self.assertIsNone(CONTROLS.search((out + errors).encode()), errors)
        self.assertIn("exited with status 3", json.loads(self.files["json"].read_text())["error"])
        self.reports(error="exited with status 3")


if __name__ == "__main__":
    unittest.main()
