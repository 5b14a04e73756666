"""Whether and when a message runs again after a failure."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Callable

from ..errors import BadMessage, DeadLetterTask, RequeueTask, RetryTask, TaskControl, TaskKilled
from ..outcome import ACK, DeadLetter, Drop, Outcome, Requeue, Retry, Verdict

if TYPE_CHECKING:
    from ..params import BoosterParams

LONGEST = 365 * 86400.0
"""Longest interval in seconds where `retry_interval_max` says nothing: backing off ends somewhere."""


def verdict(params: BoosterParams, outcome: Outcome, chance: Callable[[], float] = random.random) -> Verdict:
    """The task's own decision: a message runs at most ``max_retry_times + 1`` times, by which error, and when.

    Args:
        params: what holds for this message.
        outcome: of the run that has just ended.
        chance: a number from 0 to 1, for the jitter.

    Example::

        assert verdict(BoosterParams(queue_name="q"), Outcome(7, None, 0, 0, runs=1)) == ACK
    """
    error = outcome.error
    if error is None:
        return ACK
    if isinstance(error, TaskKilled):
        return Drop("it was killed")
    if _listed(error, params.dead_letter_for):
        return DeadLetter(f"{type(error).__name__} makes a dead letter at once")
    if isinstance(error, RequeueTask):
        return Requeue()
    if isinstance(error, DeadLetterTask):
        return DeadLetter("the task asked for it")
    if isinstance(error, BadMessage):
        return DeadLetter(str(error))  # as where it is found out when the message is fetched
    reason = f"failed {outcome.runs} time{'s' if outcome.runs > 1 else ''}"
    if not _may_retry(params, error):
        reason = f"{reason}, {type(error).__name__} is not retried"
    elif outcome.runs <= params.max_retry_times:
        return Retry(interval(params, outcome.runs, chance))
    return DeadLetter(reason) if params.is_push_to_dlx_queue_when_retry_max_times else Drop(reason)


def interval(params: BoosterParams, runs: int, chance: Callable[[], float]) -> float:
    """Seconds until the next run, after `runs` runs.

    The jitter only shortens, by at most its share: nothing waits longer than `retry_interval_max`.
    """
    base = float(params.retry_interval)
    if not base:
        return 0.0
    longest = float(params.retry_interval_max or max(base, LONGEST))
    try:
        seconds = min(longest, base * float(params.retry_backoff) ** (runs - 1))
    except OverflowError:
        seconds = longest
    if params.retry_jitter:
        seconds *= 1.0 - float(params.retry_jitter) * chance()
    return seconds


def _may_retry(params: BoosterParams, error: BaseException) -> bool:
    if _listed(error, params.retry_never_for):
        return False
    return isinstance(error, RetryTask) or not params.retry_only_for or _listed(error, params.retry_only_for)


def _listed(error: BaseException, types: tuple[type[BaseException], ...]) -> bool:
    """Whether `types` mean `error`: what a task raises to ask for something is not meant by a base such as Exception."""
    if isinstance(error, TaskControl):
        types = tuple(one for one in types if issubclass(one, TaskControl))
    return isinstance(error, types)
