"""Whether a message that was fetched may run: expired?  not due?  what do the plugins say?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from .. import binding
from ..checks import refuse_waiting
from ..errors import BadMessage, CannotJudge
from ..outcome import Admission, Later, Skip
from ..params import BoosterParams
from ..timing import TIMES, due_time, published

if TYPE_CHECKING:
    from ..ports.broker import Delivery
    from ..task import Task

Admit = Callable[["Delivery"], "Admission | None"]


def steps(task: Task, params: BoosterParams, timed: bool = False) -> tuple[Admit, ...]:
    """The checks that `params` ask for, in order; the plugins' answer comes last.

    `timed`: the message has a countdown or eta.
    """
    checks: list[Admit] = []
    if params.is_show_message_get_from_broker:
        checks.append(show(task))
    if params.msg_expire_seconds is not None:
        checks.append(not_expired(task, params.msg_expire_seconds))
    if timed:
        checks.append(not_before(task))
    decide = binding.bind_deciding(task.hooks, "funboost_admit", "delivery", "task")
    if decide is not None:
        checks.append(lambda delivery: decide(delivery, task))
    return tuple(checks)


def asking(check: Admit, what: str) -> Admit:
    """`check`, which asks the state store: while that fails (`what` is not to be had) its message is given back."""

    def ask(delivery: Delivery) -> Admission | None:
        try:
            return check(delivery)
        except BadMessage:
            raise
        except Exception as error:
            raise CannotJudge(error=f"{what}: {type(error).__name__}: {error}") from error

    return ask


def show(task: Task) -> Admit:
    """Log each message that is taken."""

    def log(delivery: Delivery) -> None:
        task.logger.info("%s: taken %s", task.queue_name, delivery.body)

    return log


def not_expired(task: Task, seconds: float) -> Admit:
    """Skip what could have run for more than `seconds` and never has: the age counts from when it was due."""
    clock, zone = task.environment.clock, str(task.environment.settings("TIMEZONE", "UTC"))

    def check(delivery: Delivery) -> Admission | None:
        if delivery.runs:  # it was in time once; its retries may take what they take
            return None
        extra, now = delivery.extra, clock.time()
        since = published(extra, task, now)
        due = None if TIMES.isdisjoint(extra) else due_time(extra, zone, since)
        if due is not None:
            since = max(since, due)
        if now - since > seconds:
            what = "published" if due is None else "due"
            return Skip(f"expired: {what} {now - since:.3f} s ago, the limit is {seconds} s")
        return None

    return check


def not_before(task: Task) -> Admit:
    """Put off what has a countdown or eta still to come; skip what is later than its misfire_grace_time.

    What may run has a ``due_time`` in the place of these three.

    Raises:
        CapabilityMissing: there is no place in which it could wait.
    """
    refuse_waiting(task)
    clock, zone = task.environment.clock, str(task.environment.settings("TIMEZONE", "UTC"))

    def check(delivery: Delivery) -> Admission | None:
        extra, now = delivery.extra, clock.time()
        due = due_time(extra, zone, published(extra, task, now))
        if due is None:
            return None
        new = extra.pop("countdown", None), extra.pop("eta", None)
        extra["due_time"] = due
        if due > now and new != (None, None):
            return Later(due, "not due yet", {"due_time": due})
        grace = extra.pop("misfire_grace_time", None)
        if grace is not None and not delivery.runs:  # a retry was in time once
            if type(grace) not in (int, float):
                raise BadMessage(reason=f"misfire_grace_time={grace!r} is no number of seconds")
            if now - due > grace:
                return Skip(f"{now - due:.3f} s late, misfire_grace_time is {grace} s")
        return None

    return check
