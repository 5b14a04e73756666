"""claims: renewed while their message is here, kept or given up with it, and made up for when the store fails."""

from __future__ import annotations

import gc
from threading import Event, Thread

import pytest
from funboost_testing.faults import Faults, raises

from funboost_core.consuming.claims import LEASE, Claims

DOWN = OSError("the store is away")


@pytest.fixture
def program(make_program):
    return make_program(STATE_URL="memory://")


@pytest.fixture
def claims(program):
    return Claims(program.task())


@pytest.fixture
def holder(program):
    """Who has the key, as somebody else is told; ``None``: nobody."""

    def ask(key="k"):
        answer = program.environment.state.filter.claim("s", key, "asking", 0.001)
        program.clock.advance(0.01)
        return answer

    return ask


def live(program, claims, seconds):
    """Beats for so long."""
    for _ in range(int(seconds)):
        program.clock.advance(1)
        claims.renew()


def test_one_has_it_until_it_is_given_up(claims, holder):
    assert claims.claim("s", "k", "t1") is None
    assert claims.claim("s", "k", "t2") == "t1"
    claims.release("s", "t2")
    assert holder() == "t1"
    claims.release("s", "t1")
    assert holder() is None


def test_a_living_consumer_keeps_its_claims_and_a_dead_one_does_not(program, claims, holder):
    claims.claim("s", "k", "t1")
    live(program, claims, 3 * LEASE)
    assert holder() == "t1"
    program.clock.advance(LEASE + 1)
    assert holder() is None


def test_the_store_is_not_asked_to_renew_at_each_beat(program, claims):
    claims.claim("s", "k", "t1")
    with Faults(program.environment) as faults:
        faults.at("filter.renew", lambda environment: None, nth=10**9)
        live(program, claims, LEASE)
        assert 2 <= faults.calls("filter.renew") <= 4
        claims.release("s", "t1")
        before = faults.calls("filter.renew")
        live(program, claims, LEASE)
        assert faults.calls("filter.renew") == before


def test_done_is_done_for_all_for_its_time(program, claims, holder):
    claims.claim("s", "k", "t1")
    claims.keep("s", "t1", 50)
    live(program, claims, 40)
    assert [claims.claim("s", "k", name) for name in ("t1", "t2")] == ["done", "done"]
    program.clock.advance(20)
    assert holder() is None


def test_what_is_not_held_here_is_left_alone(program, claims, holder):
    program.environment.state.filter.claim("s", "k", "t1", 1000)
    claims.keep("s", "t1", None)
    claims.release("s", "t1")
    claims.extend("s", "t1", 9999)
    assert holder() == "t1"
    program.clock.advance(1001)
    assert holder() is None


def test_a_message_that_waits_elsewhere_keeps_its_key_meanwhile(program, claims, holder):
    claims.claim("s", "k", "t1")
    claims.extend("s", "t1", 1000)
    live(program, claims, 1000)
    assert holder() == "t1"
    program.clock.advance(LEASE)
    assert holder() is None


@pytest.mark.parametrize(
    ("step", "end", "then"),
    [
        ("filter.release", lambda claims: claims.release("s", "t1"), None),
        ("filter.release", lambda claims: claims.give_up("s", "k", "t1"), None),
        ("filter.keep", lambda claims: claims.keep("s", "t1", None), "done"),
    ],
)
def test_what_the_store_refused_is_done_at_a_beat(program, claims, holder, step, end, then):
    claims.claim("s", "k", "t1")
    with Faults(program.environment) as faults:
        faults.at(step, raises(DOWN), times=3)
        end(claims)
        live(program, claims, 2)
        assert holder() == "t1"
        live(program, claims, 1)
    assert holder() == then


def test_a_late_release_spares_the_message_that_has_come_again(program, claims, holder):
    claims.claim("s", "k", "t1")
    with Faults(program.environment) as faults:
        faults.at("filter.release", raises(DOWN))
        claims.release("s", "t1")
    assert claims.claim("s", "k", "t1") is None
    claims.renew()
    assert holder() == "t1"


def test_renewing_that_fails_is_tried_again(program, claims, holder):
    claims.claim("s", "k", "t1")
    program.clock.advance(LEASE / 2)
    with Faults(program.environment) as faults:
        faults.at("filter.renew", raises(DOWN))
        with pytest.raises(OSError, match="away"):
            claims.renew()
    claims.renew()
    program.clock.advance(LEASE * 0.9)
    assert holder() == "t1"


def test_what_is_given_up_while_it_is_renewed_is_given_up(program, claims, holder):
    """Its thread stands still within `release`, just when a beat that has seen it among the held ones goes on."""
    begun, renewed = Event(), Event()

    class Held(dict):
        def __contains__(self, name):
            found = super().__contains__(name)
            if found and not begun.is_set():
                giving_up.start()
                assert begun.wait(30)
            return found

        def pop(self, *arguments):
            held = super().pop(*arguments)
            begun.set()
            assert renewed.wait(30)
            return held

    giving_up = Thread(target=claims.release, args=("s", "t1"))
    claims.claim("s", "k", "t1")
    claims._held = Held(claims._held)
    live(program, claims, LEASE)
    renewed.set()
    if not begun.is_set():
        giving_up.start()
    giving_up.join()
    assert holder() is None


def test_another_key_of_the_same_message_is_not_mistaken_for_what_was_renewed(program, claims, holder):
    """The message came again while the store renewed what it had held before."""

    def again(environment):
        claims.release("s", "t1")
        assert claims.claim("s", "other", "t1") is None

    claims.claim("s", "k", "t1")
    with Faults(program.environment) as faults:
        faults.at("filter.renew", again, nth=1)
        live(program, claims, LEASE)
    live(program, claims, 2 * LEASE)
    assert holder("k") is None
    assert holder("other") == "t1"
    claims.release("s", "t1")
    assert holder("other") is None


def test_what_is_claimed_while_the_claims_are_looked_at_is_no_trouble(program, claims, holder):
    """Objects of others may end at any moment, and run Python then, as another thread does."""

    class Ends:
        def __init__(self):
            self.itself = self

        def __del__(self):
            claims.claim("s", f"k{id(self)}", f"t{id(self)}")

    for number in range(50):
        claims.claim("s", str(number), str(number))
    program.clock.advance(LEASE / 2)
    before = gc.get_threshold()
    gc.collect()
    try:
        gc.set_threshold(20)
        Ends()
        claims.renew()
    finally:
        gc.set_threshold(*before)
    program.clock.advance(LEASE * 0.9)
    assert holder("0") == "0"
