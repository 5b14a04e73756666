"""The compiled steps of a task's messages: only the controls that it uses, so that an unused one costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from .. import binding
from ..binding import Bound
from ..errors import BadMessage
from ..message import GENERATED, respell
from ..params import OVERRIDES, BoosterParams, overridden
from ..signature import awaiting, by_name
from . import admission, finishing

if TYPE_CHECKING:
    from ..outcome import Admission, Outcome, Verdict
    from ..ports.broker import Delivery
    from ..task import Task

Admit = Callable[["Delivery"], "Admission | None"]
Finish = Callable[["Delivery", "Outcome", "Verdict"], None]
Leave = Callable[["Delivery", "Verdict | None"], None]


class Plan:
    """What is done with a message, step by step; `bare` when nothing is but calling the function."""

    __slots__ = (
        "admit",
        "after",
        "after_ack",
        "bare",
        "before",
        "before_ack",
        "call",
        "finish",
        "judge",
        "leave",
        "params",
        "reply",
        "task",
    )

    def __init__(self, task: Task, params: BoosterParams, call: Callable[..., Any], timed: bool = False) -> None:
        hooks = task.hooks
        self.task: Task = task
        self.params: BoosterParams = params
        self.call: Callable[..., Any] = call
        self.admit: tuple[Admit, ...] = admission.steps(task, params, timed)
        self.leave: tuple[Leave, ...] = ()
        self.before: tuple[Bound, ...] = binding.bind(hooks, "funboost_before_execute", "delivery", "task")
        self.after: tuple[Bound, ...] = binding.bind(hooks, "funboost_after_execute", "delivery", "task", "outcome")
        self.judge: Bound | None = binding.bind_deciding(hooks, "funboost_judge", "delivery", "task", "outcome")
        self.before_ack: tuple[Bound, ...] = binding.bind(hooks, "funboost_before_ack", "delivery", "task", "verdict")
        self.after_ack: tuple[Bound, ...] = binding.bind(hooks, "funboost_after_ack", "delivery", "task", "verdict")
        self.reply: Finish | None = finishing.reply(task, params) if params.is_using_rpc_mode else None
        self.finish: tuple[Finish, ...] = (() if self.reply is None else (self.reply,)) + finishing.recording(params)
        self.bare: bool = not (
            self.before or self.after or self.judge or self.finish or self.before_ack or self.after_ack or self.leave
        )

    def steps(self) -> tuple[tuple[Any, ...], ...]:
        """All steps, for `explain` and for the test that unused controls leave no trace."""
        judge = (self.judge,) if self.judge else ()
        return (self.admit, self.before, self.after, judge, self.before_ack, self.after_ack, self.finish, self.leave)


class Planner:
    """The plan of each message: the task's own, or one compiled for what the message's extra overrides."""

    _MOST = 256

    def __init__(self, task: Task, adapt: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._task = task
        self._call = _compose(task, adapt)
        self._compiled: dict[tuple[Any, ...], Plan] = {}
        self._spellings = task.environment.aliases["extra"]
        self.plain: Plan = Plan(task, task.params, self._call)
        self.convert: Bound | None = binding.bind_deciding(task.hooks, "funboost_convert_message", "body", "task")

    def plan(self, delivery: Delivery) -> Plan:
        """The plan of a decoded message.

        Raises:
            ConfigError: the message overrides a control with a value that it cannot have.
            BadMessage: its number of runs is none.
        """
        extra = delivery.extra
        if len(extra) <= GENERATED and "publish_time_format" in extra:  # a foreign one may have three others
            return self.plain
        if self._spellings:
            respell(extra, self._spellings)
        if "run_times" in extra:
            delivery.runs = _count(extra["run_times"])
        names = OVERRIDES & extra.keys()
        timed = not admission.TIMES.isdisjoint(extra)
        if not names and not timed:
            return self.plain
        key = (timed, *((name, repr(extra[name])) for name in sorted(names)))
        plan = self._compiled.get(key)
        if plan is None:
            plan = Plan(self._task, overridden(self._task.params, extra), self._call, timed)
            if len(self._compiled) >= self._MOST:
                self._compiled.clear()
            self._compiled[key] = plan
        return plan


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise BadMessage(reason=f"run_times={value!r} is no number of runs")
    return value


def _compose(task: Task, adapt: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[..., Any]:
    """The function within the user's decorator, the pool's way of calling it, and the plugins' wrappers."""
    assert task.function is not None and task.signature is not None
    function = by_name(task.function, task.signature)
    if task.params.consuming_function_decorator is not None:
        function = task.params.consuming_function_decorator(function)
    call = adapt(awaiting(function) if task.is_async else function)
    for wrap in reversed(binding.bind_around(task.hooks, "funboost_around_execute", task=task)):
        call = wrap(call)
    return call
