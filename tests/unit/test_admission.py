"""admission: expiry, due times in every spelling, and grace."""

from __future__ import annotations

import pytest
from support.program import delivery_of, message

from funboost_core import BadMessage, Later, Skip, TaskOptions
from funboost_core.consuming.admission import not_before, not_expired
from funboost_core.errors import CapabilityMissing
from funboost_core.timing import due_time, timezone

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


# -- an age counts from when the message could run ---------------------------------------------------------------------


@pytest.mark.parametrize("times", [{"countdown": 3600}, {"eta": "2023-11-14 23:13:20"}, {"due_time": T0 + 3600}])
def test_waiting_for_its_own_time_makes_no_message_old(program, times):
    check, delivery = not_expired(program.task(), 60), delivery_of(message(**times))
    for seconds, answer in ((0, None), (3600, None), (60, None), (0.5, Skip)):
        program.clock.advance(seconds)
        got = check(delivery)
        assert got is None if answer is None else isinstance(got, Skip)
    assert "expired: due 60.500 s ago, the limit is 60 s" in got.reason


def test_an_eta_that_was_past_when_it_was_published_makes_no_message_old(program):
    assert not_expired(program.task(), 60)(delivery_of(message(eta="2001-01-01 00:00:00"))) is None


def test_what_has_run_once_does_not_expire_while_it_waits_for_its_retry(program):
    line = program.line(msg_expire_seconds=60)
    for runs, answer in ((0, Skip), (1, type(None))):
        delivery = line.fetched(message(publish_time=T0 - 1000, **({"run_times": runs} if runs else {})))
        (check,) = delivery.plan.admit
        assert isinstance(check(delivery), answer)


# -- clocks that differ ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [0.5, 3600, float("nan"), float("inf"), 10**30])
def test_a_message_from_the_future_counts_as_published_now(program, ahead):
    check = not_expired(program.task(), 0)
    assert check(delivery_of(message(publish_time=T0 + ahead))) is None


@pytest.mark.parametrize("ahead", [3600, float("inf")])
def test_a_countdown_takes_no_longer_than_from_the_receipt(program, ahead):
    later = not_before(program.task())(delivery_of(message(publish_time=T0 + ahead, countdown=60)))
    assert later.due == T0 + 60


def test_a_publisher_that_is_behind_is_believed(program):
    delivery = delivery_of(message(publish_time=T0 - 3600, countdown=60, misfire_grace_time=10))
    assert not_before(program.task())(delivery) == Skip("3540.000 s late, misfire_grace_time is 10 s")
    assert isinstance(not_expired(program.task(), 60)(delivery_of(message(publish_time=T0 - 3600))), Skip)


@pytest.mark.parametrize(("ahead", "warnings"), [(4.9, 0), (5.1, 1)])
def test_a_clock_that_is_far_ahead_is_told_once_a_queue(program, ahead, warnings, caplog):
    for queue in ("one", "two"):
        task = program.task(queue_name=queue)
        for check in (not_expired(task, 10), not_before(task), not_expired(task, 20)):
            check(delivery_of(message(publish_time=T0 + ahead, countdown=1)))
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2 * warnings
    assert all("published 5.1 s in the future" in text and "synchronise the clocks" in text for text in told)


def test_what_has_come_back_is_due_whatever_this_clock_says(program):
    """The place where it waited has decided; asking again would send it round and round."""
    delivery = delivery_of(message(due_time=T0 + 3, misfire_grace_time=1))
    assert not_before(program.task())(delivery) is None


def test_a_due_time_of_somebody_elses_means_nothing(program):
    assert not_before(program.task())(delivery_of(message(due_time="tomorrow"))) is None


# -- due times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "due"),
    [
        ({"countdown": 60}, T0 + 60),
        ({"countdown": 0}, T0),
        ({"countdown": "2.5"}, T0 + 2.5),
        ({"eta": "2023-11-14 22:13:20"}, T0),
        ({"eta": "2023-11-14T22:13:20"}, T0),
        ({"eta": "2023-11-15 06:13:20+08:00"}, T0),
        ({"eta": "2023-11-14T22:13:20Z"}, T0),
        ({"eta": "2023-11-14 22:13:20.250"}, T0 + 0.25),
        ({"due_time": T0 + 9}, T0 + 9),
        ({"due_time": T0 + 9, "countdown": 1}, T0 + 1),
        ({"due_time": "x"}, None),
        ({}, None),
        ({"countdown": None, "eta": None}, None),
    ],
)
def test_due_times(extra, due):
    assert due_time(extra, "UTC", T0) == due


