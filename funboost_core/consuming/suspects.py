"""Messages that may be what kills their workers: how often they are tried, and no two of them at once."""

from __future__ import annotations

import copy
import hashlib
import sys
from typing import TYPE_CHECKING

from ..errors import CannotJudge

if TYPE_CHECKING:
    from ..outcome import Verdict
    from ..ports.broker import Delivery
    from ..task import Task

MEMORY = 7 * 86400.0
"""Seconds for which deliveries are remembered that the broker does not count."""


class Suspects:
    """What a consumer knows about messages that were delivered before and never settled.

    All that a worker held when it died is counted, not only what killed it.  So whatever has used up half of
    `max_deliveries` runs with no other such message beside it: the guilty one then dies alone.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        most = task.params.max_deliveries
        self._most = sys.maxsize if most is None else most
        self._held: Delivery | None = None

    def condemned(self, delivery: Delivery) -> str | None:
        """Why a message must not run again, if so.

        Raises:
            CannotJudge: its deliveries are counted in the state store, which does not answer.
        """
        if not delivery.attempts:
            delivery.attempts = 1 + self._count(delivery)
        deaths = delivery.attempts - 1
        if deaths < self._most:
            return None
        return f"{deaths} worker{'s' if deaths > 1 else ''} ended without settling it"

    def alone(self, delivery: Delivery) -> bool:
        """Whether a message may run now: false while it would have to run beside another one under grave suspicion."""
        if delivery.attempts - 1 <= self._most // 2:
            return True
        if self._held is not None:
            return False
        self._held = delivery
        plan = delivery.plan = copy.copy(delivery.plan)
        plan.leave = (*plan.leave, self._leave)
        plan.bare = False
        return True

    def _leave(self, delivery: Delivery, verdict: Verdict | None) -> None:
        if self._held is delivery:
            self._held = None

    def _count(self, delivery: Delivery) -> int:
        """Earlier deliveries of what the broker says it has delivered before, without saying how often."""
        body, state = delivery.body, self._task.environment.state
        if isinstance(body, dict) or not state.has("coordinator"):
            return 0
        raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
        scope = f"{self._task.queue}:delivered:{hashlib.sha256(raw).hexdigest()}"
        try:
            count = 1 + int(state.coordinator.flags(scope).get("times", 0))
            state.coordinator.set_flag(scope, "times", str(count), MEMORY)
        except Exception as error:
            raise CannotJudge(error=f"its deliveries cannot be counted: {type(error).__name__}: {error}") from error
        return count
