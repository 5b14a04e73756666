"""The files that are written into a project: when, where, and that they are whole and the only ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from funboost import aliases, defaults
from funboost.configuration import generate, project, template, urls

from funboost_core.settings import Settings

WAIT = 120

PROGRAM = """
import os, sys
from funboost import boost, BoosterParams, FunboostCommonConfig
from funboost_core import default

@boost(BoosterParams(queue_name="q", log_level=40))
def f(x):
    return x

if __name__ == "__main__":
    before = sorted(os.listdir(sys.argv[1]))
    f.push(1)
    print(before, FunboostCommonConfig.SECRET_KEY, default().data_path())
"""


@pytest.fixture
def folder(tmp_path):
    """A project with a program in a folder of it."""
    place = tmp_path / "project"
    (place / "jobs").mkdir(parents=True)
    (place / "jobs" / "run.py").write_text(PROGRAM, encoding="utf-8")
    return place


def start(folder, tmp_path, first, **environ):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")}
    paths = [entry for entry in sys.path if entry]
    return subprocess.Popen(
        [sys.executable, str(folder / "jobs" / "run.py"), str(folder)],
        cwd=tmp_path,
        env={
            **kept,
            "PYTHONPATH": os.pathsep.join([str(first), *paths] if first else paths),
            "XDG_DATA_HOME": str(tmp_path / "home"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environ,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output_of(process):
    output, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 0, output
    return output


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_at_first_use_by_several_processes_at_once(folder, tmp_path):
    processes = [start(folder, tmp_path, folder) for _ in range(3)]
    outputs = [output_of(process) for process in processes]
    assert names(folder) == [".funboost", "funboost_cli_user.py", "funboost_config.py", "jobs"]
    keys = {output.split()[-2] for output in outputs}
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    assert {output.split()[-1] for output in outputs} == {str(folder / ".funboost")}
    if os.name == "posix":
        assert (folder / "funboost_config.py").stat().st_mode & 0o077 == 0


def test_not_without_pythonpath_and_not_when_switched_off(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    processes = [
        start(folder, tmp_path, None),
        start(folder, tmp_path, elsewhere),  # the program is not inside
        start(folder, tmp_path, folder, FUNBOOST_GENERATE_CONFIG="0"),
    ]
    for process in processes:
        assert " None " in output_of(process)
    assert (names(folder), names(elsewhere)) == (["jobs"], [])


# -- the rule ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def as_program(monkeypatch):
    """``as_program(file, PYTHONPATH)`` pretends that `file` runs."""

    def pretend(program, *entries):
        monkeypatch.setattr(
            sys.modules["__main__"], "__file__", None if program is None else str(program), raising=False
        )
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, entries)))

    return pretend


def test_the_root_is_the_first_entry_of_pythonpath_when_the_program_is_inside(tmp_path, as_program):
    settings = Settings()
    as_program(tmp_path / "jobs" / "run.py", tmp_path, "/elsewhere")
    assert project.writable_root(settings) == tmp_path.resolve()
    as_program(tmp_path / "jobs" / "run.py", "/elsewhere", tmp_path)
    assert project.writable_root(settings) is None
    as_program(None, tmp_path)  # python -c, a notebook
    assert project.writable_root(settings) is None
    as_program(tmp_path / "site-packages" / "pytest" / "__main__.py", tmp_path)
    assert project.writable_root(settings) is None
    as_program(tmp_path / "run.py", tmp_path / "missing")
    assert project.writable_root(settings) is None


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs permissions that bind this user")
def test_not_where_this_user_may_not_write(tmp_path, as_program):
    tmp_path.chmod(0o500)
    as_program(tmp_path / "run.py", tmp_path)
    assert project.writable_root(Settings()) is None


def test_a_folder_that_refuses_is_no_error(tmp_path, as_program, monkeypatch):
    def refuse(*_):
        raise OSError("read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(generate, "_done", False)
    as_program(tmp_path / "run.py", tmp_path)
    generate.at_first_use(Settings())
    assert names(tmp_path) == []


# -- writing ------------------------------------------------------------------------------------------------------------


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "funboost_config.py").write_text("mine", encoding="utf-8")
    assert generate.write(tmp_path) == [tmp_path / "funboost_cli_user.py"]
    assert generate.write(tmp_path, nb_log=True) == [tmp_path / "nb_log_config.py"]
    assert (tmp_path / "funboost_config.py").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("links", [True, False])
def test_of_many_writers_one_wins_and_what_they_see_is_whole(tmp_path, monkeypatch, links):
    if not links:

        def no_links(*_):
            raise OSError("this file system has none")

        monkeypatch.setattr(os, "link", no_links)
    path, barrier, written, seen = tmp_path / "file.py", threading.Barrier(8), [], []

    def write(number):
        barrier.wait()
        written.append(generate._create(path, f"{number}\n" * 5000))
        if links:
            seen.append(path.read_text(encoding="utf-8"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["file.py"]
    assert written.count(True) == 1
    text = path.read_text(encoding="utf-8")
    assert set(seen) <= {text}
    assert (len(text), len(set(text.split()))) == (10000, 1)


# -- their texts ----------------------------------------------------------------------------------------------------------


def test_the_file_names_every_documented_setting_with_its_default():
    text = template.config("key")
    for name, default in defaults.DEFAULTS.items():
        found = re.search(rf"^    # {name} = (.+?)(  #.*)?$", text, re.MULTILINE)
        assert found, name
        assert eval(found[1]) == default, name  # our own text
    for name in (*urls.DERIVED, "NAMESPACE", "HOOKS", *aliases.SETTINGS.values()):
        assert f"# {name} = " in text, name


def test_the_file_says_nothing_but_a_key_of_its_own(tmp_path):
    scopes = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        generate.write(folder)
        scope: dict = {}
        exec((folder / "funboost_config.py").read_text(encoding="utf-8"), scope)
        scopes.append(scope)
        assert scope["BrokerConnConfig"].get_dict() == {}
        assert list(scope["FunboostCommonConfig"].get_dict()) == ["SECRET_KEY"]
    first, second = (scope["FunboostCommonConfig"].SECRET_KEY for scope in scopes)
    assert first != second
    assert len(first) == 64


def test_the_command_line_of_a_project_is_the_documented_module():
    import funboost

    source = Path(funboost.__file__).parent / "core" / "cli" / "funboost_cli_user_templ.py"
    assert template.cli_user() == source.read_text(encoding="utf-8")