def test_an_eta_without_a_zone_means_the_setting():
    assert due_time({"eta": "2023-11-15 06:13:20"}, "Asia/Shanghai", 0) == T0


@pytest.mark.parametrize(
    "extra",
    [{"countdown": "soon"}, {"countdown": [1]}, {"countdown": float("inf")}, {"countdown": float("nan")},
     {"countdown": 10**400}, {"eta": "tomorrow"}, {"eta": 5}, {"eta": {}}],
    ids=lambda extra: repr(extra)[:30],
)  # fmt: skip
def test_times_that_cannot_be_read_are_a_bad_message(extra):
    with pytest.raises(BadMessage, match=r"countdown=.* cannot be read"):
        due_time(extra, "UTC", T0)


def test_a_zone_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="no time zone 'Mars/Base'"):
        timezone("Mars/Base")


def test_not_before_puts_off_until_due_with_the_time_in_the_message(program):
    check = not_before(program.task())
    for seconds, moment in ((0, T0 + 60), (59.999, T0 + 60)):
        program.clock.advance(seconds)
        delivery = delivery_of(message(countdown=60, misfire_grace_time=5))
        assert check(delivery) == Later(moment, "not due yet", {"due_time": moment})
        assert {"due_time": moment, "misfire_grace_time": 5}.items() <= delivery.extra.items()
        assert "countdown" not in delivery.extra
    program.clock.advance(0.001)
    assert check(delivery_of(message(countdown=60))) is None
    assert check(delivery_of(message())) is None


@pytest.mark.parametrize("times", [{"countdown": 1}, {"eta": "2023-11-14 22:13:21"}, {"due_time": T0 + 1}])
def test_what_runs_knows_when_it_was_due_and_nothing_else(program, times):
    program.clock.advance(2)
    delivery = delivery_of(message(**times, misfire_grace_time=5))
    assert not_before(program.task())(delivery) is None
    assert delivery.extra["due_time"] == T0 + 1
    assert not {"countdown", "eta", "misfire_grace_time"} & delivery.extra.keys()


@pytest.mark.parametrize("times", [{"countdown": 0}, {"due_time": T0}])
def test_what_is_too_late_is_skipped(program, times):
    check = not_before(program.task())
    program.clock.advance(10)
    assert check(delivery_of(message(**times, misfire_grace_time=10))) is None
    program.clock.advance(0.5)
    assert check(delivery_of(message(**times, misfire_grace_time=10))) == Skip(
        "10.500 s late, misfire_grace_time is 10 s"
    )
    assert check(delivery_of(message(**times))) is None


def test_a_grace_that_is_no_number_is_a_bad_message(program):
    with pytest.raises(BadMessage, match="misfire_grace_time='long' is no number"):
        not_before(program.task())(delivery_of(message(countdown=0, misfire_grace_time="long")))


def test_a_retry_was_in_time_once_and_is_not_too_late(program):
    line = program.line(retry_interval=60)
    delivery = line.fetched(message(countdown=0, misfire_grace_time=10, run_times=1))
    program.clock.advance(61)
    (check,) = delivery.plan.admit
    assert check(delivery) is None


def test_without_a_place_to_wait_a_countdown_is_refused(make_program):
    program = make_program(STATE_URL="", BROKER_KIND="BARE")
    task = program.booster()
    for options in (TaskOptions(countdown=1), TaskOptions(eta="2030-01-01 00:00:00")):
        with pytest.raises(CapabilityMissing, match=r"countdown and eta.*Set STATE_URL"):
            task.publish({"x": 1}, options=options)
    with pytest.raises(CapabilityMissing):
        program.line().fetched(message(countdown=1))
    task.publish({"x": 1}, options=TaskOptions(priority=None))
