# SPDX-License-Identifier: Apache-2.0
"""What the inspector says of a capture, and whether that is what both ends logged."""
import base64
import hashlib
import json
import subprocess

import plan as plans

SECONDS = 60
KINDS = {"Unary": "unary", "Watch": "server_streaming", "Collect": "client_streaming", "Talk": "bidi_streaming"}
WIRE_STATUS = ("trailers", "trailers_only")


def digest(message):
    return f"{len(message)}:{hashlib.sha256(message).hexdigest()[:16]}"


def values(value):
    return value if isinstance(value, list) else [value]


def own(fields):
    """The fields that the programs made, and not their libraries."""
    return {name: values(value) for name, value in (fields or {}).items() if name.startswith("x-")}


def as_logged(fields, logged):
    """node's HTTP/2 joins the values of a repeated header field with commas."""
    out = dict(fields)
    for name, told in logged.items():
        if len(told) == 1 and len(out.get(name, ())) > 1:
            out[name] = [", ".join(out[name])]
    return out


class Inspector:
    def __init__(self, program, types, keys=None):
        self.command = [str(program), "--call-messages", "1000", "-d", str(types)] + (["--keylog", str(keys)] if keys else [])

    def lines(self, path, view):
        done = subprocess.run([*self.command, "--view", view, str(path)], capture_output=True, timeout=SECONDS, check=False)
        if done.returncode != 0:
            raise AssertionError(f"exit status {done.returncode}: {done.stderr.decode()}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def calls(self, path):
        return self.lines(path, "calls")

    def summary(self, path):
        return self.lines(path, "summary")[0]


def message_of(record):
    """BYTES:HASH as the programs log it; only the size of what is not shown whole."""
    if record.get("json") is None or not record["complete"] or record.get("truncated"):
        return f"{record['bytes']}:?"
    content = plans.item_of_json(record["json"])
    size = record["bytes_decoded"] if record["compressed"] else record["bytes"]
    return digest(content) if len(content) == size else f"{size}:not what json says"


def messages_of(call, side):
    return [message_of(record) for record in call[side]["messages"]]


class Differences(list):
    def same(self, what, seen, expected):
        if seen != expected:
            self.append(f"{what}: {str(seen)[:200]} is not {str(expected)[:200]}")

    def same_fields(self, what, seen, logged):
        self.same(what, as_logged(own(seen), own(logged)), own(logged))

    def begins(self, what, part, whole):
        self.same(what, part, whole[:len(part)])


def compare_with_logs(call, plan, client, server):
    """Every difference between one record of a whole capture and the logs of its two ends."""
    out = Differences()
    is_cut = plan["cancel_after"] >= 0 or client["code"] == 4
    out.same("complete", call["complete"], True)
    out.same("problems", call["problems"], [])
    out.same("method", (call["method"], call["kind"]), (client["method"], KINDS[client["method"].rsplit("/")[-1]]))
    request, response = messages_of(call, "request"), messages_of(call, "response")
    out.same("request messages", request, client["sent"])
    (out.begins if is_cut else out.same)("request messages at the server", server["received"], request)
    out.begins("response messages at the client", client["received"], response)
    (out.begins if is_cut else out.same)("response messages", response, server["sent"])
    if not is_cut:
        out.same("response messages at the client", response, client["received"])
        out.same_fields("trailers", call["response"]["trailers"], client["trail"])
        out.same_fields("trailers at the server", call["response"]["trailers"], server["trail"])
        out.same("status at the server", call["status"]["code"], server["code"])
        out.same_fields("metadata", call["response"]["metadata"], client["head"])
    if not is_cut or call["response"]["metadata"]:
        if call["status_source"] != "trailers_only":
            out.same_fields("metadata at the server", call["response"]["metadata"], server["head"])
    out.same_fields("request metadata", call["request"]["metadata"], client["metadata"])
    sent = {name: values(value) for name, value in call["request"]["metadata"].items() if name in server["metadata"]}
    seen = {name: value for name, value in server["metadata"].items() if name in sent}  # its library may show some of its own
    out.same("metadata at the server", as_logged(sent, seen), seen)
    out.same_fields("metadata at the server", call["request"]["metadata"], server["metadata"])
    out.same("status", call["status"]["code"], client["code"])
    if call["status_source"] in WIRE_STATUS and not is_cut:
        out.same("status message", call["status"]["message"], client.get("text") or "")
    sent_details = dict(plan["metadata"]).get("x-details-bin")
    if sent_details:
        out.same("details", (call["response"]["trailers"].get("grpc-status-details-bin"), client["details"]),
                 (sent_details, sent_details))
        out.same("details", call["status"]["details"], plans.details(0, "")[1])
    out.same("findings", [finding for finding in call["findings"] if finding["level"] == "M"], [])
    return out


def compare_whole(calls, summary, plan, log):
    """All records of a whole capture with all that was logged."""
    out = Differences()
    ends = {who: {line["id"]: line for line in log if line["who"] == who} for who in ("client", "server")}
    found = {}
    for call in calls:
        number = int(call["request"]["metadata"]["x-id"])
        out.same(f"call {number} again", number in found, False)
        found[number] = call
    out.same("calls", sorted(found), [call["id"] for call in plan])
    for call in plan:
        number = call["id"]
        if number in found and number in ends["client"] and number in ends["server"]:
            out += [f"call {number}: {text}" for text in
                    compare_with_logs(found[number], call, ends["client"][number], ends["server"][number])]
        else:
            out.append(f"call {number} is not in {'records' if number not in found else 'both logs'}")
    out += compare_summary(calls, summary)
    out.same("loss", {name: count for name, count in summary["loss"].items() if count}, {})
    return out


def compare_summary(calls, summary):
    out = Differences()
    out.same("summary's calls", summary["calls"], len(calls))
    for side in ("request", "response"):
        out.same(f"summary's {side} messages", summary["messages"][side], sum(c[side]["message_count"] for c in calls))
    names = {}
    for call in calls:
        if call["status"]:
            name = call["status"]["name"] or str(call["status"]["code"])
            names[name] = names.get(name, 0) + 1
    told = {name: count for name, count in summary["statuses"].items() if name not in ("open", "undecoded")}
    out.same("summary's statuses", told, names)
    return out


# What a record must keep, whatever was done to a capture in which nothing is missing.
ESSENCE = ("stream", "client", "server", "protocol", "method", "kind", "authority", "http_status", "status", "status_source",
           "complete", "problems")


def essence(call):
    kept = {name: call[name] for name in ESSENCE}
    for side in ("request", "response"):
        part = call[side]
        kept[side] = (part["metadata"], part["message_count"], part["bytes"], part.get("partial_messages", 0),
                      [(m["bytes"], m["compressed"], m.get("json"), m["complete"]) for m in part["messages"]])
    kept["trailers"] = call["response"].get("trailers")
    kept["rules"] = sorted({finding["rule"] for finding in call["findings"]})
    return kept


def key(call):
    return call["client"], call["stream"]


def compare_same(calls, truth):
    out = Differences()
    seen = {key(call): essence(call) for call in calls}
    out.same("calls", len(calls), len(truth))
    for place, call in truth.items():
        expected = essence(call)
        if place not in seen:
            out.append(f"{place} is missing")
            continue
        for name, value in expected.items():
            out.same(f"{place} {name}", seen[place][name], value)
    return out


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(any(one == other for other in rest) for one in part)


def compare_honest(calls, truth):
    """Of a capture with a loss: whatever a record asserts is true, and what is not whole is not called complete."""
    out = Differences()
    for call in calls:
        place = key(call)
        if place not in truth and call["method"] is None and (call["server"], call["stream"]) in truth:
            continue  # no header block was seen: which end is the server was a guess (docs/INSPECTOR.md, Roles)
        if place not in truth:
            out.append(f"{place} never was: {call['method']}")
            continue
        true = truth[place]
        told = {problem["code"] for problem in call["problems"]}
        has_inferred = any(call[side].get("inferred") for side in ("request", "response"))
        if call["complete"] and not told and not has_inferred and call["status_source"] == true["status_source"]:
            for name, value in essence(true).items():
                out.same(f"{place} is complete, {name}", essence(call)[name], value)
            continue
        if has_inferred and "headers_inferred" not in told:
            out.append(f"{place} has inferred fields with {sorted(told)}")
        if call["complete"] != (told <= MAY_BE_WHOLE):
            out.append(f"{place} complete is {call['complete']} with {sorted(told)}")
        # Of a call that its client reset, what crossed the reset may be missing unseen: nobody had acknowledged it.
        if call["complete"] and call["status_source"] != "rst_stream":
            for side in ("request", "response"):
                told = [(m["bytes"], m.get("json")) for m in call[side]["messages"]]
                known = [(m["bytes"], m.get("json") if "json" in shown else None)
                         for m, shown in zip(true[side]["messages"], call[side]["messages"])]
                out.same(f"{place} is complete, {side} messages", (call[side]["message_count"], told),
                         (true[side]["message_count"], known))
        out += [f"{place} {text}" for text in false_claims(call, true)]
    return out


# All bytes of the call are there; its header fields refer to what went before.
MAY_BE_WHOLE = {"headers_undecoded", "headers_inferred", "encoding_unknown", "message_not_decompressed"}


# Fields that a record says it has inferred, and wrongly; counted, for it does not claim that they were on the wire.
WRONGLY_INFERRED = []


def false_claims(call, true):
    out = Differences()
    for name in ("method", "kind", "authority", "http_status"):
        if call[name] is not None:
            out.same(name, call[name], true[name])
    if call["status"] is not None:
        out.same(f"status by {call['status_source']}", call["status"]["code"], true["status"]["code"])
        if not call.get("status_inferred") and call["status"]["message"]:
            out.same("status message", call["status"]["message"], true["status"]["message"])
    for side in ("request", "response"):
        for part in ("metadata", "trailers"):
            for name, value in (call[side].get(part) or {}).items():
                told, known = values(value), values((true[side].get(part) or {}).get(name, []))
                if not is_subsequence(told, known) and name in call[side].get("inferred", ()):
                    WRONGLY_INFERRED.append(f"{name}: {told} is not of {known}")
                elif not is_subsequence(told, known):
                    out.append(f"{side} {part} {name}: {told} is not of {known}")
        whole = [m for m in call[side]["messages"] if m["complete"]]
        told = [(m["bytes"], m.get("json")) for m in whole if "json" in m]
        known = [(m["bytes"], m.get("json")) for m in true[side]["messages"]]
        if not is_subsequence(told, known):
            out.append(f"{side} messages {str(told)[:200]} are not of {str(known)[:200]}")
        if call[side]["message_count"] > true[side]["message_count"]:
            out.append(f"{call[side]['message_count']} {side} messages of {true[side]['message_count']}")
        size = sum(m["bytes"] for m in whole)
        if size > true[side]["bytes"]:
            out.append(f"{size} bytes of {side} messages, of {true[side]['bytes']}")
    before = {finding["rule"] for finding in true["findings"]}
    for finding in call["findings"]:
        if finding["rule"] not in before:
            out.append(f"accused of {finding['rule']}: {finding['text']}")
    return out
