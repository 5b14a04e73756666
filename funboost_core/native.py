"""Real threads, locks and clocks, also where a library has replaced them by green ones.

All framework work (fetching, settling, beats) runs on operating-system threads in every concurrency mode, so it must
not pick up a monkey-patched ``threading``.  Where nothing is patched, the names below *are* those of the standard
library; otherwise they come from a private copy of ``threading`` built over the untouched C primitives.  No patching
library is named or asked: the C modules are the same for all.

Import it (that is, anything of funboost) after the patching, which therefore is the first line of a program.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import threading as _threading
import time as _time
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, TypeVar

try:
    from _queue import SimpleQueue  # the C class itself; patching libraries replace only queue.SimpleQueue
except ImportError:  # pragma: no cover - interpreters without the accelerator
    from queue import SimpleQueue

__all__ = [
    "Condition",
    "Event",
    "Lock",
    "RLock",
    "SimpleQueue",
    "Thread",
    "active_count",
    "blocking_allowed",
    "current_thread",
    "event",
    "get_ident",
    "in_main_thread",
    "off_hub",
    "patched",
    "runs_hub",
    "sleep",
]


R = TypeVar("R")


def _is_patched() -> bool:
    return getattr(_threading.get_ident, "__module__", "_thread") != "_thread" or (
        type(_time.sleep).__name__ != "builtin_function_or_method"
    )


def _pristine(name: str) -> ModuleType:
    """A copy of the built-in module `name` as the interpreter made it."""
    live = sys.modules[name]
    before = dict(vars(live))
    spec = importlib.machinery.BuiltinImporter.find_spec(name)
    assert spec is not None
    fresh = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(fresh)
    copy = ModuleType(name)
    vars(copy).update(vars(fresh))
    vars(live).update(before)  # Python 3.9 hands out the live module itself, reset: give it back as it was
    return copy


def _pristine_threading() -> tuple[ModuleType, ModuleType]:
    thread, time = _pristine("_thread"), _pristine("time")
    names = {"_thread": thread, "time": time}
    saved = {name: sys.modules.get(name) for name in (*names, "threading")}
    try:
        sys.modules.update(names)
        del sys.modules["threading"]
        spec = importlib.util.find_spec("threading")
        assert spec is not None and spec.loader is not None
        copy = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(copy)
    finally:
        for name, module in saved.items():
            if module is not None:
                sys.modules[name] = module
    return copy, time


patched: bool = _is_patched()
"""Whether `threading` was green already when this module was imported."""

_ours: set[int] = set()  # idents of the threads that may block, because nothing green runs on them

if TYPE_CHECKING or not patched:
    from threading import Condition, Event, Lock, RLock, Thread, active_count, current_thread, get_ident
    from time import sleep

    _main = _threading.main_thread
else:
    _copy, _clock = _pristine_threading()
    Condition, Event, Lock, RLock = _copy.Condition, _copy.Event, _copy.Lock, _copy.RLock
    get_ident, current_thread, sleep, _main = _copy.get_ident, _copy.current_thread, _clock.sleep, _copy.main_thread
    active_count = _copy.active_count

    class Thread(_copy.Thread):  # type: ignore[no-redef, name-defined, misc]
        """A real thread, known as one that may block."""

        def start(self) -> None:
            """As `threading.Thread.start`; what runs on it counts as ours."""
            run = self.run  # a subclass may have its own

            def known() -> None:
                _ours.add(get_ident())
                try:
                    run()
                finally:
                    _ours.discard(get_ident())

            self.run = known  # type: ignore[method-assign]
            super().start()


def blocking_allowed() -> bool:
    """Whether a real lock may be waited for here: False on a thread whose greenlets would all stop meanwhile."""
    return not patched or get_ident() in _ours


def off_hub(function: Callable[..., R], *args: Any) -> R:
    """``function(*args)``, which may block: here, or on a real thread while the greenlets beside the caller go on."""
    if not patched or get_ident() in _ours:
        return function(*args)
    from .green import call

    return call(function, *args)


def event() -> Event:
    """An event that is set once, on any thread, and waited for here: other greenlets of this thread go on meanwhile."""
    if not patched or get_ident() in _ours:
        return Event()
    from .green import Bell

    return Bell()  # type: ignore[return-value]


def runs_hub() -> None:
    """This thread, a `Thread`, is going to run greenlets."""
    _ours.discard(get_ident())


def in_main_thread() -> bool:
    """Whether this is the process's main thread, in whichever greenlet."""
    return get_ident() == _main().ident
