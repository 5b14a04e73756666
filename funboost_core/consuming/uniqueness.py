"""Of equal messages only one: while one runs, or once one has succeeded; and the place in the queue is given up.

Which calls are equal: `policies/keys.py`.  What keeps equal ones out of the queue: `publishing/once.py`.
"""

from __future__ import annotations

from random import uniform
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from ..errors import BadMessage
from ..outcome import Ack, Later, Requeue, Retry, Skip
from ..policies import unique
from .admission import asking

if TYPE_CHECKING:
    from ..outcome import Admission, Verdict
    from ..params import BoosterParams
    from ..ports.broker import Delivery
    from ..task import Task
    from .claims import Claims

_SHORTEST, _LONGEST = 0.05, 2.0
_SHARE = 0.25
"""A message that has waited so long is put off for this share of it: the pauses grow by themselves."""


class Steps(NamedTuple):
    """What is added to a plan."""

    admit: tuple[Callable[[Delivery], Admission | None], ...] = ()
    before: tuple[Callable[[Delivery, Task], None], ...] = ()
    leave: tuple[Callable[[Delivery, Verdict | None], None], ...] = ()


def steps(task: Task, params: BoosterParams, claims: Claims) -> Steps:
    """The steps for what `params` say about equal messages; none when they say nothing."""
    meaning = unique.meaning(params)
    if meaning == unique.WHILE_QUEUED:
        return _while_queued(unique.scope(task, meaning), claims)
    if meaning is None:
        return Steps()
    scope = unique.scope(task, meaning)
    wanted = asking(_claiming(task, scope, claims), "whether it may run beside its equals")
    if meaning == unique.WHILE_RUNNING:
        return Steps((wanted,), leave=(lambda delivery, verdict: claims.release(scope, str(delivery.task_id)),))
    ttl = params.task_filtering_expire_seconds or None
    return Steps((wanted,), leave=(_keeping(scope, ttl, claims),))


def _claiming(task: Task, scope: str, claims: Claims) -> Callable[[Delivery], Admission | None]:
    """Claim the message's key; put it off while another has it, skip it when that one has succeeded."""
    key_of_call, now = unique.key_of_call(task), task.environment.clock.time

    def admit(delivery: Delivery) -> Admission | None:
        try:
            key = key_of_call(delivery.arguments, delivery.extra)
        except Exception as error:  # a function of the user's
            raise BadMessage(reason=f"its unique_key failed: {type(error).__name__}: {error}") from error
        other = claims.claim(scope, key, str(delivery.task_id))
        if other is None:
            return None
        if other == "done":
            return Skip("an equal one has succeeded")
        moment = now()
        pause = min(_LONGEST, max(_SHORTEST, (moment - delivery.extra["publish_time"]) * _SHARE))
        return Later(moment + pause * uniform(0.5, 1), f"{other} is equal and has not ended")

    return admit


def _keeping(scope: str, ttl: Any, claims: Claims) -> Callable[[Delivery, Verdict | None], None]:
    """Keep the key after success; leave it to a message that comes again; else give it up."""

    def leave(delivery: Delivery, verdict: Verdict | None) -> None:
        holder = str(delivery.task_id)
        if isinstance(verdict, Ack):
            claims.keep(scope, holder, ttl)
        elif isinstance(verdict, (Retry, Requeue)):
            claims.extend(scope, holder, verdict.after if isinstance(verdict, Retry) else 0.0)
        else:
            claims.release(scope, holder)

    return leave


def _while_queued(scope: str, claims: Claims) -> Steps:
    """Give up the place in the queue when the first run begins, or when the message ends without one."""

    def give_up(delivery: Delivery) -> None:
        key = delivery.extra.pop(unique.CLAIMED, None)
        if key is not None:
            claims.give_up(scope, str(key), str(delivery.task_id))

    def leave(delivery: Delivery, verdict: Verdict | None) -> None:
        if verdict is not None:
            give_up(delivery)

    return Steps(before=(lambda delivery, task: give_up(delivery),), leave=(leave,))
