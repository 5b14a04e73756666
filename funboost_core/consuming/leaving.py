"""A message leaves its consumer: what its controls hold for it (a claimed key, a slot) is given up or kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..outcome import Verdict
    from ..ports.broker import Delivery


def leave(delivery: Delivery, verdict: Verdict | None) -> None:
    """Tell the controls of a message what became of it; `verdict` is None when it did not run to an end here.

    Called before the broker is told, so that a crash in between repeats a message rather than letting an equal one run.
    """
    plan = getattr(delivery, "plan", None)
    if plan is None or not plan.leave:
        return
    for step in plan.leave:
        try:
            step(delivery, verdict)
        except Exception:
            plan.task.logger.exception(
                "A control of %s could not be told how it ended; what it holds is given up after a while.",
                delivery.task_id,
            )
