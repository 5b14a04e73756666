"""explain: what will happen to a call, where each control comes from, and who carries it out."""

from __future__ import annotations

import pytest

from funboost_core import BoosterParams, Environment, TaskOptions, boost
from funboost_core.explain import _HOW, _OF_MESSAGES, LEFT_OUT
from funboost_core.params import OVERRIDES


def task(**params):
    settings = {"STATE_URL": "memory://", "BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": "threading"}
    settings.update(params.pop("settings", {}))
    made = params.pop("cls", BoosterParams)(queue_name="q", **params)
    return boost(made, environment=Environment(settings))(lambda x, y=2: x)


def lines(booster, **options):
    return {line.control: line for line in booster.explain(TaskOptions(**options) if options else None)}


def test_every_parameter_has_a_line_or_is_left_out_on_purpose():
    assert _HOW.keys() | LEFT_OUT == BoosterParams.model_fields.keys()
    assert not _HOW.keys() & LEFT_OUT
    assert _HOW.keys() >= OVERRIDES
    assert _OF_MESSAGES.keys() | {"other_extra_params"} == TaskOptions.model_fields.keys() - OVERRIDES


def test_a_plain_task_shows_only_what_happens_to_it():
    shown = lines(task())
    assert list(shown) == [
        "queue",
        "broker",
        "concurrency",
        "should_check_publish_func_params",
        "max_deliveries",
        "max_retry_times",
    ]
    assert {shown[name].origin for name in ("max_deliveries", "max_retry_times")} == {"default"}
    assert shown["broker"].origin == "setting BROKER_KIND (argument)"


def test_the_origin_of_a_control():
    class Mine(BoosterParams):
        retry_interval: float = 5

    shown = lines(task(cls=Mine, max_retry_times=1), max_retry_times=0)
    assert shown["retry_interval"].origin == "class Mine"
    assert (shown["max_retry_times"].value, shown["max_retry_times"].origin) == ("0", "message")
    assert shown["retry_interval"].how == "no effect: max_retry_times is 0"
    assert lines(task(max_retry_times=1))["max_retry_times"].origin == "decorator"


def test_what_the_broker_does_and_what_the_state_does():
    shown = lines(task(retry_interval=5, is_using_rpc_mode=True, qps=3), countdown=3, priority=1)
    assert shown["retry_interval"].how == "waits in the broker; no worker is kept"
    assert shown["countdown"].how == "waits in the broker"
    assert shown["is_using_rpc_mode"].how.endswith("in the state (memory://)")
    assert "each consumer" in shown["qps"].how
    assert "higher ones out first" in shown["priority"].how


def test_passwords_are_not_shown():
    shown = lines(task(is_using_rpc_mode=True, settings={"RESULTS_URL": "redis://:hush@host/0"}))
    assert "hush" not in shown["is_using_rpc_mode"].how
    assert "redis://:***@host/0" in shown["is_using_rpc_mode"].how


@pytest.mark.parametrize(
    ("params", "control"),
    [
        ({"rpc_result_expire_seconds": 9}, "rpc_result_expire_seconds"),
        ({"retry_jitter": 0.5}, "retry_jitter"),
        ({"do_not_run_by_specify_time": ("01:00:00", "02:00:00")}, "do_not_run_by_specify_time"),
    ],
)
def test_what_has_no_effect_says_so(params, control):
    assert lines(task(**params))[control].how.startswith("no effect: ")


def test_as_text_it_is_a_table():
    text = str(task(qps=3, retry_only_for=(OSError, KeyError)).explain())
    first, *rest = text.splitlines()
    assert first.split() == ["control", "value", "from", "what", "happens"]
    assert any(line.startswith("qps ") and " 3 " in line for line in rest)
    assert "OSError, KeyError" in text
    assert len({line.index(" " + line.split()[1]) for line in rest}) == 1
