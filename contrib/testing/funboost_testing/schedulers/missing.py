"""Times that passed while no scheduler looked."""

from __future__ import annotations

from typing import Callable

from funboost_core.ports.scheduler import Schedule, Scheduler
from funboost_core.publishing.fires import fire_id

from ..clock import FakeClock
from ..topics import proves
from .base import QUEUE, Fired, Program, SchedulerBase


class MissingTests(SchedulerBase):
    """Latest, all, or none of them."""

    @proves("missed")
    def test_of_those_missed_the_latest_is_published(
        self, scheduler: Scheduler, clock: FakeClock, fired: Fired
    ) -> None:
        begun = clock.time()
        scheduler.add(self.every_ten())
        scheduler.start()
        self.let_pass(clock, 35)
        assert fired.ids == [fire_id(QUEUE, "s", begun + 30)]
        self.let_pass(clock, 5)
        assert fired.ids[1:] == [fire_id(QUEUE, "s", begun + 40)]

    @proves("missed")
    def test_all_of_those_missed_are_published(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        begun = clock.time()
        scheduler.add(self.every_ten(coalesce=False))
        scheduler.start()
        self.let_pass(clock, 6125)
        self.until("all of them are published", lambda: len(fired.ids) >= 612)
        self.settle(clock)
        assert fired.ids == [fire_id(QUEUE, "s", begun + 10 * n) for n in range(1, 613)]

    @proves("missed")
    def test_what_is_later_than_its_grace_is_skipped(
        self, scheduler: Scheduler, clock: FakeClock, fired: Fired
    ) -> None:
        begun = clock.time()
        scheduler.add(self.every_ten("latest", misfire_grace_time=2))
        scheduler.add(self.every_ten("all", misfire_grace_time=2, coalesce=False))
        scheduler.start()
        self.let_pass(clock, 35)
        assert fired.ids == []
        self.let_pass(clock, 7)
        assert sorted(fired.ids) == [fire_id(QUEUE, name, begun + 40) for name in ("all", "latest")]

    @proves("missed")
    def test_a_date_that_had_passed_when_it_was_added_was_not_missed(
        self, scheduler: Scheduler, clock: FakeClock, fired: Fired
    ) -> None:
        """A program that declares it at each start would run it each time."""
        scheduler.start()
        scheduler.add(Schedule("s", {"kind": "date", "run_date": "2001-01-01 00:00:00"}, (1,)))
        self.let_pass(clock, 2)
        assert fired.ids == []
        assert scheduler.all() == []

    @proves("missed")
    def test_a_date_that_was_missed_and_is_declared_again_fires(
        self, other: Scheduler, programs: Callable[[], Program], clock: FakeClock, fired: Fired
    ) -> None:
        """A program declares it at each start, and the one start came too late."""
        schedule = Schedule("s", {"kind": "date", "run_date": "2023-11-14 22:14:00"}, (1,))
        other.add(schedule, replace=True)
        clock.advance(600)
        scheduler = programs().scheduler
        scheduler.add(schedule, replace=True)
        scheduler.start()
        self.settle(clock)
        assert len(fired.ids) == 1

    @proves("missed")
    def test_what_came_while_nobody_was_there_is_made_up_for(
        self, other: Scheduler, programs: Callable[[], Program], clock: FakeClock, fired: Fired
    ) -> None:
        begun = clock.time()
        other.add(self.every_ten())
        other.start()
        self.let_pass(clock, 10)
        other.stop()
        clock.advance(25)
        programs().scheduler.start()
        self.settle(clock)
        assert fired.ids == [fire_id(QUEUE, "s", begun + 10), fire_id(QUEUE, "s", begun + 30)]
