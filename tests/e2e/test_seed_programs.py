"""The documentation's own programs, unchanged, where FUNBOOST_SEED names the file that has them."""

from __future__ import annotations

import collections
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from seed_blocks import Block, blocks
from seed_plan import LATER, LEFT_OUT, RUNS, Run

SEED = os.environ.get("FUNBOOST_SEED", "")
BLOCKS = blocks(Path(SEED)) if SEED else []
BY_KEY = {block.key: block for block in BLOCKS}
REDIS_PORT = 6379
"""Some of the programs open this port with a client of their own."""

pytestmark = [
    pytest.mark.timeout(200),
    pytest.mark.skipif(not SEED, reason="FUNBOOST_SEED names no file: the documentation's programs are not run"),
]


class Program:
    """A program that runs, and what it has printed."""

    def __init__(self, file: Path, environment: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(file)],
            cwd=file.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(re.sub(r"\x1b\[[\d;]*m", "", line.rstrip("\n")))

    def count(self, pattern: str) -> int:
        """How many lines match."""
        return sum(1 for line in list(self.lines) if re.search(pattern, line))

    def kill(self) -> None:
        """With the children that it has started."""
        if hasattr(os, "killpg"):
            try:
                os.killpg(self.process.pid, 9)
            except ProcessLookupError:
                pass  # it has ended
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        assert self.process.stdout
        self.process.stdout.close()

    def text(self) -> str:
        """The end of what it printed."""
        return "\n".join(self.lines[-40:])


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Settings of the servers; Redis listens where the documentation says."""
    services = pytest.importorskip("funboost_testing.services")
    from funboost_testing.services import base

    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", REDIS_PORT)) == 0:
            pytest.skip(f"something listens on port {REDIS_PORT} already: it might be somebody's data")
    find_port, base.free_port = base.free_port, lambda: REDIS_PORT
    try:
        redis = services.find("redis").start()
    finally:
        base.free_port = find_port
    with redis:
        rabbitmq = request.getfixturevalue("rabbitmq_server")[0]
        mqtt = request.getfixturevalue("mqtt_server")[0]
        host, port = re.search(r"([\w.]+):(\d+)", mqtt.rpartition("@")[2]).groups()
        yield {"RABBITMQ_URL": rabbitmq, "MQTT_HOST": host, "MQTT_TCP_PORT": int(port), "server": redis}


@pytest.fixture
def root(tmp_path: Path, servers: dict[str, Any]) -> Path:
    """A project with the configuration file of a user who has these servers."""
    import redis

    redis.Redis(port=REDIS_PORT).flushall()
    folder = tmp_path / "project"
    folder.mkdir()
    values = "\n".join(f"    {name} = {value!r}" for name, value in servers.items() if name.isupper())
    (folder / "funboost_config.py").write_text(
        "from funboost.utils.simple_data_class import DataClassBase\n\n\n"
        f"class BrokerConnConfig(DataClassBase):\n{values}\n    SQLACHEMY_ENGINE_URL = 'sqlite:///{folder}/results.db'\n\n\n"
        "class FunboostCommonConfig(DataClassBase):\n    TIMEZONE = 'Asia/Shanghai'\n"
        f"    SECRET_KEY = {secrets.token_hex(16)!r}\n",
        encoding="utf-8",
    )
    return folder


def write(root: Path, block: Block) -> Path:
    """The program as a file of the project."""
    file = root / RUNS.get(block.key, Run()).file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.code, encoding="utf-8")
    return file


def reason_to_leave_out(block: Block) -> str:
    """Why a block is not run; empty if it is."""
    from funboost import BrokerEnum

    from funboost_core.environment import default
    from funboost_core.errors import UnknownKind

    if block.key in LEFT_OUT:
        return LEFT_OUT[block.key]
    if reason := block.flaw():
        return reason
    for name, reason in LATER.items():
        if name in block.code:
            return reason
    needs = RUNS.get(block.key, Run()).needs
    if needs and find_spec(needs) is None:
        return f"needs what is not installed here: {needs}"
    for name in sorted(block.kinds() - {"EMPTY"}):
        try:
            default().catalog.find("brokers", getattr(BrokerEnum, name))
        except UnknownKind:
            return f"its broker is not here yet: {name}"
    return ""


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.chapter}-line{block.line}-{block.key}")
def test_the_documentations_program_runs_unchanged(block: Block, request: pytest.FixtureRequest) -> None:
    if reason := reason_to_leave_out(block):
        pytest.skip(reason)
    root: Path = request.getfixturevalue("root")
    plan = RUNS.get(block.key, Run(seconds=6))
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "PYTHONUNBUFFERED": "1",
        "FUNBOOST_DATA_DIR": str(root / "data"),
    }
    if plan.prepares:
        subprocess.run([sys.executable, "-c", plan.prepares], cwd=root, env=environment, check=True)
    running: list[Program] = []
    try:
        running.extend(Program(write(root, BY_KEY[key]), environment) for key in plan.beside)
        program = Program(write(root, block), environment)
        running.append(program)
        if plan.publishes:
            publisher = root / "publish.py"
            publisher.write_text(plan.publishes, encoding="utf-8")
            running.append(Program(publisher, environment))
        end = time.monotonic() + plan.seconds
        while time.monotonic() < end and program.process.poll() is None:
            if plan.shows and sum(one.count(plan.shows) for one in running) >= plan.times:
                break
            time.sleep(0.1)
    finally:
        for one in running:
            one.kill()
    said = "\n----\n".join(one.text() for one in running)
    if not plan.fails:
        assert "Traceback" not in said, said
    if plan.ends:
        assert program.process.returncode == 0, said
    if plan.shows:
        assert sum(one.count(plan.shows) for one in running) >= plan.times, said


def test_how_many_there_are() -> None:
    reasons = collections.Counter(reason_to_leave_out(block).partition(":")[0] for block in BLOCKS)
    run = reasons.pop("", 0)
    print(f"{run} of {len(BLOCKS)} Python blocks run as they are; not run: {dict(reasons)}")
    assert BLOCKS
    assert set(RUNS) <= set(BY_KEY), "a program that the documentation has not"
