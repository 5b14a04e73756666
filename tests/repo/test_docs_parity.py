"""English and Chinese documentation are twins: same files, same headings, same code."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_text import code_blocks, headings, local_links
from workspace import ROOT

ENGLISH, CHINESE = ROOT / "docs" / "en", ROOT / "docs" / "zh"


def pages(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.md"))


TWINS = [(ROOT / "README.md", ROOT / "README.zh.md")]
TWINS += [(ENGLISH / page, CHINESE / page) for page in pages(ENGLISH)]
ALL = sorted(
    file for pattern in ("*.md", "docs/**/*.md", "plugins/*/*/*.md", "contrib/*/*.md") for file in ROOT.glob(pattern)
)


def test_the_same_pages_in_both_languages() -> None:
    assert pages(ENGLISH), "no page in docs/en"
    assert pages(ENGLISH) == pages(CHINESE)


@pytest.mark.parametrize(("english", "chinese"), TWINS, ids=lambda file: file.name)
def test_the_same_headings(english: Path, chinese: Path) -> None:
    assert headings(english) == headings(chinese)


@pytest.mark.parametrize(("english", "chinese"), TWINS, ids=lambda file: file.name)
def test_the_same_code_blocks(english: Path, chinese: Path) -> None:
    assert [language for language, _ in code_blocks(english)] == [language for language, _ in code_blocks(chinese)]


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(file: Path) -> None:
    dead = [target for target in local_links(file) if not (file.parent / target).exists()]
    assert not dead
