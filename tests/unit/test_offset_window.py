"""Offset windows: messages are finished in any order, the position has no gap."""

from __future__ import annotations

import random

import pytest

from funboost_core.ports.broker import Delivery
from funboost_core.ports.offsets import OffsetWindow


def handed_out(*offsets, most=1000):
    window = OffsetWindow(most)
    for offset in offsets:
        assert window.hand_out(offset, Delivery(b"", offset))
    return window


def finish(window, offsets):
    for offset in offsets:
        assert window.finish(offset)


def told(window):
    position = window.advance()
    window.confirm()
    return position


def test_only_what_is_finished_without_a_gap_is_told():
    window = handed_out(5, 6, 7, 8)
    window.finish(6)
    window.finish(8)
    assert told(window) is None
    window.finish(5)
    assert told(window) == 7
    assert told(window) is None, "told already"
    window.finish(7)
    assert told(window) == 9
    assert window.unfinished == []


def test_offsets_with_gaps():
    window = handed_out(0, 10, 11, 500)
    finish(window, [0, 10])
    assert told(window) == 11
    finish(window, [500, 11])
    assert told(window) == 501


def test_what_was_handed_out_is_not_handed_out_again():
    window = handed_out(3, 4)
    assert not window.hand_out(4, Delivery(b""))
    assert not window.hand_out(1, Delivery(b""))
    assert window.hand_out(5, Delivery(b""))


def test_finishing_counts_once_and_only_what_is_held():
    window = handed_out(3, 4)
    assert window.holds(3)
    assert window.finish(3)
    assert not window.holds(3)
    assert not window.finish(3)
    assert not window.finish(99)
    assert told(window) == 4
    assert not window.finish(3), "below the position"
    assert window.holds(4)
    assert [delivery.tag for delivery in window.unfinished] == [4]


def test_room_is_what_a_crash_may_repeat_in_addition():
    window = handed_out(*range(10), most=10)
    assert window.room == 0
    finish(window, range(1, 10))
    assert told(window) is None
    assert window.room == 0, "the first is not finished: a crash would repeat all"
    window.finish(0)
    assert window.advance() == 10
    assert window.room == 0, "not confirmed"
    window.confirm()
    assert window.room == 10


def test_a_position_that_was_not_confirmed_is_told_again():
    window = handed_out(0, 1, 2)
    window.finish(0)
    assert window.advance() == 1
    assert window.advance() == 1
    window.finish(1)
    assert window.advance() == 2
    window.finish(2)
    window.confirm()  # of 2: what was finished since is not told
    assert window.room == 999
    assert told(window) == 3


@pytest.mark.parametrize("seed", range(20))
def test_any_order_ends_in_the_same_position(seed):
    randomly = random.Random(seed)
    window, held, done, position, next_offset = OffsetWindow(50), [], set(), 0, 0
    while next_offset < 2000 or held:
        if next_offset < 2000 and window.room and randomly.random() < 0.6:
            window.hand_out(next_offset, Delivery(b""))
            held.append(next_offset)
            next_offset += 1
        elif held:
            offset = held.pop(randomly.randrange(len(held)))
            assert window.finish(offset)
            done.add(offset)
        new = window.advance()
        if new is not None:
            assert new >= position
            position = new
            assert all(offset in done for offset in range(position))
            assert position == next_offset or position not in done
            if randomly.random() < 0.7:
                window.confirm()
        assert next_offset - position <= 50
    window.confirm()
    assert position == 2000
    assert window.room == 50
