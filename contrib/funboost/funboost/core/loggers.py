"""The documented functions that make loggers: coloured console, files that processes share."""

from __future__ import annotations

import functools
import logging
import os
from pathlib import Path

from funboost_core.environment import default
from funboost_core.errors import ConfigError
from funboost_core.logs import TaskIdFilter

from ..logs import equip, files

__all__ = ["FunboostFileLoggerMixin", "get_funboost_file_logger", "get_logger"]


def get_logger(
    name: str,
    *,
    log_level_int: int = logging.DEBUG,
    is_add_stream_handler: bool = True,
    log_path: str | os.PathLike[str] | None = None,
    log_filename: str | None = None,
    error_log_filename: str | None = None,
    formatter_template: logging.Formatter | None = None,
) -> logging.Logger:
    """A logger whose lines know the running task; asking again for the same name adds nothing.

    Args:
        name: its name in `logging`.
        log_level_int: its level.
        is_add_stream_handler: whether it writes to the console, where the program has no handlers of its own.
        log_path: the folder of its files; the setting LOG_PATH if None.  Without either nothing is written.
        log_filename: a file that other processes and queues (`log_filename` of `BoosterParams`) may write to as well.
        error_log_filename: another file, for ERROR and above.
        formatter_template: the layout in the files.  Numbers of templates are nb_log's: use `nb_log.get_logger`.

    Raises:
        ConfigError: a number as the layout, or concurrent-log-handler is not installed and files are wanted.

    Example::

        logger = get_logger("shop", log_filename="shop.log")
        logger.info("open")
    """
    if formatter_template is not None and not isinstance(formatter_template, logging.Formatter):
        raise ConfigError(
            f"formatter_template={formatter_template!r} is no logging.Formatter. Numbers of templates are nb_log's: "
            "use nb_log.get_logger, or HOOKS=nb_log for the loggers of queues."
        )
    settings, logger = default().settings, logging.getLogger(name)
    logger.setLevel(log_level_int)
    if not any(isinstance(known, TaskIdFilter) for known in logger.filters):
        logger.addFilter(TaskIdFilter())
    if is_add_stream_handler:
        equip.console(settings, logger)
    folder = Path(log_path) if log_path is not None else equip.folder_of(settings)
    if folder is not None:
        equip.to_files(logger, settings, log_filename, error_log_filename, formatter_template, folder)
    return logger


def get_funboost_file_logger(name: str, *, log_level_int: int = logging.DEBUG) -> logging.Logger:
    """`get_logger` with the framework's own files, `funboost.log` and `funboost.error.log` in LOG_PATH."""
    framework = f"{equip.ROOT}.log"
    return get_logger(
        name,
        log_level_int=log_level_int,
        log_filename=framework,
        error_log_filename=files.error_name(framework),
    )


class FunboostFileLoggerMixin:
    """Gives a class a `logger` of its name, made by `get_funboost_file_logger`.

    Example::

        class Shop(FunboostFileLoggerMixin):
            def open(self):
                self.logger.info("open")
    """

    @functools.cached_property
    def logger(self) -> logging.Logger:
        """The logger of the object's class."""
        return get_funboost_file_logger(type(self).__name__)
