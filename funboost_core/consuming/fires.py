"""Of the copies of a schedule's fire one runs.

A scheduler publishes a fire and then notes that it has.  When it is killed in between, another one publishes the fire
again: a second copy with the same task id and another mark.  The first copy to be taken claims the id; the claim is
its own also when it is delivered again or retried, and every other copy is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from ..outcome import Admission, Skip
from ..publishing.fires import FIRE
from .admission import asking

if TYPE_CHECKING:
    from ..ports.broker import Delivery
    from ..task import Task

MEMORY = 24 * 3600.0
"""Seconds for which a fire that has been taken is remembered; a copy that comes later than that runs again."""


def steps(task: Task) -> tuple[Callable[[Delivery], Admission | None], ...]:
    """What is added to the plan of messages that a schedule fired."""
    state = task.environment.state
    if not state.has("filter"):
        task.logger.warning(
            "%s: a fire of a schedule may run twice after a crash; set STATE_URL, so that it can be told.",
            task.queue_name,
        )
        return ()
    scope = f"fires:{task.queue}"

    def once(delivery: Delivery) -> Admission | None:
        holder = state.filter.claim(scope, str(delivery.task_id), str(delivery.extra[FIRE]), MEMORY)
        return None if holder is None else Skip("another copy of this fire has been taken already", copy=True)

    return (asking(once, "whether this fire has run"),)
