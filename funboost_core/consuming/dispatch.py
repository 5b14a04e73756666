"""Feeding a pool that only calls functions (a loop, a hub, an executor): one real thread fetches, another settles."""

from __future__ import annotations

from collections.abc import Sequence
from queue import Empty
from typing import TYPE_CHECKING, Callable

from ..native import Condition, SimpleQueue, Thread
from .attempts import Abandoned
from .execution import GIVEN_BACK, GONE, SUCCESS, prepare, run, run_async
from .line import Line

if TYPE_CHECKING:
    from ..clock import Clock
    from ..outcome import Outcome
    from ..ports.broker import Delivery
    from ..ports.pool import TaskPool
    from .fetching import Intake
    from .permits import Permits
    from .settling import Settler


class Dispatch(Line):
    """The two threads of one consumer in a `TaskPool`."""

    replaces: bool = True

    def __init__(
        self,
        pool: TaskPool,
        permits: Permits,
        intake: Intake,
        settler: Settler,
        conclude: Callable[[Delivery, Outcome], bool],
        clock: Clock,
    ) -> None:
        self.permits: Permits = permits
        self._pool = pool
        self._intake = intake
        self._settler = settler
        self._conclude = conclude
        self._clock = clock
        self._run = run_async if pool.asynchronous else _run_always
        self._done: SimpleQueue[tuple[Delivery, Outcome] | None] = SimpleQueue()
        self._stopping = False
        self._abandoned = False  # the deadline has passed: what ends now is not settled, its message goes back
        self._fetching = False
        self._started = 0  # written by the fetching thread only
        self._settled = 0  # written by the settling thread only
        self._changed = Condition()

    @property
    def running(self) -> int:
        """Messages that were started and are not settled."""
        return self._started - self._settled

    def busy(self, limit: int) -> bool:
        """Whether all permits are out, be it for others."""
        return self.permits.out >= self.permits.limit

    def start(self) -> None:
        """Begin to fetch."""
        name = self._pool.context.name
        Thread(target=self._settle, name=f"{name}-settle", daemon=True).start()
        self._fetching = True
        try:
            Thread(target=self._fetch, name=f"{name}-fetch", daemon=True).start()
        except Exception:  # no further thread: nothing is left behind; what a signal raises here is drained
            self._fetching = False
            self._done.put(None)
            raise

    def resize(self, limit: int) -> None:
        """Run at most `limit` at once from now on."""
        self._pool.resize(limit)
        self.permits.limit = self._pool.limit

    def stop(self) -> list[Delivery]:
        """Start nothing more."""
        self._stopping = True
        self.permits.wake()
        return []

    def join(self, seconds: float) -> bool:
        """Wait until all that was started has been settled, for at most `seconds`; whether it has."""
        deadline = self._clock.monotonic() + seconds
        with self._changed:
            while self.running or self._fetching:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    break
                self._clock.wait(self._changed, left)
        self._abandoned = self.running > 0
        self._done.put(None)
        return not self._abandoned

    # -- the fetching thread ---------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        while not self._stopping:
            deliveries = self._intake.take(self.permits.limit - self.permits.out, self.permits)
            if deliveries:
                self._begin(deliveries)
        with self._changed:
            self._fetching = False
            self._changed.notify_all()

    def _begin(self, deliveries: Sequence[Delivery]) -> None:
        if self._stopping:  # `stop` came while they were admitted
            self._settler.give_back(list(deliveries))
            self.permits.release(len(deliveries))
            return
        self._started += len(deliveries)
        self._submit(deliveries)

    def _submit(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            prepare(delivery)
        try:
            self._pool.submit(deliveries, self._run, self._finished)
        except Exception:
            task = deliveries[0].plan.task
            task.logger.exception("%s: the pool takes no messages; %d go back.", task.queue_name, len(deliveries))
            for delivery in deliveries:
                self.take_over(delivery, GIVEN_BACK)

    # -- the settling thread ---------------------------------------------------------------------------------------

    def take_over(self, delivery: Delivery, outcome: Outcome) -> None:
        """Conclude a run, of a thread that hangs perhaps; its permit is free."""
        self._done.put((delivery, outcome))
        if self._abandoned:
            self._free()

    def _finished(self, delivery: Delivery, outcome: Outcome) -> None:
        if outcome is not GONE:
            self.take_over(delivery, outcome)

    def _free(self) -> None:
        """When nothing is settled any more: let the other queues of the pool have the permits of what has ended."""
        ended = False
        while True:
            try:
                item = self._done.get(False)
            except Empty:
                break
            if item is None:
                ended = True
            else:
                self.permits.release(1)
        if ended:  # the settling thread has not seen it yet, perhaps
            self._done.put(None)

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
                self.permits.release(len(batch))
                self._free()
                return
            again = [delivery for delivery, outcome in batch if self._again(delivery, outcome)]
            if again:
                self._submit(again)
            settled = len(batch) - len(again)
            self._intake.finished += settled
            self.permits.release(settled)
            with self._changed:
                self._settled += settled
                self._changed.notify_all()
            if item is None:
                return

    def _again(self, delivery: Delivery, outcome: Outcome) -> bool:
        if outcome is GIVEN_BACK:
            self._settler.give_back([delivery])
            return False
        try:
            return self._conclude(delivery, outcome)
        except Exception:  # a defect of ours must cost neither the thread nor the message
            delivery.plan.task.logger.exception("Settling %s failed; it goes back.", delivery.task_id)
            self._settler.give_back([delivery])
            return False


def _run_always(delivery: Delivery) -> Outcome:
    """`run` with an outcome also for a bare success: the settling thread must hear of each."""
    try:
        return run(delivery) or SUCCESS
    except Abandoned:
        return GONE
