"""Imports nb_log without what it does at import, unless that is asked for.

On its own nb_log writes `nb_log_config.py` into the project, prints, replaces `print`, `sys.stdout.write`,
`sys.excepthook` and methods of `logging.Logger`, and hangs handlers on the root logger.
"""

from __future__ import annotations

import builtins
import importlib.util
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funboost_core.native import RLock
from funboost_core.settings import as_bool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from funboost_core.settings import Settings

CONFIGURATION = "nb_log_config"
SILENT: dict[str, Any] = {
    "SHOW_PYCHARM_COLOR_SETINGS": False,
    "SHOW_NB_LOG_LOGO": False,
    "SHOW_IMPORT_NB_LOG_CONFIG_PATH": False,
}
UNPATCHED: dict[str, Any] = {
    **SILENT,
    "AUTO_PATCH_PRINT": False,
    "PRINT_WRTIE_FILE_NAME": None,
    "SYS_STD_FILE_NAME": None,
    "FILTER_WORDS_PRINT": [],
    "ROOT_LOGGER_FILENAME": None,
    "ROOT_LOGGER_FILENAME_ERROR": None,
}
_lock = RLock()


def nb_log(settings: Settings) -> Any:
    """The module nb_log.  One that the program has imported itself is taken as it is.

    Its configuration is the project's `nb_log_config.py`, where there is one, with the setting LOG_PATH on top.  With
    NB_LOG_PATCHES it may patch what it likes; without, nothing of that is left.
    """
    with _lock:
        if "nb_log" in sys.modules:
            return sys.modules["nb_log"]
        patches = as_bool(settings("NB_LOG_PATCHES", False))
        said = _of_the_project()
        values = {**SILENT, **said} if patches else {**said, **UNPATCHED}
        folder = settings("LOG_PATH")
        if folder:
            values["LOG_PATH"] = str(Path(folder).expanduser())
            Path(values["LOG_PATH"]).mkdir(parents=True, exist_ok=True)  # nb_log makes no parents
        with _configured(values), warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of its source, on new Pythons
            if patches:
                return import_module("nb_log")
            with _undone():
                return import_module("nb_log")


def _of_the_project() -> dict[str, Any]:
    if importlib.util.find_spec(CONFIGURATION) is None:
        return {}
    return {name: value for name, value in vars(import_module(CONFIGURATION)).items() if name.isupper()}


class _Configuration(MetaPathFinder, Loader):
    """Answers ``import nb_log_config`` with these values."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Ours, for that name alone."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == CONFIGURATION else None

    def exec_module(self, module: ModuleType) -> None:
        """Fill it; nb_log wants to show where it is."""
        vars(module).update(self._values, __file__=__file__)


@contextmanager
def _configured(values: Mapping[str, Any]) -> Iterator[None]:
    own, finder = sys.modules.pop(CONFIGURATION, None), _Configuration(values)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.modules.pop(CONFIGURATION, None)
        if own is not None:
            sys.modules[CONFIGURATION] = own


@contextmanager
def _undone() -> Iterator[None]:
    """Put back what the block replaces."""
    root = logging.root
    methods, handlers, level = dict(vars(logging.Logger)), root.handlers[:], root.level
    hook, printing = sys.excepthook, builtins.print
    try:
        yield
    finally:
        for name, method in methods.items():
            if vars(logging.Logger)[name] is not method:
                setattr(logging.Logger, name, method)
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook, builtins.print = hook, printing
