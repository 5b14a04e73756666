"""Where overridden methods of broker and publisher are bound to the core, and that nothing else is."""

from __future__ import annotations

import json

import pytest
from funboost import (
    AbstractConsumer,
    AbstractPublisher,
    EmptyConsumer,
    ExceptionForRequeue,
    PriorityConsumingControlConfig,
)
from funboost.task import CONSUMING, PUBLISHING

from funboost_core import Capability, redrive
from funboost_core.consuming.plan import Planner
from funboost_core.errors import ConfigError
from funboost_core.ports.broker import PullBroker

WAIT = 40
KINDS = ["MEMORY_QUEUE", "SQLITE_QUEUE"]
MODES = ["threading", "single_thread", "async"]
kind = pytest.mark.parametrize("kind", KINDS)
mode = pytest.mark.parametrize("mode", MODES)


# -- settling --------------------------------------------------------------------------------------------------------------


@kind
def test_acknowledging_and_requeueing_of_an_installed_broker(kind, declare, environment, calls):
    class Noting(AbstractConsumer):
        def _confirm_consume(self, kw):
            calls.add("confirm", kw["body"]["x"])
            super()._confirm_consume(kw)

        def _requeue(self, kw):
            calls.add("requeue", kw["body"]["extra"]["task_id"])
            super()._requeue(kw)

    runs = []

    def f(x):
        runs.append(x)
        if len(runs) == 1:
            raise ExceptionForRequeue
        if x == 2:
            raise ValueError

    fields = {"max_retry_times": 0, "is_push_to_dlx_queue_when_retry_max_times": True, "concurrent_num": 1}
    task = declare(f, Noting, broker_kind=kind, **fields)
    task.publish({"x": 1}, task_id="one")
    task.consume()
    calls.wait(2)
    task.publish({"x": 2}, task_id="two")
    assert calls.wait(3) == [("requeue", "one"), ("confirm", 1), ("confirm", 2)]
    environment.worker.stop()
    assert task.get_message_count() == 0
    assert redrive("q", environment=environment) == 1
    assert task.get_message_count() == 1


def test_a_requeue_of_ones_own_leaves_nothing_behind(declare, environment, calls):
    class Elsewhere(AbstractConsumer):
        def _requeue(self, kw):
            self.publisher_of_dlx_queue.publish(kw["body"])
            calls.add("moved")

    def f(x):
        raise ExceptionForRequeue

    task = declare(f, Elsewhere)
    task.push(1)
    task.consume()
    calls.wait(1)
    environment.worker.stop()
    assert task.get_message_count() == 0
    assert task.consumer.publisher_of_dlx_queue.get_message_count() == 1
    task.consumer.publisher_of_dlx_queue.close()


def test_a_loop_of_ones_own_over_an_installed_broker(declare, environment, calls):
    class Twice(AbstractConsumer):
        def _shedual_task(self):
            import threading

            for x in range(2):
                self._submit_task({"body": {"x": x}})
            threading.Event().wait()

    f = declare(lambda x: calls.add(x), Twice)
    f.push(9)
    f.consume()
    assert sorted(calls.wait(2)) == [(0,), (1,)]
    assert f.get_message_count() == 1  # nobody takes it from there any more
    C = Capability
    assert f.task.capabilities == C.PUBLISH | C.COUNT | C.PURGE | C.BATCH | C.THREADSAFE_ACK


# -- publishing -------------------------------------------------------------------------------------------------------------


@kind
def test_overriding_how_is_published(kind, declare, environment, calls):
    class Loud(AbstractPublisher):
        def custom_init(self):
            calls.add("init", self.queue_name)

        def concrete_realization_of_publish(self, msg):
            assert type(msg) is str
            calls.add("publish", json.loads(msg)["x"])
            super().concrete_realization_of_publish(msg)

        def get_message_count(self):
            return super().get_message_count() + 100

        def clear(self):
            calls.add("clear")
            super().clear()

        def close(self):
            calls.add("close")
            super().close()

    f = declare(lambda x: calls.add("run", x), None, Loud, broker_kind=kind)
    f.push("é")
    assert f.get_message_count() == f.publisher.get_message_count() == 101
    f.publisher.clear()
    assert f.get_message_count() == 100
    f.clear()
    f.publish({"x": 1}, priority_control_config=PriorityConsumingControlConfig(countdown=0.05))
    f.consume()
    seen = [("init", "q"), ("publish", "é"), ("clear",), ("clear",), ("publish", 1), ("run", 1)]
    assert calls.wait(6) == seen
    environment.worker.stop()
    f.close()
    assert calls.seen[6:] == [("close",)]
    f.push(2)
    assert calls.seen[7:] == [("init", "q"), ("publish", 2)]


