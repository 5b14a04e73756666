"""The status and result of a run: what record functions see and what travels back to the publisher."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from time import time
from typing import TYPE_CHECKING, Any

from .errors import text_of
from .message import RESERVED, encode
from .native import active_count, get_ident

if TYPE_CHECKING:
    from .outcome import Outcome, Verdict
    from .ports.broker import Delivery

FAILED = "FUNC_RUN_ERROR"
"""The `result` of a run that failed."""


class FunctionResultStatus:
    """Status and result of the run of one message.

    Attributes: `queue_name, function, msg_dict, params, params_str, task_id, publish_time, publish_time_str, host_name,
    host_process, process_id, thread_id, total_thread, script_name, script_name_long, run_times, run_status` ("running"
    or "finish"), `success, result, exception, exception_type, exception_msg, time_start, time_end, time_cost`
    (seconds), `rpc_chain_error_msg_dict, rpc_result_expire_seconds`.

    Args:
        values: its attributes; or the name of a queue, which with the other two makes one of a run that has not begun.
        function: the function's name.
        msg_dict: the message, with or without ``extra``.

    Example::

        status = FunctionResultStatus("add", "add", {"x": 1, "y": 2})
        status.result = 3
        my_record_function(status)  # in a test
    """

    def __init__(
        self, values: dict[str, Any] | str, function: str = "", msg_dict: Mapping[str, Any] | None = None
    ) -> None:
        if isinstance(values, str):
            values = _before(values, function, msg_dict or {})
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a FunctionResultStatus has no {name!r}; it has {', '.join(sorted(self.__dict__))}")

    @classmethod
    def running(cls, delivery: Delivery) -> FunctionResultStatus:
        """The status while the function runs."""
        return cls(_describe(delivery, None, "running"))

    @classmethod
    def between(cls, delivery: Delivery, outcome: Outcome) -> FunctionResultStatus:
        """The status after a run that is followed by another one."""
        return cls(_describe(delivery, outcome, "running"))

    @classmethod
    def finished(cls, delivery: Delivery, outcome: Outcome, verdict: Verdict) -> FunctionResultStatus:
        """The status after the last run of a message."""
        return cls(_describe(delivery, outcome, "finish"))

    @classmethod
    def parse_status_and_result_to_obj(cls, status: dict[str, Any]) -> FunctionResultStatus:
        """The object of a status dict."""
        return cls(status)

    def get_status_dict(self, without_datetime_obj: bool = False) -> dict[str, Any]:
        """All of it as a dict with ``_id`` and insert times; `without_datetime_obj` leaves only JSON types."""
        now = time()
        text = _local_text(int(now))
        status = {**self.__dict__, "_id": self.task_id, "insert_time_str": text, "insert_minutes": text[:16]}
        if not without_datetime_obj:
            status.update(insert_time=_naive(now, None), utime=_naive(now, datetime.timezone.utc))
        return status

    def to_pretty_json_str(self) -> str:
        """Indented JSON; datetimes become text."""
        import json

        return json.dumps(self.get_status_dict(), ensure_ascii=False, indent=4, default=str)

    def __repr__(self) -> str:
        return f"FunctionResultStatus(task_id={self.task_id!r}, run_status={self.run_status!r}, success={self.success})"


_process: dict[str, Any] = {}
"""What is the same for all runs of this process."""


def _of_process() -> dict[str, Any]:
    import socket

    host, pid = socket.gethostname(), os.getpid()
    main = str(getattr(sys.modules.get("__main__"), "__file__", "") or "")
    _process.update(
        host_name=host,
        host_process=f"{host} - {pid}",
        process_id=pid,
        script_name=os.path.basename(main),
        script_name_long=main,
    )
    return _process


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.clear)


def _describe(delivery: Delivery, outcome: Outcome | None, run_status: str) -> dict[str, Any]:
    task, extra, error = delivery.plan.task, delivery.extra, outcome.error if outcome else None
    return {
        **(_process or _of_process()),
        "queue_name": task.queue_name,
        "function": getattr(task.function, "__name__", ""),
        "msg_dict": {**delivery.arguments, "extra": extra},
        "params": delivery.arguments,
        "params_str": _text(delivery.arguments),
        "task_id": extra["task_id"],
        "publish_time": extra["publish_time"],
        "publish_time_str": extra.get("publish_time_format", ""),
        "thread_id": get_ident(),
        "total_thread": active_count(),
        "run_times": outcome.runs if outcome else delivery.runs + 1,
        "run_status": run_status,
        "success": bool(outcome and outcome.success),
        "result": (outcome.result if error is None else FAILED) if outcome else None,
        "exception": f"{type(error).__name__}    {text_of(error)}" if error is not None else None,
        "exception_type": type(error).__name__ if error is not None else None,
        "exception_msg": text_of(error) if error is not None else None,
        "rpc_chain_error_msg_dict": None,
        "time_start": outcome.started if outcome else None,
        "time_end": outcome.ended if outcome else None,
        "time_cost": round(outcome.ended - outcome.started, 6) if outcome else None,
        "rpc_result_expire_seconds": delivery.plan.params.rpc_result_expire_seconds,
    }


def _before(queue_name: str, function: str, message: Mapping[str, Any]) -> dict[str, Any]:
    extra = message.get("extra") or {}
    arguments = {name: value for name, value in message.items() if name not in RESERVED}
    unknown = "result exception exception_type exception_msg rpc_chain_error_msg_dict time_start time_end time_cost"
    return {
        **(_process or _of_process()),
        **dict.fromkeys(unknown.split()),
        "queue_name": queue_name,
        "function": function,
        "msg_dict": dict(message),
        "params": arguments,
        "params_str": _text(arguments),
        "task_id": extra.get("task_id"),
        "publish_time": extra.get("publish_time"),
        "publish_time_str": extra.get("publish_time_format", ""),
        "thread_id": get_ident(),
        "total_thread": active_count(),
        "run_times": 0,
        "run_status": None,
        "success": False,
        "rpc_result_expire_seconds": None,
    }


@lru_cache(maxsize=1)  # thousands of runs a second end in the same one
def _local_text(second: int) -> str:
    return _naive(second, None).isoformat(" ")


def _naive(moment: float, zone: datetime.tzinfo | None) -> datetime.datetime:
    """A time of `zone`, None = of this machine, which does not say so: as it is documented."""
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=1)
def _encoder() -> Any:
    from json import JSONEncoder  # not at the top: a program that only publishes does without it

    return JSONEncoder(ensure_ascii=False, default=str)


def _text(value: Any) -> str:
    return _encoder().encode(value)  # type: ignore[no-any-return]


def dump(status: FunctionResultStatus) -> bytes:
    """A status as JSON; a result or argument that JSON cannot carry travels as its text, cut to 1000 characters."""
    values = status.get_status_dict(without_datetime_obj=True)
    try:
        return encode(values)
    except TypeError:
        return encode({name: _carried(value) for name, value in values.items()})


def _carried(value: Any) -> Any:
    try:
        encode({"value": value})
    except TypeError:
        return str(value)[:1000]
    return value
