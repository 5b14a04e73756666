"""What a job keeps: JSON that makes the same trigger again, and nothing that could be code."""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
import zoneinfo

import pytest
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from funboost_scheduler_apscheduler import missed, triggers

from funboost_core import ConfigError
from funboost_core.ports.scheduler import Schedule

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
HOUR = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
START = datetime.datetime(2024, 1, 1, 8, 30, 0, 123456, tzinfo=SHANGHAI)

TRIGGERS = [
    CronTrigger(year=2030, month="1-6/2", day="last fri", week="*/2", hour="*", minute=5, timezone=SHANGHAI, jitter=7),
    CronTrigger(second="*/5", start_date="2024-01-01 00:30:00", end_date="2031-01-01", timezone="UTC"),
    CronTrigger.from_crontab("*/5 8-18 * * mon-fri", timezone=SHANGHAI),
    IntervalTrigger(weeks=1, days=2, hours=3, minutes=4, seconds=5, start_date=START, timezone=SHANGHAI),
    IntervalTrigger(seconds=0.25, start_date=START, end_date="2024-01-02 00:00:00", timezone=SHANGHAI, jitter=3),
    DateTrigger(START),
    DateTrigger("2024-05-05 05:05:05", timezone=HOUR),
    CalendarIntervalTrigger(years=1, months=2, weeks=3, days=4, hour=5, minute=6, second=7, start_date="2024-01-31"),
    AndTrigger([CronTrigger(hour=3, timezone="UTC"), CronTrigger(day_of_week="mon", hour="*", timezone="UTC")]),
    OrTrigger([CronTrigger(hour=3, timezone="UTC"), IntervalTrigger(hours=5, start_date=START)], jitter=2),
]


def moments(trigger):
    found, now = [], datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc).timestamp()
    previous = None
    for _ in range(20):
        previous = missed.following(trigger, previous, now)
        if previous is None:
            break
        found.append(previous)
    return found


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: type(trigger).__name__)
def test_a_trigger_survives_json(trigger):
    text = json.dumps(triggers.dump(trigger))
    again = triggers.load(json.loads(text))
    assert triggers.dump(again) == json.loads(text)
    assert repr(again) == repr(trigger)
    plain = triggers.load(json.loads(text), jitter=False)
    assert plain.__class__ is DateTrigger or plain.jitter is None
    assert moments(plain) == moments(triggers.load(triggers.dump(trigger), jitter=False)) != []


def test_combined_triggers():
    def at(text):
        return datetime.datetime.fromisoformat(text).timestamp()

    mondays = CronTrigger(day_of_week="mon", timezone="UTC")
    threes = CronTrigger(hour=3, timezone="UTC")
    once = DateTrigger("2024-01-02 12:00:00", timezone="UTC")
    start = at("2024-01-01T05:00:00+00:00")
    each = AndTrigger([CronTrigger(day_of_week="mon", hour="*", timezone="UTC"), threes])
    assert missed.following(each, None, start) == at("2024-01-08T03:00:00+00:00")
    assert missed.following(each, at("2024-01-08T03:00:00+00:00")) == at("2024-01-15T03:00:00+00:00")
    assert missed.following(AndTrigger([mondays, threes]), None, start) is None
    either = OrTrigger([mondays, threes, once])
    expected = ["2024-01-02T03:00:00+00:00", "2024-01-02T12:00:00+00:00", "2024-01-03T03:00:00+00:00"]
    found = [missed.following(either, None, start)]
    found += [missed.following(either, found[-1])]
    found += [missed.following(either, found[-1])]
    assert found == [at(text) for text in expected]


class Custom(BaseTrigger):
    def get_next_fire_time(self, previous_fire_time, now):
        return now


class Nameless(datetime.tzinfo):
    def utcoffset(self, dt):
        return datetime.timedelta(hours=1)

    def dst(self, dt):
        return datetime.timedelta(0)

    def tzname(self, dt):
        return None


def test_what_json_cannot_carry_is_refused_when_it_is_added(stage):
    scheduler = stage.scheduler("memory")
    with pytest.raises(ConfigError, match="Custom.*Use one of: calendarinterval, cron, date, interval, and, or"):
        scheduler.aps_obj.add_push_job(Custom(), args=(1,))
    with pytest.raises(ConfigError, match="has no name"):
        scheduler.aps_obj.add_push_job(DateTrigger(START.astimezone(Nameless())), args=(1,))
    assert scheduler.all() == []


def test_the_file_holds_json(stage):
    scheduler = stage.scheduler("sqlite")
    scheduler.aps_obj.add_push_job("cron", hour=3, args=(1,), kwargs={"y": "北"}, id="a", name="nightly")
    with contextlib.closing(sqlite3.connect(stage.folder / "schedules.sqlite3")) as connection:
        [(queue, identity, body)] = connection.execute("SELECT queue, id, body FROM jobs").fetchall()
    assert (queue, identity) == ("q", "a")
    assert json.loads(body) == {
        "trigger": {"kind": "cron", "hour": "3", "timezone": "UTC"},
        "args": [1],
        "kwargs": {"y": "北"},
        "name": "nightly",
        "misfire_grace_time": None,
        "coalesce": True,
        "max_instances": 1,
    }


def test_jitter_delays_a_fire_and_leaves_its_id_and_the_next_time_alone(stage):
    """APScheduler's own jitter of an interval would add up."""
    scheduler = stage.scheduler("memory")
    begun = stage.clock.time()
    scheduler.add(Schedule("s", {"kind": "interval", "seconds": 60, "jitter": 20}, (1,)))
    scheduler.start()
    delays = []
    for count in range(1, 31):
        stage.settle()
        due = scheduler.all()[0].next_due
        delays.append(due - begun - 60 * count)
        stage.let_pass(due - stage.clock.time())
    assert all(0 <= delay <= 20 for delay in delays)
    assert len(set(delays)) > 20
    times = [
        datetime.datetime.fromtimestamp(begun + 60 * count, datetime.timezone.utc).isoformat()[:-6]
        for count in range(1, 31)
    ]
    assert stage.published.ids == [f"q_result:s:{time}Z" for time in times]


@pytest.mark.parametrize("trigger", [CronTrigger(second="*", timezone="UTC"), IntervalTrigger(seconds=1)])
def test_the_latest_of_a_year_of_seconds_is_found_at_once(trigger, monkeypatch):
    calls = []
    ask = type(trigger).get_next_fire_time
    monkeypatch.setattr(type(trigger), "get_next_fire_time", lambda *a: calls.append(1) or ask(*a))
    planned = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc).timestamp()
    now = planned + 365 * 86400 + 0.5
    assert missed.times(trigger, planned, now, True, None) == ([now - 0.5], [], now + 0.5)
    assert len(calls) < 50


def test_the_latest_before_the_end_of_a_trigger():
    end = datetime.datetime(2030, 1, 1, 0, 0, 45, tzinfo=datetime.timezone.utc)
    planned = end.timestamp() - 45
    for trigger in (
        IntervalTrigger(seconds=10, end_date=end, timezone="UTC"),
        CronTrigger(second="*/10", end_date=end, timezone="UTC"),
    ):
        assert missed.times(trigger, planned, planned + 5000, True, None) == ([planned + 40], [], None)
        assert missed.times(trigger, planned, planned + 5000, True, 60) == ([], [planned + 40], None)
