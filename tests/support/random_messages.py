# SPDX-License-Identifier: Apache-2.0
"""Random messages of any types, for tests that compare with Python's protobuf library: edge values often, every kind of
field. Importing it raises ImportError where python3-protobuf is not there."""
import struct

from google.protobuf import (any_pb2, descriptor_pb2, descriptor_pool, message_factory)
from google.protobuf import (duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)
from google.protobuf.descriptor import FieldDescriptor as FD

WELL_KNOWN = (any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)
# Repeated ones are left to the unit tests: json_format of 3.21 cannot parse them.
EXTENSIONS = ("extra_number", "extra_kinds", "Holder.held")


def load(path):
    """The message classes of the set, and the pool that holds them."""
    with open(path, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for proto in files.file:
        pool.Add(proto) if hasattr(pool, "Add") else pool.AddSerializedFile(proto.SerializeToString())
    factory = message_factory.MessageFactory(pool)

    def class_of(name):
        descriptor = pool.FindMessageTypeByName(name)
        if hasattr(factory, "GetPrototype"):
            return factory.GetPrototype(descriptor)
        return message_factory.GetMessageClass(descriptor)

    return pool, class_of


class Maker:
    """Random messages: edge values often, every kind of field."""

    def __init__(self, rng, pool, class_of):
        self.rng = rng
        self.pool = pool
        self.class_of = class_of
        self.extensions = [pool.FindExtensionByName("sluice.test2." + name) for name in EXTENSIONS]

    def integer(self, bits, signed):
        low = -(1 << bits - 1) if signed else 0
        high = (1 << bits - 1) - 1 if signed else (1 << bits) - 1
        edge = self.rng.choice([0, 1, 127, 128, low, high, 1 << 24, (1 << 53) + 1, -1, -129])
        value = edge if self.rng.random() < 0.6 else self.rng.randint(low, high)
        return max(low, min(high, value))

    def double(self):
        if self.rng.random() < 0.5:
            return self.rng.choice([0.0, -0.0, 1.0, 0.1, 1e300, 5e-324, 1e15, 123456789012345678.0, float("inf"),
                                    float("-inf"), -2.5, 1e-7])
        value = struct.unpack("<d", struct.pack("<Q", self.rng.getrandbits(64)))[0]
        return value if value == value else 0.5

    def float(self):
        if self.rng.random() < 0.5:
            return self.rng.choice([0.0, 0.1, 16777217.0, 1e38, -1.5, float("inf"), 1e-40])
        value = struct.unpack("<f", struct.pack("<I", self.rng.getrandbits(32)))[0]
        return value if value == value else 0.5

    def text(self):
        pieces = ["", "a", "hello world", "\n\t\"\\/", "\u00e9\u4e16\U0001f600", "\x00\x1f\x7f", "x" * 200, "\u2028"]
        return self.rng.choice(pieces) + self.rng.choice(pieces)

    def scalar(self, field):
        kind = field.type
        if kind in (FD.TYPE_INT32, FD.TYPE_SINT32, FD.TYPE_SFIXED32):
            return self.integer(32, True)
        if kind in (FD.TYPE_UINT32, FD.TYPE_FIXED32):
            return self.integer(32, False)
        if kind in (FD.TYPE_INT64, FD.TYPE_SINT64, FD.TYPE_SFIXED64):
            return self.integer(64, True)
        if kind in (FD.TYPE_UINT64, FD.TYPE_FIXED64):
            return self.integer(64, False)
        if kind == FD.TYPE_DOUBLE:
            return self.double()
        if kind == FD.TYPE_FLOAT:
            return self.float()
        if kind == FD.TYPE_BOOL:
            return self.rng.random() < 0.5
        if kind == FD.TYPE_STRING:
            return self.text()
        if kind == FD.TYPE_BYTES:
            return self.rng.getrandbits(8 * 7).to_bytes(7, "big")[:self.rng.randint(0, 7)]
        names = field.enum_type
        if names.full_name == "sluice.test3.Colour" and self.rng.random() < 0.2:
            return 4711
        return self.rng.choice(names.values).number

    def special(self, message, depth):
        """Fills a well-known type; False for any other."""
        name = message.DESCRIPTOR.full_name
        if name == "google.protobuf.Timestamp":
            message.seconds = self.rng.choice([-62135596800, 253402300799, 0, -1, 951782400, self.rng.randint(0, 1 << 32)])
            message.nanos = self.rng.choice([0, 1, 1000, 120000000, 999999999])
        elif name == "google.protobuf.Duration":
            sign = self.rng.choice([-1, 1])
            message.seconds = sign * self.rng.choice([0, 1, 315575999999])
            message.nanos = sign * self.rng.choice([0, 1, 1000, 500000000, 999999999])
        elif name == "google.protobuf.FieldMask":
            message.paths.extend(self.rng.sample(["user_id", "a.b_c.d", "plain", "x.long_name_here"], self.rng.randint(0, 3)))
        elif name == "google.protobuf.Any":
            inner = self.rng.choice(["sluice.test3.Kinds", "google.protobuf.Duration", "google.protobuf.Value",
                                     "google.protobuf.Int64Value", "sluice.test2.Holder"])
            if self.rng.random() < 0.9:
                content = self.message(inner, depth + 1)
                message.type_url = "type.googleapis.com/" + inner
                message.value = content.SerializeToString()
        elif name in ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"):
            self.json_like(message, depth)
        else:
            return False
        return True

    def json_like(self, message, depth):
        name = message.DESCRIPTOR.name
        if name == "Struct":
            for key in self.rng.sample(["a", "", "b c", "\u4e16"], self.rng.randint(0, 3)):
                self.json_like(message.fields[key], depth + 1)
        elif name == "ListValue":
            for _ in range(self.rng.randint(0, 3)):
                self.json_like(message.values.add(), depth + 1)
        else:
            kind = self.rng.randint(0, 5 if depth < 4 else 3)
            if kind == 0:
                message.null_value = 0
            elif kind == 1:
                message.number_value = self.rng.choice([0.0, 1.5, -3.0, 1e20, 12345.0])
            elif kind == 2:
                message.string_value = self.text()
            elif kind == 3:
                message.bool_value = self.rng.random() < 0.5
            elif kind == 4:
                message.struct_value.SetInParent()
                self.json_like(message.struct_value, depth + 1)
            else:
                message.list_value.SetInParent()
                self.json_like(message.list_value, depth + 1)

    def fill(self, message, depth):
        if self.special(message, depth):
            return message
        fields = message.DESCRIPTOR.fields
        chosen = set(self.rng.sample(range(len(fields)), min(len(fields), self.rng.randint(0, 8 if depth < 3 else 2))))
        for index, field in enumerate(fields):
            if index in chosen or field.label == FD.LABEL_REQUIRED:
                self.set(message, field, getattr(message, field.name, None), depth)
        if message.DESCRIPTOR.full_name == "sluice.test2.Kinds":
            for extension in self.rng.sample(self.extensions, self.rng.randint(0, 2)):
                if extension.label != FD.LABEL_REPEATED and extension.message_type is None:
                    message.Extensions[extension] = self.scalar(extension)
                else:
                    self.set(message, extension, message.Extensions[extension], depth)
        return message

    def set(self, message, field, value, depth):
        inner = field.message_type
        if inner is not None and depth > 5:
            return
        if inner is not None and inner.GetOptions().map_entry:
            key, item = inner.fields_by_name["key"], inner.fields_by_name["value"]
            for _ in range(self.rng.randint(0, 3)):
                name = self.scalar(key)
                if isinstance(name, str):
                    name = name.replace("\0", "")  # jansson takes no NUL in a key
                if item.message_type is None:
                    value[name] = self.scalar(item)
                else:
                    self.fill(value[name], depth + 1)
        elif field.label == FD.LABEL_REPEATED:
            for _ in range(self.rng.randint(0, 4)):
                if inner is None:
                    value.append(self.scalar(field))
                else:
                    self.fill(value.add(), depth + 1)
        elif inner is None:
            setattr(message, field.name, self.scalar(field))
        else:
            value.SetInParent()
            self.fill(value, depth + 1)

    def message(self, name, depth=0):
        return self.fill(self.class_of(name)(), depth)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def records(data):
    """The records of a message: (number, bytes)."""
    at, out = 0, []
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        depth = 0
        while True:
            if wire == 0:
                _, at = varint(data, at)
            elif wire == 1:
                at += 8
            elif wire == 2:
                length, at = varint(data, at)
                at += length
            elif wire == 3:
                depth += 1
            elif wire == 4:
                depth -= 1
            else:
                at += 4
            if depth == 0:
                break
            tag, at = varint(data, at)
            wire = tag & 7
        out.append((number, data[start:at]))
    return out


def shuffled(rng, data):
    """The same message in another order: records of one number keep theirs."""
    waiting = {}
    for number, record in records(data):
        waiting.setdefault(number, []).append(record)
    out = []
    while waiting:
        number = rng.choice(sorted(waiting))
        out.append(waiting[number].pop(0))
        if not waiting[number]:
            del waiting[number]
    return b"".join(out)
