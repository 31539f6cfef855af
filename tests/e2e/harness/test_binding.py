# SPDX-License-Identifier: Apache-2.0
"""`--binding`: the checks of the wire by other methods than those of chat."""
import json
import os
import shutil
import unittest
from pathlib import Path

import jsonschema
from support import EXEC, Folder, harness
from test_hostile import Hostile

BINDINGS = Path(os.environ["SLUICE_SOURCE"]) / "scenarios" / "bindings"
H2 = f"{EXEC} --frontend h2"
ETCD = ("exec etcd --data-dir '{data}' --listen-client-urls http://127.0.0.1:{{port}} --advertise-client-urls "
        "http://127.0.0.1:{{port}} --listen-peer-urls http://127.0.0.1:0 --log-level error")
# Of each role one, and one that only chat has.
SOME = ["wire/content-types", "wire/window-update-zero", "wire/headers-end", "wire/frame-lengths", "wire/padded-data"]


def run(folder, scenarios, binding, command, *more):
    done = harness("run", *scenarios, "--binding", binding, "--exec", command, "--jobs", 4, "--seed", 1,
                   "--report", f"json={folder.path}/report.json", *more)
    return done, json.loads((folder.path / "report.json").read_text())


class Binding(unittest.TestCase):
    def test_health_runs_what_it_can_and_says_what_the_others_need(self):
        with Folder() as folder:
            done, report = run(folder, SOME, "health", H2, "--evidence", folder.path / "e")
            results = {result["id"]: result for result in report["results"]}
            self.assertEqual({name: results[name]["verdict"] for name in SOME},
                             {"wire/content-types": "pass", "wire/window-update-zero": "skip",
                              "wire/headers-end": "skip", "wire/frame-lengths": "pass", "wire/padded-data": "skip"}, done.stdout)
            self.assertEqual(results["wire/headers-end"]["reason"].split(" ($")[0], "needs a bidi method")
            self.assertIn("the binding health has none", results["wire/headers-end"]["reason"])
            self.assertIn("needs the service chat.v1", results["wire/padded-data"]["reason"])
            self.assertEqual(report["binding"], "health")
            self.assertIn("binding health", done.stdout)
            head = json.loads((folder.path / "e" / "decisions.jsonl").read_text().splitlines()[0])
            self.assertEqual(head["binding"], "health")

    def test_a_target_without_its_methods_is_told_of_bindings(self):
        with Folder() as folder:
            path = folder.write("b.json", {"schema": "sluice.binding/1", "unary": {"method": "/no.Such/Method", "hex": ""}})
            done, _ = run(folder, ["wire/content-types"], path, H2)
            self.assertIn("the target answered the first call so: UNIMPLEMENTED", done.stderr)
            self.assertIn("Look first: whether the server has the methods of this binding", done.stderr)

    def test_a_server_that_is_no_chat_is_told_what_judges_it(self):
        server = Hostile(b"unknown service chat.v1.ChatService", b"12")
        self.addCleanup(server.close)
        done = harness("run", "wire/te-missing", "--target", server.address)
        self.assertIn("so: UNIMPLEMENTED: unknown service", done.stderr)
        self.assertIn("'--tag wire --binding health'", done.stderr)

    def test_where_no_scenario_is_made_by_a_binding_the_tags_are_told(self):
        done = harness("run", "contract/chat", "--binding", "health", "--exec", H2)
        self.assertEqual(done.returncode, 4)
        self.assertIn("--tag wire and --tag abuse are what a binding is for", done.stderr)

    def test_what_fails_is_played_again_by_the_same_binding(self):
        with Folder() as folder:
            _, report = run(folder, ["wire/content-types"], "health", f"{H2} --misbehave content-type-proto-refused")
            self.assertEqual([r["verdict"] for r in report["results"]], ["fail"])
            self.assertIn("--binding 'health'", report["results"][0]["rerun"])

    def test_any_method_may_play_a_role(self):
        binding = {"schema": "sluice.binding/1",
                   "unary": {"method": "/grpc.health.v1.Health/Check", "request": {"service": ""}, "reply_bytes": 7,
                             "takes": ["empty", "chat"]},
                   "server_stream": {"method": "/grpc.health.v1.Health/Watch", "hex": ""},
                   "bidi": {"method": "/chat.v1.ChatService/ChatRoom", "request": {"room_id": "a", "text": "b"}}}
        with Folder() as folder:
            path = folder.write("b.json", binding)
            _, report = run(folder, SOME, path, H2)
            verdicts = {result["id"]: result["verdict"] for result in report["results"]}
            self.assertEqual(verdicts["wire/window-update-zero"], "pass")
            self.assertEqual(verdicts["wire/headers-end"], "pass")

    def test_mistakes_name_file_line_and_path(self):
        with Folder() as folder:
            path = folder.write("b.json", '{"schema": "sluice.binding/1",\n "unary": {"method": "Check"}}')
            done = harness("run", "wire/te", "--binding", path, "--target", "127.0.0.1:1")
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{path}:2: $.unary.method: wanted", done.stderr)
            done = harness("run", "wire/te", "--binding", "heath", "--target", "127.0.0.1:1")
            self.assertEqual(done.returncode, 2)
            self.assertIn("did you mean 'health'?", done.stderr)

    def test_list_says_what_runs_and_how_much_that_is(self):
        done = harness("list", "wire/*", "--binding", "health")
        self.assertRegex(done.stdout, r"by the binding health \d+ of the \d+ rules of level M are checked")
        lines = [json.loads(line) for line in harness("list", "wire/window-update-zero", "--json").stdout.splitlines()]
        self.assertEqual(lines[0]["methods"], ["unary", "server-stream", "bidi", "half-close"])

    def test_files_in_the_tree_are_of_the_schema(self):
        schema = json.loads(harness("schema", "binding").stdout)
        jsonschema.Draft7Validator.check_schema(schema)
        for path in BINDINGS.glob("*.json"):
            jsonschema.validate(json.loads(path.read_text()), schema)
            self.assertEqual(harness("list", "wire/te", "--binding", path).returncode, 0, path)

    @unittest.skipUnless(shutil.which("etcd"), "etcd-server is not installed")
    def test_etcd_is_judged_by_its_own_methods(self):
        with Folder() as folder:
            command = ETCD.format(data=folder.path / "data")
            done, report = run(folder, SOME, BINDINGS / "etcd.json", command)
            verdicts = {result["id"]: result["verdict"] for result in report["results"]}
            self.assertEqual(verdicts["wire/content-types"], "pass", done.stdout)
            self.assertIn("outlives the end of the client's side", done.stdout, "Watch ends with the client's side")


if __name__ == "__main__":
    unittest.main()
