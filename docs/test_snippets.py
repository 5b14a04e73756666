"""Every program in docs/snippets runs, and the broker of the tutorial survives what the tutorial says it survives."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import time
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

SNIPPETS = Path(__file__).parent / "snippets"
TESTED_BELOW = {
    "quick_start.py",
    "quick_consume.py",
    "quick_publish.py",
    "redis_first.py",
    "mqtt_first.py",
    "nats_first.py",
    "kafka_first.py",
    "rabbitmq_first.py",
}
PROGRAMS = sorted(file.name for file in SNIPPETS.glob("*.py") if file.name not in TESTED_BELOW)
SECONDS = 100

pytestmark = pytest.mark.timeout(240)  # so long its programs may take where many others run

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program in an empty folder, with the data folder there; ends it with the test."""
    processes = []

    def start(*command: str, **settings: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")}
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            env={
                **clean,
                "FUNBOOST_DATA_DIR": str(tmp_path / "data"),
                "FUNBOOST_GENERATE_CONFIG": "0",  # for PYTHONPATH may be the snippets' folder
                "PYTHONIOENCODING": "utf-8",
                **settings,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> str:
    """What a program printed, once it has ended well."""
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, output
    return output


@pytest.fixture
def installed(tmp_path: Path) -> str:
    """A PYTHONPATH on which the two plugins of the documentation are installed with entry points."""
    info = tmp_path / "site" / "documented-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: documented\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[funboost.brokers]\nFOLDER = folder_broker\n[funboost.hooks]\naudit = audit_plugin\n"
    )
    return os.pathsep.join([str(tmp_path / "site"), str(SNIPPETS)])


# -- all of them ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_runs(name: str, start: Start) -> None:
    command = [str(SNIPPETS / name)]
    if name.startswith("check_"):
        command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, *command]
    finish(start(*command, PYTHONPATH=str(SNIPPETS)))


def test_the_first_program_prints_its_sums(start: Start) -> None:
    lines = finish(start(str(SNIPPETS / "quick_start.py"))).splitlines()
    assert {f"{n} + {n} = {2 * n}" for n in range(10)} <= set(lines)


@pytest.mark.server
def test_the_first_program_on_redis(start: Start, redis_place: Any) -> None:
    settings = {"FUNBOOST_REDIS_URL": redis_place.url, "FUNBOOST_STATE_URL": "redis://"}
    finish(start(str(SNIPPETS / "redis_first.py"), **settings, FUNBOOST_NAMESPACE=redis_place.namespace))


@pytest.mark.server
def test_the_first_program_on_rabbitmq(start: Start, rabbitmq_place: Any) -> None:
    settings = {"FUNBOOST_RABBITMQ_URL": rabbitmq_place.url, "FUNBOOST_NAMESPACE": rabbitmq_place.namespace}
    finish(start(str(SNIPPETS / "rabbitmq_first.py"), **settings))


@pytest.mark.server
def test_the_first_program_on_mqtt(start: Start, mqtt_place: Any) -> None:
    port = mqtt_place.url.rpartition(":")[2]
    settings = {"FUNBOOST_MQTT_TCP_PORT": port, "FUNBOOST_NAMESPACE": mqtt_place.namespace}
    finish(start(str(SNIPPETS / "mqtt_first.py"), **settings))


@pytest.mark.server
def test_the_first_program_on_nats(start: Start, nats_place: Any) -> None:
    settings = {"FUNBOOST_NATS_URL": nats_place.url, "FUNBOOST_NAMESPACE": nats_place.namespace}
    finish(start(str(SNIPPETS / "nats_first.py"), **settings))


@pytest.mark.server
def test_the_first_program_on_kafka(start: Start, kafka_place: Any) -> None:
    settings = {"FUNBOOST_KAFKA_BOOTSTRAP_SERVERS": kafka_place.url, "FUNBOOST_NAMESPACE": kafka_place.namespace}
    finish(start(str(SNIPPETS / "kafka_first.py"), **settings))


