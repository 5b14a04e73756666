"""The calendar, lived through on the injected clock: each case says from when, and at which moments it fires."""

from __future__ import annotations

import datetime

import pytest
from funboost_testing.clock import FakeClock

from funboost_core.ports.scheduler import Schedule

HELSINKI = "Europe/Helsinki"  # 2024: 31 March 03:00+02 -> 04:00+03; 27 October 04:00+03 -> 03:00+02

CASES = {
    # -- the clocks are set forward: 03:30 does not exist -------------------------------------------------------------
    "forward, daily: an hour late by the wall, not left out": (
        {"kind": "cron", "hour": 3, "minute": 30, "timezone": HELSINKI},
        "2024-03-30T00:00+02:00",
        ["2024-03-30T03:30+02:00", "2024-03-31T04:30+03:00", "2024-04-01T03:30+03:00"],
    ),
    "forward, every hour: none is left out or doubled": (
        {"kind": "cron", "minute": 0, "timezone": HELSINKI},
        "2024-03-31T01:30+02:00",
        ["2024-03-31T02:00+02:00", "2024-03-31T04:00+03:00", "2024-03-31T05:00+03:00"],
    ),
    "forward, interval: true hours": (
        {"kind": "interval", "hours": 1, "timezone": HELSINKI},
        "2024-03-31T01:30+02:00",
        ["2024-03-31T02:30+02:00", "2024-03-31T04:30+03:00", "2024-03-31T05:30+03:00"],
    ),
    # -- the clocks are set back: 03:30 comes twice -----------------------------------------------------------------------
    "back, daily: once": (
        {"kind": "cron", "hour": 3, "minute": 30, "timezone": HELSINKI},
        "2024-10-26T00:00+03:00",
        ["2024-10-26T03:30+03:00", "2024-10-27T03:30+03:00", "2024-10-28T03:30+02:00"],
    ),
    "back, fixed hours around it": (
        {"kind": "cron", "hour": "2-4", "timezone": HELSINKI},
        "2024-10-27T00:00+03:00",
        ["2024-10-27T02:00+03:00", "2024-10-27T03:00+03:00", "2024-10-27T04:00+02:00", "2024-10-28T02:00+02:00"],
    ),
    "back, every hour: all 25": (
        {"kind": "cron", "minute": 0, "timezone": HELSINKI},
        "2024-10-27T02:30+03:00",
        ["2024-10-27T03:00+03:00", "2024-10-27T03:00+02:00", "2024-10-27T04:00+02:00"],
    ),
    "back, every twenty minutes": (
        {"kind": "cron", "minute": "*/20", "timezone": HELSINKI},
        "2024-10-27T03:30+03:00",
        ["2024-10-27T03:40+03:00", "2024-10-27T03:00+02:00", "2024-10-27T03:20+02:00", "2024-10-27T03:40+02:00"],
    ),
    "back, interval: true hours": (
        {"kind": "interval", "hours": 1, "timezone": HELSINKI},
        "2024-10-27T02:30+03:00",
        ["2024-10-27T03:30+03:00", "2024-10-27T03:30+02:00", "2024-10-27T04:30+02:00"],
    ),
    # -- months and years -----------------------------------------------------------------------------------------------
    "the last day of the month": (
        {"kind": "cron", "day": "last", "hour": 12},
        "2023-12-31T13:00+00:00",
        ["2024-01-31T12:00+00:00", "2024-02-29T12:00+00:00", "2024-03-31T12:00+00:00", "2024-04-30T12:00+00:00"],
    ),
    "the 31st: only months that have one": (
        {"kind": "cron", "day": 31, "hour": 0},
        "2024-01-31T01:00+00:00",
        ["2024-03-31T00:00+00:00", "2024-05-31T00:00+00:00", "2024-07-31T00:00+00:00"],
    ),
    "leap day": (
        {"kind": "cron", "month": 2, "day": 29},
        "2023-06-01T00:00+00:00",
        ["2024-02-29T00:00+00:00", "2028-02-29T00:00+00:00"],
    ),
    "the turn of the year": (
        {"kind": "cron", "hour": 0, "minute": 0},
        "2024-12-30T12:00+00:00",
        ["2024-12-31T00:00+00:00", "2025-01-01T00:00+00:00"],
    ),
    # -- every field ------------------------------------------------------------------------------------------------------
    "year": (
        {"kind": "cron", "year": "2025-2026"},
        "2024-06-01T00:00+00:00",
        ["2025-01-01T00:00+00:00", "2026-01-01T00:00+00:00", None],
    ),
    "month": (
        {"kind": "cron", "month": "feb,11"},
        "2024-01-01T00:00+00:00",
        ["2024-02-01T00:00+00:00", "2024-11-01T00:00+00:00", "2025-02-01T00:00+00:00"],
    ),
    "day": (
        {"kind": "cron", "day": "1st mon,15"},
        "2024-01-01T00:00:01+00:00",
        ["2024-01-15T00:00+00:00", "2024-02-05T00:00+00:00", "2024-02-15T00:00+00:00"],
    ),
    "week": (
        {"kind": "cron", "week": 1, "day_of_week": 0},
        "2024-01-02T00:00+00:00",
        ["2024-12-30T00:00+00:00", "2025-12-29T00:00+00:00"],
    ),
    "day_of_week": (
        {"kind": "cron", "day_of_week": "mon-fri", "hour": 9},
        "2024-03-01T08:00+00:00",
        ["2024-03-01T09:00+00:00", "2024-03-04T09:00+00:00", "2024-03-05T09:00+00:00"],
    ),
    "hour": (
        {"kind": "cron", "hour": "*/8"},
        "2024-01-01T01:00+00:00",
        ["2024-01-01T08:00+00:00", "2024-01-01T16:00+00:00", "2024-01-02T00:00+00:00"],
    ),
    "minute": (
        {"kind": "cron", "minute": "5-15/5"},
        "2024-01-01T00:00+00:00",
        ["2024-01-01T00:05+00:00", "2024-01-01T00:10+00:00", "2024-01-01T00:15+00:00", "2024-01-01T01:05+00:00"],
    ),
    "second": (
        {"kind": "cron", "second": "0,59"},
        "2024-01-01T00:00:01+00:00",
        ["2024-01-01T00:00:59+00:00", "2024-01-01T00:01:00+00:00", "2024-01-01T00:01:59+00:00"],
    ),
    "start and end": (
        {"kind": "cron", "hour": 0, "start_date": "2024-02-01", "end_date": "2024-02-02 12:00:00"},
        "2024-01-01T00:00+00:00",
        ["2024-02-01T00:00+00:00", "2024-02-02T00:00+00:00", None],
    ),
    "calendar interval": (
        {"kind": "calendarinterval", "months": 1, "hour": 3, "start_date": "2024-01-31"},
        "2024-01-01T00:00+00:00",
        ["2024-01-31T03:00+00:00", "2024-03-31T03:00+00:00", "2024-05-31T03:00+00:00"],
    ),
    "another zone than the program's": (
        {"kind": "cron", "hour": 8, "timezone": "Asia/Shanghai"},
        "2024-01-01T00:00:01+00:00",
        ["2024-01-02T00:00+00:00", "2024-01-03T00:00+00:00"],
    ),
}


def seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("case", CASES)
def test_it_fires_at(case, stage):
    trigger, begin, moments = CASES[case]
    stage.clock = FakeClock(seconds(begin))
    scheduler = stage.scheduler("memory")
    scheduler.add(Schedule("s", trigger, (1,)))
    scheduler.start()
    expected = []
    for moment in moments:
        stage.settle()
        found = scheduler.all()
        if moment is None:
            assert found == []
            break
        expected.append(
            f"q_result:s:{datetime.datetime.fromtimestamp(seconds(moment), datetime.timezone.utc).isoformat()[:-6]}Z"
        )
        assert found[0].next_due == seconds(moment), datetime.datetime.fromtimestamp(
            found[0].next_due, datetime.timezone.utc
        )
        stage.let_pass(found[0].next_due - stage.clock.time())
    assert stage.published.ids == expected


def test_the_hour_that_comes_twice_when_added_in_it(stage):
    """A daily schedule that is added between the two 03:30 waits for the next day."""
    stage.clock = FakeClock(seconds("2024-10-27T03:45+03:00"))
    scheduler = stage.scheduler("memory")
    scheduler.add(Schedule("s", {"kind": "cron", "hour": 3, "minute": 30, "timezone": HELSINKI}, (1,)))
    assert scheduler.all()[0].next_due == seconds("2024-10-28T03:30+02:00")


def test_an_outage_over_the_change_of_clocks(stage):
    """All that were missed, the hour that came twice included, each once."""
    stage.clock = FakeClock(seconds("2024-10-27T02:30+03:00"))
    scheduler = stage.scheduler("memory")
    scheduler.add(Schedule("s", {"kind": "cron", "minute": 0, "timezone": HELSINKI}, (1,), coalesce=False))
    scheduler.start()
    stage.let_pass(4 * 3600)
    hours = ["2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z", "2024-10-27T02:00:00Z", "2024-10-27T03:00:00Z"]
    assert stage.published.ids == [f"q_result:s:{hour}" for hour in hours]
