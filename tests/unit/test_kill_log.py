"""The verdict of the kill stories: what may run again when a process is killed, and what may not."""

from __future__ import annotations

import itertools

import pytest
from support.kill_log import BATCH, SLACK, Log, audit
from support.programs import Program

THREADS = 8
KILLS = {1: 10.0}


@pytest.fixture
def judge(tmp_path):
    """``judge(events)``: the verdict over events (what, x, pid, time, thread), where process 1 is killed at 10.0."""

    def judge(events, pushed=None, kills=KILLS):
        text = "".join(f"\n{what} {x} {pid} {time} {thread};\n" for what, x, pid, time, thread in events)
        (tmp_path / "log").write_text(text)
        pushed = {str(x) for what, x, *_ in events if what == "begin"} if pushed is None else pushed
        return audit(Log(Program(tmp_path)), pushed, kills, THREADS)

    return judge


def ran(*xs, pid=1, time=1.0, thread=1):
    return [(what, x, pid, time, thread) for x in xs for what in ("begin", "end")]


def beats(number):
    return [("beat", "-", 1, 2.0, 99)] * number


OTHERS = ran(*range(1000, 1500), thread=2)
AGAIN = ran(0, pid=2, time=11.0)


def test_what_was_running_runs_again(judge):
    told = judge([("begin", 0, 1, 1.0, 1), *AGAIN])
    assert (told["twice, was running"], told["twice, had ended"]) == (1, 0)


def test_what_had_just_ended_may_run_again(judge):
    some = range(2 * BATCH)
    assert judge([*ran(*some), *ran(*some, pid=2, time=11.0)])["twice, had ended"] == len(some)


@pytest.mark.parametrize(("number", "right"), [(1, True), (BATCH + THREADS, True), (BATCH + THREADS + 1, False)])
def test_of_what_ended_long_ago_a_batch_may_be_in_the_hands_of_who_acknowledges(judge, number, right):
    events = [*ran(*range(number)), *OTHERS, *ran(*range(number), pid=2, time=11.0)]
    if right:
        assert judge(events)["twice, had ended"] == number
    else:
        with pytest.raises(AssertionError, match="ends before the kill"):
            judge(events)


def test_after_many_beats_one_thread_may_have_been_stopped_that_does_no_more(judge):
    assert judge([*ran(0), *OTHERS, *beats(SLACK + 1), *AGAIN])["twice, had ended"] == 1
    for more in (ran(7), ran(1, thread=3), beats(4 * SLACK)):  # it goes on; it is another one; that is too long
        last = ran(1, pid=2, time=11.0) if more == ran(1, thread=3) else []
        with pytest.raises(AssertionError, match="ends before the kill"):
            judge([*ran(0), *more, *OTHERS, *beats(SLACK + 1), *AGAIN, *last])


def test_nothing_is_lost_and_nothing_runs_twice_for_no_reason(judge):
    with pytest.raises(AssertionError, match=r"lost: \['1'\]"):
        judge(ran(0), pushed={"0", "1"})
    with pytest.raises(AssertionError, match="nobody was killed"):
        judge([*ran(0), *AGAIN], kills={})
    with pytest.raises(AssertionError, match="before its process was killed"):
        judge([*ran(0), *ran(0, pid=2, time=9.0)])
    with pytest.raises(AssertionError, match="acknowledged and run again"):
        judge([*ran(0), ("acked", "0,5", 1, 1.5, 1), *AGAIN])
    assert judge(list(itertools.chain(ran(0), [("acked", "0", 1, 1.5, 1)])))["lost"] == 0
