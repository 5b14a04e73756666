"""What the tests of brokers that push share: tasks that may be held up, and whether anybody listens."""

from __future__ import annotations

import threading
import time

from rest import eventually

from funboost_core import BoosterParams, BrokerUnavailable, boost

PATIENCE = 30.0


class Seen(list):
    """What ran, in a task that may be held up."""

    def __init__(self):
        super().__init__()
        self.may = threading.Event()
        self.may.set()

    def __call__(self, x):
        held = not self.may.is_set()  # asked first: whoever has seen it run may hold up the next ones, and not this one
        self.append(x)
        if held:
            self.may.wait(PATIENCE)

    def wait_for(self, count):
        end = time.monotonic() + PATIENCE
        while len(self) < count:
            assert time.monotonic() < end, f"only {len(self)} of {count} ran"
            time.sleep(0.01)


def task_of(environment, function, queue="q", options=None, **params):
    def run(x):
        return function(x)

    given = BoosterParams(queue_name=queue, broker_exclusive_config=options or {}, **params)
    return boost(given, environment=environment)(run)


def listening(task):
    """Its consumer has subscribed."""
    task.consume()
    task.push(-1)


def until(condition):
    assert eventually(condition), "it did not happen"


def until_nobody_listens(push, error):
    """Push again and again; the `error` that at last says that nobody listens (any more)."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            push()
        except error as told:
            return told
        except BrokerUnavailable:  # the server has not answered within a time that is meant to be short here
            pass
    raise AssertionError("it was not told that nobody listens")


def stop_while_held(environment, seen):
    """Stop the worker; the task that is held up goes on once nothing more is started.  Whether all tasks ended."""
    (consumer,) = environment.worker.consumers()
    stop = consumer.stop
    consumer.stop = lambda: (stop(), seen.may.set())
    return environment.worker.stop()


def be_patient_at_the_end(monkeypatch, limit):
    """What a consumer that ends is owed may take long here: no message is given up; `limit` is the broker's own."""
    for name in (limit, "funboost_core.consuming.pushed.CLOSING"):
        monkeypatch.setattr(name, PATIENCE)
