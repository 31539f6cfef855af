#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What deploy/ says of the server is true of the server that was built, as far as that shows without systemd and Docker.

SLUICE_SERVER, SLUICE_HARNESS and SLUICE_BUILD (the build tree, for the installation) come from the environment.
"""
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER = os.environ["SLUICE_SERVER"]
HARNESS = os.environ["SLUICE_HARNESS"]
PROBE = os.path.join(ROOT, "deploy/probe.json")
DRAIN_REST_SECONDS = 10  # what a drain may take behind its grace: resets, spans, the end of the log


def text(name):
    with open(os.path.join(ROOT, "deploy", name), encoding="utf-8") as file:
        return file.read()


def documents(name):
    return list(yaml.safe_load_all(text(name)))


def seconds(value):
    return int(re.fullmatch(r"(\d+)s", value)[1])


def grace_of(words):
    return seconds(words[words.index("--drain-grace") + 1])


def instructions(name="deploy/Dockerfile"):
    """A Dockerfile's instructions: (name, rest), continued lines joined."""
    lines = [line for line in text("../" + name).splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def unit_of(unit):
    """The unit's settings, each a list, because systemd lets many be repeated."""
    settings = {}
    for line in unit.splitlines():
        if line and line[0] not in "#[":
            key, value = line.split("=", 1)
            settings.setdefault(key, []).append(value)
    return settings


class Deploy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shown = subprocess.run([SERVER, "--help"], check=True, capture_output=True, text=True, timeout=20).stdout
        cls.options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", shown, re.M))

    def assert_options(self, words, where):
        named = [word for word in words if word.startswith("--")]
        self.assertTrue(named, where)
        for word in named:
            self.assertIn(word, self.options, f"{where} names an option that the server does not have")

    def test_unit(self):
        unit = unit_of(text("sluice-server.service"))
        words = shlex.split(unit["ExecStart"][0])
        self.assertEqual(words[0], "@BINDIR@/sluice-server")
        self.assert_options(words, "sluice-server.service")
        self.assertGreaterEqual(seconds(unit["TimeoutStopSec"][0]), grace_of(words) + DRAIN_REST_SECONDS)
        for key, value in {"ExecReload": "/bin/kill -HUP $MAINPID", "KillSignal": "SIGTERM", "DynamicUser": "yes",
                           "NoNewPrivileges": "yes", "ProtectSystem": "strict"}.items():
            self.assertEqual(unit.get(key), [value], key)
        self.assertGreater(int(unit["LimitNOFILE"][0]), 50000, "less than --max-connections")

    def test_installation(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", os.environ["SLUICE_BUILD"], "--prefix", prefix], check=True,
                           capture_output=True, timeout=60)
            path = os.path.join(prefix, "lib/systemd/system/sluice-server.service")
            with open(path, encoding="utf-8") as file:
                program = shlex.split(unit_of(file.read())["ExecStart"][0])[0]
            self.assertEqual(program, os.path.join(prefix, "bin/sluice-server"))
            self.assertTrue(os.access(program, os.X_OK))
            self.assertTrue(os.path.exists(os.path.join(prefix, "share/sluice/probe.json")))
            if shutil.which("systemd-analyze"):
                run = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60,
                                     check=False)
                # it looks at all units that this one needs: only lines about this one count
                self.assertEqual([line for line in run.stderr.splitlines() if "sluice-server" in line], [])

    def test_dockerfiles(self):
        for dockerfile in ["deploy/Dockerfile", "ci/Dockerfile"]:
            copied, user = [], None
            for name, rest in instructions(dockerfile):
                words = rest.split()
                if name == "COPY" and not words[0].startswith("--from"):
                    copied += words[:-1]
                elif name == "RUN":
                    self.assertNotRegex(rest, r"\bapt(-get)? ", "ci/setup is what installs packages")
                    for path in re.findall(r"\bci/[a-z/-]+", rest):
                        self.assertTrue(os.access(os.path.join(ROOT, path), os.X_OK), path)
                elif name == "USER":
                    user = rest
            self.assertEqual(copied, ["ci/setup", ".", "ci/setup"])
            self.assertRegex(user, r"^[1-9]\d*:[1-9]\d*$")

    def test_dockerfile_of_the_server(self):
        rest = dict(instructions())
        self.assert_options(json.loads(rest["CMD"]), "Dockerfile")
        self.assertIn("/usr/local/share/sluice/probe.json", rest["HEALTHCHECK"])

    def test_libraries_of_the_programs(self):
        shown = subprocess.run([os.path.join(ROOT, "ci/setup"), "--libraries-of", SERVER, HARNESS], check=True, text=True,
                               capture_output=True, timeout=60).stdout.splitlines()
        self.assertIn("ca-certificates", shown)
        self.assertTrue([name for name in shown if name.startswith("libgrpc")])
        self.assertTrue([name for name in shown if name.startswith("libuv1")])
        self.assertEqual([name for name in shown if "-dev" in name or not re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", name)], [])

    def test_dockerfile_presets(self):
        with open(os.path.join(ROOT, "CMakePresets.json"), encoding="utf-8") as file:
            presets = {preset["name"] for preset in json.load(file)["buildPresets"]}
        self.assertLessEqual(set(re.findall(r"--preset (\w+)", text("Dockerfile"))), presets)

    def test_compose(self):
        services = documents("compose.yaml")[0]["services"]
        server = services["server"]
        self.assert_options(server["command"], "compose.yaml")
        self.assertGreaterEqual(seconds(server["stop_grace_period"]), grace_of(server["command"]) + DRAIN_REST_SECONDS)
        build = server["build"]
        self.assertTrue(os.path.exists(os.path.join(ROOT, "deploy", build["context"], build["dockerfile"])))
        for service in services.values():
            for volume in service.get("volumes", []):
                self.assertTrue(os.path.isfile(os.path.join(ROOT, "deploy", volume.split(":")[0])), volume)
        ports = {word.rsplit(":", 1)[1] for word in server["command"] if ":" in word}
        cluster = documents("envoy.yaml")[0]["static_resources"]["clusters"][0]["load_assignment"]
        address = cluster["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
        scraped = documents("prometheus.yml")[0]["scrape_configs"][0]["static_configs"][0]["targets"][0].split(":")
        self.assertEqual({address["address"], scraped[0]}, {"server"})
        self.assertEqual({str(address["port_value"]), scraped[1]}, ports)

    def test_kubernetes(self):
        deployment, service = documents("kubernetes.yaml")
        pod = deployment["spec"]["template"]["spec"]
        container = pod["containers"][0]
        self.assert_options(container["args"], "kubernetes.yaml")
        self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], grace_of(container["args"]) + DRAIN_REST_SECONDS)
        listening = container["args"][container["args"].index("--listen") + 1]
        self.assertEqual(str(container["readinessProbe"]["grpc"]["port"]), listening.rsplit(":", 1)[1])
        self.assertEqual(service["spec"]["selector"], deployment["spec"]["template"]["metadata"]["labels"])

    def test_yaml_is_read_whole(self):
        for path in glob.glob(os.path.join(ROOT, "deploy/*.y*ml")):
            self.assertTrue(all(documents(os.path.basename(path))), path)


class Running(unittest.TestCase):
    """The probe and the dashboard, against a server that runs."""

    def setUp(self):
        self.server = subprocess.Popen([SERVER, "--frontend", "h2", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(self.end)
        self.address = self.server.stdout.readline().split()[-1]
        self.metrics = self.server.stdout.readline().split()[-1]

    def end(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def probe(self):
        return subprocess.run([HARNESS, "run", "--target", self.address, PROBE], capture_output=True, timeout=30,
                              check=False).returncode

    def test_probe(self):
        self.assertEqual(self.probe(), 0)
        self.end()
        self.assertNotEqual(self.probe(), 0)

    def test_dashboard(self):
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=20) as page:
            families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page.read().decode(), re.M))
        shown = {name + suffix for name, kind in families.items()
                 for suffix in (["_bucket", "_sum", "_count"] if kind == "histogram" else [""])}
        expressions = [target["expr"] for panel in json.loads(text("grafana.json"))["panels"] for target in panel["targets"]]
        self.assertTrue(expressions)
        for expression in expressions:
            named = re.findall(r"\b(?:sluice|grpc_server|process)_[a-z_]+", expression)
            self.assertTrue(named, expression)
            for name in named:
                self.assertIn(name, shown, expression)


if __name__ == "__main__":
    unittest.main()
