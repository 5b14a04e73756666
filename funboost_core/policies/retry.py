"""Whether and when a message runs again after a failure."""

from __future__ import annotations

from ..errors import DeadLetterTask, RequeueTask
from ..outcome import ACK, DeadLetter, Drop, Outcome, Requeue, Retry, Verdict
from ..params import BoosterParams


def verdict(params: BoosterParams, outcome: Outcome) -> Verdict:
    """The task's own decision: a message runs at most ``max_retry_times + 1`` times, ``retry_interval`` apart.

    Example::

        assert verdict(BoosterParams(queue_name="q"), Outcome(7, None, 0, 0, runs=1)) == ACK
    """
    error = outcome.error
    if error is None:
        return ACK
    if isinstance(error, RequeueTask):
        return Requeue()
    if isinstance(error, DeadLetterTask):
        return DeadLetter("the task asked for it")
    if outcome.runs <= params.max_retry_times:
        return Retry(params.retry_interval)
    reason = f"failed {outcome.runs} time{'s' if outcome.runs > 1 else ''}"
    return DeadLetter(reason) if params.is_push_to_dlx_queue_when_retry_max_times else Drop(reason)
