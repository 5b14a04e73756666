"""Several publishers and consumers, in threads and in processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from funboost_core import BoosterParams, Capability, Environment, PullBroker

from ..topics import proves
from .base import BrokerSuite, MakeBroker, lacks, needs

_MESSAGES = 400
_START = 30.0
"""Seconds that a process may take to start on a machine that has much else to do."""

_CHILD = """
import importlib, json, sys, time
from funboost_core import BoosterParams, Environment, Outgoing, register_plugin
from funboost_core.consuming.pushed import open_broker
from funboost_core.task import Task

what, settings, params, plugins, patience = sys.argv[1], *map(json.loads, sys.argv[2:])
environment = Environment(settings)
for name in plugins:
    register_plugin(importlib.import_module(name), environment)
task = Task(BoosterParams(**params), None, environment)
if what == "publish":
    broker = task.make_broker()
    for n in range(20):
        broker.publish([Outgoing(json.dumps({"n": n}).encode())])
    broker.close()
else:
    broker = open_broker(task)
    broker.listen()
    held, end = [], time.monotonic() + patience
    while len(held) < 5 and time.monotonic() < end:
        held += broker.fetch(5 - len(held), 1)
    broker.ack(held[:2])
    print(*[json.loads(d.body)["n"] for d in held], flush=True)
    time.sleep(600)
"""


class SharingTests(BrokerSuite):
    """Each message goes to one consumer (or to each, with BROADCAST), none to nobody."""

    @lacks(Capability.BROADCAST)
    def test_competing_consumers_share_without_duplicates(self, make: MakeBroker, publisher: PullBroker) -> None:
        """Four of them, while messages come in from four threads."""
        taken: list[Any] = []
        lock, stop, ready = threading.Lock(), threading.Event(), threading.Barrier(8)

        def consume() -> None:
            broker = make()
            broker.listen()
            ready.wait(self.patience)
            more = True
            while more:  # to the end: a duplicate may be the last of all
                more = not stop.is_set()
                got = broker.fetch(10, 0.1)
                broker.ack(got)
                with lock:
                    taken.extend(self.read(got))
                more = more or bool(got)

        def publish(part: int) -> None:
            ready.wait(self.patience)
            for n in range(part, _MESSAGES, 4):
                self.send(publisher, n)

        threads = [threading.Thread(target=consume) for _ in range(4)]
        threads += [threading.Thread(target=publish, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        try:
            self.eventually("all messages are taken", lambda: len(taken) >= _MESSAGES)
        finally:
            stop.set()
            for thread in threads:
                thread.join(self.patience)
        duplicates = sorted({n for n in taken if taken.count(n) > 1})
        assert not duplicates, f"delivered to two consumers: {duplicates}"
        assert sorted(taken) == list(range(_MESSAGES)), "messages went to nobody"

    @needs(Capability.CROSS_PROCESS)
    def test_other_processes_publish_to_the_same_queue(self, environment: Environment, consumer: PullBroker) -> None:
        """In their order."""
        with self._child("publish", environment) as child:
            assert child.wait(_START + self.patience) == 0, "the process that publishes failed"
        assert self.read(self.collect(consumer, 20)) == list(range(20))

    @proves("CROSS_PROCESS", "ACK", "RECOVER")
    @needs(Capability.CROSS_PROCESS, Capability.ACK)
    def test_what_a_killed_process_held_comes_back(
        self, environment: Environment, publisher: PullBroker, make: MakeBroker, capabilities: Capability
    ) -> None:
        """All that it had not acknowledged, and only that, as a second delivery (or one that nobody has counted).

        Where acknowledging is a position, what it had acknowledged last may come back too.
        """
        position = Capability.OFFSET_ACK in capabilities
        consumer = make()
        if not position:  # parts of the log are shared out, not messages: it would get all of them, or none
            consumer.listen()
        self.send(publisher, *range(5))
        with self._child("hold", environment) as child:
            assert child.stdout is not None
            held = [int(n) for n in child.stdout.readline().split()]
            assert len(held) == 5, f"another process sees {held} of 5 messages that were published here"
            if not position:
                self.nothing(consumer)
            child.kill()
            child.wait()
            if position:
                consumer.listen()
            got: list[Any] = []

            def returned() -> bool:
                consumer.maintain()
                got.extend(consumer.fetch(10, 0.1))
                return {*held[2:]} <= {*self.read(got)}

            self.eventually("what a killed process held comes back", returned)
            back = sorted(self.read(got))
            assert back == sorted(held[2:]) or (position and back == sorted(held[5 - len(back) :]))
            assert {delivery.attempts for delivery in got} in ({2}, {0}), "a delivery after a crash must be counted"
            consumer.maintain()
            self.nothing(consumer)

    @contextmanager
    def _child(self, what: str, environment: Environment) -> Iterator[subprocess.Popen[str]]:
        params = BoosterParams(queue_name="q", broker_exclusive_config=dict(self.options))
        arguments = [
            what,
            json.dumps(environment.settings.values),
            params.model_dump_json(include={"queue_name", "broker_exclusive_config"}),
            json.dumps(self.plugins),
            json.dumps(self.patience),
        ]
        command = [sys.executable, "-c", _CHILD, *arguments]
        path = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=path) as child:
            try:
                yield child
            finally:
                child.kill()
