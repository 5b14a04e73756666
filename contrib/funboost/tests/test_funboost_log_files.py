"""Log files: written where a folder is set and nowhere else; shared and rotated by processes without losing a line."""

from __future__ import annotations

import builtins
import logging
import multiprocessing
import re
import subprocess
import sys
from collections import Counter

import pytest
from funboost import BoosterParams, boost, get_funboost_file_logger, get_logger
from funboost.logs import console, files

from funboost_core.environment import using
from funboost_core.errors import ConfigError

pytest.importorskip("concurrent_log_handler", reason="funboost[log-files] is not installed: log files are NOT tested")


@pytest.fixture
def folder(environment, tmp_path):
    """LOG_PATH, in a program of the test's own."""
    environment.settings.values["LOG_PATH"] = str(tmp_path / "made" / "logs")
    with using(environment):
        yield tmp_path / "made" / "logs"


@pytest.fixture(autouse=True)
def tidy():
    yield
    for handler in files._open.values():
        handler.close()
    files._open.clear()
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        for handler in list(getattr(logger, "handlers", ())):
            if isinstance(handler, console.Own):
                logger.removeHandler(handler)
    logging.getLogger("funboost").setLevel(logging.NOTSET)


@pytest.fixture
def make(environment):
    def make(**fields):
        fields = {"queue_name": "q", "broker_kind": "MEMORY_QUEUE", "log_level": logging.DEBUG, **fields}
        return boost(BoosterParams(**fields), environment=environment)(lambda x: x).task

    return make


def messages(file):
    return [line.rpartition(" - ")[2] for line in file.read_text("utf-8").splitlines()]


# -- which files --------------------------------------------------------------------------------------------------------


