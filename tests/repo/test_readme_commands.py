"""The README's two commands are one line each, work as pasted, and the second is what CI runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_text import code_blocks
from workspace import ROOT, select

READMES = pytest.mark.parametrize("readme", [ROOT / "README.md", ROOT / "README.zh.md"], ids=lambda file: file.name)
SETUP = "python3 -m venv .venv && .venv/bin/pip install -q tox && "


def commands(readme: Path) -> list[str]:
    lines = [line for language, code in code_blocks(readme) if language == "bash" for line in code.splitlines()]
    return [line for line in lines if line.startswith(SETUP)]


@READMES
def test_two_commands(readme: Path) -> None:
    assert commands(readme) == [f"{SETUP}.venv/bin/tox -qe demo", f"{SETUP}.venv/bin/tox"]


@READMES
def test_the_first_shows_the_product(readme: Path) -> None:
    assert commands(readme)[0].endswith("-qe demo")
    assert "docs/examples/main_job/main.py" in (ROOT / "tox.ini").read_text("utf-8")
    assert (ROOT / "docs/examples/main_job/main.py").is_file()


@READMES
def test_ci_runs_the_second(readme: Path) -> None:
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert re.search(rf"^\s*{re.escape(commands(readme)[1])}$", ci, re.MULTILINE)


def test_ci_can_be_started() -> None:
    assert os.name == "nt" or os.access(ROOT / ".ci" / "run", os.X_OK)
    assert (ROOT / ".ci" / "run").read_text("utf-8").startswith("#!/usr/bin/env bash\n")


@READMES
def test_the_install_line_names_all_that_funboost_needs(readme: Path) -> None:
    """What it left out would come from the package index, from whoever has the name there."""
    [line] = [code for language, code in code_blocks(readme) if language == "bash" and code.startswith("pip install")]
    named = {(ROOT / folder).resolve() for folder in re.findall(r"-e (\S+)", line)}
    assert named == {distribution.folder for distribution in select(["funboost"])}


@READMES
def test_the_example_runs(readme: Path, tmp_path: Path) -> None:
    [example] = [code for language, code in code_blocks(readme) if language == "python"]
    program = tmp_path / "example.py"
    program.write_text(example, "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-u", str(program)],
        cwd=tmp_path,
        env={**os.environ, "FUNBOOST_DATA_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    seen = []
    try:
        assert process.stdout
        for line in process.stdout:  # the test's time limit ends a program that says nothing
            seen.append(line)
            if sum("+" in shown and "=" in shown for shown in seen) == 10:
                break
        else:
            pytest.fail(f"the example ended: {''.join(seen)}")
    finally:
        process.kill()
        process.communicate()
    assert {f"{n} + {n} = {2 * n}\n" for n in range(10)} <= set(seen)
