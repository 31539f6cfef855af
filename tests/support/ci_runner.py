# SPDX-License-Identifier: Apache-2.0
"""Runs the steps of a composite action of GitHub, and the script of a job of GitLab, as their runners do: the same shells,
files and variables. What is not known here is an error, so that nothing is passed over."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml

BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]  # GitHub's "shell: bash"
BASE_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
TIMEOUT_SECONDS = 100


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


class Job:
    """What a run left: exit status, outputs, texts."""

    def __init__(self):
        self.status, self.outputs, self.log, self.summary, self.annotations, self.steps = 0, {}, "", "", [], {}


def outputs_of(text):
    """The file of GITHUB_OUTPUT: name=value, or name<<END, lines, END."""
    lines, outputs = iter(text.splitlines()), {}
    for line in lines:
        heredoc = re.fullmatch(r"([\w-]+)<<(.+)", line)
        if heredoc:
            value = []
            for inner in lines:
                if inner == heredoc[2]:
                    break
                value.append(inner)
            outputs[heredoc[1]] = "\n".join(value)
            continue
        name, equals, value = line.partition("=")
        assert equals and re.fullmatch(r"[\w-]+", name), f"GITHUB_OUTPUT has {line!r}"
        outputs[name] = value
    return outputs


def annotations_of(log):
    """The workflow commands of a log: (kind, properties, text). None while they are stopped."""
    stopped, found = None, []
    for line in log.splitlines():
        if stopped is not None:
            if line == f"::{stopped}::":
                stopped = None
            continue
        command = re.fullmatch(r"::([a-z-]+)(?: (.*?))?::(.*)", line)
        if not command:
            continue
        if command[1] == "stop-commands":
            stopped = command[3]
            continue
        properties = dict(part.split("=", 1) for part in (command[2] or "").split(",") if part)
        text = command[3]
        for escaped, char in (("%0A", "\n"), ("%0D", "\r"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(escaped, char)
            properties = {key: value.replace(escaped, char) for key, value in properties.items()}
        found.append((command[1], properties, text))
    assert stopped is None, "commands stay stopped"
    return found


class Action:
    """One run of a composite action in a workspace. cache: key to folder, which is what actions/cache keeps."""

    def __init__(self, path, workspace, cache=None, path_variable=""):
        self.action = load(path)
        self.folder = Path(path).resolve().parent
        self.workspace = Path(workspace)
        self.temp = self.workspace.parent / "runner_temp"
        self.temp.mkdir(exist_ok=True)
        self.cache = {} if cache is None else cache
        self.path_variable = path_variable
        self.job = Job()
        self.inputs = {}

    def value(self, expression):
        """An expression: a name with dots, or a comparison of one with a string."""
        compared = re.fullmatch(r"([\w.-]+) (==|!=) '([^']*)'", expression)
        if compared:
            return (self.value(compared[1]) == compared[3]) == (compared[2] == "==")
        parts = expression.split(".")
        if parts[0] == "inputs" and len(parts) == 2:
            assert parts[1] in self.inputs, expression
            return self.inputs[parts[1]]
        assert parts[0] == "steps" and parts[2] == "outputs" and len(parts) == 4, expression
        return self.job.steps.get(parts[1], {}).get(parts[3], "")

    def expand(self, text):
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: str(self.value(found[1])), str(text))

    def take_inputs(self, given):
        declared = self.action["inputs"]
        assert set(given) <= set(declared), set(given) - set(declared)
        self.inputs = {name: given.get(name, info.get("default", "")) for name, info in declared.items()}
        for name, info in declared.items():
            assert info["description"] and (name in given or not info.get("required")), name

    def run_step(self, step):
        files = {name: self.temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")}
        for file in files.values():
            file.write_text("")
        script = self.temp / "step.sh"
        script.write_text(self.expand(step["run"]) + "\n")
        assert step["shell"] == "bash", step
        env = {"PATH": self.path_variable + BASE_PATH, "HOME": str(self.temp), "LANG": "C.UTF-8", "CI": "true",
               "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(self.folder), "GITHUB_WORKSPACE": str(self.workspace),
               "RUNNER_TEMP": str(self.temp), "RUNNER_OS": "Linux", **{name: str(path) for name, path in files.items()},
               **{name: self.expand(value) for name, value in step.get("env", {}).items()}}
        done = subprocess.run([*BASH, script], cwd=self.workspace, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=TIMEOUT_SECONDS, check=False)
        self.job.log += done.stdout
        self.job.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        self.job.annotations += annotations_of(done.stdout)
        self.job.steps[step.get("id", step["name"])] = outputs_of(files["GITHUB_OUTPUT"].read_text())
        return done.returncode

    def restore(self, step):
        """actions/cache: brings back the folder of the key, and keeps what is there at the end of the job."""
        name, version = step["uses"].split("@")
        assert name == "actions/cache" and re.fullmatch(r"v\d+", version), step["uses"]
        folder, key = Path(self.expand(step["with"]["path"])), self.expand(step["with"]["key"])
        assert folder.is_absolute() and re.fullmatch(r"[\w.-]{1,512}", key), (folder, key)
        if key in self.cache:
            shutil.copytree(self.cache[key], folder, dirs_exist_ok=True)

    def run(self, **given):
        self.take_inputs({name.replace("_", "-"): value for name, value in given.items()})
        assert self.action["runs"]["using"] == "composite"
        for step in self.action["runs"]["steps"]:
            assert set(step) <= {"id", "name", "if", "uses", "with", "shell", "env", "run"}, step
            condition = step.get("if", "true")
            if self.expand(condition) not in ("True", "true"):
                continue
            if "uses" in step:
                self.restore(step)
                continue
            self.job.status = self.run_step(step)
            if self.job.status != 0:
                break
        self.job.outputs = {name: self.expand(info["value"]) for name, info in self.action["outputs"].items()}
        return self.job


def gitlab_job(path, name, workspace, variables, path_variable=""):
    """Runs before_script and script of a job that extends the template; answers it and what its artifacts match."""
    template = load(path)[name]
    known = {"stage", "image", "variables", "cache", "before_script", "script", "artifacts"}
    assert set(template) <= known, set(template) - known
    given = {**template["variables"], **variables}

    def expanded(text):
        return re.sub(r"\$\{?(\w+)\}?", lambda found: given.get(found[1], ""), text)

    env = {"PATH": path_variable + BASE_PATH, "HOME": str(workspace), "LANG": "C.UTF-8", "CI": "true", "GITLAB_CI": "true",
           "CI_PROJECT_DIR": str(workspace), **{key: expanded(value) for key, value in given.items()}}
    lines = [*template.get("before_script", []), *template["script"]]
    assert all(isinstance(line, str) for line in lines)
    # the runner's script: one shell for both, which ends at the first line that fails
    script = "set -eo pipefail\nset +o noclobber\n:\n" + "\n".join(lines) + "\n"
    done = subprocess.run(["bash"], input=script, cwd=workspace, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=TIMEOUT_SECONDS, check=False)
    job = Job()
    job.status, job.log = done.returncode, done.stdout
    artifacts = template["artifacts"]
    kept = artifacts["when"] == "always" or (artifacts["when"] == "on_failure") == (job.status != 0)
    for path_text in [*artifacts["paths"], artifacts["reports"]["junit"]]:
        job.outputs[path_text] = sorted(Path(workspace).glob(expanded(path_text))) if kept else []
    return job
