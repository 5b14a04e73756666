"""Keeping the process alive while something consumes, and ending it gracefully.

A program whose main thread ends goes on consuming: an exit hook holds the interpreter in front of the shutdown of
executors, so that `asyncio.to_thread`, DNS look-ups and thread pools go on working in tasks.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from .native import Thread

if TYPE_CHECKING:
    from .worker import Worker

logger = logging.getLogger("funboost.worker")

_workers: list[Worker] = []
_held = False
_handlers: dict[int, Any] = {}
_interrupted = False


def hold(worker: Worker) -> None:
    """Keep this process alive while `worker` is active and drain it at SIGTERM and Ctrl-C."""
    global _held
    if worker not in _workers:
        _workers.append(worker)
    if not _held:
        _held = True
        import concurrent.futures.thread  # noqa: F401  its own exit hook must be registered before ours to run after it

        register = getattr(threading, "_register_atexit", None)
        if register is not None:
            register(_wait_at_exit)
        else:  # pragma: no cover - an interpreter without the private hook
            Thread(target=_wait_at_exit, name="funboost-hold", daemon=False).start()
    _catch_signals()


def _forget() -> None:
    """A forked child consumes nothing of its parent's."""
    global _interrupted
    _interrupted = False
    _workers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _wait_at_exit() -> None:
    for worker in list(_workers):
        try:
            worker.wait()
        except (KeyboardInterrupt, SystemExit):  # a signal while the main thread has ended already: it drains
            worker.wait()


def _catch_signals() -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None or number in _handlers:
            continue
        previous = signal.getsignal(number)
        try:
            signal.signal(number, _on_signal)
        except ValueError:  # not the main thread of the main interpreter
            return
        _handlers[number] = previous


def _on_signal(number: int, frame: Any) -> None:
    """Drain on a thread of its own and end the main thread; the second Ctrl-C ends the process at once."""
    global _interrupted
    if _interrupted and number == signal.SIGINT:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    if not _interrupted:
        _interrupted = True
        logger.info("%s: draining", signal.Signals(number).name)
        Thread(target=_drain, name="funboost-drain", daemon=True).start()
    previous = _handlers.get(number)
    if callable(previous):
        previous(number, frame)
    elif number != signal.SIGINT:
        sys.exit(0)


def _drain() -> None:
    for worker in list(_workers):
        worker.stop()
