"""The original `funboost`, run by the Python named in FUNBOOST_ORIGINAL_PYTHON; never a dependency of ours.

It is called through its documented names only.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, Callable

import common
from common import Figure, Runs

CONFIG = """
from funboost.utils.simple_data_class import DataClassBase


class BrokerConnConfig(DataClassBase):
    SQLLITE_QUEUES_PATH = {folder!r}


class FunboostCommonConfig(DataClassBase):
    SHOW_HOW_FUNBOOST_CONFIG_SETTINGS = False
"""


def _task(function: Callable[..., Any], folder: str, durability: str = "", mode: str = "threading") -> Any:
    with open(os.path.join(folder, "funboost_config.py"), "w") as file:
        file.write(CONFIG.format(folder=folder))
    sys.path[:0] = [folder]  # where it looks for its configuration
    sys.path[1:1] = [folder]  # and where it writes one that is missing
    os.environ["PYTHONPATH"] = folder
    os.chdir(folder)
    from funboost import BoosterParams, BrokerEnum, boost

    kind = BrokerEnum.SQLITE_QUEUE if durability else BrokerEnum.MEMORY_QUEUE
    parameters = BoosterParams(
        queue_name="bench",
        broker_kind=kind,
        concurrent_mode=mode,
        log_level=logging.ERROR,
        create_logger_file=False,
    )
    return boost(parameters)(function)


def publish(n: int, **options: Any) -> Figure:
    """One `push` a message."""

    def add(x: int, y: int) -> int:
        return x + y

    task = _task(add, **options)
    task.push(0, y=2)
    return common.publish(n, lambda i: task.push(i, y=2))


def consume(n: int, **options: Any) -> Figure:
    """A filled queue is worked off."""
    runs = Runs(n)

    def add(x: int, y: int) -> None:
        runs(x, y)

    task = _task(add, **options)
    runs.total = common.publish(n, lambda i: task.push(i, y=2))["messages"]
    return runs.measure(task.consume)
