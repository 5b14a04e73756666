"""One run of the user's function: before hooks, context, the call, the outcome."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any, Callable

from ..context import current
from ..outcome import Outcome
from .attempts import Abandoned

if TYPE_CHECKING:
    from ..ports.broker import Delivery
    from .settling import Settler

SUCCESS = Outcome(None, None, 0.0, 0.0, 1)
"""Stands for a success that nobody wants to know more about."""
GONE = Outcome(None, None, 0.0, 0.0, 0)
"""Stands for a run that was concluded by somebody else."""
GIVEN_BACK = Outcome(None, None, 0.0, 0.0, 0)
"""Stands for a run that the pool did not take: its message goes back."""


def prepare(delivery: Delivery) -> None:
    """Tell the before hooks; always on a thread of the framework."""
    plan = delivery.plan
    for hook in plan.before:
        hook(delivery, plan.task)


def run(delivery: Delivery) -> Outcome | None:
    """Call the function of a delivery; None for a success that nobody wants to know about.

    Raises:
        Abandoned: it was concluded by somebody else; the thread is to end.
    """
    plan = delivery.plan
    token = current.set(delivery)
    started = 0.0
    result: Any = None
    error: BaseException | None = None
    try:
        if plan.bare:
            plan.call(**delivery.arguments)
            return None
        started = time()
        result = plan.call(**delivery.arguments)
    except Abandoned:
        raise
    except BaseException as caught:  # SystemExit of a task must not end the worker
        error = caught
    finally:
        current.reset(token)
    return _outcome(delivery, result, error, started)


def work_out(
    delivery: Delivery, outcome: Outcome, conclude: Callable[[Delivery, Outcome], bool], settler: Settler
) -> None:
    """Conclude a run, and those that follow it at once, on the thread that ran it."""
    try:
        while conclude(delivery, outcome):
            prepare(delivery)
            outcome = run(delivery) or SUCCESS
    except Exception:  # a defect of ours must cost neither the worker nor the message
        delivery.plan.task.logger.exception("Settling %s failed; it goes back.", delivery.task_id)
        settler.give_back([delivery])


async def run_async(delivery: Delivery) -> Outcome:
    """The same for a coroutine function, in a task of its own on the user's loop; `GONE` where nobody wants it."""
    plan = delivery.plan
    current.set(delivery)
    started = time()
    result: Any = None
    error: BaseException | None = None
    try:
        result = await plan.call(**delivery.arguments)
    except Abandoned:
        return GONE
    except BaseException as caught:
        error = caught
    return _outcome(delivery, result, error, started)


def _outcome(delivery: Delivery, result: Any, error: BaseException | None, started: float) -> Outcome:
    ended = time()
    return Outcome(result, error, started or ended, ended, delivery.runs + 1)
