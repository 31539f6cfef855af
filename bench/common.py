# SPDX-License-Identifier: Apache-2.0
"""What the measurements share: the built programs, and the server that they are made against."""
import contextlib
import os
import resource
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def build():
    """The folder of the release build, with the programs of bench/ built."""
    folder = os.path.join(ROOT, "build", os.environ.get("SLUICE_PRESET", "release"))
    if not os.path.exists(os.path.join(folder, "build.ninja")) and not os.path.exists(os.path.join(folder, "Makefile")):
        subprocess.run(["cmake", "--preset", os.path.basename(folder)], cwd=ROOT, check=True, stdout=sys.stderr)
    subprocess.run(["cmake", "--build", folder, "--target", "bench"], check=True, stdout=sys.stderr)
    return os.path.join(folder, "bin")


@contextlib.contextmanager
def stream_server(folder, messages):
    """The port of a bench_stream_server that streams so many messages."""
    server = subprocess.Popen([os.path.join(folder, "bench_stream_server"), "0", str(messages)],
                              stdout=subprocess.PIPE, text=True)
    try:
        yield int(server.stdout.readline().rsplit(":", 1)[1])
    finally:
        server.kill()
        server.wait()


def run(command):
    """(CPU seconds, peak MiB) of a command that must succeed; the peak is of all commands so far."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, after.ru_maxrss / 1024, done.stdout
