# SPDX-License-Identifier: Apache-2.0
"""The calls that every pair of stacks makes, and messages of traffic.proto as bytes."""
import base64
import json

SERVICE = "/traffic.v1.Traffic/"
NEVER = -1


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def item(name="", data=b"", copy=0):
    """An Item in the order that the programs make: a copy's number comes last."""
    out = b""
    if name:
        out += b"\x0a" + varint(len(name.encode())) + name.encode()
    if data:
        out += b"\x1a" + varint(len(data)) + data
    return out + (b"\x10" + varint(copy) if copy else b"")


def item_of_json(value):
    return item(value.get("name", ""), base64.b64decode(value.get("data", "")), value.get("copy", 0))


def string(number, text):
    return bytes([number << 3 | 2]) + varint(len(text.encode())) + text.encode()


def details(code, text):
    """google.rpc.Status with an ErrorInfo, and that as JSON."""
    info = string(1, "FULL") + string(2, "sluice.test")
    any_ = string(1, "type.googleapis.com/google.rpc.ErrorInfo") + b"\x12" + varint(len(info)) + info
    status = b"\x08" + varint(code) + string(2, text) + b"\x1a" + varint(len(any_)) + any_
    return status, [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "FULL", "domain": "sluice.test"}]


class Plan:
    def __init__(self):
        self.calls = []
        self.group = 0

    def call(self, method, send, *fields, timeout_ms=20000, cancel_after=NEVER, gzip=False, hold=False, channel=0):
        number = len(self.calls) + 1
        metadata = [("x-id", str(number)), *fields] + ([("x-gzip", "1")] if gzip else [])
        self.calls.append({
            "id": number, "group": self.group, "channel": channel, "method": SERVICE + method, "timeout_ms": timeout_ms,
            "metadata": [(name, base64.b64encode(value).decode() if isinstance(value, bytes) else value)
                         for name, value in metadata],
            "send": [base64.b64encode(message).decode() for message in send],
            "cancel_after": cancel_after, "gzip": gzip, "hold": hold})

    def then(self):
        self.group += 1

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(call) + "\n" for call in self.calls)


def traffic(big=150000):
    """Every way for a call to go that the four stacks can be told to take."""
    plan = Plan()
    plan.call("Unary", [item("first")])
    plan.then()
    plan.call("Unary", [item()])  # an empty message
    plan.then()
    plan.call("Unary", [item("again", b"\0\xff" * 9)], ("x-plain", "a value, with a comma"), ("x-many", "one"),
              ("x-many", "two"), ("x-many", "one"), ("x-one-bin", b"\0\1\2\xff"), ("x-two-bin", b"a"), ("x-two-bin", b"bc"),
              ("x-head-a", "h1"), ("x-head-a", "h2"), ("x-head-b-bin", b"\xfe\xfd"), ("x-trail-a", "t"),
              ("x-trail-b-bin", b"\0"), ("x-trail-b-bin", b"\1\2\3"))
    plan.then()
    plan.call("Unary", [item("missing")], ("x-code", "5"), ("x-text-bin", "no such thing".encode()), ("x-trail-a", "why"))
    plan.then()
    status, _ = details(8, "voll: ä, 100 %\n")
    plan.call("Unary", [item("full")], ("x-code", "8"), ("x-text-bin", "voll: ä, 100 %\n".encode()), ("x-details-bin", status))
    plan.then()
    plan.call("Watch", [item("watch", b"w" * 40)], ("x-answer", "end:7"), ("x-head-a", "early"), ("x-early", "1"))
    plan.then()
    plan.call("Watch", [item("fails late")], ("x-answer", "end:3"), ("x-code", "14"), ("x-text-bin", b"gone"))
    plan.then()
    plan.call("Watch", [item("nothing")], ("x-answer", "end:0"))
    plan.then()
    plan.call("Collect", [item(f"part {n}", bytes([n]) * n) for n in range(6)], ("x-answer", "end:1"))
    plan.then()
    plan.call("Talk", [item(f"talk {n}", b"." * (n * 30)) for n in range(8)], ("x-answer", "each"), ("x-trail-a", "bye"))
    plan.then()
    plan.call("Talk", [], ("x-answer", "each"))  # a call without a message
    plan.then()
    plan.call("Talk", [item("one is enough")], ("x-answer", "now:2"), hold=True)  # ends before the client does
    plan.then()
    plan.call("Talk", [item("refused")], ("x-answer", "now:0"), ("x-code", "9"), ("x-text-bin", b"not now"), hold=True)
    plan.then()
    plan.call("Talk", [item("cancel me")], ("x-answer", "each"), ("x-wait", "1"), cancel_after=1, hold=True)
    plan.then()
    plan.call("Watch", [item("cancel the stream")], ("x-answer", "end:2"), ("x-wait", "1"), cancel_after=2)
    plan.then()
    plan.call("Unary", [item("cancel")], ("x-wait", "1"), ("x-early", "1"), cancel_after=0)
    plan.then()
    plan.call("Unary", [item("late")], ("x-wait", "1"), ("x-early", "1"), timeout_ms=1000)
    plan.then()
    plan.call("Watch", [item("late stream")], ("x-answer", "end:2"), ("x-wait", "1"), timeout_ms=1000)
    plan.then()
    plan.call("Unary", [item("gzip", b"z" * 3000)], gzip=True)
    plan.then()
    plan.call("Talk", [item(f"gzip {n}", b"zip" * (n * 400)) for n in range(4)], ("x-answer", "each"), gzip=True)
    plan.then()
    plan.call("Unary", [item("big", bytes(n * n >> 3 & 255 for n in range(big)))])
    plan.then()
    for number in range(10):
        plan.call("Unary", [item(f"at once {number}", bytes(number * 9))], ("x-plain", str(number)), channel=number % 2)
    for number in range(4):
        plan.call("Talk", [item(f"side by side {number}.{n}") for n in range(4)], ("x-answer", "each"), channel=number % 2)
    plan.then()
    for number in range(3):
        plan.call("Unary", [item(f"another {number}")], channel=2)
    return plan
