"""The compiled steps of a task's messages: only the controls that it uses, so that an unused one costs nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Callable

from .. import binding
from ..binding import Bound
from ..checks import refuse_homeless
from ..errors import BadMessage
from ..message import CODECS, GENERATED, PICKLED, respell
from ..params import OVERRIDES, BoosterParams, overridden
from ..payloads.rebuilding import opening, rebuilding
from ..publishing.fires import FIRE
from ..signature import awaiting, by_name
from ..timing import TIMES
from . import admission, finishing, fires, key_limits, kills, uniqueness
from .claims import Claims
from .judging import log_run
from .recording import Recorder

if TYPE_CHECKING:
    from ..outcome import Admission, Outcome, Verdict
    from ..ports.broker import Delivery
    from ..task import Task
    from .cancelling import Canceller

_TIMEOUT = "function_timeout"

Call = Callable[..., Any]
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

    def __init__(
        self,
        task: Task,
        params: BoosterParams,
        call: Callable[..., Any],
        claims: Claims,
        told: tuple[Finish, ...] = (),
        timed: bool = False,
    ) -> None:
        hooks = task.hooks
        unique = uniqueness.steps(task, params, claims)
        killed, obeyed = kills.steps(task, params)
        limited, freed = key_limits.steps(task, params, claims)
        self.task: Task = task
        self.params: BoosterParams = params
        self.call: Callable[..., Any] = call
        self.admit: tuple[Admit, ...] = (*killed, *admission.steps(task, params, timed), *unique.admit, *limited)
        self.leave: tuple[Leave, ...] = (*unique.leave, *freed, *obeyed)
        self.before: tuple[Bound, ...] = (
            *unique.before,
            *binding.bind(hooks, "funboost_before_execute", "delivery", "task"),
        )
        self.after: tuple[Bound, ...] = binding.bind(hooks, "funboost_after_execute", "delivery", "task", "outcome")
        if task.logger.isEnabledFor(logging.DEBUG):
            self.after += (log_run,)
        self.judge: Bound | None = binding.bind_deciding(hooks, "funboost_judge", "delivery", "task", "outcome")
        self.before_ack: tuple[Bound, ...] = binding.bind(hooks, "funboost_before_ack", "delivery", "task", "verdict")
        self.after_ack: tuple[Bound, ...] = binding.bind(hooks, "funboost_after_ack", "delivery", "task", "verdict")
        self.reply: Finish | None = finishing.reply(task, params) if params.is_using_rpc_mode else None
        self.finish: tuple[Finish, ...] = (() if self.reply is None else (self.reply,)) + told
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

    def __init__(self, task: Task, adapt: Callable[[Call], Call], canceller: Canceller | None = None) -> None:
        self._task = task
        self._adapt = adapt
        self._canceller = canceller
        record, kept = task.params.user_custom_record_process_info_func, task.params.history
        self._recorder = Recorder(record, adapt) if record is not None else None
        self._told: tuple[Finish, ...] = () if self._recorder is None else (self._recorder,)
        if kept:
            self._told += (finishing.keeping(task, kept),)
        self._call, self._opening = self._calls(task.params)
        self._compiled: dict[tuple[Any, ...], Plan] = {}
        self._spellings = task.environment.aliases["extra"]
        self.claims: Claims = Claims(task)
        self.plain: Plan = Plan(task, task.params, self._call, self.claims, self._told)
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
        timed = not TIMES.isdisjoint(extra)
        fired = FIRE in extra
        packed = PICKLED in extra or CODECS in extra
        if not (names or timed or fired or packed):
            return self.plain
        key = (timed, fired, packed, *((name, repr(extra[name])) for name in sorted(names)))
        plan = self._compiled.get(key)
        if plan is None:
            params = overridden(self._task.params, extra)
            refuse_homeless(self._task, params)
            call, opening = self._calls(params) if _TIMEOUT in names else (self._call, self._opening)
            plan = Plan(self._task, params, opening if packed else call, self.claims, self._told, timed)
            if fired:
                plan.admit = (*fires.steps(self._task), *plan.admit)
            if len(self._compiled) >= self._MOST:
                self._compiled.clear()
            self._compiled[key] = plan
        return plan

    def _calls(self, params: BoosterParams) -> tuple[Call, Call]:
        """The call of most messages, and that of those that came packed."""
        task = self._task
        call = _compose(task, params, self._adapt, self._canceller)
        if self._recorder is not None:
            call = self._recorder.noting(call)
        opened = opening(call, task)
        return (opened if any(codec.required for codec in task.codecs) else call), opened


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise BadMessage(reason=f"run_times={value!r} is no number of runs")
    return value


def prepared(task: Task) -> Call:
    """The function within the user's decorator, called with arguments as they travel."""
    assert task.function is not None and task.signature is not None
    function = by_name(task.function, task.signature)
    if task.params.consuming_function_decorator is not None:
        function = task.params.consuming_function_decorator(function)
    return rebuilding(function, task)


def _compose(task: Task, params: BoosterParams, adapt: Callable[[Call], Call], canceller: Canceller | None) -> Call:
    """The function with what may end its runs, the pool's way of calling it, and the plugins' wrappers."""
    function = awaiting(prepared(task)) if task.is_async else prepared(task)
    call = adapt(function if canceller is None else canceller.wrap(function, params))
    for wrap in reversed(binding.bind_around(task.hooks, "funboost_around_execute", task=task)):
        call = wrap(call)
    return call
