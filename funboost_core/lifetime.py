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
from typing import TYPE_CHECKING, Any, Callable

from .context import current
from .native import SimpleQueue, Thread, get_ident, in_main_thread, patched

if TYPE_CHECKING:
    from .worker import Worker

logger: logging.Logger = logging.getLogger("funboost.worker")

_workers: list[Worker] = []
_held = False
_handlers: dict[int, Any] = {}
_interrupted = False
_drained = False
_leaving = False  # the main thread has ended
_main_file: str | None = None
_signals: SimpleQueue[tuple[int, int | None]] = SimpleQueue()  # its put may be used in a handler
_drainer: Thread | None = None


def hold(worker: Worker) -> None:
    """Keep this process alive while `worker` is active and drain it at SIGTERM and Ctrl-C."""
    global _held, _main_file
    if worker not in _workers:
        _workers.append(worker)
    _main_file = _main_file or getattr(sys.modules.get("__main__"), "__file__", None)
    if not _held:
        _held = True
        at_exit(_wait_at_exit)
    _catch_signals()


def at_exit(wait: Callable[[], None]) -> None:
    """Call `wait` when the main thread has ended; until it returns, executors and daemon threads go on."""
    register = _exit_hooks()
    if register is not None:
        try:
            import concurrent.futures.thread  # noqa: F401  its own exit hook, registered before ours, runs after it

            register(wait)
            return
        except RuntimeError:  # the hooks are being called: the main thread has ended, and another one begins to consume
            pass
    Thread(target=wait, name="funboost-hold", daemon=False).start()


def _exit_hooks() -> Callable[[Callable[[], None]], None] | None:
    """What registers with the very shutdown that the interpreter will call: patching may have put another in place."""
    near = getattr(getattr(threading, "_shutdown", None), "__globals__", {})
    return near.get("_register_atexit") or getattr(threading, "_register_atexit", None)


def _forget() -> None:
    """A forked child consumes nothing of its parent's."""
    global _interrupted, _drained, _drainer
    _interrupted = _drained = False
    _drainer = None
    _workers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _wait_at_exit() -> None:
    global _leaving
    _leaving = True
    if _main_file is not None:  # the interpreter removes it when the script has ended; children are spawned from it
        sys.modules["__main__"].__file__ = _main_file
    if (3, 12) <= sys.version_info < (3, 12, 3) and any(worker.active for worker in _workers):
        logger.warning(
            "The main thread has ended, and Python %s starts no more threads then (3.12.3 does): tasks that need a new "
            "one fail. Keep the main thread, or use another Python.",
            sys.version.split()[0],
        )
    while active := [worker for worker in _workers if worker.active]:  # a task may begin to consume in another program
        try:
            active[0].wait()
        except (KeyboardInterrupt, SystemExit):  # a signal while the main thread has ended already: it drains
            continue


def _catch_signals() -> None:
    global _drainer
    if not in_main_thread():
        return
    if (
        _drainer is None
    ):  # started now: a handler should take no locks, and Python 3.12.0 to 3.12.2 may start none later
        _drainer = Thread(target=_drain, name="funboost-drain", daemon=True)
        _drainer.start()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None or number in _handlers:
            continue
        _handlers[number] = signal.getsignal(number)  # first, for it may be needed at once
        try:
            signal.signal(number, _on_signal)
        except ValueError:  # not the main thread of the main interpreter
            del _handlers[number]
            return


def _on_signal(number: int, frame: Any) -> None:
    """Let the worker drain and end the main thread; the second Ctrl-C ends the process at once."""
    global _interrupted
    if _interrupted and not _drained and number == signal.SIGINT:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    # What is raised here is raised in whatever runs on the main thread.  Where that may be a task (a greenlet, a
    # coroutine on the user's own loop), which would take it for its own failure, it is put off until all have ended.
    put_off = bool(_workers) and not _drained and (patched or current.get(None) is not None)
    if not _interrupted:
        _interrupted = True
        _signals.put((number, get_ident() if put_off else None))
    if put_off:
        return
    previous = _handlers.get(number)
    if callable(previous):
        if not (_leaving and previous is signal.default_int_handler):
            previous(number, frame)
    elif number != signal.SIGINT and not _leaving:
        sys.exit(0)


def _drain() -> None:
    """The thread that drains: waits for the first signal."""
    global _drained
    number, main_thread = _signals.get()
    logger.info("%s: draining", signal.Signals(number).name)
    for worker in list(_workers):
        worker.stop()
    if main_thread is not None:
        _drained = True
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(main_thread, number)  # interrupts what it waits in
        else:
            signal.raise_signal(number)
