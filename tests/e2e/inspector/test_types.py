# SPDX-License-Identifier: Apache-2.0
"""Where the types of sluice-inspector come from: folders, files and descriptor sets of any tool, what is missing in them,
and what is there twice."""
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from capture_writer import Capture  # noqa: E402

INSPECTOR = os.environ["SLUICE_INSPECTOR"]
PROTOC = os.environ["PROTOC"]
FILES = {
    "shop/item.proto": 'syntax = "proto3"; package shop; message Item { string name = 1; int64 price = 2; }',
    "shop/shop.proto": 'syntax = "proto3"; package shop; import "shop/item.proto"; import "google/rpc/status.proto";'
                       "service Shop { rpc Buy(Item) returns (Receipt); }"
                       "message Receipt { Item item = 1; google.rpc.Status status = 2; }",
}
ITEM = {"name": "tea", "price": "7"}
RECEIPT = {"item": ITEM, "status": {"code": 5}}
# The bytes of both, and buf's extension of a file in its images: is_import, module_info.
CALL = (b"\x0a\x03tea\x10\x07", b"\x0a\x07\x0a\x03tea\x10\x07\x12\x02\x08\x05")
BUF_EXTENSION = b"\xd2\xf6\x03\x06\x08\x01\x12\x02\x0a\x00"


