"""Assembles one task's consuming line and tends it: start, beat, pause, drain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import directory
from ..errors import ConfigError
from ..message import new_task_id
from ..native import Lock
from ..outcome import Ack, Drop, Requeue, Retry
from ..policies import windows
from ..policies.shared_rate import pace_of
from ..ports.capability import Capability
from . import judging, kills, orders
from .cancelling import Canceller
from .fetching import Intake
from .gate import Gate
from .health import health_of
from .insight import Insight
from .leaving import leave
from .lines import make_line, make_pool
from .parked import Mover
from .plan import Planner
from .pushed import open_broker
from .receiving import Receiver
from .settling import Settler

if TYPE_CHECKING:
    from ..outcome import Outcome, Verdict
    from ..ports.broker import Delivery, PullBroker
    from ..ports.pool import ThreadPool
    from ..task import Task
    from .line import Line

BEAT = 1.0
"""Seconds between two looks at the shared state, and between signs of life."""


class Consumer:
    """One queue being consumed in this process; in `pool`, or that of the task's concurrency mode if None.

    Raises:
        ConfigError: the function does not fit the concurrency mode, or the broker cannot be consumed from.
    """

    def __init__(self, task: Task, pool: ThreadPool | None = None) -> None:
        if task.function is None:
            raise ConfigError(
                f"Queue {task.queue_name!r} has no function in this process; it can only be published to."
            )
        self.task = task
        self.id: str = new_task_id("").partition(":")[2]
        self._environment = task.environment
        self._broker = broker = self._open()
        try:
            self._pool, adapt = make_pool(task) if pool is None else (pool, pool.adapt)
        except BaseException:
            broker.close()
            raise
        idle = broker.idle if Capability.NEEDS_IDLE in task.capabilities else None
        self.gate: Gate = Gate(task.environment.clock, task.params.qps, idle, windows.limits(task), pace_of(task))
        try:
            self.canceller: Canceller = Canceller(task, self._pool, self.gate)
        except BaseException:
            self.abandon()
            raise
        planner = Planner(task, adapt, self.canceller)
        self._mover = Mover(task, broker)
        self.settler: Settler = self._make_settler(broker)
        if self.fetches and Capability.THREADSAFE_ACK not in task.capabilities:
            self.gate.serve = self.settler.serve
        self._claims = planner.claims
        self._receiver = Receiver(task, planner, self.settler)
        self.intake: Intake = Intake(task, broker, self.gate, self._receiver, self.settler)
        self.line: Line = self._make_line()
        if self.line.replaces:
            self.canceller.take_over = self.line.take_over
        broker.dropping = self.line.drop
        self.insight: Insight = Insight(task, broker, self.intake, self.line)
        self.orders: dict[str, str] = {}  # the flags that are in force; changed with the lock
        self.ordering: Lock = Lock()
        self._beaten = -1
        self._ticked = 0.0

    # -- what differs between kinds of brokers ----------------------------------------------------------------------

    _repeats = True  # whether a retry without an interval is made here, at once
    fetches = True
    """Whether it asks the broker for messages."""

    def _open(self) -> PullBroker:
        return open_broker(self.task)

    def _make_settler(self, broker: PullBroker) -> Settler:
        return Settler(self.task, broker, self._mover.expect)

    def _make_line(self) -> Line:
        return make_line(self.task, self._pool, self.intake, self.settler, self._conclude)

    # -- its life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to fetch and run."""
        try:
            self.beat()
        except ConfigError:
            raise
        except Exception as error:  # the next beat may succeed; a consumer that did not start would never
            self.task.logger.warning(
                "%s: the first beat failed (%s: %s)", self.task.queue_name, type(error).__name__, error
            )
        self.line.start()

    def pause(self, paused: bool) -> None:
        """Close or open the gate; a fetch that waits is ended, so that it takes nothing that would have to go back."""
        if paused and not self.gate.paused:
            self.gate.pause(True)
            self._broker.wake()
        else:
            self.gate.pause(paused)

    def abandon(self) -> None:
        """Release what was opened for a consumer that could not start."""
        self._pool.close()
        self._broker.close()

    def stop(self) -> None:
        """Fetch nothing more and give back what was fetched and not started; what runs goes on."""
        self.gate.stop()
        self._broker.wake()
        self.settler.give_back(self.line.stop())

    def drain(self, seconds: float) -> bool:
        """Wait at most `seconds` until what runs has ended; whether it has."""
        return self.line.join(seconds)

    def release(self) -> None:
        """Settle what is left and close everything.  Nobody else may be settling: the beats have ended by now."""
        self.settler.adopt()
        self.settler.give_back(self.line.unstarted())
        self.settler.retry_moves()
        self.settler.flush()
        self.settler.close()
        self.canceller.close()
        try:
            if self._environment.state.has("coordinator"):
                self._environment.state.coordinator.leave(self.task.queue, self.id)
            self._pool.close()
        finally:  # with it what was not settled goes back
            self._broker.close()

    def describe(self) -> dict[str, Any]:
        """What the consumer tells others with each beat."""
        health = health_of(self)
        return {
            **self.insight.describe(),
            "paused": self.gate.paused,
            "status": health.status,
            "detail": health.detail,
            "abandoned": health.abandoned,
        }

    @property
    def trouble(self) -> str:
        """Why no messages come; "" while all is well."""
        return self.line.trouble or self.intake.trouble

    @property
    def limit(self) -> int:
        """Most runs at once."""
        return self._pool.limit

    def beat(self) -> None:
        """Once a second, from the maintenance thread: signs of life, flags, what waits to be moved or given back."""
        self.line.tend()
        self._broker.maintain()
        if self.intake.finished == self._beaten:  # nothing ended for a whole beat: do not sit on what others could run
            self.settler.give_back(self.line.unstarted())
        self._beaten = self.intake.finished
        self.settler.retry_moves()
        self.settler.flush()
        self._claims.renew()
        self.canceller.tidy()
        unit = self.insight.beat()
        state, queue = self._environment.state, self.task.queue
        if state.has("coordinator"):
            coordinator = state.coordinator
            coordinator.beat(queue, self.id, self.describe(), 10 * BEAT)
            if unit:
                directory.enter(self.task)
            orders.look(self)
            kills.obey(self.canceller)
        emulated = Capability.DELAY not in self.task.capabilities or self.task.params.debounce_seconds is not None
        if emulated and state.has("parking"):
            self._mover.move()

    def alarm(self) -> None:
        """From the maintenance thread, at about the time for which a message is parked."""
        self._mover.alarm()

    @property
    def hurries(self) -> bool:
        """Whether `tick` is to be called."""
        return not self.settler.eager or self.line.watched

    def tick(self) -> None:
        """Every few milliseconds while tasks are fast: no acknowledgement waits behind one that suddenly is slow."""
        self.line.tick()
        turned, self._ticked = self.intake.progress != self._ticked, self.intake.progress
        if not self.settler.eager and not turned:  # otherwise the last fetch took them along
            self.settler.flush()

    def _conclude(self, delivery: Delivery, outcome: Outcome) -> bool:
        """Judge and settle one run; True when the message is to run again right now."""
        plan, task = delivery.plan, self.task
        self.insight.ran(outcome)
        for hook in plan.after:
            hook(delivery, task, outcome)
        verdict = judging.judge(delivery, outcome)
        judging.report(delivery, outcome, verdict)
        if not isinstance(verdict, (Ack, Drop)):
            self._receiver.restore(delivery)
        if isinstance(verdict, Retry) and not verdict.after and self._repeats:
            self._tell(delivery, outcome, verdict)
            delivery.runs += 1
            return True
        self._finish(delivery, outcome, verdict)
        return False

    def _finish(self, delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
        plan, task = delivery.plan, self.task
        self._tell(delivery, outcome, verdict)
        if outcome.error is not None and not isinstance(verdict, (Retry, Requeue)):
            self.insight.failed()
        for hook in plan.before_ack:
            hook(delivery, task, verdict)
        leave(delivery, verdict)
        self.settler.settle(delivery, verdict, outcome.error)
        for hook in plan.after_ack:
            hook(delivery, task, verdict)

    def _tell(self, delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
        for step in delivery.plan.finish:
            try:
                step(delivery, outcome, verdict)
            except Exception:
                self.task.logger.exception("Reporting the result of %s failed; the task goes on.", delivery.task_id)
