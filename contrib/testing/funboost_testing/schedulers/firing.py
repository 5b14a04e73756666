"""When a schedule fires, and what it publishes."""

from __future__ import annotations

import datetime
from typing import Callable

from funboost_core.ports.scheduler import Schedule, Scheduler
from funboost_core.publishing.fires import fire_id

from ..clock import FakeClock
from ..faults import Faults, cut
from ..topics import proves
from .base import QUEUE, Fired, Program, SchedulerBase


class FiringTests(SchedulerBase):
    """At its times, not before, and once each."""

    @proves("fires")
    def test_it_fires_at_its_times_and_not_before(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        scheduler.add(self.every_ten())
        scheduler.start()
        for count in range(5):
            self.let_pass(clock, 9.999)
            assert len(fired.ids) == count, "it fired before its time"
            self.let_pass(clock, 0.001)
            assert len(fired.ids) == count + 1, "it did not fire once at its time"

    @proves("fires")
    def test_the_task_id_is_made_of_the_schedule_and_the_time(
        self, scheduler: Scheduler, clock: FakeClock, fired: Fired
    ) -> None:
        """So that the copies of a fire can be told."""
        begun = clock.time()
        scheduler.add(self.every_ten("nightly"))
        scheduler.start()
        self.live_through(clock, 20)
        assert fired.ids == [fire_id(QUEUE, "nightly", begun + 10), fire_id(QUEUE, "nightly", begun + 20)]

    @proves("fires")
    def test_arguments_are_passed(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        value = {"deep": [1, None, "北", 0.5, True]}
        scheduler.add(Schedule("s", {"kind": "interval", "seconds": 10}, (value,), {"y": [value]}))
        scheduler.start()
        self.let_pass(clock, 10)
        assert fired.arguments == [{"x": value, "y": [value]}]

    @proves("fires")
    def test_a_date_comes_once(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        moment = datetime.datetime.fromtimestamp(clock.time() + 30, datetime.timezone.utc)
        scheduler.add(Schedule("s", {"kind": "date", "run_date": moment.strftime("%Y-%m-%d %H:%M:%S")}, (1,)))
        scheduler.start()
        self.live_through(clock, 29)
        assert fired.ids == []
        self.live_through(clock, 60)
        assert len(fired.ids) == 1
        assert scheduler.all() == []

    @proves("fires")
    def test_cron_is_read_in_the_time_zone_it_names(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        """22:13:20 UTC is 06:13:20 in Shanghai."""
        scheduler.add(Schedule("s", {"kind": "cron", "hour": 6, "minute": 14, "timezone": "Asia/Shanghai"}, (1,)))
        scheduler.start()
        self.let_pass(clock, 39)
        assert fired.ids == []
        self.let_pass(clock, 1)
        assert fired.ids == [fire_id(QUEUE, "s", clock.time())]
        self.let_pass(clock, 3600)
        assert len(fired.ids) == 1

    @proves("fires")
    def test_many_come_at_once(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        for number in range(250):
            scheduler.add(self.every_ten(str(number), number))
        scheduler.start()
        self.let_pass(clock, 10)
        assert sorted(fired.xs) == list(range(250))

    @proves("fires")
    def test_what_could_not_be_published_is_tried_again(
        self, programs: Callable[[], Program], clock: FakeClock, fired: Fired
    ) -> None:
        """As the fire of its time; those after it come at theirs."""
        program, begun = programs(), clock.time()
        program.scheduler.add(self.every_ten())
        program.scheduler.start()
        with Faults(program.environment) as faults:
            faults.at("publish", cut())
            self.live_through(clock, 20)
            assert faults.met == ["publish"]
        assert fired.ids == [fire_id(QUEUE, "s", begun + 10), fire_id(QUEUE, "s", begun + 20)]
