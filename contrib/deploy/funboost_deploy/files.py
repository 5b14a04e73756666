"""Which files of a folder are uploaded."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from funboost_core.errors import ConfigError

ALWAYS = ("/.funboost/", "/__pycache__/")
"""Never uploaded: the queues and results of this machine would replace those of the other one."""
PARTIAL = ".funboost-part"
"""The end of the name of a file that is being uploaded."""


@dataclass(frozen=True)
class Rules:
    """What is left out.

    Args:
        excluded_patterns: regular expressions, searched in the path below the project; it begins with ``/``, a folder's
            ends with it.
        excluded_suffixes: ends of names.
        newest_seconds: older files are left out.
        largest_bytes: larger files are left out.
    """

    excluded_patterns: tuple[str, ...] = ("/.git/", "/.idea/", "/dist/", "/build/")
    excluded_suffixes: tuple[str, ...] = (".pyc", ".log", ".gz")
    newest_seconds: float = 3650 * 86400
    largest_bytes: int = 1000 * 1000

    def __post_init__(self) -> None:
        for name in ("excluded_patterns", "excluded_suffixes"):
            if isinstance(getattr(self, name), str):
                raise ConfigError(f"{name} is a tuple of texts, not the text {getattr(self, name)!r}.")
        for pattern in self.excluded_patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ConfigError(f"{pattern!r} is no regular expression ({error}); write \\ before . + ( [.") from None


@dataclass(frozen=True)
class LocalFile:
    """A file that is to be on the other side: its `name` is the path below the folder, with ``/``."""

    path: Path
    name: str
    size: int
    mtime: int
    mode: int


@dataclass(frozen=True)
class Found:
    """What a folder holds."""

    files: tuple[LocalFile, ...]
    left_out: dict[str, int]
    """Reason -> number of files; a folder that is left out as a whole counts once."""


def scan(root: Path, rules: Rules) -> Found:
    """Look through a folder, not following links to folders."""
    found: list[LocalFile] = []
    left_out: dict[str, int] = {}
    patterns = re.compile("|".join(f"(?:{pattern})" for pattern in (*map(re.escape, ALWAYS), *rules.excluded_patterns)))
    oldest = time.time() - rules.newest_seconds

    def leave_out(reason: str) -> None:
        left_out[reason] = left_out.get(reason, 0) + 1

    for folder, folders, names in os.walk(root):
        below = Path(folder).relative_to(root).as_posix()
        start = "/" if below == "." else f"/{below}/"
        kept = []
        for name in sorted(folders):
            environment = (Path(folder, name) / "pyvenv.cfg").exists()
            if environment or patterns.search(f"{start}{name}/"):
                leave_out("virtual environment" if environment else "excluded path")
            else:
                kept.append(name)
        folders[:] = kept
        for name in sorted(names):
            path = Path(folder, name)
            try:
                its = path.stat()
            except OSError:
                leave_out("unreadable")
                continue
            reason = _reason(f"{start}{name}", its, rules, oldest, patterns)
            if reason:
                leave_out(reason)
            else:
                mode = stat.S_IMODE(its.st_mode) & 0o777
                found.append(LocalFile(path, f"{start}{name}"[1:], its.st_size, int(its.st_mtime), mode))
    return Found(tuple(found), left_out)


def _reason(path: str, its: os.stat_result, rules: Rules, oldest: float, patterns: re.Pattern[str]) -> str:
    if not stat.S_ISREG(its.st_mode):
        return "no regular file"
    if patterns.search(path):
        return "excluded path"
    if path.endswith((*rules.excluded_suffixes, PARTIAL)):
        return "excluded suffix"
    if its.st_size > rules.largest_bytes:
        return f"over {rules.largest_bytes} bytes"
    if its.st_mtime < oldest:
        return "too old"
    return ""


def folders_of(files: Iterable[LocalFile]) -> list[str]:
    """The folders that the files are in, and those above, from the top; "" is the folder itself."""
    found = {""}
    for file in files:
        parts = file.name.split("/")[:-1]
        found.update("/".join(parts[: count + 1]) for count in range(len(parts)))
    return sorted(found)
