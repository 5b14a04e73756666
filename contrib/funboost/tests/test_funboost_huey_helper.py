"""The documented way to start Huey's workers: nothing is consumed before, and the call blocks."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

pytest.importorskip("funboost_broker_huey")

PROGRAM = r"""
import sys
from funboost import BoosterParams, BrokerEnum, boost
from funboost.assist.huey_helper import HueyHelper

def tell(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()

@boost(BoosterParams(queue_name="one", broker_kind=BrokerEnum.HUEY, broker_exclusive_config={"huey_task_kwargs": {}}))
def one(x, y):
    tell(f"one {x} {y}")

@boost(BoosterParams(queue_name="two", broker_kind=BrokerEnum.HUEY))
def two(a):
    tell(f"two {a}")

@boost(BoosterParams(queue_name="other", broker_kind=BrokerEnum.MEMORY_QUEUE))
def other(a):
    tell("other")

if __name__ == "__main__":
    other.push(1)
    for i in range(3):
        one.push(i, i + 1)
        two.push(i)
    HueyHelper.realy_start_huey_consume()
    tell("went on")
"""


def test_all_tasks_of_huey_are_worked_off_and_no_others(tmp_path):
    (tmp_path / "main.py").write_text(PROGRAM, encoding="utf-8")
    program = subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "FUNBOOST_DATA_DIR": str(tmp_path / "data")},
    )
    with program:
        try:
            said = {program.stdout.readline().strip() for _ in range(6)}
            time.sleep(0.3)
            assert program.poll() is None, "it blocks"
        finally:
            program.kill()
        assert program.stdout.read() == ""
    assert said == {"one 0 1", "one 1 2", "one 2 3", "two 0", "two 1", "two 2"}
