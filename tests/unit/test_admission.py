"""admission: expiry, due times in every spelling, and grace."""

from __future__ import annotations

import pytest
from support.program import delivery_of, message

from funboost_core import BadMessage, Later, Skip
from funboost_core.consuming.admission import due_time, not_before, not_expired, timezone

T0 = 1_700_000_000.0  # when the messages were published, and what the clock says


def test_expiry_counts_from_publishing(program):
    check = not_expired(program.task(), 10)
    assert check(delivery_of(message(publish_time=T0 - 10))) is None
    answer = check(delivery_of(message(publish_time=T0 - 10.5)))
    assert isinstance(answer, Skip)
    assert "expired: published 10.500 s ago, the limit is 10 s" in answer.reason
    assert check(delivery_of(message(publish_time=T0 + 100))) is None


def test_an_expiry_of_zero_is_one(program):
    assert isinstance(not_expired(program.task(), 0)(delivery_of(message(publish_time=T0 - 0.001))), Skip)


def test_a_foreign_message_without_a_time_has_just_been_published(program):
    delivery = delivery_of(b'{"x":1}', now=program.clock.time())
    assert not_expired(program.task(), 0)(delivery) is None


@pytest.mark.parametrize(
    ("extra", "due"),
    [
        ({"countdown": 60}, T0 + 60),
        ({"countdown": 0}, T0),
        ({"countdown": "2.5"}, T0 + 2.5),
        ({"eta": "2023-11-14 22:13:20"}, T0),
        ({"eta": "2023-11-14T22:13:20"}, T0),
        ({"eta": "2023-11-15 06:13:20+08:00"}, T0),
        ({}, None),
        ({"countdown": None, "eta": None}, None),
    ],
)
def test_due_times(extra, due):
    assert due_time({"publish_time": T0, **extra}, "UTC") == due


def test_an_eta_without_a_zone_means_the_setting():
    assert due_time({"eta": "2023-11-15 06:13:20"}, "Asia/Shanghai") == T0


@pytest.mark.parametrize(
    "extra",
    [{"countdown": "soon"}, {"countdown": [1]}, {"countdown": float("inf")}, {"countdown": float("nan")},
     {"countdown": 10**400}, {"eta": "tomorrow"}, {"eta": 5}, {"eta": {}}],
    ids=lambda extra: repr(extra)[:30],
)  # fmt: skip
def test_times_that_cannot_be_read_are_a_bad_message(extra):
    with pytest.raises(BadMessage, match=r"countdown=.* cannot be read"):
        due_time({"publish_time": T0, **extra}, "UTC")


def test_a_zone_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="no time zone 'Mars/Base'"):
        timezone("Mars/Base")


def test_not_before_puts_off_until_due(program):
    check = not_before(program.task())
    delivery = delivery_of(message(countdown=60))
    assert check(delivery) == Later(T0 + 60, "not due yet")
    program.clock.advance(59.999)
    assert isinstance(check(delivery), Later)
    program.clock.advance(0.001)
    assert check(delivery) is None
    assert check(delivery_of(message())) is None


def test_what_is_too_late_is_skipped(program):
    check = not_before(program.task())
    delivery = delivery_of(message(countdown=0, misfire_grace_time=10))
    program.clock.advance(10)
    assert check(delivery) is None
    program.clock.advance(0.5)
    assert check(delivery) == Skip("10.500 s late, misfire_grace_time is 10 s")
    assert check(delivery_of(message(countdown=0))) is None


def test_a_retry_was_in_time_once_and_is_not_too_late(program):
    line = program.line(retry_interval=60)
    delivery = line.fetched(message(countdown=0, misfire_grace_time=10, run_times=1))
    program.clock.advance(61)
    (check,) = delivery.plan.admit
    assert check(delivery) is None
