"""confirmed=False: nothing that `push` returned for is lost when the publisher is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from redis_helpers import put, until

from funboost_core.ports.broker import Outgoing

pytestmark = pytest.mark.server

PUBLISHER = """
import sys
from funboost_core import BoosterParams, Environment, boost
environment = Environment({"REDIS_URL": sys.argv[1], "NAMESPACE": sys.argv[2], "CONCURRENT_MODE": "threading"})
params = BoosterParams(queue_name="q", broker_kind="REDIS_ACK_ABLE", broker_exclusive_config={"confirmed": False})

@boost(params, environment=environment)
def f(x): pass

number = 0
while True:
    f.push(number)
    number += 1
    print(number, flush=number % 97 == 0)
"""


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.4])
def test_a_kill_of_the_publisher_loses_nothing(make, redis_place, seconds):
    command = [sys.executable, "-c", PUBLISHER, redis_place.url, redis_place.namespace]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        said = [program.stdout.readline() for _ in range(98)]  # one more than it tells of at first
        time.sleep(seconds)
        program.kill()
        whole = ("".join(said) + program.stdout.read()).rpartition("\n")[0]
    told = int(whole.split("\n")[-1])
    assert told > 97
    broker = make(listen=False)
    until(lambda: broker.count() >= told)


def test_order_and_number_with_and_without_delay(make):
    broker = make(confirmed=False)
    for number in range(2500):
        put(broker, b"%d" % number)
    broker.publish([Outgoing(b"late", due=time.time() - 1), Outgoing(b"last")])
    seen, done = [], ()
    while len(seen) < 2502:
        done = broker.turn(done, 100) or broker.fetch(100, 1)
        seen += [delivery.body for delivery in done]
    assert [body for body in seen if body != b"late"] == [*(b"%d" % number for number in range(2500)), b"last"]


def test_closing_waits_for_the_server(make):
    broker, look = make(confirmed=False, listen=False), make(listen=False)
    for number in range(500):
        put(broker, b"%d" % number)
    broker.close()
    assert look.count() == 500


def test_threads_have_connections_of_their_own(make):
    broker = make(confirmed=False, listen=False)
    threads = [threading.Thread(target=lambda: [put(broker, b"x") for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    until(lambda: broker.count() == 2000)


def test_a_server_that_started_anew_is_found_again(make, start_redis):
    own = start_redis()
    broker = make(url=own.url, confirmed=False, listen=False)
    put(broker, b"1")
    own.restart()
    put(broker, b"2")
    until(lambda: broker.count() == 1)
