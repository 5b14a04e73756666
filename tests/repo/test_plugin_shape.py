"""Every plugin folder is of one shape, so that who knows one knows all, and the tools find them."""

from __future__ import annotations

import ast
import configparser
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from workspace import ROOMS, ROOT, Distribution, distributions

PLUGINS = [its for its in distributions().values() if its.room]
# What plugin.py and options.py may import: declaring must not cost the import of a client.
ALLOWED = {"__future__", "collections", "dataclasses", "datetime", "enum", "functools", "os", "pathlib", "typing"}
ALLOWED |= {"funboost_core", "pydantic", "typing_extensions"}
HOOKS = {
    "brokers": ["funboost_brokers"],
    "pools": ["funboost_pools"],
    "stores": ["funboost_state_stores", "funboost_result_stores", "funboost_filters"],
    "schedulers": ["funboost_schedulers"],
}

each = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda its: its.folder.relative_to(ROOT).as_posix())


def package(plugin: Distribution) -> Path:
    return plugin.folder / plugin.name.replace("-", "_")


def entries(plugin: Distribution) -> dict[str, str]:
    [(group, found)] = plugin.pyproject["project"]["entry-points"].items()
    assert group == f"funboost.{plugin.room}"
    return dict(found)


def test_users_get_every_plugin_by_an_extra() -> None:
    """And by the extra ``all``, which stands for all others."""
    project = distributions()["funboost"].pyproject["project"]
    extras: dict[str, list[str]] = dict(project["optional-dependencies"])
    meant = [name for line in extras.pop("all") for name in re.fullmatch(r"funboost\[(.+)\]", line)[1].split(",")]  # type: ignore[index]
    assert sorted(meant) == sorted(extras)
    brought = {re.split(r"[><=]", line)[0] for lines in [project["dependencies"], *extras.values()] for line in lines}
    assert {plugin.name for plugin in PLUGINS} <= brought


def test_every_plugin_folder_is_a_distribution() -> None:
    folders = {
        folder
        for room in (ROOT / "plugins").iterdir()
        for folder in room.iterdir()
        if folder.is_dir() and not folder.name.startswith((".", "__"))
    }
    assert folders == {plugin.folder for plugin in PLUGINS}, "a plugin is plugins/<room>/<name>/pyproject.toml"
    assert {folder.parent.name for folder in folders} <= set(ROOMS)


@each
def test_names_follow_the_folder(plugin: Distribution) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", plugin.folder.name)
    assert plugin.name == f"funboost-{ROOMS[plugin.room or '']}-{plugin.folder.name.replace('_', '-')}"


@each
def test_pyproject(plugin: Distribution) -> None:
    project, tools = plugin.pyproject["project"], plugin.pyproject["tool"]
    assert plugin.pyproject["build-system"] == {"requires": ["hatchling"], "build-backend": "hatchling.build"}
    assert project["description"]
    assert project["readme"] == "README.md"
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"].startswith(">=3.")
    assert "funboost-core>=0.1,<1" in project["dependencies"]
    ours = {need for need in plugin.needs if need.startswith("funboost-")} - {"funboost-core"}
    assert len(ours) <= 1, "a plugin depends on the core and at most one family distribution"
    assert tools["hatch"]["build"]["targets"]["wheel"]["packages"] == [package(plugin).name]
    assert tools["uv"]["sources"]["funboost-core"] == {"workspace": True}
    assert set(tools) <= {"hatch", "uv"}, "ruff, mypy, pyright and pytest are configured at the root, nowhere else"


@each
def test_files(plugin: Distribution) -> None:
    for name in ("__init__.py", "py.typed", "plugin.py"):
        assert (package(plugin) / name).is_file(), f"{package(plugin)} has no {name}"
    readme = (plugin.folder / "README.md").read_text("utf-8")
    assert plugin.name in readme
    assert not any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in parse(package(plugin) / "__init__.py"))


@each
def test_it_has_tests(plugin: Distribution) -> None:
    assert list((plugin.folder / "tests").glob("test_*.py")), "no tests/test_*.py"
    assert not list((plugin.folder / "tests").rglob("__init__.py")), "tests are no package (--import-mode=importlib)"


def parse(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text("utf-8"))))


@each
def test_declaring_imports_no_client(plugin: Distribution) -> None:
    allowed = ALLOWED | {need.replace("-", "_") for need in plugin.needs if need.startswith("funboost-")}
    for name in ("plugin.py", "options.py"):
        file = package(plugin) / name
        for node in parse(file) if file.exists() else ():
            if isinstance(node, ast.Import):
                wrong = {alias.name.split(".")[0] for alias in node.names} - allowed
            elif isinstance(node, ast.ImportFrom) and node.level:
                wrong = set() if node.module == "options" else {f".{node.module or ''}"}
            elif isinstance(node, ast.ImportFrom):
                wrong = {(node.module or "").split(".")[0]} - allowed
            else:
                continue
            assert not wrong, f"{file}:{node.lineno} imports {wrong}"


DECLARED = """
import importlib, json, sys
module = importlib.import_module(sys.argv[1])
specs = [spec for hook in sys.argv[2:] if hasattr(module, hook) for spec in getattr(module, hook)()]
for spec in specs:
    assert spec.summary, f"{spec.kind}: no summary"
    if isinstance(spec.factory, str):
        where, _, attribute = spec.factory.partition(":")
        assert hasattr(importlib.import_module(where), attribute), f"{spec.kind}: no {spec.factory}"
print(json.dumps([spec.kind for spec in specs]))
"""


@each
def test_the_entry_point_is_the_kind_that_is_declared(plugin: Distribution) -> None:
    """In a process of its own: a client may leave its mark on the one that imports it (eventlet: on every fork)."""
    module = f"{package(plugin).name}.plugin"
    assert set(entries(plugin).values()) == {module}
    hooks = HOOKS.get(plugin.room or "", [])
    command = [sys.executable, "-c", DECLARED, module, *hooks]
    kinds = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout)
    assert not hooks or {kind.lower() for kind in kinds} == {kind.lower() for kind in entries(plugin)}


def test_test_files_have_names_of_their_own() -> None:
    files = [file.name for folder in ("tests", "plugins", "contrib") for file in (ROOT / folder).rglob("test_*.py")]
    assert not [name for name, count in Counter(files).items() if count > 1]


def test_the_brace_list_of_tox_names_the_plugins() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    [names] = [
        found.group(1) for section in tox if (found := re.fullmatch(r"testenv:\{(.*-.*)\}\{,-lowest\}", section))
    ]
    assert names.split(",") == sorted(plugin.name[len("funboost-") :] for plugin in PLUGINS)
