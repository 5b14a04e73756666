"""The pytest plugin: the report of what was proven, and suites that need a patched process.

It is loaded into every test run where funboost-testing is installed, so it imports what it needs only when used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .services.fixtures import (
    kafka_place,
    kafka_server,
    mqtt_place,
    mqtt_server,
    nats_place,
    nats_server,
    own_rabbitmq,
    rabbitmq_place,
    rabbitmq_server,
    redis_cluster,
    redis_cluster_place,
    redis_place,
    redis_server,
    sshd_server,
    start_mosquitto,
    start_redis,
    summary,
    valkey_place,
    valkey_server,
)

if TYPE_CHECKING:
    from .eager import Eager
    from .report import Report

__all__ = [
    "kafka_place",
    "kafka_server",
    "mqtt_place",
    "mqtt_server",
    "nats_place",
    "nats_server",
    "own_rabbitmq",
    "rabbitmq_place",
    "rabbitmq_server",
    "redis_cluster",
    "redis_cluster_place",
    "redis_place",
    "redis_server",
    "sshd_server",
    "start_mosquitto",
    "start_redis",
    "valkey_place",
    "valkey_server",
]

RESULTS = "FUNBOOST_TESTING_RESULTS"
"""Environment variable of a child's test run: the file for its results."""
_WHOLE_CLASS = 1200.0
"""Seconds that a child may take for all tests of a class, where pytest-timeout is used."""
_KEY: pytest.StashKey[Report] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the report."""
    parser.getgroup("funboost").addoption(
        "--funboost-report",
        metavar="PATH",
        help="write what the conformance suites have proven, as JSON where PATH ends in .json, else as Markdown",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect for the report, in the process that writes it."""
    if config.getoption("--funboost-report") and not hasattr(config, "workerinput"):
        from .report import Report

        config.stash[_KEY] = report = Report()
        config.pluginmanager.register(report)
    if os.environ.get(RESULTS):
        from .patched import Results

        config.pluginmanager.register(Results(os.environ[RESULTS]), RESULTS)


def _in_child(item: Any) -> bool:
    """Whether the test is to be run by a child of this process."""
    is_child = item.config.pluginmanager.has_plugin(RESULTS)  # a test's environment may be cleaned
    return bool(getattr(getattr(item, "cls", None), "first_line", "")) and not is_child


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note on the tests of suites what they are about, for whichever process reports them."""
    limited = bool(items) and items[0].config.pluginmanager.has_plugin("timeout")
    for item in items:
        if limited and _in_child(item):  # the first of a class waits for all of it; there each has the usual limit
            item.add_marker(pytest.mark.timeout(_WHOLE_CLASS))
        room = getattr(getattr(item, "cls", None), "funboost_room", None)
        if isinstance(room, str):
            from .report import about

            about(item, room)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> bool | None:
    """Run the tests of a suite with a `first_line` in a process that begins with it."""
    if not _in_child(pyfuncitem):
        return None
    from .patched import replay

    replay(pyfuncitem)
    return True


@pytest.fixture
def funboost_eager() -> Iterator[Eager]:
    """The tasks of the default environment in memory, run by `funboost_eager.run()` in the test's own thread."""
    from .eager import Eager

    with Eager() as eager:
        yield eager


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report."""
    report = session.config.stash.get(_KEY, None)
    if report is not None:
        report.write(session.config.getoption("--funboost-report"))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which servers were real, and which were missing."""
    lines = summary(config)
    if lines:
        terminalreporter.section("services")
        terminalreporter.write_line("\n".join(lines))
