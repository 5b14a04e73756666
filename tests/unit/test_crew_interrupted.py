"""A signal that ends the main thread while it starts a consumer: the drain does not wait for a thread that nobody counts."""

from __future__ import annotations

import threading

import pytest
from support.pools import Threads

from funboost_core import PoolContext
from funboost_core.clock import SYSTEM
from funboost_core.consuming.crew import Crew

PATIENCE = 30  # real seconds; only a failing test waits so long


class Interrupted(Threads):
    """The signal comes when the thread has begun, while its starter waits to hear of it."""

    def start(self, work):
        super().start(work)
        raise SystemExit


class Source:
    """Nothing to do, until it is stopped."""

    needs_ack, eager, finished = True, False, 0

    def __init__(self):
        self.stopped = threading.Event()

    def take(self, free):
        self.stopped.wait(PATIENCE)
        return []


def test_a_signal_while_the_first_thread_starts():
    source, pool = Source(), Interrupted(PoolContext(2, "test"))
    crew = Crew(pool, source, source, lambda delivery, outcome: False, SYSTEM, lambda: None)
    with pytest.raises(SystemExit):
        crew.start()
    assert not crew.join(0)  # it runs
    crew.stop()
    source.stopped.set()
    assert crew.join(PATIENCE)
    assert crew.size == 0
