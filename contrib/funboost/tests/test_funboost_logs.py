"""The log: a readable console where the program configures none, levels for each queue, the documented names of loggers."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys

import pytest
from funboost import (
    AbstractConsumer,
    BoosterParams,
    FunboostFileLoggerMixin,
    boost,
    get_funboost_file_logger,
    get_logger,
    nb_print,
)
from funboost.logs import console, equip

from funboost_core.errors import ConfigError

MINE = ("funboost", "shop", "Shop", "mine")


@pytest.fixture
def root():
    """A root without pytest's handlers, which come back before each test."""
    return logging.RootLogger(logging.WARNING)


@pytest.fixture(autouse=True)
def alone(root, monkeypatch):
    """What is written to standard error, which is a terminal when told so."""

    class Stream(io.StringIO):
        terminal = False

        def isatty(self):
            return self.terminal

    for name in MINE:
        monkeypatch.setattr(logging.getLogger(name), "parent", root)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Stream()
    monkeypatch.setattr(console.ConsoleHandler, "stream", stream)  # pytest replaces sys.stderr
    tidy()
    yield stream
    tidy()


def tidy():
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in MINE and isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.setLevel(logging.NOTSET)


@pytest.fixture
def make(environment):
    def make(**fields):
        fields = {"queue_name": "q", "broker_kind": "MEMORY_QUEUE", **fields}
        return boost(BoosterParams(**fields), environment=environment)(lambda x: x).task

    return make


def lines(stream):
    return stream.getvalue().splitlines()


# -- console ------------------------------------------------------------------------------------------------------------


def test_a_line_has_time_level_task_logger_place_and_message(make, alone):
    make().logger.info("hello %s", "you", extra={"task_id": "t1"})
    logging.getLogger("funboost.worker").warning("of the framework")
    first, second = lines(alone)
    assert first[4] == "-" and 'INFO     [t1] funboost.MemoryQueueConsumer--q - "test_funboost_logs.py:' in first
    assert first.endswith(" - hello you")
    assert "WARNING  [no_task_id] funboost.worker" in second


def test_importing_declaring_and_a_program_that_logs_nothing_change_nothing(make):
    make()
    assert logging.getLogger("funboost").handlers == []
    assert logging.getLogger("funboost").level == logging.NOTSET


def test_it_is_hung_up_once_below_the_root(make, root):
    task = make()
    assert task.logger is not task.publishing_logger
    make(queue_name="other").logger.info("x")
    assert [type(handler) for handler in logging.getLogger("funboost").handlers] == [console.ConsoleHandler]
    assert root.handlers == [] and root.level == logging.WARNING
    assert task.logger.handlers == task.publishing_logger.handlers == []


@pytest.mark.parametrize("on_root", [True, False])
def test_a_program_with_handlers_of_its_own_is_left_alone(make, alone, root, on_root):
    own = logging.StreamHandler(io.StringIO())
    (root if on_root else logging.getLogger("funboost")).addHandler(own)
    make().logger.warning("hello")
    assert logging.getLogger("funboost").handlers == ([] if on_root else [own])
    assert logging.getLogger("funboost").level == logging.NOTSET
    assert (lines(alone), own.stream.getvalue()) == ([], "hello\n")


def test_a_program_that_configures_later_gets_its_lines_once_and_its_level_back(make, alone, root):
    logger = make().logger
    logger.info("before")
    own = logging.StreamHandler(io.StringIO())
    root.addHandler(own)
    logger.warning("after")
    logger.info("below the level of the program's own")
    assert [line.rpartition(" - ")[2] for line in lines(alone)] == ["before"]
    assert own.stream.getvalue() == "after\n"


def test_colours_on_a_terminal_only_unless_said(make, alone, monkeypatch):
    logger = make().logger

    def coloured():
        logging.getLogger("funboost").handlers[0]._coloured = (None, False)
        alone.seek(0)
        alone.truncate()
        logger.error("bad")
        return alone.getvalue().startswith("\033[31m") and alone.getvalue().endswith("\033[0m\n")

    assert not coloured()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured()
    monkeypatch.delenv("FORCE_COLOR")
    alone.terminal = True
    assert not coloured()
    monkeypatch.delenv("NO_COLOR")
    assert coloured()
    monkeypatch.setenv("TERM", "dumb")
    assert not coloured()


