#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The harness against the right server whose frames a relay rewrites: lawful oddities of other stacks fail nothing, and
each deviation fails the scenario by the rule that it breaks.

usage: test_rewritten.py HARNESS SERVER
"""
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from h2_relay import ACK, DATA, HEADERS, PADDED, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, frames  # pylint: disable=wrong-import-position

HARNESS, SERVER = sys.argv[1:3]
END_HEADERS = 4
TRAILERS = 5  # END_STREAM and END_HEADERS
# 103 and one field, as literals that touch no table (RFC 7541 6.2.2): :status is name 8 of the static one.
HINTS = bytes([0x08, 3]) + b"103" + bytes([0, 4]) + b"link" + bytes([4]) + b"</a>"


def literal(name, value):
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


class Rewriter:
    """What becomes of the server's frames on one connection."""

    def __init__(self, name):
        self.name = name
        self.answered = set()

    def rewrite(self, kind, flags, stream, payload):
        whole = frame(kind, flags, stream, payload)
        change = getattr(self, self.name.replace("-", "_"))
        return change(kind, flags, stream, payload, whole)

    # --- lawful ---

    def padded(self, kind, flags, stream, payload, whole):
        if kind == DATA and not flags & PADDED:
            return frame(DATA, flags | PADDED, stream, bytes([7]) + payload + bytes(7))
        return whole

    def early_hints(self, kind, _flags, stream, _payload, whole):
        if kind == HEADERS and stream not in self.answered:
            self.answered.add(stream)
            return frame(HEADERS, END_HEADERS, stream, HINTS) + whole
        return whole

    def unknown_frames(self, _kind, _flags, stream, _payload, whole):
        return whole + frame(0x2A, 0xFF, stream, b"greased")

    def unknown_settings(self, kind, flags, _stream, payload, whole):
        is_settings = kind == SETTINGS and not flags & ACK
        return frame(SETTINGS, 0, 0, payload + struct.pack(">HI", 0x1A2A, 2**32 - 1)) if is_settings else whole

    # --- wrong ---

    def ping_answer_changed(self, kind, flags, _stream, payload, whole):
        return frame(PING, ACK, 0, payload[::-1]) if kind == PING and flags & ACK else whole

    def ping_answer_short(self, kind, flags, _stream, payload, whole):
        return frame(PING, ACK, 0, payload[:7]) if kind == PING and flags & ACK else whole

    def settings_twice_acked(self, kind, flags, _stream, _payload, whole):
        return whole * 2 if kind == SETTINGS and flags & ACK else whole

    def push_enabled(self, kind, flags, _stream, payload, whole):
        is_settings = kind == SETTINGS and not flags & ACK
        return frame(SETTINGS, 0, 0, payload + struct.pack(">HI", 2, 1)) if is_settings else whole

    def settings_of_odd_length(self, kind, flags, _stream, payload, whole):
        is_settings = kind == SETTINGS and not flags & ACK
        return frame(SETTINGS, 0, 0, payload + b"\0") if is_settings else whole

    def data_after_trailers(self, kind, flags, stream, _payload, whole):
        return whole + frame(DATA, 0, stream) if kind == HEADERS and flags & 1 else whole

    def trailers_twice(self, kind, flags, stream, _payload, whole):
        again = frame(HEADERS, TRAILERS, stream, literal(b"grpc-status", b"0"))
        return whole + again if kind == HEADERS and flags & 1 else whole

    def upper_case_name(self, kind, flags, stream, payload, whole):
        is_block = kind == HEADERS and not flags & PADDED
        return frame(HEADERS, flags, stream, payload + literal(b"X-Upper", b"1")) if is_block else whole

    def connection_field(self, kind, flags, stream, payload, whole):
        is_block = kind == HEADERS and not flags & PADDED
        return frame(HEADERS, flags, stream, payload + literal(b"connection", b"close")) if is_block else whole

    def block_of_index_zero(self, kind, flags, stream, payload, whole):
        is_block = kind == HEADERS and not flags & PADDED
        return frame(HEADERS, flags, stream, payload + b"\x80") if is_block else whole

    def window_update_of_zero(self, kind, flags, _stream, _payload, whole):
        return whole + frame(WINDOW_UPDATE, 0, 0, bytes(4)) if kind == SETTINGS and flags & ACK else whole

    def reset_of_five_bytes(self, kind, flags, stream, _payload, whole):
        return whole + frame(RST_STREAM, 0, stream, bytes(5)) if kind == HEADERS and not flags & 1 else whole

    def message_flag_of_two(self, kind, flags, stream, payload, whole):
        return frame(DATA, flags, stream, b"\2" + payload[1:]) if kind == DATA and payload else whole


