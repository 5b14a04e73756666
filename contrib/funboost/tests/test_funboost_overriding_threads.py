"""Overridden methods while several threads publish, settle, start and stop: each by the broker that it belongs to."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from funboost import AbstractConsumer, AbstractPublisher
from funboost.concurrent_pool import flexible_thread_pool
from overriding_classes import elsewhere

WAIT = 40


class Through(AbstractPublisher):
    """Does what the broker does."""

    closed = 0

    def concrete_realization_of_publish(self, msg):
        super().concrete_realization_of_publish(msg)

    def get_message_count(self):
        return super().get_message_count()

    def clear(self):
        super().clear()

    def close(self):
        type(self).closed += 1


# -- publishing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["MEMORY_QUEUE", "SQLITE_QUEUE"])
def test_publishing_goes_on_when_a_consumer_that_was_there_first_has_stopped(kind, declare, environment, calls):
    f = declare(lambda x: calls.add(x), None, Through, broker_kind=kind)
    f.consume()
    f.push(1)
    calls.wait(1)
    environment.worker.stop()
    f.push(2)
    assert f.get_message_count() == f.publisher.get_message_count() == 1
    f.clear()
    assert f.get_message_count() == 0


def test_nothing_is_published_through_a_consumer_that_still_connects(declare, environment, calls, monkeypatch):
    f = declare(lambda x: calls.add(x), None, Through, broker_kind="SQLITE_QUEUE")
    factory, connecting, go = f.task._beneath.factory, threading.Event(), threading.Event()
    from funboost_core.records import resolve

    kind, brokers = resolve(factory), []
    open_it = kind.open

    def slowly(broker):
        brokers.append(broker)
        if len(brokers) == 1:
            connecting.set()
            assert go.wait(WAIT)
        open_it(broker)

    monkeypatch.setattr(kind, "open", slowly)
    consuming = threading.Thread(target=f.consume)
    consuming.start()
    try:
        assert connecting.wait(WAIT)
        monkeypatch.setattr(brokers[0], "publish", lambda messages: pytest.fail("it is not connected"))
        f.push(1)
        assert f.publisher.get_message_count() == 1
    finally:
        go.set()
        consuming.join(WAIT)
    assert calls.wait(1) == [(1,)]


def test_the_publisher_is_closed_though_a_consumer_came_first(declare, calls):
    class Counted(Through):
        pass

    f = declare(lambda x: calls.add(x), None, Counted)
    f.consume()
    f.push(1)
    calls.wait(1)
    first = f.publisher
    f.close()
    assert type(first).closed == 1
    f.push(2)
    assert f.publisher is not first
    calls.wait(2)


def test_the_objects_are_made_before_the_lock_of_what_publishes_is_taken(declare):
    """Their `custom_init` may publish: two locks would be taken in one order here, in the other by who publishes first."""
    free = []

    def look():
        taken = f._lock.acquire(blocking=False)
        free.append(taken)
        if taken:
            f._lock.release()

    class Consumer(AbstractConsumer):
        def custom_init(self):
            self.publisher_of_same_queue.push(2)

    class Publisher(Through):
        def custom_init(self):
            elsewhere(look)

    f = declare(lambda x: None, Consumer, Publisher)
    f.push(1)
    assert f.consumer.queue_name == "q"
    assert free == [True]
    assert f.get_message_count() == 2


GREEN = """
from gevent import monkey

monkey.patch_all()

from funboost import AbstractConsumer, AbstractPublisher, BoosterParams, boost

from funboost_core import default


class Through(AbstractPublisher):
    def concrete_realization_of_publish(self, msg):
        super().concrete_realization_of_publish(msg)


class Consumer(AbstractConsumer):
    def custom_init(self):
        self.publisher_of_same_queue.push(1)


@boost(BoosterParams(queue_name="q", publisher_override_cls=Through, consumer_override_cls=Consumer, is_using_rpc_mode=True))
def double(x):
    return 2 * x


double.push(2)
double.consumer
double.consume()
print(double.push(3).result)
default().worker.stop()
double.push(4)
print(double.get_message_count())
double.close()
default().close()
"""


def test_what_publishes_is_made_on_a_thread_of_its_own_where_threads_are_green(tmp_path):
    pytest.importorskip("gevent")
    environ = {**os.environ, "FUNBOOST_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", GREEN], env=environ, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout == "6\n1\n", done.stderr


# -- what several threads ask for first -----------------------------------------------------------------------------------


def test_nobody_sees_the_hooks_without_the_methods(declare, environment, monkeypatch):
    class Consumer(AbstractConsumer):
        def _user_convert_msg_before_run(self, msg):
            return msg

    f = declare(lambda x: None, Consumer)
    vars(f.task).pop("hooks", None)
    seen, scoped = [], environment.manager.scoped

    def look(plugins):
        seen.append(vars(f.task).get("hooks"))  # what another thread would get at this moment
        return scoped(plugins)

    monkeypatch.setattr(environment.manager, "scoped", look)
    assert f.task.hooks.is_registered(f.task.seams)
    assert seen
    assert not any(seen)


def test_two_threads_share_the_pool_that_both_ask_for_first(declare, monkeypatch):
    f = declare(lambda x: None, AbstractConsumer)
    consumer, others = f.consumer, []

    class Pool(flexible_thread_pool.FlexibleThreadPool):
        def __init__(self, max_workers):
            super().__init__(max_workers)
            if not others:
                others.append(None)
                others[0] = consumer.concurrent_pool  # asked for, and got, by a faster thread

    monkeypatch.setattr(flexible_thread_pool, "FlexibleThreadPool", Pool)
    assert consumer.concurrent_pool is others[0]
    assert consumer.concurrent_pool is others[0]


def test_two_threads_share_the_publisher_of_dead_letters(declare, monkeypatch):
    f = declare(lambda x: None, AbstractConsumer)
    consumer, others, made = f.consumer, [], f.publisher_of

    def publisher_of(queue_name):
        if not others:
            others.append(None)
            others[0] = consumer.publisher_of_dlx_queue
        return made(queue_name)

    monkeypatch.setattr(f, "publisher_of", publisher_of)
    assert consumer.publisher_of_dlx_queue is others[0]
    assert consumer.publisher_of_dlx_queue is others[0]
