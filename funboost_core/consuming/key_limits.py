"""`key_qps` and `key_concurrent_num`: starts a second, and runs at once, for each value of `rate_key`, on all hosts."""

from __future__ import annotations

import math
from random import uniform
from typing import TYPE_CHECKING, Callable
from zlib import crc32

from ..errors import BadMessage
from ..outcome import Later
from ..policies.keys import key_of
from ..policies.shared_rate import scope_of
from .admission import asking

if TYPE_CHECKING:
    from ..outcome import Admission, Verdict
    from ..params import BoosterParams
    from ..ports.broker import Delivery
    from ..task import Task
    from .claims import Claims

DUE = "key_due"
"""Entry of the extra of a message that waits for the due time (epoch seconds) that was reserved for it."""
WAITS = "key_waits"
"""How often in a row the message found no free slot."""
_SHORTEST, _LONGEST = 0.05, 2.0

Admit = Callable[["Delivery"], "Admission | None"]
Leave = Callable[["Delivery", "Verdict | None"], None]


def steps(task: Task, params: BoosterParams, claims: Claims) -> tuple[tuple[Admit, ...], tuple[Leave, ...]]:
    """What is asked before a run and told after it; nothing for tasks without these limits.

    The slot comes first: a due time that was reserved is used up.
    """
    admit: list[Admit] = []
    leave: list[Leave] = []
    if params.key_concurrent_num is not None:
        slots = Slots(task, params.key_concurrent_num, claims)
        admit.append(asking(slots.admit, "the slots of its rate_key"))
        leave.append(slots.leave)
    if params.key_qps is not None:
        admit.append(asking(paced(task, params.key_qps), "the rate of its rate_key"))
    return tuple(admit), tuple(leave)


def paced(task: Task, qps: float) -> Admit:
    """Reserve a due time for each message, and put it off until then; it keeps it however late it comes back."""
    key, now, state = _key(task), task.environment.clock.time, task.environment.state
    scope, interval = scope_of(task), 1.0 / qps

    def admit(delivery: Delivery) -> Admission | None:
        due = delivery.extra.pop(DUE, None)
        if type(due) not in (int, float) or not math.isfinite(due):
            first, _ = state.coordinator.reserve(f"{scope}:{key(delivery)}", interval, 1, 0.0)
            if first <= 0:
                return None
            due = now() + first
        if now() < due:
            return Later(due, "its rate_key has had its starts", {DUE: due, WAITS: None})
        return None

    return admit


class Slots:
    """So many runs at once for each key: each holds one of the key's numbered slots, claimed in the filter.

    A message that comes again, because its consumer was killed, still has its slot.
    """

    def __init__(self, task: Task, most: int, claims: Claims) -> None:
        self._key = _key(task)
        self._most = most
        self._claims = claims
        self._scope = f"{scope_of(task)}:slots"
        self._now = task.environment.clock.time
        self._taken: dict[str, str] = {}  # slot -> the message of this consumer that has it: it need not be asked for
        self._slots: dict[str, str] = {}  # and the other way round

    def admit(self, delivery: Delivery) -> Admission | None:
        """Claim a slot, or put the message off for a while that grows."""
        key, holder = self._key(delivery), str(delivery.task_id)
        if holder in self._slots:  # it was delivered twice
            return None
        begin = crc32(holder.encode("utf-8", "surrogatepass"))
        waits = delivery.extra.pop(WAITS, 0)
        for number in range(begin, begin + self._most):
            slot = f"{key}:{number % self._most}"
            if slot not in self._taken and self._claims.claim(self._scope, slot, holder) is None:
                self._taken[slot], self._slots[holder] = holder, slot
                return None
        waits = waits if type(waits) is int and 0 <= waits < 10 else 0
        pause = min(_LONGEST, _SHORTEST * 2**waits) * uniform(0.5, 1)
        return Later(self._now() + pause, f"{self._most} with its rate_key run", {WAITS: min(waits + 1, 9)})

    def leave(self, delivery: Delivery, verdict: Verdict | None) -> None:
        """Free the slot of a message, if it has one."""
        holder = str(delivery.task_id)
        slot = self._slots.pop(holder, None)
        if slot is not None:
            self._taken.pop(slot, None)
            self._claims.release(self._scope, holder)


def _key(task: Task) -> Callable[[Delivery], str]:
    """The text of a message's `rate_key`."""
    text = key_of(task.params.rate_key, task, "rate_key")

    def key(delivery: Delivery) -> str:
        try:
            return text(delivery.arguments)
        except Exception as error:  # a function of the user's
            raise BadMessage(reason=f"its rate_key failed: {type(error).__name__}: {error}") from error

    return key
