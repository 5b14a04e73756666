"""Big arguments stay out of messages, and come from the folder unchanged or not at all."""

from __future__ import annotations

import os
from pathlib import Path

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


@pytest.fixture
def old(tmp_path):
    """A codec, a message whose file was not used for long, and that file."""
    clock = FakeClock()
    task = task_of(tmp_path, clock, CLAIM_CHECK_KEEP_DAYS="3")
    message, long_ago = left(task, x=BIG), clock.time() - 5 * 86400
    (file,) = (tmp_path / "shared").iterdir()
    os.utime(file, (long_ago, long_ago))
    return ClaimCheck(task), task, message, file


def test_what_is_used_again_while_somebody_sweeps_stays(old, monkeypatch):
    """Between the look at the time of a file and its end."""
    codec, task, message, _ = old
    plain = Path.stat

    def stat(path, **options):
        found = plain(path, **options)
        monkeypatch.undo()
        assert codec.encode(task, {"x": BIG}, {})
        return found

    monkeypatch.setattr(Path, "stat", stat)
    codec._sweep()
    assert codec.decode(task, *message) == {"x": BIG}


def test_what_somebody_has_put_aside_is_found_and_kept(old, monkeypatch):
    codec, task, message, _ = old
    found = []

    def replace(path, target):
        monkeypatch.undo()
        path.replace(target)
        found.append(codec.decode(task, *message))

    monkeypatch.setattr(Path, "replace", replace)
    codec._sweep()
    assert found == [{"x": BIG}]
    assert codec.decode(task, *message) == {"x": BIG}


def test_what_is_put_back_while_it_is_looked_for_is_found(old, monkeypatch):
    codec, task, message, file = old
    aside = file.with_name(f"{file.name}.old")
    file.replace(aside)
    read = Path.read_bytes

    def late(path):
        if path == aside:
            aside.replace(file)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", late)
    assert codec.decode(task, *message) == {"x": BIG}


def test_a_file_that_goes_just_when_it_has_been_read_was_there(old, monkeypatch):
    codec, task, message, file = old
    read = Path.read_bytes

    def last(path):
        data = read(path)
        path.unlink()
        return data

    monkeypatch.setattr(Path, "read_bytes", last)
    assert codec.decode(task, *message) == {"x": BIG}
    assert file.exists(), "for the next attempt"
