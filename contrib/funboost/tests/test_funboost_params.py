"""The documented parameter classes: fields, defaults, spellings, subclasses, errors, and what is refused."""

from __future__ import annotations

import datetime
import inspect
import json
from typing import Optional

import pytest
from funboost import (
    BoosterParams,
    BoosterParamsComplete,
    BrokerEnum,
    ConcurrentModeEnum,
    FunctionResultStatusPersistanceConfig,
    PriorityConsumingControlConfig,
    PublisherParams,
)

from funboost_core.errors import ConfigError
from funboost_core.params import BoosterParams as CoreParams

# SPEC section 3.1, under the documented names
DEFAULTS = {
    "broker_kind": "sqlite3",
    "concurrent_mode": "threading",
    "concurrent_num": 50,
    "specify_concurrent_pool": None,
    "specify_async_loop": None,
    "is_auto_start_specify_async_loop_in_child_thread": True,
    "qps": None,
    "is_using_distributed_frequency_control": False,
    "is_send_consumer_hearbeat_to_redis": False,
    "max_retry_times": 3,
    "retry_interval": 0,
    "is_push_to_dlx_queue_when_retry_max_times": False,
    "consumin_function_decorator": None,
    "function_timeout": None,
    "log_level": 10,
    "logger_prefix": "",
    "create_logger_file": True,
    "logger_name": "",
    "log_filename": None,
    "is_show_message_get_from_broker": False,
    "is_print_detail_exception": True,
    "msg_expire_senconds": None,
    "do_task_filtering": False,
    "task_filtering_expire_seconds": 0,
    "user_custom_record_process_info_func": None,
    "is_using_rpc_mode": False,
    "rpc_result_expire_seconds": 600,
    "delay_task_apscheduler_jobstores_kind": "redis",
    "is_support_remote_kill_task": False,
    "is_do_not_run_by_specify_time_effect": False,
    "do_not_run_by_specify_time": ("10:00:00", "22:00:00"),
    "schedule_tasks_on_main_thread": False,
    "is_auto_start_consuming_message": False,
    "consuming_function": None,
    "consuming_function_raw": None,
    "consuming_function_name": "",
    "broker_exclusive_config": {},
    "should_check_publish_func_params": True,
    "publish_msg_log_use_full_msg": False,
    "consumer_override_cls": None,
    "publisher_override_cls": None,
    "consuming_function_kind": None,
    "auto_generate_info": {},
    "booster_group": None,
}

SPELLINGS = {
    "consumin_function_decorator": ("consuming_function_decorator", print),
    "is_send_consumer_hearbeat_to_redis": ("is_send_consumer_heartbeat", True),
    "is_send_consumer_heartbeat_to_redis": ("is_send_consumer_heartbeat", True),
    "msg_expire_senconds": ("msg_expire_seconds", 7),
    "function_result_status_persistance_conf": (
        "history",
        FunctionResultStatusPersistanceConfig(is_save_status=True),
    ),
}


def test_every_documented_field_has_its_default(monkeypatch):
    for name in ("FUNBOOST_BROKER_KIND", "FUNBOOST_CONCURRENT_MODE"):
        monkeypatch.delenv(name, raising=False)
    params = BoosterParams(queue_name="q")
    for name, default in DEFAULTS.items():
        assert getattr(params, name) == default, name
    kept = params.function_result_status_persistance_conf
    assert (kept.is_save_status, kept.is_save_result, kept.expire_seconds) == (False, False, 604800)
    assert DEFAULTS.keys() <= params.dict().keys()
    further = params.dict().keys() - DEFAULTS.keys() - {"queue_name", "function_result_status_persistance_conf"}
    assert further <= CoreParams.model_fields.keys()


def test_shells_see_the_fields():
    for model in (
        BoosterParams,
        PriorityConsumingControlConfig,
        PublisherParams,
        FunctionResultStatusPersistanceConfig,
    ):
        parameters = inspect.signature(model).parameters
        assert list(parameters) == list(model.model_fields)
    assert inspect.signature(BoosterParams).parameters["max_retry_times"].default == 3
    assert inspect.signature(BoosterParams).parameters["queue_name"].default is inspect.Parameter.empty
    assert list(inspect.signature(BoosterParams(queue_name="q")).parameters) == ["function"]


