"""Equal messages in every pool over the embedded brokers: one succeeds, one at a time, one in the queue, one a period."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from funboost_testing.clock import FakeClock
from funboost_testing.faults import Faults, raises
from rest import Steady

from funboost_core import BoosterParams, Environment, TaskOptions, boost
from funboost_core.consuming import claims


def test_of_equal_ones_one_succeeds(story: Any) -> None:
    f = story.task(lambda x: story.note(x), do_task_filtering=True, is_using_rpc_mode=True)
    results = [f.push(x=x) for x in (1, 2, 1, 1, 2, 3)]
    f.consume()
    told = [result.status_and_result for result in results]
    assert Counter(story.wait_for(3)) == Counter([1, 2, 3])
    assert sum(status["success"] for status in told) == 3
    assert {s["exception_msg"] for s in told if not s["success"]} == {"an equal one has succeeded"}
    later = f.push(x=1)
    assert not later.is_success()
    assert len(story.seen) == 3


def test_after_a_failure_the_next_equal_one_runs(story: Any) -> None:
    def task(x: int) -> None:
        story.note(x)
        if len(story.seen) == 1:
            raise ValueError

    f = story.task(task, unique="after_success", max_retry_times=0)
    for _ in range(4):
        f.push(x=1)
    f.consume()
    story.wait_for(2)
    story.until(lambda: f.get_message_count() == 0)
    assert len(story.seen) == 2


def test_while_one_waits_for_its_retry_its_equals_wait(story: Any) -> None:
    def task(x: int, who: str) -> None:
        story.note(who)
        if who == "first" and story.seen.count(who) < 3:
            raise ValueError

    f = story.task(task, do_task_filtering=True, unique_key="x", retry_interval=0.1)
    f.push(x=1, who="first")
    f.consume()
    story.wait_for(1)
    f.push(x=1, who="second")
    f.push(x=2, who="other")
    story.wait_for(4)
    story.until(lambda: f.get_message_count() == 0)
    assert Counter(story.seen) == {"first": 3, "other": 1}


def test_equal_ones_never_run_together_and_all_run(story: Any) -> None:
    running: Counter[int] = Counter()

    def task(x: int, n: int) -> None:
        running[x] += 1
        assert running[x] == 1
        threading.Event().wait(0.01)
        running[x] -= 1
        story.note(n)

    f = story.task(task, unique="while_running", unique_key="x", max_retry_times=0)
    f.push_many([{"x": n % 2, "n": n} for n in range(10)])
    f.consume()
    assert sorted(story.wait_for(10)) == list(range(10))


def test_one_is_queued_and_the_next_once_it_runs(story: Any) -> None:
    go = threading.Event()

    def task(x: int) -> None:
        story.note(x)
        go.wait(20)

    f = story.task(task, unique="while_queued", concurrent_num=1)
    first = [f.push(x=1).task_id for _ in range(3)]
    assert (len(set(first)), f.get_message_count()) == (1, 1)
    f.consume()
    story.wait_for(1)
    second = [f.push(x=1).task_id for _ in range(3)]
    assert len({*first, *second}) == 2
    go.set()
    story.wait_for(2)
    story.until(lambda: f.get_message_count() == 0)
    assert len(story.seen) == 2


def test_the_first_and_the_last_of_a_period(story: Any) -> None:
    first = story.task(
        lambda x, n: story.note(("first", x, n)), queue_name="first", throttle_seconds=60, unique_key="x"
    )
    last = story.task(lambda x, n: story.note(("last", x, n)), queue_name="last", debounce_seconds=0.3, unique_key="x")
    for n in range(3):
        for x in (1, 2):
            first.push(x=x, n=n)
            last.push(x=x, n=n)
    first.consume()
    last.consume()
    assert sorted(story.wait_for(4)) == [("first", 1, 0), ("first", 2, 0), ("last", 1, 2), ("last", 2, 2)]


def test_by_the_text_of_a_message(story: Any) -> None:
    f = story.task(lambda x: story.note(x), do_task_filtering=True, concurrent_num=1)
    for x, text in [(1, "a"), (2, "a"), (3, ""), (4, ""), (5, None), (6, None)]:
        f.publish({"x": x}, options=TaskOptions(filter_str=text))
    f.consume()
    story.wait_for(4)
    story.until(lambda: f.get_message_count() == 0)
    assert len(story.seen) == 4
    assert {5, 6} < set(story.seen)


# -- faults ---------------------------------------------------------------------------------------------------------------

CALLS = ["filter.claim", "filter.keep", "filter.release", "filter.renew"]
MEANINGS = ["after_success", "while_running", "while_queued"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", CALLS)
@pytest.mark.parametrize("unique", MEANINGS)
def test_a_filter_that_fails_neither_stops_the_consumer_nor_loses_a_message(
    tmp_path: Any, unique: str, step: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE", 3.0)
    clock = FakeClock()  # while it is not moved no lease ends, however busy the machine is
    environment = Environment(
        {
            "BROKER_KIND": "SQLITE_QUEUE",
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "sqlite://",
            "DATA_DIR": str(tmp_path),
            "BEAT_SECONDS": 0.02,
        },
        clock=clock,
    )
    runs: Counter[int] = Counter()
    failed: set[int] = set()

    def task(x: int) -> None:
        runs[x] += 1
        if x == 3 and x not in failed:
            failed.add(x)
            raise ValueError

    f = boost(
        BoosterParams(queue_name="q", unique=unique, max_retry_times=0, is_using_rpc_mode=True),  # type: ignore[arg-type]
        environment=environment,
    )(task)
    try:
        results = [f.push(x=x) for x in (1, 1, 2, 3, 3, 4)]
        with Faults(environment) as faults:
            faults.at(step, raises(OSError("the store is away")), after=after, nth=2, times=3)
            f.consume()
            steady = Steady(environment, clock, 0.02)
            assert steady.until(lambda: not any(result.is_pending() for result in results), 60)
        assert set(runs) == {1, 2, 3, 4}
        if unique == "after_success":
            assert dict(runs) == {1: 1, 2: 1, 3: 2, 4: 1}
        late = f.push(x=5)
        assert steady.until(lambda: not late.is_pending(), 60), "it still consumes, and others still get in"
    finally:
        environment.close()


# -- processes ------------------------------------------------------------------------------------------------------------

CONSUMER = """
    @boost(BoosterParams(queue_name="q", do_task_filtering=True, max_retry_times=0))
    def f(x):
        note("ran", x, os.getpid())
        time.sleep(0.02)
        note("done", x)

    f.consume()
    note("up")
