"""Dead letters back to work: the original messages, to the byte, into the queue they came from."""

from __future__ import annotations

import base64
import sys
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .consuming.pushed import Pushed, open_broker
from .errors import BadMessage
from .message import DEAD_LETTERS, decode, encode, priority_of
from .params import BoosterParams
from .ports.broker import Outgoing
from .ports.capability import Capability
from .task import Task

if TYPE_CHECKING:
    from typing_extensions import Self

    from .environment import Environment
    from .ports.store import Parked

_BATCH = 100
_LEASE = 60.0
_QUIET = 1.0
"""Seconds without a message after which a broker that pushes has no more."""


class Redriven(int):
    """How many dead letters were moved, or would be; `reasons`: how many of them for each reason."""

    reasons: dict[str, int]

    def __new__(cls, reasons: Mapping[str, int]) -> Self:
        """Their sum."""
        made = super().__new__(cls, sum(reasons.values()))
        made.reasons = dict(reasons)
        return made


class Letter(NamedTuple):
    """What a dead letter says.

    `original` is what was sent: a dict where it came as one, else bytes; what is no dead letter is its own original.
    `whole` is False where the original cannot be had from it.
    """

    original: Any
    reason: str = ""
    error: str = ""
    whole: bool = True


def redrive(
    queue_name: str,
    broker_kind: str | None = None,
    *,
    limit: int | None = None,
    dry_run: bool = False,
    reason: str | None = None,
    environment: Environment | None = None,
    broker_exclusive_config: dict[str, Any] | None = None,
) -> Redriven:
    """Move the messages of ``<queue_name>_dlx`` back to `queue_name`; how many were moved, and by reason.

    Each gets a fresh set of attempts; messages that could not be decoded go back with their exact bytes.  One whose
    original could not be kept stays where it is.  A process that is killed meanwhile loses nothing.

    Args:
        queue_name: the queue the messages came from.
        broker_kind: its broker; if None, that of the task that is declared for the queue, else the setting BROKER_KIND.
        limit: move at most so many; all if None.
        dry_run: move none, only count.  What is looked at is withheld from others until all has been counted.
        reason: only those in whose reason or error this text occurs; all if None.
        environment: the default one if None.
        broker_exclusive_config: options of the broker, as on the task.

    Raises:
        CapabilityMissing: `dry_run` or `reason` with a broker that cannot take messages back.

    Example::

        print(redrive("thumbnails", dry_run=True).reasons)  # {'failed 4 times': 12, 'the task asked for it': 3}
        redrive("thumbnails", reason="ConnectionError", limit=100)
    """
    from .environment import default

    where = environment or default()
    if broker_kind is None and broker_exclusive_config is None and queue_name in where.registry:
        origin = where.registry[queue_name].task
    else:
        params = BoosterParams(
            queue_name=queue_name, broker_kind=broker_kind, broker_exclusive_config=broker_exclusive_config or {}
        )
        origin = Task(params, None, where)
    work = _Redrive(origin, sys.maxsize if limit is None else limit, dry_run, reason)
    if Capability.SECOND_QUEUE in origin.capabilities:
        work.from_queue()
    else:
        work.from_parking()
    if work.broken:
        origin.logger.warning(
            "%d dead letters of %s stay: their originals cannot be restored.", work.broken, origin.queue_name
        )
    return Redriven(work.reasons)


class _Redrive:
    def __init__(self, origin: Task, limit: int, dry_run: bool, reason: str | None) -> None:
        self._origin = origin
        self._left = limit
        self._dry_run = dry_run
        self._reason = reason
        self._ranked = Capability.PRIORITY in origin.capabilities
        self.reasons: Counter[str] = Counter()
        self.broken = 0

    def from_queue(self) -> None:
        """Each message is moved in one step; what is only looked at goes back with the end of the connection."""
        origin = self._origin
        if self._dry_run or self._reason is not None:
            origin.need(Capability.ACK, "looking at dead letters without moving them", "Move them all, with redrive().")
        update = {"queue_name": origin.queue_name + DEAD_LETTERS, "broker_kind": origin.spec.kind}
        broker = open_broker(Task(origin.params.model_copy(update=update), None, origin.environment))
        wait = _QUIET if isinstance(broker, Pushed) else 0.0
        try:
            broker.listen()
            while self._left > 0:
                deliveries = broker.fetch(min(_BATCH, self._left), wait)
                if not deliveries:
                    return
                for delivery in deliveries:
                    letter = self._chosen(delivery.body)
                    if letter is not None:
                        if not self._dry_run:
                            broker.forward(delivery, self._outgoing(letter), origin.queue)
                        self._count(letter)
        finally:
            broker.close()

    def from_parking(self) -> None:
        """Publish, then forget: what is interrupted in between is published twice."""
        origin = self._origin
        parking, kept = origin.environment.state.parking, dict[str, "Parked"]()
        broker = origin.make_broker()
        try:
            while self._left > 0:
                claimed = parking.claim(origin.queue + DEAD_LETTERS, min(_BATCH, self._left), _LEASE)
                claimed = [parked for parked in claimed if parked.id not in kept]
                if not claimed:
                    return
                letters = [(parked, self._chosen(parked.body)) for parked in claimed]
                moving = [(parked, letter) for parked, letter in letters if letter is not None]
                if self._dry_run:
                    kept.update((parked.id, parked) for parked in claimed)
                else:
                    kept.update((parked.id, parked) for parked, letter in letters if letter is None)
                    broker.publish([self._outgoing(letter) for _, letter in moving])
                    parking.done([parked for parked, _ in moving])
                for _, letter in moving:
                    self._count(letter)
        finally:
            if kept:
                parking.park(list(kept.values()))  # gives up the claims
            broker.close()

    def _chosen(self, body: Any) -> Letter | None:
        letter = read(body)
        if not letter.whole:
            self.broken += 1
            return None
        reason = self._reason
        return letter if reason is None or reason in letter.reason or reason in letter.error else None

    def _count(self, letter: Letter) -> None:
        self.reasons[letter.reason] += 1
        self._left -= 1

    def _outgoing(self, letter: Letter) -> Outgoing:
        return Outgoing(letter.original, priority_of(letter.original) if self._ranked else 0)


def read(body: Any) -> Letter:
    """What a dead letter's body says; what is no dead letter of ours is taken as it is."""
    try:
        message = decode(body, sys.maxsize)
    except BadMessage:
        return Letter(body)
    extra: Any = message.get("extra")
    about = extra.get("dead_letter") if isinstance(extra, dict) else None
    if not isinstance(about, dict):
        return Letter(body)
    reason, error = str(about.get("reason") or ""), str(about.get("error") or "")
    if "body_b64" in about:
        try:
            return Letter(base64.b64decode(about["body_b64"], validate=True), reason, error)
        except (ValueError, TypeError):
            return Letter(body, reason, error, whole=False)
    if "body" in about:
        return Letter(about["body"], reason, error)
    if "body_repr" in about:
        return Letter(body, reason, error, whole=False)
    message["extra"] = {name: value for name, value in extra.items() if name not in ("dead_letter", "run_times")}
    return Letter(message if isinstance(body, dict) else encode(message), reason, error)


def restore(body: Any) -> Any:
    """The original of a dead letter's body; what is none, or has lost its original, as it is."""
    return read(body).original
