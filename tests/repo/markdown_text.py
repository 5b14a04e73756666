"""The few things that the tests need to know of a Markdown file."""

from __future__ import annotations

import re
from pathlib import Path

_FENCE = re.compile(r"^(```+|~~~+)(.*?)\n(.*?)^\1[ ]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def code_blocks(file: Path) -> list[tuple[str, str]]:
    """(language, code) of each fenced block."""
    return [(match.group(2).strip(), match.group(3)) for match in _FENCE.finditer(file.read_text("utf-8"))]


def prose(file: Path) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", file.read_text("utf-8"))


def headings(file: Path) -> list[int]:
    """The level of each heading, in order."""
    return [len(match.group(1)) for match in re.finditer(r"^(#{1,6}) ", prose(file), re.MULTILINE)]


def local_links(file: Path) -> list[str]:
    """Targets of links to files, without anchors."""
    targets = (match.group(1).partition("#")[0] for match in _LINK.finditer(prose(file)))
    return [target for target in targets if target and "://" not in target and not target.startswith("mailto:")]
