"""The Python programs in the documentation of the original, as they are there: the file that FUNBOOST_SEED names."""

from __future__ import annotations

import ast
import builtins
import hashlib
import re
import symtable
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^\s*```\s*(\w*)")
HEADING = re.compile(r"^#{1,5}\s+(\d\S*)")
GIVEN = {*dir(builtins), "__file__", "__name__", "__doc__"}


class Block(NamedTuple):
    """One block of Python."""

    chapter: str
    line: int
    code: str

    @property
    def key(self) -> str:
        """Says which block it is without quoting it."""
        return hashlib.sha256(self.code.strip().encode()).hexdigest()[:10]

    def flaw(self) -> str:
        """Why nobody could run it as it is; empty if one could."""
        try:
            tree = ast.parse(self.code)
        except SyntaxError:
            return "no valid Python in the documentation"
        if "boost" not in self.code.lower():
            return "has no funboost in it: what one would write without"
        if all(isinstance(node, (ast.ClassDef, ast.Import, ast.ImportFrom)) for node in tree.body):
            return "a definition to read, not a program"
        missing = sorted(self._undefined())
        return f"its imports are cut off in the documentation: {', '.join(missing)}" if missing else ""

    def _undefined(self) -> set[str]:
        top = symtable.symtable(self.code, "block", "exec")
        defined = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
        return {name for name in _globals_read(top) if name not in defined | GIVEN}

    def kinds(self) -> set[str]:
        """The brokers that it names, as BrokerEnum spells them."""
        return set(re.findall(r"BrokerEnum\.(\w+)", self.code))


def _globals_read(table: symtable.SymbolTable) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals_read(child)


def blocks(path: Path) -> list[Block]:
    """All blocks that the documentation marks as Python; a fence that is never closed ends with the next."""
    found: list[Block] = []
    chapter, language, start, lines = "", None, 0, []

    def close() -> None:
        if language in {"python", "py"}:
            found.append(Block(chapter, start, "\n".join(lines)))

    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if fence and (language is None or fence[1]):
            close()
            language, start, lines = fence[1].lower(), number, []
        elif fence:
            close()
            language = None
        elif language is not None:
            lines.append(line)
        elif heading := HEADING.match(line):
            chapter = heading[1]
    return found