LAWFUL = ("padded", "early-hints", "unknown-frames", "unknown-settings")
WRONG = {  # the rules by any of which it is to fail
    "ping-answer-changed": {"CONN-02"},
    "ping-answer-short": {"FRM-18"},
    "settings-twice-acked": {"CONN-17"},
    "push-enabled": {"CONN-17"},
    "settings-of-odd-length": {"FRM-18"},
    "data-after-trailers": {"CALL-20"},
    "trailers-twice": {"CALL-20"},
    "upper-case-name": {"CALL-22"},
    "connection-field": {"CALL-22"},
    "block-of-index-zero": {"META-12"},
    "window-update-of-zero": {"FLOW-22"},
    "reset-of-five-bytes": {"FRM-18"},
    "message-flag-of-two": {"FRM-17"},
}


def copy(source, sink, change):
    """One direction, until it ends."""
    try:
        if change is None:
            while some := source.recv(65536):
                sink.sendall(some)
        else:
            for kind, flags, stream, payload in frames(source.makefile("rb")):
                sink.sendall(change.rewrite(kind, flags, stream, payload))
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def relay(listener, port, name):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", port))
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=copy, args=(client, server, None), daemon=True).start()
        threading.Thread(target=copy, args=(server, client, Rewriter(name)), daemon=True).start()


def run(*arguments):
    """The results of a run, by scenario, with its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        done = subprocess.run([HARNESS, "run", "--seed", "1", "--report", f"json={report}", *arguments],
                              capture_output=True, text=True, timeout=120, check=False)
        if not os.path.exists(report):
            sys.exit(f"no report: {done.stdout}{done.stderr}")
        with open(report, encoding="utf-8") as file:
            return json.load(file)["results"], done.returncode


def play(port, name, *scenarios):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=relay, args=(listener, port, name), daemon=True).start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        results, _ = run(*scenarios, "--jobs", "2", "--no-canary", "--target", address)
    return results


def judge_relayed(port):
    bad = []
    for name in LAWFUL:
        for result in play(port, name, "contract/chat", "contract/send-rejected"):
            print(f"{name}: {result['id']}: {result['verdict']}: {result['reason']}")
            if result["verdict"] != "pass":
                bad.append(f"{name} is lawful: {result['id']}")
            if name in ("padded", "early-hints") and result["id"] == "contract/chat" and \
                    not any("C core" in note for note in result.get("notes", [])):
                bad.append(f"{name}: no word of the C core")
    for name, rules in WRONG.items():
        scenario = "wire/ping-beside-blocked-data" if name.startswith("ping") else "contract/send-rejected"
        failed = [r for r in play(port, name, scenario) if r["verdict"] == "fail"]
        blamed = {r["failures"][0]["rule"] for r in failed}
        print(f"{name}: {sorted(blamed)} by {[r['id'] for r in failed]}")
        if not blamed or blamed - rules:
            bad.append(f"{name} fails by {sorted(blamed)}")
    return bad


def judge_few_streams():
    """A server of one stream at once refuses what a scenario opens beside: no measure of it."""
    command = f"exec '{SERVER}' --listen 127.0.0.1:{{port}} --frontend h2 --max-streams 1"
    results, _ = run("wire/stalled-prefix", "contract/send-rejected", "--exec", command)
    verdicts = {result["id"]: (result["verdict"], result["reason"]) for result in results}
    print(verdicts)
    skipped = verdicts["wire/stalled-prefix"]
    is_good = skipped[0] == "skip" and "1 stream at once" in skipped[1]
    return [] if is_good and verdicts["contract/send-rejected"][0] == "pass" else ["one stream at once"]


def main():
    with subprocess.Popen([SERVER, "--listen", "127.0.0.1:0", "--frontend", "h2"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as server:
        try:
            ready = server.stdout.readline()
            port = int(re.search(r":(\d+)\b", ready).group(1))
            bad = judge_relayed(port) + judge_few_streams()
        finally:
            server.terminate()
    if bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
