"""outcome: values that compare and cannot be changed."""

from __future__ import annotations

import dataclasses

import pytest

from funboost_core import Ack, DeadLetter, Drop, Later, Outcome, Requeue, Retry, Run, Skip
from funboost_core.outcome import ACK

VALUES = [Run(), Skip("a"), Later(1.0), Ack(), Retry(1), Requeue(), DeadLetter("a"), Drop("a")]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_decisions_compare_by_value_and_are_frozen(value):
    assert value == dataclasses.replace(value)
    assert hash(value) == hash(dataclasses.replace(value))
    assert [other for other in VALUES if other == value] == [value]
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.reason = "b"


def test_constants_and_defaults():
    assert Ack() == ACK
    assert Retry() == Retry(0)
    assert Later(None).due is None


@pytest.mark.parametrize(("error", "success"), [(None, True), (ValueError(), False), (SystemExit(0), False)])
def test_a_run_succeeded_when_nothing_was_raised(error, success):
    assert Outcome(None, error, 0, 0, 1).success is success
