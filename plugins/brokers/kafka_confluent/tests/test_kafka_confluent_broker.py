"""Topics, groups, options, and what can be wrong with servers."""

from __future__ import annotations

import logging
import threading

import pytest
from confluent_kafka import Producer
from funboost_broker_kafka_confluent.broker import KafkaBroker
from funboost_broker_kafka_confluent.names import topic_of
from funboost_broker_kafka_confluent.options import Options
from funboost_broker_kafka_confluent.unpatched import AdminClient
from kafka_helpers import PATIENCE, committed, numbers, put, take, until
from kafka_suite import QUICK
from missing_library import told_without
from pydantic import ValidationError

from funboost_core import BoosterParams, BrokerUnavailable, ConfigError, Environment, Outgoing, boost
from funboost_core.errors import BrokerError
from funboost_core.ports.broker import BrokerContext

pytestmark = pytest.mark.server


# -- topics, groups, options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["q", "orders.v1", "A-b_c", "x" * 249])
def test_a_topic_is_called_like_its_queue(name):
    assert topic_of(name) == name


@pytest.mark.parametrize("name", ["a b", "队列", ".", "..", "x" * 250, "a/b", ""])
def test_names_that_kafka_does_not_allow_become_others(name):
    topic = topic_of(name)
    assert topic != name
    assert topic_of(topic) == topic, "it is allowed now"
    assert len(topic) <= 249
    assert len({topic, topic_of(name + "?"), topic_of(name + "!")}) == 3


def test_other_programs_read_and_write_the_topic(make):
    broker = make()
    put(broker, 1)
    foreign = Producer({"bootstrap.servers": broker._servers})
    foreign.produce(broker._topic, b"2", key=b"k", headers={"h": b"v"})
    foreign.flush(PATIENCE)
    got = take(broker, 2)
    assert numbers(got) == [1, 2]
    broker.ack(got)
    broker.close()
    assert committed(broker) == (2, "2")


def test_a_second_group_gets_everything_again(make):
    first = make()
    put(first, *range(5))
    first.ack(take(first, 5))
    first.close()
    replay = make(group_id=f"{first.context.queue}-audit")
    assert numbers(take(replay, 5)) == [0, 1, 2, 3, 4]
    assert make(listen=False).count() == 0
    assert replay.count() == 5, "nothing is finished"
    assert make(listen=False, group_id="new").count() == 5
    assert make(listen=False, group_id="new", auto_offset_reset="latest").count() == 0
    late = make(group_id=f"{first.context.queue}-late", auto_offset_reset="latest")
    until(lambda: (put(late, 5), numbers(late.fetch(1, 0.1)))[1] == [5])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"consumer_config": {"enable.auto.commit": True}}, "still run"),
        ({"consumer_config": {"group.id": "g"}}, "group_id"),
        ({"consumer_config": {"bootstrap.servers": "x"}}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({"producer_config": {"acks": 1}}, "replicas"),
        ({"producer_config": {"enable.idempotence": False}}, "twice"),
        ({"producer_config": {"transactional.id": "t"}}, "transactions"),
        ({"producer_config": {"delivery.timeout.ms": 5}}, "publish_timeout"),
        ({"auto_offset_reset": "sometimes"}, "auto_offset_reset"),
        ({"max_unacked": 0}, "max_unacked"),
    ],
)
def test_what_would_break_the_promise_is_refused_with_the_reason(options, text):
    with pytest.raises(ValidationError, match=text):
        Options(**options)


def test_properties_are_passed_on(make):
    broker = make(
        consumer_config={**QUICK, "group.instance.id": "one", "partition.assignment.strategy": "range"},
        producer_config={"compression.type": "gzip"},
    )
    put(broker, 1)
    assert numbers(take(broker, 1)) == [1]
    with pytest.raises(ConfigError, match=r"no\.such\.thing.*consumer_config"):
        make(consumer_config={"no.such.thing": 1})
    with pytest.raises(ConfigError, match=r"no\.such\.thing.*producer_config"):
        make(producer_config={"no.such.thing": 1})


def test_the_servers_group_protocol_can_be_used(make):
    broker = make(consumer_config={"group.protocol": "consumer"})
    put(broker, 1, 2)
    broker.ack(take(broker, 2))
    broker.close()
    assert committed(broker)[0] == 2


def test_a_message_that_is_too_large_is_told(make):
    with pytest.raises(BrokerError, match="message.max.bytes"):
        make(listen=False).publish([Outgoing(b"x" * 2_000_000)])


def test_too_many_replicas_are_told(make):
    with pytest.raises(ConfigError, match="replication_factor"):
        make("two copies", listen=False, replication_factor=2)


@pytest.mark.parametrize("servers", ["127.0.0.1:1", "no-such-host.invalid:9092"])
def test_servers_that_are_not_there_are_one_clear_error(make, servers):
    broker = make(listen=False, servers=servers, publish_timeout=0.5)
    with pytest.raises(BrokerUnavailable, match=f"{servers}.*KAFKA_BOOTSTRAP_SERVERS"):
        put(broker, 1)
    with pytest.raises(BrokerUnavailable, match="KAFKA_BOOTSTRAP_SERVERS"):
        broker.count()
    with pytest.raises(BrokerUnavailable, match="KAFKA_BOOTSTRAP_SERVERS"):
        broker.listen()


def test_no_servers_at_all():
    with pytest.raises(ConfigError, match="names no server"):
        KafkaBroker(BrokerContext("K", "q", Options(), Environment({"KAFKA_BOOTSTRAP_SERVERS": " , "}), logging.root))


def test_many_threads_publish_at_once(make):
    broker, failures = make(), []

    def publish(part):
        try:
            for number in range(part, 400, 8):
                put(broker, number)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=publish, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(numbers(take(broker, 400))) == list(range(400))


# -- servers --------------------------------------------------------------------------------------------------------------


@pytest.mark.lasting
def test_consuming_goes_on_after_a_restart_of_the_server(environment, kafka_place):
    if kafka_place.server is None:
        pytest.skip("the server is not ours")
    seen = []
    options = {"num_partitions": 3, "consumer_config": QUICK, "group_id": kafka_place.namespace}
    task = boost(BoosterParams(queue_name="q", broker_exclusive_config=options), environment=environment)(seen.append)
    task.consume()
    task.push(1)
    until(lambda: seen == [1] and task.get_message_count() == 0)
    kafka_place.server.kill()
    (consumer,) = environment.worker.consumers()
    until(lambda: consumer.trouble)
    assert "KAFKA_BOOTSTRAP_SERVERS" in consumer.trouble
    kafka_place.server.start()
    until(lambda: not consumer.trouble)
    task.push(2)
    until(lambda: seen[-1] == 2)
    assert environment.worker.stop()
    assert seen == [1, 2]


def test_the_administrator_asks_no_coordinator(make, monkeypatch):
    """Else the client ends the process when the server goes away meanwhile; seen in 8 of 8 kills with 8 threads that ask."""
    for name in ("describe_consumer_groups", "list_consumer_group_offsets"):
        monkeypatch.delattr(AdminClient, name)
    broker = make()
    put(broker, 1, 2)
    broker.ack(take(broker, 1))
    until(lambda: broker.count() == 1)


def test_a_missing_library_is_one_clear_error(tmp_path):
    told = told_without("confluent_kafka", "KAFKA_CONFLUENT", tmp_path)
    assert "confluent_kafka" in told
    assert "pip install funboost-broker-kafka-confluent" in told
