#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""demo_page.py DIR: prints the page of ci/demo from what the programs left in DIR.

Reads report.json and report.xml (harness), scenarios.jsonl (what the harness can do), capture.pcapng, and
summary.jsonl and calls.jsonl (inspector). Exit status 0 only when they show that everything the page tells
really happened; otherwise says on stderr what is missing, and exits 1.
"""
import json
import os
import sys
import xml.etree.ElementTree as ElementTree

SERVICE = "/chat.v1.ChatService/"
METHODS = [SERVICE + name for name in ("SendMessage", "SubscribeToRoom", "ChatRoom")]
LEAST_CALLS = 100
PCAPNG_HEAD = b"\x0a\x0d\x0d\x0a"
WIDTH = 118

# Folders of scenarios/ that the demo is about, and what is done to a server there. Others are shown under their name.
AREAS = {
    "contract": "The contract: does each RPC keep its promises?",
    "bursts": "Bursts: more messages at once than a subscriber's buffer holds",
    "slow-consumers": "Slow consumers: readers that stop, or take one message at a time",
    "disconnects": "Disconnects: streams reset, connections closed and cut in the middle",
}
# Others that it may show, in words.
OTHER_AREAS = {"limits": "Limits: rates and sizes"}


class Missing(Exception):
    """Something that the page needs did not happen."""


def need(holds, text):
    if not holds:
        raise Missing(text)


def read_json_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def area_of(result):
    return result["id"].split("/")[0]


# ---- what must have happened ---------------------------------------------------------------------------------------

def check_report(folder):
    """The verdicts: nothing failed, and each area of the demo has a scenario that passed."""
    with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
        report = json.load(file)
    need(report.get("schema") == "sluice.report/1", "report.json is not a report of the harness")
    results = report["results"]
    failed = [result["id"] for result in results if result["verdict"] == "fail"]
    need(not failed and report["totals"]["fail"] == 0, f"scenarios failed: {', '.join(failed)}")
    for area in AREAS:
        passed = [result for result in results if area_of(result) == area and result["verdict"] == "pass"]
        need(passed, f"no scenario of {area}/ passed")
    suites = ElementTree.parse(os.path.join(folder, "report.xml")).getroot()
    cases = len(list(suites.iter("testcase")))
    need(cases == len(results), f"report.xml has {cases} test cases, report.json {len(results)} results")
    return report


def check_summary(folder):
    """The capture: enough calls, all three methods, more than one status, nothing lost."""
    with open(os.path.join(folder, "capture.pcapng"), "rb") as file:
        need(file.read(4) == PCAPNG_HEAD, "capture.pcapng is not a pcapng file")
    records = read_json_lines(os.path.join(folder, "summary.jsonl"))
    need(len(records) == 1 and records[0].get("type") == "summary", "the inspector gave no summary")
    summary = records[0]
    need(summary["calls"] >= LEAST_CALLS, f"the capture has {summary['calls']} calls, not {LEAST_CALLS}")
    seen = {row["method"]: row["calls"] for row in summary["methods"]}
    for method in METHODS:
        need(seen.get(method, 0) > 0, f"the capture has no call of {method}")
    statuses = [name for name, count in summary["statuses"].items() if name != "open" and count > 0]
    need(len(statuses) >= 2, f"the capture has only the status {', '.join(statuses) or '(none)'}")
    need(summary["loss"]["bytes_missing"] == 0, f"the capture has holes: {summary['loss']}")
    return summary


def is_decoded(side):
    return bool(side["messages"]) and all("json" in message for message in side["messages"])


def plainness(call):
    """Less is better to show: a usual end, a few replies, a request with something in it."""
    end = {"OK": 0, "CANCELLED": 1}.get(call["status"]["name"], 2)
    return end, abs(call["response"]["message_count"] - 3), -min(call["request"]["bytes"], 100)


def pick_calls(folder, summary):
    """One whole call of each method, decoded on both sides: the one that shows most and is still short."""
    calls = read_json_lines(os.path.join(folder, "calls.jsonl"))
    need(len(calls) == summary["calls"], f"{len(calls)} calls were decoded, the summary counts {summary['calls']}")
    picked = []
    for method in METHODS:
        good = [call for call in calls if call["method"] == method and call["complete"] and
                is_decoded(call["request"]) and is_decoded(call["response"])]
        need(good, f"no whole call of {method} was decoded")
        picked.append(min(good, key=plainness))
    return picked


# ---- the page --------------------------------------------------------------------------------------------------------

def heading(text):
    print(f"\n{text}\n{'-' * len(text)}")


def show_results(report, titles):
    results = report["results"]
    areas = list(AREAS) + sorted({area_of(result) for result in results} - set(AREAS))
    for area in areas:
        mine = [result for result in results if area_of(result) == area]
        if not mine:
            continue
        print(f"\n  {(AREAS | OTHER_AREAS).get(area, area)}")
        for result in mine:
            verdict = result["verdict"].upper()
            title = f"{titles[result['id']]} [{result['id']}]"
            reason = "" if verdict == "PASS" else f"\n{'':15}{result.get('reason', '')}"
            print(f"    {verdict:<4}  {result['duration_ms'] / 1000:5.1f} s  {title}{reason}")
    totals = report["totals"]
    print(f"\n  {totals['pass']} passed, {totals['fail']} failed, {totals.get('inconclusive', 0)} inconclusive, "
          f"{totals.get('skip', 0)} skipped, in {report['duration_ms'] / 1000:.1f} s (seed {report['seed']})")


def show_summary(summary):
    print(f"\n  {summary['packets']} packets, {summary['connections']} connections, {summary['calls']} calls, "
          f"{summary['messages']['request']} messages to the server, {summary['messages']['response']} back\n")
    print(f"    {'method':<42}{'calls':>8}{'requests':>10}{'replies':>10}")
    for row in summary["methods"]:
        print(f"    {row['method'] or '(unknown)':<42}{row['calls']:>8}{row['messages']['request']:>10}"
              f"{row['messages']['response']:>10}")
    print("\n    statuses: " + ", ".join(f"{name} {count}" for name, count in sorted(summary["statuses"].items())))


def shorten(value, longest=24):
    """The value with long texts cut, so that a call fits on a page."""
    if isinstance(value, str) and len(value) > longest:
        return value[:longest] + "..."
    if isinstance(value, dict):
        return {key: shorten(item) for key, item in value.items()}
    return value


def short_side(side):
    messages = [{key: shorten(message[key]) for key in ("at_ms", "bytes", "json")} for message in side["messages"][:2]]
    short = {"message_count": side["message_count"], "messages": messages}
    if side["message_count"] > len(messages):
        short["messages"] = messages + ["..."]
    return short


def pretty(value, indent):
    """JSON on one line where it fits, else an entry a line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        rows = [f"{inner}{json.dumps(key)}: {pretty(item, indent + 2)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        rows = [inner + pretty(item, indent + 2) for item in value]
        opening, closing = "[", "]"
    return opening + "\n" + ",\n".join(rows) + "\n" + " " * indent + closing


def show_call(call):
    short = {key: call[key] for key in ("method", "kind", "client", "server", "start", "duration_ms")}
    short["request"] = short_side(call["request"])
    short["response"] = short_side(call["response"])
    short["status"] = {key: shorten(call["status"][key]) for key in ("name", "message") if call["status"][key]}
    print("\n    " + pretty(short, 4))


def show_files(folder):
    rows = [
        ("capture.pcapng", "the traffic; Wireshark and sluice-inspector read it"),
        ("report.json", "every verdict with its reason"),
        ("report.xml", "the same as JUnit, for CI"),
        ("calls.jsonl", "every call decoded, one JSON record a line"),
        ("summary.jsonl", "the counts above"),
    ]
    print()
    for name, text in rows:
        path = os.path.join(folder, name)
        need(os.path.getsize(path) > 0, f"{path} is empty")
        print(f"    {path:<32}{text}")


def main():
    if len(sys.argv) != 2:
        print("usage: demo_page.py DIR", file=sys.stderr)
        return 2
    folder = sys.argv[1]
    try:
        report = check_report(folder)
        summary = check_summary(folder)
        calls = pick_calls(folder, summary)
        titles = {row["id"]: row["title"] for row in read_json_lines(os.path.join(folder, "scenarios.jsonl"))}
        heading("1. What was done to the reference server, and how it did")
        show_results(report, titles)
        heading("2. What the capture of it shows")
        show_summary(summary)
        heading("3. Three of its calls, decoded from the packets (shortened)")
        for call in calls:
            show_call(call)
        heading("4. Where everything is")
        show_files(folder)
        print()
    except (Missing, OSError, ValueError, KeyError, TypeError, ElementTree.ParseError) as problem:
        kind = "" if isinstance(problem, (Missing, OSError)) else f"{type(problem).__name__}: "
        print(f"demo: not everything happened: {kind}{problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
