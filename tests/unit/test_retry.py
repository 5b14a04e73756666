"""retry: every outcome has its verdict, and every retry its interval."""

from __future__ import annotations

import math

import pytest

from funboost_core import (
    Ack,
    BoosterParams,
    DeadLetter,
    DeadLetterTask,
    Drop,
    Outcome,
    Requeue,
    RequeueTask,
    Retry,
    RetryTask,
    TaskOptions,
)
from funboost_core.params import overridden
from funboost_core.policies.retry import LONGEST, interval, verdict


def judged(error, runs=1, result=None, **params):
    return verdict(BoosterParams(queue_name="q", **params), Outcome(result, error, 0.0, 0.0, runs))


class Harder(DeadLetterTask):
    """A user's own."""


class Busy(RetryTask):
    """A user's own."""


@pytest.mark.parametrize("result", [None, 0, False, "FUNC_RUN_ERROR", ValueError("returned, not raised")])
def test_what_returned_is_acknowledged(result):
    assert judged(None, result=result) == Ack()
    assert judged(None, runs=99, max_retry_times=0) == Ack()


@pytest.mark.parametrize("error", [ValueError(), RetryTask(), SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_failures_run_max_retry_times_more(error):
    verdicts = [judged(error, runs, max_retry_times=2) for runs in (1, 2, 3, 4)]
    assert verdicts == [Retry(0), Retry(0), Drop("failed 3 times"), Drop("failed 4 times")]
    assert judged(error, 1, max_retry_times=0) == Drop("failed 1 time")


def test_the_last_failure_is_a_dead_letter_where_that_is_wanted():
    params = {"max_retry_times": 1, "is_push_to_dlx_queue_when_retry_max_times": True}
    assert judged(ValueError(), 1, **params) == Retry(0)
    assert judged(ValueError(), 2, **params) == DeadLetter("failed 2 times")


@pytest.mark.parametrize("runs", [1, 50])
def test_the_task_itself_decides_whatever_the_retries(runs):
    assert judged(RequeueTask(), runs, max_retry_times=0) == Requeue()
    assert judged(DeadLetterTask(), runs, max_retry_times=5) == DeadLetter("the task asked for it")
    assert isinstance(judged(Harder("x"), runs), DeadLetter)


# -- by type -------------------------------------------------------------------------------------------------------

ONLY, NEVER, DEAD = "retry_only_for", "retry_never_for", "dead_letter_for"


@pytest.mark.parametrize(
    ("error", "params", "expected"),
    [
        (ConnectionResetError(), {ONLY: (ConnectionError,)}, "retry"),
        (ValueError(), {ONLY: (ConnectionError,)}, "end"),
        (ValueError(), {ONLY: (ConnectionError, ValueError)}, "retry"),
        (ValueError(), {NEVER: (ValueError,)}, "end"),
        (UnicodeError(), {NEVER: (ValueError,)}, "end"),
        (KeyError(), {NEVER: (ValueError,)}, "retry"),
        (ValueError(), {ONLY: (Exception,), NEVER: (ValueError,)}, "end"),
        (ValueError(), {DEAD: (ValueError,)}, "dead"),
        (ValueError(), {DEAD: (ValueError,), ONLY: (ValueError,), NEVER: (ValueError,)}, "dead"),
        (KeyError(), {DEAD: (ValueError,)}, "retry"),
        (SystemExit(), {NEVER: (SystemExit,)}, "end"),
        (SystemExit(), {NEVER: (Exception,)}, "retry"),
        (SystemExit(), {DEAD: (BaseException,)}, "dead"),
        # what a task asks for is meant only where it is named
        (RetryTask(), {ONLY: (ConnectionError,)}, "retry"),
        (RetryTask(), {NEVER: (Exception,)}, "retry"),
        (RetryTask(), {DEAD: (Exception,)}, "retry"),
        (Busy(), {NEVER: (Busy,)}, "end"),
        (RetryTask(), {NEVER: (Busy,)}, "retry"),
        (RequeueTask(), {DEAD: (Exception,), NEVER: (Exception,)}, "requeue"),
        (RequeueTask(), {DEAD: (RequeueTask,)}, "dead"),
        (DeadLetterTask(), {ONLY: (Exception,), NEVER: (Exception,)}, "dead"),
    ],
)
def test_by_type(error, params, expected):
    kinds = {"retry": Retry, "end": Drop, "dead": DeadLetter, "requeue": Requeue}
    assert type(judged(error, **params)) is kinds[expected]
    wanted = kinds["dead" if expected == "end" else expected]
    assert type(judged(error, is_push_to_dlx_queue_when_retry_max_times=True, **params)) is wanted


def test_the_reason_names_the_type():
    assert judged(KeyError("x"), **{NEVER: (KeyError,)}) == Drop("failed 1 time, KeyError is not retried")
    assert judged(KeyError("x"), 2, **{ONLY: (OSError,)}) == Drop("failed 2 times, KeyError is not retried")
    assert judged(KeyError("x"), **{DEAD: (KeyError,)}) == DeadLetter("KeyError makes a dead letter at once")


def test_types_do_not_raise_the_number_of_retries():
    assert isinstance(judged(ValueError(), 4, **{ONLY: (ValueError,)}), Drop)


# -- intervals -----------------------------------------------------------------------------------------------------


def seconds(runs, chance=0.0, **params):
    return interval(BoosterParams(queue_name="q", **params), runs, lambda: chance)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [0, 0, 0, 0]),
        ({"retry_interval": 2.5}, [2.5, 2.5, 2.5, 2.5]),
        ({"retry_interval": 1, "retry_backoff": 2}, [1, 2, 4, 8]),
        ({"retry_interval": 1, "retry_backoff": 2, "retry_interval_max": 5}, [1, 2, 4, 5]),
        ({"retry_interval": 10, "retry_interval_max": 5}, [5, 5, 5, 5]),
        ({"retry_interval": 0.5, "retry_backoff": 1.5}, [0.5, 0.75, 1.125, 1.6875]),
        ({"retry_backoff": 3}, [0, 0, 0, 0]),
    ],
)
def test_intervals(params, expected):
    assert [seconds(runs, **params) for runs in (1, 2, 3, 4)] == expected
    assert [judged(ValueError(), runs, max_retry_times=9, **params).after for runs in (1, 2, 3, 4)] == expected


