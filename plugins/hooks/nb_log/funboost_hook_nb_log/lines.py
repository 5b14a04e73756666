"""A record of the log as a flat JSON object, for services that search."""

from __future__ import annotations

import datetime
import json
import logging
import socket
from typing import Any

_text = logging.Formatter()


def document(record: logging.LogRecord) -> dict[str, Any]:
    """Time (UTC, ISO 8601), level, logger, task, place, host, process, message; the traceback where there is one."""
    moment = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
    found = {
        "@timestamp": moment.isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "task_id": getattr(record, "task_id", "no_task_id"),
        "message": record.getMessage(),
        "file": record.pathname,
        "line": record.lineno,
        "function": record.funcName,
        "host": socket.gethostname(),
        "process": record.process,
        "thread": record.threadName,
    }
    if record.exc_info:
        found["traceback"] = _text.formatException(record.exc_info)
    return found


def encoded(value: dict[str, Any]) -> bytes:
    """As one line of JSON."""
    return json.dumps(value, ensure_ascii=False, default=repr).encode("utf-8", "backslashreplace")
