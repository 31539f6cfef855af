#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lib/schema against Python's protobuf library, both ways.

Random messages of kinds3.proto and kinds2.proto are serialised by Python, written as JSON by us and parsed by
Python's json_format: the outcome must be the message again. Then Python's JSON is read by us: the bytes must parse to
the message again. Before we see the bytes the records of each are shuffled in a way that keeps their meaning.

usage: protojson_conformance.py DRIVER DESCRIPTOR_SET [COUNT] [SEED]
exit:  0 all equal, 1 a difference, 77 when python3-protobuf is not there
"""
import json
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "support"))
try:
    from google.protobuf import json_format
    from random_messages import Maker, load, shuffled
except ImportError as missing:
    print(f"SKIP: {missing}; install the package python3-protobuf")
    sys.exit(77)

class Driver:
    def __init__(self, command, descriptor_set):
        self.process = subprocess.Popen([command, descriptor_set], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, verb, name, argument):
        self.process.stdin.write(f"{verb} {name} {argument}\n".encode())
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"FAIL: the driver ended at: {verb} {name} {argument[:2000]}")
        return json.loads(line, strict=False)


def equal(left, right):
    """Python compares NaN as unequal; none is made here."""
    return left == right


def main():
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1500
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    rng = random.Random(seed)
    pool, class_of = load(sys.argv[2])
    driver = Driver(sys.argv[1], sys.argv[2])
    maker = Maker(rng, pool, class_of)
    for run in range(count):
        name = rng.choice(["sluice.test3.Kinds", "sluice.test3.Kinds", "sluice.test2.Kinds"])
        message = maker.message(name)
        data = message.SerializeToString()
        wire = data if rng.random() < 0.3 else shuffled(rng, data)
        answer = driver.ask("write", name, wire.hex())
        where = f"seed {seed} run {run} {name} {wire.hex()}"
        if answer["status"] != "ok" or "unknown" in answer:
            raise SystemExit(f"FAIL write: {answer}\n{where}")
        try:
            back = json_format.ParseDict(answer["json"], class_of(name)(), descriptor_pool=pool)
        except json_format.ParseError as error:
            raise SystemExit(f"FAIL: Python refuses our JSON: {error}\n{json.dumps(answer['json'])}\n{where}")
        if not equal(back, message):
            raise SystemExit(f"FAIL: our JSON is another message\n{json.dumps(answer['json'])}\n"
                             f"wanted {json_format.MessageToJson(message, indent=None, descriptor_pool=pool)}\n{where}")
        text = json_format.MessageToJson(message, indent=None, descriptor_pool=pool,
                                         preserving_proto_field_name=rng.random() < 0.5)
        answer = driver.ask("read", name, text)
        if answer["status"] != "ok":
            raise SystemExit(f"FAIL read: {answer['problem']}\n{text}\n{where}")
        if not equal(class_of(name).FromString(bytes.fromhex(answer["hex"])), message):
            raise SystemExit(f"FAIL: Python's JSON read as {answer['hex']}\n{text}\n{where}")
    print(f"{count} messages, seed {seed}: equal both ways")


main()
