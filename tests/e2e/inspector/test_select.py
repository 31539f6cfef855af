# SPDX-License-Identifier: Apache-2.0
"""What the options of selection leave is what a filter over all records would leave: in every view, with the same ids."""
import fnmatch
import functools
import json
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).parents[3]
INSPECTOR = os.environ["SLUICE_INSPECTOR"]
CAPTURES = [ROOT / "tests/golden" / case / "input.pcap" for case in
            ("calls-of-grpc-go", "status-details-of-grpcio", "midway")]
FAR = "9999-"  # later than any time


@functools.lru_cache(maxsize=None)
def read(view, capture, *options):
    command = [INSPECTOR, "--view", view, *options, str(capture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def fields(call):
    """(name, value) of all metadata of a call."""
    for side in (call["request"], call["response"]):
        for block in (side["metadata"], side.get("trailers") or {}):
            for name, values in block.items():
                yield from ((name, value) for value in (values if isinstance(values, list) else [values]))


def end_of(call):
    """The seconds of the end, as text that compares; open calls last for ever."""
    if call["duration_ms"] is None:
        return FAR
    whole, nanos = call["start"][:-1].split(".")
    total = int(nanos) + round(call["duration_ms"] * 1e6)
    hours, minutes, seconds = (int(part) for part in whole.split("T")[1].split(":"))
    seconds += hours * 3600 + minutes * 60 + total // 10**9
    return f"{whole.split('T')[0]}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{total % 10**9:09}Z"


class Select(unittest.TestCase):
    def check(self, capture, options, wanted, in_time=lambda time: True):
        """wanted: of a call record; in_time: of an event, where the calls are those of any time."""
        calls = read("calls", capture)
        selected = [call for call in calls if wanted(call)]
        self.assertEqual(read("calls", capture, *options), selected)
        summary = read("summary", capture, *options)[0]
        self.assertEqual(summary["calls"], len(selected))
        return len(selected), len(calls)

    def check_events(self, capture, options, wanted, in_time=lambda time: True):
        ids = {call["id"] for call in read("calls", capture) if wanted(call)}
        for view in ("messages", "frames"):
            expected = [event for event in read(view, capture) if event["call"] in ids and in_time(event["time"])]
            actual = read(view, capture, *options)
            key = lambda event: json.dumps(event, sort_keys=True)  # those of a call wait for its end
            self.assertEqual(sorted(actual, key=key), sorted(expected, key=key), (view, options))

    def test_criteria_of_calls(self):
        some = set()
        for capture in CAPTURES:
            first = read("calls", capture)[0]
            server = first["server"]
            host, port = server.rsplit(":", 1)
            criteria = {
                ("--status", "ok"): lambda call: (call["status"] or {}).get("name") == "OK",
                ("--status", "open"): lambda call: call["status"] is None,
                ("--status", "invalid_argument", "--status", "5", "--status", "CANCELLED"):
                    lambda call: (call["status"] or {}).get("code") in (1, 3, 5),
                ("--method", "*/S*"): lambda call: fnmatch.fnmatchcase(call["method"] or "", "*/S*"),
                ("--call", "2"): lambda call: call["id"] == 2,
                ("--peer", server): lambda call: True,
                ("--peer", f":{port}", "--peer", first["client"]): lambda call: call["client"] == first["client"],
                ("--peer", f"{host}/31"): lambda call: True,
                ("--peer", "192.0.2.0/24"): lambda call: False,
                ("--metadata", "user-agent=grpc-*"):
                    lambda call: any(name == "user-agent" and value.startswith("grpc-") for name, value in fields(call)),
                ("--metadata", "grpc-message"): lambda call: any(name == "grpc-message" for name, _ in fields(call)),
                ("--metadata", "grpc-status=[1-9]*", "--metadata", "te"):
                    lambda call: {"te"} <= {name for name, _ in fields(call)}
                    and any(name == "grpc-status" and value[0] in "123456789" for name, value in fields(call)),
            }
            for options, wanted in criteria.items():
                with self.subTest(capture=capture.parent.name, options=options):
                    selected, of_all = self.check(capture, options, wanted)
                    self.check_events(capture, options, wanted)
                    if 0 < selected < of_all:
                        some.add(options[0])
        self.assertEqual(some, {"--status", "--method", "--call", "--metadata"})

    def test_times(self):
        some = 0
        for capture in CAPTURES:
            times = sorted(frame["time"] for frame in read("frames", capture))
            since, until = times[len(times) // 3], times[len(times) * 2 // 3]
            for options, low, high in ((("--since", since), since, FAR), (("--until", until), "", until),
                                       (("--since", since, "--until", until), since, until)):
                with self.subTest(capture=capture.parent.name, options=options):
                    under_way = lambda call: call["start"] <= high and end_of(call) >= low
                    selected, of_all = self.check(capture, options, under_way)
                    self.check_events(capture, options, lambda call: True, lambda time: low <= time <= high)
                    some += 0 < selected < of_all
        self.assertGreater(some, 1)

    def test_an_offset_counts_from_the_first_packet(self):
        capture = CAPTURES[0]
        self.assertEqual(read("calls", capture, "--since", "+0"), read("calls", capture))
        self.assertEqual(read("frames", capture, "--since", "+10m"), [])
        late = read("calls", capture, "--since", "+500ms")
        self.assertTrue(late)
        self.assertEqual(late, [call for call in read("calls", capture) if call in late])

    def test_bad_values_name_their_option(self):
        for option, value in (("--peer", "localhost"), ("--metadata", "=x"), ("--since", "tomorrow"), ("--until", "+1"),
                              ("--status", "fine"), ("--call", "0")):
            with self.subTest(option=option):
                done = subprocess.run([INSPECTOR, option, value, str(CAPTURES[0])], capture_output=True, text=True,
                                      timeout=30, check=False)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(option, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
