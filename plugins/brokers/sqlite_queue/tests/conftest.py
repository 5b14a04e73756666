from __future__ import annotations

import logging
import threading

import pytest
from funboost_broker_sqlite_queue.broker import SqliteBroker
from funboost_broker_sqlite_queue.options import Options

from funboost_core.clock import SYSTEM, Clock
from funboost_core.environment import Environment
from funboost_core.ports.broker import BrokerContext


class HandClock(Clock):
    """Moved by hand; `asleep` is set while somebody waits on it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asleep = threading.Event()
        self.nap = 0.01

    def time(self) -> float:
        return self.now

    monotonic = time

    def wait(self, condition, seconds):
        self.asleep.set()
        return condition.wait(self.nap)

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def hand_clock():
    return HandClock()


@pytest.fixture
def make(tmp_path):
    """Make brokers of one database; they are closed at the end."""
    made = []

    def make(queue="q", clock=SYSTEM, listen=True, settings=None, **options):
        environment = Environment({"DATA_DIR": str(tmp_path), **(settings or {})}, clock=clock)
        broker = SqliteBroker(
            BrokerContext("SQLITE_QUEUE", queue, Options(**options), environment, logging.getLogger("t"))
        )
        made.append(broker)
        broker.open()
        if listen:
            broker.listen()
        return broker

    yield make
    for broker in made:
        broker.close()
