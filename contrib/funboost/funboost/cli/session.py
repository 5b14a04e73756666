"""What the commands of one command line share: the project, and its tasks once they have been imported."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funboost_core.environment import default, user_data_dir
from funboost_core.errors import ConfigError

if TYPE_CHECKING:
    from ..core.cli.funboost_fire import BoosterFire

env_dict: dict[str, Any] = {"project_root_path": None}
"""Set by `funboost_cli_user.py`: the folder it is in."""


class Session:
    """Made once a command line."""

    def __init__(self) -> None:
        self.debug = False
        self._options: dict[str, Any] = {}
        self._fire: BoosterFire | None = None

    def begin(self, **options: Any) -> None:
        """The options before the command; the project's folder becomes importable."""
        if not self._options:
            self._options = options
            enter(self.root)
            share_files(self.root)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return project_root(self._options.get("project_root_path"))

    def load(self) -> BoosterFire:
        """The project's tasks, imported by the first call."""
        if self._fire is None:
            from ..core.cli.funboost_fire import BoosterFire

            self._fire = BoosterFire(**self._options)
        return self._fire


def project_root(given: str | os.PathLike[str] | None) -> Path:
    """The folder that was given, or that of `funboost_cli_user.py`, or the current one.

    Raises:
        ConfigError: there is no such folder.
    """
    root = Path(given or env_dict["project_root_path"] or Path.cwd()).expanduser().absolute()
    if not root.is_dir():
        raise ConfigError(f"--project_root_path: there is no folder {str(root)!r}.")
    return root


def enter(root: Path) -> None:
    """Let modules and the configuration be found as by a script in `root`: behind PYTHONPATH, whose order decides."""
    known = {os.path.realpath(entry) for entry in sys.path if entry}
    if str(root.resolve()) not in known:
        ahead = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
        sys.path.insert(1 + len(ahead), str(root))


def share_files(root: Path) -> None:
    """Let SQLite files be those of scripts in `root`, not of a project that this very program would be."""
    settings = default().settings
    if not settings("DATA_DIR") and not settings("PROJECT_ROOT"):
        # a variable, because child processes have to find the same files
        os.environ["FUNBOOST_DATA_DIR"] = str(user_data_dir(root.resolve()))


def load(modules: str | None) -> None:
    """Import modules, given by names with commas between them.

    Raises:
        ConfigError: there is no such module.
    """
    for name in filter(None, (part.strip() for part in (modules or "").split(","))):
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            if not (error.name and (name == error.name or name.startswith(f"{error.name}."))):
                raise
            raise ConfigError(
                f"There is no module {name!r} in {Path.cwd()} or on sys.path. Give the project's folder with "
                "--project_root_path=DIR."
            ) from None


def module_of(given: str, root: Path) -> str:
    """The name of a module, which may be given as a file in the project.

    Raises:
        ConfigError: the file is not in the project's folder.
    """
    if not given.endswith(".py"):
        return given
    try:
        inside = Path(given).resolve().relative_to(root.resolve())
    except ValueError:
        raise ConfigError(
            f"{given} is not in {root}; give the project's folder with --project_root_path=DIR."
        ) from None
    return ".".join(inside.with_suffix("").parts)
