# SPDX-License-Identifier: Apache-2.0
"""What is no gRPC server at all: nothing passes, the run ends soon, and the user is told what answers there. One that
goes mute later is in test_mute."""
import contextlib
import socket
import subprocess
import threading
import unittest

from support import HARNESS
from test_ends import frame

SETTINGS, PING, GOAWAY = 4, 6, 7
READY = "3s"  # all at once, on what may be a busy machine
ENDS_WITHIN_S = 30


class Stranger:
    """A listener that does the same to each client, in a thread."""

    def __init__(self, treat):
        self.treat = treat
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, contextlib.suppress(OSError):
            self.treat(client)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def listen(client):
    while client.recv(65536):
        pass


def says(*words):
    def treat(client):
        for word in words:
            client.sendall(word)
        listen(client)
    return treat


def repeats(first, word):
    def treat(client):
        client.sendall(first)
        while True:
            client.sendall(word)
    return treat


def echo(client):
    while got := client.recv(65536):
        client.sendall(got)


FLOOD = "the server does not read|it speaks HTTP/2, but the call had no answer"
# What it does, and what the user must be told, a regular expression.
STRANGERS = {
    "echo": (echo, "echoes what it is sent"),
    "http1": (says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), "answers in HTTP/1.1"),
    "tls": (says(b"\x15\x03\x01\x00\x02\x02\x46"), "speaks TLS on this port"),
    "ssh": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), 'speaks no HTTP/2 on this port: it begins with "SSH-2.0-OpenSSH_9.2"'),
    "mute": (listen, "takes connections and says nothing"),
    "closes": (lambda client: None, "without a word"),
    "zeros": (repeats(b"", bytes(16384)), "not HTTP/2: .*DATA"),
    "settings": (repeats(b"", 999 * frame(SETTINGS, 0)), FLOOD),
    "pings": (repeats(frame(SETTINGS, 0), 999 * frame(PING, 0, bytes(8))), FLOOD),
    "mute over HTTP/2": (says(frame(SETTINGS, 0)), "it speaks HTTP/2, but the call had no answer in time"),
    "leaving": (says(frame(SETTINGS, 0), frame(GOAWAY, 0, bytes(8))), "it sent GOAWAY"),
}


class Strangers(unittest.TestCase):
    def begin(self, address, *arguments):
        return subprocess.Popen([HARNESS, "run", *arguments, "--target", address, "--ready-within", READY],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def meet(self, treat):
        stranger = Stranger(treat)
        self.addCleanup(stranger.close)
        return stranger.address

    def test_they_are_told_from_each_other_and_nothing_passes(self):
        gone = socket.socket()  # bound all the time, so that no stranger gets its port, and never listening
        self.addCleanup(gone.close)
        gone.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{gone.getsockname()[1]}"
        runs = {name: (self.begin(self.meet(treat), "--tag", "wire"), told) for name, (treat, told) in STRANGERS.items()}
        runs["dead"] = self.begin(dead, "--tag", "abuse"), "connection refused"
        for name, (run, told) in runs.items():
            with self.subTest(name):
                out, errors = run.communicate(timeout=ENDS_WITHIN_S)
                self.assertEqual((run.returncode, out), (2, ""), errors)
                self.assertRegex(errors, told)
                self.assertLessEqual(len(errors.splitlines()), 2, errors)


if __name__ == "__main__":
    unittest.main()
