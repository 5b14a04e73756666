"""logs: the id of the running task in every line, whichever way it is asked for, and nothing changed by importing."""

from __future__ import annotations

import io
import logging

import pytest
from funboost_testing.calls import Call
from support.program import message

from funboost_core import TaskIdFilter, TaskIdFormatter, TaskIdLogger, fct
from funboost_core.consuming.execution import run

FORMAT = "%(task_id)s %(message)s"


class Lines(logging.StreamHandler):
    """A handler that keeps its text."""

    def __init__(self, formatter):
        super().__init__(io.StringIO())
        self.setFormatter(formatter)

    @property
    def lines(self):
        return self.stream.getvalue().splitlines()


@pytest.fixture(autouse=True)
def tidy():
    """No handler stays behind."""
    yield
    logging.getLogger("logs.mine").handlers.clear()


def in_task(program, function):
    outcome = run(program.line(lambda x: function(), is_using_rpc_mode=True).fetched(message(task_id="t")))
    assert outcome.error is None
    return outcome.result


def with_class(handler):
    logger = TaskIdLogger("mine")
    logger.addHandler(handler)
    return logger


def with_filter(handler):
    handler.addFilter(TaskIdFilter())
    logger = logging.getLogger("logs.mine")
    logger.addHandler(handler)
    return logger


def test_a_logger_class_and_a_filter_for_a_handler(program):
    for make in (with_class, with_filter):
        handler = Lines(logging.Formatter(FORMAT))
        logger = make(handler)
        logger.warning("outside")
        in_task(program, lambda logger=logger: logger.warning("inside"))
        logger.warning("given", extra={"task_id": "mine"})
        assert handler.lines == ["no_task_id outside", "t inside", "mine given"]


def test_a_formatter_serves_every_logger(program):
    handler = Lines(TaskIdFormatter(FORMAT))
    logger = logging.getLogger("logs.mine")
    logger.addHandler(handler)
    logger.warning("outside")
    in_task(program, lambda: logger.warning("inside"))
    assert handler.lines == ["no_task_id outside", "t inside"]


def test_the_class_for_all_loggers_made_afterwards(program, run_python):
    out = run_python(
        """
import logging
import funboost_core
assert logging.getLoggerClass() is logging.Logger
from funboost_core import TaskIdLogger
assert logging.getLoggerClass() is logging.Logger
logging.setLoggerClass(TaskIdLogger)
handler = logging.StreamHandler(__import__("sys").stdout)
handler.setFormatter(logging.Formatter("%(task_id)s %(message)s"))
logger = logging.getLogger("mine")
logger.addHandler(handler)
logger.warning("hello")
"""
    )
    assert out == "no_task_id hello\n"


def test_the_logger_of_the_task_has_it_without_being_asked(program):
    handler = Lines(logging.Formatter(FORMAT))
    logger = program.task().logger
    logger.addHandler(handler)
    try:
        in_task(program, lambda: fct.logger.warning("inside"))
        logger.warning("outside")
        assert handler.lines == ["t inside", "no_task_id outside"]
        assert sum(isinstance(known, TaskIdFilter) for known in logger.filters) == 1
    finally:
        logger.removeHandler(handler)


@pytest.mark.parametrize("error", [ValueError("no"), None])
def test_what_the_framework_says_of_a_failed_run_has_it(program, error, caplog):
    from funboost_core import Drop, Outcome
    from funboost_core.consuming.judging import report

    delivery = program.line().fetched(message(task_id="t"))
    report(delivery, Outcome(None, error, 1.0, 2.0, 1), Drop("given up"))
    assert [record.task_id for record in caplog.records] == ["t"]


def test_two_threads_that_need_a_logger_first_equip_it_once(program, monkeypatch):
    from funboost_core.task import Task

    equipped, others, task = [], [], program.task()

    def slow(task, logger):
        equipped.append(logger)
        if not others:
            others.append(Call(lambda: task.logger))
            others[0].running(0.5)

    monkeypatch.setattr(Task, "equip", slow)
    logger = task.logger
    assert others[0].result() is logger
    assert equipped == [logger]
