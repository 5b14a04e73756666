"""What is told to whom when a message is finished: the waiting publisher, the user's record function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

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


def recording(params: BoosterParams) -> tuple[Finish, ...]:
    """The user's `user_custom_record_process_info_func`, if there is one."""
    from ..status import FunctionResultStatus

    function = params.user_custom_record_process_info_func
    if function is None:
        return ()
    told = function

    def tell(delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
        if not isinstance(verdict, (Retry, Requeue)):
            told(FunctionResultStatus.finished(delivery, outcome, verdict))

    return (tell,)
