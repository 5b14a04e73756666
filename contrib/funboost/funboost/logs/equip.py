"""Which handlers a logger gets: the console on `funboost`, files where a folder is set; nothing where a program logs itself."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funboost_core.logs import TaskIdFormatter

from ..own_lock import OwnLock
from . import files
from .console import ConsoleHandler, configured

if TYPE_CHECKING:
    from funboost_core.settings import Settings
    from funboost_core.task import Task

ROOT = "funboost"
TEMPLATE = "NB_LOG_FORMATTER_INDEX_FOR_CONSUMER_AND_PUBLISHER"
_MEGABYTES, _BACKUPS = 100, 10
_lock = OwnLock()


def queue(task: Task, logger: logging.Logger) -> None:
    """Equip the logger of a queue, when it is first used."""
    settings, params = task.environment.settings, task.params
    if template_of(settings) is not None and _by_nb_log(task, logger):
        return
    console(settings, logger)
    own = getattr(params, "log_filename", None)
    if folder_of(settings) is not None:
        framework(settings)
        if getattr(params, "create_logger_file", True):
            name = own or files.file_name(f"{ROOT}.{task.queue_name}.log")
            to_files(logger, settings, name, files.error_name(name))
    elif own:
        logger.warning(
            "%s: log_filename=%r has no effect: set LOG_PATH to the folder of log files.", task.queue_name, own
        )


def _by_nb_log(task: Task, logger: logging.Logger) -> bool:
    """A template's number means nb_log, where that is installed."""
    environment = task.environment
    if "nb_log" not in environment.catalog.installed("hooks"):
        return False
    environment.catalog.load_hooks("nb_log")
    return bool(environment.manager.hook.funboost_logging(logger=logger, task=task))


def console(settings: Settings, logger: logging.Logger) -> None:
    """The console, once, for `logger` and all of the framework; where the program has no handlers."""
    below = f"{logger.name}.".startswith(f"{ROOT}.")
    for one in {logging.getLogger(ROOT), logging.getLogger(ROOT) if below else logger}:
        with _lock():
            if configured(one.name) or any(isinstance(known, ConsoleHandler) for known in _chain(one)):
                continue
            handler = ConsoleHandler(formatter_of(settings))
            one.addHandler(handler)
            handler.raise_level(one, level_of(settings("LOG_LEVEL", logging.INFO)))


def framework(settings: Settings) -> None:
    """The framework's own files, and the one for all loggers where LOG_FILE names it."""
    top = logging.getLogger(ROOT)
    with _lock():
        if not any(isinstance(known, files.Framework) for known in top.handlers):
            for handler in _handlers(settings, f"{ROOT}.log", f"{ROOT}.error.log"):
                top.addHandler(files.Framework(handler))
    everything = settings("LOG_FILE")
    if everything:
        to_files(logging.getLogger(), settings, str(everything))


def to_files(
    logger: logging.Logger,
    settings: Settings,
    name: str | None,
    errors: str | None = None,
    formatter: logging.Formatter | None = None,
    folder: Path | None = None,
) -> None:
    """Let a logger write to the file `name`, and its errors to `errors` as well."""
    for handler in _handlers(settings, name, errors, formatter, folder):
        if handler not in logger.handlers:
            logger.addHandler(handler)


def _handlers(
    settings: Settings,
    name: str | None,
    errors: str | None,
    formatter: logging.Formatter | None = None,
    folder: Path | None = None,
) -> list[files.SharedFileHandler]:
    folder = folder or folder_of(settings) or Path()
    layout = formatter or formatter_of(settings) or _documented()
    size, backups = float(settings("LOG_FILE_SIZE", _MEGABYTES)), int(settings("LOG_FILE_BACKUP_COUNT", _BACKUPS))
    return [
        files.handler(folder / file, layout, level=level, megabytes=size, backups=backups)
        for file, level in ((name, logging.NOTSET), (errors, logging.ERROR))
        if file is not None
    ]


# -- what settings say ----------------------------------------------------------------------------------------------------


def folder_of(settings: Settings) -> Path | None:
    """The folder of log files; None: nothing is written."""
    path = settings("LOG_PATH")
    return Path(path).expanduser() if path else None


def formatter_of(settings: Settings) -> logging.Formatter | None:
    """The layout that the program chose, as a Formatter or as text; None where it left that open."""
    chosen: Any = settings(TEMPLATE)
    if isinstance(chosen, logging.Formatter):
        return chosen
    return TaskIdFormatter(chosen) if isinstance(chosen, str) and not chosen.isdigit() else None


def template_of(settings: Settings) -> int | None:
    """The number of a template of nb_log, where one is chosen."""
    chosen: Any = settings(TEMPLATE)
    return int(chosen) if isinstance(chosen, int) or (isinstance(chosen, str) and chosen.isdigit()) else None


def level_of(value: Any) -> int:
    """A level by number or name."""
    if isinstance(value, int) or str(value).isdigit():
        return int(value)
    level = logging.getLevelName(str(value).upper())
    if not isinstance(level, int):
        from funboost_core.errors import ConfigError

        raise ConfigError(f"LOG_LEVEL={value!r} is no level: DEBUG, INFO, WARNING, ERROR, CRITICAL or a number.")
    return level


def _documented() -> logging.Formatter:
    from ..configuration.formatter import default_formatter

    return default_formatter()


def _chain(logger: logging.Logger) -> list[logging.Handler]:
    found: list[logging.Handler] = []
    at: logging.Logger | None = logger
    while at is not None:
        found += at.handlers
        at = at.parent if at.propagate else None
    return found