@pytest.mark.parametrize("runs", [100, 5000, 10**9])
def test_no_interval_is_too_long_for_a_number(runs):
    params = {"retry_interval": 3, "retry_backoff": 10}
    assert seconds(runs, **params) == LONGEST
    assert seconds(runs, retry_interval_max=60, **params) == 60
    assert seconds(runs, retry_interval=2 * LONGEST) == 2 * LONGEST, "what is asked for expressly is given"
    assert math.isfinite(seconds(runs, chance=1.0, retry_jitter=1, **params))


@pytest.mark.parametrize(("chance", "expected"), [(0.0, [10, 10]), (0.5, [9, 7.5]), (1.0, [8, 5])])
def test_the_jitter_only_shortens(chance, expected):
    params = {"retry_interval": 10, "retry_interval_max": 10, "retry_backoff": 2}
    assert [seconds(3, chance, retry_jitter=share, **params) for share in (0.2, 0.5)] == expected
    assert seconds(1, chance, retry_interval=10) == 10


def test_the_jitter_is_random_unless_told_otherwise():
    found = {judged(ValueError(), retry_interval=10, retry_jitter=0.5).after for _ in range(50)}
    assert len(found) > 10
    assert min(found) >= 5 and max(found) <= 10


@pytest.mark.parametrize(
    "params",
    [
        {"retry_interval": math.inf},
        {"retry_interval": math.nan},
        {"retry_backoff": math.inf},
        {"retry_backoff": 0.5},
        {"retry_interval_max": 0},
        {"retry_jitter": 1.1},
        {"retry_never_for": (int,)},
    ],
)
def test_what_cannot_be_is_refused(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        BoosterParams(queue_name="q", **params)


def test_a_message_has_an_interval_and_an_end_of_its_own():
    params = BoosterParams(queue_name="q", retry_interval=5, is_push_to_dlx_queue_when_retry_max_times=True)
    options = TaskOptions(retry_interval=0, is_push_to_dlx_queue_when_retry_max_times=False)
    own = overridden(params, options.extra())
    failed = Outcome(None, ValueError(), 0.0, 0.0, 1)
    assert (verdict(params, failed), verdict(own, failed)) == (Retry(5.0), Retry(0.0))
    assert isinstance(verdict(own, Outcome(None, ValueError(), 0.0, 0.0, 4)), Drop)
