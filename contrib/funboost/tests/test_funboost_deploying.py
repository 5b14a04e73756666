"""`fabric_deploy` and `ParamikoFolderUploader`: the documented arguments, and what becomes of them."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from funboost import BoosterParams, ParamikoFolderUploader, boost
from funboost.deploying import Deploying

from funboost_core.errors import ConfigError

funboost_deploy = pytest.importorskip("funboost_deploy")
pytest.importorskip("paramiko")

MISSPELT = {
    "path_pattern_exluded_tuple": "path_pattern_excluded_tuple",
    "file_suffix_tuple_exluded": "file_suffix_tuple_excluded",
}
DOCUMENTED = {
    "host": ...,
    "port": ...,
    "user": ...,
    "password": None,  # documented without a default
    "path_pattern_exluded_tuple": ("/.git/", "/.idea/", "/dist/", "/build/"),
    "file_suffix_tuple_exluded": (".pyc", ".log", ".gz"),
    "only_upload_within_the_last_modify_time": 3650 * 86400,
    "file_volume_limit": 1000 * 1000,
    "sftp_log_level": 20,
    "extra_shell_str": "",
    "invoke_runner_kwargs": {"hide": None, "pty": True, "warn": False},
    "python_interpreter": "python3",
    "process_num": 1,
    "pkey_file_path": None,
}


@boost(BoosterParams(queue_name="deployed"))
def f(x): ...


@pytest.fixture
def deployed(monkeypatch):
    """What `deploy` is called with."""
    calls = []
    monkeypatch.setitem(vars(funboost_deploy), "deploy", lambda *args, **kwargs: calls.append((args, kwargs)))
    return calls


def test_the_documented_signature():
    parameters = list(inspect.signature(Deploying.fabric_deploy).parameters.values())[1:]
    first = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert [each.name for each in first] == [MISSPELT.get(name, name) for name in DOCUMENTED]
    assert [... if each.default is each.empty else each.default for each in first] == list(DOCUMENTED.values())


def test_the_documented_call(deployed):
    f.fabric_deploy("192.168.6.133", 22, "xiaomin", "123456", process_num=2)
    [((task, target), given)] = deployed
    assert task is f
    assert target == funboost_deploy.Target("192.168.6.133", 22, "xiaomin", "123456")
    assert "123456" not in repr(target)
    assert given["rules"] == funboost_deploy.Rules()
    assert given["options"] == funboost_deploy.Options(processes=2, attached=True)


def test_both_spellings_mean_the_same(deployed):
    f.fabric_deploy("h", 22, "u", path_pattern_exluded_tuple=["/a/"], file_suffix_tuple_exluded=(".b",))
    f.fabric_deploy("h", 22, "u", None, ("/a/",), (".b",))
    f.fabric_deploy("h", 22, "u", path_pattern_excluded_tuple=("/a/",), file_suffix_tuple_excluded=(".b",))
    assert {given["rules"] for _, given in deployed} == {funboost_deploy.Rules(("/a/",), (".b",))}
    with pytest.raises(TypeError, match="unexpected keyword argument 'proces_num'"):
        f.fabric_deploy("h", 22, "u", proces_num=2)


def test_the_uploader(monkeypatch):
    calls = []
    monkeypatch.setitem(vars(funboost_deploy), "upload_folder", lambda *args: calls.append(args) or ["a"])
    uploader = ParamikoFolderUploader("h", 22, "u", "hunter2", "/here", "/there", file_suffix_tuple_exluded=(".b",))
    assert uploader.upload() == ["a"]
    [(target, here, there, rules, level)] = calls
    assert (target.password, here, there, rules.excluded_suffixes, level) == ("hunter2", "/here", "/there", (".b",), 20)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "paramiko", None)
    for call in (lambda: f.fabric_deploy("h", 22, "u"), lambda: ParamikoFolderUploader("h", 22, "u", None, "/a", "/b")):
        with pytest.raises(ConfigError, match=r"pip install 'funboost\[deploy\]'"):
            call()


def test_nothing_of_it_is_imported_before_it_is_used():
    code = """
import sys
from funboost import *
from funboost import ParamikoFolderUploader
@boost(BoosterParams(queue_name="q"))
def f(x): ...
f.fabric_deploy
assert not {"paramiko", "funboost_deploy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_leads_to_the_arguments():
    assert "funboost.deploying.Deploying.fabric_deploy" in f.fabric_deploy.__doc__
