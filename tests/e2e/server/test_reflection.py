# SPDX-License-Identifier: Apache-2.0
"""Server reflection, both versions, by the generated code of each: from the answers alone come working calls."""
import importlib.util
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import sut

_generated = tempfile.TemporaryDirectory()


def load(version):
    """The generated module; the folder grpc/ it lies in must not hide the package grpc."""
    name = f"grpc/reflection/{version}/reflection"
    subprocess.run([os.environ["PROTOC"], "-I" + sut._proto, "--python_out=" + _generated.name, name + ".proto"],
                   check=True)
    spec = importlib.util.spec_from_file_location("reflection_" + version, Path(_generated.name, name + "_pb2.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VERSIONS = {version: load(version) for version in ("v1", "v1alpha")}


class Reflection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = sut.Server()
        cls.channel = grpc.insecure_channel(cls.server.address)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        assert cls.server.stop() == 0

    def ask(self, version, *requests):
        """The answers of one stream."""
        stub = VERSIONS[version]
        call = self.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=stub.ServerReflectionRequest.SerializeToString,
            response_deserializer=stub.ServerReflectionResponse.FromString)
        made = [stub.ServerReflectionRequest(**request) for request in requests]
        answers = list(call(iter(made), timeout=sut.WAIT, wait_for_ready=True))
        self.assertEqual([answer.original_request for answer in answers], made)
        return answers

    def test_services_are_listed(self):
        for version in VERSIONS:
            answer, = self.ask(version, {"host": "example.org", "list_services": "*"})
            self.assertEqual(answer.valid_host, "example.org")
            self.assertEqual({service.name for service in answer.list_services_response.service},
                             {"chat.v1.ChatService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                              "grpc.reflection.v1alpha.ServerReflection"})

    def test_what_is_unknown_is_told_and_the_stream_goes_on(self):
        extension = {"containing_type": "google.protobuf.FieldOptions", "extension_number": 77777}
        for version in VERSIONS:
            answers = self.ask(version, {"file_by_filename": "no.proto"}, {"file_containing_symbol": "no.Such"},
                               {"file_containing_extension": extension},
                               {"all_extension_numbers_of_type": "no.Such"}, {}, {"list_services": ""})
            codes = [grpc.StatusCode.NOT_FOUND.value[0]] * 4 + [grpc.StatusCode.INVALID_ARGUMENT.value[0]]
            self.assertEqual([answer.error_response.error_code for answer in answers[:5]], codes)
            self.assertEqual(len(answers[5].list_services_response.service), 4)

    def test_extension_numbers_of_a_type_without_any(self):
        answer, = self.ask("v1", {"all_extension_numbers_of_type": "chat.v1.ChatMessage"})
        self.assertEqual(answer.all_extension_numbers_response.base_type_name, "chat.v1.ChatMessage")
        self.assertEqual(list(answer.all_extension_numbers_response.extension_number), [])

    def pool_of(self, answer):
        """A pool of the files of one answer: complete, or protobuf refuses them."""
        files = {}
        for text in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(text)
            files[file.name] = file
        pool = descriptor_pool.DescriptorPool()

        def add(file):
            for name in file.dependency:
                add(files[name])
            pool.Add(file)

        for file in files.values():
            add(file)
        return pool

    def test_a_call_by_what_reflection_says(self):
        for version in VERSIONS:
            answer, = self.ask(version, {"file_containing_symbol": "chat.v1.ChatService.SendMessage"})
            pool = self.pool_of(answer)
            method = pool.FindServiceByName("chat.v1.ChatService").FindMethodByName("SendMessage")
            factory = message_factory.MessageFactory(pool)
            request, reply = (factory.GetPrototype(kind) if hasattr(factory, "GetPrototype")
                              else message_factory.GetMessageClass(kind)
                              for kind in (method.input_type, method.output_type))
            call = self.channel.unary_unary("/chat.v1.ChatService/SendMessage",
                                            request_serializer=request.SerializeToString,
                                            response_deserializer=reply.FromString)
            self.assertTrue(call(request(room_id="reflected", text="hello"), timeout=sut.WAIT).accepted)

    def test_every_file_comes_with_its_imports(self):
        for symbol, file in (("google.rpc.Status", "google/rpc/status.proto"),
                             ("google.protobuf.Api", "google/protobuf/api.proto"),
                             ("google.rpc.BadRequest.FieldViolation", "google/rpc/error_details.proto")):
            by_symbol, by_name = self.ask("v1", {"file_containing_symbol": symbol}, {"file_by_filename": file})
            self.assertEqual(by_symbol.file_descriptor_response, by_name.file_descriptor_response)
            self.assertEqual(self.pool_of(by_name).FindFileContainingSymbol(symbol).name, file)

    def test_many_requests_on_one_stream_that_is_read_late(self):
        answers = self.ask("v1", *[{"file_containing_symbol": "google.protobuf.FileDescriptorProto"}] * 300)
        self.assertEqual(len({answer.SerializeToString() for answer in answers}), 1)


if __name__ == "__main__":
    unittest.main()
