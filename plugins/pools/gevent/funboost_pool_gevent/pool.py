"""Greenlets on gevent's hub: the main thread's, else one on a thread of the pool's own."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Sequence
from typing import Any, Callable

import gevent
from gevent import monkey
from gevent.hub import Hub

from funboost_core import ConfigError, Delivery
from funboost_core.errors import RunInterrupted
from funboost_core.native import Event, Thread, in_main_thread, patched, runs_hub
from funboost_core.ports.pool import Finished, Interrupter, PoolContext, Runner, TaskPool

FIRST_LINE = "from gevent import monkey; monkey.patch_all()"
_NEEDED = ("threading", "socket", "time")


class Gevent(TaskPool):
    """A greenlet for each message.

    They run on the main thread's hub, so that sockets and locks which the program made there can be used in tasks:
    gevent binds sockets to the thread that made them.  That hub runs whenever the main thread waits cooperatively,
    and after it has ended.  Where consuming is started on another thread, the pool has a hub and a thread of its own.
    """

    def __init__(self, context: PoolContext) -> None:
        super().__init__(context)
        self._submitted: deque[tuple[Sequence[Delivery], Runner, Finished]] = deque()
        self._interrupts: deque[Callable[[], None]] = deque()
        self._greenlets: set[gevent.Greenlet[..., Any]] = set()
        self._closing = False
        self._thread: Thread | None = None
        if in_main_thread():
            self._listen(gevent.get_hub())
        else:
            ready = Event()
            self._thread = Thread(target=self._turn, args=(ready,), name=f"{context.name}-hub", daemon=True)
            self._thread.start()
            ready.wait()

    @classmethod
    def check(cls, function: Callable[..., Any]) -> None:
        """A plain function in a process that gevent has patched before anything else was imported."""
        missing = [module for module in _NEEDED if not monkey.is_module_patched(module)]
        if missing:
            raise ConfigError(
                f"concurrent_mode 'gevent' needs a monkey-patched process; {', '.join(missing)} "
                f"{'are' if len(missing) > 1 else 'is'} not patched. "
                f"Make this the first line of the program, above every import: {FIRST_LINE}"
            )
        if not patched:
            raise ConfigError(
                f"funboost was imported before the process was patched. Move `{FIRST_LINE}` to the first line of the "
                "program, above every import."
            )
        if inspect.iscoroutinefunction(inspect.unwrap(function)):
            raise ConfigError(
                f"{getattr(function, '__qualname__', function)} is `async def`, which greenlets cannot run. "
                "Make it a plain function, or use concurrent_mode='asyncio'."
            )

    def submit(self, deliveries: Sequence[Delivery], run: Runner, finished: Finished) -> None:
        """Start a greenlet for each message on the hub."""
        if not self._closing:
            self._submitted.append((deliveries, run, finished))
            self._wake.send()

    def interrupter(self) -> Interrupter:
        """What reaches the greenlet that is current: an exception, thrown in the hub."""
        return _Interrupter(gevent.getcurrent(), self._interrupt)

    def _interrupt(self, throw: Callable[[], None]) -> None:
        if not self._closing:
            self._interrupts.append(throw)
            self._wake.send()

    def close(self) -> None:
        """Kill the greenlets that were given up and let go of the hub."""
        if self._closing:
            return
        self._closing = True
        self._wake.send()
        if self._thread is not None:
            self._thread.join(5)

    def _listen(self, hub: Hub) -> None:
        self._wake = hub.loop.async_()  # the one thing of a hub that other threads may use; keeps the hub from ending
        self._wake.start(self._begin)

    def _begin(self) -> None:
        """In the hub, some time after one or several wake-ups."""
        while self._submitted:
            deliveries, run, finished = self._submitted.popleft()
            for delivery in deliveries:
                greenlet = gevent.spawn(self._work, delivery, run, finished)
                self._greenlets.add(greenlet)
        while self._interrupts:
            self._interrupts.popleft()()
        if self._closing:
            self._wake.stop()
            gevent.killall(list(self._greenlets), block=False)

    def _work(self, delivery: Delivery, run: Runner, finished: Finished) -> None:
        finished(delivery, run(delivery))
        self._greenlets.discard(gevent.getcurrent())

    def _turn(self, ready: Event) -> None:
        runs_hub()
        hub = gevent.get_hub()
        self._listen(hub)
        ready.set()
        hub.join()
        hub.destroy(destroy_loop=True)


class _Interrupter(Interrupter):
    def __init__(self, greenlet: gevent.Greenlet[..., Any], interrupt: Callable[[Callable[[], None]], None]) -> None:
        self._greenlet = greenlet
        self._interrupt = interrupt

    def throw(self, claim: Callable[[], bool]) -> None:
        def throw() -> None:  # in the hub, while the greenlet waits: it cannot end in between
            if claim():
                self._greenlet.throw(RunInterrupted)

        self._interrupt(throw)
