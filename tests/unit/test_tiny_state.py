"""The state of the unit tests, which the threads of several consumers share."""

from __future__ import annotations

from funboost_testing.calls import Call
from funboost_testing.clock import FakeClock
from support.state import Parking

from funboost_core.ports.store import Parked


def parked(name):
    return Parked(name, "q", b"{}", 0.0, "delay")


def test_messages_may_be_parked_while_others_are_looked_at():
    parking, calls = Parking(FakeClock()), []
    parking.park([parked("1")])

    class Target(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            calls.append(Call(parking.park, [parked("2")]))
            calls[-1].running(0.2)
            return str.__eq__(self, other)

    assert parking.count(Target("q")) == 1
    calls[0].result()
    assert parking.count("q") == 2


def test_one_message_is_claimed_by_one():
    parking, calls = Parking(FakeClock()), []
    parking.park([parked("1")])
    ready = parking._ready

    def looking(message):
        if not calls:
            calls.append(Call(parking.claim, "q", 1, 10))
            calls[-1].running(0.2)
        return ready(message)

    parking._ready = looking
    assert [message.id for message in parking.claim("q", 1, 10)] == ["1"]
    assert calls[0].result() == []
