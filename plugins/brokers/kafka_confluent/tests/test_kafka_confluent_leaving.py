"""Programs that end while a thread of theirs, which nobody waits for, is inside the client: seen to crash once in 40 times."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from funboost_broker_kafka_confluent.publishing import Publisher
from kafka_suite import QUICK

from funboost_core import BrokerUnavailable

pytestmark = pytest.mark.server

PROGRAM = """
import sys, threading, time
from funboost_core import BoosterParams, Environment, boost
servers, name, how = sys.argv[1:]
settings = {"BROKER_KIND": "KAFKA_CONFLUENT", "CONCURRENT_MODE": "threading", "STATE_URL": "memory://", "DRAIN_SECONDS": 2}
environment = Environment({**settings, "KAFKA_BOOTSTRAP_SERVERS": servers, "NAMESPACE": name})
options = {"num_partitions": 1, "group_id": name, "consumer_config": OPTIONS}
@boost(BoosterParams(queue_name="q", broker_exclusive_config=options), environment=environment)
def f(x): ...
def pushing():
    while True:
        f.push(1)
f.push(0)
threading.excepthook = lambda *_: None
threading.Thread(target=pushing, daemon=True).start()
if how != "publishing":
    f.consume()
    time.sleep(0.2)
if how == "stopped":
    environment.worker.stop()
if how == "closed":  # from several threads, while others work
    closing = [threading.Thread(target=f.close) for _ in range(3)]
    for thread in closing:
        thread.start()
    environment.close()
    for thread in closing:
        thread.join()
"""
WAYS = ["publishing", "stopped", "closed"]


def leave(place, how, times):
    for number in range(times):
        command = [
            sys.executable,
            "-c",
            PROGRAM.replace("OPTIONS", repr(QUICK)),
            place.url,
            f"{place.namespace}{number}",
            how,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
        assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"


@pytest.mark.parametrize("how", WAYS)
def test_a_program_leaves(kafka_place, how):
    leave(kafka_place, how, 1)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("how", WAYS)
def test_fifty_programs_leave(kafka_place, how):
    leave(kafka_place, how, 50)


def test_at_the_end_nobody_gets_into_the_client_any_more(make):
    broker = make(listen=False)
    publisher: Publisher = broker._link._publisher
    inside, told = threading.Event(), []

    def publish():
        while not told:
            try:
                broker._link.publish(broker._topic, [b"1"] * 10)
                inside.set()
            except BrokerUnavailable as error:
                told.append(str(error))

    thread = threading.Thread(target=publish)
    thread.start()
    assert inside.wait(20)
    publisher._gate.leave()
    thread.join(20)
    assert len(told) == 1
    assert "the process ends" in told[0]
    broker._link.publish(broker._topic, [b"2"])  # whoever ends the process may still
    publisher._serving.release()
