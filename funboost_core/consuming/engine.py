"""The consumer of a queue whose messages another framework executes: its workers call us, one message at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

from ..errors import ConfigError, TaskSkipped
from ..message import priority_of
from ..native import RLock
from ..outcome import ACK, DeadLetter, Outcome, Requeue, Retry, Verdict
from ..ports.broker import Body, Delivery, Outgoing, PullBroker
from ..ports.engine import EngineBroker, Executed
from ..ports.pool import ThreadPool
from .consumer import Consumer
from .execution import prepare, run, work_out
from .fetching import CALM
from .serving import EngineLine
from .settling import Settler

if TYPE_CHECKING:
    from ..task import Task
    from .gate import Gate

FIRST, LONGEST = 0.1, 30.0
"""Seconds before what could not be settled is tried again, growing."""
TROUBLE = 1.0
"""Seconds before a message comes again that could not be judged."""


class EngineConsumer(Consumer):
    """A consumer that fetches nothing: the engine's workers bring the messages.

    From admission to finishing everything is as elsewhere.  Rate and pause hold the engine's workers.

    Raises:
        ConfigError: the concurrency mode does not call functions on threads, or has a limit of its own.
    """

    def __init__(self, task: Task) -> None:
        owns = task.spec.owns or frozenset()
        self._repeats = "max_retry_times" not in owns
        super().__init__(task)
        if not isinstance(self._pool, ThreadPool) or self._pool.limit < task.params.concurrent_num:
            self.abandon()
            raise ConfigError(
                f"Queue {task.queue_name!r}: the engine {task.spec.kind} calls functions on threads of its own, so its "
                f"tasks cannot use the concurrency mode {task.pool_spec.kind!r}. Use one for any number of threads."
            )
        if "qps" in owns:
            self.gate.change_rate(None)
        self._turn = RLock()  # of those who may have to wait

    fetches = False

    def _open(self) -> PullBroker:
        engine = self.task.make_broker()
        if not isinstance(engine, EngineBroker):
            engine.close()
            raise ConfigError(f"The broker {self.task.spec.kind} declares `owns` and is no EngineBroker.")
        self._engine = engine
        return _Outlet(engine)

    def _make_settler(self, broker: PullBroker) -> Settler:
        return EngineSettler(self.task, broker, self._mover.expect, self.gate, self._repeats)

    def _make_line(self) -> EngineLine:
        return EngineLine(self.task, self._engine, self.gate, self.execute)

    def execute(self, body: Body | str, attempts: int = 1) -> Executed:
        """Run one message on this thread, an engine's; see `ports.engine.Execute`."""
        fate = _Fate()
        delivery = Delivery(body, fate, attempts if self._repeats else 1)
        if not self._repeats:
            delivery.runs = attempts - 1
        if self._admit(delivery):
            delivery.plan.bare = False  # the engine wants to know the result
            prepare(delivery)
            outcome = run(delivery)
            assert outcome is not None
            work_out(delivery, outcome, self._conclude, self.settler)
        self.intake.finished += 1
        if isinstance(fate.verdict, Requeue):
            self.gate.hold(CALM if self._receiver.trouble is None else TROUBLE)  # it will be here again at once
            self._receiver.trouble = None
        return fate.executed(self._repeats)

    def _admit(self, delivery: Delivery) -> bool:
        gate = self.gate
        if not (gate.stopped or gate.may_wait or delivery.attempts != 1):
            return self._receiver.admit(delivery)
        with self._turn:
            if not gate.wait():
                self.settler.give_back([delivery])
                return False
            admitted = self._receiver.admit(delivery)
            if admitted:
                gate.used(1)
            return admitted

    def _conclude(self, delivery: Delivery, outcome: Outcome) -> bool:
        delivery.tag.outcome = outcome
        return super()._conclude(delivery, outcome)


class _Fate:
    """What is known of a message when its execution ends."""

    __slots__ = ("outcome", "verdict")

    def __init__(self) -> None:
        self.outcome: Outcome | None = None  # of the last run
        self.verdict: Verdict = ACK

    def executed(self, repeats: bool) -> Executed:
        verdict, outcome = self.verdict, self.outcome
        error = outcome.error if outcome is not None else None
        if outcome is None and isinstance(verdict, DeadLetter):
            error = TaskSkipped(verdict.reason)
        again = verdict.after if isinstance(verdict, Retry) and not repeats else None
        return Executed(verdict, outcome.result if outcome is not None else None, error, again)


class EngineSettler(Settler):
    """Settles before `execute` returns, for then the engine forgets the message; it acknowledges nothing itself.

    `repeats`: retries are made here, not by the engine.
    """

    def __init__(
        self, task: Task, broker: PullBroker, expect: Callable[[float], None], gate: Gate, repeats: bool
    ) -> None:
        super().__init__(task, broker, expect)
        self._gate = gate
        self._repeats = repeats
        self._fetcher_only = False
        self.needs_ack = False

    def settle(self, delivery: Delivery, verdict: Verdict, error: BaseException | None = None) -> None:
        """Carry out a verdict, but leave a retry to an engine that owns it."""
        delivery.tag.verdict = verdict
        if self._repeats or not isinstance(verdict, Retry):
            super().settle(delivery, verdict, error)

    def give_back(self, deliveries: list[Delivery]) -> None:
        """Put messages into the queue again."""
        for delivery in deliveries:
            delivery.tag.verdict = Requeue()
        super().give_back(deliveries)

    def dead_letter(self, delivery: Delivery, reason: str, error: BaseException | None = None) -> None:
        """Move a message to the dead-letter queue."""
        delivery.tag.verdict = DeadLetter(reason)
        super().dead_letter(delivery, reason, error)

    def _attempt(self, action: Callable[[], None]) -> None:
        pause = FIRST
        while True:
            try:
                if self._closed:
                    raise ConnectionError("the consumer has ended")
                action()
                return
            except Exception as error:
                if self._gate.stopped:
                    raise  # out of `execute`: the message is the engine's again
                self._task.logger.warning(
                    "Settling a message failed (%s: %s); trying again in %.1f s", type(error).__name__, error, pause
                )
            self._gate.hold(pause)
            pause = min(2 * pause, LONGEST)


class _Outlet(PullBroker):
    """An engine as settler and beats see it: they publish, and nothing is to be fetched."""

    def __init__(self, engine: EngineBroker) -> None:
        super().__init__(engine.context)
        self._engine = engine

    def publish(self, messages: Sequence[Outgoing]) -> None:
        self._engine.publish(messages)

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """As everywhere, but the earlier attempts go along."""
        for delivery in deliveries:
            body = delivery.body if not isinstance(delivery.body, str) else delivery.body.encode()
            self.publish([Outgoing(body, priority_of(body), None, delivery.attempts - 1)])

    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        return ()

    def close(self) -> None:
        self._engine.close()
