"""The documentation's programs about priorities, filters, options of brokers and overriding, rewritten: 4.20 to 4.35, 7.9, 7.14."""

from __future__ import annotations

import threading

import pytest
from funboost import (
    AbstractConsumer,
    BoosterParams,
    BrokerEnum,
    ConcurrentModeEnum,
    FunctionResultStatus,
    PriorityConsumingControlConfig,
    boost,
)

from funboost_core.environment import Environment

WAIT = 50


def another(environment):
    """Another program with the same settings."""
    other = Environment(environment.settings.values)
    other.aliases, other.settings.defaults = environment.aliases, environment.settings.defaults
    return other


def test_an_option_of_one_broker(documented):
    """Chapter 4.20: what the broker knows is read by it; what it does not know is said."""
    pytest.importorskip("funboost_broker_kafka_confluent", reason="funboost-broker-kafka-confluent is not installed")

    def options(**given):
        params = BoosterParams(
            queue_name="q", broker_kind=BrokerEnum.KAFKA_CONFLUENT, broker_exclusive_config=given, log_level=40
        )
        return boost(params)(lambda x: x).task.options

    assert options(group_id="mine").group_id == "mine"
    assert options().group_id != "mine"


@pytest.mark.server
def test_what_a_method_of_a_subclass_records(on_redis, calls):
    """Chapter 4.21b.1: called for each run, with its arguments, result or exception."""

    class Mine(AbstractConsumer):
        def user_custom_record_process_info_func(self, current_function_result_status: FunctionResultStatus):
            status = current_function_result_status
            self.logger.debug(status.get_status_dict())
            calls.add(status.params["x"], status.success, status.result if status.success else status.exception_type)

    @boost(
        BoosterParams(
            queue_name="ack_use_timeout",
            broker_kind=BrokerEnum.REDIS,
            concurrent_mode=ConcurrentModeEnum.SINGLE_THREAD,
            log_level=10,
            max_retry_times=0,
            consumer_override_cls=Mine,
            is_show_message_get_from_broker=True,
        )
    )
    def f(x):
        if x % 2:
            raise ValueError("odd")
        return x * 2

    for i in range(6):
        f.push(i)
    f.consume()
    assert calls.wait(6) == [(i, False, "ValueError") if i % 2 else (i, True, i * 2) for i in range(6)]


def test_consuming_first_and_pushing_then(documented, calls):
    """Chapter 4.23: five at once and never more."""
    running, most, lock = 0, 0, threading.Lock()
    meeting = threading.Barrier(5, timeout=WAIT)

    @boost(BoosterParams(queue_name="test1", broker_kind=BrokerEnum.MEMORY_QUEUE, concurrent_num=5))
    def f(x, y):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        meeting.wait()
        with lock:
            running -= 1
        calls.add(x + y)

    f.consume()
    for i in range(20):
        f.push(i, i * 2)
    assert sorted(calls.wait(20)) == [(3 * i,) for i in range(20)]
    assert most == 5


@pytest.mark.server
def test_the_highest_priority_first(on_redis, calls):
    """Chapter 4.29.4."""
    pytest.importorskip("funboost_broker_redis_priority", reason="funboost[redis] is not installed here")

    @boost(
        BoosterParams(
            queue_name="test_redis_priority_queue4",
            broker_kind=BrokerEnum.REDIS_PRIORITY,
            qps=1000,
            concurrent_num=1,
            broker_exclusive_config={"x-max-priority": 4},
        )
    )
    def f(x):
        calls.add(x)

    f.clear()
    assert f.get_message_count() == 0
    for i in range(40):
        x = 1 + i * 7 % 4
        config = PriorityConsumingControlConfig(other_extra_params={"priroty": x})
        f.publish({"x": x}, priority_control_config=config)
    assert f.get_message_count() == 40
    f.consume()
    assert calls.wait(40) == [(x,) for x in (4, 3, 2, 1) for _ in range(10)]


@pytest.mark.server
def test_one_function_before_another(on_rabbitmq, calls):
    """Chapter 4.29.5: one queue, whose function calls others by name."""
    pytest.importorskip("funboost_broker_rabbitmq_amqpstorm", reason="funboost[rabbitmq] is not installed here")
    functions = {
        "f1": lambda x, y: calls.add("f1", x, y),
        "f2": lambda a: calls.add("f2", a),
        "f3": lambda b: calls.add("f3", b),
    }

    @boost(
        BoosterParams(
            queue_name="test_priority_between_funs",
            broker_kind=BrokerEnum.RABBITMQ_AMQPSTORM,
            qps=1000,
            concurrent_num=1,
            broker_exclusive_config={"x-max-priority": 5},
        )
    )
    def dispatch_fun(fun_name: str, fun_kwargs: dict):
        return functions[fun_name](**fun_kwargs)

    dispatch_fun.clear()
    for i in range(20):
        for level, (name, kwargs) in enumerate([("f1", {"x": i, "y": i}), ("f2", {"a": i}), ("f3", {"b": i})], 1):
            dispatch_fun.publish(
                {"fun_name": name, "fun_kwargs": kwargs},
                priority_control_config=PriorityConsumingControlConfig(other_extra_params={"priroty": level}),
            )
    assert dispatch_fun.get_message_count() == 60
    dispatch_fun.consume()
    assert [name for name, *_ in calls.wait(60)] == ["f3"] * 20 + ["f2"] * 20 + ["f1"] * 20


