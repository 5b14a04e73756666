"""plan: a message's steps contain the controls that it uses and nothing else."""

from __future__ import annotations

import functools
import logging

import pytest
from support.program import message

from funboost_core import BadMessage, BoosterParams, ConfigError, Skip, hookimpl
from funboost_core.consuming.plan import Planner
from funboost_core.params import OVERRIDES


def steps(program, **params):
    return program.line(**params).planner.plain.steps()


def test_a_bare_task_has_no_steps_at_all(program):
    plan = program.line().planner.plain
    assert plan.bare
    assert all(step == () for step in plan.steps())


@pytest.mark.parametrize("name", sorted(set(BoosterParams.model_fields) - {"queue_name", "broker_kind", "log_level"}))
def test_a_control_at_its_default_leaves_no_trace(program, name):
    default = BoosterParams.model_fields[name].get_default(call_default_factory=True)
    plan = program.line(**{name: default}).planner.plain
    assert plan.steps() == steps(program) == ((),) * len(plan.steps())
    assert plan.bare


@pytest.mark.parametrize(
    "params",
    [
        {"msg_expire_seconds": 5},
        {"msg_expire_seconds": 0},
        {"is_using_rpc_mode": True},
        {"user_custom_record_process_info_func": print},
        {"log_level": logging.DEBUG},  # a line for each run
    ],
)
def test_a_control_that_is_used_adds_one_step(program, params):
    plan = program.line(**params).planner.plain
    assert sum(len(step) for step in plan.steps()) == 1


@pytest.mark.parametrize(
    "params",
    [{"qps": 5}, {"max_retry_times": 9}, {"retry_interval": 3}, {"concurrent_num": 1}, {"log_level": logging.INFO}],
)
def test_controls_that_act_elsewhere_cost_a_message_nothing(program, params):
    assert program.line(**params).planner.plain.bare


HOOKS = {
    "funboost_before_execute": 1,
    "funboost_after_execute": 2,
    "funboost_judge": 3,
    "funboost_before_ack": 4,
    "funboost_after_ack": 5,
}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_adds_its_own_step_and_ends_bareness(program, hook):
    plugin = type("Plugin", (), {hook: staticmethod(hookimpl(lambda delivery: None))})
    plan = program.line(hooks=[plugin]).planner.plain
    assert [bool(step) for step in plan.steps()] == [place == HOOKS[hook] for place in range(len(plan.steps()))]
    assert not plan.bare


def test_an_admit_hook_comes_last_and_leaves_the_run_bare(program):
    class Plugin:
        @hookimpl
        def funboost_admit(self):
            return Skip("never")

    line = program.line(hooks=[Plugin()], msg_expire_seconds=1)
    first, last = line.planner.plain.admit
    assert last(line.fetched()) == Skip("never")
    assert first(line.fetched()) is None
    assert line.planner.plain.bare


def test_a_message_without_controls_has_the_tasks_own_plan(program):
    line = program.line()
    for body in (message(), b'{"x":1}', message(tenant="blue"), b'{"x":1,"extra":{}}'):
        assert line.fetched(body).plan is line.planner.plain


@pytest.mark.parametrize(
    ("extra", "name", "value"),
    [
        ({"max_retry_times": 0}, "max_retry_times", 0),
        ({"is_using_rpc_mode": False}, "is_using_rpc_mode", False),
        ({"is_print_detail_exception": False}, "is_print_detail_exception", False),
        ({"msg_expire_seconds": 0}, "msg_expire_seconds", 0),
        ({"max_retry_times": 7}, "max_retry_times", 7),
    ],
)
def test_a_message_overrides_falsy_values_included_and_its_plan_is_kept(program, extra, name, value):
    line = program.line(is_using_rpc_mode=True, max_retry_times=3, msg_expire_seconds=9)
    one, two = line.fetched(message(**extra)), line.fetched(message({"x": 2}, **extra))
    assert one.plan is two.plan is not line.planner.plain
    assert getattr(one.plan.params, name) == value
    assert line.fetched(message()).plan is line.planner.plain


def test_overriding_switches_steps_on_and_off(program):
    line = program.line(is_using_rpc_mode=True)
    assert len(line.planner.plain.finish) == 1
    assert line.fetched(message(is_using_rpc_mode=False)).plan.bare
    line = program.line()
    assert len(line.fetched(message(is_using_rpc_mode=True)).plan.finish) == 1


@pytest.mark.parametrize(
    "extra", [{"max_retry_times": 0}, {"task_id": "a", "publish_time": 1, "max_retry_times": 0}, {"countdown": 5}]
)
def test_foreign_messages_override_with_as_few_entries_as_they_like(program, extra):
    import json

    line = program.line()
    delivery = line.fetched(json.dumps({"x": 1, "extra": extra}).encode())
    assert delivery.plan is not line.planner.plain


def test_one_and_true_are_not_the_same_override(program):
    line = program.line()
    plans = {line.fetched(message(msg_expire_seconds=value)).plan for value in (1, 1.5, 0)}
    assert len(plans) == 3


def test_other_spellings_are_understood(program):
    program.environment.aliases["extra"]["msg_expire_senconds"] = "msg_expire_seconds"
    line = program.line()
    assert line.fetched(message(msg_expire_senconds=7)).plan.params.msg_expire_seconds == 7


@pytest.mark.parametrize("extra", [{"max_retry_times": "many"}, {"msg_expire_seconds": -1}])
def test_a_bad_override_is_an_error_each_time(program, extra):
    line = program.line()
    for _ in range(2):
        with pytest.raises(ConfigError, match=next(iter(extra))):
            line.fetched(message(**extra))


def test_the_runs_so_far_come_with_the_message(program):
    line = program.line()
    delivery = line.fetched(message(run_times=2))
    assert delivery.runs == 2
    assert delivery.plan is line.planner.plain


@pytest.mark.parametrize("value", ["2", -1, 1.5, None, [], True])
def test_runs_that_are_no_number_are_a_bad_message(program, value):
    with pytest.raises(BadMessage, match="run_times"):
        program.line().fetched(message(run_times=value))


def test_plans_of_ever_new_overrides_do_not_pile_up(program):
    line = program.line()
    for number in range(3 * Planner._MOST):
        line.fetched(message(max_retry_times=number))
    assert len(line.planner._compiled) <= Planner._MOST


def test_every_override_has_an_effect_on_the_key(program):
    line = program.line()
    assert {"max_retry_times", "is_using_rpc_mode"} <= OVERRIDES
    seen = {line.fetched(message(max_retry_times=1)).plan, line.fetched(message(is_print_detail_exception=True)).plan}
    assert len(seen) == 2


def test_the_call_is_the_function_in_decorator_pool_and_wrappers(program):
    order = []

    def mark(name):
        def wrap(call):
            @functools.wraps(call)
            def marked(**arguments):
                order.append(name)
                return call(**arguments)

            return marked

        return wrap

    class Plugin:
        @hookimpl
        def funboost_around_execute(self, task):
            return mark("plugin")

    line = program.line(
        lambda x, /, y=1: order.append((x, y)),
        adapt=mark("pool"),
        consuming_function_decorator=mark("decorator"),
        hooks=[Plugin()],
    )
    line.planner.plain.call(x=5)
    assert order == ["plugin", "pool", "decorator", (5, 1)]
