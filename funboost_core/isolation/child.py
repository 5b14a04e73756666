"""The other side: a process that runs what it is told, one call after the other, until its parent is gone."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

from ..bootstrap import imported
from ..context import current
from ..errors import text_of
from ..native import SimpleQueue, Thread
from ..params import overridden
from ..ports.broker import Delivery
from .limits import TOO_LARGE, Limits

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from ..task import Task

READY, DONE, FAILED = "ready", "done", "failed"


def serve(pipe: Connection, queue_name: str, module: str) -> None:
    """The main function of a child; its main module has been imported by now."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C means the parent, which decides about us
    from ..consuming.plan import prepared

    task = imported(queue_name, module)
    call = prepared(task)
    calls: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_receive, args=(pipe, calls), name="funboost-parent", daemon=True).start()
    limits = Limits(task.params.isolation_memory_mb, task.params.isolation_cpu_seconds)
    _send(pipe, (READY, None, ""))
    while True:
        written = calls.get()
        try:
            limits.begin()
            delivery, arguments = _delivery(task, *pickle.loads(written))  # noqa: S301  our parent's
            del written
            token = current.set(delivery)
            try:
                result = call(**arguments)
                if task.is_async:
                    result = _awaited(result)
            finally:
                current.reset(token)
            answer: tuple[str, Any, str] = (DONE, result, "")
        except BaseException as error:  # SystemExit of a task must not end this process
            answer = (FAILED, error, traceback.format_exc())
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        _send(pipe, answer)


def _receive(pipe: Connection, calls: SimpleQueue[bytes]) -> None:
    """Also while a call runs: a parent that is gone takes its children with it, for its messages run elsewhere now.

    It must not fail while the process goes on: whoever sent a call would wait for ever.
    """
    try:
        while True:
            calls.put(pipe.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)
    except MemoryError:
        os._exit(TOO_LARGE)


def _delivery(
    task: Task, extra: dict[str, Any], original: dict[str, Any], arguments: dict[str, Any], runs: int
) -> tuple[Delivery, dict[str, Any]]:
    delivery = Delivery(b"")
    delivery.extra, delivery.arguments, delivery.runs = extra, original, runs
    delivery.plan = _Plan(task, overridden(task.params, extra))
    return delivery, arguments


class _Plan:
    """What `fct` and the status of a run read of a plan."""

    def __init__(self, task: Task, params: Any) -> None:
        self.task = task
        self.params = params


def _awaited(result: Any) -> Any:
    import asyncio

    return asyncio.run(result)


def _send(pipe: Connection, answer: tuple[str, Any, str]) -> None:
    kind, value, trace = answer
    if kind == FAILED:
        answer = (FAILED, _portable(value), trace)
    try:
        pipe.send(answer)
    except OSError:
        raise
    except Exception as error:  # it was not begun to be sent
        what = TypeError(f"the result, a {type(value).__name__}, cannot be sent to another process: {error}")
        pipe.send((FAILED, what, ""))


def _portable(error: BaseException) -> Any:
    """What the other side reads as that error; many can be written and not be read."""
    for one in (error, _Remade(type(error), error.args), _Remade(type(error), (text_of(error),))):
        try:
            pickle.dumps(one)
            copy.copy(one)  # made again as on the other side
        except Exception:
            continue
        return one
    return RuntimeError(f"{type(error).__name__}: {text_of(error)}")


class _Remade:
    """Is read as an error of this type, whose ``__init__`` is not asked."""

    def __init__(self, kind: type[BaseException], args: tuple[Any, ...]) -> None:
        self._made = kind, args

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, self._made


def _remake(kind: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    return kind.__new__(kind, *args)
