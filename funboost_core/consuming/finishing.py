"""What is told to whom when a message is finished: the waiting publisher, the user's record function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ..outcome import Requeue, Retry

if TYPE_CHECKING:
    from ..outcome import Outcome, Verdict
    from ..params import BoosterParams
    from ..ports.broker import Delivery
    from ..task import Task

Finish = Callable[["Delivery", "Outcome", "Verdict"], None]


def reply(task: Task, params: BoosterParams) -> Finish:
    """Send status and result to whoever waits for this task's id."""
    from ..status import FunctionResultStatus, dump

    state = task.environment.state

    def send(delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
        if not isinstance(verdict, (Retry, Requeue)):
            status = FunctionResultStatus.finished(delivery, outcome, verdict)
            state.replies.put(str(delivery.task_id), dump(status), params.rpc_result_expire_seconds)

    return send


def record(function: Callable[..., Any]) -> Finish:
    """Call the user's `user_custom_record_process_info_func`."""
    from ..status import FunctionResultStatus

    def tell(delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
        if not isinstance(verdict, (Retry, Requeue)):
            function(FunctionResultStatus.finished(delivery, outcome, verdict))

    return tell
