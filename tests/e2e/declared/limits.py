# SPDX-License-Identifier: Apache-2.0
"""L7 and G7: the reference server declares neither limit, so that its own selftest skips them.

What keeps max_streams as HTTP/2 wants it is a server of another stack; here are the two that do not: one that has no
limit, and the C core, which closes the connection. The age of connections it keeps, with its spread.
"""
import json
import os
import subprocess
import tempfile

HARNESS = os.environ["SLUICE_HARNESS"]
SERVER = os.environ["SLUICE_SERVER"]


def play(scenario, capability, values, options, command="exec {server}"):
    """The one result of a run against the server with these options."""
    command = command.format(server=f"{SERVER} --listen 127.0.0.1:{{port}} {options}")
    with tempfile.TemporaryDirectory() as folder:
        profile = os.path.join(folder, "declared.json")
        report = os.path.join(folder, "report.json")
        with open(profile, "w", encoding="utf-8") as file:
            json.dump({"name": "declared", "extends": "seed", "capabilities": ["ready", capability], "values": values}, file)
        run = subprocess.run([HARNESS, "run", scenario, "--profile", profile, "--seed", "1", "--report", f"json={report}", "--exec",
                              command], capture_output=True, text=True, timeout=120)
        print(run.stdout, run.stderr, flush=True)
        with open(report, encoding="utf-8") as file:
            return json.load(file)["results"][0]


def fails(result, rule):
    assert result["verdict"] == "fail" and rule in [failure["rule"] for failure in result["failures"]], result


def main():
    streams = {"max_streams": 20}
    fails(play("limits/max-streams", "max_streams", streams, ""), "CONN-08")
    fails(play("limits/max-streams", "max_streams", streams, "--max-streams 20"), "CONN-08")
    age = {"max_connection_age_ms": 5000}
    result = play("drain/max-connection-age", "max_connection_age", age, "--max-connection-age 5s")
    assert result["verdict"] in ("pass", "inconclusive"), result
    fails(play("drain/max-connection-age", "max_connection_age", age, ""), "CONN-13")
    # A drain tells all connections at once: what an age without a spread would do.
    fails(play("drain/max-connection-age", "max_connection_age", age, "", "{server} & sleep 5; kill -TERM $!; wait"), "CONN-13")


if __name__ == "__main__":
    main()
