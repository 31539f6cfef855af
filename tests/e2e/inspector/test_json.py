# SPDX-License-Identifier: Apache-2.0
"""What sluice-inspector writes as `json` is what Python's protobuf library reads back as the same message: hundreds of
random messages of every kind of field, proto2 and proto3, in a capture."""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
try:
    from google.protobuf import json_format
    from capture_writer import Capture
    from random_messages import Maker, load, shuffled
except ImportError as missing:
    print(f"SKIP: {missing}; install the package python3-protobuf")
    sys.exit(77)

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
PROTOC = os.environ["PROTOC"]
SEED = int(os.environ.get("SLUICE_SEED", "7"))
COUNT = int(os.environ.get("SLUICE_COUNT", "400"))
KINDS = ROOT / "tests/unit/schema"
SERVICE = 'syntax = "proto3"; package kinds; import "kinds2.proto"; import "kinds3.proto";' \
          "service S { rpc Three(stream sluice.test3.Kinds) returns (stream sluice.test3.Kinds);" \
          "rpc Two(stream sluice.test2.Kinds) returns (stream sluice.test2.Kinds); }"
TYPES = {"/kinds.S/Three": "sluice.test3.Kinds", "/kinds.S/Two": "sluice.test2.Kinds"}


class Json(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        (cls.path / "service.proto").write_text(SERVICE)
        cls.set = cls.path / "set.binpb"
        subprocess.run([PROTOC, f"-I{cls.path}", f"-I{KINDS}", "--include_imports", "-o", cls.set, "service.proto"], check=True)
        cls.pool, class_of = load(cls.set)
        cls.class_of = staticmethod(class_of)
        cls.rng = random.Random(SEED)
        cls.maker = Maker(cls.rng, cls.pool, class_of)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def inspect(self, capture, *args):
        """The records of a capture with these types."""
        capture.write(self.path / "kinds.pcap")
        done = subprocess.run([INSPECTOR, *args, self.path / "kinds.pcap"], capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def equal(self, record, message, name, **options):
        where = f"seed {SEED}: {record}"
        self.assertEqual(record["message_type"], name, where)
        back = json_format.ParseDict(record["json"], self.class_of(name)(), descriptor_pool=self.pool, **options)
        self.assertEqual(back, message, where)

    def test_random_messages_read_back(self):
        capture, wanted = Capture(), []
        for path, name in TYPES.items():
            messages = [self.maker.message(name) for _ in range(COUNT // 2)]
            bytes_of = [message.SerializeToString() if self.rng.random() < 0.3 else
                        shuffled(self.rng, message.SerializeToString()) for message in messages]
            capture.call(path, bytes_of[::2], bytes_of[1::2])
            wanted += [(name, message) for message in messages[::2] + messages[1::2]]
        for types in (("-d", self.set), ("-I", self.path, "-I", KINDS)):
            records = self.inspect(capture, "--view", "messages", *types)
            self.assertEqual(len(records), len(wanted))
            for record, (name, message) in zip(records, wanted):
                self.assertNotIn("unknown", record)
                self.assertTrue(record["complete"])
                self.equal(record, message, name)

    def test_fields_of_a_newer_schema_stand_beside_it(self):
        capture, wanted = Capture(), []
        name = "sluice.test3.Kinds"
        for _ in range(50):
            message = self.maker.message(name)
            message.a_message.SetInParent()
            wanted.append(message)
            newer = b"\xf8\xff\x03\x07" + b"\x5a\x05\xf2\x3f\x02hi"  # of the message, and of a_message
            capture.call("/kinds.S/Three", [message.SerializeToString() + newer], [])
        for record, message in zip(self.inspect(capture, "-d", self.set, "--view", "messages"), wanted):
            self.equal(record, message, name)
            self.assertEqual(record["unknown"], [
                {"field": 1022, "type": "string", "value": "hi", "path": "$.aMessage"},
                {"field": 8191, "type": "varint", "value": 7}], record)

    def test_bytes_that_are_no_such_message_are_told(self):
        capture = Capture()
        capture.call("/kinds.S/Three", [b"\x28\x05\x4a\x05ab"], [b"\x4a\x02\xff\xfe"])
        record, = self.inspect(capture, "-d", self.set)
        for side, known, text in (("request", {"anInt32": 5}, "$: the bytes are cut short"),
                                  ("response", {"aString": "\ufffd\ufffd"}, "$.aString: a string is not valid UTF-8")):
            message, = record[side]["messages"]
            self.assertEqual(message["json"], known)
            problem, = message["problems"]
            self.assertEqual(problem["code"], "message_malformed")
            self.assertIn(text, problem["text"])


if __name__ == "__main__":
    unittest.main()
