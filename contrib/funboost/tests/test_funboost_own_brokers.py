"""Brokers that users write as two classes: settling, what they can do, what is refused; and life without decorator."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import pytest
from funboost import (
    AbstractConsumer,
    AbstractPublisher,
    BoosterParams,
    BrokerEnum,
    EmptyConsumer,
    EmptyPublisher,
    ExceptionForRequeue,
    PriorityConsumingControlConfig,
    PublisherParams,
    boost,
    fct,
    get_consumer,
    get_publisher,
    register_custom_broker,
)
from funboost_testing.clock import FakeClock
from overriding_classes import ListConsumer, ListPublisher, declare, of, source, stacks

from funboost_core import Capability, redrive
from funboost_core.errors import CapabilityMissing, ConfigError

WAIT = 40


# -- settling -------------------------------------------------------------------------------------------------------------


def test_requeue_and_immediate_retries(queue, environment, calls):
    @lambda function: declare(environment, queue, "stack", function, concurrent_num=1)
    def f(x):
        calls.add(fct.task_id)
        if len(calls.seen) < 3:
            raise ExceptionForRequeue
        if len(calls.seen) < 5:
            raise ValueError(x)

    f.publish({"x": 1}, task_id="mine")
    f.consume()
    assert calls.wait(5) == [("mine",)] * 5
    assert environment.worker.stop()
    assert len(stacks[queue].acknowledged) == 3  # twice put back, once done
    assert stacks[queue].waiting == []


def test_dead_letters_and_delays_wait_in_the_state_store_and_are_acknowledged(queue, environment, calls):
    clock = environment.clock = FakeClock()

    def f(x):
        calls.add(x)
        raise ValueError(x)

    fields = {"max_retry_times": 0, "is_push_to_dlx_queue_when_retry_max_times": True}
    task = declare(environment, queue, "stack", f, **fields)
    task.publish({"x": 1})
    task.publish({"x": 2}, priority_control_config=PriorityConsumingControlConfig(countdown=0.5))
    task.send_msg("no JSON")
    task.consume()
    stack = stacks[queue]
    while len(stack.acknowledged) < 3:  # both failures, and what is put off
        threading.Event().wait(0.002)
    assert calls.seen == [(1,)]
    while len(calls.seen) < 2:
        clock.advance(0.1)
        threading.Event().wait(0.002)
    assert calls.seen == [(1,), (2,)]
    assert environment.worker.stop()
    assert len(stack.acknowledged) == 4
    assert (stack.taken, stack.waiting) == ({}, [])
    assert redrive(queue, environment=environment) == 3
    assert {json.loads(text)["x"] for text in stack.waiting if text != "no JSON"} == {1, 2}
    assert "no JSON" in stack.waiting


def test_an_acknowledgement_that_fails_is_tried_again_and_none_is_told_twice(queue, environment, calls):
    told, failing = [], [OSError("away")]

    class Failing(source(loop=lambda self: submit(self))):
        def _confirm_consume(self, kw):
            told.append(kw["body"]["x"])
            if failing:
                raise failing.pop()

    def submit(self):
        for x in range(2):
            self._submit_task({"body": {"x": x}})
        threading.Event().wait()

    f = of(Failing, environment, queue, lambda x: calls.add(x), concurrent_mode="single_thread")
    f.consume()
    calls.wait(2)
    environment.worker.stop()
    assert sorted(told) == [0, 0, 1]
    assert environment.worker.stop()


def test_publishing_is_tried_ten_times(queue, environment):
    attempts = []

    class Flaky(AbstractPublisher):
        def concrete_realization_of_publish(self, msg):
            attempts.append(msg)
            if len(attempts) < 4 or json.loads(msg)["x"] == "bad":
                raise OSError("away")

    environment.clock = SimpleNamespace(
        **{name: getattr(environment.clock, name) for name in ("time", "monotonic", "wait")}, sleep=lambda seconds: None
    )
    params = BoosterParams(queue_name=queue, broker_kind=BrokerEnum.EMPTY, publisher_override_cls=Flaky)
    f = boost(params, environment=environment)(lambda x: x)
    f.push(1)
    assert len(attempts) == 4
    with pytest.raises(Exception, match="OSError: away"):
        f.push("bad")
    assert len(attempts) == 14


# -- what is declared ----------------------------------------------------------------------------------------------------


def test_capabilities_are_what_the_classes_show(queue, environment):
    C = Capability

    class Shared(ListPublisher):
        CAPABILITIES = C.CROSS_PROCESS

    class Half(AbstractPublisher):
        def concrete_realization_of_publish(self, msg): ...

    whole = C.ACK | C.REQUEUE | C.PUBLISH | C.COUNT | C.PURGE | C.THREADSAFE_ACK
    own = {"broker_kind": BrokerEnum.EMPTY, "consumer_override_cls": ListConsumer}
    for fields, expected in (
        ({**own, "publisher_override_cls": ListPublisher}, whole),
        ({**own, "publisher_override_cls": Shared}, whole | C.CROSS_PROCESS),
        ({**own, "publisher_override_cls": Half}, whole & ~(C.COUNT | C.PURGE)),
        (own, C.ACK | C.REQUEUE | C.THREADSAFE_ACK),
    ):
        f = boost(BoosterParams(queue_name=queue, **fields), environment=environment)(lambda x: x)
        assert f.task.capabilities == expected
    with pytest.raises(CapabilityMissing, match="This broker only consumes"):
        f.push(1)
    with pytest.raises(CapabilityMissing, match="CROSS_PROCESS"):
        f.multi_process_consume(2)


def test_what_is_missing_is_said_where_the_task_is_declared_or_started(queue, environment):
    class NoRequeue(EmptyConsumer):
        def _shedual_task(self): ...

        def _confirm_consume(self, kw): ...

    class NoClose(EmptyPublisher):
        def concrete_realization_of_publish(self, msg): ...

        def clear(self): ...

        def get_message_count(self): ...

    def params(**fields):
        return BoosterParams(queue_name=queue, broker_kind=BrokerEnum.EMPTY, **fields)

    with pytest.raises(ConfigError, match="give consumer_override_cls and publisher_override_cls"):
        boost(params(), environment=environment)(lambda x: x)
    with pytest.raises(TypeError, match="NoRequeue is an EmptyConsumer and has to implement _requeue"):
        boost(params(consumer_override_cls=NoRequeue), environment=environment)(lambda x: x)
    with pytest.raises(TypeError, match="NoClose is an EmptyPublisher and has to implement close"):
        boost(params(publisher_override_cls=NoClose), environment=environment)(lambda x: x)
    only_out = boost(params(publisher_override_cls=ListPublisher), environment=environment)(lambda x: x)
    with pytest.raises(ConfigError, match="does not override _dispatch_task"):
        only_out.consume()

    class Loop(AbstractConsumer):
        def _shedual_task(self): ...

    only_in = boost(params(consumer_override_cls=Loop), environment=environment)(lambda x: x)
    with pytest.raises(ConfigError, match="does not override _requeue"):
        only_in.consume()


@pytest.mark.parametrize("pair", [(ListConsumer, ListPublisher), (object, ListConsumer), (ListPublisher, 5)])
def test_only_classes_of_the_right_sides_are_registered(pair):
    with pytest.raises(TypeError, match=r"register_custom_broker\(broker_kind, publisher_class, consumer_class\)"):
        register_custom_broker("OWN_WRONG", *pair)


def test_registered_classes_may_change_an_installed_kind_or_must_be_complete(queue, environment, calls):
    class Counting(AbstractPublisher):
        def concrete_realization_of_publish(self, msg):
            calls.add(json.loads(msg)["x"])
            super().concrete_realization_of_publish(msg)

    register_custom_broker("Memory_Queue", Counting, AbstractConsumer)
    try:
        f = boost(BoosterParams(queue_name=queue, broker_kind="MEMORY_QUEUE"), environment=environment)(lambda x: x)
        f.push(7)
        assert calls.seen == [(7,)]
        assert f.get_message_count() == 1
    finally:
        from funboost.task import registered

        del registered["memory_queue"]
    register_custom_broker("OWN_NOTHING", Counting, AbstractConsumer)
    f = boost(BoosterParams(queue_name=queue, broker_kind="OWN_NOTHING"), environment=environment)(lambda x: x)
    with pytest.raises(ConfigError, match="do not override _dispatch_task, and no broker of that name is installed"):
        f.push(1)


# -- without the decorator -------------------------------------------------------------------------------------------------


def test_a_consumer_and_a_publisher_without_the_decorator(queue, environment, calls):
    params = BoosterParams(queue_name=queue, consuming_function=lambda x: calls.add(x))
    consumer = get_consumer(params, environment=environment)
    assert isinstance(consumer, AbstractConsumer)
    consumer.publisher_of_same_queue.publish({"x": 1})
    consumer.start_consuming_message()
    with get_publisher(PublisherParams(queue_name=queue), environment=environment) as publisher:
        assert isinstance(publisher, AbstractPublisher)
        publisher.publish({"x": 2})
        publisher.send_msg('{"x": 3}')
        with pytest.raises(ValueError, match="its function is not known here"):
            publisher.push(4)
    assert sorted(calls.wait(3)) == [(1,), (2,), (3,)]
    consumer.wait_for_possible_has_finish_all_tasks(0.002)
    with pytest.raises(ValueError, match="get_consumer needs consuming_function"):
        get_consumer(BoosterParams(queue_name=queue), environment=environment)


def test_a_publisher_may_empty_the_queue_first(queue, environment):
    f = boost(BoosterParams(queue_name=queue), environment=environment)(lambda x: x)
    f.push(1)
    fields = {"queue_name": queue, "clear_queue_within_init": True}
    with get_publisher(PublisherParams(**fields), environment=environment) as publisher:
        assert publisher.get_message_count() == f.get_message_count() == 0


def test_classes_are_made_by_the_framework_alone():
    for cls in (ListConsumer, ListPublisher):
        with pytest.raises(ConfigError, match=f"{cls.__name__} is made by the framework"):
            cls(BoosterParams(queue_name="q"))
