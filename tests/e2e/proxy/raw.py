#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The proxy program, driven as a test suite in another language would: its two lines, its control port, and bytes
through it that must arrive unchanged, however they are delayed, paced or cut into pieces.

usage: raw.py HARNESS
"""
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HARNESS = sys.argv[1]
MIB = 1 << 20


class Proxy:
    """The program in front of a listener of our own."""

    def __init__(self, faults=None):
        self.upstream = socket.create_server(("127.0.0.1", 0))
        self.folder = tempfile.TemporaryDirectory()
        command = [HARNESS, "proxy", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0",
                   "--upstream", "127.0.0.1:%d" % self.upstream.getsockname()[1]]
        if faults is not None:
            path = os.path.join(self.folder.name, "faults.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(faults, file)
            command += ["--faults", path]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.address = self.read_line("listening on ")
        self.control = self.read_line("control on ")

    def read_line(self, start):
        line = self.process.stdout.readline()
        assert line.startswith(start), line
        host, port = line[len(start):].strip().rsplit(":", 1)
        return host, int(port)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        self.upstream.close()
        self.folder.cleanup()
        assert kind is not None or status == 0, f"exit status {status}"

    def connect(self):
        """A client's socket and the server's end of it."""
        client = socket.create_connection(self.address)
        server, _ = self.upstream.accept()
        for one in (client, server):
            one.settimeout(30)
        return client, server

    def ask(self, method, path, body=None):
        """Status and JSON of the control port."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request("http://%s:%d%s" % (*self.control, path), data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def noise(size, seed):
    block = hashlib.shake_256(b"%d" % seed).digest(min(size, MIB))
    return (block * (size // len(block) + 1))[:size]


def send_all(sock, data):
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


def receive_all(sock, into):
    digest = hashlib.sha256()
    while True:
        piece = sock.recv(1 << 18)
        if not piece:
            break
        digest.update(piece)
    into.append(digest.hexdigest())


def both_ways(proxy, size):
    """size bytes each way at once; seconds that it took."""
    client, server = proxy.connect()
    up, down = noise(size, 1), noise(size, 2)
    at_server, at_client = [], []
    begin = time.monotonic()
    threads = [threading.Thread(target=send_all, args=(client, up)), threading.Thread(target=send_all, args=(server, down)),
               threading.Thread(target=receive_all, args=(server, at_server)),
               threading.Thread(target=receive_all, args=(client, at_client))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begin
    assert at_server == [hashlib.sha256(up).hexdigest()], "bytes to the server changed"
    assert at_client == [hashlib.sha256(down).hexdigest()], "bytes to the client changed"
    client.close()
    server.close()
    return took


def nothing_is_lost():
    cases = [([], 50 * MIB, 0), ([{"latency": "20ms", "jitter": "20ms"}], 50 * MIB, 0.02),
             ([{"slice": 4096}, {"latency": "2ms"}, {"bandwidth": 100 * MIB}], 50 * MIB, 0.45),
             ([{"slice": 1}], MIB // 8, 0),
             ([{"slice": 1, "jitter": "3ms", "latency": "1ms", "bandwidth": MIB // 4}], MIB // 8, 0.45),
             ([{"bandwidth": 1000}], 500, 0.4)]
    for faults, size, at_least in cases:
        with Proxy(faults) as proxy:
            took = both_ways(proxy, size)
            print(f"{faults}: {size} bytes both ways in {took:.2f} s")
            assert took >= at_least, f"{took} s is too fast"


def a_stall_pushes_back():
    with Proxy() as proxy:
        client, server = proxy.connect()
        assert proxy.ask("POST", "/faults", {"stall": True, "dir": "to_server"}) == (201, {"id": 1})
        client.setblocking(False)
        sent = 0
        quiet = 0
        while quiet < 10:
            try:
                sent += client.send(b"x" * 65536)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.02)
        rss = int([line for line in open(f"/proc/{proxy.process.pid}/status") if line.startswith("VmRSS")][0].split()[1])
        print(f"a stalled connection took {sent} bytes, the proxy holds {rss} KiB in all")
        assert sent < 16 * MIB and rss < 32 * 1024
        server.sendall(b"free")
        client.settimeout(10)
        assert client.recv(10) == b"free"
        assert proxy.ask("DELETE", "/faults") == (200, {"cleared": 1})
        threading.Thread(target=client.shutdown, args=(socket.SHUT_WR,)).start()
        got = 0
        while True:
            piece = server.recv(1 << 18)
            if not piece:
                break
            got += len(piece)
        assert got == sent, f"{got} of {sent} bytes came"


def is_reset(sock):
    try:
        while sock.recv(65536):
            pass
        return False
    except ConnectionResetError:
        return True


def cuts_are_exact():
    for how in ("fin", "rst"):
        with Proxy([{"cut": {"after": {"bytes": 1000}, "how": how}, "dir": "to_server"}]) as proxy:
            client, server = proxy.connect()
            client.sendall(b"y" * 5000)
            got = b""
            ended = "fin"
            try:
                while len(got) < 5000:
                    piece = server.recv(65536)
                    if not piece:
                        break
                    got += piece
            except ConnectionResetError:
                ended = "rst"
            assert (len(got), ended) == (1000, how), (len(got), ended)
            assert is_reset(client) == (how == "rst")


def half_open_connections():
    with Proxy() as proxy:
        client, server = proxy.connect()
        client.sendall(b"before")
        assert server.recv(10) == b"before"
        proxy.ask("POST", "/faults", {"swallow": True, "dir": "to_server"})
        client.sendall(b"lost")
        server.sendall(b"still heard")
        assert client.recv(20) == b"still heard"
        client.close()
        server.settimeout(0.3)
        try:
            assert not server.recv(10), "swallowed bytes came"
            assert False, "the end of the client was told"
        except socket.timeout:
            pass
        proxy.ask("DELETE", "/faults")
        server.settimeout(10)
        assert is_reset(server), "a connection with a hole must not end in order"


def ends_are_passed_on():
    with Proxy() as proxy:
        client, server = proxy.connect()
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert server.recv(20) == b"question" and server.recv(1) == b""
        server.sendall(b"answer")
        server.close()
        assert client.recv(20) == b"answer" and client.recv(1) == b""
        client, server = proxy.connect()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.close()
        assert is_reset(client)


def refusals():
    with Proxy([{"refuse": True, "first": 1}]) as proxy:
        client = socket.create_connection(proxy.address)
        assert is_reset(client)
        client, server = proxy.connect()
        client.sendall(b"second")
        assert server.recv(10) == b"second"
        proxy.ask("POST", "/faults", {"refuse": True, "name": "down"})
        try:
            socket.create_connection(proxy.address)
            assert False, "a refusing listener accepted"
        except ConnectionRefusedError:
            pass
        client.sendall(b"third")
        assert server.recv(10) == b"third", "refusing does not end what is there"
        status, body = proxy.ask("GET", "/faults")
        assert status == 200 and [fault["fault"].get("name") for fault in body["faults"]] == [None, "down"], body
        proxy.ask("DELETE", "/faults/2")
        proxy.connect()
        proxy.ask("POST", "/faults", {"refuse": True, "for": "200ms"})
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                socket.create_connection(proxy.address)
                return
            except ConnectionRefusedError:
                time.sleep(0.02)
        assert False, "a fault with 'for' stays"


def the_control_port_says_what_is_wrong():
    with Proxy() as proxy:
        cases = [({"latancy": "5ms"}, 400, "did you mean 'latency'"), (b"{", 400, "not valid JSON"),
                 ({"latency": "soon"}, 400, "soon"), ({"dir": "both"}, 400, "nothing that it does"),
                 ([{"stall": True}, {"slice": 0}], 400, "$[1]"), ({"bandwidth": -1}, 400, "bandwidth"),
                 ({"frame": "DATA", "do": "drop"}, 400, "DATA can only be delayed"),
                 ({"frame": "PNG", "do": "drop"}, 400, "PING"),
                 ({"h2fault": {"frame": "PING", "do": "inject"}}, 400, "'dir'"),
                 (b'{"name":"' + b"x" * 70000 + b'"}', 413, "too long"),
                 ([{"stall": True}] * 300, 400, "more than 256")]
        for body, status, text in cases:
            got = proxy.ask("POST", "/faults", body)
            assert got[0] == status and text in got[1]["error"], (body if len(str(body)) < 200 else "", got)
        assert proxy.ask("GET", "/faults") == (200, {"faults": []})
        assert proxy.ask("GET", "/") [0] == 404
        assert proxy.ask("DELETE", "/faults/7")[0] == 404
        assert proxy.ask("PUT", "/faults", {})[0] == 405
        assert proxy.ask("POST", "/faults", [{"stall": True, "first": 1}, {"fault": {"slice": "2*3"}}]) == (201, {"ids": [1, 2]})


def bad_files_are_refused():
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write('[\n {"latency": "5ms"},\n {"sliced": 1}\n]\n')
        file.flush()
        run = subprocess.run([HARNESS, "proxy", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--faults", file.name],
                             capture_output=True, text=True, timeout=20)
        assert run.returncode == 2 and f"{file.name}:3: $[1].sliced" in run.stderr and "slice" in run.stderr, run
    run = subprocess.run([HARNESS, "proxy", "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=20)
    assert run.returncode == 2, run


def main():
    for check in (nothing_is_lost, a_stall_pushes_back, cuts_are_exact, half_open_connections, ends_are_passed_on, refusals,
                  the_control_port_says_what_is_wrong, bad_files_are_refused):
        check()
        print(check.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
