"""REDIS_PUBSUB keeps the contract on a real server, as far as a broker can that stores nothing."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from funboost_broker_redis_pubsub.broker import PING
from funboost_testing.brokers.working import Notes
from funboost_testing.services.fixtures import Place
from redis_helpers import bodies, brokers, put, until
from redis_suite import OnCluster, OnRedis, OnValkey

from funboost_core import BrokerUnavailable
from funboost_core.errors import BrokerError

pytestmark = pytest.mark.server


class TestRedisPubsub(OnRedis):
    kind = "REDIS_PUBSUB"

    @pytest.fixture(autouse=True)
    def _listening(self, environment, monkeypatch):
        """`consume` returns once the channel is subscribed to: what is published before that nobody gets."""
        from funboost_broker_redis_pubsub.broker import RedisPubsubBroker

        from funboost_core.booster import Booster

        consume, listen, listening = Booster.consume, RedisPubsubBroker.listen, threading.Semaphore(0)

        def told(broker):
            listen(broker)
            listening.release()

        def patient(booster, *args, **kwargs):
            consume(booster, *args, **kwargs)
            assert listening.acquire(timeout=self.patience)

        monkeypatch.setattr(RedisPubsubBroker, "listen", told)
        monkeypatch.setattr(Booster, "consume", patient)

    def test_bad_messages_do_not_stop_it(self, environment):
        notes = Notes()
        environment.settings.values.setdefault("STATE_URL", "memory://")
        task = self._task(environment, lambda x: notes.add(x))
        task.consume()
        task.send_msg(b"{")
        task.send_msg(b"\x00\xff")
        task.push(1)
        assert notes.wait_for(1, self.patience) == [1]

    def test_queues_are_apart(self, make):
        names = ["q", "Q", "q2", "q.2", "Q/2 'x' \"y\"", "\u961f\u5217", "x" * 150]
        consumers = [make(name) for name in names]
        for consumer in consumers:
            consumer.listen()
        for name in names:
            self.send(make(name), name)
        for name, consumer in zip(names, consumers):
            assert self.read(self.collect(consumer, 1)) == [name]
            self.nothing(consumer)

    def test_errors_are_raised_and_end(self, publisher, consumer, cut):
        self.nothing(consumer)
        with cut():
            for what in (lambda: consumer.fetch(1, 0.1), lambda: self.send(publisher, 2)):
                with pytest.raises(BrokerUnavailable):
                    what()
        self.nothing(consumer)  # it listens again
        self.send(publisher, 3)
        assert self.read(self.collect(consumer, 1)) == [3]

    def test_every_consumer_gets_every_message_also_of_other_programs(self, make, publisher):
        consumers = [make(), make()]
        for consumer in consumers:
            consumer.listen()
        self.send(publisher, 1)
        publisher._server.ask("PUBLISH", publisher.context.queue, '{"n": 2}')
        for consumer in consumers:
            assert self.read(self.collect(consumer, 2)) == [1, 2]


@pytest.mark.slow
class TestRedisPubsubOnValkey(OnValkey, TestRedisPubsub):
    pass


@pytest.mark.slow
class TestRedisPubsubOnCluster(OnCluster, TestRedisPubsub):
    pass


@pytest.mark.skipif(sys.platform == "win32", reason="freezes by a signal")
def test_a_server_that_went_without_a_word_is_noticed(start_redis, monkeypatch):
    server, passed = start_redis(), 0.0
    monkeypatch.setattr("funboost_broker_redis_pubsub.broker.monotonic", lambda: time.monotonic() + passed)
    with brokers("REDIS_PUBSUB", Place(server.url, "", server)) as make:
        consumer = make()
        for _ in range(5):
            passed += 1.1 * PING
            assert not consumer.fetch(1, 0)
            assert consumer._tried, "it is asked"
            until(lambda: (consumer.fetch(1, 0.05), not consumer._tried)[1])  # and answers, before twice the time
        monkeypatch.setattr("funboost_broker_redis_pubsub.broker.PING", 0.1)
        server.freeze()
        with pytest.raises(BrokerUnavailable, match="answers nothing"):
            any(consumer.fetch(1, 0.5) for _ in range(100))  # as a consumer does, which waits again and again
        server.thaw()
        assert not consumer.fetch(1, 0.1)


def test_what_has_come_is_not_lost_with_the_connection(redis_place):
    with brokers("REDIS_PUBSUB", redis_place) as make:
        consumer, publisher = make(), make(listen=False)
        put(publisher, b"a", b"b")
        publisher._server.ask("CLIENT", "KILL", "TYPE", "pubsub")
        assert bodies(consumer.fetch(10, 10)) == [b"a", b"b"]
        assert not consumer.fetch(10, 0), "it listens again"
        put(publisher, b"c")
        assert bodies(consumer.fetch(10, 10)) == [b"c"]


def test_a_fetch_that_comes_after_the_end_subscribes_no_more(redis_place):
    with brokers("REDIS_PUBSUB", redis_place) as make:
        consumer, look = make(), make(listen=False)
        consumer.close()
        with pytest.raises(BrokerError, match="is closed"):
            consumer.fetch(1, 0)
        assert id(consumer) not in look._server.users
