# SPDX-License-Identifier: Apache-2.0
"""sluice-inspector --reflect: the types of a capture come from a server, and what goes wrong is said in one line."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from concurrent import futures

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
import grpc  # noqa: E402
from google.protobuf import descriptor_pb2  # noqa: E402
from capture_writer import Capture  # noqa: E402
from random_messages import load  # noqa: E402

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
SERVER = os.environ["SLUICE_SERVER"]
PROTOC = os.environ["PROTOC"]

SHOP = 'syntax = "proto3"; package shop; import "shop/item.proto"; import "google/protobuf/duration.proto";' \
       "service Shop { rpc Buy(Item) returns (Receipt); }" \
       "message Receipt { Item item = 1; google.protobuf.Duration delivery = 2; }"
ITEM = 'syntax = "proto3"; package shop; message Item { string name = 1; int64 price = 2; }'


def setUpModule():
    global _folder, FILES, CLASSES, PCAP
    _folder = tempfile.TemporaryDirectory()
    folder = pathlib.Path(_folder.name)
    (folder / "shop").mkdir()
    (folder / "shop/shop.proto").write_text(SHOP)
    (folder / "shop/item.proto").write_text(ITEM)
    out = folder / "set.binpb"
    subprocess.run([PROTOC, f"-I{folder}", f"-I{ROOT}/proto", "--include_imports", "-o", out, "shop/shop.proto",
                    "grpc/reflection/v1/reflection.proto", "grpc/reflection/v1alpha/reflection.proto"], check=True)
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    FILES = {file.name: file for file in descriptors.file}
    pool, CLASSES = load(out)
    item = CLASSES("shop.Item")(name="tea", price=1 << 60)
    receipt = CLASSES("shop.Receipt")(item=item)
    receipt.delivery.seconds = 90
    capture = Capture()
    capture.call("/shop.Shop/Buy", [item.SerializeToString()], [receipt.SerializeToString()])
    PCAP = folder / "shop.pcap"
    capture.write(PCAP)


def tearDownModule():
    _folder.cleanup()


class Reflection:
    """A grpcio server with reflection of these versions, that gives one file an answer, but not those left out."""

    def __init__(self, versions, without=(), is_ending=False):
        self.without, self.is_ending = without, is_ending
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        self.asked = []
        for version in versions:
            package = f"grpc.reflection.{version}."
            request, response = CLASSES(package + "ServerReflectionRequest"), CLASSES(package + "ServerReflectionResponse")
            handler = grpc.stream_stream_rpc_method_handler(
                lambda requests, context, response=response: self.answers(requests, context, response),
                request.FromString, response.SerializeToString)
            self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
                package + "ServerReflection", {"ServerReflectionInfo": handler}),))
        self.target = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def answers(self, requests, context, response):
        for request in requests:
            what = request.WhichOneof("message_request")
            name = getattr(request, what)
            self.asked.append((what, name))
            answer = response(original_request=request)
            if what == "list_services":
                answer.list_services_response.service.add(name="shop.Shop")
            elif name == "shop.Shop":
                answer.file_descriptor_response.file_descriptor_proto.append(FILES["shop/shop.proto"].SerializeToString())
            elif name in FILES and name not in self.without:
                answer.file_descriptor_response.file_descriptor_proto.append(FILES[name].SerializeToString())
            elif self.is_ending:
                context.abort(grpc.StatusCode.NOT_FOUND, "no such file")
            else:
                answer.error_response.error_code = 5
                answer.error_response.error_message = "no such file"
            yield answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(0).wait()


class Listener:
    """Answers every connection with these bytes, once it has read something, and closes it."""

    def __init__(self, answer):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, args=(answer,))
        self.thread.start()

    def serve(self, answer):
        peer, _ = self.socket.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(answer)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thread.join()
        self.socket.close()


def inspect(*targets, view="messages"):
    args = [word for target in targets for word in ("--reflect", target)]
    return subprocess.run([INSPECTOR, *args, "--view", view, PCAP], capture_output=True, text=True, timeout=30)


class Reflect(unittest.TestCase):
    def decodes(self, done, stderr=""):
        self.assertEqual((done.returncode, done.stderr), (0, stderr))
        records = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(r["message_type"], r["json"]) for r in records],
                         [("shop.Item", {"name": "tea", "price": str(1 << 60)}),
                          ("shop.Receipt", {"item": {"name": "tea", "price": str(1 << 60)}, "delivery": "90s"})])

    def fails(self, done, *words):
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_types_come_by_v1_and_where_that_is_missing_by_v1alpha(self):
        for versions in (("v1", "v1alpha"), ("v1alpha",)):
            with self.subTest(versions=versions), Reflection(versions) as server:
                self.decodes(inspect(server.target))
                self.assertEqual(server.asked[0][0], "list_services")
                self.assertIn(("file_by_filename", "shop/item.proto"), server.asked)

    def test_the_kind_of_a_call_is_known(self):
        with Reflection(("v1",)) as server:
            record = json.loads(inspect(server.target, view="calls").stdout)
            self.assertEqual((record["kind"], record["complete"]), ("unary", True))

    def test_what_the_server_does_not_have_is_built_in_or_told(self):
        for is_ending in (False, True):
            with self.subTest(is_ending=is_ending):
                with Reflection(("v1",), ("google/protobuf/duration.proto",), is_ending) as server:
                    self.decodes(inspect(server.target))
                with Reflection(("v1",), ("shop/item.proto",), is_ending) as server:
                    done = inspect(server.target)
                    self.assertEqual(done.returncode, 0)
                    self.assertIn("the server has no file shop/item.proto", done.stderr)
                    self.assertIn('"delivery":"90s"', done.stdout)

    def test_several_servers_are_asked(self):
        with Reflection(("v1",)) as server, Reflection(("v1alpha",)) as other:
            self.decodes(inspect(server.target, other.target))
            self.assertTrue(other.asked)

    def test_the_reference_server_answers(self):
        for frontend in ("grpc", "h2"):
            server = subprocess.Popen([SERVER, "--frontend", frontend, "--listen", "127.0.0.1:0"],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            with self.subTest(frontend=frontend):
                done = inspect(server.stdout.readline().split()[-1])
                self.assertEqual((done.returncode, done.stderr), (0, ""))
            server.kill()
            server.wait()
            server.stdout.close()

    def test_a_server_without_reflection_is_told(self):
        with Reflection(()) as server:
            self.fails(inspect(server.target), server.target, "no reflection", "UNIMPLEMENTED")

    def test_what_is_no_http2_server_is_told(self):
        for answer, words in ((b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1"), (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
                              (b"SSH-2.0-x\r\n", "does not speak HTTP/2"), (b"", "without a word")):
            with self.subTest(answer=answer), Listener(answer) as listener:
                self.fails(inspect(listener.target), listener.target, words)

    def test_nobody_there_and_no_address_are_told(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.fails(inspect(f"127.0.0.1:{port}"), f"127.0.0.1:{port}", "refused")
        for target in ("localhost", ":1", "a:", "::1:50051", "localhost:http", "http://localhost:1"):
            with self.subTest(target=target):
                self.fails(inspect(target), target)


if __name__ == "__main__":
    unittest.main()
