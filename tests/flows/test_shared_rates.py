"""One rate for several consumers, and limits for each key, from push to acknowledgement, in the pools and in processes."""

from __future__ import annotations

import bisect
import logging
import threading
import time

import pytest
from funboost_testing.faults import Faults, raises
from programs import Program
from rest import eventually

from funboost_core import BoosterParams, Environment, boost


def most_in_a_second(moments: list[float]) -> int:
    """The largest number in any sliding second, but for what a machine under load may shift."""
    moments = sorted(moments)
    return max(bisect.bisect_left(moments, moment + 0.7) - n for n, moment in enumerate(moments))


def spread(moments: list[float], qps: float, began: float) -> float:
    """The time that the starts took, as a share of what they must take, since somebody `began` to consume.

    Not since the first start, which may have been noted late.
    """
    return (max(moments) - began) / ((len(moments) - 1) / qps)


# -- in one process, in each pool ---------------------------------------------------------------------------------------


def test_the_tasks_of_a_group_share_one_rate(story):
    def noting(name):
        return lambda x: story.note((name, time.monotonic()))

    tasks = [story.task(noting(n), queue_name=n, rate_group="shop", qps=20) for n in ("one", "two", "three")]
    for task in tasks:
        task.push_many([{"x": n} for n in range(5)])
    began = time.monotonic()
    for task in tasks:
        task.consume()
    moments = [moment for _, moment in story.wait_for(15)]
    assert {name for name, _ in story.seen[:12]} == {"one", "two", "three"}
    assert spread(moments, 20, began) >= 0.95
    assert most_in_a_second(moments) <= 21


def test_a_changed_rate_of_a_group_is_that_of_all_its_tasks(story):
    tasks = [
        story.task(lambda x: story.note(x), queue_name=name, rate_group="slow", qps=0.001) for name in ("one", "two")
    ]
    for task in tasks:
        task.consume()
        task.push_many([{"x": n} for n in range(20)])
    story.wait_for(1)
    tasks[1].change_qps(400)
    story.wait_for(40)
    tasks[0].change_qps(0)
    tasks[1].push_many([{"x": n} for n in range(500)])
    story.wait_for(540)
    tasks[1].change_qps(None)
    assert {consumer.gate.rate.qps for consumer in story.environment.worker.consumers()} == {0.001}


def test_the_documented_spelling_in_each_pool(story):
    task = story.task(
        lambda x: story.note(time.monotonic()), qps=50, is_using_distributed_frequency_control=True, concurrent_num=3
    )
    task.push_many([{"x": n} for n in range(40)])
    began = time.monotonic()
    task.consume()
    assert spread(story.wait_for(40), 50, began) >= 0.95


def test_so_many_of_a_key_at_once(story):
    most: dict[str, int] = {}
    running: dict[str, int] = {}
    lock = threading.Lock()

    def work(user: str, x: int) -> None:
        with lock:
            running[user] = running.get(user, 0) + 1
            most[user] = max(most.get(user, 0), running[user])
        time.sleep(0.005)
        with lock:
            running[user] -= 1
        story.note((user, x))

    task = story.task(work, rate_key="user", key_concurrent_num=2, concurrent_num=20)
    task.push_many([{"user": user, "x": n} for n in range(12) for user in ("ann", "bob")])
    task.consume()
    seen = story.wait_for(24)
    assert sorted(seen) == sorted((user, n) for n in range(12) for user in ("ann", "bob"))
    assert max(most.values()) <= 2


def test_a_rate_for_each_key(story):
    task = story.task(
        lambda user, x: story.note((user, time.monotonic())), rate_key="user", key_qps=20, concurrent_num=20
    )
    task.push_many([{"user": user, "x": n} for n in range(15) for user in ("ann", "bob", "eve")])
    began = time.monotonic()
    task.consume()
    seen = story.wait_for(45)
    for user in ("ann", "bob", "eve"):
        moments = [moment for name, moment in seen if name == user]
        assert len(moments) == 15
        assert spread(moments, 20, began) >= 0.95
    assert task.get_message_count() == 0


