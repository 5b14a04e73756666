"""What a stop, a cut and a kill leave behind."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time

import pytest
from funboost_broker_nats.errors import NobodyListens
from funboost_testing.services import Proxy
from push_stories import (
    PATIENCE,
    Seen,
    be_patient_at_the_end,
    listening,
    stop_while_held,
    task_of,
    until,
    until_nobody_listens,
)

from funboost_core.errors import BrokerUnavailable

pytestmark = pytest.mark.server
LIMIT = "funboost_broker_nats.broker.LEAVING"


# -- what is left -----------------------------------------------------------------------------------------------------------


def test_a_stop_keeps_what_was_received_ahead(make, monkeypatch):
    be_patient_at_the_end(monkeypatch, LIMIT)
    environment, seen = make(), Seen()
    task = task_of(environment, seen, concurrent_num=1)
    listening(task)
    seen.wait_for(1)
    seen.may.clear()
    task.push_many([{"x": n} for n in range(500)])
    seen.wait_for(2)
    assert stop_while_held(environment, seen)
    assert len(seen) < 500
    task.consume()
    seen.wait_for(501)
    assert environment.worker.stop()
    assert sorted(seen) == list(range(-1, 500))


def test_stopping_while_messages_come_loses_none(make, monkeypatch):
    """Everything that the server has sent before it let the consumer go is here when that stops."""
    be_patient_at_the_end(monkeypatch, LIMIT)
    seen, enough, pushed = Seen(), threading.Event(), []
    environment, sender = make(), task_of(make(), print, options={"publish_timeout": PATIENCE})
    task = task_of(environment, seen)
    task.consume()

    def send():
        while not enough.is_set() or len(pushed) < 100:
            sender.push_many([{"x": 20 * len(pushed) + i} for i in range(20)])
            pushed.append(True)

    sending = threading.Thread(target=send)
    sending.start()
    for _ in range(10):
        seen.wait_for(len(seen) + 1)
        assert environment.worker.stop()
        task.consume()
    enough.set()
    sending.join(PATIENCE)
    assert not sending.is_alive()
    seen.wait_for(20 * len(pushed))
    assert sorted(seen) == list(range(20 * len(pushed)))


def test_what_is_in_hand_when_the_server_goes_is_left_to_the_next_consumer(make, nats_place, monkeypatch, caplog):
    be_patient_at_the_end(monkeypatch, LIMIT)
    seen = Seen()
    with Proxy(nats_place.url) as proxy:
        environment = make(proxy.url)
        task = task_of(environment, seen, concurrent_num=1)
        listening(task)
        seen.wait_for(1)
        seen.may.clear()
        task.push_many([{"x": n} for n in range(100)])
        (consumer,) = environment.worker.consumers()
        broker = consumer._broker
        until(lambda: broker.sink.accepted + len(broker._broker._receiver.waiting) == 101)  # the others have come, too
        with proxy.refuse():
            until(lambda: "the loop that takes messages failed" in caplog.text)
            assert stop_while_held(environment, seen)
        assert len(seen) < 100
        task.consume()
        seen.wait_for(101)
    assert sorted(seen) == list(range(-1, 100))


def test_cuts_double_nothing_and_are_heard_after(make, nats_place):
    """Ten of them, at any packet.  What the server sends before it has noticed is lost, as is declared; then nothing is."""
    seen, numbers = Seen(), itertools.count()
    with Proxy(nats_place.url) as proxy:
        options = {"receive_ahead": 100}  # it asks for more again and again
        listening(task_of(make(proxy.url), seen, options=options, concurrent_num=1))
        sender = task_of(make(), print)

        def heard():
            """Whether all of fifty are, once one that was pushed after them is."""
            some = list(itertools.islice(numbers, 50))
            sender.push_many([{"x": x} for x in some])
            end = time.monotonic() + PATIENCE
            while max(seen, default=-1) <= some[-1]:
                assert time.monotonic() < end
                sender.push(next(numbers))
                time.sleep(0.01)
            return set(some) <= set(seen)

        for n in range(10):
            planned = proxy.cuts + n % 2
            proxy.cut_after(1 + n // 2, after=n % 3 == 0) if n % 2 else proxy.cut()
            until(lambda planned=planned: (heard(), proxy.cuts == planned)[1])
            until(heard)  # the server may not have noticed the cut yet
    assert len(seen) == len(set(seen))


def test_a_publisher_that_is_cut_is_told(make, nats_place):
    """What it is not told of has been heard."""
    seen, told = Seen(), []
    listening(task_of(make(), seen))
    with Proxy(nats_place.url) as proxy:
        sender = task_of(make(proxy.url), print)
        for n in range(30):
            proxy.cut_after(1 + n % 3, after=n % 2 == 0)
            try:
                sender.push(n)
            except BrokerUnavailable:
                told.append(n)
        assert proxy.cuts
    assert told
    until(lambda: set(range(30)) - set(told) <= set(seen))


def test_a_server_that_starts_anew_is_heard_again(make, start_nats, caplog):
    server, seen = start_nats(), Seen()
    task = task_of(make(server.url), seen)
    listening(task)
    for n in range(3):
        seen.wait_for(n + 1)
        server.kill()
        with pytest.raises(BrokerUnavailable, match="Check that it runs and that NATS_URL points to it"):
            task.push(100)
        server.start()
        end = time.monotonic() + PATIENCE
        while True:
            try:
                task.push(n)
                break
            except BrokerUnavailable:
                assert time.monotonic() < end
    seen.wait_for(4)
    assert sorted(seen) == [-1, 0, 1, 2]
    assert "the loop that takes messages failed (NatsUnavailable" in caplog.text


def test_a_frozen_server_stops_nobody_for_good(make, start_nats):
    server, seen = start_nats(), Seen()
    environment = make(server.url)
    listening(task_of(environment, seen))
    task = task_of(make(server.url), print, options={"publish_timeout": 0.5})
    server.freeze()
    with pytest.raises(BrokerUnavailable):
        until(lambda: not task.push(1))  # it takes a moment until the last of its threads stands
    server.thaw()
    end = time.monotonic() + PATIENCE
    while 2 not in seen:
        assert time.monotonic() < end
        try:
            task.push(2)
        except BrokerUnavailable:
            pass
    server.freeze()
    assert environment.worker.stop()
    server.thaw()


_CONSUMER = """
import sys, time
from funboost_core import BoosterParams, Environment, boost
environment = Environment({"BROKER_KIND": "NATS", "CONCURRENT_MODE": "threading", "STATE_URL": "memory://",
                           "NATS_URL": sys.argv[1], "NAMESPACE": sys.argv[2]})
@boost(BoosterParams(queue_name="q"), environment=environment)
def run(x):
    print(x, flush=True)
    time.sleep(600)
run.consume()
time.sleep(600)
"""


def test_others_go_on_when_a_consumer_is_killed(make, nats_place):
    """What it held is lost, as is declared; nothing else is."""
    seen = Seen()
    with subprocess.Popen(
        [sys.executable, "-c", _CONSUMER, nats_place.url, nats_place.namespace], stdout=subprocess.PIPE, text=True
    ) as child:
        task_of(make(), print, options={"publish_timeout": PATIENCE}).push(0)
        assert child.stdout.readline() == "0\n"
        child.kill()
        child.wait()
    knocking = task_of(make(), print, options={"publish_timeout": 0.2})
    until_nobody_listens(lambda: knocking.push(0), NobodyListens)  # the server has noticed
    task = task_of(make(), seen)
    task.consume()
    for n in range(1, 20):
        task.push(n)
    seen.wait_for(19)
    assert sorted(seen) == list(range(1, 20))
