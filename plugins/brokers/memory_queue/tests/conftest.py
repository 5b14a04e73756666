"""Brokers of one environment whose clock is moved by hand."""

from __future__ import annotations

import logging

import pytest
from funboost_broker_memory_queue.broker import MemoryBroker
from funboost_broker_memory_queue.options import Options
from funboost_testing.clock import FakeClock

from funboost_core.environment import Environment
from funboost_core.ports.broker import BrokerContext


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def environment(clock):
    return Environment(clock=clock)


@pytest.fixture
def make(environment):
    def make(queue="q", options=None, environment=environment):
        context = BrokerContext("MEMORY_QUEUE", queue, options or Options(), environment, logging.getLogger("test"))
        broker = MemoryBroker(context)
        broker.open()
        return broker

    return make


@pytest.fixture
def broker(make):
    return make()
