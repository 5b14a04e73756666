"""windows: closed and open to the second, over midnight, in the zone of the setting, on days with 23 and 25 hours."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from funboost_testing.clock import FakeClock
from support.program import message

from funboost_core import BoosterParams, ConfigError, boost
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.gate import UNLIMITED, Gate
from funboost_core.native import Event, Thread
from funboost_core.policies import windows

PATIENCE = 30


def at(text, zone="UTC"):
    """A clock that says this."""
    return FakeClock(datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp())


def limit_of(make_program, clock, zone="UTC", **params):
    (limit,) = windows.limits(make_program(clock=clock, TIMEZONE=zone).task(**params))
    return limit


def forbidden(begin, end):
    return {"is_do_not_run_by_specify_time_effect": True, "do_not_run_by_specify_time": (begin, end)}


def opening(limit, clock, most=3 * 1440):
    """Seconds until it is open, moving the clock as it asks for."""
    begun = clock.monotonic()
    for _ in range(most):
        starts, wait = limit.due(clock.monotonic())
        if starts:
            return round(clock.monotonic() - begun, 2)
        assert 0 < wait <= 60
        clock.advance(wait)
    raise AssertionError("it never opens")


# -- a time of day ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "window", "seconds"),
    [
        ("2024-01-05 09:59:59", ("10:00:00", "22:00:00"), 0),
        ("2024-01-05 10:00:00", ("10:00:00", "22:00:00"), 12 * 3600),
        ("2024-01-05 21:59:59", ("10:00:00", "22:00:00"), 1),
        ("2024-01-05 22:00:00", ("10:00:00", "22:00:00"), 0),
        ("2024-01-05 21:59:30.250", ("10:00:00", "22:00:05"), 34.75),
        ("2024-01-05 22:30:00", ("22:00:00", "06:30:00"), 8 * 3600),
        ("2024-01-05 00:00:00", ("22:00:00", "06:30:00"), 6.5 * 3600),
        ("2024-01-05 06:29:59", ("22:00:00", "06:30:00"), 1),
        ("2024-01-05 06:30:00", ("22:00:00", "06:30:00"), 0),
        ("2024-01-05 21:59:59", ("22:00:00", "06:30:00"), 0),
        ("2024-01-05 00:00:00", ("00:00:00", "23:59:59"), 24 * 3600 - 1),
        ("2024-01-05 12:00:00", ("12:00:01", "12:00:00"), 0),
        ("2024-01-05 12:00:01", ("12:00:01", "12:00:00"), 24 * 3600 - 1),
        ("2024-01-05 09:10:00", ("9:00:00", "09:30:00"), 20 * 60),
    ],
)
def test_nothing_starts_between_both_times(make_program, now, window, seconds):
    clock = at(now)
    assert opening(limit_of(make_program, clock, **forbidden(*window)), clock) == seconds


def test_an_open_window_says_how_long_it_stays_open(make_program):
    clock = at("2024-01-05 09:59:30.500")
    limit = limit_of(make_program, clock, **forbidden("09:59:45", "10:00:00"))
    starts, seconds = limit.due(0.0)
    assert starts == UNLIMITED
    assert seconds == pytest.approx(14.5)


def test_the_switch_is_off_unless_it_is_on(program):
    assert windows.limits(program.task()) == ()
    assert windows.limits(program.task(do_not_run_by_specify_time=("never", "mind"))) == ()


@pytest.mark.parametrize(
    ("begin", "problem"),
    [("25:00:00", "'25:00:00' is no time of day"), ("10:00", "write HH:MM:SS"), ("24:00:00", "midnight is '00:00:00'"),
     ("10:60:00", "no time of day"), ("10:00:60", "no time of day"), ("noon", "no time of day"),
     ("22:00:00", "begins and ends at '22:00:00', which may mean never or always")],
)  # fmt: skip
def test_a_time_that_cannot_be_is_refused_where_the_task_is_declared(program, begin, problem):
    params = BoosterParams(queue_name="q", **forbidden(begin, "22:00:00"))
    with pytest.raises(ConfigError, match="do_not_run_by_specify_time of queue 'q': ") as refused:
        boost(params, environment=program.environment)(lambda x: x)
    assert problem in str(refused.value)


# -- cron expressions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "expressions", "seconds"),
    [
        ("2024-01-05 09:00:00", "* 9-17 * * mon-fri", 0),  # a Friday
        ("2024-01-05 17:59:59", "* 9-17 * * mon-fri", 0),
        ("2024-01-05 18:00:00", "* 9-17 * * mon-fri", (6 + 24 + 24 + 9) * 3600),
        ("2024-01-05 18:00:00", ("* 9-17 * * mon-fri", "*/30 * * * sat"), 6 * 3600),
        ("2024-01-05 09:01:10.500", "*/15 * * * *", 13 * 60 + 49.5),
        ("2024-12-31 23:59:01", "0 0 1 1 *", 59),
    ],
)
def test_messages_start_in_the_minutes_of_any_expression(make_program, now, expressions, seconds):
    clock = at(now)
    assert opening(limit_of(make_program, clock, run_window=expressions), clock, 5 * 1440) == seconds


@pytest.mark.parametrize(
    ("window", "problem"),
    [("* * * *", "has 4 fields, not 5"), (("* * * * *", "61 * * * *"), "'61' is no minute"),
     ("* * * * 8", "'8' is no day of the week"), ("", "has 0 fields"), ((), "nothing would ever start")],
)  # fmt: skip
def test_an_expression_that_is_none_is_refused_where_the_task_is_declared(program, window, problem):
    with pytest.raises(ConfigError, match="run_window of queue 'q': ") as refused:
        boost(BoosterParams(queue_name="q", run_window=window), environment=program.environment)(lambda x: x)
    assert problem in str(refused.value)


def test_both_windows_must_be_open(make_program):
    clock = at("2024-01-05 09:00:00")
    params = {"run_window": "* 9-10 * * *", **forbidden("09:00:00", "10:30:00")}
    gate = Gate(clock, None, limits=windows.limits(make_program(clock=clock).task(**params)))
    moments = []
    for _ in range(24 * 60):
        if gate.permit(wait=False):
            moments.append(datetime.datetime.fromtimestamp(clock.time(), datetime.timezone.utc).strftime("%H:%M"))
        clock.advance(60)
    assert (moments[0], moments[-1], len(moments)) == ("10:30", "10:59", 30)


# -- zones ------------------------------------------------------------------------------------------------------------


def test_times_are_those_of_the_zone_of_the_setting(make_program):
    clock = at("2024-01-05 03:30:00")
    limit = limit_of(make_program, clock, "Asia/Shanghai", **forbidden("10:00:00", "12:00:00"))
    assert opening(limit, clock) == 30 * 60
    with pytest.raises(ConfigError, match="TIMEZONE of queue 'q': no time zone 'Mars/Base' here"):
        limit_of(make_program, clock, "Mars/Base", run_window="* * * * *")


@pytest.mark.parametrize(
    ("now", "params", "seconds"),
    [
        # 2024-03-31 in Berlin: 02:00 is 03:00
        ("2024-03-31 01:45:00", forbidden("01:30:00", "02:30:00"), 15 * 60),
        ("2024-03-31 01:00:00", forbidden("00:00:00", "03:00:00"), 60 * 60),
        ("2024-03-30 23:00:00", forbidden("22:00:00", "06:00:00"), 6 * 3600),
        ("2024-03-31 00:00:00", {"run_window": "30 2 * * *"}, (24 + 1.5) * 3600),
        ("2024-03-31 01:59:30", {"run_window": "* 3 * * *"}, 30),
        # 2024-10-27 in Berlin: 03:00 is 02:00
        ("2024-10-26 23:00:00", forbidden("22:00:00", "06:00:00"), 8 * 3600),
        ("2024-10-27 01:00:00", forbidden("00:00:00", "03:00:00"), 3 * 3600),
        ("2024-10-27 02:10:00", {"run_window": "0 2 * * *"}, 50 * 60),
    ],
)
def test_days_on_which_the_hands_of_the_clock_jump(make_program, now, params, seconds):
    clock = at(now, "Europe/Berlin")
    assert opening(limit_of(make_program, clock, "Europe/Berlin", **params), clock) == seconds


# -- in a consumer ---------------------------------------------------------------------------------------------------------


def consumer(program, **params):
    return Consumer(program.task(concurrent_mode="byhand", **params))


def test_a_task_without_a_window_has_no_limit(program):
    assert consumer(program).gate._limits == ()


def test_nothing_is_fetched_while_it_is_closed_and_others_get_all(make_program):
    clock = at("2024-01-05 12:00:00")
    program = make_program(clock=clock)
    closed, free = consumer(program, **forbidden("10:00:00", "22:00:00")), consumer(program)
    program.server.put("q", *[message({"x": x}) for x in range(50)])
    assert closed.intake.take(50, wait=0) == ()
    assert program.server.fetches == []
    assert len(free.intake.take(50, wait=0)) == 50
    program.server.put("q", message({"x": 50}))
    clock.advance(10 * 3600)
    assert len(closed.intake.take(50, wait=0)) == 1


def test_a_wait_for_messages_ends_when_the_window_closes(make_program):
    clock = at("2024-01-05 09:59:59.600")
    program = make_program(clock=clock)
    made = consumer(program, **forbidden("10:00:00", "22:00:00"))
    thread = Thread(target=made.intake.take, args=(1,), daemon=True)
    thread.start()
    clock.until_waiting(1)
    clock.advance(0.4)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    program.server.put("q", message())
    assert made.intake.take(1, wait=0) == ()


@pytest.mark.parametrize("end", ["stop", "pause"])
def test_waiting_for_the_opening_ends_with_it(make_program, end):
    clock = at("2024-01-05 12:00:00")
    program = make_program(clock=clock)
    made = consumer(program, run_window="0 0 * * *")
    answers = []
    thread = Thread(target=lambda: answers.append(made.gate.permit()), daemon=True)
    thread.start()
    clock.until_waiting(1)
    if end == "pause":
        made.pause(True)
        clock.advance(24 * 3600)
        assert not answers
    made.gate.stop()
    thread.join(PATIENCE)
    assert answers == [0]


def test_a_broker_that_must_be_served_is_served_meanwhile(make_program):
    clock, idled = at("2024-01-05 21:59:50"), []

    def idle(seconds):
        idled.append(seconds)
        clock.advance(seconds)

    task = make_program(clock=clock).task(**forbidden("10:00:00", "22:00:00"))
    assert Gate(clock, None, idle, windows.limits(task)).permit() > 1
    assert sum(idled) == pytest.approx(10)
    assert max(idled) <= 1


def test_what_runs_when_it_closes_goes_on_and_the_next_waits_for_the_opening(make_program):
    clock, begun, go = at("2024-01-05 09:59:59"), Event(), Event()
    program = make_program(clock=clock)

    def work(x):
        begun.set()
        assert go.wait(PATIENCE)

    task = program.booster(work, concurrent_num=1, **forbidden("10:00:00", "10:00:30"))
    task.push(1)
    task.consume()
    assert begun.wait(PATIENCE)
    clock.advance(1)
    task.push(2)
    begun.clear()
    go.set()
    while not program.server.acked:
        clock.until_waiting(1)
    clock.until_waiting(2)  # the beats, and the gate
    assert task.get_message_count() == 1
    assert not begun.is_set()
    clock.advance(30)
    assert begun.wait(PATIENCE)