@pytest.mark.server
def test_arguments_that_have_run_are_left_out(on_redis, calls):
    """Chapter 4.35: by all arguments, or by the text that is given."""
    common = {"qps": 600, "broker_kind": BrokerEnum.REDIS, "do_task_filtering": True}

    @BoosterParams(queue_name="queue_test2", task_filtering_expire_seconds=3600, concurrent_num=1, **common)
    def f2(a, b):
        calls.add("f2", a, b)

    @BoosterParams(queue_name="queue_test3", concurrent_mode=ConcurrentModeEnum.SINGLE_THREAD, **common)
    def f3(a, b):
        calls.add("f3", a, b)

    def push(b):
        for i in range(10):
            f2.push(i, i * 2)
            config = PriorityConsumingControlConfig(filter_str=str(i))
            f3.publish(msg={"a": i, "b": b}, priority_control_config=config)

    f2.consume()
    f3.consume()
    push(b=1)
    assert len(calls.wait(20)) == 20
    push(b=2)
    f2.push(0, 99)
    f3.push(0, 99)
    assert sorted(calls.wait(22)[20:]) == [("f2", 0, 99), ("f3", 0, 99)]


@pytest.mark.server
def test_one_message_for_each_of_two_consumers(on_redis):
    """Chapter 6.24: with one thread and batches of one nothing is taken ahead, so that two machines share the work."""
    hold, began = threading.Event(), threading.Semaphore(0)
    other = another(on_redis)

    def work(x):
        began.release()
        hold.wait(WAIT)

    params = BoosterParams(
        queue_name="test_load_balancing",
        broker_kind=BrokerEnum.REDIS_ACK_ABLE,
        concurrent_mode=ConcurrentModeEnum.SINGLE_THREAD,
        broker_exclusive_config={"pull_msg_batch_size": 1},
    )
    consumers = [boost(params, environment=environment)(work) for environment in (on_redis, other)]
    try:
        for i in range(8):
            consumers[0].push(i)
        for consumer in consumers:
            consumer.consume()
        for _ in consumers:
            assert began.acquire(timeout=WAIT)
        assert consumers[0].get_message_count() == 6
    finally:
        hold.set()
        other.close()


@pytest.mark.server
def test_over_a_stream(on_redis, calls):
    """Chapter 7.9."""
    pytest.importorskip("funboost_broker_redis_stream", reason="funboost[redis] is not installed here")

    @boost(BoosterParams(queue_name="queue_test_f01", broker_kind=BrokerEnum.REDIS_STREAM))
    def f(a, b):
        calls.add(f"{a} + {b} = {a + b}")

    for i in range(20):
        f.push(i, b=i * 2)
    f.consume()
    assert sorted(calls.wait(20)) == sorted((f"{i} + {i * 2} = {3 * i}",) for i in range(20))


@pytest.mark.server
def test_over_mqtt(documented, mqtt_place, calls):
    """Chapters 3.1 and 7.14: beside a program that consumes; where none does, the server would lose what is published."""
    pytest.importorskip("funboost_broker_mqtt", reason="funboost-broker-mqtt is not installed here")
    host, _, port = mqtt_place.url.rpartition("/")[2].partition(":")
    documented.settings.values.update(MQTT_HOST=host, MQTT_TCP_PORT=int(port), NAMESPACE=mqtt_place.namespace)
    other = another(documented)

    def declared(environment, **options):
        params = BoosterParams(
            queue_name="mqtt_topic_test", broker_kind=BrokerEnum.MQTT, broker_exclusive_config=options
        )
        return boost(params, environment=environment)(lambda x, y: calls.add(x + y))

    try:
        unheard = declared(other, publish_timeout=0.1)
        told = "not confirmed"
        while "not confirmed" in told:  # the server may need longer than that for an answer
            with pytest.raises(ConnectionError) as raised:
                unheard.push(1, 2)
            told = str(raised.value)
        assert "Start a consumer first" in told
        declared(other).consume()
        f = declared(documented)
        for i in range(20):
            f.push(i, i * 2)
        f.consume()
        assert sorted(calls.wait(20)) == [(3 * i,) for i in range(20)]
    finally:
        other.close()
