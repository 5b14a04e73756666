"""Importing the modules of a project, so that their tasks are known."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module, invalidate_caches
from pathlib import Path

from funboost_core.errors import ConfigError

_NEVER = ("__main__.py", "setup.py")
"""Files that are programs."""


class BoosterDiscovery:
    """Imports every Python file below some folders of a project.

    Args:
        project_root_path: the folder that module names begin at; put on ``sys.path`` where it is missing.
        booster_dirs: folders in it, relative to it or absolute; other folders are roots of their own.
        max_depth: how many levels of folders below each of them; 0 = only itself.
        py_file_re_str: import only files whose path (with forward slashes) matches this regular expression anywhere.

    Raises:
        ConfigError: (a ValueError) a folder does not exist, or the regular expression is wrong.

    Example::

        root = Path(__file__).parent
        BoosterDiscovery(root, booster_dirs=["tasks"], max_depth=2, py_file_re_str="task").auto_discovery()
    """

    def __init__(
        self,
        project_root_path: str | os.PathLike[str],
        booster_dirs: Sequence[str | os.PathLike[str]],
        max_depth: int = 1,
        py_file_re_str: str | None = None,
    ) -> None:
        self.root: Path = _folder(Path(project_root_path))
        self.booster_dirs: list[Path] = [_folder(self.root / folder) for folder in booster_dirs]
        self.max_depth = max_depth
        try:
            self.pattern: re.Pattern[str] = re.compile(py_file_re_str or "")
        except re.error as error:
            raise ConfigError(f"py_file_re_str={py_file_re_str!r} is no regular expression: {error}.") from None

    def auto_discovery(self) -> list[str]:
        """Import what has not been imported yet, under whatever name; the names of those modules.

        Neither the program that runs nor a ``__main__.py`` or ``setup.py`` is imported; an error in a module is not
        hidden.  Call it again and it finds what is new.

        Raises:
            ConfigError: a module of that name, from another file, is in the way.
        """
        imported: list[str] = []
        invalidate_caches()  # what is known of a folder is as old as its time says, and file systems have coarse clocks
        for folder in self.booster_dirs:
            root = self.root if self.root in (folder, *folder.parents) else folder
            for file in _files(folder, self.max_depth):
                if not self.pattern.search(file.as_posix()) or file == root / "__init__.py":
                    continue
                if os.path.realpath(file) not in _loaded():
                    imported.append(_import(file, root))
        return imported


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ConfigError(f"BoosterDiscovery: there is no folder {str(path)!r}.")
    return path.resolve()


def _files(folder: Path, depth: int) -> Iterator[Path]:
    inside = sorted(folder.iterdir())
    for path in inside:
        if path.suffix == ".py" and "." not in path.stem and path.name not in _NEVER and path.is_file():
            yield path
    if depth > 0:
        for path in inside:
            if path.is_dir() and "." not in path.name and path.name != "__pycache__":
                yield from _files(path, depth - 1)


_real: dict[str, str] = {}


def _loaded() -> set[str]:
    """The files of all modules, that of the program included."""
    files = {getattr(module, "__dict__", {}).get("__file__") for module in list(sys.modules.values())}
    return {_real.setdefault(file, os.path.realpath(file)) for file in files if isinstance(file, str)}


def _import(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    if str(root) not in {os.path.realpath(entry) for entry in sys.path}:
        sys.path.insert(1, str(root))  # where PYTHONPATH is, behind the folder of the script
    module = import_module(name)
    if not (module.__file__ and file.samefile(module.__file__)):
        raise ConfigError(
            f"BoosterDiscovery: the module {name!r} is {module.__file__}, not {file}. Rename one of them, or put {root} "
            "first on PYTHONPATH."
        )
    return name
