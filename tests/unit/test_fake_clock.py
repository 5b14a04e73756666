"""FakeClock: moved by hand, exact, and safe with many waiting threads."""

from __future__ import annotations

import sys

import pytest
from funboost_testing.clock import FakeClock, RealTimeClock

from funboost_core.native import Condition, Thread, sleep


def started(target, *args):
    thread = Thread(target=target, args=args, daemon=True)
    thread.start()
    return thread


def ended(thread):
    thread.join(30)
    return not thread.is_alive()


def test_it_stands_still_until_advanced_and_counts_exactly():
    clock = FakeClock(start=100.0)
    before = clock.monotonic()
    assert clock.time() == 100.0 == clock.time()
    for _ in range(10):
        clock.advance(0.1)
    assert clock.time() == 101.0
    assert clock.monotonic() - before == 1.0
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)


def test_wait_returns_false_only_when_its_deadline_has_passed():
    clock, condition, seen = FakeClock(), Condition(), []

    def wait():
        with condition:
            seen.append(clock.wait(condition, 5))

    thread = started(wait)
    clock.until_waiting(1)
    clock.advance(4.999)
    assert clock.waiting == 1
    assert seen == []
    clock.advance(0.001)
    assert ended(thread)
    assert seen == [False]
    assert clock.waiting == 0


def test_wait_returns_true_when_notified():
    clock, condition, seen = FakeClock(), Condition(), []

    def wait(seconds):
        with condition:
            seen.append(clock.wait(condition, seconds))

    for seconds in (5, None):
        thread = started(wait, seconds)
        if seconds:
            clock.until_waiting(1)
        while not ended_soon(thread):
            with condition:
                condition.notify_all()
    assert seen == [True, True]


def ended_soon(thread):
    thread.join(0.01)
    return not thread.is_alive()


def test_wait_without_time_left_does_not_block():
    clock, condition = FakeClock(), Condition()
    with condition:
        assert clock.wait(condition, 0) is False
        assert clock.wait(condition, -1) is False


def test_next_deadline_is_that_of_the_first_to_give_up():
    clock = FakeClock(start=100.0)
    assert clock.next_deadline() is None
    threads = [started(clock.sleep, seconds) for seconds in (30, 10, 20)]
    clock.until_waiting(3)
    for index, deadline in ((1, 110.0), (2, 120.0), (0, 130.0)):
        assert clock.next_deadline() == deadline
        clock.advance(10)
        assert ended(threads[index])
    assert clock.next_deadline() is None


def test_sleep_survives_advances_that_are_too_short_and_ends_at_once_for_zero():
    clock = FakeClock()
    clock.sleep(0)
    thread = started(clock.sleep, 1)
    clock.until_waiting(1)
    for _ in range(9):
        clock.advance(0.1)
    assert thread.is_alive()
    clock.advance(0.1)
    assert ended(thread)


def test_many_threads_on_one_condition_and_on_their_own():
    clock, shared, woken = FakeClock(), Condition(), []

    def wait(number):
        condition = shared if number % 2 else Condition()
        deadline = clock.monotonic() + number
        with condition:
            while clock.monotonic() < deadline:
                clock.wait(condition, deadline - clock.monotonic())
        woken.append(number)

    threads = [started(wait, number) for number in range(1, 201)]
    for number in range(100):
        clock.until_waiting(200 - number)  # who looked at the time before it moved would wait for longer
        clock.advance(1)
    for thread in threads[:100]:
        assert ended(thread)
    assert sorted(woken) == list(range(1, 101))
    assert all(thread.is_alive() for thread in threads[100:])
    clock.advance(100)
    assert all(ended(thread) for thread in threads)
    assert sorted(woken) == list(range(1, 201))


def test_who_is_about_to_wait_is_not_missed():
    clock, condition, seen = FakeClock(), Condition(), []
    release = condition._release_save

    def late():
        started(clock.advance, 5)
        while clock.monotonic() < 1005:  # the time has moved; the one who moves it has not come through here yet
            sleep(0.001)
        return release()

    condition._release_save = late

    def wait():
        with condition:
            seen.append(clock.wait(condition, 5))

    assert ended(started(wait))
    assert seen == [False]


def test_who_has_been_woken_does_not_count_as_waiting():
    clock, condition, seen = FakeClock(), Condition(), []

    def wait():
        with condition:
            clock.wait(condition, 5)
            seen.append(clock.monotonic())
            clock.wait(condition, 5)

    thread = started(wait)
    clock.until_waiting(1)
    with condition:
        condition.notify_all()
        assert clock.waiting == 0
        with pytest.raises(AssertionError, match="0 threads wait"):
            clock.until_waiting(1, timeout=0.01)
    clock.until_waiting(1)
    assert seen == [1000]
    clock.advance(5)
    assert ended(thread)


def test_who_waits_without_a_deadline_does_not_stand_for_one_who_has_been_woken():
    clock, condition, order = FakeClock(), Condition(), []

    def wait(seconds):
        with condition:
            order.append(seconds)
            clock.wait(condition, seconds)

    threads = []
    for seconds in (5, None):
        threads.append(started(wait, seconds))
        while seconds not in order:
            sleep(0.001)
    with condition:  # which both of them wait on now
        condition.notify()  # the first
        assert clock.waiting == 0
        assert clock.next_deadline() is None
        condition.notify_all()
    assert all(map(ended, threads))


def test_those_who_wait_in_turn_never_count_as_waiting_together(monkeypatch):
    interval = sys.getswitchinterval()
    clock, ends, turn = FakeClock(), [Condition(), Condition()], [0]

    def play(me):
        mine, other = ends[me], ends[1 - me]
        while turn[0] < 3000:
            with other:
                turn[0] += 1
                other.notify()
            with mine:
                while turn[0] % 2 != me and turn[0] < 3000:
                    clock.wait(mine, 5)

    sys.setswitchinterval(1e-6)
    try:
        threads = [started(play, 0)]
        counts = set()
        clock.until_waiting(1)
        threads.append(started(play, 1))
        while any(thread.is_alive() for thread in threads):
            counts.add(clock.waiting)
    finally:
        sys.setswitchinterval(interval)
    assert counts <= {0, 1}


def test_advance_races_with_threads_that_begin_to_wait():
    clock = FakeClock()

    def sleeper():
        for _ in range(50):
            clock.sleep(1)

    threads = [started(sleeper) for _ in range(8)]
    while any(thread.is_alive() for thread in threads):
        clock.advance(1)
    assert clock.waiting == 0


def test_until_waiting_says_what_is_missing():
    with pytest.raises(AssertionError, match="0 threads wait on the clock, not 1"):
        FakeClock().until_waiting(1, timeout=0.01)


def test_real_time_clock_lets_the_time_pass():
    clock = RealTimeClock()
    before = clock.monotonic()
    clock.advance(0.05)
    clock.until_waiting(1, timeout=0)
    assert clock.monotonic() - before >= 0.03  # some systems count in steps of 16 ms
