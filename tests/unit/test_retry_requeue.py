"""A task that asks for another turn again and again keeps no processor busy, and nobody else from running."""

from __future__ import annotations

import pytest
from support.program import message

from funboost_core import Ack, Requeue
from funboost_core.consuming.fetching import CALM
from funboost_core.native import Thread


class Fetching:
    """One thread that fetches and runs, as fast as it may; what it ran, and when."""

    def __init__(self, program, again, **params):
        self.clock = program.clock
        self.ran = []
        self._again = again
        self._line = program.line(**params)
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        intake, settler = self._line.intake, self._line.settler
        while not self._line.gate.stopped:
            for delivery in intake.take(1):
                x = delivery.arguments["x"]
                self.ran.append((round(self.clock.monotonic() - 1000, 3), x))
                settler.settle(delivery, Requeue() if self._again(x) else Ack())
                intake.finished += 1

    def has_run(self, count):
        """Wait until so many runs have ended and the thread waits for the clock."""
        for _ in range(3000):
            if len(self.ran) >= count:
                break
            self._thread.join(0.01)
        self.clock.until_waiting(1)
        assert len(self.ran) == count

    def end(self):
        self._line.gate.stop()
        while self._thread.is_alive():
            self.clock.advance(0.1)
            self._thread.join(0.01)


@pytest.fixture
def fetching(program):
    made = []

    def make(again, **params):
        made.append(Fetching(program, again, **params))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.mark.parametrize("kind", ["TINY", "BARE", "NO_ACK"])
def test_alone_in_the_queue_it_runs_ten_times_a_second(program, fetching, kind):
    program.server.put("q", message())
    worker = fetching(lambda x: True, broker_kind=kind)
    for count in range(1, 31):
        worker.has_run(count)
        program.clock.advance(CALM)
    assert [when for when, _ in worker.ran[:30]] == pytest.approx([CALM * n for n in range(30)])


def test_others_are_not_kept_waiting_by_it(program, fetching):
    """While anything else ends in between, nothing pauses."""
    program.server.put("q", message({"x": "again"}), *[message({"x": n}) for n in range(50)])
    worker = fetching(lambda x: x == "again")
    worker.has_run(1)
    program.clock.advance(CALM)
    worker.has_run(53)
    assert [x for _, x in worker.ran] == ["again", *range(50), "again", "again"]
    assert [when for when, _ in worker.ran[1:]] == [CALM] * 52
