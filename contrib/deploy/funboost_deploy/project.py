"""Where a task is, seen from another machine: the project's folder, the module in it, the name in the module."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from funboost_core.errors import ConfigError


@dataclass(frozen=True)
class Place:
    """`root` is the project's folder; `module` is imported from there and has the task under `name`."""

    root: Path
    module: str
    name: str


def place_of(booster: Any, project_root: str | os.PathLike[str] | None = None) -> Place:
    """The place of a task.

    Args:
        booster: what `boost` made of a function at the top level of a module, or in a class there.
        project_root: the folder to upload.  If None, the first one on PYTHONPATH, else on ``sys.path``, that holds the
            task's file.

    Raises:
        ConfigError: it cannot be imported on another machine; the text says why.
    """
    function = booster.consuming_function
    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None)
    if module is None or not file or not file.endswith(".py"):
        raise ConfigError(
            f"The task of queue {booster.queue_name!r} is defined in {function.__module__!r}, which is no file: "
            "move it into a module of the project."
        )
    path = Path(file).resolve()
    root = _root(path, project_root)
    parts = list(path.relative_to(root).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    wrong = [part for part in parts if not part.isidentifier()]
    if wrong or not parts:
        raise ConfigError(
            f"{path} cannot be imported from {root}: {', '.join(map(repr, wrong)) or 'the folder itself'} is no name "
            "of a module. Rename it, or give another project_root."
        )
    return Place(root, ".".join(parts), _name(booster, function, module))


def _root(file: Path, given: str | os.PathLike[str] | None) -> Path:
    if given is not None:
        root = Path(given).expanduser().resolve()
        if root not in file.parents:
            raise ConfigError(f"project_root={str(given)!r} does not hold {file}, where the task is defined.")
        return root
    ahead = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    for entry in (*ahead, *sys.path):
        root = Path(entry or ".").resolve()
        if root in file.parents and not {"site-packages", "dist-packages"} & set(root.parts):
            if root in (Path.home().resolve(), Path(root.anchor)):
                raise ConfigError(
                    f"The project of {file} would be {root}, and all files below it would be uploaded. "
                    "Move it into a folder of its own, or give project_root."
                )
            return root
    raise ConfigError(f"{file} is in no folder of PYTHONPATH or sys.path that is a project: give project_root.")


def _name(booster: Any, function: Any, module: Any) -> str:
    """The name by which the module has the task; mostly the function's."""
    for name in (function.__qualname__, *(name for name, value in vars(module).items() if value is booster)):
        found: Any = module
        for part in name.split("."):
            found = vars(found).get(part) if hasattr(found, "__dict__") else None
        if _plain(found) is booster and all(part.isidentifier() for part in name.split(".")):
            return str(name)
    raise ConfigError(
        f"{function.__module__} has no name for the task of queue {booster.queue_name!r}: define "
        f"{function.__qualname__} at the top level of its module."
    )


def _plain(found: Any) -> Any:
    return found.__func__ if isinstance(found, (classmethod, staticmethod)) else found
