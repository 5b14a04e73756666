"""Consumers of a group come and go."""

from __future__ import annotations

import threading
import time

import pytest
from confluent_kafka import Producer
from kafka_helpers import PATIENCE, numbers, put, take, until
from kafka_suite import QUICK

from funboost_core import BoosterParams, Environment, Outgoing, boost

pytestmark = [pytest.mark.server, pytest.mark.lasting]


def test_a_rebalance_waits_for_what_runs(make):
    options = {"num_partitions": 2, "rebalance_wait": PATIENCE}
    first = make(**options)
    put(first, 1)
    got = take(first, 1)
    second = make(**options)
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
    foreign.flush(PATIENCE)
    got = take(first, 2)
    second = make(**options, consumer_config=config)
    mine, early = [], []  # what came again by the time that it is seen

    def shared():
        mine.extend(first.fetch(1, 0))
        early.extend(second.fetch(1, 0))
        return len(second._member._partitions) == 1

    until(shared)
    assert {delivery.lost for delivery in lost} == {True}
    assert len(lost) == (2 if strategy == "range" else 1), "eagerly all are given up, else only what goes"
    first.requeue(lost)
    first.ack(lost)
    first.forward(lost[0], Outgoing(b"9"), first._topic)
    if strategy == "range":
        again = mine + take(first, 1 - len(mine)) + early + take(second, 1 - len(early))
    else:
        again = early + take(second, 1 - len(early)) + [delivery for delivery in got if delivery not in lost]
    assert sorted(numbers(again)) == [0, 1]
    assert {delivery.attempts for delivery in again} == {1}, "nobody has died"
    first.ack([delivery for delivery in again if delivery.tag[0] in first._member._partitions.values()])
    second.ack(again)
    first.close()
    second.close()
    assert make(listen=False).count() == 0


@pytest.mark.timeout(300)
def test_twenty_rebalances_under_load_lose_nothing(environment):
    """Consumers come and go, one after another, while messages are published and worked off."""
    runs, lock, pushed = {}, threading.Lock(), 0
    calm = {**QUICK, "session.timeout.ms": 20_000}  # all leave in order: nobody is to be taken for dead under load
    options = {"num_partitions": 6, "consumer_config": calm, "group_id": environment("NAMESPACE")}

    def program():
        other, own = Environment(dict(environment.settings.values)), []

        def note(x):
            with lock:
                runs[x] = runs.get(x, 0) + 1
            own.append(x)

        task = boost(
            BoosterParams(queue_name="load", broker_exclusive_config=options, concurrent_num=8), environment=other
        )(note)
        return other, task, own

    def share_of(program):
        (consumer,) = program.worker.consumers()
        member = consumer._broker._member  # None before it listens
        return member and len(member._partitions)

    steady, task, _ = program()
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
            until(lambda: share_of(steady) == 6)
            other, visitor, own = program()
            visitor.consume()
            until(lambda own=own, other=other: share_of(other) == 3 and len(own) > 20)
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
    # The server refuses a commit of a generation that has just ended; what that was for, less than a batch, runs again.
    assert twice < 100, f"{twice} of {pushed} ran twice, although no task was slow"
