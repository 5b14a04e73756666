"""params: what users set is validated with texts that help; a message's overrides win, falsy ones too."""

from __future__ import annotations

import datetime

import pytest
from pydantic import ValidationError

from funboost_core import BoosterParams, ConfigError, PublisherParams, TaskOptions
from funboost_core.params import OVERRIDES, overridden


def test_defaults_are_the_documented_ones():
    params = BoosterParams(queue_name="q")
    assert (params.concurrent_num, params.max_retry_times, params.retry_interval) == (50, 3, 0)
    assert params.qps is None
    assert params.broker_kind is None
    assert params.concurrent_mode is None
    assert params.is_using_rpc_mode is False
    assert params.rpc_result_expire_seconds == 600
    assert params.max_message_bytes == 16 * 1024 * 1024
    assert PublisherParams(queue_name="q").should_check_publish_func_params is True


def test_mutable_defaults_are_not_shared():
    BoosterParams(queue_name="a").broker_exclusive_config["x"] = 1
    assert BoosterParams(queue_name="b").broker_exclusive_config == {}


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({}, "queue_name"),
        ({"queue_name": ""}, "queue_name"),
        ({"queue_name": "  "}, "queue_name is blank; give the queue a name"),
        ({"queue_name": "q", "qps": 0}, "qps"),
        ({"queue_name": "q", "qps": -1}, "qps"),
        ({"queue_name": "q", "concurrent_num": 0}, "concurrent_num"),
        ({"queue_name": "q", "max_retry_times": -1}, "max_retry_times"),
        ({"queue_name": "q", "retry_interval": -0.1}, "retry_interval"),
        ({"queue_name": "q", "msg_expire_seconds": -1}, "msg_expire_seconds"),
        ({"queue_name": "q", "max_message_bytes": 0}, "max_message_bytes"),
        ({"queue_name": "q", "concurent_num": 5}, "concurent_num"),
    ],
)
def test_wrong_values_are_named(wrong, text):
    with pytest.raises(ValidationError, match=text):
        BoosterParams(**wrong)


@pytest.mark.parametrize("value", [0.01, 0.5, 10_000])
def test_rates_may_be_fractions(value):
    assert BoosterParams(queue_name="q", qps=value).qps == value


def test_a_subclass_may_change_defaults():
    class Mine(BoosterParams):
        max_retry_times: int = 0
        qps: float = 2

    assert Mine(queue_name="q").max_retry_times == 0
    assert Mine(queue_name="q", qps=7).qps == 7


def test_extra_has_what_is_set_under_its_own_name():
    options = TaskOptions(max_retry_times=0, is_using_rpc_mode=False, countdown=0, priority=0, filter_str="")
    assert options.extra() == {
        "max_retry_times": 0,
        "is_using_rpc_mode": False,
        "countdown": 0,
        "priority": 0,
        "filter_str": "",
    }
    assert TaskOptions().extra() == {}


def test_other_extra_params_stand_beside_them_and_win():
    options = TaskOptions(max_retry_times=1, other_extra_params={"tenant": "blue", "max_retry_times": 2})
    assert options.extra() == {"tenant": "blue", "max_retry_times": 2}


def test_an_eta_travels_as_text_and_keeps_its_zone():
    naive = datetime.datetime(2030, 1, 2, 3, 4, 5, 678)
    zone = datetime.timezone(datetime.timedelta(hours=8))
    assert TaskOptions(eta=naive).extra() == {"eta": "2030-01-02 03:04:05"}
    text = TaskOptions(eta=naive.replace(tzinfo=zone)).extra()["eta"]
    assert datetime.datetime.fromisoformat(text) == naive.replace(tzinfo=zone, microsecond=0)


def test_two_times_contradict_each_other_also_when_falsy():
    with pytest.raises(ValidationError, match="countdown and eta are both set; give one of them"):
        TaskOptions(countdown=0, eta="2030-01-01 00:00:00")


@pytest.mark.parametrize("wrong", [{"misfire_grace_time": 0}, {"countdown": -1}, {"max_retry_times": -1}, {"x": 1}])
def test_options_are_validated(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TaskOptions(**wrong)


BASE = BoosterParams(
    queue_name="q", max_retry_times=3, is_using_rpc_mode=True, is_print_detail_exception=True, msg_expire_seconds=9
)


@pytest.mark.parametrize(
    ("extra", "changed"),
    [
        ({"max_retry_times": 0}, {"max_retry_times": 0}),
        ({"max_retry_times": "2"}, {"max_retry_times": 2}),
        ({"is_using_rpc_mode": False}, {"is_using_rpc_mode": False}),
        ({"is_using_rpc_mode": "false"}, {"is_using_rpc_mode": False}),
        ({"is_print_detail_exception": False, "msg_expire_seconds": 0},
         {"is_print_detail_exception": False, "msg_expire_seconds": 0}),
        ({"max_retry_times": None}, {}),
        ({"task_id": "x", "publish_time": 1, "unknown": 5}, {}),
    ],
)  # fmt: skip
def test_a_message_overrides_with_usable_values(extra, changed):
    result = overridden(BASE, extra)
    assert {name: getattr(result, name) for name in OVERRIDES} == {
        **{name: getattr(BASE, name) for name in OVERRIDES},
        **changed,
    }
    for name, value in changed.items():
        assert type(getattr(result, name)) is type(value)
    assert BASE.max_retry_times == 3


@pytest.mark.parametrize("extra", [{"max_retry_times": "many"}, {"max_retry_times": -1}, {"is_using_rpc_mode": [1]}])
def test_a_message_cannot_override_with_nonsense(extra):
    with pytest.raises(ConfigError, match=next(iter(extra))):
        overridden(BASE, extra)


def test_without_overrides_the_very_same_parameters():
    assert overridden(BASE, {"task_id": 1}) is BASE


def test_only_controls_of_one_message_are_overridable():
    assert {"max_retry_times", "function_timeout", "is_using_rpc_mode", "msg_expire_seconds"} <= OVERRIDES
    assert not OVERRIDES & {"queue_name", "qps", "concurrent_num", "consuming_function", "hooks", "broker_kind"}
