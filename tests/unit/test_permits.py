"""permits: never more out than the limit, first come first served, and stopping ends the waiting."""

from __future__ import annotations

import random

import pytest

from funboost_core.consuming.permits import Permits
from funboost_core.native import Event, Lock, Thread

PATIENCE = 30


def never():
    return False


def waiting(permits, most, stopped=never, then=lambda granted: None):
    thread = Thread(target=lambda: then(permits.reserve(most, stopped)), daemon=True)
    before = len(permits._line)
    thread.start()
    while thread.is_alive() and len(permits._line) <= before:
        thread.join(0.001)
    return thread


def ended(thread):
    thread.join(PATIENCE)
    return not thread.is_alive()


def test_as_many_as_are_free_and_at_least_one():
    permits = Permits(10)
    assert permits.reserve(4, never) == 4
    assert permits.reserve(100, never) == 6
    assert permits.out == 10
    permits.release(3)
    assert permits.reserve(100, never) == 3


def test_the_limit_holds_and_everybody_is_served():
    permits, lock, chance = Permits(7), Lock(), random.Random(3)
    seen = {"now": 0, "most": 0, "served": 0}

    def use():
        for _ in range(200):
            granted = permits.reserve(chance.choice((1, 2, 5)), never)
            with lock:
                seen["now"] += granted
                seen["most"] = max(seen["most"], seen["now"])
            with lock:
                seen["now"] -= granted
                seen["served"] += 1
            permits.release(granted)

    threads = [Thread(target=use, daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert all(ended(thread) for thread in threads)
    assert seen["most"] <= 7
    assert seen["served"] == 1000
    assert permits.out == 0


def test_who_asks_first_is_served_first():
    permits, served = Permits(1), []
    permits.reserve(1, never)
    threads = [waiting(permits, 1, then=lambda granted, name=name: served.append(name)) for name in "abcd"]
    for thread in threads:
        permits.release(1)
        assert ended(thread)
    assert served == list("abcd")


def test_stopping_ends_the_waiting_and_the_next_in_line_is_served():
    permits, stop, answers = Permits(1), Event(), []
    permits.reserve(1, never)
    first = waiting(permits, 1, stop.is_set, answers.append)
    second = waiting(permits, 1, never, answers.append)
    stop.set()
    permits.wake()
    assert ended(first)
    assert answers == [0]
    permits.release(1)
    assert ended(second)
    assert answers == [0, 1]
    assert permits.reserve(1, stop.is_set) == 0


@pytest.mark.parametrize("limit", [3, 1])
def test_the_limit_may_change_while_some_are_out(limit):
    permits, answers = Permits(2), []
    permits.reserve(2, never)
    thread = waiting(permits, 5, then=answers.append)
    permits.limit = limit
    if limit == 1:
        permits.release(1)
        assert answers == []
        permits.release(1)
    assert ended(thread)
    assert answers == [1]
