"""Pools for tests: real threads, and one that runs what is submitted when the test says so."""

from __future__ import annotations

from funboost_core import PoolSpec, TaskPool, ThreadPool, hookimpl
from funboost_core.native import Condition, Thread


class Threads(ThreadPool):
    """A thread for each worker; remembers them all."""

    def __init__(self, context):
        super().__init__(context)
        self.started = []
        self.refuse = None

    def start(self, work):
        if self.refuse is not None:
            raise self.refuse
        thread = Thread(target=work, daemon=True)
        self.started.append(thread)
        thread.start()

    def close(self):
        pass


class ByHand(TaskPool):
    """Keeps what is submitted until `run_one`; `wait_for` blocks until so many are there."""

    def __init__(self, context):
        super().__init__(context)
        self.submitted = []
        self.most = 0
        self.unfinished = 0
        self.changed = Condition()

    def submit(self, deliveries, run, finished):
        with self.changed:
            self.submitted.extend((delivery, run, finished) for delivery in deliveries)
            self.unfinished += len(deliveries)
            self.most = max(self.most, self.unfinished)
            self.changed.notify_all()

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.submitted) >= count, 30), f"{len(self.submitted)} submitted"

    def run_one(self):
        with self.changed:
            delivery, run, finished = self.submitted.pop(0)
            self.unfinished -= 1
        finished(delivery, run(delivery))
        return delivery

    def close(self):
        pass


class PoolPlugin:
    """Declares the modes tiny (threads) and byhand."""

    @hookimpl
    def funboost_pools(self):
        return [PoolSpec("tiny", Threads), PoolSpec("byhand", ByHand)]
