"""Carrying out verdicts: acknowledge (in batches), put back, put off, move to the dead-letter queue.

A move that the broker refuses for now is kept and tried again at each beat; until then the message stays the broker's.
"""

from __future__ import annotations

import base64
from collections import deque
from typing import TYPE_CHECKING, Any, Callable

from ..errors import NotSerializable, text_of
from ..message import DEAD_LETTERS, as_bytes, encode, new_task_id, priority_of, repack
from ..native import RLock
from ..outcome import Ack, DeadLetter, Drop, Requeue, Retry, Verdict
from ..ports.broker import Body, Delivery, Outgoing
from ..ports.capability import Capability
from ..ports.store import Parked
from .leaving import leave

if TYPE_CHECKING:
    from ..ports.broker import PullBroker
    from ..task import Task

_MOST_SHOWN = 10_000


class Settler:
    """Settles the deliveries of one consumer.  All methods may be called from any of its threads.

    `eager`: acknowledge at once instead of with the next fetch; the fetcher switches it by how fast the tasks are.
    `expect` is told the due time of each message of this queue that is parked.
    """

    def __init__(self, task: Task, broker: PullBroker, expect: Callable[[float], None] = lambda due: None) -> None:
        self._task = task
        self._expect = expect
        self._broker = broker
        self._clock = task.environment.clock
        self._capabilities = task.capabilities
        self._lock = RLock()
        self._unsettled: deque[Callable[[], None]] = deque()
        self._closed = False
        # Without THREADSAFE_ACK only who fetches may settle: it does so before each fetch, and is woken for it.
        self._fetcher_only = Capability.THREADSAFE_ACK not in self._capabilities
        self.eager = True
        self.acks: deque[Delivery] = deque()
        self.needs_ack: bool = Capability.ACK in self._capabilities
        self.tell: Callable[[Delivery, DeadLetter], None] = lambda delivery, verdict: None  # who waits for its result
        self.put_backs: int = 0  # for another turn; when nothing else happens, who fetches pauses

    def settle(self, delivery: Delivery, verdict: Verdict, error: BaseException | None = None) -> None:
        """Carry out a verdict (not an immediate retry, which is the caller's)."""
        if isinstance(verdict, (Ack, Drop)):
            self.ack(delivery)
        elif isinstance(verdict, Requeue):
            self.put_backs += 1
            self._attempt(lambda: self._broker.requeue([delivery]))
        elif isinstance(verdict, DeadLetter):
            self.dead_letter(delivery, verdict.reason, error)
        elif isinstance(verdict, Retry):
            self.later(delivery, self._clock.time() + verdict.after, run_times=delivery.runs + 1)

    # -- acknowledging ------------------------------------------------------------------------------------------

    def ack(self, delivery: Delivery) -> None:
        """Acknowledge, at once or with the next batch."""
        if self.needs_ack:
            self.acks.append(delivery)
            if self.eager:
                self.flush()

    def take_acks(self) -> list[Delivery]:
        """What waits to be acknowledged; the caller now has to do it."""
        acks, taken = self.acks, []
        try:
            for _ in range(len(acks)):
                taken.append(acks.popleft())
        except IndexError:  # another thread took the rest
            pass
        return taken

    def flush(self) -> None:
        """Acknowledge what waits; what the broker refuses for now stays and is tried again."""
        if not self._fetcher_only:
            self._acknowledge()
        elif self.acks:
            self._broker.wake()

    def _acknowledge(self) -> None:
        taken = self.take_acks()
        if taken:
            try:
                self._broker.ack(taken)
            except Exception as error:
                self.acks.extendleft(reversed(taken))
                self._task.logger.warning("Acknowledging %d messages failed (%s); trying again.", len(taken), error)

    # -- moving ---------------------------------------------------------------------------------------------------

    def give_back(self, deliveries: list[Delivery]) -> None:
        """Return what was fetched and not started."""
        if deliveries:
            for delivery in deliveries:
                leave(delivery, None)
            self._attempt(lambda: self._broker.requeue(deliveries))

    def later(self, delivery: Delivery, due: float, **extra: Any) -> None:
        """Put a message off until `due`: the broker's own delay, else the state store."""
        queue = self._task.queue
        try:
            body = self._body(repack(delivery, **extra)) if extra else _raw(delivery)
            parcel = b"" if Capability.DELAY in self._capabilities else as_bytes(body)
        except NotSerializable as error:  # the function has put something into its arguments; or they never were text
            reason = f"it cannot be put off: {error}"
            self.tell(delivery, DeadLetter(reason))
            self.dead_letter(delivery, reason)
            return
        if Capability.DELAY in self._capabilities:
            priority, earlier = priority_of({"extra": delivery.extra}), delivery.attempts - 1  # this one ends in order
            message = Outgoing(body, priority, due, earlier)
            if Capability.SECOND_QUEUE in self._capabilities:
                self._move(delivery, message, queue)
            else:
                self._attempt(lambda: self._publish_again(delivery, message))
        else:
            identity = _identity(delivery)
            self._attempt(lambda: self._park(delivery, Parked(identity, queue, parcel, due, "delay")))

    def dead_letter(self, delivery: Delivery, reason: str, error: BaseException | None = None) -> None:
        """Move a message to ``<queue>_dlx`` with the reason; a dead-letter queue's own failures are only logged."""
        queue = self._task.queue
        if queue.endswith(DEAD_LETTERS):
            self._task.logger.error("A message of %s failed again (%s); it is given up.", queue, reason)
            self.ack(delivery)
            return
        about = {
            "reason": reason,
            "error": f"{type(error).__name__}: {text_of(error)}" if error is not None else None,
            "attempts": delivery.runs + 1 if error is not None else delivery.runs,
            "queue": self._task.queue_name,
            "time": self._clock.time(),
        }
        body, target = self._dead_body(delivery, about), queue + DEAD_LETTERS
        if Capability.SECOND_QUEUE in self._capabilities:
            self._move(delivery, Outgoing(body), target)
            return
        try:
            parcel = as_bytes(body)
        except NotSerializable as unwritable:  # objects that no store can keep: what can be told about them
            shown = {**about, "body_repr": _shown(delivery.body), "unwritable": str(unwritable)}
            parcel = encode({"extra": {"dead_letter": shown}})
        parked = Parked(_identity(delivery), target, parcel, self._clock.time(), reason)
        self._attempt(lambda: self._park(delivery, parked))

    def _dead_body(self, delivery: Delivery, about: dict[str, Any]) -> Body:
        """The message with its reason; where it cannot be written as a message, its exact bytes with the reason."""
        if hasattr(delivery, "arguments"):
            try:
                return self._body(repack(delivery, dead_letter=about))
            except NotSerializable:  # the function has put something into its arguments
                pass
        original = delivery.body
        if isinstance(original, dict):
            return self._body({"extra": {"dead_letter": {**about, "body": original}}})
        about = {**about, "body_b64": base64.b64encode(as_bytes(original)).decode()}
        return self._body({"extra": {"dead_letter": about}})

    def settle_deferred(self) -> None:
        """Called by who fetches, before it does: what only it may settle."""
        if self._fetcher_only and self._unsettled:
            self._again()

    def serve(self) -> None:
        """Called by who fetches while nothing may be fetched, which may be for hours: settle what only it may settle."""
        if self._fetcher_only:
            self._again()
            self._acknowledge()

    def adopt(self) -> None:
        """Nobody fetches any more: from now on the caller may settle."""
        self._fetcher_only = False

    def retry_moves(self) -> None:
        """Try again what the broker refused earlier; called at each beat."""
        if not self._fetcher_only:
            self._again()

    def _again(self) -> None:
        for _ in range(len(self._unsettled)):
            try:
                action = self._unsettled.popleft()
            except IndexError:  # another thread took the rest: a beat while the consumer ends
                return
            self._do(action)

    def close(self) -> None:
        """Settle nothing any more: what is not settled now goes back with the end of the connection."""
        self._closed = True
        self.needs_ack = False  # of runs that end later
        self.acks.clear()

    def _move(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        self._attempt(lambda: self._broker.forward(delivery, message, queue))

    def _publish_again(self, delivery: Delivery, message: Outgoing) -> None:
        self._broker.publish([message])
        self._broker.ack([delivery])

    def _park(self, delivery: Delivery, parked: Parked) -> None:
        if getattr(delivery, "lost", False):  # whoever has it now parks it where it must
            return
        self._task.environment.state.parking.park([parked])
        if parked.target == self._task.queue:
            self._expect(parked.due)
        self._broker.ack([delivery])

    def _attempt(self, action: Callable[[], None]) -> None:
        if self._fetcher_only:
            self._unsettled.append(action)
            self._broker.wake()
        else:
            self._do(action)

    def _do(self, action: Callable[[], None]) -> None:
        try:
            with self._lock:
                if not self._closed:
                    action()
        except Exception as error:
            self._unsettled.append(action)
            self._task.logger.warning("Settling a message failed (%s: %s); trying again.", type(error).__name__, error)

    def _body(self, message: dict[str, Any]) -> Body:
        return message if Capability.OBJECTS in self._capabilities else encode(message, self._task.queue_name)


def _identity(delivery: Delivery) -> str:
    """What makes parking the same message again harmless."""
    return str(delivery.extra["task_id"]) if hasattr(delivery, "extra") else new_task_id("")


def _raw(delivery: Delivery) -> Body:
    body = delivery.body
    return body.encode() if isinstance(body, str) else body


def _shown(value: Any) -> str:
    try:
        return repr(value)[:_MOST_SHOWN]
    except Exception:
        return f"a {type(value).__name__} that cannot be shown"
