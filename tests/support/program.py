"""A whole program in memory: environment, broker, pools and state, with the clock in the test's hand."""

from __future__ import annotations

import json

from funboost_testing.clock import FakeClock

from funboost_core import Booster, BoosterParams, Environment
from funboost_core.consuming.fetching import Intake
from funboost_core.consuming.gate import Gate
from funboost_core.consuming.plan import Planner
from funboost_core.consuming.receiving import Receiver
from funboost_core.consuming.settling import Settler
from funboost_core.message import decode, unpack
from funboost_core.native import Thread
from funboost_core.ports.broker import Delivery
from funboost_core.task import Task

from .broker import Server, TinyPlugin
from .pools import PoolPlugin
from .state import StatePlugin


def add(x, y=0):
    """The task of most tests."""
    return x + y


class Program:
    """Everything a test needs, fresh; `close` ends its threads."""

    def __init__(self, settings=None, clock=None):
        self.clock = clock or FakeClock()
        settings = {"BROKER_KIND": "TINY", "CONCURRENT_MODE": "tiny", "STATE_URL": "tiny://", **(settings or {})}
        self.environment = Environment(settings, clock=self.clock)
        self.server = Server()
        for plugin in (TinyPlugin(self.server), PoolPlugin(), StatePlugin()):
            self.environment.manager.register(plugin)

    def params(self, **params):
        return BoosterParams(**{"queue_name": "q", **params})

    def task(self, function=add, **params):
        return Task(self.params(**params), function, self.environment)

    def booster(self, function=add, **params):
        booster = Booster(self.params(**params), function, self.environment)
        self.environment.registry.add(booster)
        return booster

    def line(self, function=add, adapt=lambda call: call, **params):
        return Line(self.task(function, **params), adapt)

    def close(self):
        """End everything; the time goes on meanwhile."""
        ending = Thread(target=lambda: (self.environment.worker.stop(5), self.environment.close()), daemon=True)
        ending.start()
        while ending.is_alive():
            ending.join(0.01)
            self.clock.advance(0.05)


class Line:
    """The parts of a consumer that take in and settle, without any thread."""

    def __init__(self, task, adapt):
        self.task = task
        self.broker = task.make_broker()
        self.gate = Gate(task.environment.clock, task.params.qps)
        self.settler = Settler(task, self.broker)
        self.planner = Planner(task, adapt)
        self.intake = Intake(task, self.broker, self.gate, Receiver(task, self.planner, self.settler), self.settler)

    def fetched(self, body=b'{"x":1}'):
        """A delivery in the state between fetch and run."""
        self.broker.server.put(self.task.queue, body)
        (delivery,) = self.broker.fetch(1, 0)
        unpack(delivery, decode(delivery.body, 10**9), self.task.queue_name, self.task.environment.clock.time())
        delivery.plan = self.planner.plan(delivery)
        return delivery

    def raw(self, body):
        """A delivery that could not be decoded."""
        self.broker.server.put(self.task.queue, body)
        (delivery,) = self.broker.fetch(1, 0)
        return delivery


def delivery_of(body, queue="q", now=0.0):
    """A decoded delivery without a broker."""
    delivery = Delivery(body)
    unpack(delivery, decode(body, 10**9), queue, now)
    return delivery


def message(arguments=None, **extra):
    """The JSON text of a message of ours."""
    extra = {"task_id": "q_result:1", "publish_time": 1_700_000_000.0, "publish_time_format": "2023", **extra}
    body = {**(arguments if arguments is not None else {"x": 1}), "extra": extra}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
