"""The pytest plugin: the report of what was proven, and suites that need a patched process.

It is loaded into every test run where funboost-testing is installed, so it imports what it needs only when used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .report import Report

RESULTS = "FUNBOOST_TESTING_RESULTS"
"""Environment variable of a child's test run: the file for its results."""
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

        config.pluginmanager.register(Results(os.environ[RESULTS]))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note on the tests of suites what they are about, for whichever process reports them."""
    for item in items:
        room = getattr(getattr(item, "cls", None), "funboost_room", None)
        if isinstance(room, str):
            from .report import about

            about(item, room)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> bool | None:
    """Run the tests of a suite with a `first_line` in a process that begins with it."""
    if not getattr(pyfuncitem.cls, "first_line", "") or os.environ.get(RESULTS):
        return None
    from .patched import replay

    replay(pyfuncitem)
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report."""
    report = session.config.stash.get(_KEY, None)
    if report is not None:
        report.write(session.config.getoption("--funboost-report"))