def test_nothing_is_written_unless_a_folder_is_set(make, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    make().logger.info("a")
    make(queue_name="r", log_filename="mine.log").logger.info("b")
    get_logger("log_files.shop", log_filename="shop.log").info("c")
    assert list(tmp_path.rglob("*")) == []
    assert "r: log_filename='mine.log' has no effect: set LOG_PATH to the folder of log files." in caplog.text


def test_a_queue_has_a_file_and_one_for_its_errors(make, folder):
    task = make()
    assert not folder.exists(), "a folder is made when there is something to write"
    task.logger.info("taken", extra={"task_id": "t1"})
    task.publishing_logger.debug("sent")
    task.logger.error("bad")
    assert messages(folder / "funboost.q.log") == ["taken", "sent", "bad"]
    assert messages(folder / "funboost.q.error.log") == ["bad"]
    first = (folder / "funboost.q.log").read_text("utf-8").splitlines()[0]
    assert " - funboost.MemoryQueueConsumer--q - " in first and " - INFO - t1 - taken" in first


def test_the_framework_has_a_file_of_its_own(make, folder):
    make().logger.warning("of the queue")
    logging.getLogger("funboost.worker").warning("of the framework")
    get_funboost_file_logger("log_files.tool").info("of a tool")
    assert messages(folder / "funboost.log") == ["of the framework", "of a tool"]
    assert messages(folder / "funboost.q.log") == ["of the queue"]


def test_queues_and_loggers_of_the_program_share_a_file(make, folder):
    make(log_filename="mine.log").logger.info("of q")
    make(queue_name="r", log_filename="mine.log").logger.info("of r")
    logger = get_logger("log_files.shop", log_filename="mine.log", error_log_filename="mine.error.log")
    logger.info("of the shop")
    assert messages(folder / "mine.log") == ["of q", "of r", "of the shop"]
    assert not (folder / "funboost.q.log").exists()


def test_a_queue_may_share_the_file_of_the_framework(make, folder):
    make(log_filename="funboost.log").logger.warning("of q")
    logging.getLogger("funboost.worker").warning("of the framework")
    assert messages(folder / "funboost.log") == ["of q", "of the framework"]


def test_a_queue_without_a_file(make, folder):
    make(create_logger_file=False).logger.warning("a")
    assert messages(folder / "funboost.log") == ["a"]
    assert not (folder / "funboost.q.log").exists()


def test_one_file_for_the_lines_of_all_loggers(make, environment, folder):
    environment.settings.values["LOG_FILE"] = "everything.log"
    make().logger.warning("of the queue")
    logging.getLogger("log_files.unknown").warning("of nobody we know")
    logging.getLogger("funboost.worker").warning("of the framework")
    said = [line for line in messages(folder / "everything.log") if line.startswith("of ")]  # others' threads log too
    assert said == ["of the queue", "of nobody we know", "of the framework"]
    assert messages(folder / "funboost.q.log") == ["of the queue"]
    assert logging.root.level == logging.WARNING


def test_names_that_are_no_file_names(make, folder):
    make(queue_name="eu/orders:new").logger.info("a")
    assert messages(folder / "funboost.eu_orders_new.log") == ["a"]


def test_the_layout_of_the_configuration(make, environment, folder):
    environment.settings.values["NB_LOG_FORMATTER_INDEX_FOR_CONSUMER_AND_PUBLISHER"] = "%(task_id)s|%(message)s"
    make().logger.info("a")
    assert (folder / "funboost.q.log").read_text("utf-8") == "no_task_id|a\n"


def test_a_file_that_cannot_be_written_stops_nobody(make, environment, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    environment.settings.values["LOG_PATH"] = str(tmp_path / "file")
    monkeypatch.setattr(logging, "raiseExceptions", False)
    make().logger.info("a")


def test_without_the_library_it_says_what_to_install(make, folder, monkeypatch):
    original = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "concurrent_log_handler":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigError, match=r"pip install 'funboost\[log-files\]', or unset LOG_PATH"):
        make().logger


# -- several processes --------------------------------------------------------------------------------------------------

WRITER = """
import logging, sys
from pathlib import Path
from funboost.logs import files

path, who, number, size = sys.argv[1:]
handler = files.handler(
    Path(path), logging.Formatter("%(process)d %(message)s"), megabytes=float(size), backups=1000
)
logger = logging.getLogger("writer")
logger.addHandler(handler)
logger.setLevel(logging.INFO)
print("ready", flush=True)
sys.stdin.readline()
for line in range(int(number)):
    logger.info("%s %06d %s end", who, line, "x" * 100)
"""


def written(folder):
    """(who, line) -> how often; raises where a line is torn."""
    found = Counter()
    for file in folder.glob("shared.log*"):
        for line in file.read_text("utf-8").splitlines():
            match = re.fullmatch(r"\d+ (\d) (\d{6}) x{100} end", line)
            assert match, f"torn: {line!r}"
            found[match.groups()] += 1
    return found


def test_processes_that_share_a_file_lose_and_tear_no_line_while_it_is_rotated(tmp_path):
    number = 10_000
    command = [sys.executable, "-c", WRITER, str(tmp_path / "shared.log")]
    writers = [
        subprocess.Popen(
            [*command, str(who), str(number), str(number * 30 / 1e6)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for who in range(3)
    ]
    try:
        for writer in writers:
            assert writer.stdout.readline() == b"ready\n" or writer.wait(), "it did not start"
        for writer in writers:
            writer.stdin.write(b"go\n")
            writer.stdin.close()
        for writer in writers:
            assert writer.wait(50) == 0
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()
    found = written(tmp_path)
    assert set(found.values()) == {1}
    assert len(found) == 3 * number
    assert len(list(tmp_path.glob("shared.log*"))) > 5, "it was not rotated"


def write(handler, who):
    for line in range(300):
        handler.handle(logging.LogRecord("x", 20, "f", 1, f"{who} {line:06} {'x' * 100} end", (), None))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_writes_to_the_files_of_its_parent(tmp_path):
    layout = logging.Formatter("%(process)d %(message)s")
    handler = files.handler(tmp_path / "shared.log", layout, megabytes=0.02, backups=1000)
    write(handler, 0)
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=write, args=(handler, who)) for who in (1, 2)]
    for child in children:
        child.start()
    write(handler, 3)
    for child in children:
        child.join(50)
        assert child.exitcode == 0
    found = written(tmp_path)
    assert set(found.values()) == {1}
    assert len(found) == 4 * 300
