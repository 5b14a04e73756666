"""Big arguments stay out of messages, and come from the folder unchanged or not at all."""

from __future__ import annotations

import os

import pytest
from funboost_hook_claim_check.codec import ClaimCheck
from funboost_testing.clock import FakeClock
from funboost_testing.eager import Eager

from funboost_core import BadMessage, BoosterParams, Environment, boost
from funboost_core.task import Task

BIG = ["é" * 50_000]


def task_of(tmp_path, clock=None, **settings):
    settings = {"CLAIM_CHECK_DIR": str(tmp_path / "shared"), **settings}
    environment = Environment(settings, clock) if clock else Environment(settings)
    return Task(BoosterParams(queue_name="q"), None, environment)


def left(task, **arguments):
    extra = {}
    return ClaimCheck(task).encode(task, arguments, extra), extra


def test_there_and_back(tmp_path):
    seen = []
    environment = Environment({"HOOKS": "claim_check", "DATA_DIR": str(tmp_path)})

    def function(big, small):
        seen.append((big, small))

    with Eager(environment) as eager:
        task = boost(BoosterParams(queue_name="q"), environment=eager.environment)(function)
        task.push(BIG, "small")
        task.push(BIG, 2)
        task.push(1, 3)
        bodies = eager.waiting(task)
        eager.run()
    assert [body["big"] for body in bodies] == [None, None, 1]
    claims = {body["extra"]["claims"]["big"] for body in bodies[:2]}
    assert set(os.listdir(tmp_path / "claims")) == claims  # equal arguments are kept once
    assert "claims" not in bodies[2]["extra"]
    assert seen == [(BIG, "small"), (BIG, 2), (1, 3)]


def test_the_folder_is_shared_and_the_threshold_can_be_set(tmp_path):
    here, there = task_of(tmp_path, CLAIM_CHECK_THRESHOLD="10"), task_of(tmp_path)
    message = left(here, x="a" * 100, y="b")
    assert message[0]["y"] == "b"
    assert ClaimCheck(there).decode(there, *message) == {"x": "a" * 100, "y": "b"}


@pytest.mark.parametrize(
    ("arguments", "claims", "reason"),
    [
        ({"x": None}, {"x": "../secret"}, "claim check of 'x' is none"),
        ({"x": None}, {"x": "0" * 63 + "\n"}, "claim check of 'x' is none"),
        ({"x": None}, {"x": 7}, "claim check of 'x' is none"),
        ({"x": None}, {"y": "0" * 64}, "does not name arguments"),
        ({"x": None}, ["x"], "does not name arguments"),
        ({"x": None}, {"x": "0" * 64}, "is not in .*set FUNBOOST_CLAIM_CHECK_DIR"),
    ],
)
def test_a_forged_claim_gets_nothing(tmp_path, arguments, claims, reason):
    task = task_of(tmp_path)
    (tmp_path / "secret").write_text('{"":1}')
    with pytest.raises(BadMessage, match=reason):
        ClaimCheck(task).decode(task, arguments, {"claims": claims})


def test_a_file_that_was_changed_is_refused(tmp_path):
    task = task_of(tmp_path)
    message = left(task, x=BIG)
    (file,) = (tmp_path / "shared").iterdir()
    file.write_text('{"":1}')
    with pytest.raises(BadMessage, match="was changed"):
        ClaimCheck(task).decode(task, *message)


def test_what_was_not_used_for_long_is_deleted(tmp_path):
    clock = FakeClock()
    task = task_of(tmp_path, clock, CLAIM_CHECK_KEEP_DAYS="3")
    codec, day = ClaimCheck(task), 86400
    (old, extra), now = left(task, x=BIG), clock.time()
    (file,) = (tmp_path / "shared").iterdir()
    os.utime(file, (now - 2 * day, now - 2 * day))
    codec.encode(task, {"x": BIG[0] + "a"}, {})
    assert file.exists()
    clock.advance(1.5 * day)
    os.utime(file, (now - 2 * day, now - 2 * day))
    codec.encode(task, {"x": BIG[0] + "b"}, {})
    assert not file.exists()
    with pytest.raises(BadMessage, match="CLAIM_CHECK_KEEP_DAYS"):
        codec.decode(task, old, extra)
