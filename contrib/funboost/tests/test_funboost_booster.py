"""The decorator in all its spellings, and what it makes of a function, over the memory broker."""

from __future__ import annotations

import copy
import inspect
import threading
import time

import pytest
from funboost import (
    Booster,
    BoosterParams,
    boost,
    fct,
    funboost_current_task,
    get_current_taskid,
    wait_for_possible_has_finish_all_tasks_by_conusmer_list,
)
from funboost.booster import FunboostDeprecationWarning

from funboost_core.errors import ConfigError
from funboost_core.params import BoosterParams as CoreParams

# -- spellings ------------------------------------------------------------------------------------------------------


def test_the_four_spellings_are_equal(environment):
    def f(x):
        """Doubles."""
        return 2 * x

    made = [
        boost(BoosterParams(queue_name="q"), environment=environment)(f),
        boost(boost_params=BoosterParams(queue_name="q"), environment=environment)(f),
        Booster(BoosterParams(queue_name="q"), environment=environment)(f),
        BoosterParams(queue_name="q")(f),
        boost(CoreParams(queue_name="q"), environment=environment)(f),
    ]
    for booster in made:
        assert type(booster) is Booster
        assert isinstance(booster.boost_params, BoosterParams)
        assert (booster.queue_name, booster.consuming_function, booster(3)) == ("q", f, 6)
        assert (booster.__name__, booster.__doc__, booster.__wrapped__) == ("f", "Doubles.", f)
        assert booster.is_decorated_as_consume_function is True
        assert inspect.getfullargspec(booster).args == inspect.getfullargspec(booster.__wrapped__).args == ["x"]
    assert "args" in inspect.signature(Booster).parameters
    assert made[4].boost_params.broker_kind == BoosterParams(queue_name="q").broker_kind


@pytest.mark.parametrize("args", [("q",), ()])
def test_the_old_style_works_and_warns(args, environment):
    fields = {} if args else {"queue_name": "q"}
    for decorator in (boost, Booster):
        with pytest.warns(FunboostDeprecationWarning, match=r"@boost\('q', \.\.\.\) is the old style"):
            f = decorator(*args, qps=0.2, environment=environment, **fields)(lambda x: x)
        assert (f.queue_name, f.boost_params.qps) == ("q", 0.2)
        assert isinstance(f, Booster)


def test_what_boost_does_not_take(environment):
    with pytest.raises(ConfigError, match="Put qps into the BoosterParams of queue 'q'"):
        boost(BoosterParams(queue_name="q"), qps=3)
    with pytest.raises(ConfigError, match="takes BoosterParams, not <function"):
        boost(lambda x: x)
    with pytest.raises(ValueError, match="queue_name: Field required"):
        boost()


def test_the_params_know_the_function_and_the_original_is_not_changed(environment):
    params = BoosterParams(queue_name="q")

    def f(x):
        return x

    filled = boost(params, environment=environment)(f).boost_params
    assert (filled.consuming_function, filled.consuming_function_raw, filled.consuming_function_name) == (f, f, "f")
    file, _, line = filled.auto_generate_info["where_to_instantiate"].rpartition(":")
    assert (file, int(line)) == (__file__, f.__code__.co_firstlineno)
    assert (params.consuming_function, params.auto_generate_info) == (None, {})


def test_methods_bind_and_boosters_can_be_copied(environment):
    class Shop:
        @boost(BoosterParams(queue_name="q"), environment=environment)
        def price(self, x):
            return self, x

    shop = Shop()
    assert shop.price(3) == (shop, 3)
    assert copy.copy(Shop.price).queue_name == "q"


# -- publishing and consuming -----------------------------------------------------------------------------------------


def test_all_ways_to_publish_and_all_ways_to_start(environment, calls):
    @boost(BoosterParams(queue_name="q"), environment=environment)
    def f(x, y=0):
        calls.add(x, y)

    f.push(1, y=2)
    f.delay(2)
    f.publish({"x": 3})
    f.pub('{"x": 4}')
    f.apply_async({"x": 5}, "five")
    f.send_msg({"x": 6})
    f.publisher.push(7)
    f.publisher.delay(8)
    f.publisher.publish({"x": 9}, task_id=100005)
    f.publisher.send_msg('{"x": 10}')
    assert f.get_message_count() == f.publisher.get_message_count() == 10
    f.start()
    assert sorted(calls.wait(10)) == [(1, 2), *((x, 0) for x in range(2, 11))]


def test_the_publisher_and_consumer_sides(environment, calls):
    @boost(BoosterParams(queue_name="q", concurrent_num=1), environment=environment)
    def f(x):
        calls.add(x)

    with f.publisher as publisher:
        publisher.push(1)
        assert (publisher.queue_name, publisher._queue_name, publisher.publisher_params.queue_name) == ("q", "q", "q")
        assert publisher is f.publisher is f.consumer.publisher_of_same_queue
        publisher.clear()
        assert publisher.get_message_count() == 0
    consumer = f.consumer
    assert (consumer.queue_name, consumer.consuming_function) == ("q", f.consuming_function)
    assert consumer.consumer_params.consuming_function is f.consuming_function
    assert consumer is f.consumer
    consumer.publisher_of_same_queue.publish({"x": 2})
    consumer.start_consuming_message()
    assert calls.wait(1) == [(2,)]
    assert consumer.logger.name == "funboost.SqliteQueueConsumer--q"
    assert consumer.publisher_of_same_queue.logger.name == "funboost.SqliteQueuePublisher--q"


def test_clear_queue_and_pause(environment, calls):
    @boost(BoosterParams(queue_name="q"), environment=environment)
    def f(x):
        calls.add(x)

    f.push(1)
    f.clear_queue()
    assert f.get_message_count() == 0
    f.consume()
    f.pause()
    (consumer,) = environment.worker.consumers()
    while not consumer.gate.waiting:  # a fetch that had begun takes what comes, and gives it back
        time.sleep(0.01)
    f.push(2)
    assert f.get_message_count() == 1
    f.continue_consume()
    assert calls.wait(1) == [(2,)]


def test_waiting_until_everything_is_done(environment, calls):
    boosters, go_on, done = [], {"a": threading.Event(), "b": threading.Event()}, []

    def f(x):
        calls.add(x)
        go_on[x].wait()
        done.append(x)

    for name in go_on:
        booster = boost(BoosterParams(queue_name=name), environment=environment)(f)
        boosters.append(booster)
        booster.push(name)
        booster.consume()
    calls.wait(2)
    go_on["a"].set()
    threading.Timer(0.4, go_on["b"].set).start()  # longer than a queue must have been quiet
    wait_for_possible_has_finish_all_tasks_by_conusmer_list([b.consumer for b in boosters], minutes=0.002)
    assert sorted(done) == ["a", "b"]
    with pytest.raises(ValueError, match="minutes must be more than 0"):
        wait_for_possible_has_finish_all_tasks_by_conusmer_list(boosters, minutes=0)


def test_fct_and_its_function_form(environment, calls):
    @boost(BoosterParams(queue_name="q"), environment=environment)
    def f(x):
        calls.add(fct.task_id, get_current_taskid(), fct.function_params, fct.full_msg["extra"]["task_id"])

    assert funboost_current_task() is fct
    assert get_current_taskid() == "no_task_id"
    with pytest.raises(LookupError):
        fct.task_id
    f.publish({"x": 1}, task_id="mine")
    f.consume()
    assert calls.wait(1) == [("mine", "mine", {"x": 1}, "mine")]
