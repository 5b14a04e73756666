"""The table of the documentation's programs is complete: no chapter, no test and, where the text is here, no block without a row."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from documented_programs import CHAPTERS, ROWS
from funboost import BrokerEnum

from funboost_core.environment import default
from funboost_core.errors import UnknownKind

HERE = Path(__file__).parent
SEED = os.environ.get("FUNBOOST_SEED", "")


def named_in(file):
    return set(re.findall(r"^(?:async )?def (test_\w+)", (HERE / file).read_text(encoding="utf-8"), re.MULTILINE))


def test_each_chapter_has_a_row_and_each_row_a_test():
    assert {row.chapter for row in ROWS} == set(CHAPTERS)
    assert len(set(CHAPTERS)) == len(CHAPTERS)
    missing = [row for row in ROWS for file, _, name in [row.test.partition("::")] if name not in named_in(file)]
    assert missing == []
    keys = [key for row in ROWS for key in row.keys.split()]
    assert len(set(keys)) == len(keys)


def test_each_test_of_these_files_has_a_row():
    files = sorted(path.name for path in HERE.glob("test_documented_*.py") if path.name != Path(__file__).name)
    assert files
    rows = {row.test for row in ROWS}
    assert [
        f"{file}::{name}" for file in files for name in sorted(named_in(file)) if f"{file}::{name}" not in rows
    ] == []


def is_here(name):
    """Whether the broker that is called so in BrokerEnum is installed."""
    kind = getattr(BrokerEnum, name, None)
    try:
        return bool(kind and default().catalog.find("brokers", kind))
    except UnknownKind:
        return False


@pytest.mark.skipif(not SEED, reason="FUNBOOST_SEED names no file: the table is not compared with the documentation")
def test_each_program_of_the_documentation_has_a_row():
    from seed_blocks import blocks
    from seed_plan import LATER

    def wanted(block):
        chapter = re.match(r"(1|3|4b?|6|7|12)(\.|\)|$)", block.chapter)  # those of 8 are in contrib/spider
        if not chapter or block.flaw() or any(name in block.code for name in LATER):
            return False
        return all(is_here(name) for name in block.kinds() - {"EMPTY"})

    all_blocks = blocks(Path(SEED))
    rows = {key for row in ROWS for key in row.keys.split()}
    assert rows <= {block.key for block in all_blocks}
    runnable = [block for block in all_blocks if wanted(block)]
    assert len(runnable) > 40
    assert [(block.chapter, block.line, block.key) for block in runnable if block.key not in rows] == []
