# SPDX-License-Identifier: Apache-2.0
"""`check` names each mistake with file, line, JSON path and what is nearest to it."""
import json
import unittest

from support import Folder, harness, scenario

STEP = {"sub": {"subscribe": {}}}


def run_of(step):
    return scenario(run=[STEP, {"pub": {"send": {"count": 1}}}, step])


def phase_of(expression):
    return scenario(run=[STEP, {"phase": "healthy", "do": [{"pub": {"send": {"count": 5}}}]}],
                    expect=[{"latency": "ack", "of": "pub", "at_most": expression}])


# name: the scenario, the place, the word that is wrong, the suggestion (None: none is near).
CASES = {
    "actor-of-step": (run_of({"pubb": {"send": {}}}), "$.run[2].pubb", "'pubb'", "pub"),
    "actor-of-list": (run_of({"pub,subb": {"send": {}}}), "$.run[2].pub,subb", "subb", "sub"),
    "control-step": (run_of({"awaitt": "1 == 1"}), "$.run[2].awaitt", "'awaitt'", "await"),
    "verb": (run_of({"pub": {"sned": {}}}), "$.run[2].pub.sned", "'sned'", "send"),
    "key-of-verb": (run_of({"pub": {"send": {"cuont": 1}}}), "$.run[2].pub.send.cuont", "'cuont'", "count"),
    "rule-of-step": (run_of({"await": "1 == 1", "rule": "SND-01"}), "$.run[2].rule", "'SND-01'", "SEND-01"),
    "top-key": (scenario(titel="x"), "$.titel", "'titel'", "title"),
    "check": (scenario(expect=[{"deliverd": "all"}]), "$.expect[0]", "names a check", "delivered"),
    "actor-of-check": (scenario(expect=[{"fifo": True, "of": "sbu"}]), "$.expect[0].of", "'sbu'", "sub"),
    "sender-of-check": (scenario(expect=[{"fifo": True, "of": "sub", "from": "pib"}]), "$.expect[0].from", "'pib'", "pub"),
    "phase-of-check": (scenario(run=[STEP, {"phase": "healthy", "do": [{"pub": {"send": {}}}]}],
                                expect=[{"fifo": True, "phase": "helthy"}]), "$.expect[0].phase", "'helthy'", "healthy"),
    "rule-of-check": (scenario(expect=[{"fifo": True, "rule": "SUB-0l"}]), "$.expect[0].rule", "'SUB-0l'", "SUB-0"),
    "rule": (scenario(rules=["SEND-1"]), "$.rules", "'SEND-1'", "SEND-"),
    "capability": (scenario(needs=["reflektion"]), "$.needs", "'reflektion'", "reflection"),
    "calibration": (scenario(calibrate=["hiden"]), "$.calibrate", "'hiden'", "hidden"),
    "catalogue-number": (scenario(tags=["full", "B11"]), "$.tags", "'B11'", None),
    "catalogue-letter": (scenario(tags=["X1"]), "$.tags", "'X1'", None),
    "actor-in-expression": (run_of({"await": "received(sbu) >= 1"}), "$.run[2].await", "sbu", "sub"),
    "counter": (run_of({"await": "recieved(sub) >= 1"}), "$.run[2].await", "recieved", "received"),
    "value": (run_of({"await": "bufer > 1"}), "$.run[2].await", "'bufer'", "buffer"),
    "let": (scenario(let={"MANY": 5}, run=[STEP, {"pub": {"send": {"count": "MANNY"}}}]), "$.run[1].pub.send.count",
            "'MANNY'", "MANY"),
    "phase-in-expression": (phase_of("2 * helthy.ack.p99"), "$.expect[0].at_most", "helthy", "healthy"),
    "metric-in-expression": (phase_of("2 * healthy.akc.p99"), "$.expect[0].at_most", "akc", "ack"),
    "choice": (scenario(level="cor"), "$.level", "'cor'", "core"),
}


class Check(unittest.TestCase):
    def test_each_mistake_has_its_place_and_what_is_nearest(self):
        with Folder() as folder:
            for name, (content, path, word, nearest) in CASES.items():
                with self.subTest(name):
                    file = folder.write(f"{name}.json", content)
                    done = harness("check", file)
                    self.assertEqual(done.returncode, 1, done.stdout)
                    lines = done.stdout.splitlines()
                    self.assertEqual(len(lines), 1, done.stdout)
                    self.assertRegex(lines[0], r"^" + file + r":[1-9][0-9]*: \$")
                    self.assertTrue(lines[0].split(": ", 1)[1].startswith(path + ": "), lines[0])
                    self.assertIn(word, lines[0])
                    if nearest is None:
                        self.assertNotIn("did you mean", lines[0])
                    else:
                        self.assertIn(f"did you mean '{nearest}", lines[0])

    def test_all_mistakes_of_a_file_are_told(self):
        wrong = scenario(titel="x", rules=["NO-01"], expect=[{"fifo": True, "of": "sbu"}])
        with Folder() as folder:
            done = harness("check", folder.write("many.json", wrong))
            self.assertEqual(len(done.stdout.splitlines()), 3, done.stdout)

    def test_an_actor_that_does_nothing_is_a_warning(self):
        idle = scenario()
        idle["actors"]["idle"] = {"kind": "subscriber"}
        with Folder() as folder:
            file = folder.write("idle.json", idle)
            done = harness("check", file)
            self.assertEqual(done.returncode, 0, done.stdout)
            line = json.dumps(idle, indent=1).split('"idle"')[0].count("\n") + 1
            self.assertEqual(done.stdout.splitlines(),
                             [f"{file}:{line}: $.actors.idle: warning: no step names this actor: it does nothing",
                              f"{file}: good"])

    def test_a_schema_is_named_and_ignored(self):
        with Folder() as folder:
            done = harness("check", folder.write("named.json", {"$schema": "../scenario.schema.json", **scenario()}))
            self.assertEqual((done.returncode, done.stdout.count("\n")), (0, 1), done.stdout)


if __name__ == "__main__":
    unittest.main()
