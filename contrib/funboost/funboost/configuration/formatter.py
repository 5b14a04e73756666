"""The documented layout of a line in the log: it shows the id of the running task."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


@functools.cache
def default_formatter() -> logging.Formatter:
    """Time, host, process, thread, logger, place, level, id of the task and message."""
    import socket

    from funboost_core.logs import TaskIdFormatter

    host = socket.gethostname().replace("%", "%%")
    return TaskIdFormatter(
        f"%(asctime)s-({host})-[p%(process)d_t%(thread)d] - %(name)s - "
        '"%(filename)s:%(lineno)d" - %(funcName)s - %(levelname)s - %(task_id)s - %(message)s',
        "%Y-%m-%d %H:%M:%S",
    )
