"""The memory store: the common suites, isolation, and memory that stays flat."""

from __future__ import annotations

import gc
import weakref

import pytest
from funboost_store_memory.expiring import Expiring
from funboost_store_memory.store import MemoryState
from funboost_testing.clock import FakeClock
from funboost_testing.stores import StateStoreSuite
from funboost_testing.stores.base import Call

from funboost_core.environment import Environment
from funboost_core.ports.store import Parked


def state(clock):
    return MemoryState("memory://", Environment(clock=clock))


class TestMemoryState(StateStoreSuite):
    @pytest.fixture
    def make_store(self):
        return state


def test_every_store_is_its_own():
    clock = FakeClock()
    one, two = state(clock), state(clock)
    one.replies.put("t", b"1", 10)
    assert two.replies.get("t", 0) is None


def test_close_ends_the_waiting():
    clock = FakeClock()
    store = state(clock)
    call = Call(store.replies.get, "t", 1000)
    clock.until_waiting(1)
    store.close()
    assert call.result() is None


class Payload(bytearray):
    """Like bytes, but can be weakly referenced."""


def alive(references):
    gc.collect()
    return sum(reference() is not None for reference in references)


def test_expired_replies_leave_memory_without_being_asked_for():
    clock = FakeClock()
    store = state(clock)
    references = []
    for i in range(1000):
        payload = Payload(b"x")
        references.append(weakref.ref(payload))
        store.replies.put(f"t{i}", payload, 10)
        del payload
    assert alive(references) == 1000
    clock.advance(11)
    store.replies.get("another", 0)
    assert alive(references) == 0


@pytest.mark.parametrize("renew", ["same key", "other keys"])
def test_expiring_stays_small_under_constant_renewal(renew):
    clock = FakeClock()
    entries = Expiring(clock.time)
    for i in range(20_000):
        entries.put("k" if renew == "same key" else i, i, clock.time() + (86_400 if renew == "same key" else 10))
        clock.advance(0.1)
    assert len(entries) <= 101
    assert len(entries._ends) <= 2 * 101 + 65


def test_parking_stays_small_when_messages_are_parked_again_and_again():
    clock = FakeClock()
    parking = state(clock).parking
    for i in range(5000):
        message = Parked("a", "q", b"x", clock.time() + 1000 + i)
        parking.park([message])
    assert len(parking._places["q"].ready) < 200
    parking.done([message])
    assert parking._places == {}


def test_a_schedule_and_a_counter_that_say_nothing_take_no_memory():
    clock = FakeClock()
    coordinator = state(clock).coordinator
    for i in range(100):
        coordinator.reserve(f"q{i}", 1, 1, 0)
        coordinator.add(f"q{i}", {"a": 1})
        coordinator.add(f"q{i}", {"a": -1})
    assert coordinator._counters == {}
    clock.advance(2)
    coordinator.reserve("q", 1, 1, 0)
    assert len(coordinator._schedules) == 1
