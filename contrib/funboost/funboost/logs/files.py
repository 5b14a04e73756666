"""Log files that several processes write and rotate: one handler a file and process, opened at its first line."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

from funboost_core.errors import ConfigError
from funboost_core.logs import TaskIdFilter

from ..own_lock import OwnLock
from .console import Own

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_open: dict[tuple[str, int], SharedFileHandler] = {}
_lock = OwnLock()


class SharedFileHandler(Own, logging.Handler):
    """Appends to a file that other processes append to as well; whoever finds it full rotates it.

    The writing is done by `concurrent_log_handler`: a lock file beside the log, held for each line.  A process that was
    forked opens the file anew, for locks are not inherited.

    Args:
        path: the file; its folder is made when the first line is written.
        megabytes: the size at which it becomes ``<path>.1``.
        backups: how many old files are kept.

    Raises:
        ConfigError: concurrent-log-handler is not installed.
    """

    def __init__(self, path: Path, megabytes: float, backups: int) -> None:
        super().__init__()
        self.addFilter(TaskIdFilter())  # for layouts of the program's own
        self.path = path
        self._limits = (max(1, int(megabytes * 1_000_000)), backups)
        self._writer: Any = None
        self._pid = 0
        try:
            from concurrent_log_handler import ConcurrentRotatingFileHandler
        except ImportError as error:
            raise ConfigError(
                f"Log files ({path}) need concurrent-log-handler: pip install 'funboost[log-files]', or unset LOG_PATH."
            ) from error
        self._kind: Any = ConcurrentRotatingFileHandler

    def emit(self, record: logging.LogRecord) -> None:
        """Append a line."""
        try:
            if self._pid != os.getpid():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                size, backups = self._limits
                self._writer = self._kind(str(self.path), "a", size, backups, encoding="utf-8")
                self._pid = os.getpid()
            self._writer.setFormatter(self.formatter)
            self._writer.emit(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Let go of the file."""
        if self._writer is not None and self._pid == os.getpid():
            self._writer.close()
        self._writer, self._pid = None, 0
        super().close()


class Framework(Own, logging.Handler):
    """The lines of loggers that have no file of their own, into the file of `target`."""

    def __init__(self, target: SharedFileHandler) -> None:
        super().__init__(target.level)
        self.target = target

    def emit(self, record: logging.LogRecord) -> None:
        """Pass it on, unless its logger writes it to a file itself."""
        if not any(isinstance(known, SharedFileHandler) for known in logging.getLogger(record.name).handlers):
            self.target.handle(record)


def handler(
    path: Path, formatter: logging.Formatter, *, level: int = logging.NOTSET, megabytes: float, backups: int
) -> SharedFileHandler:
    """The handler of a file in this process, made when first asked for; loggers that share a file share it."""
    key = (os.path.abspath(path), level)  # noqa: PTH100  resolve would follow links that rotation must not
    with _lock():
        if key not in _open:
            made = _open[key] = SharedFileHandler(Path(key[0]), megabytes, backups)
            made.setLevel(level)
            made.setFormatter(formatter)
        return _open[key]


def file_name(text: str) -> str:
    """`text` as the name of a file on any system."""
    return _UNSAFE.sub("_", text)


def error_name(name: str) -> str:
    """The file for errors beside `name`: ``a.log`` has ``a.error.log``."""
    path = Path(name)
    return str(path.with_name(f"{path.stem}.error{path.suffix}"))
