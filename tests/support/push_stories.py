"""What the tests of brokers that push share: tasks that may be held up."""

from __future__ import annotations

import threading
import time

from funboost_core import BoosterParams, boost

PATIENCE = 10.0


class Seen(list):
    """What ran, in a task that may be held up."""

    def __init__(self):
        super().__init__()
        self.may = threading.Event()
        self.may.set()

    def __call__(self, x):
        self.append(x)
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
