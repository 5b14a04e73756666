"""For all tests: what is on this machine must not decide what they do, nor may they leave anything on it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BY_FOLDER = {HERE / "chaos": pytest.mark.chaos, HERE / "soak": pytest.mark.soak}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for folder, mark in BY_FOLDER.items():
            if folder in item.path.parents:
                item.add_marker(mark)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Files go to a folder of the test run; FUNBOOST_… variables of the developer's shell are not seen."""
    for name in os.environ:
        if name.startswith("FUNBOOST_") and not name.startswith("FUNBOOST_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path_factory.mktemp("funboost")))


@pytest.fixture(autouse=True)
def _no_level_left():
    """Tasks set levels of the loggers of their queues and hang handlers on them; other tests use these loggers too."""
    yield
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] == "funboost" and isinstance(logger, logging.Logger):
            logger.setLevel(logging.NOTSET)
            logger.handlers.clear()


@pytest.fixture(autouse=True, scope="module")
def _no_process_left():
    """A test file ends the processes that it starts; those that have been told to end get the time that they need."""
    yield
    end = time.monotonic() + 30
    for process in multiprocessing.active_children():
        process.join(max(0.0, end - time.monotonic()))
    left = multiprocessing.active_children()
    for process in left:
        process.kill()
        process.join()
    assert not left, f"still running after the last test of this file: {left}"
