"""Where greenlets meet the framework's real threads; used only in a monkey-patched process.

A greenlet that waits for a real lock, or holds one while its socket makes it wait, stops all greenlets of its thread,
for ever if the one that would release it is among them.  So what the framework does for a greenlet that may block
(publishing, waiting for a result, draining) is done on a real thread, while the greenlet waits on a socket of the
patched `socket` module: in this way the other greenlets run, whichever library they belong to.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from _socket import socket as real_socket
from queue import Empty
from types import ModuleType
from typing import Any, Callable, TypeVar

from . import native

R = TypeVar("R")


class Bell:
    """What `native.event` gives to a greenlet: set on a real thread, waited for by this greenlet only."""

    def __init__(self) -> None:
        self._reader, writer = socket.socketpair()
        self._writer = real_socket(fileno=writer.detach())

    def set(self) -> None:
        """Wake who waits."""
        self._writer.close()  # the reader meets the end

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it has been set, within `timeout` seconds; then it is of no use any more."""
        self._reader.settimeout(timeout)
        try:
            self._reader.recv(1)
        except socket.timeout:
            return False
        except BaseException:  # the greenlet is killed
            self._reader.close()
            raise
        self._reader.close()
        return True


class _Call:
    """A call that is made on one thread and awaited on another."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._function = function
        self._args = args
        self._result: Any = None
        self._error: BaseException | None = None
        self._done = native.event()

    def run(self) -> None:
        """Make the call and wake who waits."""
        try:
            self._result = self._function(*self._args)
        except BaseException as error:
            self._error = error
        self._done.set()

    def fail(self, error: BaseException) -> None:
        """Do not make the call, and wake who waits."""
        self._error = error
        self._done.set()

    def wait(self) -> Any:
        """What the call returned or raised.  A caller that is killed meanwhile leaves the call to itself."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result


class Lane:
    """One real thread that makes the calls of all others, in turn.

    What a client library opens in a patched process may belong to the thread that opened it; here that is always
    the same one.
    """

    def __init__(self, name: str) -> None:
        share_logging()  # it may be the first real thread that logs
        self._calls: native.SimpleQueue[_Call | None] = native.SimpleQueue()
        self._closed = False
        self._thread = native.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __call__(self, function: Callable[..., R], *args: Any) -> R:
        """``function(*args)`` on the lane's thread; greenlets beside the caller run meanwhile.

        Raises:
            RuntimeError: the lane has been closed.
        """
        if self._thread.ident == native.get_ident() and not self._closed:  # then another one may have its ident
            return function(*args)
        call = _Call(function, args)
        self._calls.put(call)
        if self._closed:  # otherwise the thread has yet to look whether anything is left
            self._refuse()
        return call.wait()  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the thread after the calls that wait."""
        self._calls.put(None)

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            if call is None:
                break
            call.run()
        self._closed = True
        self._refuse()

    def _refuse(self) -> None:
        """Nobody makes the calls that came after the end; who waits for them is told."""
        while True:
            try:
                call = self._calls.get_nowait()
            except Empty:
                return
            if call is not None:
                call.fail(RuntimeError(f"{self._thread.name} has been closed"))


_idle: list[Lane] = []
_MOST_IDLE = 16


def call(function: Callable[..., R], *args: Any) -> R:
    """``function(*args)`` on a thread of its own; `native.off_hub` is what the core uses."""
    try:
        lane = _idle.pop()
    except IndexError:
        lane = Lane("funboost-call")
    try:
        result = lane(function, *args)
    except BaseException:  # the caller may have been killed and the lane still be at work
        lane.close()
        raise
    if len(_idle) < _MOST_IDLE:
        _idle.append(lane)
    else:
        lane.close()
    return result


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)


class OnLane:
    """An object whose methods are called on one thread of their own, where it is also made.

    Args:
        make: makes the object; it has ``close``.
        name: for the thread.
    """

    def __init__(self, make: Callable[[], Any], name: str) -> None:
        self._lane = Lane(name)
        try:
            self._target = self._lane(make)
        except BaseException:
            self._lane.close()
            raise

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._target, name)
        return lambda *args: self._lane(method, *args)

    def close(self) -> None:
        """Close the object and end its thread."""
        try:
            self._lane(self._target.close)
        finally:
            self._lane.close()


# -- logging ------------------------------------------------------------------------------------------------------------


class _Threading(ModuleType):
    """The `threading` that `logging` sees: real locks, and the names of real threads."""

    RLock = staticmethod(native.RLock)
    Lock = staticmethod(native.Lock)

    @staticmethod
    def current_thread() -> Any:
        return native.current_thread() if native.blocking_allowed() else threading.current_thread()

    def __getattr__(self, name: str) -> Any:
        return getattr(threading, name)


def share_logging() -> None:
    """Let real threads and greenlets log at the same time.

    The green locks that patching gives to `logging` are not made for several threads: both libraries were seen to
    dead-lock within a second.  Real re-entrant ones exclude threads; greenlets of one thread never wait for each
    other, so records of two greenlets may only mix in a handler that waits on a socket in the middle of a record.
    """
    if not native.patched or isinstance(logging.threading, _Threading):  # type: ignore[attr-defined]
        return
    logging.threading = _Threading("threading")  # type: ignore[attr-defined]  # for handlers that are made later
    logging._lock = native.RLock()  # type: ignore[attr-defined]
    handlers = [reference() for reference in logging._handlerList]  # type: ignore[attr-defined]
    for handler in (*handlers, logging.lastResort):
        if handler is not None and handler.lock is not None:
            handler.lock = native.RLock()
