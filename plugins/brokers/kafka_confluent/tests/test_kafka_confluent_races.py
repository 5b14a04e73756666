"""Threads that stand still at a bad moment while the others go on."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from funboost_broker_kafka_confluent import leaving, publishing
from funboost_broker_kafka_confluent import member as members
from funboost_broker_kafka_confluent.errors import explain
from funboost_broker_kafka_confluent.link import Link
from funboost_testing.calls import Call
from kafka_helpers import PATIENCE, numbers, put, take

from funboost_core import BrokerUnavailable, ConfigError

# -- publishing ---------------------------------------------------------------------------------------------------------


class Inside:
    """A producer that notes how many threads are inside, which stay until they are told to go on."""

    def __init__(self, _config):
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.now = self.most = 0
        self.told = []

    def produce(self, topic, body, on_delivery):
        self.told.append(on_delivery)

    def poll(self, seconds):
        self.now += 1
        self.most = max(self.most, self.now)
        self.entered.set()
        assert self.go_on.wait(PATIENCE)
        self.now -= 1
        while self.told:
            self.told.pop()(None, None)

    flush = poll


@pytest.mark.parametrize("what", [lambda link: link._publisher.hear(), Link.close], ids=["failed", "closed"])
def test_confirmations_are_counted_by_one_thread_at_a_time(monkeypatch, what):
    """Two might take one message off a batch, and its publisher would wait for ever."""
    monkeypatch.setattr(publishing, "Producer", Inside)
    link = Link("127.0.0.1:1", {}, 1)
    producer = link._publisher._producer
    publishing_ = Call(link.publish, "t", [b"1", b"2"])
    assert producer.entered.wait(PATIENCE)
    other = Call(what, link)
    other.running(0.2)
    producer.go_on.set()
    other.result()
    publishing_.result()
    assert producer.most == 1


# -- administration -----------------------------------------------------------------------------------------------------


def test_an_answer_that_the_client_owes_us_is_one_clear_error(monkeypatch):
    """Its thread may stand still beyond the time limit that it was told."""
    link = Link("127.0.0.1:1", {}, 1)
    client = SimpleNamespace(create_topics=lambda *_, **__: {"t": Future()}, poll=lambda _: 0)
    monkeypatch.setattr(link, "_admin", client)
    monkeypatch.setattr(link, "_ask", -1)  # it has passed
    with pytest.raises(BrokerUnavailable, match=r"topic t: .*KAFKA_BOOTSTRAP_SERVERS"):
        link.ensure("t", 1, 1)


def test_a_topic_that_was_made_is_known_to_the_servers_before_it_is_used(monkeypatch):
    """They hear of it from the controller a moment later (5 of 100 times), and a consumer would be told that it is missing."""
    made, answers = Future(), [KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)] * 2 + [None]
    made.set_result(None)

    def list_topics(topic, timeout):
        return SimpleNamespace(topics={topic: SimpleNamespace(error=answers.pop(0))})

    link = Link("127.0.0.1:1", {}, 1)
    client = SimpleNamespace(create_topics=lambda *_, **__: {"t": made}, list_topics=list_topics)
    monkeypatch.setattr(link, "_admin", client)
    monkeypatch.setattr(link, "_ask", PATIENCE)
    link.ensure("t", 1, 1)
    assert not answers
    link.ensure("t", 1, 1)  # nobody is asked again


def test_servers_that_have_stood_still_may_be_asked_again():
    """They are fenced until they have told the controller that they live: seen after two seconds of standing still."""
    fenced = "Unable to replicate the partition 1 time(s): All brokers are currently fenced, or have all their log dirs"
    few = "Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be reached"
    told = [explain(KafkaError(KafkaError.INVALID_REPLICATION_FACTOR, text), "host:1") for text in (fenced, few)]
    assert [type(error) for error in told] == [BrokerUnavailable, ConfigError]


# -- closing ------------------------------------------------------------------------------------------------------------


@pytest.mark.server
def test_who_has_been_closed_does_not_join_the_group_afterwards(make, monkeypatch):
    """Its consumer would keep its partitions for as long as the process lives."""
    broker, asking, closed = make(listen=False), threading.Event(), threading.Event()

    def ensure(*_):
        asking.set()
        assert closed.wait(PATIENCE)

    monkeypatch.setattr(Link, "ensure", ensure)
    listening = Call(broker.listen)
    assert asking.wait(PATIENCE)
    broker.close()
    closed.set()
    with pytest.raises(BrokerUnavailable, match="is closed here"):
        listening.result()
    assert broker._member is None
    with pytest.raises(BrokerUnavailable, match="is closed here"):
        put(broker, 1)
    assert broker._attached is None


@pytest.mark.server
def test_who_fetches_while_it_is_closed_gets_nothing(make):
    broker = make()
    member = broker._member
    broker.close()
    assert member.fetch(1, PATIENCE) == []


# -- rebalances ---------------------------------------------------------------------------------------------------------


@pytest.mark.server
def test_a_message_from_before_its_partition_went_and_came_again_hides_none_of_those_before_it(make, monkeypatch):
    """The thread that polls stood still while others had the partition: it begins again where it was committed."""
    monkeypatch.setattr(members, "KEEP", 2 * PATIENCE)  # nobody else polls
    broker = make()
    put(broker, 0, 1)
    held = take(broker, 2)
    put(broker, 2)
    member = broker._member
    consumer, answers = member._consumer, []

    def consume(number, wait):
        return answers.pop(0)(number, wait) if answers else consumer.consume(number, wait)

    def stands_still(number, wait):
        place = TopicPartition(broker._topic, 0, 0)
        member._on_lost(consumer, [place])
        member._on_assign(consumer, [place])
        consumer.seek(place)
        return []

    answers += [lambda *_: [], lambda number, _: consumer.consume(number, PATIENCE), stands_still]
    client = SimpleNamespace(**{name: getattr(consumer, name) for name in dir(consumer) if not name.startswith("__")})
    client.consume = consume
    monkeypatch.setattr(member, "_consumer", client)
    with member._polling:  # one look, as `fetch` does, however late it comes to it
        assert numbers(member._receive(10, 0.05)) == []
    assert not answers
    assert all(delivery.lost for delivery in held)
    assert numbers(take(broker, 3)) == [0, 1, 2]


# -- the end of the process ---------------------------------------------------------------------------------------------


def test_a_client_that_is_begun_while_the_process_ends_does_not_keep_the_others_from_being_left(monkeypatch):
    """Nor does it get in itself."""

    def begin():
        with pytest.raises(KafkaException, match="the process ends"):
            leaving.Gate(threading.RLock())

    class Gates(weakref.WeakSet):
        def __iter__(self):
            for gate in super().__iter__():
                beginning.append(Call(begin))
                beginning[-1].running(0.2)
                yield gate

    beginning = []
    monkeypatch.setattr(leaving, "_gates", Gates())
    monkeypatch.setattr(leaving, "_leaver", 0)
    gates = [leaving.Gate(threading.RLock()) for _ in range(2)]
    leaving._leave()
    for one in beginning:
        one.result()
    leaving.Gate(threading.RLock())  # whoever ends the process may still
    begun = Call(lambda: [gate.shut for gate in gates])
    assert begun.result() == [True, True]
