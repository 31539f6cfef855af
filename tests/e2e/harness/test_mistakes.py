# SPDX-License-Identifier: Apache-2.0
"""A scenario's own mistake is a usage error with its place, never a failure of the server."""
import unittest

from support import Folder, Run, scenario

SEND = {"pub": {"send": {"count": 1}}}
CHAT = {"pub": {"kind": "publisher"}, "chat": {"kind": "chat"}}


def run_of(*steps):
    return scenario(run=[SEND, *steps], expect=None)


# name: the scenario, the place of its mistake, a part of what is said of it.
CASES = {
    "division-in-step": (run_of({"pub": {"send": {"count": "1 / received(sub)"}}}), "$.run[1].pub.send.count",
                         "division by zero"),
    "division-in-check": (scenario(expect=[{"count": "accepted", "of": "pub", "between": ["1 / (accepted(pub) - 5)", 9]}]),
                          "$.expect[0].between", "division by zero"),
    "division-in-let": (scenario(let={"X": "1 / (B - B)"}, run=[{"pub": {"send": {"count": "X"}}}], expect=None),
                        "$.run[0].pub.send.count", "has no value here"),
    "too-many-actors": (scenario(actors={"pub": {"kind": "publisher", "n": 20001}, "sub": {"kind": "subscriber"}}),
                        "$.actors.pub.n", "20001; 1 to 20000"),
    "no-actors": (scenario(actors={"pub": {"kind": "publisher", "n": "B - B"}, "sub": {"kind": "subscriber"}}),
                  "$.actors.pub.n", "this is 0"),
    "value-of-the-profile": (run_of({"await": "max_streams > 0"}), "$.run[1].await", "'max_streams'"),
    "negative-count": (run_of({"pub": {"send": {"count": "0 - 1"}}}), "$.run[1].pub.send.count", "this is -1"),
    "negative-duration": (run_of({"await": "1 == 1", "within": "0 - 5"}), "$.run[1].within", "this is -5"),
    "not-finite": (run_of({"hold": "1 == 1", "for": "1e308 * 10"}), "$.run[1].for", "not finite"),
    "no-inflight": (run_of({"pub": {"send": {"count": 2, "inflight": 0}}}), "$.run[1].pub.send.inflight", "this is 0"),
    "load-without-rate": (run_of({"pub": {"send": {"count": 2, "at": {"poisson": 0}}}}), "$.run[1]",
                          "this load is not possible"),
    "too-large": (run_of({"pub": {"send": {"size": 1e12}}}), "$.run[1].pub.send.size", "1000000000000"),
    "too-many-rounds": (run_of({"repeat": 1e7, "do": []}), "$.run[1].repeat", "10000000"),
    "too-many-pings": (run_of({"pub": {"h2_ping": {"count": 1e9}}}), "$.run[1].pub.h2_ping.count", "1000000000"),
    "credit-before-subscribe": (scenario(actors={"pub": {"kind": "publisher"},
                                                 "sub": {"kind": "subscriber", "credit": "manual"}},
                                         run=[SEND, {"sub": {"credit": {"messages": 1}}}], expect=None),
                                "$.run[1]", "was not opened"),
    "send-after-cancel": (scenario(actors=CHAT, expect=None,
                                   run=[SEND, {"chat": {"chat": {}}}, {"chat": {"cancel": {}}},
                                        {"chat": {"send": {"count": 1}}}]), "$.run[3]", "was left"),
    "unknown-method": (run_of({"pub": {"call": {"method": "/no.Such/Method", "message": {"x": 1}}}}),
                       "$.run[1]", "/no.Such/Method"),
    "wrong-message": (run_of({"pub": {"call": {"method": "/chat.v1.ChatService/SendMessage", "message": {"x": 1}}}}),
                      "$.run[1]", "chat.v1.ChatMessage"),
    "window": (scenario(actors={"pub": {"kind": "publisher"},
                                "sub": {"kind": "subscriber", "window": {"stream": 3e9}}}),
               "$.actors.sub.window.stream", "3000000000"),
}


class Mistakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        for name, (content, _, _) in CASES.items():
            cls.folder.write(f"all/{name}.json", content)
        cls.folder.write("all/a-good-one.json", scenario())
        cls.folder.write("all/z-good-one.json", scenario())
        cls.run_of_all = Run(cls.folder, cls.folder.path / "all")

    @classmethod
    def tearDownClass(cls):
        cls.folder.__exit__()

    def test_each_is_told_with_file_and_place(self):
        for name, (_, path, text) in CASES.items():
            with self.subTest(name):
                result = self.run_of_all.result(name)
                self.assertEqual(result["verdict"], "inconclusive", result)
                self.assertTrue(result["mistake"])
                self.assertEqual([f["at"] for f in result["failures"]], [path])
                self.assertIn(text, result["failures"][0]["text"])
                self.assertEqual(result["failures"][0]["rule"], "", "no rule of the server is blamed")
                lines = [l for l in self.run_of_all.done.stderr.splitlines() if f"/{name}.json:" in l]
                self.assertEqual(len(lines), 1, self.run_of_all.done.stderr)
                self.assertRegex(lines[0], r"\.json:[1-9][0-9]*: \$")
                self.assertIn(f": {path}: ", lines[0])

    def test_the_others_run_and_their_results_are_kept(self):
        for name in ("a-good-one", "z-good-one"):
            self.assertEqual(self.run_of_all.result(name)["verdict"], "pass", self.run_of_all)
            self.assertNotIn("mistake", self.run_of_all.result(name))

    def test_exit_status_is_2(self):
        self.assertEqual(self.run_of_all.status, 2, self.run_of_all)

    def test_a_failure_seen_before_it_stays_a_failure(self):
        broken = scenario(expect=[{"count": "accepted", "of": "pub", "between": 4},
                                  {"count": "accepted", "of": "pub", "between": "1 / 0"},
                                  {"count": "accepted", "of": "pub", "between": 3}])
        with Folder() as folder:
            run = Run(folder, folder.write("both.json", broken))
            result = run.result("both")
            self.assertEqual(result["verdict"], "fail")
            self.assertEqual([f["at"] for f in result["failures"]], ["$.expect[0]", "$.expect[1].between"],
                             "what follows a mistake proves nothing")
            self.assertEqual(run.status, 2, "2 comes before 1")

    def test_an_ended_stream_is_the_servers_failure(self):
        ended = scenario(
            actors={"chat": {"kind": "chat"}},
            run=[{"chat": {"chat": {}}}, {"chat": {"send": {"count": 1}}}, {"chat": {"half_close": {}}},
                 {"chat": {"send": {"count": 1}}}],
            expect=[{"status": ["OK"], "of": "chat"}])
        with Folder() as folder:
            result = Run(folder, folder.write("ended.json", ended)).result("ended")
            self.assertEqual(result["verdict"], "fail", result)
            self.assertEqual(result["failures"][0]["rule"], "CHAT-03")

    def test_frames_of_a_stream_whose_connection_was_ended_are_the_servers_failure(self):
        connect, data = {"raw": {"connect": {}}}, {"raw": {"raw_frames": {"frames": [{"type": "DATA", "hex": "00"}]}}}
        begin = {"raw": {"raw_frames": {"frames": [{"type": "HEADERS", "request": "bidi"}]}}}
        wrong = {"raw": {"raw_frames": {"frames": [{"type": "PING", "hex": "00"}]}}}
        actors = {"raw": {"kind": "raw"}}
        with Folder() as folder:
            run = Run(folder, folder.write("ended.json", scenario(actors=actors, expect=None, run=[
                begin, wrong, {"await": "closed(raw) == 1", "within": "5s"}, connect, data])))
            failure = run.result("ended")["failures"][0]
            self.assertEqual((run.status, failure["rule"]), (1, "RES-02"), run)
            self.assertIn("the server ended its connection (", failure["text"])
        with Folder() as folder:
            run = Run(folder, folder.write("mistaken.json", scenario(actors=actors, expect=None, run=[connect, data])))
            self.assertEqual(run.status, 2, run)
            self.assertIn("no stream that a frame could be of", str(run.result("mistaken")))


if __name__ == "__main__":
    unittest.main()
