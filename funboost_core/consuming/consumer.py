"""Assembles one task's consuming line and tends it: start, beat, pause, drain."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..message import new_task_id
from ..outcome import Ack, Drop, Retry
from ..ports.broker import Outgoing, PullBroker
from ..ports.capability import Capability
from . import judging, orders
from .fetching import Intake
from .gate import Gate
from .leaving import leave
from .lines import Line, make_line, make_pool
from .plan import Planner
from .receiving import Receiver
from .settling import Settler

if TYPE_CHECKING:
    from ..outcome import Outcome, Verdict
    from ..ports.broker import Delivery
    from ..task import Task

BEAT = 1.0
"""Seconds between two looks at the shared state, and between signs of life."""
_PARKED_LEASE = 30.0
_PARKED_BATCH = 100


class Consumer:
    """One queue being consumed in this process.

    Raises:
        ConfigError: the function does not fit the concurrency mode, or the broker cannot be consumed from.
    """

    def __init__(self, task: Task) -> None:
        if task.function is None:
            raise ConfigError(
                f"Queue {task.queue_name!r} has no function in this process; it can only be published to."
            )
        self.task = task
        self.id: str = new_task_id("").partition(":")[2]
        self._environment = task.environment
        broker = task.make_broker()
        if not isinstance(broker, PullBroker):
            raise ConfigError(f"The broker {task.spec.kind} of queue {task.queue_name!r} cannot be consumed from.")
        self._broker = broker
        try:
            self._pool, adapt = make_pool(task)
        except BaseException:
            broker.close()
            raise
        planner = Planner(task, adapt)
        idle = broker.idle if Capability.NEEDS_IDLE in task.capabilities else None
        self.gate: Gate = Gate(task.environment.clock, task.params.qps, idle)
        self.settler: Settler = Settler(task, broker)
        self._receiver = Receiver(task, planner, self.settler)
        self.intake: Intake = Intake(task, broker, self.gate, self._receiver, self.settler)
        self.line: Line = make_line(task, self._pool, self.intake, self.settler, self._conclude)
        self.orders: dict[str, str] = {}  # the flags that are in force
        self._beaten = -1
        self._ticked = 0.0

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
        try:
            if self._environment.state.has("coordinator"):
                self._environment.state.coordinator.leave(self.task.queue, self.id)
            self._pool.close()
        finally:  # with it what was not settled goes back
            self._broker.close()

    def describe(self) -> dict[str, Any]:
        """What the consumer tells others with each beat."""
        return {
            "queue": self.task.queue_name,
            "process_id": os.getpid(),
            "running": self.line.running,
            "finished": self.intake.finished,
            "paused": self.gate.paused,
        }

    def beat(self) -> None:
        """Once a second, from the maintenance thread: signs of life, flags, what waits to be moved or given back."""
        self._broker.maintain()
        if self.intake.finished == self._beaten:  # nothing ended for a whole beat: do not sit on what others could run
            self.settler.give_back(self.line.unstarted())
        self._beaten = self.intake.finished
        self.settler.retry_moves()
        self.settler.flush()
        state, queue = self._environment.state, self.task.queue
        if state.has("coordinator"):
            coordinator = state.coordinator
            coordinator.beat(queue, self.id, self.describe(), 10 * BEAT)
            orders.obey(self, coordinator.flags(queue))
        if state.has("parking") and Capability.DELAY not in self.task.capabilities:
            self._fetch_parked()

    def tick(self) -> None:
        """Every few milliseconds while tasks are fast: no acknowledgement waits behind one that suddenly is slow."""
        turned, self._ticked = self.intake.progress != self._ticked, self.intake.progress
        if not self.settler.eager and not turned:  # otherwise the last fetch took them along
            self.settler.flush()

    def _fetch_parked(self) -> None:
        parking = self._environment.state.parking
        while True:
            due = parking.claim(self.task.queue, _PARKED_BATCH, _PARKED_LEASE)
            if not due:
                return
            self._broker.publish([Outgoing(message.body) for message in due])
            parking.done(due)

    def _conclude(self, delivery: Delivery, outcome: Outcome) -> bool:
        """Judge and settle one run; True when the message is to run again right now."""
        plan, task = delivery.plan, self.task
        for hook in plan.after:
            hook(delivery, task, outcome)
        verdict = judging.judge(delivery, outcome)
        judging.report(delivery, outcome, verdict)
        if not isinstance(verdict, (Ack, Drop)):
            self._receiver.restore(delivery)
        if isinstance(verdict, Retry) and not verdict.after:
            delivery.runs += 1
            return True
        self._finish(delivery, outcome, verdict)
        return False

    def _finish(self, delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
        plan, task = delivery.plan, self.task
        for step in plan.finish:
            try:
                step(delivery, outcome, verdict)
            except Exception:
                task.logger.exception("Reporting the result of %s failed; the task goes on.", delivery.task_id)
        for hook in plan.before_ack:
            hook(delivery, task, verdict)
        leave(delivery, verdict)
        self.settler.settle(delivery, verdict, outcome.error)
        for hook in plan.after_ack:
            hook(delivery, task, verdict)