def test_the_complete_parameters_switch_everything_on():
    params, other = BoosterParamsComplete(queue_name="q"), BoosterParamsComplete(queue_name="other", qps=3)
    kept = params.function_result_status_persistance_conf
    assert (kept.is_save_status, kept.is_save_result, kept.expire_seconds) == (True, True, 604800)
    assert params.is_send_consumer_hearbeat_to_redis and params.is_using_rpc_mode
    assert (params.rpc_result_expire_seconds, params.broker_kind) == (3600, BrokerEnum.RABBITMQ)
    assert params.specify_concurrent_pool is other.specify_concurrent_pool
    assert params.specify_concurrent_pool.max_workers == 500
    assert isinstance(other, BoosterParams)


def test_the_defaults_follow_the_settings(monkeypatch):
    monkeypatch.setenv("FUNBOOST_BROKER_KIND", "MEMORY_QUEUE")
    monkeypatch.setenv("FUNBOOST_CONCURRENT_MODE", "asyncio")
    params = BoosterParams(queue_name="q")
    assert (params.broker_kind, params.concurrent_mode) == (BrokerEnum.MEMORY_QUEUE, ConcurrentModeEnum.ASYNC)


@pytest.mark.parametrize("theirs", SPELLINGS)
def test_both_spellings_construct_read_and_write(theirs):
    ours, value = SPELLINGS[theirs]
    for name in (theirs, ours):
        params = BoosterParams(queue_name="q", **{name: value})
        assert getattr(params, theirs) == getattr(params, ours) == value
        assert params.model_fields_set == {"queue_name", ours}
    setattr(params, theirs, None)
    assert getattr(params, ours) is None
    with pytest.raises(ConfigError, match="spellings of the same field"):
        BoosterParams(queue_name="q", **{theirs: value, ours: value})


class Old(BoosterParams):
    """Written against the documentation."""

    broker_kind: str = BrokerEnum.MEMORY_QUEUE
    max_retry_times: int = 4
    msg_expire_senconds: Optional[float] = 9.5
    broker_exclusive_config: dict = {"pull_msg_batch_size": 7}
    function_result_status_persistance_conf: FunctionResultStatusPersistanceConfig = (
        FunctionResultStatusPersistanceConfig(is_save_status=False, is_save_result=False, expire_seconds=60)
    )


class Older(Old):
    """A subclass of a subclass, with the new names."""

    msg_expire_seconds: Optional[float] = 3
    concurrent_num: int = 7


def test_subclasses_change_defaults_under_any_spelling():
    old, older = Old(queue_name="q"), Older(queue_name="q", max_retry_times=0, qps=5)
    assert (old.broker_kind, old.max_retry_times, old.msg_expire_seconds) == ("MEMORY_QUEUE", 4, 9.5)
    assert old.broker_exclusive_config == {"pull_msg_batch_size": 7}
    assert old.function_result_status_persistence_conf.expire_seconds == 60
    assert (older.msg_expire_senconds, older.max_retry_times, older.concurrent_num) == (3, 0, 7)
    assert isinstance(older, BoosterParams)


def test_a_subclass_must_not_add_a_field():
    with pytest.raises(ValueError, match=r"adds the field 'max_retry_time'; .* Did you mean 'max_retry_times'"):

        class Wrong(BoosterParams):
            max_retry_time: int = 4


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"concurent_num": 3}, "queue 'q': there is no field 'concurent_num'. Did you mean 'concurrent_num'?"),
        ({"msg_expire_secs": 3}, "there is no field 'msg_expire_secs'"),
        ({"concurrent_num": 0}, "concurrent_num=0: Input should be greater than or equal to 1"),
        ({"msg_expire_senconds": -1}, "msg_expire_senconds"),
        ({"qps": 0}, "qps=0"),
        ({"max_retry_times": -1}, "max_retry_times=-1"),
        ({"delay_task_apscheduler_jobstores_kind": "disk"}, "'redis' or 'memory'"),
        ({"consuming_function_kind": "METHOD"}, "consuming_function_kind='METHOD'"),
    ],
)
def test_errors_name_the_field_and_the_value(fields, error):
    with pytest.raises(ConfigError) as caught:
        BoosterParams(queue_name="q", **fields)
    assert error in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_the_queue_must_be_named():
    with pytest.raises(ValueError, match="queue_name: Field required"):
        BoosterParams()
    with pytest.raises(ValueError, match="blank"):
        BoosterParams(queue_name=" ")


def test_concurrent_num_follows_qps_and_mode():
    def number(**fields):
        return BoosterParams(queue_name="q", **fields).concurrent_num

    assert number(qps=5) == 500
    assert number(qps=5, concurrent_num=50) == 50
    assert number(concurrent_mode="single_thread", concurrent_num=9, qps=5) == 1
    assert "concurrent_num" not in BoosterParams(queue_name="q", qps=5).model_fields_set


