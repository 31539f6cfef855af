# SPDX-License-Identifier: Apache-2.0
"""Clients in a process of their own connect as the run itself does: TLS, certificates, :authority, metadata."""
import subprocess
import threading
import unittest
from concurrent import futures

import grpc

from support import EXEC, Folder, Run, scenario

TOKEN = "open sesame's $HOME"
KILLS = scenario(
    rules=["SUB-07"],
    actors={"pub": {"kind": "publisher"}, "crowd": {"kind": "child", "streams": 3}},
    run=[{"crowd": {"spawn": {"within": "10s"}}}, {"pub": {"send": {"count": 1}}},
         {"await": "open(crowd) == 3 && connected(crowd) == 1", "within": "5s", "rule": "SUB-07"},
         {"crowd": {"signal": {"name": "KILL"}}},
         {"await": "connected(crowd) == 0", "within": "5s", "rule": "SUB-07"}],
    expect=None)


def over(transport):
    content = dict(KILLS)
    content["actors"] = dict(KILLS["actors"], crowd={"kind": "child", "streams": 3, "transport": transport})
    return content


class Demanding(grpc.GenericRpcHandler):
    """Serves those alone who bring the right metadata; remembers the method and the host of each call."""

    def __init__(self):
        self.served = []

    def service(self, details):
        if ("x-token", TOKEN) not in [tuple(pair)[:2] for pair in details.invocation_metadata]:
            return None
        if details.method.endswith("/SendMessage"):
            return grpc.unary_unary_rpc_method_handler(self.accept)
        return grpc.unary_stream_rpc_method_handler(self.stay)

    def note(self, context):
        call = context._rpc_event.call_details  # the public context has no host
        self.served.append((call.method.decode().split("/")[-1], call.host.decode()))

    def accept(self, request, context):
        self.note(context)
        return b"\x10\x01"

    def stay(self, request, context):
        self.note(context)
        context.send_initial_metadata(())
        left = threading.Event()
        context.add_callback(left.set)
        left.wait(60)
        yield from ()


class Children(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.__exit__)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def certificate(self, name, usage):
        """NAME.crt and NAME.key in the folder, signed by ca."""
        path = self.folder.path
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", path / f"{name}.key", "-out", path / f"{name}.csr")
        extensions = self.folder.write(f"{name}.ext", f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usage}\n")
        self.openssl("x509", "-req", "-in", path / f"{name}.csr", "-CA", path / "ca.crt", "-CAkey", path / "ca.key",
                     "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", path / f"{name}.crt")

    def certificates(self):
        """The options of a server of mutual TLS, and those of its clients."""
        path = self.folder.path
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ca",
                     "-days", "2", "-keyout", path / "ca.key", "-out", path / "ca.crt")
        self.certificate("server", "serverAuth")
        self.certificate("client", "clientAuth")
        return (f"--tls-cert '{path}/server.crt' --tls-key '{path}/server.key' --tls-client-ca '{path}/ca.crt'",
                ("--ca", path / "ca.crt", "--cert", path / "client.crt", "--key", path / "client.key"))

    def test_mutual_tls(self):
        serving, options = self.certificates()
        for transport in ("h2", "grpc"):
            with self.subTest(transport):
                run = Run(self.folder, self.folder.write("s.json", over(transport)), *options,
                          target=("--exec", f"{EXEC} {serving}"))
                self.assertEqual(run.status, 0, run)

    def test_a_client_that_cannot_begin_is_no_failure_of_the_server(self):
        serving, options = self.certificates()
        key = self.folder.path / "client.key"  # which the harness has read when the server starts
        run = Run(self.folder, self.folder.write("s.json", KILLS), *options,
                  target=("--exec", f"rm -f '{key}'; {EXEC} {serving}"))
        self.assertEqual((run.status, run.result("s")["verdict"]), (3, "inconclusive"), run)
        self.assertIn("the client's process has ended", run.result("s")["reason"])

    def test_metadata_and_authority(self):
        handler = Demanding()
        server = grpc.server(futures.ThreadPoolExecutor(16), handlers=(handler,))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())
        for transport in ("h2", "grpc"):
            with self.subTest(transport):
                handler.served.clear()
                run = Run(self.folder, self.folder.write("s.json", over(transport)), "--metadata", f"x-token: {TOKEN}",
                          "--authority", "chat.example", target=("--target", f"127.0.0.1:{port}"))
                self.assertEqual(run.status, 0, run)
                self.assertEqual([call for call in handler.served if call[0] == "SubscribeToRoom"],
                                 [("SubscribeToRoom", "chat.example")] * 3)


if __name__ == "__main__":
    unittest.main()
