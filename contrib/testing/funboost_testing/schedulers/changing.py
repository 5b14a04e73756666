"""Adding, replacing, listing, removing, pausing."""

from __future__ import annotations

from typing import Any

import pytest

from funboost_core import ConfigError, SignatureError
from funboost_core.errors import NotSerializable
from funboost_core.ports.scheduler import Schedule, Scheduler

from ..clock import FakeClock
from ..topics import proves
from .base import EVERY_TEN, Fired, SchedulerBase


class ChangingTests(SchedulerBase):
    """Schedules can be looked at and changed, whether the scheduler is started or not."""

    @proves("changes")
    def test_a_schedule_is_listed_as_it_was_added(self, scheduler: Scheduler, clock: FakeClock) -> None:
        scheduler.add(Schedule("a", EVERY_TEN, (1,), {"y": "北"}, misfire_grace_time=5, coalesce=False))
        [found] = scheduler.all()
        assert (found.id, list(found.args), dict(found.kwargs)) == ("a", [1], {"y": "北"})
        assert (found.misfire_grace_time, found.coalesce) == (5, False)
        assert found.trigger["kind"] == "interval"
        assert found.next_due == clock.time() + 10

    @proves("changes")
    def test_the_soonest_is_listed_first_and_paused_ones_last(self, scheduler: Scheduler) -> None:
        for id, seconds in (("later", 30), ("paused", 5), ("sooner", 20)):
            scheduler.add(Schedule(id, {"kind": "interval", "seconds": seconds}, (1,)))
        scheduler.pause("paused")
        assert [found.id for found in scheduler.all()] == ["sooner", "later", "paused"]
        assert scheduler.all()[-1].next_due is None

    @proves("changes")
    def test_an_id_is_given_once(self, scheduler: Scheduler) -> None:
        scheduler.add(self.every_ten(x=1))
        with pytest.raises(ConfigError, match="'s'"):
            scheduler.add(self.every_ten(x=2))
        assert [list(found.args) for found in scheduler.all()] == [[1]]

    @proves("changes")
    def test_replacing_changes_the_arguments_and_not_the_times(self, scheduler: Scheduler, clock: FakeClock) -> None:
        """A program that declares its schedules at each start would put them off for ever otherwise."""
        scheduler.add(self.every_ten(x=1), replace=True)
        before = scheduler.all()[0].next_due
        clock.advance(7)
        scheduler.add(self.every_ten(x=2), replace=True)
        [found] = scheduler.all()
        assert (found.next_due, list(found.args)) == (before, [2])

    @proves("changes")
    def test_replacing_by_another_trigger_begins_anew(self, scheduler: Scheduler, clock: FakeClock) -> None:
        scheduler.add(self.every_ten())
        clock.advance(7)
        scheduler.add(Schedule("s", {"kind": "interval", "seconds": 20}, (1,)), replace=True)
        assert [found.next_due for found in scheduler.all()] == [clock.time() + 20]

    @proves("checks")
    @pytest.mark.parametrize(
        ("args", "kwargs", "error"),
        [
            ((), {}, SignatureError),
            ((1, 2, 3), {}, SignatureError),
            ((1,), {"z": 1}, SignatureError),
            ((object(),), {}, NotSerializable),
            ((1,), {"y": {1}}, NotSerializable),
        ],
        ids=["missing", "too many", "unknown", "no JSON", "a set"],
    )
    def test_arguments_are_checked_when_added(
        self, scheduler: Scheduler, args: Any, kwargs: Any, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            scheduler.add(Schedule("s", EVERY_TEN, args, kwargs))
        assert scheduler.all() == []

    @proves("checks")
    @pytest.mark.parametrize(
        "trigger",
        [
            {"kind": "no such kind"},
            {"kind": "cron", "hour": 25},
            {"kind": "interval", "second": 5},
            {"kind": "date", "run_date": "soon"},
            {"kind": "cron", "hour": 3, "timezone": "Mars/Olympus"},
        ],
        ids=["kind", "value", "name", "date", "zone"],
    )
    def test_triggers_are_checked_when_added(self, scheduler: Scheduler, trigger: Any) -> None:
        with pytest.raises(ConfigError):
            scheduler.add(Schedule("s", trigger, (1,)))
        assert scheduler.all() == []

    @proves("changes")
    def test_what_is_added_while_it_runs_fires(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        scheduler.start()
        self.let_pass(clock, 3600)
        scheduler.add(self.every_ten())
        self.let_pass(clock, 10)
        assert fired.xs == [1]

    @proves("changes")
    def test_what_is_removed_does_not_fire(self, scheduler: Scheduler, clock: FakeClock, fired: Fired) -> None:
        for id in "ab":
            scheduler.add(self.every_ten(id, id))
        scheduler.start()
        self.let_pass(clock, 10)
        assert scheduler.remove("a")
        assert [found.id for found in scheduler.all()] == ["b"]
        self.let_pass(clock, 10)
        assert sorted(fired.xs) == ["a", "b", "b"]

    @proves("changes")
    def test_what_is_paused_does_not_fire_until_it_is_resumed(
        self, scheduler: Scheduler, clock: FakeClock, fired: Fired
    ) -> None:
        """And then at its next time from there: what was left out on purpose is not made up for."""
        scheduler.add(Schedule("s", {"kind": "cron", "second": "5-55/10"}, (1,), coalesce=False))
        scheduler.start()
        assert scheduler.pause("s")
        self.let_pass(clock, 60)
        assert fired.ids == []
        assert scheduler.resume("s")
        self.settle(clock)
        assert fired.ids == []
        self.let_pass(clock, 10)
        assert len(fired.ids) == 1

    @proves("changes")
    def test_unknown_ids_are_told(self, scheduler: Scheduler) -> None:
        scheduler.add(self.every_ten())
        assert not scheduler.remove("t")
        assert not scheduler.pause("t")
        assert not scheduler.resume("t")
        assert [found.id for found in scheduler.all()] == ["s"]
