"""Groups, offsets, rebalances, long tasks, and what can be wrong with servers and options."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from funboost_broker_kafka_confluent import member as members
from funboost_broker_kafka_confluent.broker import KafkaBroker
from funboost_broker_kafka_confluent.names import topic_of
from funboost_broker_kafka_confluent.options import Options
from kafka_suite import QUICK
from pydantic import ValidationError

from funboost_core import BoosterParams, BrokerUnavailable, ConfigError, Environment, Outgoing, boost
from funboost_core.errors import BrokerError
from funboost_core.ports.broker import BrokerContext

pytestmark = pytest.mark.server
PATIENCE = 30.0


@pytest.fixture
def environment(kafka_place, tmp_path):
    environment = Environment(
        {
            "BROKER_KIND": "KAFKA_CONFLUENT",
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "memory://",
            "DATA_DIR": str(tmp_path),
            "BEAT_SECONDS": 0.2,
            "KAFKA_BOOTSTRAP_SERVERS": [kafka_place.url],
            "NAMESPACE": kafka_place.namespace,
        }
    )
    yield environment
    environment.close()


@pytest.fixture
def make(environment):
    made = []

    def make(queue="q", listen=True, servers=None, **options):
        group = environment("NAMESPACE")  # all queues of a group rebalance together: not with those of other tests
        given = {"num_partitions": 1, "publish_timeout": 3.0, "consumer_config": QUICK, "group_id": group, **options}
        where = environment if servers is None else Environment({"KAFKA_BOOTSTRAP_SERVERS": servers})
        context = BrokerContext(
            "KAFKA_CONFLUENT", environment.namespaced(queue), Options(**given), where, logging.getLogger("t")
        )
        made.append(KafkaBroker(context))
        made[-1].open()
        if listen:
            made[-1].listen()
        return made[-1]

    yield make
    for broker in made:
        broker.close()


def put(broker, *numbers):
    broker.publish([Outgoing(b"%d" % number) for number in numbers])


def take(broker, count, limit=100):
    got, end = [], time.monotonic() + PATIENCE
    while len(got) < count and time.monotonic() < end:
        got += broker.fetch(min(limit, count - len(got)), 0.1)
    assert len(got) == count, f"{len(got)} of {count}"
    return got


def numbers(deliveries):
    return [int(delivery.body) for delivery in deliveries]


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def committed(broker):
    """Position and metadata, by a client of its own."""
    client = Consumer({"bootstrap.servers": broker._servers, "group.id": broker._options.group_id})
    try:
        (place,) = client.committed([TopicPartition(broker._topic, 0)], timeout=10)
        return place.offset, place.metadata
    finally:
        client.close()


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
    foreign.flush(10)
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
    assert first.count() == 0
    assert replay.count() == 5, "nothing is finished"
    assert make(listen=False, group_id="new").count() == 5
    assert make(listen=False, group_id="new", auto_offset_reset="latest").count() == 0
    late = make(group_id=f"{first.context.queue}-late", auto_offset_reset="latest")
    until(lambda: (put(first, 5), numbers(late.fetch(1, 0.1)))[1] == [5])


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
    broker = make(listen=False, servers=servers, publish_timeout=1.0)
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


# -- offsets ------------------------------------------------------------------------------------------------------------


def test_only_what_has_no_gap_is_committed_and_the_rest_is_no_first_delivery(make):
    broker = make()
    put(broker, *range(5))
    got = take(broker, 5)
    broker.ack(got[1:])
    until(lambda: (broker.fetch(1, 0), committed(broker))[1] == (0, "5"))
    broker.ack(got[:1])
    until(lambda: (broker.fetch(1, 0), committed(broker))[1] == (5, "5"))


def test_nothing_more_is_handed_out_while_the_window_is_full(make):
    broker = make(max_unacked=10)
    put(broker, *range(30))
    got = take(broker, 10)
    for _ in range(10):
        assert not broker.fetch(100, 0.05), "a crash would repeat more than max_unacked"
    broker.ack(got[1:])
    for _ in range(10):
        assert not broker.fetch(100, 0.05), "the first is not finished"
    broker.ack(got[:1])
    assert numbers(take(broker, 10)) == list(range(10, 20)), "in order, nothing left out"
    assert make(listen=False).count() == 20


def test_a_full_partition_does_not_stop_the_others(make):
    broker = make(num_partitions=2, max_unacked=5)
    for partition in (0, 1):
        foreign = Producer({"bootstrap.servers": broker._servers})
        for number in range(20):
            foreign.produce(broker._topic, b"%d" % (100 * partition + number), partition=partition)
        foreign.flush(10)
    seen, held, end = set(), [], time.monotonic() + PATIENCE
    while len(seen) < 20 and time.monotonic() < end:
        for delivery in broker.fetch(10, 0.1):
            if int(delivery.body) == 0:
                held.append(delivery)
                continue
            broker.ack([delivery])
            if int(delivery.body) >= 100:
                seen.add(int(delivery.body))
    assert seen == set(range(100, 120))
    broker.ack(held)
    rest = []
    while len(rest) < 15:
        got = take(broker, 1)
        broker.ack(got)
        rest += numbers(got)
    assert rest == list(range(5, 20))


def test_who_does_not_fetch_stays_in_the_group_and_commits(make, monkeypatch):
    """The function runs for longer than max.poll.interval.ms, and all threads are busy."""
    quick = {**QUICK, "max.poll.interval.ms": 2000}
    broker = make(consumer_config=quick)
    put(broker, *range(3))
    got = take(broker, 3)
    broker.ack(got[:1])
    until(lambda: committed(broker)[0] == 1)
    time.sleep(3)  # it is the client's own clock that must not strike
    broker.ack(got[1:])
    until(lambda: committed(broker)[0] == 3)
    assert not broker._member._partitions[0].gone


def test_what_the_keeper_has_received_is_handed_out_in_order_and_it_stops_receiving(make, monkeypatch):
    monkeypatch.setattr(members, "KEEP", 0.01)
    monkeypatch.setattr(members, "HELD", 5)
    broker = make()
    put(broker, *range(200))
    first = take(broker, 1)
    partition = broker._member._partitions[0]
    until(lambda: partition.paused)
    time.sleep(0.2)
    assert len(partition.waiting) == 5
    assert numbers(first + take(broker, 199)) == list(range(200))


# -- rebalances -----------------------------------------------------------------------------------------------------------


def test_a_rebalance_waits_for_what_runs(make):
    first = make(num_partitions=2)
    put(first, 1)
    got = take(first, 1)
    second = make(num_partitions=2)
    fetching = threading.Thread(target=lambda: [(second.fetch(1, 0.1), first.fetch(1, 0.1)) for _ in range(20)])
    fetching.start()
    time.sleep(0.5)
    first.ack(got)
    fetching.join()
    until(lambda: (first.fetch(1, 0), second.fetch(1, 0), first.count())[2] == 0)


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_what_takes_too_long_goes_to_another_and_is_not_settled_here(make, strategy):
    """Reported as lost; acknowledging, requeueing and forwarding it do nothing."""
    options = {"num_partitions": 2, "rebalance_wait": 0.1}
    config = {**QUICK, "partition.assignment.strategy": strategy}
    first = make(**options, consumer_config=config)
    lost = []
    first.dropping = lost.extend
    foreign = Producer({"bootstrap.servers": first._servers})
    for partition in (0, 1):
        foreign.produce(first._topic, b"%d" % partition, partition=partition)
    foreign.flush(10)
    got = take(first, 2)
    second = make(**options, consumer_config=config)
    early = []
    until(lambda: (first.fetch(1, 0), early.extend(second.fetch(1, 0)), len(second._member._partitions))[2] == 1)
    assert {delivery.lost for delivery in lost} == {True}
    assert len(lost) == (2 if strategy == "range" else 1), "eagerly all are given up, else only what goes"
    first.requeue(lost)
    first.ack(lost)
    first.forward(lost[0], Outgoing(b"9"), first._topic)
    if strategy == "range":
        again = take(first, 1) + early + take(second, 1 - len(early))
    else:
        again = early + take(second, 1 - len(early)) + [delivery for delivery in got if delivery not in lost]
    assert sorted(numbers(again)) == [0, 1]
    assert {delivery.attempts for delivery in again} == {1}, "nobody has died"
    first.ack([delivery for delivery in again if delivery.tag[0] in first._member._partitions.values()])
    second.ack(again)
    first.close()
    second.close()
    assert make(listen=False).count() == 0


def test_twenty_rebalances_under_load_lose_nothing(environment):
    """Consumers come and go while messages are published and worked off."""
    runs, lock, pushed = {}, threading.Lock(), 0
    options = {"num_partitions": 6, "consumer_config": QUICK, "group_id": environment("NAMESPACE")}

    def note(x):
        with lock:
            runs[x] = runs.get(x, 0) + 1

    def program():
        other = Environment(dict(environment.settings.values))
        task = boost(
            BoosterParams(queue_name="load", broker_exclusive_config=options, concurrent_num=8), environment=other
        )(note)
        return other, task

    steady, task = program()
    task.consume()
    stop = threading.Event()

    def publish():
        nonlocal pushed
        while not stop.is_set():
            task.push_many([{"x": number} for number in range(pushed, pushed + 50)])
            pushed += 50
            stop.wait(0.05)

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for _ in range(10):  # each comes and goes: two rebalances
            other, visitor = program()
            visitor.consume()
            before = len(runs)
            until(lambda before=before: len(runs) > before + 50)
            assert other.worker.stop()
            other.close()
    finally:
        stop.set()
        publisher.join()
    until(lambda: len(runs) == pushed)
    until(lambda: task.get_message_count() == 0)
    assert steady.worker.stop()
    steady.close()
    twice = sum(times > 1 for times in runs.values())
    assert twice == 0, f"{twice} of {pushed} ran twice, although no task was slow"


# -- servers --------------------------------------------------------------------------------------------------------------


def test_consuming_goes_on_after_a_restart_of_the_server(environment, kafka_place):
    if kafka_place.server is None:
        pytest.skip("the server is not ours")
    seen = []
    options = {"num_partitions": 3, "consumer_config": QUICK, "publish_timeout": 3.0}
    task = boost(BoosterParams(queue_name="q", broker_exclusive_config=options), environment=environment)(seen.append)
    task.consume()
    task.push(1)
    until(lambda: seen == [1])
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
