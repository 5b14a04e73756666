"""cron: every way to write a field, what never comes, and errors that name the field."""

from __future__ import annotations

import datetime

import pytest

from funboost_core.policies.cron import Cron

YEAR = [datetime.datetime(2024, 1, 1) + datetime.timedelta(days=day) for day in range(366)]


def minutes(text):
    cron = Cron(f"{text} * * * *")
    return [m for m in range(60) if cron.matches(datetime.datetime(2024, 1, 1, 0, m))]


def hours(text):
    cron = Cron(f"* {text} * * *")
    return [h for h in range(24) if cron.matches(datetime.datetime(2024, 1, 1, h))]


def days(expression):
    """Month and day of the days of 2024 (which begins on a Monday)."""
    cron = Cron(f"* * {expression}")
    return [(day.month, day.day) for day in YEAR if cron.matches(day)]


def weekdays(text):
    """Monday = 1 ... Sunday = 7."""
    cron = Cron(f"* * * * {text}")
    return [day.isoweekday() for day in YEAR[:7] if cron.matches(day)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("*", list(range(60))),
        ("5", [5]),
        ("05", [5]),
        ("0,30,59", [0, 30, 59]),
        ("10-13", [10, 11, 12, 13]),
        ("10-10", [10]),
        ("*/20", [0, 20, 40]),
        ("10-20/5", [10, 15, 20]),
        ("50/4", [50, 54, 58]),
        ("*/100", [0]),
        ("1-3,2-4,50/5", [1, 2, 3, 4, 50, 55]),
    ],
)
def test_minutes(text, values):
    assert minutes(text) == values


def test_hours():
    assert hours("8-18/5,23") == [8, 13, 18, 23]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("mon-fri", [1, 2, 3, 4, 5]),
        ("MON", [1]),
        ("0", [7]),
        ("7", [7]),
        ("sun", [7]),
        ("0-7", [1, 2, 3, 4, 5, 6, 7]),
        ("5-7", [5, 6, 7]),
        ("fri-sun", [5, 6, 7]),
        ("sun-tue", [1, 2, 7]),
        ("sat,sun", [6, 7]),
        ("*/2", [2, 4, 6, 7]),
    ],
)
def test_days_of_the_week(text, values):
    assert weekdays(text) == values


def test_months_by_name_and_number():
    assert days("1 jan,APR-jun/2,12 *") == [(1, 1), (4, 1), (6, 1), (12, 1)]


def test_where_both_days_are_restricted_either_will_do():
    assert days("13 sep fri") == [(9, 6), (9, 13), (9, 20), (9, 27)]
    assert days("13 sep *") == [(9, 13)]
    assert days("15 9 fri") == [(9, 6), (9, 13), (9, 15), (9, 20), (9, 27)]
    assert days("31 feb fri") == [(2, 2), (2, 9), (2, 16), (2, 23)]


def test_a_leap_day_comes():
    assert days("29 2 *") == [(2, 29)]


@pytest.mark.parametrize("days_and_months", ["30 2", "31 feb,apr,jun,sep,nov", "31/1 4"])
def test_what_never_comes_is_refused(days_and_months):
    with pytest.raises(ValueError, match="never comes"):
        Cron(f"0 0 {days_and_months} *")


@pytest.mark.parametrize("text", ["", "* * * *", "* * * * * *", "@daily"])
def test_it_has_five_fields(text):
    with pytest.raises(ValueError, match=r"fields, not 5: minute, hour, day of the month, month, day of the week"):
        Cron(text)


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(
    "text", ["x", "99", "-1", "1-", "3-2", "*-2", "1,,2", ",", "*/0", "*/x", "*/", "1.5", "²", "+1"]
)
def test_errors_name_the_field(place, text):
    fields = ["*"] * 5
    fields[place] = text
    name = ("minute", "hour", "day of the month", "month", "day of the week")[place]
    with pytest.raises(ValueError, match=f"is no {name} "):
        Cron(" ".join(fields))


@pytest.mark.parametrize("expression", ["mon * * * *", "* * * mon *", "* * jan * *", "60 * * * *", "* 24 * * *",
                                        "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 8"])  # fmt: skip
def test_every_field_has_its_own_bounds_and_names(expression):
    with pytest.raises(ValueError, match="is no "):
        Cron(expression)
