#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often sl_raw_write() guesses right what a payload is, over messages whose types are known.

Three kinds of messages: as services have them (life.proto), every kind of field with edge values (kinds2.proto,
kinds3.proto), and real ones (descriptors of protobuf's own files). A payload counts where those around it were guessed
right; an empty one does not, as it may be anything.

usage: raw_guess.py DRIVER DESCRIPTOR_SET [COUNT] [SEED]
exit:  0 as often as promised, 1 less often, 77 when python3-protobuf is not there
"""
import collections
import json
import pathlib
import random
import string
import struct
import subprocess
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "support"))
try:
    from google.protobuf import descriptor_pb2
    from google.protobuf.descriptor import FieldDescriptor as FD
    from random_messages import WELL_KNOWN, Maker, load, records, varint
except ImportError as missing:
    print(f"SKIP: {missing}; install the package python3-protobuf")
    sys.exit(77)

PROMISED = {"life": 0.96, "kinds": 0.84, "real": 0.99}
PACKED = {FD.TYPE_DOUBLE: "fixed64", FD.TYPE_FIXED64: "fixed64", FD.TYPE_SFIXED64: "fixed64", FD.TYPE_FLOAT: "fixed32",
          FD.TYPE_FIXED32: "fixed32", FD.TYPE_SFIXED32: "fixed32"}
WORDS = "the order was sent to a new address in Köln and 東京 by mail on time, please call 555".split()


class Life:
    """Values as people and programs choose them."""

    def __init__(self, rng, class_of):
        self.rng, self.class_of = rng, class_of

    def words(self, low, high):
        return " ".join(self.rng.choice(WORDS) for _ in range(self.rng.randint(low, high)))

    def code(self, length):
        return "".join(self.rng.choice(string.ascii_uppercase + string.digits) for _ in range(length))

    def bytes(self, length):
        return self.rng.getrandbits(8 * length).to_bytes(length, "big")

    def many(self, value, high=12):
        return [value() for _ in range(self.rng.randint(0, high))]

    def person(self):
        person = self.class_of("sluice.life.Person")(
            id=str(uuid.UUID(int=self.rng.getrandbits(128))), name=self.words(1, 3), email=self.code(6).lower() + "@example.com",
            phone=str(self.rng.randint(10**6, 10**11)), age=self.rng.randint(0, 99),
            picture=b"\x89PNG\r\n\x1a\n" + self.bytes(200), tags=self.many(lambda: self.words(1, 1), 4))
        person.created.seconds = self.rng.randint(10**9, 2 * 10**9)
        person.created.nanos = self.rng.choice([0, 250000000, self.rng.randint(0, 999999999)])
        person.address.street, person.address.city = self.words(1, 4), self.words(1, 1)
        person.address.postcode = str(self.rng.randint(10000, 99999))
        person.address.latitude, person.address.longitude = self.rng.uniform(-90, 90), self.rng.uniform(-180, 180)
        return person

    def order(self):
        order = self.class_of("sluice.life.Order")(
            id=self.rng.getrandbits(self.rng.choice([16, 40, 63])), buyer=self.person(), state=self.rng.randint(0, 3),
            digest=self.bytes(32), note=self.rng.choice(["", self.words(3, 20), self.words(2, 5) + "\n" + self.words(2, 5)]))
        for _ in range(self.rng.randint(1, 4)):
            item = order.items.add(sku=self.code(8), count=self.rng.randint(1, 300))
            item.price.currency, item.price.units = self.rng.choice(["EUR", "USD"]), self.rng.randint(0, 5000)
            item.price.nanos = self.rng.randint(0, 99) * 10**7
        for _ in range(self.rng.randint(0, 3)):
            order.labels[self.words(1, 1)] = self.words(1, 2)
        order.extra.update({"a": self.rng.random(), "b": [True, None, self.words(1, 2)], "c": {"d": self.code(3)}})
        return order

    def series(self):
        rng, start = self.rng, self.rng.randint(1, 2) * 10**18
        return self.class_of("sluice.life.Series")(
            metric="process." + self.words(1, 1), values=self.many(lambda: rng.choice([rng.gauss(0, 100), rng.randint(0, 50) / 4])),
            weights=self.many(rng.random), times=[start + i * 10**9 for i in range(rng.randint(0, 9))],
            ids=self.many(lambda: rng.randint(1, rng.choice([100, 5000, 10**6]))), states=self.many(lambda: rng.randint(0, 3)),
            deltas=self.many(lambda: rng.randint(-90, 90)), hashes=self.many(lambda: rng.getrandbits(64), 4),
            counts=self.many(lambda: rng.randint(0, 10**5)), flags=self.many(lambda: rng.random() < 0.5),
            trace_id=self.bytes(16), span_id=self.bytes(8))


class Tally:
    def __init__(self):
        self.counts = collections.Counter()
        self.wrong = []

    def note(self, wanted, got, payload):
        self.counts[wanted, got] += 1
        if wanted != got:
            self.wrong.append((wanted, got, payload))

    def right(self):
        total = sum(self.counts.values())
        return sum(count for (wanted, got), count in self.counts.items() if wanted == got) / max(total, 1)


def shape(entry):
    return entry["type"] + ("/" + entry["of"] if "of" in entry else "")


def wanted_of(field):
    """What the guess of a length-delimited payload of this field should be."""
    if field.type == FD.TYPE_STRING:
        return "string"
    if field.type == FD.TYPE_BYTES:
        return "bytes"
    if field.message_type is not None:
        return "message"
    return "packed/" + PACKED.get(field.type, "varint")


def compare(descriptor, data, entries, tally):
    for (number, record), entry in zip(records(data), entries):
        field = descriptor.fields_by_number.get(number)
        tag, at = varint(record, 0)
        if field is None or tag & 7 not in (2, 3):
            continue
        if tag & 7 == 3:
            compare(field.message_type, record[at:-(len(record[:at]))], entry["value"], tally)
            continue
        length, at = varint(record, at)
        payload = record[at:]
        if not payload:
            continue
        wanted, got = wanted_of(field), shape(entry)
        tally.note(wanted, got, payload)
        if wanted == got == "message":
            compare(field.message_type, payload, entry["value"], tally)


def messages(rng, pool, class_of, count):
    life, maker = Life(rng, class_of), Maker(rng, pool, class_of)
    for _ in range(count):
        yield "life", rng.choice([life.person, life.order, life.series])()
        yield "kinds", maker.message(rng.choice(["sluice.test3.Kinds", "sluice.test2.Kinds"]))
    for module in WELL_KNOWN + (descriptor_pb2,):
        yield "real", descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)


def main():
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    pool, class_of = load(sys.argv[2])
    driver = subprocess.Popen(sys.argv[1:3], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    tallies = collections.defaultdict(Tally)
    for corpus, message in messages(rng, pool, class_of, count):
        data = message.SerializeToString()
        driver.stdin.write(b"raw - " + data.hex().encode() + b"\n")
        driver.stdin.flush()
        compare(message.DESCRIPTOR, data, json.loads(driver.stdout.readline(), strict=False)["json"], tallies[corpus])
    driver.stdin.close()
    driver.wait()
    failed = False
    for corpus, tally in tallies.items():
        print(f"{corpus}: {100 * tally.right():.1f} % of {sum(tally.counts.values())} payloads right")
        for (wanted, got), number in sorted(tally.counts.items()):
            print(f"    {wanted:16} taken for {got:16} {number}")
        if len(sys.argv) > 5:
            for wanted, got, payload in rng.sample(tally.wrong, min(len(tally.wrong), 20)):
                print("       ", wanted, got, payload[:60])
        failed = failed or tally.right() < PROMISED[corpus]
    sys.exit(1 if failed else 0)


main()
