"""What is shipped has no unfinished places, prints nothing by itself, and runs nothing that a message says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from workspace import ROOT

CORE = sorted((ROOT / "funboost_core").rglob("*.py"))
SHIPPED = [
    *CORE,
    *sorted(ROOT.glob("plugins/*/*/funboost_*/**/*.py")),
    *sorted(ROOT.glob("contrib/*/funboost*/**/*.py")),
]
VERIFYING = ROOT / "funboost_core" / "payloads" / "signed.py"
"""Unpickles, once it has verified the signature."""
CHILD = ROOT / "funboost_core" / "isolation" / "child.py"
"""Unpickles what its parent has written to the pipe between them."""
ABSTRACT = {"abstractmethod", "hookspec", "overload"}
DANGEROUS = {"eval", "exec", "compile", "__import__"}
DANGEROUS |= {"pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads", "os.system"}


def calls(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield f"{getattr(node.func.value, 'id', '')}.{node.func.attr}", node.lineno


def found_calls(files: list[Path], names: set[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in files
        for name, line in calls(ast.parse(file.read_text("utf-8")))
        if name in names
    ]


def test_there_is_something_to_look_at() -> None:
    assert len(SHIPPED) > len(CORE) > 20


def test_nothing_is_marked_unfinished() -> None:
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in SHIPPED
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert not found


def bare(node: ast.AST) -> bool:
    """`raise NotImplementedError` that does not say what is missing and what to do."""
    if not isinstance(node, ast.Raise):
        return False
    error = node.exc.func if isinstance(node.exc, ast.Call) and not node.exc.args else node.exc
    return isinstance(error, ast.Name) and error.id == "NotImplementedError"


def test_only_what_is_abstract_is_not_implemented() -> None:
    found = []
    for file in SHIPPED:
        for function in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(map(bare, ast.walk(function))):
                marks = {word for mark in function.decorator_list for word in re.findall(r"\w+", ast.unparse(mark))}
                if not marks & ABSTRACT:
                    found.append(f"{file.relative_to(ROOT)}:{function.lineno}: {function.name}")
    assert not found


def test_the_core_prints_nothing() -> None:
    assert not found_calls(CORE, {"print", "breakpoint", "sys.stdout.write", "sys.stderr.write"})


def test_nothing_runs_text_or_bytes_from_outside() -> None:
    assert not found_calls([file for file in SHIPPED if file not in {VERIFYING, CHILD}], DANGEROUS)
    assert [len(found_calls([file], DANGEROUS)) for file in (VERIFYING, CHILD)] == [1, 1]


@pytest.mark.parametrize("code", ["eval(text)", "pickle.loads(body)", "os.system(line)"])
def test_the_rule_finds(code: str) -> None:
    assert DANGEROUS & {name for name, _ in calls(ast.parse(code))}
