# SPDX-License-Identifier: Apache-2.0
"""Server reflection for the store, right or wrong. Files are made here, so that a wrong one is a few lines."""
import grpc
from google.protobuf import descriptor_pb2

import reflection_pb2
import store_pb2

NOT_FOUND = grpc.StatusCode.NOT_FOUND.value[0]
STORE = "store.proto"


def file(name, *dependencies):
    return descriptor_pb2.FileDescriptorProto(name=name, syntax="proto3", dependency=dependencies)


def store(*dependencies):
    made = descriptor_pb2.FileDescriptorProto()
    store_pb2.DESCRIPTOR.CopyToProto(made)
    made.dependency.extend(dependencies)
    return made


def without_entry(*dependencies):
    made = store(*dependencies)
    made.message_type.remove(next(message for message in made.message_type if message.name == "Entry"))
    return made


# What each kind of server has, by the name of the file; a function makes a file of any name.
FILES = {
    "good": {STORE: store()},
    "cycle": {STORE: store("a.proto"), "a.proto": file("a.proto", STORE, "b.proto"), "b.proto": file("b.proto", "a.proto")},
    "unneeded": {STORE: store("gone.proto")},
    "missing": {STORE: without_entry("gone.proto")},
    "chain": {STORE: without_entry("f0.proto")},
    "wide": {STORE: without_entry(*[f"{'x' * 20}{i}.proto" for i in range(5000)])},
    "long": {STORE: without_entry("x" * 5000)},
    "other": {STORE: file("other.proto")},
}


class Reflection:
    def __init__(self, mode):
        self.mode = mode

    def find(self, name):
        if self.mode == "chain" and name[0] == "f":
            return file(name, f"f{int(name[1:-6]) + 1}.proto")
        return FILES.get(self.mode, FILES["good"]).get(name)

    def answer(self, request, context):
        response = reflection_pb2.ServerReflectionResponse(original_request=request)
        is_symbol = request.WhichOneof("message_request") == "file_containing_symbol"
        found = self.find(STORE if is_symbol else request.file_by_filename)
        if found is None and self.mode == "unneeded":
            context.abort(grpc.StatusCode.NOT_FOUND, "ends the call, as some servers do")
        if found is None:
            response.error_response.error_code = NOT_FOUND
            response.error_response.error_message = "not\x1b[31m here"
        else:
            text = {"garbage": b"\xff" * 50, "huge": b"\0" * (17 << 20)}.get(self.mode, found.SerializeToString())
            response.file_descriptor_response.file_descriptor_proto.append(text)
        return response.SerializeToString()

    def serve(self, requests, context):
        for request in requests:
            if self.mode == "ends":
                context.abort(grpc.StatusCode.INTERNAL, "cannot")
            elif self.mode == "noise":
                yield b"\x0a\xff\xff"
            elif self.mode == "nothing":
                yield b""
            elif self.mode != "silence":
                yield self.answer(request, context)


class Handler(grpc.GenericRpcHandler):
    """mode: gives what kind of server it is, and `:v1alpha` where it has no other version; "": no reflection."""

    def __init__(self, mode):
        self.mode = mode

    def service(self, details):
        kind, _, version = self.mode().partition(":")
        served = [f"/grpc.reflection.{name}.ServerReflection/ServerReflectionInfo"
                  for name in ("v1", "v1alpha") if version in ("", name)]
        if kind == "" or details.method not in served:
            return None
        return grpc.stream_stream_rpc_method_handler(Reflection(kind).serve,
                                                     reflection_pb2.ServerReflectionRequest.FromString)
