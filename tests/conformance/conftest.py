"""Runs the suites over broken implementations, in child processes, several at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE))
CHILDREN = 10
"""At once; they mostly wait."""
PATIENCE = 30.0
QUIET = 5.0


@pytest.fixture(autouse=True)
def _as_expected(request):
    """In a child: what is to pass has all the time it needs, and what is wrong has time to show, however busy the machine.

    Only for what has to fail anyway the suite's own `patience` is enough; it need not fail where it is not named first.
    """
    broken = getattr(request.cls, "broken", None)
    if broken is not None:
        name, suite = request.node.name, request.instance
        if name not in (*broken.names, *getattr(broken, "also", ())):
            suite.patience = getattr(broken, "suite_patience", PATIENCE)
        elif name in broken.names:
            suite.quiet = QUIET


class Verdicts:
    """What a suite said of one implementation: outcome and text by test."""

    def __init__(self, output: str, lines: list[dict[str, str]]) -> None:
        self.output = output
        self.outcome: dict[str, str] = {}
        self.text: dict[str, str] = {}
        for line in lines:
            name = line["id"].partition("::")[2]
            if self.outcome.get(name, "passed") == "passed" and (line["when"] == "call" or line["outcome"] != "passed"):
                self.outcome[name] = line["outcome"]
            self.text[name] = self.text.get(name, "") + line["text"]

    def check(self, names: tuple[str, ...], also: tuple[str, ...] = ()) -> None:
        """`names` have failed by an assertion of the suite; beside them at most `also` has."""
        failed = {name for name, outcome in self.outcome.items() if outcome == "failed"}
        passed = [name for name, outcome in self.outcome.items() if outcome == "passed"]
        missed = set(names) - failed
        if missed or not passed:
            pytest.fail(f"not caught by {missed}\n{self.output}", pytrace=False)
        unrelated = {name: self.text[name] for name in failed.difference(names, also)}
        if unrelated:
            pytest.fail("\n".join(f"unrelated: {name}\n{text}" for name, text in unrelated.items()), pytrace=False)
        for name in names:
            accident = not any(sign in self.text[name] for sign in ("AssertionError", "DID NOT RAISE", "assert "))
            assert not accident, self.text[name]
        assert len(passed) > len(failed), self.output


def judge(file: str, names: list[str], broken: dict[str, type], folder: Path) -> dict[str, Verdicts]:
    """Run ``file::TestName`` for each name in one child; where all would take minutes, those of `only`."""
    results = folder / f"{file}-{names[0]}.jsonl"
    results.touch()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(HERE),
    ]
    command += ["--import-mode=importlib"]
    for name in names:
        only = getattr(broken[name], "only", ())
        command += [f"{HERE / file}::Test{name}::{test}" for test in only] or [f"{HERE / file}::Test{name}"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), *sys.path])),
        "FUNBOOST_TESTING_RESULTS": str(results),
    }
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=800,
            check=False,
        )
        output = done.stdout
    except subprocess.TimeoutExpired as error:  # the tests about what it did not get to will say so
        output = f"HUNG {error.stdout!r}"
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    return {name: Verdicts(output, [i for i in lines if i["id"].startswith(f"Test{name}::")]) for name in names}


@pytest.fixture(scope="module")
def verdicts(request, tmp_path_factory):
    """By name, for those of this file whose tests are going to run."""
    folder, file = tmp_path_factory.mktemp("verdicts"), request.module.SUITES
    names = list(
        dict.fromkeys(
            item.callspec.params["name"]
            for item in request.session.items
            if item.module is request.module and "verdicts" in item.fixturenames
        )
    )
    jobs = [(file, names[start::CHILDREN], request.module.BROKEN, folder) for start in range(min(CHILDREN, len(names)))]
    with ThreadPoolExecutor(CHILDREN) as pool:
        done = list(pool.map(lambda job: judge(*job), jobs))
    return {name: verdict for batch in done for name, verdict in batch.items()}


@pytest.fixture
def verdict(verdicts, name):
    """What the suites of this file say of the broken implementation of that name."""
    return verdicts[name]
