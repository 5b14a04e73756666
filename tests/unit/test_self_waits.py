"""self_waits: a warning, once, when every slot of a consumer waits for its own queue."""

from __future__ import annotations

import pytest

from funboost_core.context import current
from funboost_core.self_waits import SelfWaits


@pytest.fixture
def waits(program):
    return SelfWaits(program.environment)


@pytest.fixture
def inside(program):
    """Be within a run of queue q, whose consumer has three slots."""
    line = program.line(concurrent_num=3)
    program.environment.worker.consume(line.task)
    token = current.set(line.fetched())
    yield
    current.reset(token)


def test_the_last_free_slot_is_warned_of_once(waits, inside, caplog):
    begun = [waits.begin(["q_result:1"]), waits.begin(["other_result:1", "q_result:2"])]
    assert begun == ["q", "q"]
    assert "every slot" not in caplog.text
    waits.end(begun.pop())
    begun.append(waits.begin(["q_result:3"]))
    assert "every slot" not in caplog.text  # one had ended
    begun.append(waits.begin(["q_result:4"]))
    assert (
        "q: every slot of this consumer (3) is taken by a run that waits for a result of the same queue" in caplog.text
    )
    assert "a queue of their own" in caplog.text
    begun.append(waits.begin(["q_result:5"]))
    for queue in begun:
        waits.end(queue)
    assert caplog.text.count("every slot") == 1


def test_waiting_for_other_queues_is_no_matter(waits, inside, caplog):
    for _ in range(9):
        assert waits.begin(["other_result:1", 7]) is None
        waits.end(None)
    assert "every slot" not in caplog.text


def test_waiting_outside_a_task_is_no_matter(waits):
    assert waits.begin(["q_result:1"]) is None


def test_a_run_that_no_consumer_of_this_process_has_started(program, waits, caplog):
    token = current.set(program.line(concurrent_num=1).fetched())
    try:
        waits.end(waits.begin(["q_result:1"]))
    finally:
        current.reset(token)
    assert "every slot" not in caplog.text
