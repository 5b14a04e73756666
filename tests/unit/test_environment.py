"""environment: the data folder, the namespace, and that two environments share nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from weakref import WeakSet

import pytest
from funboost_testing.calls import Call

from funboost_core import BoosterParams, BrokerSpec, Capability, Environment, boost, default, hookimpl
from funboost_core.environment import every
from funboost_core.errors import QueueUnknown


def test_data_dir_is_the_one_that_was_set(tmp_path):
    folder = tmp_path / "deep" / "er"
    assert Environment({"DATA_DIR": str(folder), "PROJECT_ROOT": str(tmp_path)}).data_dir() == folder
    assert folder.is_dir()


def test_data_dir_from_the_environment_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path / "there"))
    assert Environment().data_dir() == tmp_path / "there"


def test_data_dir_knows_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Environment({"DATA_DIR": "~/mine"}).data_dir() == tmp_path / "mine"


def test_data_dir_beside_the_projects_configuration(tmp_path):
    assert Environment({"PROJECT_ROOT": str(tmp_path)}).data_dir() == tmp_path / ".funboost"


@pytest.mark.parametrize(
    ("platform", "variable", "below"),
    [
        ("linux", "XDG_DATA_HOME", ""),
        ("linux", "HOME", ".local/share"),
        ("darwin", "HOME", "Library/Application Support"),
        ("win32", "LOCALAPPDATA", ""),
    ],
)
def test_data_dir_of_the_user_is_keyed_by_project(tmp_path, monkeypatch, platform, variable, below):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, str(tmp_path))
    seen = set()
    for name in ("one", "two"):
        project = tmp_path / name
        (project / "package" / "deep").mkdir(parents=True)
        (project / "pyproject.toml").touch()
        for script in (project / "main.py", project / "package" / "deep" / "job.py"):
            monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
            folder = Environment().data_dir()
            assert folder.parent == tmp_path / Path(below) / "funboost"
            assert folder.name.startswith(f"{name}-")
            assert folder.is_dir()
            seen.add(folder)
    assert len(seen) == 2


def test_data_dir_of_a_frozen_program_is_the_same_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "program" / "run"))
    seen = set()
    for unpacked in ("_MEI1", "_MEI2"):
        script = str(tmp_path / unpacked / "main.py")
        monkeypatch.setattr(sys.modules["__main__"], "__file__", script, raising=False)
        seen.add(Environment().data_path())
    assert len(seen) == 1
    assert seen.pop().name.startswith("program-")


def test_the_namespace_goes_in_front():
    assert Environment({"NAMESPACE": "staging"}).namespaced("q") == "staging.q"
    assert Environment().namespaced("q") == "q"
    assert Environment({"NAMESPACE": ""}).namespaced("q") == "q"


def test_parts_are_made_once_and_only_when_used():
    environment = Environment()
    assert environment._parts == {}
    for part in ("manager", "catalog", "state", "registry", "worker"):
        assert getattr(environment, part) is getattr(environment, part)
    environment.close()


def test_two_environments_share_nothing(program, make_program):
    other = make_program()
    for part in ("manager", "catalog", "state", "registry", "worker", "settings"):
        assert getattr(program.environment, part) is not getattr(other.environment, part)

    class Plugin:
        @hookimpl
        def funboost_brokers(self):
            return [BrokerSpec("ONLY_HERE", object, Capability.PUBLISH)]

    program.environment.manager.register(Plugin())
    assert program.environment.manager.find("brokers", "only_here") is not None
    assert other.environment.manager.find("brokers", "only_here") is None

    boost(BoosterParams(queue_name="mine"), environment=program.environment)(lambda x: x)
    assert "mine" in program.environment.registry
    with pytest.raises(QueueUnknown, match="mine"):
        other.environment.registry["mine"]

    program.environment.aliases["brokers"]["old"] = "new"
    assert other.environment.aliases["brokers"] == {}


def test_settings_can_be_asked_for_by_calling():
    environment = Environment({"A": 1})
    assert environment("A") == 1
    assert environment("B", 2) == 2


def test_the_default_environment_is_one(monkeypatch):
    monkeypatch.setattr("funboost_core.environment._default", None)
    assert default() is default()


def test_close_closes_what_was_opened_and_only_that(program):
    environment = program.environment
    state = environment.state.replies
    booster = program.booster()
    booster.push(1)
    environment.close()
    (broker,) = program.server.brokers
    assert broker.closed
    assert environment.state.replies is not state


def test_all_living_environments_are_known():
    environment = Environment()
    assert environment in every()


def test_two_threads_find_the_same_default_environment(monkeypatch):
    from funboost_core import environment as module

    made, others = Environment(), []

    def slow():
        if not others:
            others.append(Call(default))
            others[0].running(0.5)
            return made
        return Environment()

    monkeypatch.setattr(module, "_default", None)
    monkeypatch.setattr(module, "Environment", slow)
    assert default() is made
    assert others[0].result() is made
    assert default() is made


def test_one_that_is_made_while_all_are_listed_disturbs_nobody(monkeypatch):
    from funboost_core import environment as module

    class Growing(WeakSet):
        def __iter__(self):
            for environment in super().__iter__():
                if len(made) == 1:
                    made.append(Environment())
                yield environment

    made = [Environment()]
    monkeypatch.setattr(module, "_all", Growing(made))
    assert set(every()) == set(made)
    assert len(made) == 2


def test_a_forked_child_registers_plugins_though_the_parent_was_doing_so():
    environment = Environment()
    held = Call(environment.manager.lock.acquire)  # by a thread that is not there in the child
    assert held.result()
    environment._forked()
    Call(environment.manager.register, object()).result()
