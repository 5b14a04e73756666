"""The task that is running here: `fct`, a view of a context variable set around each run."""

from __future__ import annotations

import contextvars
import functools
import logging
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from .native import off_hub

if TYPE_CHECKING:
    from .ports.broker import Delivery

F = TypeVar("F", bound=Callable[..., Any])

current: contextvars.ContextVar[Delivery] = contextvars.ContextVar("funboost_current_task")
"""The delivery whose run this code belongs to; ``delivery.plan.task`` is its task."""


class CurrentTask:
    """What is known about the task that is running; `fct` is the one instance.

    Its attributes raise `LookupError` outside a task.  They hold in everything the function calls, coroutines
    included; for a thread of your own wrap its target with `fct.bind`.

    Example::

        @boost(BoosterParams(queue_name="q"))
        def f(x):
            fct.logger.info("this is %s of %s", fct.task_id, fct.queue_name)
    """

    @property
    def task_id(self) -> Any:
        """The id of the message."""
        return self._delivery().extra["task_id"]

    @property
    def full_msg(self) -> dict[str, Any]:
        """The message: the arguments and ``extra``."""
        delivery = self._delivery()
        return {**delivery.arguments, "extra": delivery.extra}

    @property
    def function_params(self) -> dict[str, Any]:
        """The arguments by name."""
        return self._delivery().arguments

    @property
    def function_result_status(self) -> Any:
        """A `FunctionResultStatus` of this run so far."""
        from .status import FunctionResultStatus

        return FunctionResultStatus.running(self._delivery())

    @property
    def logger(self) -> logging.Logger:
        """The logger of the queue."""
        return self._delivery().plan.task.logger  # type: ignore[no-any-return]

    @property
    def queue_name(self) -> str:
        """The queue of the task."""
        return self._delivery().plan.task.queue_name  # type: ignore[no-any-return]

    def report_progress(self, value: Any) -> None:
        """Let `value`, anything that JSON can carry, be seen as the `progress` of this task's result.

        Each call is a write to the place of the results; in a coroutine use `aio_report_progress`.

        Raises:
            NotSerializable: JSON cannot carry it.

        Example::

            for number, page in enumerate(pages):
                convert(page)
                fct.report_progress({"done": number + 1, "of": len(pages)})
        """
        from .progress import report
        from .shielding import shielded

        shielded(off_hub, report, self._delivery(), value)

    async def aio_report_progress(self, value: Any) -> None:
        """`report_progress` for coroutines: the loop is not blocked."""
        from .aio_results import off_loop
        from .progress import report

        await off_loop(report, self._delivery(), value)

    def bind(self, function: F) -> F:
        """`function`, to be called on another thread with the context of here."""
        context = contextvars.copy_context()

        @functools.wraps(function)
        def bound(*args: Any, **kwargs: Any) -> Any:
            return context.copy().run(function, *args, **kwargs)

        return bound  # type: ignore[return-value]

    @staticmethod
    def _delivery() -> Delivery:
        try:
            return current.get()
        except LookupError:
            raise LookupError("fct is used outside a running task; only code that a task runs has one.") from None


fct: CurrentTask = CurrentTask()


def get_current_taskid() -> Any:
    """The id of the running task, ``"no_task_id"`` outside one."""
    delivery = current.get(None)
    return delivery.extra["task_id"] if delivery is not None else "no_task_id"
