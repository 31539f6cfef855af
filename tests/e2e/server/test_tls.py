# SPDX-License-Identifier: Apache-2.0
"""TLS and mutual TLS (OPS-04)."""

import os
import ssl
import subprocess
import socket
import tempfile
import unittest

import grpc

import sut


# For `openssl ca`, which is the one command that takes a validity in the past in every version.
CA_CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
policy = any
default_md = sha256
[any]
commonName = supplied
"""
THIS_CENTURY = ("20200101000000Z", "20991231000000Z")
LONG_PAST = ("20200101000000Z", "20210101000000Z")


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        for name, text in (("config", CA_CONFIG.format(folder=cls.folder.name)), ("index.txt", "")):
            with open(cls.path(name), "w", encoding="ascii") as file:
                file.write(text)
        for name in ("ca", "stranger"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=" + name, "-days", "2", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                    "-keyout", cls.path(name + ".key"),
                    "-out", cls.path(name + ".crt"))
        cls.sign("server", "ca", "serverAuth")
        cls.sign("client", "ca", "clientAuth")
        cls.sign("wrong-usage", "ca", "serverAuth")
        cls.sign("unknown", "stranger", "clientAuth")
        cls.sign("expired", "ca", "clientAuth", validity=LONG_PAST)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @classmethod
    def sign(cls, name, issuer, usage, validity=THIS_CENTURY):
        with open(cls.path("ext"), "w", encoding="ascii") as ext:
            ext.write("authorityKeyIdentifier=keyid\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"
                      "extendedKeyUsage=%s\n" % usage)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=" + name, "-keyout", cls.path(name + ".key"), "-out", cls.path("csr"))
        openssl("ca", "-batch", "-notext", "-config", cls.path("config"), "-cert",
                cls.path(issuer + ".crt"), "-keyfile", cls.path(issuer + ".key"), "-in", cls.path("csr"),
                "-startdate", validity[0], "-enddate", validity[1], "-extfile", cls.path("ext"),
                "-out", cls.path(name + ".crt"))

    def credentials(self, client=None):
        key = read(self.path(client + ".key")) if client else None
        chain = read(self.path(client + ".crt")) if client else None
        return grpc.ssl_channel_credentials(read(self.path("ca.crt")), key, chain)

    def server(self, *args):
        return sut.Server("--tls-cert", self.path("server.crt"), "--tls-key",
                          self.path("server.key"), *args)

    def send(self, server, client=None):
        with sut.Client(server, self.credentials(client)) as stubs:
            message = sut.chat_pb2.ChatMessage(room_id="tls", text="t")
            return stubs.send_message(message, timeout=sut.WAIT).accepted

    def test_tls_serves_h2(self):
        with self.server() as server:
            self.assertTrue(self.send(server))
            context = ssl.create_default_context(cafile=self.path("ca.crt"))
            context.set_alpn_protocols(["h2"])
            host, port = server.address.split(":")
            with socket.create_connection((host, int(port)), sut.WAIT) as plain, \
                    context.wrap_socket(plain, server_hostname="localhost") as tls:
                self.assertEqual(tls.selected_alpn_protocol(), "h2")
                self.assertIn(tls.version(), ("TLSv1.2", "TLSv1.3"))

    def test_a_plain_client_gets_nowhere(self):
        with self.server() as server, sut.Client(server) as stubs:
            with self.assertRaises(grpc.RpcError) as raised:
                stubs.send_message(sut.chat_pb2.ChatMessage(), timeout=5)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_mutual_tls_takes_the_right_certificates_only(self):
        with self.server("--tls-client-ca", self.path("ca.crt")) as server:
            self.assertTrue(self.send(server, "client"))
            for client in (None, "unknown", "expired", "wrong-usage"):
                with self.assertRaises(grpc.RpcError, msg=client) as raised:
                    self.send(server, client)
                self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertTrue(self.send(server, "client"))

    def test_files_that_cannot_be_used_are_told(self):
        for cert, key in (("nope.crt", "server.key"), ("server.crt", "server.crt"),
                          ("csr", "server.key")):
            run = subprocess.run(
                [os.environ["SLUICE_SERVER"], "--listen", "127.0.0.1:0", "--tls-cert",
                 self.path(cert), "--tls-key", self.path(key)],
                capture_output=True, text=True, timeout=sut.WAIT, check=False)
            self.assertEqual(run.returncode, 1, run.stderr)
            self.assertEqual(run.stdout, "")


if __name__ == "__main__":
    unittest.main()