def test_two_programs_share_a_queue(start: Start) -> None:
    consumer = start(str(SNIPPETS / "quick_consume.py"))
    task_id, result = finish(start(str(SNIPPETS / "quick_publish.py"))).split()
    assert task_id.startswith("count_words_result:")
    assert result == "1"
    consumer.terminate()
    consumer.wait(SECONDS)


# -- the plugins of the documentation, installed ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["results.py", "processes.py", "failing.py"])
def test_programs_run_on_the_folder_broker_by_its_name(name: str, start: Start, installed: str, tmp_path: Path) -> None:
    finish(start(str(SNIPPETS / name), FUNBOOST_BROKER_KIND="folder", PYTHONPATH=installed))
    assert list((tmp_path / "data" / "folders").iterdir())


def test_a_hook_plugin_acts_only_when_it_is_named(start: Start, installed: str) -> None:
    script = (
        "import runpy, audit_plugin\n"
        f"runpy.run_path({str(SNIPPETS / 'results.py')!r}, run_name='__main__')\n"
        "print('published', len(audit_plugin.published))\n"
    )
    for hooks, number in (("audit", 3), ("", 0)):
        assert f"published {number}" in finish(start("-c", script, FUNBOOST_HOOKS=hooks, PYTHONPATH=installed))


# -- the broker of the tutorial -------------------------------------------------------------------------------------------


def code_lines(source: str) -> int:
    """Lines with code on them: no blank lines, no comments, no docstrings."""
    empty = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in empty:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            lines.difference_update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(lines)


def test_sixty_lines() -> None:
    assert code_lines("'''Three\nlines.'''\n\n# a comment\nx = 1  # code\ny = (\n    2)\n") == 3
    assert code_lines((SNIPPETS / "folder_broker.py").read_text("utf-8")) <= 60


RUNS, WELL = 4, 10
WORK = f"""
import os, sys, time
from funboost import BoosterParams, boost

log = os.open(os.environ["LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@boost(BoosterParams(queue_name="work", concurrent_num={RUNS}))
def work(x):
    os.write(log, f"begin {{x}}\\n".encode())
    if x >= {WELL} and "STUCK" in os.environ:
        time.sleep(3600)
    os.write(log, f"end {{x}}\\n".encode())

if sys.argv[1] == "publish":
    work.push_many([{{"x": x}} for x in range(60)])
else:
    work.consume()
"""


def test_killing_a_consumer_loses_nothing(start: Start, installed: str, tmp_path: Path) -> None:
    script, log = tmp_path / "work.py", tmp_path / "log"
    script.write_text(WORK)
    settings = {"LOG": str(log), "FUNBOOST_BROKER_KIND": "FOLDER", "PYTHONPATH": installed}

    def noted(word: str) -> list[int]:
        lines = log.read_text().splitlines() if log.exists() else []
        return [int(line.split()[1]) for line in lines if line.startswith(word)]

    def held() -> int:
        return sum(1 for _ in (tmp_path / "data" / "folders").glob("work/*.claimed/*"))

    def until(done: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + SECONDS
        while not done():
            assert time.monotonic() < deadline and process.poll() is None, (log.read_text(), held())
            time.sleep(0.005)  # another process writes: there is nothing to wait on

    finish(start(str(script), "publish", **settings))
    victim = start(str(script), "consume", **settings, STUCK="1")
    until(lambda: len(noted("begin")) == WELL + RUNS and held() == RUNS, victim)  # what ended is acknowledged
    victim.kill()
    victim.wait()
    begun, ended = set(noted("begin")), set(noted("end"))
    assert ended == set(range(WELL))
    heir = start(str(script), "consume", **settings)
    until(lambda: len(noted("end")) == 60, heir)
    assert sorted(noted("end")) == list(range(60))
    twice = {x for x in noted("begin") if noted("begin").count(x) > 1}
    assert twice == begun - ended  # what was running when it was killed, and nothing that had been acknowledged
