"""What the pages say is what the code says: snippets, hooks, settings, controls, modules, names."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from funboost_core import hookspecs

DOCS = Path(__file__).parent
ROOT = DOCS.parent
LANGUAGES = ("en", "zh")
PAGES = sorted(file for language in LANGUAGES for file in (DOCS / language).glob("*.md"))
EMBEDDED = [
    "contrib/funboost/funboost",
    *(f"plugins/brokers/{kind}/funboost_broker_{kind}" for kind in ("memory_queue", "sqlite_queue")),
    *(f"plugins/pools/{mode}/funboost_pool_{mode}" for mode in ("asyncio", "single_thread", "threading")),
    *(f"plugins/stores/{kind}/funboost_store_{kind}" for kind in ("memory", "sqlite")),
]

_BLOCK = re.compile(r"^(?P<mark>[^\n]*)\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- (snippet|hook): ([\w.]+)(?:#(\w+))? -->")
_ROW = re.compile(r"^\| `([\w./-]+)`", re.MULTILINE)

language = pytest.mark.parametrize("language", LANGUAGES)


def text(page: Path) -> str:
    return page.read_text("utf-8")


def table(language: str, page: str, name: str) -> list[str]:
    """The first column of the table below ``<!-- name -->``."""
    below = text(DOCS / language / page).partition(f"<!-- {name} -->\n")[2]
    return _ROW.findall(re.split(r"^#", below, maxsplit=1, flags=re.MULTILINE)[0])


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """(the line above it, code) of each Python block."""
    for match in _BLOCK.finditer(text(page)):
        yield match.group("mark"), match.group("code")


def snippet(name: str, region: str | None) -> str:
    """The text of a snippet, or of the part of it between ``# region`` and ``# endregion``."""
    code = (DOCS / "snippets" / name).read_text("utf-8")
    if region is None:
        return code
    match = re.search(rf"^ *# region {region}\n(.*?)^ *# endregion", code, re.MULTILINE | re.DOTALL)
    assert match, f"{name} has no region {region}"
    return textwrap.dedent(match.group(1)).strip("\n") + "\n"


def hooks() -> dict[str, str]:
    """The example in the docstring of each hook."""
    found = {}
    for room in hookspecs.ROOMS:
        for name, function in vars(room).items():
            if name.startswith("funboost_"):
                example = inspect.cleandoc(function.__doc__ or "").partition("Example::\n\n")[2]
                found[name] = textwrap.dedent(example).strip("\n") + "\n"
    return found


# -- code -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_python_blocks_are_snippets(page: Path) -> None:
    for above, code in blocks(page):
        mark = _MARK.fullmatch(above)
        assert mark, f"a Python block without a marker above it: {above!r}"
        kind, name, region = mark.groups()
        assert code == (snippet(name, region) if kind == "snippet" else hooks()[name]), f"{kind} {name}"


@language
def test_every_snippet_is_shown(language: str) -> None:
    shown = {
        mark.group(2)
        for page in (DOCS / language).glob("*.md")
        for above, _ in blocks(page)
        if (mark := _MARK.fullmatch(above))
    }
    assert {file.name for file in (DOCS / "snippets").glob("*.py")} <= shown


# -- lists that must be complete ------------------------------------------------------------------------------------------


@language
def test_hooks(language: str) -> None:
    assert sorted(hooks()) == sorted(
        re.findall(r"^### `(funboost_\w+)`", text(DOCS / language / "hooks.md"), re.MULTILINE)
    )


def settings_read_by(folder: Path) -> set[str]:
    """First arguments of ``settings("NAME")``, and the values of the state's table of settings."""
    found = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in {"settings", "_configured"}:
                    found.add(str(node.args[0].value))
            elif isinstance(node, ast.Constant) and re.fullmatch(r"[A-Z]+_URL", str(node.value)):
                found.add(str(node.value))
    return found


@language
def test_settings(language: str) -> None:
    from funboost import aliases, defaults
    from funboost.configuration.urls import DERIVED

    read = set().union(*(settings_read_by(ROOT / folder) for folder in ["funboost_core", *EMBEDDED]))
    read = (read | defaults.DEFAULTS.keys() | DERIVED.keys()) - aliases.SETTINGS.keys()
    page = text(DOCS / language / "settings.md")
    assert set(_ROW.findall(page)) == read
    assert not [name for name in read if f"`FUNBOOST_{name}`" not in page]


@language
def test_controls(language: str) -> None:
    from funboost import BoosterParams

    assert sorted(table(language, "quick-start.md", "controls: working")) == sorted(BoosterParams.model_fields)


@language
def test_the_tables_of_parameters_are_those_of_the_models(language: str) -> None:
    specification = importlib.util.spec_from_file_location("parameters", DOCS / "parameters.py")
    assert specification is not None and specification.loader is not None
    parameters = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(parameters)
    page = text(DOCS / language / "parameters.md")
    assert page == parameters.page(language), "run: python docs/parameters.py"
    assert "|  |" not in page, "a parameter is not described (docs/zh/parameters.json has the Chinese texts)"


@language
def test_modules(language: str) -> None:
    core = ROOT / "funboost_core"
    modules = {file.relative_to(core).as_posix() for file in core.rglob("*.py")}
    empty = {f"{folder}/__init__.py" for folder in ("consuming", "payloads", "policies", "ports", "publishing")}
    described = _ROW.findall(text(DOCS / language / "architecture.md"))
    assert sorted(name for name in described if name.endswith(".py")) == sorted(
        name for name in modules if name not in empty
    )


@language
def test_aliases(language: str) -> None:
    from funboost import aliases

    page = text(DOCS / language / "migration.md")
    spelt = [*aliases.EXPORTS, *aliases.BOOSTER_FIELDS, *aliases.SETTINGS, *aliases.BROKERS, *aliases.POOLS]
    spelt += [*aliases.DEPLOY, aliases.PRIORITY_KEY]
    assert not [name for name in spelt if f"`{name}`" not in page]


@language
def test_capabilities(language: str) -> None:
    from funboost_core import Capability

    described = _ROW.findall(text(DOCS / language / "write-a-broker.md"))
    assert [name for name in described if name.isupper()] == list(Capability.__members__)
