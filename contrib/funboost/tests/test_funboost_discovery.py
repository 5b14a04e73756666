"""The modules of a project are imported, each once, and nothing that is a program."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import pytest
from funboost import BoosterDiscovery, BoostersManager

from funboost_core.environment import using
from funboost_core.errors import ConfigError

TASK = """
from funboost import BoosterParams, boost

@boost(BoosterParams(queue_name="{queue}"))
def function(x):
    return x
"""


@pytest.fixture(autouse=True)
def clean(monkeypatch, environment):
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    with using(environment):
        yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def project(tmp_path):
    """Makes files, with one task each: ``project("jobs/a.py", ...)``; the folder."""

    def make(*files):
        for file in files:
            path = tmp_path / "project" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(TASK.format(queue=file), encoding="utf-8")
        return tmp_path / "project"

    return make


FILES = ("jobs/a.py", "jobs/__init__.py", "jobs/one/b.py", "jobs/one/two/c.py", "jobs/one/two/three/d.py")


@pytest.mark.parametrize(("depth", "names"), [(0, "__init__ a"), (1, "__init__ a b"), (2, "__init__ a b c")])
def test_folders_are_searched_so_many_levels_down(project, depth, names):
    found = BoosterDiscovery(project(*FILES), ["jobs"], max_depth=depth).auto_discovery()
    assert [name.rpartition(".")[2] for name in found] == ["jobs", *names.split()[1:]]
    assert [queue.rpartition("/")[2] for queue in BoostersManager.get_all_queues()] == [
        f"{name}.py" for name in names.split()
    ]


def test_paths_can_be_chosen_by_a_regular_expression(project):
    root = project("jobs/task_a.py", "jobs/other.py", "jobs/tasks/b.py")
    assert BoosterDiscovery(root, ["jobs"], py_file_re_str="task").auto_discovery() == ["jobs.task_a", "jobs.tasks.b"]
    assert BoosterDiscovery(root, ["jobs"], py_file_re_str=r"other\.py$").auto_discovery() == ["jobs.other"]
    with pytest.raises(ConfigError, match="py_file_re_str='.' is no regular expression"):
        BoosterDiscovery(root, ["jobs"], py_file_re_str="(")


def test_functions_of_found_modules_can_be_imported_by_a_child_process(project):
    root = project("jobs/a.py")
    BoosterDiscovery(str(root), [root / "jobs"]).auto_discovery()
    assert BoostersManager.get_booster("jobs/a.py").consuming_function.__module__ == "jobs.a"
    assert sys.path[1] == str(root)


def test_a_folder_outside_the_project_is_a_root_of_its_own(project, tmp_path):
    project("jobs/a.py", "elsewhere/b.py")
    root, outside = tmp_path / "project" / "jobs", tmp_path / "project" / "elsewhere"
    assert BoosterDiscovery(root, [outside]).auto_discovery() == ["b"]
    assert sys.path[1] == str(outside)


def test_what_is_imported_already_under_any_name_is_not_imported_again(project):
    root = project("jobs/a.py", "jobs/b.py")
    sys.path.insert(0, str(root / "jobs"))  # as for a script in that folder
    import_module("a")
    discovery = BoosterDiscovery(root, ["jobs"])
    assert discovery.auto_discovery() == ["jobs.b"]
    assert discovery.auto_discovery() == BoosterDiscovery(root, ["jobs"]).auto_discovery() == []
    project("jobs/new.py")
    assert discovery.auto_discovery() == ["jobs.new"]


def test_what_is_written_within_one_tick_of_the_file_system_s_clock_is_found(project, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # no further file that would be the reason to look again
    root = project("jobs/a.py")
    discovery, jobs = BoosterDiscovery(root, ["jobs"]), root / "jobs"
    assert discovery.auto_discovery() == ["jobs.a"]
    before = jobs.stat()
    project("jobs/new.py")
    os.utime(jobs, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert discovery.auto_discovery() == ["jobs.new"]


def test_the_running_program_and_other_programs_are_left_alone(project, monkeypatch):
    root = project(
        "jobs/run.py", "jobs/__main__.py", "jobs/setup.py", "jobs/.venv/lib.py", "jobs/no.name.py", "__init__.py"
    )
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(root / "jobs" / "run.py"), raising=False)
    assert BoosterDiscovery(root, [".", "jobs"], max_depth=3).auto_discovery() == []


def test_errors_of_modules_are_not_hidden(project):
    root = project("jobs/a.py")
    (root / "jobs" / "a.py").write_text("1 / 0", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        BoosterDiscovery(root, ["jobs"]).auto_discovery()


def test_a_module_of_the_same_name_in_the_way_is_told(project):
    root = project("json.py")
    with pytest.raises(ConfigError, match=r"the module 'json' is .*json.__init__\.py, not .*project.json\.py\. Rename"):
        BoosterDiscovery(root, ["."]).auto_discovery()


@pytest.mark.parametrize("where", ["root", "folder"])
def test_a_missing_folder_is_an_error(project, where):
    root = project("jobs/a.py")
    with pytest.raises(ValueError, match="BoosterDiscovery: there is no folder '.*missing'"):
        BoosterDiscovery(root / "missing" if where == "root" else root, ["missing" if where == "folder" else "jobs"])
