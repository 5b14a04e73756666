"""The original `funboost`, run by the Python named in FUNBOOST_ORIGINAL_PYTHON; never a dependency of ours.

It is called through its documented names only.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any, Callable
from urllib.parse import urlsplit

import common
from common import Figure, Runs

CONFIG = """
from funboost.utils.simple_data_class import DataClassBase


class BrokerConnConfig(DataClassBase):
    SQLLITE_QUEUES_PATH = {folder!r}
    REDIS_HOST = {host!r}
    REDIS_USERNAME = REDIS_PASSWORD = ""
    REDIS_PORT = {port}
    REDIS_DB = REDIS_DB_FILTER_AND_RPC_RESULT = {db}
    REDIS_URL = {url!r}


class FunboostCommonConfig(DataClassBase):
    SHOW_HOW_FUNBOOST_CONFIG_SETTINGS = False
"""


def _task(
    function: Callable[..., Any],
    folder: str,
    durability: str = "",
    mode: str = "threading",
    redis: str = "",
    **fields: Any,
) -> Any:
    url = os.environ.get("FUNBOOST_TEST_REDIS_URL", "redis://127.0.0.1:6379/1") if redis else "redis://127.0.0.1:1/0"
    parts = urlsplit(url)
    place = {"host": parts.hostname, "port": parts.port, "db": int(parts.path[1:] or 0), "url": url}
    with open(os.path.join(folder, "funboost_config.py"), "w") as file:
        file.write(CONFIG.format(folder=folder, **place))
    sys.path[:0] = [folder]  # where it looks for its configuration
    sys.path[1:1] = [folder]  # and where it writes one that is missing
    os.environ["PYTHONPATH"] = folder
    os.chdir(folder)
    from funboost import BoosterParams, BrokerEnum, boost

    kind = redis or (BrokerEnum.SQLITE_QUEUE if durability else BrokerEnum.MEMORY_QUEUE)
    parameters = BoosterParams(
        queue_name="bench",
        broker_kind=kind,
        concurrent_mode=mode,
        log_level=logging.ERROR,
        create_logger_file=False,
        **fields,
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


def rpc_2_processes(n: int, folder: str, **options: Any) -> Figure:
    """A result at a time; the consumer is another process."""

    def add(x: int, y: int) -> int:
        return x + y

    place = os.path.join(folder, "server")
    os.mkdir(place)
    server = common.child("original", "rpc_server", folder=place, **options)
    assert server.stdout is not None
    server.stdout.readline()
    task = _task(add, folder, is_using_rpc_mode=True, **options)
    try:
        return common.round_trips(n, lambda i: task.push(i, y=2).result)
    finally:
        server.kill()


def rpc_server(**options: Any) -> None:
    """Consumes until it is killed."""

    def add(x: int, y: int) -> int:
        return x + y

    _task(add, is_using_rpc_mode=True, **options).consume()
    os.write(1, b"ready\n")
    time.sleep(600)


def recovery(folder: str, **options: Any) -> Figure:
    """A worker is killed, another one takes over."""
    task = _task(lambda x, y: x + y, folder, **options)
    return common.recovery("original", lambda i: task.push(i, y=2), folder, **options)


def cold_start(folder: str, **options: Any) -> Figure:
    """A worker starts and runs what waits."""
    task = _task(lambda x, y: x + y, folder, **options)
    return common.cold_start("original", lambda i: task.push(i, y=2), folder, **options)


def worker(folder: str, who: str, seconds: float, **options: Any) -> None:
    """Consumes until it is killed."""
    _task(common.worker_function(folder, who, seconds), folder, **options).consume()
    time.sleep(600)


def idle(seconds: float, **options: Any) -> Figure:
    """A consumer whose queue is empty."""

    def add(x: int, y: int) -> int:
        return x + y

    _task(add, **options).consume()
    return common.idle(seconds)


def imports(folder: str) -> Figure:
    """What a program with a task imports; the first of these writes its configuration files."""
    os.chdir(folder)
    os.environ["PYTHONPATH"] = folder
    return common.wall_of("from funboost import boost, BoosterParams")
