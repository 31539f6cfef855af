# SPDX-License-Identifier: Apache-2.0
"""TLS, mutual TLS, their reload and the key log (OPS-04), on each front end."""

import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import unittest

import certificates
import grpc
import raw_h2
import recorder
import sut

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
REFUSED = (OSError, EOFError)  # an ssl.SSLError is an OSError


class Tls:
    """Everything that is the same on each front end."""

    FRONTEND = ""

    @classmethod
    def setUpClass(cls):
        cls.files = files = certificates.Folder()
        files.authority("ca")
        files.authority("stranger")
        files.sign("server", "ca", "serverAuth")
        files.sign("second", "ca", "serverAuth")
        files.sign("client", "ca", "clientAuth")
        files.sign("wrong-usage", "ca", "serverAuth")
        files.sign("unknown", "stranger", "clientAuth")
        files.sign("expired", "ca", "clientAuth", validity=certificates.LONG_PAST)

    @classmethod
    def tearDownClass(cls):
        cls.files.close()

    def credentials(self, client=None):
        key = self.files.read(client + ".key") if client else None
        chain = self.files.read(client + ".crt") if client else None
        return grpc.ssl_channel_credentials(self.files.read("ca.crt"), key, chain)

    def context(self, version=None, alpn=("h2",), client=None):
        """A client of module ssl, where the version can be chosen."""
        context = ssl.create_default_context(cafile=self.files.path("ca.crt"))
        if alpn:
            context.set_alpn_protocols(alpn)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if client is not None:
            context.load_cert_chain(self.files.path(client + ".crt"), self.files.path(client + ".key"))
        return context

    def server(self, *args, name="server"):
        return sut.Server("--frontend", self.FRONTEND, "--tls-cert", self.files.path(name + ".crt"),
                          "--tls-key", self.files.path(name + ".key"), *args)

    def send(self, server, client=None):
        with sut.Client(server, self.credentials(client)) as stubs:
            message = sut.chat_pb2.ChatMessage(room_id="tls", text="t")
            return stubs.send_message(message, timeout=sut.WAIT).accepted

    def greet(self, server, **kwargs):
        """A connection on which the server has said its SETTINGS: it is served."""
        connection = raw_h2.Connection(server, tls=self.context(**kwargs))
        try:
            connection.read_until(raw_h2.SETTINGS, 0)
        except REFUSED:
            connection.close()
            raise
        return connection

    def put_live(self, name):
        """Makes NAME's files those that the server under test was given."""
        for suffix in (".crt", ".key"):
            shutil.copy(self.files.path(name + suffix), self.files.path("live" + suffix))

    def shown(self, server):
        """The certificate that a new connection is shown."""
        connection = self.greet(server)
        shown = ssl.DER_cert_to_PEM_cert(connection.socket.getpeercert(True))
        connection.close()
        return shown

    def is_shown(self, server, name):
        return self.shown(server).strip() == self.files.read(name + ".crt").decode().strip()

    # --- tests ---

    def test_both_versions_are_served_with_alpn_h2(self):
        with self.server() as server:
            self.assertTrue(self.send(server))
            for version, name in zip(VERSIONS, ("TLSv1.2", "TLSv1.3")):
                connection = self.greet(server, version=version)
                self.assertEqual(connection.socket.version(), name)
                self.assertEqual(connection.socket.selected_alpn_protocol(), "h2")
                connection.call(1, "SendMessage", sut.chat_pb2.ChatMessage(room_id="r").SerializeToString())
                connection.read_until(raw_h2.DATA, 1)
                connection.close()

    def test_a_client_without_h2_is_not_served(self):
        with self.server() as server:
            for version in VERSIONS:
                for alpn in ((), ("http/1.1",)):
                    with self.assertRaises(REFUSED, msg=(version, alpn)):
                        self.greet(server, version=version, alpn=alpn)
            self.assertTrue(self.send(server))

    def test_a_plain_client_gets_nowhere(self):
        with self.server() as server, sut.Client(server) as stubs:
            with self.assertRaises(grpc.RpcError) as raised:
                stubs.send_message(sut.chat_pb2.ChatMessage(), timeout=5)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_mutual_tls_takes_the_right_certificates_only(self):
        with self.server("--tls-client-ca", self.files.path("ca.crt")) as server:
            self.assertTrue(self.send(server, "client"))
            for client in (None, "unknown", "expired", "wrong-usage"):
                with self.assertRaises(grpc.RpcError, msg=client) as raised:
                    self.send(server, client)
                self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
                for version in VERSIONS:
                    with self.assertRaises(REFUSED, msg=(client, version)):
                        self.greet(server, version=version, client=client)
            for version in VERSIONS:
                self.greet(server, version=version, client="client").close()
            self.assertTrue(self.send(server, "client"))

    def test_files_that_cannot_be_used_are_told(self):
        for cert, key, named in (("nope.crt", "server.key", "nope.crt"), ("server.crt", "server.crt", "server.crt"),
                                 ("csr", "server.key", "csr"), ("server.crt", "second.key", "second.key")):
            run = subprocess.run(
                [os.environ["SLUICE_SERVER"], "--frontend", self.FRONTEND, "--listen", "127.0.0.1:0", "--tls-cert",
                 self.files.path(cert), "--tls-key", self.files.path(key)],
                capture_output=True, text=True, timeout=sut.WAIT, check=False)
            self.assertEqual(run.returncode, 1, run.stderr)
            self.assertEqual(run.stdout, "")
            self.assertIn(self.files.path(named), run.stderr)

    def test_sighup_changes_the_certificate_while_a_subscription_goes_on(self):
        self.put_live("server")
        with self.server(name="live") as server, sut.Client(server, self.credentials()) as old:
            stream = old.subscribe("room", timeout=sut.WAIT)
            old.send("room", "before")
            self.assertEqual(sut.texts(stream, 1), ["before"])
            self.assertTrue(self.is_shown(server, "server"))
            self.put_live("second")
            server.signal(signal.SIGHUP)
            server.wait_for_log("new connections get")
            self.assertTrue(self.is_shown(server, "second"))
            with sut.Client(server, self.credentials()) as new:
                new.send("room", "by a new connection")
            old.send("room", "by the old connection")
            self.assertEqual(sut.texts(stream, 2), ["by a new connection", "by the old connection"])
            stream.cancel()

    def test_sighup_changes_the_roots_of_the_clients(self):
        shutil.copy(self.files.path("ca.crt"), self.files.path("roots.crt"))
        with self.server("--tls-client-ca", self.files.path("roots.crt")) as server:
            kept = self.greet(server, client="client")
            with self.assertRaises(REFUSED):
                self.greet(server, client="unknown")
            shutil.copy(self.files.path("stranger.crt"), self.files.path("roots.crt"))
            server.signal(signal.SIGHUP)
            server.wait_for_log("new connections get")
            for version in VERSIONS:
                with self.assertRaises(REFUSED):
                    self.greet(server, version=version, client="client")
                self.greet(server, version=version, client="unknown").close()
            kept.call(1, "SendMessage", sut.chat_pb2.ChatMessage(room_id="r").SerializeToString())
            kept.read_until(raw_h2.DATA, 1)
            kept.close()

    def test_sighup_with_broken_files_keeps_the_old_ones(self):
        broken = (("live.crt", b"no certificate"), ("live.key", self.files.read("second.key")),
                  ("live.crt", b""), ("live.key", None))
        self.put_live("server")
        with self.server(name="live") as server:
            for count, (name, content) in enumerate(broken, 1):
                self.put_live("server")
                if content is None:
                    os.unlink(self.files.path(name))
                else:
                    self.files.write(name, content)
                server.signal(signal.SIGHUP)
                server.wait_for_log("the old certificates stay", count)
                told = [line for line in server.log if "the old certificates stay" in line]
                self.assertIn(self.files.path(name), told[-1])
                self.assertIn("error", told[-1])
                self.assertTrue(self.is_shown(server, "server"))
            self.put_live("second")
            server.signal(signal.SIGHUP)
            server.wait_for_log("new connections get")
            self.assertTrue(self.is_shown(server, "second"))

    def test_sighup_without_tls_changes_nothing(self):
        with sut.Server("--frontend", self.FRONTEND) as server, sut.Client(server) as client:
            server.signal(signal.SIGHUP)
            server.wait_for_log("no certificates to read")
            self.assertTrue(client.send("r", "t").accepted)

    def test_the_key_log_makes_captures_readable(self):
        keylog = self.files.path("key.log")
        capture = self.files.path("capture.pcap")
        for mutual in ((), ("--tls-client-ca", self.files.path("ca.crt"))):
            with self.server("--keylog", keylog, *mutual) as server:
                for version in VERSIONS:
                    recording = recorder.Recorder(server)
                    connection = self.greet(recording, version=version, client="client" if mutual else None)
                    connection.call(1, "SendMessage",
                                    sut.chat_pb2.ChatMessage(room_id="r", text="x" * 16000).SerializeToString())
                    connection.read_until(raw_h2.DATA, 1)
                    connection.close()
                    recording.save(capture)
                    self.check_capture(capture, recording.port, keylog)
        self.assertEqual(stat.S_IMODE(os.stat(keylog).st_mode), 0o600)
        with open(keylog, encoding="ascii", newline="\n") as file:
            lines = file.readlines()
        for line in lines:
            self.assertRegex(line, r"\A[A-Z0-9_]+ [0-9a-fA-F]{64} [0-9a-fA-F]{64,}\n\Z")
        # Appended to by both servers, and each wrote what it had.
        self.assertEqual(sum(line.startswith("CLIENT_RANDOM ") for line in lines), 2)
        self.assertEqual(sum(line.startswith("SERVER_TRAFFIC_SECRET_0 ") for line in lines), 2)

    def check_capture(self, capture, port, keylog):
        if shutil.which("tshark") is None:
            self.skipTest("no tshark: ci/setup installs it")
        command = ["tshark", "-r", capture, "-d", "tcp.port==%d,tls" % port, "-Y", "http2.headers.path", "-T",
                   "fields", "-e", "http2.headers.path"]
        blind = subprocess.run(command, capture_output=True, text=True, timeout=sut.WAIT, check=True)
        self.assertEqual(blind.stdout.strip(), "")
        run = subprocess.run([*command, "-o", "tls.keylog_file:" + keylog], capture_output=True, text=True,
                             timeout=sut.WAIT, check=True)
        self.assertEqual(run.stdout.strip(), "/chat.v1.ChatService/SendMessage")

    def test_a_key_log_that_cannot_be_written_is_told(self):
        run = subprocess.run(
            [os.environ["SLUICE_SERVER"], "--frontend", self.FRONTEND, "--listen", "127.0.0.1:0", "--tls-cert",
             self.files.path("server.crt"), "--tls-key", self.files.path("server.key"), "--keylog",
             self.files.path("no/such/key.log")],
            capture_output=True, text=True, timeout=sut.WAIT, check=False)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn(self.files.path("no/such/key.log"), run.stderr)


