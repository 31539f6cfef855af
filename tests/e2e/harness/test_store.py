# SPDX-License-Identifier: Apache-2.0
"""A scenario of a service that is neither chat nor health, by its schema alone, against grpcio; each wrong server fails."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

from support import Folder, Run, harness

HERE = Path(__file__).resolve().parent / "store"
SCENARIO = HERE / "store.json"
PROTO = HERE / "store.proto"
WRONG = {"number": "STO-01", "loss": "STO-01", "twice": "STO-01", "load": "STO-01", "echo": "STO-02",
         "trailers": "STO-01"}
REFLECTION = {
    "silence": "not all was answered within 1",
    "ends": "the server ended the call: INTERNAL: cannot",
    "noise": "the server gave an answer",
    "nothing": "the server gave an answer without files or an error",
    "garbage": "the server gave a file that is no FileDescriptorProto",
    "huge": "the server ended the call: RESOURCE_EXHAUSTED",
    "missing": "the server has no file gone.proto (error 5: not?[31m here)",
    "chain": "the server gave imports more than 64 deep, down to f64.proto",
    "wide": "the server gave more than 4096 files",
    "long": "the server gave a name of 5000 bytes",
}


class Store(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.set = cls.folder.path / "store.pb"
        subprocess.run([os.environ["PROTOC"], f"-I{HERE}", f"--python_out={cls.folder.path}",
                        f"--descriptor_set_out={cls.set}", "store.proto"], check=True)
        # From the folder it lies in: the folder grpc/ of the generated code would hide the package grpc.
        reflection = Path(os.environ["SLUICE_SOURCE"], "proto", "grpc", "reflection", "v1")
        subprocess.run([os.environ["PROTOC"], f"-I{reflection}", f"--python_out={cls.folder.path}",
                        "reflection.proto"], check=True)
        cls.set_mode("", "")
        cls.server = subprocess.Popen([sys.executable, HERE / "server.py", cls.folder.path], stdout=subprocess.PIPE, text=True)
        cls.address = f"127.0.0.1:{int(cls.server.stdout.readline())}"

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()
        cls.server.stdout.close()
        cls.folder.held.cleanup()

    @classmethod
    def set_mode(cls, wrong, reflection):
        (cls.folder.path / "mode").write_text(f"{wrong}\n{reflection}")

    def run_on(self, wrong, *schema, reflection=""):
        self.set_mode(wrong, reflection)
        return Run(self.folder, SCENARIO, *schema, target=("--target", self.address), profile="seed")

    def test_it_passes_by_the_proto_alone(self):
        run = self.run_on("", "--proto", PROTO)
        self.assertEqual(run.status, 0, run)

    def test_it_passes_by_the_folder_alone(self):
        run = self.run_on("", "-I", HERE)
        self.assertEqual(run.status, 0, run)

    def test_it_passes_by_the_descriptor_set_alone(self):
        run = self.run_on("", "-d", self.set)
        self.assertEqual(run.status, 0, run)

    def test_without_a_schema_it_is_a_mistake(self):
        run = self.run_on("")
        self.assertEqual(run.status, 2, run)
        self.assertIn("/store.v1.Store/Watch", run.done.stderr)
        self.assertIn("the server has no reflection", run.done.stderr)

    def test_it_passes_by_reflection_alone(self):
        for reflection in ("good", "good:v1", "good:v1alpha", "cycle", "unneeded"):
            with self.subTest(reflection):
                run = self.run_on("", reflection=reflection)
                self.assertEqual(run.status, 0, run)

    def test_a_wrong_server_fails_by_reflection_too(self):
        run = self.run_on("twice", reflection="good:v1alpha")
        self.assertEqual(run.status, 1, run)
        self.assertIn("[STO-01]", run.done.stdout)

    def test_wrong_reflection_is_a_clear_error(self):
        for reflection, text in REFLECTION.items():
            with self.subTest(reflection):
                run = self.run_on("", reflection=reflection)
                self.assertEqual(run.status, 2, run)
                self.assertIn("no schema knows the method /store.v1.Store/", run.done.stderr)
                self.assertIn("asked by reflection: " + text, run.done.stderr)
                self.assertNotIn("\x1b", run.done.stderr)

    def test_a_schema_that_is_given_needs_no_reflection(self):
        run = self.run_on("", "--proto", PROTO, reflection="garbage")
        self.assertEqual(run.status, 0, run)

    def test_each_wrong_server_fails_by_its_rule(self):
        for wrong, rule in WRONG.items():
            with self.subTest(wrong):
                run = self.run_on(wrong, "--proto", PROTO)
                self.assertEqual(run.status, 1, run)
                self.assertIn(f"[{rule}]", run.done.stdout)

    def test_check_knows_the_schema(self):
        self.assertEqual(harness("check", "--proto", PROTO, SCENARIO).returncode, 0)
        text = SCENARIO.read_text().replace('"key": "k{n}"}', '"keyy": "k{n}"}')
        found = harness("check", "--proto", PROTO, self.folder.write("bad.json", text))
        self.assertEqual(found.returncode, 1, found.stdout)
        self.assertIn("keyy", found.stdout)


if __name__ == "__main__":
    unittest.main()
