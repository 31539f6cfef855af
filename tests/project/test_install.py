#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What cmake --install leaves in an empty prefix works from there alone: from any folder, when the prefix is moved, and
by a symlink; its manual pages and completions are whole.

SLUICE_BUILD, the build tree, comes from the environment.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ["SLUICE_BUILD"]
PROGRAMS = ["sluice-server", "sluice-harness", "sluice-inspector"]


def run(words, **more):
    more.setdefault("env", {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")})
    return subprocess.run(words, capture_output=True, text=True, timeout=90, check=False, **more)


def commands(program):
    """The subcommands, as the program itself tells them."""
    shown = run([program, "--help=words"])
    assert shown.returncode == 0, shown.stderr
    return [line.split("\t")[0] for line in shown.stdout.splitlines() if not line.startswith("-")]


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # made where it does not stay: what remembers the first place is found out by all tests
        cls.folder = tempfile.mkdtemp(prefix="sluice-install.")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        first = os.path.join(cls.folder, "first")
        done = run(["cmake", "--install", BUILD, "--prefix", first])
        assert done.returncode == 0, done.stderr
        cls.prefix = os.path.join(cls.folder, "moved here")
        os.rename(first, cls.prefix)
        cls.elsewhere = os.path.join(cls.folder, "elsewhere")
        os.mkdir(cls.elsewhere)

    def program(self, name):
        return os.path.join(self.prefix, "bin", name)

    def pages(self):
        folder = os.path.join(self.prefix, "share/man/man1")
        return {name: os.path.join(folder, name) for name in os.listdir(folder)}

    def test_everything_is_there(self):
        for path in ["share/sluice/scenarios/profiles/seed.json", "share/sluice/scenarios/scenario.schema.json",
                     "share/sluice/proto/chat/v1/chat.proto", "share/sluice/proto/CONTRACT.md", "share/sluice/probe.json",
                     "share/doc/sluice/LICENSE", "share/doc/sluice/README.md", "share/doc/sluice/docs/HARNESS.md",
                     "lib/systemd/system/sluice-server.service", "share/zsh/site-functions/_sluice"]:
            self.assertTrue(os.path.isfile(os.path.join(self.prefix, path)), path)
        for name in PROGRAMS:
            self.assertTrue(os.access(self.program(name), os.X_OK), name)
            self.assertTrue(os.path.isfile(os.path.join(self.prefix, "share/bash-completion/completions", name)), name)
            self.assertTrue(os.path.isfile(os.path.join(self.prefix, f"share/fish/vendor_completions.d/{name}.fish")), name)
            self.assertEqual(run([self.program(name), "--version"]).stdout.split()[0], name)
        files = [os.path.join(folder, name) for folder, _, names in os.walk(self.prefix) for name in names]
        self.assertFalse([name for name in files if re.search(r"\.(a|o|py|cmake)$|/lib[^/]*\.so", name)])

    def test_nothing_names_the_build_tree(self):
        for name in PROGRAMS:
            with open(self.program(name), "rb") as file:
                self.assertNotIn(os.path.join(BUILD, "bin").encode(), file.read(), name)
            headers = run(["readelf", "-d", self.program(name)]).stdout
            self.assertNotRegex(headers, "R(UN)?PATH", name)

    def test_scenarios_are_found_from_elsewhere(self):
        os.symlink(self.program("sluice-harness"), os.path.join(self.elsewhere, "by-link"))
        for name in [self.program("sluice-harness"), "./by-link", os.path.join("..", "moved here", "bin", "sluice-harness")]:
            listed = run([name, "list", "--json"], cwd=self.elsewhere)
            self.assertEqual(listed.returncode, 0, listed.stderr)
            self.assertGreater(len([json.loads(line)["id"] for line in listed.stdout.splitlines()]), 50, name)
        by_path = dict(PATH=os.path.join(self.prefix, "bin") + ":/usr/bin:/bin")
        self.assertEqual(run(["sluice-harness", "list"], cwd="/", env=by_path).returncode, 0)
        explained = run([self.program("sluice-harness"), "explain", "SUB-04"], cwd=self.elsewhere)
        self.assertEqual(explained.returncode, 0, explained.stderr)

    def test_a_scenario_is_played_and_its_capture_read(self):
        capture = os.path.join(self.elsewhere, "run.pcapng")
        server = f"'{self.program('sluice-server')}' --listen 127.0.0.1:{{port}}"
        played = run([self.program("sluice-harness"), "run", "contract/send-message", "--exec", server, "--profile", "reference",
                      "--capture", capture], cwd=self.elsewhere)
        self.assertEqual(played.returncode, 0, played.stdout + played.stderr)
        read = run([self.program("sluice-inspector"), capture], cwd=self.elsewhere)
        self.assertEqual(read.returncode, 0, read.stderr)
        methods = {json.loads(line)["method"] for line in read.stdout.splitlines()}
        self.assertIn("/chat.v1.ChatService/SendMessage", methods)

    def test_each_command_has_its_page(self):
        expected = set()
        for name in PROGRAMS:
            expected |= {f"{name}.1"} | {f"{name}-{command}.1" for command in commands(self.program(name))}
        self.assertIn("sluice-harness-run.1", expected)
        self.assertEqual(set(self.pages()), expected)

    def test_a_form_of_help_that_is_none_is_refused(self):
        for name in PROGRAMS:
            asked = run([self.program(name), "--help=html"])
            self.assertEqual((asked.returncode, asked.stdout), (2, ""), name)
            self.assertIn("man and words", asked.stderr)

    def test_pages_have_their_parts(self):
        for name, path in self.pages().items():
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for part in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS"]:
                self.assertRegex(text, rf"(?m)^\.SH {part}$", name)
            self.assertRegex(text, r"^\.TH \S+ 1 \d{4}-\d\d-\d\d ", name)

    @unittest.skipUnless(shutil.which("man"), "there is no man here")
    def test_pages_are_rendered_without_warnings(self):
        for name, path in self.pages().items():
            shown = run(["man", "--warnings", "-l", path],
                        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANPAGER": "cat"})
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), name)
            self.assertIn("EXIT STATUS", shown.stdout, name)
            for line in shown.stdout.splitlines():
                self.assertNotIn("\\f", line, name)

    @unittest.skipUnless(shutil.which("mandoc"), "there is no mandoc here")
    def test_pages_are_clean_for_mandoc(self):
        for name, path in self.pages().items():
            self.assertEqual(run(["mandoc", "-Tlint", path]).stdout, "", name)

    def complete(self, line):
        """What bash would offer at the end of the line."""
        words = line.split(" ")
        script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf "%s\\n" "${COMPREPLY[@]}"')
        words[0] = self.program(words[0])
        completion = os.path.join(self.prefix, "share/bash-completion/completions/sluice-harness")
        done = run(["bash", "-uc", script, "bash", completion, *words], cwd=self.elsewhere)
        self.assertEqual((done.returncode, done.stderr), (0, ""), line)
        return done.stdout.split()

    def test_bash_completes(self):
        self.assertEqual(self.complete("sluice-harness cal"), ["calibrate"])
        self.assertIn("--target", self.complete("sluice-harness run --t"))
        self.assertEqual(self.complete("sluice-inspector --vi"), ["--view"])
        self.assertIn("contract/send-message", self.complete("sluice-harness run contract/"))
        self.assertEqual(self.complete("sluice-server --frontend "), ["grpc", "h2"])
        self.assertEqual(self.complete("sluice-harness run --exec "), [])

    def test_components(self):
        prefix = os.path.join(self.folder, "part")
        for part in ["harness", "inspector"]:
            done = run(["cmake", "--install", BUILD, "--prefix", prefix, "--component", part])
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(os.listdir(os.path.join(prefix, "bin"))), {"sluice-harness", "sluice-inspector"})
        self.assertEqual(run([os.path.join(prefix, "bin/sluice-harness"), "list"], cwd=self.elsewhere).returncode, 0)

    def test_destdir(self):
        stage = os.path.join(self.folder, "stage")
        done = run(["cmake", "--install", BUILD, "--prefix", "/usr"], env={**os.environ, "DESTDIR": stage})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(stage), ["usr"])
        self.assertEqual(run([os.path.join(stage, "usr/bin/sluice-harness"), "list"], cwd="/").returncode, 0)


if __name__ == "__main__":
    unittest.main()
