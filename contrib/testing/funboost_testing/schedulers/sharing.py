"""Several schedulers over one store; and after a restart."""

from __future__ import annotations

from typing import Callable

from funboost_core.ports.scheduler import Scheduler
from funboost_core.publishing.fires import fire_id

from ..clock import FakeClock
from ..topics import proves
from .base import QUEUE, Fired, Program, SchedulerBase


class SharingTests(SchedulerBase):
    """They share the schedules, and each fire is published by one of them."""

    @proves("shared")
    def test_schedules_survive_a_restart(
        self, other: Scheduler, programs: Callable[[], Program], clock: FakeClock
    ) -> None:
        other.add(self.every_ten("a", 1, misfire_grace_time=7))
        other.add(self.every_ten("b", 2))
        other.pause("b")
        before = other.all()
        other.start()
        self.settle(clock)
        other.stop()
        assert programs().scheduler.all() == before

    @proves("shared")
    def test_two_publish_each_fire_once(
        self, scheduler: Scheduler, other: Scheduler, clock: FakeClock, fired: Fired
    ) -> None:
        begun = clock.time()
        for number in range(50):
            (scheduler if number % 2 else other).add(self.every_ten(str(number), number))
        scheduler.start()
        other.start()
        self.live_through(clock, 30, running=2)
        expected = [fire_id(QUEUE, str(n), begun + at) for n in range(50) for at in (10, 20, 30)]
        assert sorted(fired.ids) == sorted(expected)

    @proves("shared")
    def test_what_another_one_changes_is_seen_within_a_second(
        self, scheduler: Scheduler, other: Scheduler, clock: FakeClock, fired: Fired
    ) -> None:
        scheduler.start()
        self.settle(clock)
        for id in "abc":
            other.add(self.every_ten(id, id))
        self.let_pass(clock, 1)
        other.remove("a")
        other.pause("b")
        self.let_pass(clock, 9)
        assert fired.xs == ["c"]

    @proves("shared")
    def test_one_goes_on_when_the_other_stops(
        self, scheduler: Scheduler, other: Scheduler, clock: FakeClock, fired: Fired
    ) -> None:
        scheduler.add(self.every_ten())
        scheduler.start()
        other.start()
        self.live_through(clock, 10, running=2)
        scheduler.stop()
        self.live_through(clock, 20)
        assert len(fired.ids) == 3
