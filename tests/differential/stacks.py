# SPDX-License-Identifier: Apache-2.0
"""Builds the programs of stacks/, and captures what a pair of them says to each other."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SECONDS = 120
QUIET = 0.4

NAMES = {"python": "grpcio (C core)", "go": "grpc-go", "node": "grpc-js", "java": "grpc-java"}
WRITES_KEYS = ("go", "node")
# (client, server, over TLS); of a pair with TLS one must be able to log keys.
PAIRS = [("python", "python", False), ("go", "go", False), ("node", "node", False), ("java", "java", False),
         ("go", "python", False), ("go", "go", True), ("node", "node", True), ("python", "go", True), ("go", "python", True),
         ("java", "go", True), ("node", "java", True)]


class Missing(Exception):
    """What this machine lacks for it."""


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Missing(f"{program} is not installed")


def run(*command, cwd=None):
    subprocess.run(command, cwd=cwd, check=True, stdout=sys.stderr)


def place(folder, name, *pins):
    """A copy of stacks/NAME in the build tree, with the pins of the peer in the same language."""
    target = folder / name
    shutil.copytree(HERE / "stacks" / name, target, dirs_exist_ok=True)
    for pin in pins:
        shutil.copy(ROOT / "ci/peers" / name / pin, target)
    return target


def build_python(_folder):
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import grpc"], capture_output=True, check=False).returncode == 0:
            return [python, str(HERE / "stacks/python/traffic.py")]
    raise Missing("the package python3-grpcio is not installed")


def build_go(folder):
    need("go")
    target = place(folder, "go", "go.mod", "go.sum")
    run("go", "build", "-mod=mod", "-o", "traffic", ".", cwd=target)
    return [str(target / "traffic")]


def build_node(folder):
    need("node", "npm")
    target = place(folder, "node", "package.json", "package-lock.json")
    if not (target / "node_modules").exists():
        run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=target)
    return ["node", str(target / "traffic.js")]


def build_java(folder):
    need("java", "javac", "mvn")
    target = place(folder, "java")
    jar = target / "target/traffic.jar"
    sources = max(path.stat().st_mtime for path in (HERE / "stacks/java").rglob("*"))
    if not jar.exists() or jar.stat().st_mtime < sources:
        run("mvn", "-q", "-B", "package", cwd=target)
    return ["java", "-jar", str(jar)]


BUILDERS = {"python": build_python, "go": build_go, "node": build_node, "java": build_java}


def with_keys(command, keys):
    """node logs keys by an option of its own, the others by their last argument."""
    return [command[0], f"--tls-keylog={keys}", *command[1:]] if keys and command[0] == "node" else command


def settled(path):
    """Waits until a file that another program writes has not grown for a while."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET:
        now = path.stat().st_size if path.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(0.05)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def started(command, word):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
    line = process.stdout.readline()
    if not line.startswith(word):
        process.kill()
        raise RuntimeError(f"{command[0]} said {line!r}")
    return process, int(line.split()[-1])


class Capture:
    """One run: its capture, keys, the port, and what both ends logged."""

    def __init__(self, name, path, keys, port, log):
        self.name, self.path, self.keys, self.port, self.log = name, path, keys, port, log


def capture(folder, client, server, commands, is_tls, made, plan):
    name = f"{client}-{server}-{'tls' if is_tls else 'clear'}"
    base = folder / name
    path, keys, plans = base.with_suffix(".pcap"), base.with_suffix(".keys"), base.with_suffix(".plan")
    logs = [base.with_suffix(".client"), base.with_suffix(".server")]
    for old in (path, keys, *logs):
        old.unlink(missing_ok=True)
    plan.write(plans)
    own = {"client": [], "server": []}
    if is_tls:
        own = {"client": [made.path("ca.crt")], "server": [made.path("server.crt"), made.path("server.key")]}
    keeper = next((role for role, stack in (("client", client), ("server", server)) if stack in WRITES_KEYS), None)
    tell = {role: str(keys) if is_tls and role == keeper else None for role in own}
    command = with_keys(commands[server], tell["server"])
    process, port = started([*command, "server", str(logs[1]), *own["server"], *filter(None, [tell["server"]])], "listening on")
    dump = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "-B", "65536", "--immediate-mode", "-w", str(path), f"port {port}"],
                            stderr=subprocess.PIPE, text=True)
    try:
        while "listening on" not in (said := dump.stderr.readline()):
            if not said:
                raise Missing("tcpdump may not capture on lo")
        command = with_keys(commands[client], tell["client"])
        subprocess.run([*command, "client", str(port), str(plans), str(logs[0]), *own["client"],
                        *filter(None, [tell["client"]])], check=True, timeout=SECONDS)
        for written in (*logs, path):
            settled(written)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        dump.terminate()
        told = dump.communicate()[1]
    if "0 packets dropped by kernel" not in told:
        raise RuntimeError("tcpdump lost packets")
    return Capture(name, path, keys if is_tls else None, port, lines(logs[0]) + lines(logs[1]))