def test_pydantic_1_methods_speak_the_documented_names():
    params = BoosterParams(queue_name="q", msg_expire_senconds=3, consumin_function_decorator=print)
    values = params.dict(exclude_unset=True)
    assert values == {"queue_name": "q", "msg_expire_senconds": 3, "consumin_function_decorator": print}
    assert BoosterParams(**params.dict()) == params
    copy = params.copy(update={"msg_expire_senconds": 4})
    assert (copy.msg_expire_seconds, params.msg_expire_seconds) == (4, 3)
    text = params.json(exclude_none=True)
    assert json.loads(text)["msg_expire_senconds"] == 3
    assert "qps" not in json.loads(text)
    assert json.loads(params.json_str_value()) == params.get_str_dict() == json.loads(params.json_pre())
    assert params.get_str_dict()["consumin_function_decorator"] == "<built-in function print>"
    assert params.json_pre().startswith('{\n    "queue_name"')


def test_updates_in_place_are_checked():
    params = BoosterParams(queue_name="q", max_retry_times=1)
    assert params.update_from_dict({"msg_expire_senconds": 5}) is params
    params.update_from_kwargs(qps=3).update_from_model(PublisherParams(queue_name="other", log_level=20))
    assert (params.queue_name, params.msg_expire_seconds, params.qps, params.log_level) == ("other", 5, 3, 20)
    assert (params.max_retry_times, params.concurrent_num) == (1, 500)
    with pytest.raises(ValueError, match="qps"):
        params.update_from_dict({"qps": -1})
    assert params.qps == 3


def test_publisher_params_have_the_documented_defaults():
    expected = {
        "broker_kind": None,
        "log_level": 10,
        "logger_prefix": "",
        "create_logger_file": True,
        "logger_name": "",
        "log_filename": None,
        "clear_queue_within_init": False,
        "consuming_function": None,
        "broker_exclusive_config": {},
        "should_check_publish_func_params": True,
        "publisher_override_cls": None,
        "publish_msg_log_use_full_msg": False,
        "consuming_function_kind": None,
    }
    assert PublisherParams(queue_name="q").dict() == {"queue_name": "q", **expected}


def test_persistence_config():
    positional = FunctionResultStatusPersistanceConfig(True, True)
    assert (positional.is_save_status, positional.is_save_result, positional.expire_seconds) == (True, True, 604800)
    with pytest.raises(ValueError, match="is_save_result needs is_save_status"):
        FunctionResultStatusPersistanceConfig(is_save_status=False, is_save_result=True)


# -- one message's controls -----------------------------------------------------------------------------------------

CONTROLS = """function_timeout max_retry_times is_print_detail_exception msg_expire_senconds is_using_rpc_mode countdown
eta misfire_grace_time other_extra_params filter_str can_not_json_serializable_keys""".split()


def test_controls_default_to_none_and_only_what_is_set_is_written():
    control = PriorityConsumingControlConfig()
    assert [getattr(control, name) for name in CONTROLS] == [None] * len(CONTROLS)
    assert control.extra() == {}
    control = PriorityConsumingControlConfig(msg_expire_senconds=0, is_using_rpc_mode=False, max_retry_times=0)
    assert control.extra() == {"msg_expire_seconds": 0, "is_using_rpc_mode": False, "max_retry_times": 0}


def test_priority_is_written_for_the_broker_and_for_readers_of_the_documented_form():
    control = PriorityConsumingControlConfig(other_extra_params={"priroty": 3, "k": "v"})
    assert control.extra() == {"priority": 3, "other_extra_params": {"priroty": 3, "k": "v"}}
    with pytest.raises(ValueError, match="priority in other_extra_params is 'high'"):
        PriorityConsumingControlConfig(other_extra_params={"priroty": "high"})


def test_times_of_a_message():
    moment = datetime.datetime(2030, 1, 31, 8)
    assert PriorityConsumingControlConfig(eta=moment).extra() == {"eta": "2030-01-31 08:00:00"}
    assert PriorityConsumingControlConfig(eta="2030-01-31 08:00:00").extra() == {"eta": "2030-01-31 08:00:00"}
    zoned = PriorityConsumingControlConfig(eta=moment.replace(tzinfo=datetime.timezone.utc))
    assert zoned.extra() == {"eta": "2030-01-31 08:00:00+00:00"}
    with pytest.raises(ValueError, match="countdown and eta"):
        PriorityConsumingControlConfig(countdown=1, eta=moment)
    with pytest.raises(ValueError, match="misfire_grace_time=0"):
        PriorityConsumingControlConfig(misfire_grace_time=0)
    with pytest.raises(ValueError, match="eta='tomorrow' is no time"):
        PriorityConsumingControlConfig(eta="tomorrow")
