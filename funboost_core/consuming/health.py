"""How a consumer fares: whether messages get through, and if not, why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .consumer import Consumer

DEAF = 15.0
"""Seconds without an answer of the broker after which a consumer that should be fetching is called deaf."""
_FINE = frozenset({"consuming", "busy", "waiting", "paused", "closed"})


class Health(NamedTuple):
    """What a consumer is doing.

    Attributes:
        status: ``consuming`` (it asks, the broker answers), ``busy`` (as many runs as there may be), ``waiting`` (for its
            rate), ``paused``, ``closed`` (no hour for it), ``full`` (too many runs hang), ``away`` (the broker fails),
            ``deaf`` (nothing comes and nobody knows why), ``stopping``.
        silent: seconds since the broker last answered.
        detail: more about it, for people.
        abandoned: runs that hang and are not waited for any more.
    """

    status: str
    silent: float
    detail: str = ""
    abandoned: int = 0

    @property
    def ok(self) -> bool:
        """Whether all is as it should be."""
        return self.status in _FINE


def health_of(consumer: Consumer) -> Health:
    """How `consumer` fares now; touches neither broker nor state."""
    silent = max(0.0, consumer.task.environment.clock.monotonic() - consumer.intake.progress)
    status, detail = _status(consumer, silent)
    return Health(status, silent, detail, len(consumer.canceller.abandoned))


def _status(consumer: Consumer, silent: float) -> tuple[str, str]:
    gate, trouble = consumer.gate, consumer.trouble
    if gate.stopped:
        return "stopping", ""
    if gate.full:
        return "full", "too many runs hang in calls that cannot be interrupted"
    if trouble:
        return "away", trouble
    if gate.paused:
        return "paused", ""
    if gate.closed:
        return "closed", "not in these hours"
    if gate.waiting:
        return "waiting", "for its rate"
    if consumer.fetches and silent > DEAF:
        if consumer.line.busy(consumer.limit):
            return "busy", ""
        return "deaf", f"the broker has not answered for {silent:.0f} s"
    return "consuming", ""
