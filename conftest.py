"""For the tests of all distributions: what is on this machine must not decide what they do, nor may they leave anything.

Workers of one run, and other runs, have the same user: no file of one test may be another's.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import time

import pytest


@pytest.fixture(autouse=True, scope="session")
def _no_data_of_this_user(tmp_path_factory: pytest.TempPathFactory):
    """The user's data is in a folder of the test run."""
    with pytest.MonkeyPatch.context() as patch:
        data = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_DATA_HOME"
        patch.setenv(data, str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """FUNBOOST_… variables of the developer's shell, or of another test, are not seen."""
    for name in os.environ:
        if name.startswith("FUNBOOST_") and not name.startswith("FUNBOOST_TEST_"):
            monkeypatch.delenv(name)


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