@pytest.mark.parametrize(
    ("step", "params"),
    [
        ("coordinator.reserve", {"is_using_distributed_frequency_control": True, "qps": 100}),
        ("coordinator.reserve", {"rate_key": "user", "key_qps": 100}),
        ("filter.claim", {"rate_key": "user", "key_concurrent_num": 2}),
        ("filter.release", {"rate_key": "user", "key_concurrent_num": 2}),
    ],
)
def test_a_store_that_fails_delays_and_loses_nothing(story, step, params, caplog):
    task = story.task(lambda user, x: story.note(x), queue_name="q", **params)
    with Faults(story.environment) as faults, caplog.at_level(logging.WARNING):
        for nth in (1, 3, 6):
            faults.at(step, raises(ConnectionError("away")), nth=nth)
        task.push_many([{"user": n % 3, "x": n} for n in range(10)])
        task.consume()
        assert sorted(story.wait_for(10)) == list(range(10))
        story.until(lambda: task.get_message_count() == 0)
        assert len(faults.met) >= 1
    assert "away" in caplog.text


def test_two_programs_in_one_store(tmp_path):
    """Two environments, as two processes are, over one file."""
    settings = {"BROKER_KIND": "SQLITE_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "sqlite://"}
    moments: list[float] = []
    enough = threading.Event()

    def work(x: int) -> None:
        moments.append(time.monotonic())
        if len(moments) >= 80:
            enough.set()

    params = BoosterParams(queue_name="q", qps=40, is_using_distributed_frequency_control=True)
    programs = [Environment({**settings, "DATA_DIR": str(tmp_path), "DRAIN_SECONDS": 5}) for _ in range(2)]
    try:
        tasks = [boost(params, environment=program)(work) for program in programs]
        tasks[0].push_many([{"x": n} for n in range(80)])
        began = time.monotonic()
        for task in tasks:
            task.consume()
        assert enough.wait(45)
    finally:
        for program in programs:
            program.close()
    assert spread(moments, 40, began) >= 0.95


# -- processes ------------------------------------------------------------------------------------------------------------

CONSUMER = """
@boost(BoosterParams(queue_name="q", qps=20, is_using_distributed_frequency_control=True))
def f(x):
    note("start", os.getpid(), repr(time.monotonic()))

if sys.argv[1] == "push":
    f.push_many([{"x": n} for n in range(10000)])
else:
    note("begin", repr(time.monotonic()))
    f.consume()
    note("up", os.getpid())
"""


def test_three_processes_start_no_more_than_one_would_and_go_on_when_one_is_killed(tmp_path):
    program = Program(tmp_path)
    try:
        program.start(CONSUMER, args=("push",)).wait(60)
        processes = [program.start(CONSUMER, args=("consume",)) for _ in range(3)]
        program.wait_for(3, "up")
        begun = len(program.log())
        program.wait_for(begun, "start")
        starting = lambda: {line.split()[1] for line in program.wait_for(1, "start")}  # noqa: E731
        assert eventually(lambda: len(starting()) == 3), "not all of them start something"
        program.wait_for(len([line for line in program.log() if line.startswith("start")]) + 40, "start")
        processes[0].kill()
        processes[0].wait()
        killed = time.monotonic()
        program.wait_for(len([line for line in program.log() if line.startswith("start")]) + 60, "start")
    finally:
        program.close()
    starts = [line.split() for line in program.log() if line.startswith("start")]
    moments = sorted(float(moment) for _, _, moment in starts)
    assert len({pid for _, pid, _ in starts}) == 3
    assert most_in_a_second(moments) <= 21
    after = [moment for moment in moments if moment > killed]
    # of what was due before, each of the two may have noted late what it had reserved: 200 ms, and the one that ran
    assert len(after) <= 20 * (after[-1] - killed) + 2 * (0.2 * 20 + 1)
    began = min(float(line.split()[1]) for line in program.log() if line.startswith("begin"))
    assert len(moments) - 1 <= 20 * (moments[-1] - began) + 1
    assert {pid for _, pid, moment in starts if float(moment) > killed} <= {str(p.pid) for p in processes[1:]}