def test_the_constructor_may_be_overridden(declare, calls):
    class Old(AbstractPublisher):
        def __init__(self, publisher_params):
            super().__init__(publisher_params)
            calls.add(publisher_params.queue_name)

    f = declare(lambda x: x, None, Old)
    assert f.publisher.publisher_params.broker_exclusive_config == {"pull_msg_batch_size": 100}
    assert calls.seen == [("q",)]


# -- what is bound, and when --------------------------------------------------------------------------------------------------


def test_what_is_not_overridden_is_not_there(declare, environment):
    plain = declare(lambda x: x)
    broker = plain.task.make_broker()
    assert type(broker).__name__ == "MemoryBroker"
    broker.close()
    assert plain.task.hooks is environment.manager.scoped(())

    class Nothing(AbstractConsumer):
        def custom_init(self): ...

    class Records(Nothing):
        def user_custom_record_process_info_func(self, current_function_result_status): ...

    for cls, finishing in ((Nothing, 0), (Records, 1)):
        f = declare(lambda x: x, cls)
        planner = Planner(f.task, lambda function: function)
        assert planner.convert is None
        assert planner.plain.bare is (not finishing)
        assert len(planner.plain.finish) == finishing
        assert planner.plain.call is f.consuming_function
        broker = f.task.make_broker()
        assert type(broker).__name__ == "MemoryBroker"
        broker.close()


def test_the_broker_s_own_methods_are_called_directly_where_nothing_is_between(declare):
    class Counts(AbstractPublisher):
        def get_message_count(self):
            return 5

    broker = declare(lambda x: x, None, Counts).task.make_broker()
    for method in ("publish", "fetch", "turn", "ack", "requeue", "forward", "purge", "wake"):
        assert getattr(broker, method).__self__ is broker.beneath
    assert broker.count() == 5
    broker.close()


def test_consumers_are_made_once_and_only_where_somebody_consumes(declare, calls):
    class Made(AbstractConsumer):
        def custom_init(self):
            calls.add(self.queue_name, self.consumer_params.queue_name, self.publisher_of_same_queue.queue_name)

        def _run(self, kw):
            calls.add(self.consuming_function is f.consuming_function, self.consumer_identification)

    f = declare(lambda x: x, Made)
    f.push(1)
    assert f.get_message_count() == 1
    assert calls.seen == []
    f.consume()
    f.push(2)
    assert calls.wait(3)[0] == ("q", "q", "q")
    assert calls.seen[1] == calls.seen[2] == (True, f.consumer.consumer_identification)
    assert f.consumer.queue_name == f.consumer._queue_name == "q"


@pytest.mark.parametrize(
    ("mode", "name", "function", "problem"),
    [
        ("async", "_run", lambda self, kw: None, r"Plain._run is not called .*'async'. Override _async_run"),
        ("threading", "_async_run", lambda self, kw: None, "_async_run is not called .* Override _run"),
        ("threading", "aio_user_custom_record_process_info_func", lambda self, s: None, "aio_user.* is not called"),
        ("async", "_async_run", lambda self, kw: None, r"must be a coroutine function"),
    ],
)
def test_methods_that_would_not_be_called_are_refused(mode, name, function, problem, declare):
    Plain = type("Plain", (AbstractConsumer,), {name: function})
    f = declare(lambda x: x, Plain, None, mode)
    with pytest.raises(ConfigError, match=problem):
        f.consume()


def test_coroutines_where_plain_methods_are_called_are_refused(declare):
    class Wrong(AbstractConsumer):
        async def user_custom_record_process_info_func(self, current_function_result_status): ...

    with pytest.raises(ConfigError, match="must not be a coroutine function"):
        declare(lambda x: x, Wrong).consume()


def test_classes_are_put_together_in_any_way(declare):
    for cls in (AbstractConsumer, object, type("Own", (), {}), type("Mine", (AbstractConsumer,), {})):
        f = declare(lambda x: x, cls)
        assert isinstance(f.consumer, cls)
        assert isinstance(f.consumer, AbstractConsumer)
        assert f.task.overridden == {}
    with pytest.raises(TypeError, match="EmptyConsumer and has to implement"):
        declare(lambda x: x, EmptyConsumer)


def test_every_method_that_can_be_overridden_is_in_a_class_and_in_the_documentation():
    from pathlib import Path

    assert all(callable(getattr(AbstractConsumer, name)) for name in CONSUMING)
    assert all(callable(getattr(AbstractPublisher, name)) for name in PUBLISHING)
    docs = Path(__file__).parents[3] / "docs"
    for language in ("en", "zh"):
        rows = (docs / language / "override.md").read_text("utf-8")
        assert not [name for name in (*CONSUMING, *PUBLISHING, "custom_init") if f"| `{name}" not in rows]


def test_the_broker_stays_a_pull_broker(declare):
    class Confirms(AbstractConsumer):
        def _confirm_consume(self, kw): ...

    broker = declare(lambda x: x, Confirms).task.make_broker()
    assert isinstance(broker, PullBroker)
    broker.close()
