"""Where a project begins: the folder that is first on PYTHONPATH."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from funboost_core.settings import as_bool

from .. import config_file

if TYPE_CHECKING:
    from funboost_core.settings import Settings


def data_root(settings: Settings) -> Path | None:
    """The folder that gets `.funboost`: that of the configuration file, or where it is about to be written."""
    found = config_file.path()
    if not found:
        return writable_root(settings)
    folder = Path(found).resolve().parent
    usable = (folder / ".funboost").is_dir() or os.access(folder, os.W_OK)
    return folder if usable and not _installed(folder) else None


def writable_root(settings: Settings) -> Path | None:
    """The project's folder, if files may be written there without being asked for.

    That is the first entry of PYTHONPATH, if it is a folder that this user may write and the program that runs is
    inside it: tests, tools and programs that embed the framework find no file that they did not want.
    """
    if not as_bool(settings("GENERATE_CONFIG", True)):
        return None
    entries = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    if not entries or program is None:
        return None
    root, running = Path(entries[0]).expanduser().resolve(), Path(program).resolve()
    inside = root in running.parents and not _installed(running)
    return root if inside and root.is_dir() and os.access(root, os.W_OK) else None


def _installed(path: Path) -> bool:
    packed = getattr(sys, "_MEIPASS", None)  # of a frozen program; removed when it ends, or is built again
    if packed is not None and Path(packed).resolve() in (path, *path.parents):
        return True
    return not {"site-packages", "dist-packages"}.isdisjoint(path.parts)
