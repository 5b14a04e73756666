"""Status and result of past runs, by task id, from the history store that is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funboost_core.environment import default

if TYPE_CHECKING:
    from funboost_core.environment import Environment

NOT_SAVED = "不保存结果"
"""The documented `result` of a run whose result was not to be saved."""
NO_RESULT = "no_result"
"""What stands for a task of which nothing is known, or not yet."""


class ResultFromMongo:
    """What the history knows of a task; does not wait.

    The name is the documented one: it reads whatever store HISTORY_URL or STATE_URL names.

    Example::

        ResultFromMongo(async_result.task_id).get_status_and_result()
    """

    def __init__(self, task_id: Any, environment: Environment | None = None) -> None:
        self.task_id = task_id
        self._environment = environment or default()

    def get_status_and_result(self) -> dict[str, Any] | str:
        """The record, in which None is ``""``; ``"no_result"`` where there is none."""
        record = self._environment.state.history.get(str(self.task_id))
        if record is None:
            return NO_RESULT
        kept = {"result": NOT_SAVED, **record}
        for name in ("result", "exception", "exception_type", "exception_msg"):
            if kept[name] is None:
                kept[name] = ""
        return kept

    def get_result(self) -> Any:
        """The result of the record; ``"no_result"`` where there is none."""
        record = self.get_status_and_result()
        return record if isinstance(record, str) else record["result"]
