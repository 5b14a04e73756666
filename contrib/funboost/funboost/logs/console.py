"""The console: one readable line a record, with the task's id, coloured on terminals; silent where the program logs itself."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from funboost_core.logs import TaskIdFilter, TaskIdFormatter

if TYPE_CHECKING:
    Stream = logging.StreamHandler[Any]
else:
    Stream = logging.StreamHandler  # generic for type checkers only, before Python 3.11

LAYOUT = '%(asctime)s.%(msecs)03d %(levelname)-8s [%(task_id)s] %(name)s - "%(filename)s:%(lineno)d" - %(message)s'
TIME = "%Y-%m-%d %H:%M:%S"
_COLOURS = {
    logging.DEBUG: "36",
    logging.INFO: "32",
    logging.WARNING: "33",
    logging.ERROR: "31",
    logging.CRITICAL: "1;31",
}


class Own:
    """Marks the handlers that are hung up here: they are no sign that the program configures logging itself."""


def configured(name: str) -> bool:
    """Whether records of this logger reach a handler that is not ours."""
    found: Any = logging.Logger.manager.loggerDict.get(name, logging.root)
    logger: Any = found if isinstance(found, logging.Logger) else logging.getLogger(name)
    while logger is not None:
        if any(not isinstance(handler, Own) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


class ConsoleHandler(Own, Stream):
    """Writes to `sys.stderr`, as it is at that moment, what no handler of the program's own gets.

    Args:
        formatter: the layout; `LAYOUT` if None.
    """

    def __init__(self, formatter: logging.Formatter | None = None) -> None:
        logging.Handler.__init__(self)  # not that of StreamHandler, which would keep the stream
        self.addFilter(TaskIdFilter())  # for layouts of the program's own
        self.setFormatter(formatter or TaskIdFormatter(LAYOUT, TIME))
        self._levelled: tuple[logging.Logger, int] | None = None
        self._coloured: tuple[Any, bool] = (None, False)

    @property
    def stream(self) -> Any:
        """Where it writes; None where the process has no console."""
        return sys.stderr

    def raise_level(self, logger: logging.Logger, level: int) -> None:
        """Give `logger` a level of its own, until the program turns out to log itself."""
        if logger.level == logging.NOTSET:
            logger.setLevel(level)
            self._levelled = (logger, level)

    def emit(self, record: logging.LogRecord) -> None:
        """Write, unless the program has handlers."""
        if configured(record.name):
            self._retire()
        elif self.stream is not None:
            super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """The line, in the colour of its level."""
        text = super().format(record)
        stream = self.stream
        if self._coloured[0] is not stream:
            self._coloured = (stream, colours(stream))
        if not self._coloured[1]:
            return text
        colour = next((code for level, code in reversed(_COLOURS.items()) if record.levelno >= level), "0")
        first, line, rest = text.partition("\n")
        return f"\033[{colour}m{first}\033[0m{line}{rest}"

    def _retire(self) -> None:
        if self._levelled is not None:
            logger, level = self._levelled
            self._levelled = None
            if logger.level == level:
                logger.setLevel(logging.NOTSET)


def colours(stream: Any) -> bool:
    """Whether a stream shows colours: NO_COLOR and FORCE_COLOR decide, else a terminal does."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    try:
        terminal = stream.isatty()
    except (AttributeError, ValueError):  # a stand-in, or closed
        return False
    return terminal and os.environ.get("TERM") != "dumb" and _understands_escapes()


def _understands_escapes() -> bool:
    """On Windows 10 and later a console has to be asked to."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        console, mode = kernel.GetStdHandle(-12), ctypes.c_uint32()  # standard error
        return bool(
            kernel.GetConsoleMode(console, ctypes.byref(mode))
            and kernel.SetConsoleMode(console, mode.value | 4)  # ENABLE_VIRTUAL_TERMINAL_PROCESSING
        )
    else:
        return True
