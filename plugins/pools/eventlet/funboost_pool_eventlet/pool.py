"""Green threads on eventlet's hub: the main thread's, else one on a thread of the pool's own."""

from __future__ import annotations

import inspect
from _socket import socket as real_socket
from collections import deque
from collections.abc import Sequence
from typing import Any, Callable

import eventlet
from eventlet import patcher
from eventlet.green import socket as green_socket
from eventlet.greenthread import GreenThread, kill

from funboost_core import ConfigError, Delivery
from funboost_core.errors import RunInterrupted
from funboost_core.native import Event, Thread, in_main_thread, patched, runs_hub
from funboost_core.ports.pool import Finished, Interrupter, PoolContext, Runner, TaskPool

FIRST_LINE = "import eventlet; eventlet.monkey_patch()"
_NEEDED = ("thread", "socket", "time")


class Eventlet(TaskPool):
    """A green thread for each message.

    They run on the main thread's hub, so that locks and queues which the program made there can be used in tasks:
    those of eventlet work within one thread only.  That hub runs whenever the main thread waits cooperatively, and
    after it has ended.  Where consuming is started on another thread, the pool has a hub and a thread of its own.
    """

    def __init__(self, context: PoolContext) -> None:
        super().__init__(context)
        self._submitted: deque[tuple[Sequence[Delivery], Runner, Finished]] = deque()
        self._interrupts: deque[Callable[[], None]] = deque()
        self._green: set[GreenThread] = set()
        self._closed = False
        self._reader, writer = green_socket.socketpair()
        self._writer = real_socket(fileno=writer.detach())  # plain, for use from real threads
        self._writer.setblocking(False)
        self._thread: Thread | None = None
        if in_main_thread():
            eventlet.spawn(self._listen)
        else:
            ready = Event()
            self._thread = Thread(target=self._turn, args=(ready,), name=f"{context.name}-hub", daemon=True)
            self._thread.start()
            ready.wait()

    @classmethod
    def check(cls, function: Callable[..., Any]) -> None:
        """A plain function in a process that eventlet has patched before anything else was imported."""
        missing = [module for module in _NEEDED if not patcher.is_monkey_patched(module)]
        if missing:
            raise ConfigError(
                f"concurrent_mode 'eventlet' needs a monkey-patched process; {', '.join(missing)} "
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
                f"{getattr(function, '__qualname__', function)} is `async def`, which green threads cannot run. "
                "Make it a plain function, or use concurrent_mode='asyncio'."
            )

    def submit(self, deliveries: Sequence[Delivery], run: Runner, finished: Finished) -> None:
        """Start a green thread for each message on the hub."""
        if not self._closed:
            self._submitted.append((deliveries, run, finished))
            self._wake()

    def interrupter(self) -> Interrupter:
        """What reaches the green thread that is current: an exception, thrown by the one that listens."""
        return _Interrupter(eventlet.getcurrent(), self._interrupt)

    def _interrupt(self, throw: Callable[[], None]) -> None:
        if not self._closed:
            self._interrupts.append(throw)
            self._wake()

    def close(self) -> None:
        """Kill the green threads that were given up and let go of the hub."""
        if not self._closed:
            self._closed = True
            self._writer.close()  # the listener meets the end
            if self._thread is not None:
                self._thread.join(5)

    def _wake(self) -> None:
        try:
            self._writer.send(b"\0")
        except BlockingIOError:  # full: the listener will be awake anyway
            return

    def _listen(self) -> None:
        """A green thread: the socket is how other threads reach a hub; eventlet's own thread pool does the same."""
        with self._reader:
            while self._reader.recv(4096):
                while self._submitted:
                    deliveries, run, finished = self._submitted.popleft()
                    for delivery in deliveries:
                        self._green.add(eventlet.spawn(self._work, delivery, run, finished))
                while self._interrupts:
                    self._interrupts.popleft()()
        for green in list(self._green):
            green.kill()

    def _work(self, delivery: Delivery, run: Runner, finished: Finished) -> None:
        finished(delivery, run(delivery))
        self._green.discard(eventlet.getcurrent())

    def _turn(self, ready: Event) -> None:
        runs_hub()
        ready.set()
        self._listen()


class _Interrupter(Interrupter):
    def __init__(self, green: GreenThread, interrupt: Callable[[Callable[[], None]], None]) -> None:
        self._green = green
        self._interrupt = interrupt

    def throw(self, claim: Callable[[], bool]) -> None:
        def throw() -> None:  # on its hub, while it waits: it cannot end in between
            if claim():
                kill(self._green, RunInterrupted)

        self._interrupt(throw)
