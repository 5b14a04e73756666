"""One run of the user's function: before hooks, context, the call, the outcome.  Never raises."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any

from ..context import current
from ..outcome import Outcome

if TYPE_CHECKING:
    from ..ports.broker import Delivery

SUCCESS = Outcome(None, None, 0.0, 0.0, 1)
"""Stands for a success that nobody wants to know more about."""


def prepare(delivery: Delivery) -> None:
    """Tell the before hooks; always on a thread of the framework."""
    plan = delivery.plan
    for hook in plan.before:
        hook(delivery, plan.task)


def run(delivery: Delivery) -> Outcome | None:
    """Call the function of a delivery; None for a success that nobody wants to know about."""
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
    except BaseException as caught:  # SystemExit of a task must not end the worker
        error = caught
    finally:
        current.reset(token)
    return _outcome(delivery, result, error, started)


async def run_async(delivery: Delivery) -> Outcome:
    """The same for a coroutine function, in a task of its own on the user's loop."""
    plan = delivery.plan
    current.set(delivery)
    started = time()
    result: Any = None
    error: BaseException | None = None
    try:
        result = await plan.call(**delivery.arguments)
    except BaseException as caught:
        error = caught
    return _outcome(delivery, result, error, started)


def _outcome(delivery: Delivery, result: Any, error: BaseException | None, started: float) -> Outcome:
    ended = time()
    return Outcome(result, error, started or ended, ended, delivery.runs + 1)
