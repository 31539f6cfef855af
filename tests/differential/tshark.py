# SPDX-License-Identifier: Apache-2.0
"""What tshark finds in a capture with all its preferences set, and whether the records hold it."""
import base64
import pathlib
import subprocess
import xml.etree.ElementTree as ElementTree
import zlib

import records

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 300


def command(capture):
    options = ["-o", "tcp.reassemble_out_of_order:TRUE", "-o", "tcp.desegment_tcp_streams:TRUE",
               "-o", "grpc.detect_json_automatically:TRUE",
               "-o", "gui.max_tree_depth:100000", "-o", f"uat:protobuf_search_paths:\"{HERE}\",\"TRUE\""]
    if capture.keys:
        options += ["-o", f"tls.keylog_file:{capture.keys}", "-d", f"tcp.port=={capture.port},tls"]
    else:
        options += ["-d", f"tcp.port=={capture.port},http2"]
    return ["tshark", "-n", "-2", *options, "-r", str(capture.path), "-T", "pdml"]


def raw(field):
    return bytes.fromhex(field.get("value") or "")


def shown(field):
    return (field.get("show") or "").encode()


class Found:
    """One stream: header blocks and messages of each side, in order."""

    def __init__(self):
        self.blocks = {True: [], False: []}
        self.messages = {True: [], False: []}


def take(packet, port, streams):
    ends = None
    key = None
    for proto in packet.iter():
        name = proto.get("name")
        if proto.tag == "proto" and name == "tcp":
            fields = {f.get("name"): f.get("show") for f in proto.iter("field")}
            ends = int(fields["tcp.srcport"]), int(fields["tcp.dstport"])
            key = None
        elif proto.tag == "proto" and name == "grpc" and key:
            take_message(proto, streams[key].messages[ends[1] == port])
        elif proto.tag == "field" and name == "http2.stream":
            parts = {f.get("name"): f for f in proto.iter("field")}
            number = int(parts["http2.streamid"].get("show")) if "http2.streamid" in parts else 0  # none: the preface
            if number:
                key = (ends[0] if ends[1] == port else ends[1], number)
                found = streams.setdefault(key, Found())
                block = [header(f) for f in proto.iter("field") if f.get("name") == "http2.header"]
                if block:
                    found.blocks[ends[1] == port].append(block)


def header(field):
    parts = {f.get("name"): f for f in field.iter("field")}
    return shown(parts["http2.header.name"]).decode(), raw(parts["http2.header.value"]) or shown(parts["http2.header.value"])


def take_message(proto, messages):
    parts = {}
    for field in proto.iter("field"):
        parts.setdefault(field.get("name"), field)
    if "grpc.message_length" not in parts:
        return
    is_compressed = parts["grpc.compressed_flag"].get("show") in ("1", "True")
    data = raw(parts["grpc.message_data"]) if "grpc.message_data" in parts else b""
    length = int(parts["grpc.message_length"].get("show"))
    if is_compressed and len(data) == length:
        data = zlib.decompress(data, 31)
        messages.append((length, records.digest(data)))
    else:
        messages.append((length, records.digest(data) if len(data) == length else None))


def find(capture):
    streams = {}
    with subprocess.Popen(command(capture), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for _, element in ElementTree.iterparse(process.stdout):
            if element.tag == "packet":
                take(element, capture.port, streams)
                element.clear()
        told = process.stderr.read().decode()
        if process.wait(SECONDS) != 0:
            raise AssertionError(f"tshark: {told}")
    return streams


def as_recorded(fields):
    """A header block as a call record shows it."""
    out = {}
    for name, value in fields:
        if name.startswith(":"):
            continue
        if name.endswith("-bin"):
            parts = [base64.b64encode(value[1:]).decode()] if value[:1] == b"\0" else \
                [part + "=" * (-len(part) % 4) for part in value.decode().split(",")]
        else:
            parts = [value.decode()]
        out.setdefault(name, []).extend(parts)
    return out


def compare(capture, inspector):
    """(differences, what tshark leaves out). tshark may find less, never anything else."""
    out, short = records.Differences(), {}
    streams = find(capture)
    calls = {(int(call["client"].rsplit(":")[-1]), call["stream"]): call for call in inspector.calls(capture.path)}
    out.same("streams", sorted(key for key, found in streams.items() if found.blocks[True]), sorted(calls))
    for key, call in calls.items():
        found = streams.get(key) or Found()
        out.same(f"{key} method", [value for name, value in (found.blocks[True] or [[]])[0] if name == ":path"],
                 [call["method"].encode()])
        blocks = {"request metadata": (found.blocks[True][:1], call["request"]["metadata"])}
        answers = found.blocks[False]
        last = [answers[-1]] if answers and any(name == "grpc-status" for name, _ in answers[-1]) else []
        blocks["trailers"] = (last, call["response"]["trailers"])
        blocks["metadata"] = ([] if answers[:1] == last else answers[:1], call["response"]["metadata"])
        for what, (seen, told) in blocks.items():
            told = {name: records.values(value) for name, value in (told or {}).items()}
            if told and not seen:
                short[what] = short.get(what, 0) + 1
            else:
                out.same(f"{key} {what}", as_recorded(seen[0]) if seen else {}, told)
        for is_request, side in ((True, "request"), (False, "response")):
            ours = [(m["bytes"], text) for m, text in zip(call[side]["messages"], records.messages_of(call, side))]
            theirs = found.messages[is_request]
            # An empty message has no data, a big one no value, to compare.
            theirs = [(size, text or next((own for length, own in ours if length == size), None)) for size, text in theirs]
            if len(theirs) < len(ours) and records.is_subsequence(theirs, ours):
                short[f"{side} messages"] = short.get(f"{side} messages", 0) + len(ours) - len(theirs)
            else:
                out.same(f"{key} {side} messages", theirs, ours)
    return out, short
