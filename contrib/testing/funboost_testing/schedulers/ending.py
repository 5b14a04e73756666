"""Starting paused, stopping, starting again."""

from __future__ import annotations

from funboost_core.ports.scheduler import Scheduler

from ..clock import FakeClock
from ..pools.base import names, real_threads
from ..topics import proves
from .base import Fired, SchedulerBase


class EndingTests(SchedulerBase):
    """What is not started fires nothing, and what is stopped leaves nothing behind."""

    @proves("starts")
    def test_what_is_not_started_fires_nothing(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        scheduler.add(self.every_ten())
        clock.advance(15)
        self.watch(lambda: fired.ids)
        assert fired.ids == []
        assert len(scheduler.all()) == 1

    @proves("starts")
    def test_what_was_started_paused_fires_when_it_is_started(
        self, scheduler: Scheduler, clock: FakeClock, fired: Fired
    ) -> None:
        scheduler.start(paused=True)
        scheduler.add(self.every_ten())
        clock.advance(10)
        self.watch(lambda: fired.ids)
        assert fired.ids == []
        scheduler.start()
        self.until("it fires", lambda: fired.ids)
        scheduler.start(paused=True)
        self.let_pass(clock, 10)
        assert len(fired.ids) == 2, "one that runs was paused by being started"

    @proves("threads")
    def test_stopping_ends_the_threads(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        """Time after time; and nothing fires any more."""
        before = real_threads()
        for _ in range(3):
            scheduler.add(self.every_ten(), replace=True)
            scheduler.start()
            self.let_pass(clock, 10)
            scheduler.stop()
            left = real_threads() - before
            assert not left, f"threads were left behind: {names(left)}"
            count = len(fired.ids)
            clock.advance(100)
            self.watch(lambda: len(fired.ids) > count)  # noqa: B023
            assert len(fired.ids) == count
        assert count >= 3

    @proves("threads")
    def test_stopping_needs_no_start(self, scheduler: Scheduler) -> None:
        scheduler.stop()
        scheduler.start()
        scheduler.stop()
        scheduler.stop()
