#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damaged captures: real ones, mutated at random, never crash the inspector, hold it up or cost it memory.

usage: mutations.py [--count 500] [--seed 1] [--only NUMBER] [--keep FOLDER]

The mutations of a seed are numbered, and each is the same whatever the others are: `--seed 1 --only 77` repeats number 77
of seed 1. A failure leaves its file in FOLDER and says how it was read. ci: 500; the whole 10,000 by --count 10000.
"""
import argparse
import concurrent.futures
import gzip
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[3]
INSPECTOR = os.environ.get("SLUICE_INSPECTOR", str(ROOT / "build/release/bin/sluice-inspector"))
MEMORY_MAX = 64 * 1024  # KiB resident, at any time
SECONDS_MAX = 10        # for a file of kilobytes; what takes so long has no end
STDERR_MAX = 64 * 1024  # a line a damage, and those are limited
VIEWS = ("calls", "messages", "frames", "summary", "stalls")
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 65535, 262144, 262145, 16777215)


def captures():
    """name -> bytes of every real capture of the project; those in pcap also as pcapng, where editcap is there."""
    found = {}
    for path in sorted([*ROOT.glob("tests/golden/*/input.pcap*"), *ROOT.glob("fuzz/corpus/pcap*/*")]):
        data = path.read_bytes()
        name = str(path.relative_to(ROOT))
        found[name] = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    if shutil.which("editcap"):
        with tempfile.TemporaryDirectory() as folder:
            for name, data in list(found.items()):
                source, target = pathlib.Path(folder, "source"), pathlib.Path(folder, "target")
                source.write_bytes(data)
                done = subprocess.run(["editcap", "-F", "pcapng", source, target], capture_output=True, check=False)
                if done.returncode == 0:
                    found[name + " as pcapng"] = target.read_bytes()
    return found


def mutate_bytes(draw, data, others):
    """One random change of a bytearray."""
    at = draw.randrange(len(data) + 1)
    size = min(draw.choice((1, 2, 4, 16, 64, 500, 4000)), len(data) - at)
    kind = draw.randrange(10)
    if kind == 0 and data:
        data[at % len(data)] ^= 1 << draw.randrange(8)
    elif kind == 1:
        data[at:at + size] = draw.randbytes(size)
    elif kind == 2:
        del data[at:at + size]
    elif kind == 3:
        data[at:at] = data[at:at + size]
    elif kind == 4:
        data[at:at] = draw.randbytes(draw.choice((1, 3, 4, 100, 3000)))
    elif kind == 5:  # a length, a time, a type: numbers of four bytes at places that are multiples of it, mostly
        at -= at % 4 if draw.random() < 0.8 else 0
        data[at:at + 4] = struct.pack(draw.choice("<>") + "I", draw.choice(EXTREMES))
    elif kind == 6:
        data[at:at + size] = bytes([draw.choice((0, 0xFF, 0x41))]) * size
    elif kind == 7:
        to = draw.randrange(len(data) + 1)
        piece = data[at:at + size]
        del data[at:at + size]
        data[to:to] = piece
    elif kind == 8:
        del data[at:]
    else:
        other = draw.choice(others)
        begin = draw.randrange(len(other))
        data[at:at] = other[begin:begin + draw.choice((10, 100, 1000, 10000))]


def compress(draw, data):
    if draw.random() < 0.5 or not shutil.which("zstd"):
        return gzip.compress(bytes(data), draw.choice((1, 6)))
    return subprocess.run(["zstd", "-q", "-c"], input=bytes(data), capture_output=True, check=True).stdout


def mutation(seed, number, found):
    """What mutation number is: the file and how it is read."""
    draw = random.Random(f"{seed}/{number}")
    names = sorted(found)
    others = list(found.values())
    data = bytearray(found[draw.choice(names)])
    form = draw.random()
    if form < 0.05:  # what is inside is whole, and what is around it is damaged
        data = bytearray(compress(draw, data))
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8, 40))):
        mutate_bytes(draw, data, others)
    if form > 0.95:
        data = compress(draw, data)
    arguments = ["--view", draw.choice(VIEWS)]
    arguments += draw.choice(([], [], [], ["--lint"], ["--format", "text"], ["--status", "ok"], ["--filter", "tcp"],
                              ["--metadata", "grpc-status"], ["--since", "+10ms"], ["--strict"]))
    return bytes(data), arguments


def run(data, arguments, folder):
    """What is wrong, or None."""
    with tempfile.NamedTemporaryFile(dir=folder) as file, tempfile.TemporaryFile() as err:
        file.write(data)
        file.flush()
        process = subprocess.Popen([INSPECTOR, *arguments, file.name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=err)
        ends = time.monotonic() + SECONDS_MAX
        pid = 0
        pause = 0.001
        while pid == 0:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid == 0 and time.monotonic() > ends:
                process.kill()
                os.wait4(process.pid, 0)
                process.returncode = 0
                return f"not at its end after {SECONDS_MAX} s"
            if pid == 0:
                time.sleep(pause)  # wait4() has no limit of time
                pause = min(2 * pause, 0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        told = err.tell() or os.fstat(err.fileno()).st_size
        err.seek(0)
        text = err.read(2000).decode(errors="replace")
    if process.returncode not in (0, 1, 2):
        return f"ended with {process.returncode}: {text}"
    if process.returncode == 1 and "--strict" not in arguments:
        return f"ended with 1 without --strict: {text}"
    if usage.ru_maxrss > MEMORY_MAX:
        return f"took {usage.ru_maxrss} KiB"
    if told > STDERR_MAX:
        return f"told {told} bytes on stderr"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", default="mutations-failed")
    options = parser.parse_args()
    found = captures()
    assert len(found) > 10, sorted(found)
    numbers = range(options.count) if options.only is None else [options.only]
    bad = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        def one(number):
            return number, run(*mutation(options.seed, number, found), folder)
        for number, wrong in pool.map(one, numbers):
            if wrong:
                data, arguments = mutation(options.seed, number, found)
                os.makedirs(options.keep, exist_ok=True)
                kept = pathlib.Path(options.keep, f"{options.seed}-{number}")
                kept.write_bytes(data)
                print(f"seed {options.seed} mutation {number}: {wrong}\n  {' '.join(arguments)} {kept}", file=sys.stderr)
                bad += 1
    print(f"{len(numbers)} mutations of {len(found)} captures, seed {options.seed}: {bad} failed")
    return 1 if bad or not numbers else 0


if __name__ == "__main__":
    sys.exit(main())
