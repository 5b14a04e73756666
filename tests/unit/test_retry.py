"""retry: every outcome has its verdict."""

from __future__ import annotations

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
)
from funboost_core.policies.retry import verdict


def judged(error, runs=1, result=None, **params):
    return verdict(BoosterParams(queue_name="q", **params), Outcome(result, error, 0.0, 0.0, runs))


class Harder(DeadLetterTask):
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


def test_the_interval_is_passed_on():
    assert judged(ValueError(), retry_interval=2.5) == Retry(2.5)


def test_the_last_failure_is_a_dead_letter_where_that_is_wanted():
    params = {"max_retry_times": 1, "is_push_to_dlx_queue_when_retry_max_times": True}
    assert judged(ValueError(), 1, **params) == Retry(0)
    assert judged(ValueError(), 2, **params) == DeadLetter("failed 2 times")


@pytest.mark.parametrize("runs", [1, 50])
def test_the_task_itself_decides_whatever_the_retries(runs):
    assert judged(RequeueTask(), runs, max_retry_times=0) == Requeue()
    assert judged(DeadLetterTask(), runs, max_retry_times=5) == DeadLetter("the task asked for it")
    assert isinstance(judged(Harder("x"), runs), DeadLetter)
