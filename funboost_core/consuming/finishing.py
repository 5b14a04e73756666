"""What is told to whom when a message is finished: the waiting publisher, the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from ..outcome import Requeue, Retry

if TYPE_CHECKING:
    from ..outcome import Outcome, Verdict
    from ..params import BoosterParams, HistoryParams
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


def keeping(task: Task, kept: HistoryParams) -> Finish:
    """Keep the status in the history store: also, as running, between two runs of a message."""
    from ..ports.store import Record
    from ..status import FunctionResultStatus

    writer, ttl = task.environment.worker.history, float(kept.expire_seconds)
    last = writer.add if kept.is_use_bulk_insert else writer.save

    def record(status: FunctionResultStatus) -> Record:
        values = status.get_status_dict(without_datetime_obj=True)
        if not kept.is_save_result:
            del values["result"]
        return Record.of(values)

    def keep(delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
        if isinstance(verdict, (Retry, Requeue)):
            writer.add(record(FunctionResultStatus.between(delivery, outcome)), ttl)
        else:
            last(record(FunctionResultStatus.finished(delivery, outcome, verdict)), ttl)

    return keep