def test_a_traceback_is_not_coloured(make, alone, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    try:
        raise ValueError("no")
    except ValueError:
        make().logger.exception("failed")
    assert lines(alone)[0].endswith("failed\033[0m")
    assert lines(alone)[-1] == "ValueError: no"


def test_a_process_without_a_console(make, monkeypatch):
    monkeypatch.setattr(console.ConsoleHandler, "stream", None)
    make().logger.error("nobody hears it")  # and nothing is raised


def test_the_layout_of_the_configuration(make, environment, alone):
    setting = equip.TEMPLATE
    environment.settings.values[setting] = logging.Formatter("%(task_id)s|%(message)s")
    make().logger.info("a")
    logging.getLogger("funboost").handlers.clear()
    environment.settings.values[setting] = "%(levelname)s|%(task_id)s|%(message)s"
    make(queue_name="r").logger.info("b")
    assert lines(alone) == ["no_task_id|a", "INFO|no_task_id|b"]


def test_a_template_of_nb_log_where_that_is_not_installed(make, environment, alone, monkeypatch):
    monkeypatch.setattr(environment.catalog, "installed", lambda room: {})
    environment.settings.values[equip.TEMPLATE] = 11
    make().logger.info("a")
    assert "[no_task_id]" in lines(alone)[0]


# -- levels -------------------------------------------------------------------------------------------------------------


def test_information_is_shown_and_details_are_not(make, alone):
    task = make()
    assert task.logger.isEnabledFor(logging.INFO) and not task.logger.isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize("level", ["DEBUG", "10", 10])
def test_the_level_of_all_queues_is_a_setting(make, environment, level):
    environment.settings.values["LOG_LEVEL"] = level
    assert make().logger.isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
def test_a_level_that_a_subclass_declares(environment, level):
    class Mine(BoosterParams):
        log_level: int = level

    assert boost(Mine(queue_name="mine"), environment=environment)(lambda x: x).task.logger.level == level


def test_a_level_that_is_none(make, environment):
    environment.settings.values["LOG_LEVEL"] = "LOUD"
    with pytest.raises(ConfigError, match="LOG_LEVEL='LOUD' is no level"):
        make().logger


def test_a_level_is_that_of_its_queue_alone(environment, alone, calls, root):
    for queue, fields in {"other": {}, "detailed": {"log_level": 10}, "quiet": {"log_level": 40}}.items():
        params = BoosterParams(queue_name=queue, broker_kind="MEMORY_QUEUE", **fields)
        task = boost(params, environment=environment)(lambda x: calls.add(x))
        task.consume()
        task.push(1)
    calls.wait(3)
    environment.worker.stop()
    assert any("detailed: published" in line for line in lines(alone))
    assert any("detailed: detailed_result:" in line and "run 1 took" in line for line in lines(alone))
    assert not any("quiet" in line or "other:" in line for line in lines(alone))
    assert root.level == logging.WARNING


class Recording(AbstractConsumer):
    """A consumer of the user's."""


# -- names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "consumer", "publisher"),
    [
        ({}, "funboost.MemoryQueueConsumer--q", "funboost.MemoryQueuePublisher--q"),
        ({"broker_kind": "sqlite3"}, "funboost.SqliteQueueConsumer--q", "funboost.SqliteQueuePublisher--q"),
        ({"logger_prefix": "eu"}, "funboost.eu--MemoryQueueConsumer--q", "funboost.eu--MemoryQueuePublisher--q"),
        ({"logger_name": "mine"}, "mine", "mine"),
        ({"consumer_override_cls": Recording}, "funboost.Recording--q", "funboost.MemoryQueuePublisher--q"),
    ],
)
def test_names_of_loggers(make, fields, consumer, publisher):
    task = make(**fields)
    assert (task.logger.name, task.publishing_logger.name) == (consumer, publisher)


def test_a_logger_of_the_users_name_has_the_console_too(make, alone):
    make(logger_name="mine").logger.info("hello")
    assert [line.rpartition(" - ")[2] for line in lines(alone)] == ["hello"]


# -- the documented functions -------------------------------------------------------------------------------------------


def test_get_logger(alone):
    logger = get_logger("shop")
    assert get_logger("shop") is logger
    logger.debug("open")
    assert len(lines(alone)) == 1
    assert "DEBUG    [no_task_id] shop" in lines(alone)[0]
    assert get_logger("shop", log_level_int=logging.ERROR).level == logging.ERROR


def test_numbers_of_templates_are_those_of_nb_log():
    with pytest.raises(ConfigError, match=r"formatter_template=11 is no logging.Formatter. .*nb_log.get_logger"):
        get_logger("shop", formatter_template=11)


def test_the_mixin_names_its_logger_after_the_class(alone):
    class Shop(FunboostFileLoggerMixin):
        pass

    Shop().logger.info("open")
    assert "Shop - " in lines(alone)[0]
    assert get_funboost_file_logger("Shop") is Shop().logger


def test_nb_print_says_where(capsys):
    nb_print("x is", 5, sep=" = ")
    assert re.fullmatch(rf'[\d:]+ "{re.escape(__file__)}:\d+" x is = 5\n', capsys.readouterr().out)


def test_a_program_with_the_class_for_all_loggers(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import logging\n"
        "from funboost.core.task_id_logger import TaskIdLogger\n"
        "logging.setLoggerClass(TaskIdLogger)\n"
        "from funboost import boost, BoosterParams, fct\n"
        "@boost(BoosterParams(queue_name='q', broker_kind='MEMORY_QUEUE', is_using_rpc_mode=True))\n"
        "def f(x):\n"
        "    fct.logger.info('in the task')\n"
        "if __name__ == '__main__':\n"
        "    f.consume()\n"
        "    result = f.push(1)\n"
        "    assert result.result is None\n"
        "    print(result.task_id)\n"
        "    __import__('funboost_core').default().worker.stop()\n"
    )
    run = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True, timeout=50)
    assert f"[{run.stdout.strip()}]" in run.stderr
    assert run.stderr.count("in the task") == 1
    assert "\033" not in run.stderr
