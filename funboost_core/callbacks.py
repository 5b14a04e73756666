"""Callbacks for results that have come, on threads that all results share; none of them waits meanwhile."""

from __future__ import annotations

import logging
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable

from .native import Condition, patched

if TYPE_CHECKING:
    from .environment import Environment

Callback = Callable[["dict[str, Any] | None"], Any]
Take = Callable[["bytes | None"], "dict[str, Any] | None"]

THREADS = 200
"""Most threads that run callbacks at the same time."""

telling: set[Any] = set()
"""Tasks of loops that await a callback: a loop holds its tasks only weakly."""

_executor: Executor | None = None
_pending = 0
_changed = Condition()


def call_later(callback: Callback, environment: Environment, task_id: Any, timeout: float, take: Take) -> None:
    """``callback(take(payload))`` when the reply has come or the time is up; the process does not end before."""
    executor = _shared()
    _count(1)

    def hear(payload: bytes | None, error: BaseException | None) -> None:
        def tell() -> None:
            try:
                if error is not None:
                    raise error
                callback(take(payload))
            except Exception:
                log_failure(task_id)
            finally:
                _count(-1)

        try:
            executor.submit(tell)
        except RuntimeError:  # Python 3.12.0 to 3.12.2 starts no thread once the main one has ended
            tell()

    environment.mailbox.ask(str(task_id), timeout, hear)


def call_by(executor: Executor | None, callback: Callback, task_id: Any, wait: Callable[[], Any]) -> None:
    """``callback(wait())`` on a thread of `executor`, or of the shared one."""

    def tell() -> None:
        try:
            callback(wait())
        except Exception:
            log_failure(task_id)

    (executor or _shared()).submit(tell)


def log_failure(task_id: Any) -> None:
    """A callback has raised."""
    logging.getLogger("funboost.results").error("The callback for the result of %s failed.", task_id, exc_info=True)


def _shared() -> Executor:
    global _executor
    with _changed:
        if _executor is None:
            if not patched:
                from .lifetime import at_exit

                at_exit(_wait)
            _executor = ThreadPoolExecutor(THREADS, "funboost-callback")
        return _executor


def _count(more: int) -> None:
    global _pending
    with _changed:
        _pending += more
        _changed.notify_all()


def _wait() -> None:
    with _changed:
        while _pending:
            _changed.wait()


def _forget() -> None:
    """A forked child calls nothing of its parent's."""
    global _executor, _pending, _changed
    _executor, _pending, _changed = None, 0, Condition()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