class Types(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.put(FILES)
        capture = Capture()
        capture.call("/shop.Shop/Buy", [CALL[0]], [CALL[1]])
        capture.write(self.path / "shop.pcap")

    def put(self, files, below="p"):
        for name, text in files.items():
            path = self.path / below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def compile(self, name, *args, below="p"):
        out = self.path / name
        subprocess.run([PROTOC, f"-I{self.path / below}", f"-I{ROOT / 'proto'}", "-o", out, *args], check=True)
        return out

    def inspect(self, *args, env=None):
        """The json of both messages, and the lines of stderr."""
        done = subprocess.run([INSPECTOR, "--view", "messages", *args, self.path / "shop.pcap"], capture_output=True,
                              text=True, timeout=30, env=env, cwd=self.path)
        self.status = done.returncode
        return [json.loads(line).get("json") for line in done.stdout.splitlines()], done.stderr.splitlines()

    def test_a_set_may_have_imports_info_and_extensions_and_be_compressed(self):
        whole = self.compile("whole.binpb", "--include_imports", "--include_source_info", "shop/shop.proto")
        files = [self.compile("one.binpb", f"shop/{name}.proto").read_bytes() for name in ("item", "shop")]
        image = b""
        for file in files:  # field 1 of the image, with the extension at the end of each file
            length, body = file[1:].split(b"\x0a", 1)
            body = b"\x0a" + body + BUF_EXTENSION
            self.assertLess(len(length), 3)
            image += b"\x0a" + bytes([len(body) & 0x7f | 0x80, len(body) >> 7]) + body
        for name, content in (("whole", whole.read_bytes()), ("whole.gz", gzip.compress(whole.read_bytes())),
                              ("image", image), ("twice", b"".join(files) * 2)):
            with self.subTest(name=name):
                (self.path / "set").write_bytes(content)
                self.assertEqual(self.inspect("-d", "set"), ([ITEM, RECEIPT], []))

    def test_imports_that_are_missing_come_from_another_set_or_are_told(self):
        shop = self.compile("shop.binpb", "shop/shop.proto")
        item = self.compile("item.binpb", "shop/item.proto")
        self.assertEqual(self.inspect("-d", shop, "-d", item, "-d", shop), ([ITEM, RECEIPT], []))
        messages, told = self.inspect("-d", shop)
        self.assertEqual((self.status, messages), (0, [None, {"status": {"code": 5}}]))
        self.assertEqual(len(told), 1)
        self.assertIn("shop.Item is declared by no file", told[0])

    def test_types_that_differ_are_told_and_the_first_is_taken(self):
        old = self.compile("old.binpb", "--include_imports", "shop/shop.proto")
        self.put({"shop/item.proto": FILES["shop/item.proto"].replace("price = 2", "cost = 2"),
                  "shop/shop.proto": FILES["shop/shop.proto"] + "// the same"})
        new = self.compile("new.binpb", "--include_imports", "shop/shop.proto")
        messages, told = self.inspect("-d", new, "-d", old)
        self.assertEqual(messages[0], {"name": "tea", "cost": "7"})
        self.assertEqual(len(told), 1)
        self.assertIn("shop.Item of shop/item.proto was declared otherwise", told[0])

    def test_a_part_of_a_built_in_file_is_enough(self):
        self.put({"google/rpc/status.proto": 'syntax = "proto3"; package google.rpc; message Status { int32 number = 1; }'})
        for args in (("-I", "p"), ("-d", self.compile("own.binpb", "--include_imports", "shop/shop.proto"))):
            messages, told = self.inspect(*args)
            self.assertEqual((messages[1]["status"], told), ({"number": 5}, []))

    def test_a_file_that_does_not_compile_is_told_with_its_line_and_the_others_load(self):
        self.put({"bad.proto": 'syntax = "proto3";\nmessage {', "lost.proto": '\nimport "nowhere.proto";',
                  "behind.proto": 'import "bad.proto";', **{f"good{i}.proto": "" for i in range(9)}})
        messages, told = self.inspect("-I", "p")
        self.assertEqual((self.status, messages), (0, [ITEM, RECEIPT]))
        self.assertEqual(len(told), 3, told)
        for name, text in (("bad.proto:2:9: ", "Expected message name"), ("lost.proto:2:1: ", "nowhere.proto: File not found"),
                           ("behind.proto:1:1: ", "bad.proto:2:9: ")):
            self.assertTrue(any(name in line and text in line for line in told), told)

    def test_the_folder_that_imports_are_relative_to_is_found(self):
        self.put({"other/a.proto": 'syntax = "proto3"; package other; import "other/none.proto";'}, below="q/api")
        for args in (("-I", "."), ("-I", ".", "-I", "p")):
            messages, told = self.inspect(*args)
            self.assertEqual((self.status, messages), (0, [ITEM, RECEIPT]), told)
            self.assertEqual(told[0].endswith("imports are looked up under ./p too"), len(args) == 2)
            self.assertIn("none.proto: File not found", told[-1])
            self.assertLess(len(told), 3, told)

    def test_files_that_package_managers_put_there_are_passed_over(self):
        broken = "no proto at all"
        self.put({f"{place}/broken.proto": broken for place in ("venv/lib/site-packages", "node_modules", ".hidden")})
        messages, told = self.inspect("-I", self.path / "p")
        self.assertEqual((messages, told), ([ITEM, RECEIPT], []))
        self.put({"broken.proto": broken}, below="p/node_modules/mine")
        self.assertIn("broken.proto", self.inspect("-I", self.path / "p/node_modules/mine")[1][0])

    def test_many_files_that_do_not_compile_are_counted(self):
        self.put({f"bad{i}.proto": "message {" for i in range(20)})
        messages, told = self.inspect("-I", "p")
        self.assertEqual((self.status, messages, len(told)), (0, [ITEM, RECEIPT], 17))
        self.assertIn("4 more files do not compile", told[-1])

    def test_a_proto_is_found_below_the_includes(self):
        for args in (("-I", "p", "--proto", "shop/shop.proto"), ("-I", "p", "--proto", "p/shop/shop.proto")):
            self.assertEqual(self.inspect(*args), ([ITEM, RECEIPT], []))
        self.put({"bad.proto": 'syntax = "proto3";\nmessage {'})
        for name, text in (("bad.proto", "bad.proto:2:9: "), ("none.proto", "none.proto: not found")):
            messages, told = self.inspect("-I", "p", "--proto", name)
            self.assertEqual((self.status, messages, len(told)), (2, [], 1))
            self.assertIn(text, told[0])

    def test_what_is_no_set_is_told(self):
        for content, text in ((b"", "no FileDescriptorSet"), (b"\x10\x05", "no FileDescriptorSet"),
                              (b"\x0a\x05ab", "cut short"), (b"{}", "JSON"), (b'syntax = "proto3";', ".proto file"),
                              (b'file { name: "a" }', "text format"), (gzip.compress(b"\x0a\x00")[:-9], "damaged"),
                              (b"\x28\xb5\x2f\xfd\x00", "damaged"), (gzip.compress(bytes(1 << 27)), "more than")):
            with self.subTest(content=content[:20]):
                (self.path / "set").write_bytes(content)
                messages, told = self.inspect("-d", "set")
                self.assertEqual((self.status, messages, len(told)), (2, [], 1))
                self.assertIn(text, told[0])

    def test_without_protoc_sets_go_on_working(self):
        whole = self.compile("whole.binpb", "--include_imports", "shop/shop.proto")
        env = dict(os.environ, PATH="/nowhere")
        self.assertEqual(self.inspect("-d", whole, env=env), ([ITEM, RECEIPT], []))
        for args in (("-I", "p"), ("--proto", "p/shop/item.proto"), ("-d", whole, "-I", "p")):
            messages, told = self.inspect(*args, env=env)
            self.assertEqual((self.status, messages, len(told)), (2, [], 1))
            self.assertIn("protobuf-compiler", told[0])

    def test_nothing_is_left_behind(self):
        (self.path / "tmp").mkdir()
        env = dict(os.environ, TMPDIR=str(self.path / "tmp"))
        self.put({"bad.proto": "message {"})
        self.inspect("-I", "p", env=env)
        self.inspect("-I", "p", "--proto", "bad.proto", env=env)
        self.assertEqual(list((self.path / "tmp").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
