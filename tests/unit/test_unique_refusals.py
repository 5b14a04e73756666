"""Controls of uniqueness that contradict each other, or have no place to keep their keys, are refused with the fix."""

from __future__ import annotations

import pytest

from funboost_core import BrokerSpec, Capability, ConfigError, boost, hookimpl
from funboost_core.errors import CapabilityMissing, StateMissing


def declare(program, **params):
    boost(program.params(**params), environment=program.environment)(lambda x: x)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"do_task_filtering": True, "unique": "while_running"}, "do_task_filtering, which is unique='after_success'"),
        ({"throttle_seconds": 1, "debounce_seconds": 1}, "throttle_seconds.* and debounce_seconds"),
        ({"debounce_seconds": 1, "unique": "while_queued"}, "debounce_seconds.* and unique='while_queued'"),
        ({"debounce_seconds": 1, "is_using_rpc_mode": True}, "debounce_seconds.* and is_using_rpc_mode"),
        ({"unique_key": "x"}, "unique_key='x' and nothing that uses it"),
        ({"unique_key": "user", "throttle_seconds": 1}, "'user', which is no argument"),
        ({"unique": "while_running", "broker_kind": "RADIO"}, "RADIO, which hands each message to all"),
    ],
)
def test_contradictions(make_program, params, text):
    class Radio:
        @hookimpl
        def funboost_brokers(self):
            return [BrokerSpec("RADIO", "nowhere:Radio", Capability.PUBLISH | Capability.BROADCAST)]

    program = make_program(STATE_URL="memory://")
    program.environment.manager.register(Radio())
    with pytest.raises(ConfigError, match=text):
        declare(program, **params)


@pytest.mark.parametrize(
    "params",
    [
        {"do_task_filtering": True, "unique": "after_success", "task_filtering_expire_seconds": 5},
        {"unique": "while_queued", "throttle_seconds": 5, "unique_key": ("x",)},
        {"unique": "while_running", "debounce_seconds": 5},
        {"task_filtering_expire_seconds": 5},
    ],
)
def test_what_goes_together(make_program, params):
    declare(make_program(STATE_URL="memory://"), **params)


@pytest.mark.parametrize(
    "params",
    [{"do_task_filtering": True}, {"unique": "while_queued"}, {"throttle_seconds": 5}, {"debounce_seconds": 5}],
)
def test_without_a_store(make_program, params):
    with pytest.raises(StateMissing, match=next(iter(params)) + ".*STATE_URL"):
        declare(make_program(STATE_URL=""), **params)


@pytest.mark.parametrize("unique", ["while_running", "after_success"])
def test_equal_ones_need_a_place_to_wait(make_program, unique):
    program = make_program(STATE_URL="", FILTER_URL="memory://")
    with pytest.raises(CapabilityMissing, match="STATE_URL"):
        declare(program, unique=unique, broker_kind="BARE")
    declare(program, unique=unique)
    declare(program, unique="while_queued", broker_kind="BARE", queue_name="q2")
