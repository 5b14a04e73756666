"""Times under their documented names: the chapters on delayed messages, priorities and the time that is forbidden."""

from __future__ import annotations

import datetime

import pytest
from funboost import BoosterParams, BrokerEnum, PriorityConsumingControlConfig, boost, defaults, fct
from funboost_testing.clock import FakeClock

from funboost_core.environment import Environment
from funboost_core.errors import ConfigError
from funboost_core.native import Thread

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))


@pytest.fixture
def at():
    """``at("2021-05-19 17:56:00")``: an environment whose clock, which stands still, says that in Shanghai."""
    made = []

    def at(text):
        start = datetime.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()
        environment = Environment({"BROKER_KIND": "MEMORY_QUEUE", "STATE_URL": "memory://"}, clock=FakeClock(start))
        defaults.apply(environment)
        made.append(environment)
        return environment

    yield at
    for environment in made:
        ending = Thread(target=environment.close, daemon=True)
        ending.start()
        while ending.is_alive():
            ending.join(0.01)
            environment.clock.advance(0.05)


def test_the_documented_delays(at, calls):
    """Chapter 4.9, message by message."""
    environment = at("2021-05-19 17:56:00")

    @boost(BoosterParams(queue_name="test_delay"), environment=environment)
    def f(x):
        calls.add(x)

    eta = datetime.datetime(2021, 5, 19, 17, 56, 30)
    Config = PriorityConsumingControlConfig
    f.publish({"x": 1}, priority_control_config=Config(countdown=10))
    f.publish({"x": 10}, priority_control_config=Config(eta=eta))
    f.publish({"x": 100}, priority_control_config=Config(countdown=10, misfire_grace_time=30))
    f.publish({"x": 1000}, priority_control_config=Config(eta=eta, misfire_grace_time=30))
    f.publish({"x": 10000}, priority_control_config=Config(eta=eta, misfire_grace_time=100000000))
    f.publish({"x": 100000}, priority_control_config=Config(eta="2021-05-19 17:56:30"))
    environment.clock.advance(61)  # 17:57:01: more than 40 seconds after publishing, and later than 17:57:00
    f.consume()
    assert sorted(x for (x,) in calls.wait(4)) == [1, 10, 10000, 100000]
    assert f.get_message_count() == 0
    assert len(calls.seen) == 4


def test_both_and_nonsense_are_refused():
    for controls, problem in (
        ({"countdown": 1, "eta": "2030-01-01 00:00:00"}, "countdown and eta are both set"),
        ({"eta": "tomorrow"}, r"eta='tomorrow' is no time such as '2030-01-31 08:00:00'"),
        ({"misfire_grace_time": 0}, "misfire_grace_time"),
    ):
        with pytest.raises(ValueError, match=problem):
            PriorityConsumingControlConfig(**controls)


def test_an_eta_is_written_in_the_documented_form():
    eta = datetime.datetime(2021, 5, 19, 17, 56, 30)
    assert PriorityConsumingControlConfig(eta=eta).extra() == {"eta": "2021-05-19 17:56:30"}


def test_the_documented_priority(environment, calls):
    """Chapter 4.29: the highest first, whatever the order of publishing."""

    @boost(BoosterParams(queue_name="q", concurrent_num=1), environment=environment)
    def f(x):
        calls.add(x, fct.full_msg["extra"].get("priority"))

    for x in (1, 3, 2, 4, 1, 4):
        config = PriorityConsumingControlConfig(other_extra_params={"priroty": x})
        f.publish({"x": x}, priority_control_config=config)
    f.consume()
    assert calls.wait(6) == [(x, x) for x in (4, 4, 3, 2, 1, 1)]


def test_functions_of_one_queue_by_priority(environment, calls):
    """Chapter 4.29.5: f3 before f2 before f1."""
    functions = {name: lambda name=name, **arguments: calls.add(name) for name in ("f1", "f2", "f3")}

    @boost(BoosterParams(queue_name="q", concurrent_num=1), environment=environment)
    def dispatch_fun(fun_name: str, fun_kwargs: dict):
        return functions[fun_name](**fun_kwargs)

    for i in range(10):
        for number, (name, arguments) in enumerate((("f1", {"x": i, "y": i}), ("f2", {"a": i}), ("f3", {"b": i})), 1):
            dispatch_fun.publish(
                {"fun_name": name, "fun_kwargs": arguments},
                priority_control_config=PriorityConsumingControlConfig(other_extra_params={"priroty": number}),
            )
    dispatch_fun.consume()
    assert [name for (name,) in calls.wait(30)] == ["f3"] * 10 + ["f2"] * 10 + ["f1"] * 10


@pytest.mark.parametrize("broker", [BrokerEnum.MEMORY_QUEUE, BrokerEnum.SQLITE_QUEUE])
def test_the_time_that_is_forbidden(at, calls, broker, tmp_path):
    environment = at("2024-01-05 21:59:58")
    environment.settings.defaults["DATA_DIR"] = str(tmp_path)

    @boost(
        BoosterParams(
            queue_name="night",
            broker_kind=broker,
            is_do_not_run_by_specify_time_effect=True,
            do_not_run_by_specify_time=("10:00:00", "22:00:00"),
        ),
        environment=environment,
    )
    def f(x):
        calls.add(x, environment.clock.time())

    begun = environment.clock.time()
    f.push(1)
    f.consume()
    environment.clock.until_waiting(2, 40)
    assert f.get_message_count() == 1
    assert calls.seen == []
    environment.clock.advance(2)
    assert calls.wait(1) == [(1, begun + 2)]


def test_without_its_switch_the_time_has_no_effect(at, calls):
    environment = at("2024-01-05 12:00:00")

    @boost(BoosterParams(queue_name="q", do_not_run_by_specify_time=("10:00:00", "22:00:00")), environment=environment)
    def f(x):
        calls.add(x)

    f.push(1)
    f.consume()
    assert calls.wait(1) == [(1,)]


def test_a_time_that_is_none_is_refused_where_the_task_is_declared(environment):
    params = BoosterParams(
        queue_name="q", is_do_not_run_by_specify_time_effect=True, do_not_run_by_specify_time=("10:00:00", "10 pm")
    )
    with pytest.raises(ConfigError, match=r"do_not_run_by_specify_time of queue 'q': '10 pm' is no time of day; write"):
        boost(params, environment=environment)(lambda x: x)
