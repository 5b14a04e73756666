"""From an outcome to a verdict: the plugins' answer, else the retry policy; and the log line about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import TaskControl, text_of
from ..outcome import ACK, DeadLetter, Drop, Requeue, Retry
from ..policies import retry

if TYPE_CHECKING:
    from ..outcome import Outcome, Verdict
    from ..ports.broker import Delivery
    from ..task import Task


def judge(delivery: Delivery, outcome: Outcome) -> Verdict:
    """Decide what becomes of a message after a run.  An error in a plugin leaves the decision to the policy."""
    plan = delivery.plan
    answer: Verdict | None = None
    if plan.judge is not None:
        try:
            answer = plan.judge(delivery, plan.task, outcome)
        except Exception:
            plan.task.logger.exception(
                "A funboost_judge hook failed; the retry policy decides about %s.", delivery.task_id
            )
    return answer if answer is not None else retry.verdict(plan.params, outcome)


def report(delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
    """Log a run that did not end well."""
    error, plan = outcome.error, delivery.plan
    if error is None and verdict is ACK:
        return
    logger = plan.task.logger
    detail = error if plan.params.is_print_detail_exception and not isinstance(error, TaskControl) else None
    what = f"{type(error).__name__}: {text_of(error)}" if error is not None else "returned"
    about = {"task_id": delivery.task_id}
    where = f"{plan.task.queue_name} {delivery.task_id} run {outcome.runs} ({what})"
    if isinstance(verdict, Retry):
        after = f"in {verdict.after:g} s" if verdict.after else "now"
        logger.warning("%s: again %s", where, after, exc_info=detail, extra=about)
    elif isinstance(verdict, Requeue):
        logger.info("%s: back into the queue", where, extra=about)
    elif isinstance(verdict, (DeadLetter, Drop)):
        fate = "to the dead-letter queue" if isinstance(verdict, DeadLetter) else "given up"
        logger.error("%s: %s, %s", where, fate, verdict.reason, exc_info=detail, extra=about)


def log_run(delivery: Delivery, task: Task, outcome: Outcome) -> None:
    """One line for each run, where the queue's logger is at DEBUG when its consumer starts."""
    told = repr(outcome.result) if outcome.error is None else type(outcome.error).__name__
    task.logger.debug(
        "%s: %s run %d took %.3f s with %.1000s: %.1000s",
        task.queue_name,
        delivery.task_id,
        outcome.runs,
        outcome.ended - outcome.started,
        delivery.arguments,
        told,
        extra={"task_id": delivery.task_id},
    )
