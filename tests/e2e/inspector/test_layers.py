# SPDX-License-Identifier: Apache-2.0
"""What real programs put between TCP and HTTP/2: HAProxy's PROXY headers, the CONNECT of a gRPC client, curl's Upgrade."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

try:
    import grpc
except ImportError:
    print("SKIP: install the package python3-grpcio")
    sys.exit(77)

import tap

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
METHOD = "/test.Echo/Echo"
SECONDS = tap.SECONDS


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


def echo(target, options=()):
    with grpc.insecure_channel(target, options) as channel:
        return channel.unary_unary(METHOD)(b"\x0a\x02hi", timeout=SECONDS)


def head(connection):
    """The head of an HTTP/1.1 message, and what came behind it."""
    text = b""
    while b"\r\n\r\n" not in text:
        piece = connection.recv(tap.PIECE)
        if not piece:
            raise EOFError(text)
        text += piece
    return text.split(b"\r\n\r\n", 1)


class Layers(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=[Echo()])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.addCleanup(lambda: self.server.stop(None).wait())

    def listen(self, serve):
        """A listener whose connections serve() gets, each in a thread of its own."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def accept():
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    def records(self, recorded):
        capture = self.folder / "capture.pcap"
        recorded.save(capture)
        done = subprocess.run([INSPECTOR, "--view", "calls", "--strict", capture], capture_output=True, timeout=SECONDS,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return [json.loads(line) for line in done.stdout.splitlines()]

    def haproxy(self, send):
        """One that sends a header to the tap, behind which another one takes it off. Answers port and tap."""
        program = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            self.skipTest("haproxy is not installed")
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        first, second = (held.getsockname()[1] for held in sockets)
        recorded = tap.Tap(second)
        config = self.folder / "haproxy.cfg"
        config.write_text(f"""
global
    maxconn 20
defaults
    mode tcp
    timeout connect 10s
    timeout client 20s
    timeout server 20s
listen first
    bind fd@{sockets[0].fileno()}
    server tap 127.0.0.1:{recorded.port} {send}
listen second
    bind fd@{sockets[1].fileno()} accept-proxy
    server grpc 127.0.0.1:{self.port}
""")
        process = subprocess.Popen([program, "-f", config, "-db"], pass_fds=[held.fileno() for held in sockets],
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for held in sockets:
            self.addCleanup(held.close)
        return first, recorded

    def test_headers_of_haproxy(self):
        for version, send in [(1, "send-proxy"), (2, "send-proxy-v2 proxy-v2-options unique-id,crc32c")]:
            with self.subTest(send):
                port, recorded = self.haproxy(send)
                self.assertEqual(echo(f"127.0.0.1:{port}"), b"\x0a\x02hi")
                record, = self.records(recorded)
                via, = record["via"]
                self.assertEqual((via["type"], via["version"], via["server"]), ("proxy", version, f"127.0.0.1:{port}"))
                self.assertEqual(record["server"], f"10.0.0.2:{recorded.server}")
                self.assertEqual((record["method"], record["status"]["name"], record["complete"]), (METHOD, "OK", True))

    def tunnel(self, connection):
        request, rest = head(connection)
        host, port = request.split(b" ")[1].rsplit(b":", 1)
        with connection, socket.create_connection((host.strip(b"[]"), int(port)), SECONDS) as upstream:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            upstream.sendall(rest)

            def back():
                while piece := upstream.recv(tap.PIECE):
                    connection.sendall(piece)
            thread = threading.Thread(target=back, daemon=True)
            thread.start()
            while piece := connection.recv(tap.PIECE):
                upstream.sendall(piece)
            upstream.shutdown(socket.SHUT_RDWR)
            thread.join(SECONDS)

    def test_tunnel_of_a_grpc_client(self):
        recorded = tap.Tap(self.listen(self.tunnel))
        program = f"import grpc\nwith grpc.insecure_channel('localhost:{self.port}') as channel:\n" \
                  f"    channel.unary_unary('{METHOD}')(b'\\x0a\\x02hi', timeout={SECONDS})\n"
        environment = {**os.environ, "http_proxy": f"http://127.0.0.1:{recorded.port}", "no_proxy": "", "no_grpc_proxy": ""}
        subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=SECONDS)
        record, = self.records(recorded)
        self.assertEqual(record["via"][0]["type"], "connect")
        self.assertIn(str(self.port), record["via"][0]["target"])
        self.assertEqual((record["method"], record["status"]["name"], record["complete"]), (METHOD, "OK", True))

    def upgrade(self, connection):
        """A server of one gRPC call that comes as an upgraded request."""
        with connection:
            request, rest = head(connection)
            length = next(int(line.split(b":")[1]) for line in request.split(b"\r\n")
                          if line.lower().startswith(b"content-length:"))
            while len(rest) < length:
                rest += connection.recv(tap.PIECE)

            def frame(kind, flags, stream, payload=b""):
                return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload
            fields = b"\x88\x5f\x10application/grpc"
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
                               + frame(4, 0, 0) + frame(1, 4, 1, fields) + frame(0, 0, 1, rest[:length])
                               + frame(1, 5, 1, b"\x00\x0bgrpc-status\x010"))
            while connection.recv(tap.PIECE):
                pass

    def test_upgrade_of_curl(self):
        if shutil.which("curl") is None:
            self.skipTest("curl is not installed")
        message = self.folder / "message"
        message.write_bytes(b"\0\0\0\0\4\x0a\x02hi")
        recorded = tap.Tap(self.listen(self.upgrade))
        done = subprocess.run(["curl", "-s", "--http2", "-H", "content-type: application/grpc", "--data-binary",
                               f"@{message}", "-o", "-", f"http://127.0.0.1:{recorded.port}{METHOD}"],
                              capture_output=True, timeout=SECONDS, check=True)
        self.assertEqual(done.stdout, message.read_bytes())
        record, = self.records(recorded)
        self.assertEqual((record["stream"], record["method"], record["status"]["name"]), (1, METHOD, "OK"))
        self.assertEqual([side["message_count"] for side in (record["request"], record["response"])], [1, 1])
        self.assertEqual((record["complete"], record["problems"]), (True, []))


if __name__ == "__main__":
    unittest.main()