"""
KILLED = """
    from funboost_testing.faults import Faults, kill

    @boost(BoosterParams(queue_name="q", do_task_filtering=True, max_retry_times=0, is_using_rpc_mode=True))
    def f(x):
        note("ran", x)

    f.push(1)
    faults = Faults(default()).__enter__()
    faults.at(sys.argv[1], kill(), after=sys.argv[2] == "after")
    f.consume()
"""
SURVIVOR = """
    @boost(BoosterParams(queue_name="q", do_task_filtering=True, max_retry_times=0, is_using_rpc_mode=True))
    def f(x):
        note("ran", x)

    f.consume()
    result = f.push(1)
    note("told", result.status_and_result["exception_msg"])
    while f.get_message_count():
        time.sleep(0.01)
    worker = default().worker
    worker.stop()
"""


@pytest.fixture
def programs(tmp_path: Any) -> Any:
    from programs import Program

    program = Program(tmp_path)
    yield program
    program.close()


@pytest.mark.parametrize(
    ("step", "when", "runs"),
    [
        ("filter.claim", "after", 1),  # between the claim and the run
        ("filter.keep", "before", 2),  # it has run; nobody knows that it succeeded
        ("filter.keep", "after", 1),  # before the acknowledgement
    ],
)
def test_a_consumer_killed_at_a_claim(programs: Any, step: str, when: str, runs: int) -> None:
    victim = programs.start(KILLED, "victim.py", (step, when))
    assert victim.wait(50) < 0
    programs.run(SURVIVOR, name="survivor.py")
    assert [line for line in programs.log() if line.startswith("ran")] == ["ran 1"] * runs
    assert programs.wait_for(1, "told") == ["told an equal one has succeeded"]


def test_three_processes_race_for_the_same_keys(programs: Any) -> None:
    for number in range(3):
        programs.start(CONSUMER, f"consumer{number}.py")
    programs.wait_for(3, "up")
    programs.run(
        """
        f = boost(BoosterParams(queue_name="q"))(lambda x: None)
        f.push_many([{"x": n % 10} for n in range(120)])
        while f.get_message_count():
            time.sleep(0.01)
        """,
        name="publisher.py",
    )
    done = Counter(line for line in programs.wait_for(10, "done"))
    assert done == {f"done {x}": 1 for x in range(10)}
