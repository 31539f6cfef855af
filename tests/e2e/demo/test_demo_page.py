#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ci/demo_page.py prints its page for a run in which everything happened, and fails for each thing that did not."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
METHODS = ["/chat.v1.ChatService/" + name for name in ("SendMessage", "SubscribeToRoom", "ChatRoom")]
SCENARIOS = ["contract/send", "bursts/edge", "slow-consumers/one-message", "disconnects/tcp-reset"]


def message(text="hello"):
    return {"index": 1, "at_ms": 0.4, "bytes": 13, "json": {"text": text}, "complete": True}


def call(number, replies=3):
    return {"type": "call", "id": number, "method": METHODS[number % 3], "kind": "unary", "client": "127.0.0.1:1",
            "server": "127.0.0.1:2", "start": "2026-01-02T03:04:05.000000006Z", "duration_ms": 1.5, "complete": True,
            "request": {"message_count": 1, "bytes": 13, "messages": [message()]},
            "response": {"message_count": replies, "messages": [message("x" * 200) for _ in range(replies)]},
            "status": {"code": 0, "name": "OK", "message": ""}}


def good_run():
    """What the programs leave when everything happened; a test spoils one thing of it."""
    return {
        "report": {"schema": "sluice.report/1", "seed": 7, "duration_ms": 4100,
                   "totals": {"pass": 4, "fail": 0, "inconclusive": 0, "skip": 0},
                   "results": [{"id": name, "verdict": "pass", "duration_ms": 800, "reason": "as promised"}
                               for name in SCENARIOS]},
        "cases": len(SCENARIOS),
        "scenarios": [{"id": name, "title": "Title of " + name} for name in SCENARIOS],
        "capture": b"\x0a\x0d\x0d\x0a and more",
        "summary": {"type": "summary", "packets": 2000, "connections": 9, "calls": 120,
                    "messages": {"request": 120, "response": 360},
                    "methods": [{"method": name, "calls": 40, "messages": {"request": 40, "response": 120}}
                                for name in METHODS],
                    "statuses": {"OK": 100, "CANCELLED": 20}, "loss": {"gaps": 0, "bytes_missing": 0}},
        "calls": [call(number) for number in range(120)],
    }


def write_run(run, folder):
    def write(name, data):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())

    write("report.json", json.dumps(run["report"]))
    write("report.xml", "<testsuites><testsuite>" + "<testcase/>" * run["cases"] + "</testsuite></testsuites>")
    write("scenarios.jsonl", "\n".join(json.dumps(row) for row in run["scenarios"]))
    write("capture.pcapng", run["capture"])
    write("summary.jsonl", json.dumps(run["summary"]))
    write("calls.jsonl", "\n".join(json.dumps(row) for row in run["calls"]))


def page_of(run):
    with tempfile.TemporaryDirectory() as folder:
        write_run(run, folder)
        command = [sys.executable, os.path.join(ROOT, "ci", "demo_page.py"), folder]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def fail_a_scenario(run):
    run["report"]["results"][1]["verdict"] = "fail"
    run["report"]["totals"]["fail"] = 1


def judge_no_slow_consumer(run):
    run["report"]["results"][2]["verdict"] = "inconclusive"


def lose_a_test_case(run):
    run["cases"] -= 1


def write_classic_pcap(run):
    run["capture"] = b"\xd4\xc3\xb2\xa1 and more"


def make_few_calls(run):
    run["calls"] = run["calls"][:99]
    run["summary"]["calls"] = 99


def miss_a_method(run):
    del run["summary"]["methods"][2]


def see_one_status(run):
    run["summary"]["statuses"] = {"OK": 119, "open": 1}


def lose_bytes(run):
    run["summary"]["loss"]["bytes_missing"] = 1


def decode_fewer_than_counted(run):
    run["calls"].pop()


def decode_no_reply_of_a_method(run):
    for one in run["calls"]:
        if one["method"] == METHODS[1]:
            for reply in one["response"]["messages"]:
                reply["raw"] = reply.pop("json")


def cut_every_call_of_a_method(run):
    for one in run["calls"]:
        if one["method"] == METHODS[2]:
            one["complete"] = False


def forget_the_totals(run):
    del run["report"]["totals"]


SPOILED = [
    (fail_a_scenario, "scenarios failed: bursts/edge"),
    (judge_no_slow_consumer, "no scenario of slow-consumers/ passed"),
    (lose_a_test_case, "3 test cases, report.json 4"),
    (write_classic_pcap, "not a pcapng file"),
    (make_few_calls, "99 calls, not 100"),
    (miss_a_method, "no call of /chat.v1.ChatService/ChatRoom"),
    (see_one_status, "only the status OK"),
    (lose_bytes, "the capture has holes"),
    (decode_fewer_than_counted, "119 calls were decoded, the summary counts 120"),
    (decode_no_reply_of_a_method, "no whole call of /chat.v1.ChatService/SubscribeToRoom"),
    (cut_every_call_of_a_method, "no whole call of /chat.v1.ChatService/ChatRoom"),
    (forget_the_totals, "KeyError"),
]


class DemoPage(unittest.TestCase):
    def test_a_whole_run_is_told_on_one_page(self):
        result = page_of(good_run())
        self.assertEqual(result.returncode, 0, result.stderr)
        for name in SCENARIOS:
            self.assertIn("Title of " + name, result.stdout)
        for method in METHODS:
            self.assertIn(f'"method": "{method}"', result.stdout)
        for name in ("capture.pcapng", "report.json", "report.xml"):
            self.assertIn(name, result.stdout)
        self.assertNotIn("x" * 100, result.stdout, "long texts are cut")
        self.assertLess(len(result.stdout.splitlines()), 160)

    def test_each_thing_that_did_not_happen_fails_the_demo(self):
        for spoil, text in SPOILED:
            with self.subTest(spoil.__name__):
                run = good_run()
                spoil(run)
                result = page_of(run)
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn(text, result.stderr)


if __name__ == "__main__":
    unittest.main()
