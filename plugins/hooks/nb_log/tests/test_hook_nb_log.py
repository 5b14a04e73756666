"""nb_log as the log: only where it is switched on, and without what it does to a process that imports it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

PROGRAM = """
import builtins, logging, sys
BEFORE = (builtins.print, sys.stdout.write, sys.stderr.write, sys.excepthook, dict(vars(logging.Logger)), logging.root.level)
from funboost_core import BoosterParams, Environment, boost, fct
from funboost_core.task import Task

environment = Environment()
for number, fields in enumerate([{}, {"queue_name": "other"}]):
    params = BoosterParams(**{"queue_name": "q", "broker_kind": "MEMORY_QUEUE", "log_level": logging.INFO, **fields})
    logger = Task(params, None, environment).logger
    logger.info("of a queue")
logging.getLogger("funboost.worker").warning("of the framework")
AFTER = (builtins.print, sys.stdout.write, sys.stderr.write, sys.excepthook, dict(vars(logging.Logger)), logging.root.level)
"""
UNTOUCHED = PROGRAM + "assert AFTER == BEFORE and logging.root.handlers == []\n"


@pytest.fixture
def run(tmp_path):
    """Runs a program in a project of its own; its output, and ``files()`` are those that it left there."""
    places = {name: tmp_path / name for name in ("project", "home")}
    for place in places.values():
        place.mkdir()

    class Run:
        project, home, logs = places["project"], places["home"], tmp_path / "deep" / "logs"

        def __call__(self, code, **settings):
            kept = {name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")}
            said = {f"FUNBOOST_{name}": value for name, value in settings.items()}
            path = os.pathsep.join([str(self.project), *filter(None, [os.environ.get("PYTHONPATH")])])
            home = str(self.home)
            environment = {**kept, **said, "PYTHONPATH": path, "HOME": home, "USERPROFILE": home}
            environment.pop("LOG_PATH", None)
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
            found = subprocess.run(
                [sys.executable, "-c", code], cwd=self.project, env=environment, capture_output=True, timeout=50
            )
            assert found.returncode == 0, found.stderr.decode()
            return found.stdout.decode() + found.stderr.decode()

        def files(self):
            """Name without nb_log's date -> text."""
            found = (file for file in tmp_path.rglob("*") if file.is_file() and file.suffix != ".py")
            return {re.sub(r"^[\d-]+\.\d+\.", "", file.name): file.read_text("utf-8") for file in found}

    return Run()


def test_installed_it_does_nothing(run):
    output = run(UNTOUCHED + "assert 'nb_log' not in sys.modules")
    assert output == "of the framework\n"
    assert run.files() == {}
    assert list(run.project.iterdir()) == []


def test_switched_on_it_is_console_and_files_and_nothing_else(run):
    output = run(UNTOUCHED + "assert 'nb_log_config' not in sys.modules", HOOKS="nb_log", LOG_PATH=str(run.logs))
    lines = output.splitlines()
    assert len(lines) == 3, "no banner, and every line once"
    assert "\033" in lines[0] and "of a queue" in lines[0] and "no_task_id" in lines[0]
    assert "of the framework" in lines[2]
    files = run.files()
    assert {name: text.count("\n") for name, text in files.items()} == {
        "funboost.q.log": 1,
        "funboost.other.log": 1,
        "funboost.log": 1,
    }
    assert "of the framework" in files["funboost.log"]
    assert list(run.project.iterdir()) == [], "nb_log_config.py was generated"


def test_what_the_projects_configuration_says_holds(run):
    (run.project / "nb_log_config.py").write_text(
        f"LOG_PATH = {str(run.home)!r}\nAUTO_PATCH_PRINT = True\nSHOW_NB_LOG_LOGO = True\n"
        "DEFAULUT_USE_COLOR_HANDLER = False\n"
    )
    output = run(UNTOUCHED, HOOKS="nb_log")
    assert len(output.splitlines()) == 3
    assert "\033" not in output
    assert "funboost.q.log" in run.files()


def test_its_patches_where_they_are_asked_for(run):
    code = PROGRAM + "assert AFTER[0] is not BEFORE[0] and AFTER[3] is not BEFORE[3]\nprint('hello')"
    output = run(code, HOOKS="nb_log", LOG_PATH=str(run.logs), NB_LOG_PATCHES="yes")
    assert any("hello" in line and "[print]" in line for line in output.splitlines())
    assert any(name.endswith(".print") and "hello" in text for name, text in run.files().items())
    assert list(run.project.iterdir()) == []


def test_a_program_that_imports_nb_log_itself_keeps_it_as_it_is(run):
    (run.project / "nb_log_config.py").write_text(
        f"LOG_PATH = {str(run.logs)!r}\nSHOW_NB_LOG_LOGO = SHOW_PYCHARM_COLOR_SETINGS = False\n"
        "SHOW_IMPORT_NB_LOG_CONFIG_PATH = False\n"
    )
    run.logs.mkdir(parents=True)
    code = "import nb_log, builtins\nbefore = builtins.print\n" + PROGRAM + "assert builtins.print is before"
    assert "of a queue" in run(code, HOOKS="nb_log")


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("7", r'.* - funboost\.q - "<string>:\d+" - INFO - of a queue'),
        ("%(levelname)s|%(task_id)s|%(message)s", r"INFO\|no_task_id\|of a queue"),
    ],
)
def test_templates_by_number_and_as_text(run, template, line):
    settings = {"NB_LOG_FORMATTER_INDEX_FOR_CONSUMER_AND_PUBLISHER": template}
    run(PROGRAM, HOOKS="nb_log", LOG_PATH=str(run.logs), **settings)
    assert re.fullmatch(line + "\n", run.files()["funboost.q.log"])


def test_names_of_files_and_queues_without_one(run):
    code = PROGRAM.replace("[{}, {", '[{"logger_prefix": "a/b"}, {"queue_name": "x:y", "log_level": 10}, {')
    run(code, HOOKS="nb_log", LOG_PATH=str(run.logs))
    assert "funboost.x_y.log" in run.files()