class TlsOfGrpc(Tls, unittest.TestCase):
    FRONTEND = "grpc"


class TlsOfH2(Tls, unittest.TestCase):
    FRONTEND = "h2"

    def test_a_client_without_h2_gets_the_alert_for_it(self):
        with self.server() as server:
            for version in ("-tls1_2", "-tls1_3"):
                for alpn in ([], ["-alpn", "http/1.1"]):
                    run = subprocess.run(["openssl", "s_client", "-connect", server.address, version, *alpn],
                                         stdin=subprocess.DEVNULL, capture_output=True, timeout=sut.WAIT,
                                         check=False)
                    self.assertIn(b"SSL alert number 120", run.stderr, (version, alpn))
            good = subprocess.run(["openssl", "s_client", "-connect", server.address, "-alpn", "h2"],
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=sut.WAIT, check=False)
            self.assertIn(b"ALPN protocol: h2", good.stdout)

    def test_a_handshake_byte_by_byte_is_served(self):
        with self.server() as server:
            for version in VERSIONS:
                tls_in, tls_out = ssl.MemoryBIO(), ssl.MemoryBIO()
                tls = self.context(version=version).wrap_bio(tls_in, tls_out, server_hostname="localhost")
                host, port = server.address.split(":")
                with socket.create_connection((host, int(port)), sut.WAIT) as plain:
                    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

                    def done(step, *args):
                        while True:
                            try:
                                result = step(*args)
                            except ssl.SSLWantReadError:
                                result = None
                            for byte in tls_out.read():
                                plain.sendall(bytes([byte]))
                            if result is not None:
                                return result
                            piece = plain.recv(65536)
                            self.assertTrue(piece)
                            tls_in.write(piece)

                    done(lambda: tls.do_handshake() or True)
                    done(tls.write, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
                    self.assertEqual(done(tls.read, 9)[3], raw_h2.SETTINGS)

    def test_a_call_whose_client_closes_behind_it_is_answered(self):
        """Its close_notify comes in the same segment as the request."""
        request = sut.chat_pb2.ChatMessage(room_id="r", text="t").SerializeToString()
        with self.server() as server:
            for version in VERSIONS:
                tls_in, tls_out = ssl.MemoryBIO(), ssl.MemoryBIO()
                tls = self.context(version=version).wrap_bio(tls_in, tls_out, server_hostname="localhost")
                host, port = server.address.split(":")
                with socket.create_connection((host, int(port)), sut.WAIT) as plain:
                    def go_on(step):
                        try:
                            return step()
                        except ssl.SSLWantReadError:
                            return None

                    while go_on(lambda: tls.do_handshake() or True) is None:
                        plain.sendall(tls_out.read())
                        tls_in.write(plain.recv(65536))
                    plain.sendall(tls_out.read())
                    while go_on(tls.read) is None:
                        tls_in.write(plain.recv(65536))
                    tls.write(raw_h2.one_call("SendMessage", request))
                    go_on(tls.unwrap)
                    plain.sendall(tls_out.read())
                    got = b""
                    while piece := plain.recv(65536):
                        tls_in.write(piece)
                        while more := go_on(tls.read):
                            got += more
                    self.assertEqual(raw_h2.kinds(got), [raw_h2.HEADERS, raw_h2.DATA, raw_h2.HEADERS], version)


if __name__ == "__main__":
    unittest.main()
