#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_demo_traffic.py DIR INSPECTOR: tshark and sluice-inspector count the same in what ci/demo left in DIR.

An independent reader of the same capture: calls of each method, messages, and each grpc-status that is on the wire.
(More of these than calls may have one: the C core can send a status after a reset, and twice to a closed socket.
tshark drops the rest of a packet at 500 nested dissectors, some 160 small messages, unless it is told otherwise.)
"""
import collections
import json
import os
import subprocess
import sys
import unittest

FOLDER = "build/demo"
INSPECTOR = "build/release/bin/sluice-inspector"
BETWEEN = "\x1f"  # does not occur in header fields


def read_json_lines(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def tshark_counts(port):
    """(calls by method, number of messages, fields by status), from tshark.

    It gives up a packet with more layers than its tree may be deep: a segment full of small messages has hundreds.
    """
    command = ["tshark", "-n", "-r", os.path.join(FOLDER, "capture.pcapng"), "-d", f"tcp.port=={port},http2",
               "-o", "tcp.reassemble_out_of_order:TRUE", "-o", "gui.max_tree_depth:100000", "-Y", "http2", "-T", "fields", "-E", f"aggregator={BETWEEN}",
               "-e", "http2.header.name", "-e", "http2.header.value", "-e", "grpc.message_length"]
    rows = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout.splitlines()
    methods, statuses, messages = collections.Counter(), collections.Counter(), 0
    for names, values, lengths in (row.split("\t") for row in rows):
        messages += len(lengths.split(BETWEEN)) if lengths else 0
        for name, value in zip(names.split(BETWEEN), values.split(BETWEEN)):
            if name == ":path":
                methods[value] += 1
            elif name == "grpc-status":
                statuses[int(value)] += 1
    return methods, messages, statuses


def inspector_statuses():
    command = [INSPECTOR, "--view", "frames", os.path.join(FOLDER, "capture.pcapng")]
    frames = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout.splitlines()
    return collections.Counter(int(value) for frame in map(json.loads, frames)
                               for name, value in frame.get("headers") or () if name == "grpc-status")


class DemoTraffic(unittest.TestCase):
    def test_tshark_counts_the_same(self):
        summary, = read_json_lines("summary.jsonl")
        calls = read_json_lines("calls.jsonl")
        ports = {call["server"].rsplit(":", 1)[1] for call in calls}
        self.assertEqual(len(ports), 1, "the demo has one server")
        methods, messages, statuses = tshark_counts(ports.pop())
        self.assertEqual(summary["calls"], sum(methods.values()))
        self.assertEqual({row["method"]: row["calls"] for row in summary["methods"]}, dict(methods))
        self.assertEqual(summary["messages"]["request"] + summary["messages"]["response"], messages)
        self.assertEqual(inspector_statuses(), statuses)
        by_code = collections.Counter(call["status"]["code"] for call in calls if call["status"])
        self.assertEqual(sum(by_code.values()), sum(summary["statuses"].values()) - summary["statuses"].get("open", 0))
        print(f"tshark and sluice-inspector: {summary['calls']} calls, {messages} messages, statuses {dict(statuses)}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        INSPECTOR = sys.argv.pop(2)
        FOLDER = sys.argv.pop(1)
    unittest.main()
