"""Feeding a pool that only calls functions (a loop, a hub): one real thread fetches, another settles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

from ..native import Condition, SimpleQueue, Thread
from .execution import SUCCESS, prepare, run, run_async

if TYPE_CHECKING:
    from ..clock import Clock
    from ..outcome import Outcome
    from ..ports.broker import Delivery
    from ..ports.pool import TaskPool
    from .fetching import Intake
    from .settling import Settler


class Dispatch:
    """The two threads of one consumer in a `TaskPool`; the interface of `Crew`."""

    def __init__(
        self,
        pool: TaskPool,
        intake: Intake,
        settler: Settler,
        conclude: Callable[[Delivery, Outcome], bool],
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._intake = intake
        self._settler = settler
        self._conclude = conclude
        self._clock = clock
        self._run = run_async if pool.asynchronous else _run_always
        self._done: SimpleQueue[tuple[Delivery, Outcome] | None] = SimpleQueue()
        self._changed = Condition()
        self._stopping = False
        self._abandoned = False  # the deadline has passed: what ends now is not settled, its message goes back
        self._threads: list[Thread] = []
        self.running: int = 0

    def start(self) -> None:
        """Begin to fetch."""
        name = self._pool.context.name
        self._threads = [
            Thread(target=self._fetch, name=f"{name}-fetch", daemon=True),
            Thread(target=self._settle, name=f"{name}-settle", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[Delivery]:
        """Start nothing more."""
        self._stopping = True
        with self._changed:
            self._changed.notify_all()
        return []

    def unstarted(self) -> list[Delivery]:
        """Nothing is held: what is fetched starts at once."""
        return []

    def join(self, seconds: float) -> bool:
        """Wait until all that was started has been settled, for at most `seconds`; whether it has."""
        deadline = self._clock.monotonic() + seconds
        with self._changed:
            while self.running or (self._threads and self._threads[0].is_alive()):
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    self._abandoned = True
                    self._done.put(None)
                    return False
                self._clock.wait(self._changed, min(left, 0.05))
        self._done.put(None)
        return True

    def _fetch(self) -> None:
        while True:
            with self._changed:
                while self.running >= self._pool.limit and not self._stopping:
                    self._changed.wait()
                free = self._pool.limit - self.running
            if self._stopping:
                return
            deliveries = self._intake.take(free, most=free)
            if deliveries:
                with self._changed:
                    self.running += len(deliveries)
                self._submit(deliveries)

    def _submit(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            prepare(delivery)
        self._pool.submit(deliveries, self._run, self._finished)

    def _finished(self, delivery: Delivery, outcome: Outcome) -> None:
        self._done.put((delivery, outcome))

    def _settle(self) -> None:
        while True:
            item = self._done.get()
            batch: list[tuple[Delivery, Outcome]] = []
            while item is not None:
                batch.append(item)
                if self._done.empty():
                    break
                item = self._done.get()
            if self._abandoned:
                return
            again = [delivery for delivery, outcome in batch if self._again(delivery, outcome)]
            if again:
                self._submit(again)
            settled = len(batch) - len(again)
            self._intake.finished += settled
            with self._changed:
                self.running -= settled
                self._changed.notify_all()
            if item is None:
                return

    def _again(self, delivery: Delivery, outcome: Outcome) -> bool:
        try:
            return self._conclude(delivery, outcome)
        except Exception:  # a defect of ours must cost neither the thread nor the message
            delivery.plan.task.logger.exception("Settling %s failed; it goes back.", delivery.task_id)
            self._settler.give_back([delivery])
            return False


def _run_always(delivery: Delivery) -> Outcome:
    """`run` with an outcome also for a bare success: the settling thread must hear of each."""
    return run(delivery) or SUCCESS
