"""binding: hooks as plain callables, in pluggy's order, guarded."""

from __future__ import annotations

import itertools
import types

import pytest

from funboost_core import Environment, hookimpl
from funboost_core.binding import bind, bind_around, bind_deciding
from funboost_core.errors import ConfigError

NUMBERS = itertools.count(1)


def manager(*plugins):
    environment = Environment()
    for plugin in plugins:
        environment.manager.register(plugin)
    return environment.manager.scoped(())


def plugin(hook, function, **options):
    """A plugin with one hook."""
    module = types.ModuleType(f"plugin_{next(NUMBERS)}")
    setattr(module, hook, hookimpl(**options)(function))
    return module


NAMES = ("delivery", "task", "outcome")


def test_implementations_take_only_the_arguments_they_want():
    seen = []
    pm = manager(
        plugin("funboost_after_execute", lambda: seen.append(())),
        plugin("funboost_after_execute", lambda outcome: seen.append(outcome)),
        plugin("funboost_after_execute", lambda outcome, delivery: seen.append((outcome, delivery))),
        plugin("funboost_after_execute", lambda delivery, task, outcome: seen.append((delivery, task, outcome))),
    )
    for hook in bind(pm, "funboost_after_execute", *NAMES):
        hook("D", "T", "O")
    assert seen == [("D", "T", "O"), ("O", "D"), "O", ()]


def test_the_order_is_that_of_pluggy():
    seen = []

    def add(mark):
        return lambda: seen.append(mark)

    pm = manager(
        plugin("funboost_after_ack", add("first")),
        plugin("funboost_after_ack", add("last"), trylast=True),
        plugin("funboost_after_ack", add("second")),
        plugin("funboost_after_ack", add("early"), tryfirst=True),
    )
    for hook in bind(pm, "funboost_after_ack", "delivery", "task", "verdict"):
        hook(1, 2, 3)
    bound, seen[:] = list(seen), []
    pm.hook.funboost_after_ack(delivery=1, task=2, verdict=3)
    assert bound == seen == ["early", "second", "first", "last"]


def test_an_error_in_a_notify_hook_is_logged_and_goes_no_further(caplog):
    seen = []
    pm = manager(
        plugin("funboost_before_execute", lambda delivery: seen.append(delivery)),
        plugin("funboost_before_execute", lambda delivery: 1 / 0),
    )
    for hook in bind(pm, "funboost_before_execute", "delivery", "task"):
        assert hook("D", "T") is None
    assert seen == ["D"]
    (record,) = caplog.records
    assert "funboost_before_execute" in record.getMessage()
    assert "plugin_" in record.getMessage()
    assert record.exc_info[0] is ZeroDivisionError


def test_a_notify_hook_stops_nobody_but_system_exit_passes():
    def leave():
        raise SystemExit

    pm = manager(plugin("funboost_before_execute", leave))
    (hook,) = bind(pm, "funboost_before_execute", "delivery", "task")
    with pytest.raises(SystemExit):
        hook(1, 2)


def test_deciding_stops_at_the_first_answer_which_may_be_falsy():
    asked = []

    def answering(mark, answer):
        return lambda delivery: (asked.append(mark), answer)[1]

    pm = manager(
        plugin("funboost_admit", answering("never", "late")),
        plugin("funboost_admit", answering("answers", 0)),
        plugin("funboost_admit", answering("passes", None)),
    )
    decide = bind_deciding(pm, "funboost_admit", "delivery", "task")
    assert decide("D", "T") == 0
    assert asked == ["passes", "answers"]


def test_deciding_without_an_answer_or_without_anybody():
    pm = manager(plugin("funboost_admit", lambda: None), plugin("funboost_admit", lambda task: None))
    assert bind_deciding(pm, "funboost_admit", "delivery", "task")("D", "T") is None
    assert bind_deciding(manager(), "funboost_admit", "delivery", "task") is None
    assert bind(manager(), "funboost_after_ack", "delivery") == ()


def test_the_only_one_to_decide_is_called_directly():
    def only(delivery, task):
        return "answer"

    pm = manager(plugin("funboost_admit", only))
    assert bind_deciding(pm, "funboost_admit", "delivery", "task") is only


def test_an_error_in_a_deciding_hook_is_the_callers():
    pm = manager(plugin("funboost_admit", lambda: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        bind_deciding(pm, "funboost_admit", "delivery", "task")(1, 2)


@pytest.mark.parametrize("style", ["wrapper", "hookwrapper"])
@pytest.mark.parametrize("binder", [bind, bind_deciding])
def test_pluggy_wrappers_are_refused_by_name(style, binder):
    def around(delivery):
        yield

    pm = manager(plugin("funboost_admit", around, **{style: True}))
    with pytest.raises(ConfigError, match=r"Plugin plugin_.*funboost_admit as a wrapper.*funboost_around_execute"):
        binder(pm, "funboost_admit", "delivery", "task")


def test_wrappers_around_execution_are_outermost_first():
    def wrapper(mark):
        return lambda task: lambda call: lambda: [mark, *call(), mark]

    pm = manager(
        plugin("funboost_around_execute", wrapper("inner")),
        plugin("funboost_around_execute", lambda: None),
        plugin("funboost_around_execute", wrapper("outer")),
    )
    call = lambda: ["call"]  # noqa: E731
    for wrap in reversed(bind_around(pm, "funboost_around_execute", task="T")):
        call = wrap(call)
    assert call() == ["outer", "inner", "call", "inner", "outer"]
