"""parked messages: on their way out at their time, one mover each, kept when the broker refuses them, ranked as before."""

from __future__ import annotations

import json

import pytest
from support.broker import ALL
from support.program import message

from funboost_core import BrokerSpec, Capability, TaskOptions, hookimpl
from funboost_core.consuming import parked
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.parked import BATCH, FIRST, LEASE, LONGEST, Mover
from funboost_core.native import Condition, Thread, sleep
from funboost_core.ports.store import Parked

PATIENCE = 30


class Heard:
    """What the task has run, and when by the clock."""

    def __init__(self, clock):
        self.runs = []
        self._clock = clock
        self._changed = Condition()

    def __call__(self, x):
        with self._changed:
            self.runs.append((x, self._clock.time()))
            self._changed.notify_all()

    def wait(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.runs) >= count, PATIENCE), self.runs


@pytest.fixture
def parking(program):
    return program.environment.state.parking


@pytest.fixture
def mover(program):
    task = program.task(broker_kind="BARE")
    return Mover(task, task.make_broker())


def park(program, *delays, target="q", body=None):
    now, place = program.clock.time(), program.environment.state.parking
    place.park(
        [Parked(f"{len(place.kept)}-{delay}", target, body or message({"x": delay}), now + delay) for delay in delays]
    )


def test_of_two_that_ask_to_be_called_at_the_same_time_the_earlier_one_counts(program, mover):
    """One that is parked just while the mover notes when the next one that it found is due."""

    class Later(float):
        def __radd__(self, now):
            return Moment(now + float(self))

    class Moment(float):
        """The mover stands still within its look until the other has been noted, or (0.3 s) has to wait for it."""

        def looked(self):
            other.start()
            other.join(0.3)

        def __lt__(self, armed):
            self.looked()
            return float(self) < armed

        def __ge__(self, armed):
            self.looked()
            return float(self) >= armed

    other = Thread(target=mover.expect, args=(program.clock.time() + 1,))
    mover._arm(Later(100))
    other.join()
    assert mover._armed == program.clock.monotonic() + 1


def until_wanted(clock, moment):
    """Block until the next thing for which a thread waits comes at `moment`."""
    for _ in range(PATIENCE * 1000):
        if abs((clock.next_deadline() or 0) - moment) < 0.0005:
            return
        sleep(0.001)
    raise AssertionError(f"{clock.next_deadline()} is awaited, not {moment}")


def moved(program):
    return [json.loads(body)["x"] for body in program.server.bodies("q")]


def test_what_a_worker_puts_off_runs_at_its_time_not_at_the_next_beat(program):
    heard, clock = Heard(program.clock), program.clock
    task = program.booster(heard, broker_kind="BARE")
    task.consume()
    begun = clock.time()
    for delay in (0.3, 0.15, 0.7):
        task.publish({"x": delay}, options=TaskOptions(countdown=delay))
    place = program.environment.state.parking
    for number, delay in enumerate((0.15, 0.3, 0.7)):
        until_wanted(clock, begun + delay)
        clock.advance(round(begun + delay - clock.time() - 0.001, 3))
        assert len(heard.runs) == number
        clock.advance(0.002)
        heard.wait(number + 1)
    assert [(x, round(at - begun, 3)) for x, at in heard.runs] == [(0.15, 0.151), (0.3, 0.301), (0.7, 0.701)]
    until_wanted(clock, begun + 1)  # the beat
    assert place.kept == {}


def test_what_another_process_has_parked_is_found_at_a_beat_and_then_moved_at_its_time(program):
    heard, clock = Heard(program.clock), program.clock
    task = program.booster(heard, broker_kind="BARE")
    task.consume()
    clock.until_waiting(2)
    due = clock.time() + 1.55
    park(program, 1.55)
    clock.advance(1)
    until_wanted(clock, due)
    clock.advance(0.549)
    assert heard.runs == []
    clock.advance(0.002)
    heard.wait(1)


def test_each_is_moved_by_one(program, parking):
    task = program.task(broker_kind="BARE")
    movers = [Mover(task, task.make_broker()) for _ in range(3)]
    park(program, *range(-300, 0))
    for mover in movers:
        mover.move()
    assert sorted(moved(program)) == list(range(-300, 0))
    assert parking.kept == {}


def test_what_a_killed_mover_had_claimed_is_moved_when_its_claim_ends(program, mover, parking):
    park(program, 0)
    parking.claim("q", BATCH, float(LEASE))
    mover.move()
    assert moved(program) == []
    program.clock.advance(LEASE)
    mover.move()
    assert moved(program) == [0]


def test_what_the_broker_refuses_is_moved_at_the_next_beat(program, mover, parking):
    park(program, 0)
    program.server.failing["publish"] = [ConnectionError("away")]
    with pytest.raises(ConnectionError):
        mover.move()
    mover.move()
    assert moved(program) == [0]
    assert parking.kept == {}


def test_others_have_their_turn_while_very_much_is_due(program, mover, monkeypatch):
    monkeypatch.setattr(parked, "SLICE", -1.0)
    called = []
    monkeypatch.setattr(program.environment.worker, "wake_at", called.append)
    park(program, *range(-3 * BATCH, 0))
    mover.move()
    assert len(moved(program)) == BATCH
    assert called == [program.clock.monotonic()]
    for _ in range(3):
        mover.alarm()
    assert len(moved(program)) == 3 * BATCH


def test_the_alarm_of_another_queue_makes_nobody_look(program, mover, parking, monkeypatch):
    called = []
    monkeypatch.setattr(program.environment.worker, "wake_at", called.append)
    mover.alarm()
    assert (parking.claims, called) == (0, [])
    mover.expect(program.clock.time() + 5)
    mover.alarm()
    assert parking.claims == 0
    assert called == [program.clock.monotonic() + 5] * 2, "it asks again"


def test_only_an_earlier_message_changes_when_to_wake(program, mover, monkeypatch):
    called, now = [], program.clock.time()
    monkeypatch.setattr(program.environment.worker, "wake_at", lambda at: called.append(at - program.clock.monotonic()))
    for delay in (5, 7, 3, 5):
        mover.expect(now + delay)
    assert called == pytest.approx([5, 3])


def test_a_store_whose_clock_is_behind_is_not_asked_in_a_tight_loop(program, mover, parking, monkeypatch):
    pauses = []
    monkeypatch.setattr(program.environment.worker, "wake_at", lambda at: pauses.append(at - program.clock.monotonic()))
    park(program, 0)
    monkeypatch.setattr(parking, "claim", lambda *arguments: [])
    for _ in range(10):
        mover.move()
    assert pauses[0] == pytest.approx(FIRST)
    assert pauses[-1] == pytest.approx(LONGEST)
    assert pauses == sorted(pauses)


def test_a_priority_outlives_the_waiting(make_program):
    class Ranked:
        @hookimpl
        def funboost_brokers(self):
            return [BrokerSpec("RANKED", program.server_factory, ALL & ~(Capability.DELAY | Capability.SECOND_QUEUE))]

    program = make_program()
    program.server_factory = program.environment.catalog.find("brokers", "TINY").factory
    program.environment.manager.register(Ranked())
    made = Consumer(program.task(broker_kind="RANKED", concurrent_mode="byhand"))
    program.server.put("q", message(countdown=5, priority=7))
    assert not made.intake.take(1, wait=0)
    park(program, 0, body=b"no message of ours")
    program.clock.advance(5)
    made.beat()
    assert [outgoing.priority for outgoing in made._broker.sent] == [0, 7]


def test_a_message_that_waits_says_when_it_is_due(program, parking):
    made = Consumer(program.task(broker_kind="BARE", concurrent_mode="byhand"))
    due = program.clock.time() + 5
    program.server.put("q", message(countdown=5, misfire_grace_time=3))
    assert not made.intake.take(1, wait=0)
    (waiting,) = parking.kept.values()
    extra = json.loads(waiting.body)["extra"]
    assert (waiting.due, extra["due_time"], extra["misfire_grace_time"]) == (due, due, 3)
    assert "countdown" not in extra
    program.clock.advance(5)
    made.beat()
    (delivery,) = made.intake.take(1, wait=0)
    assert delivery.extra["due_time"] == due


def test_without_parking_nobody_looks_for_it(make_program):
    program = make_program()
    made = Consumer(program.task(concurrent_mode="byhand"))  # the broker has DELAY
    made.beat()
    assert program.environment.state.parking.claims == 0


# -- clear ----------------------------------------------------------------------------------------------------------------


def test_clear_removes_what_is_parked_for_this_queue_and_no_other(program):
    task = program.booster()
    park(program, -1, 5)
    park(program, 5, target="other")
    park(program, 5, target="q_dlx")
    task.push(1)
    task.clear()
    assert program.server.bodies("q") == []
    assert sorted(message.target for message in program.environment.state.parking.kept.values()) == ["other", "q_dlx"]


def test_clear_removes_debounced_calls(program):
    task = program.booster(debounce_seconds=10)
    task.push(1)
    task.clear()
    assert program.environment.state.parking.kept == {}


def test_what_is_being_moved_while_clear_begins_is_removed_too(program):
    """The mover has claimed it and publishes it; then comes the broker's turn to be emptied."""
    place, task = program.environment.state.parking, program.booster()
    park(program, -1)
    purge, mover = place.purge, Mover(task.task, task.task.make_broker())

    def meanwhile(target):
        mover.move()
        return purge(target)

    place.purge = meanwhile
    task.clear()
    assert (program.server.bodies("q"), place.kept) == ([], {})


def test_clear_without_a_place_for_parked_messages(make_program):
    program = make_program(STATE_URL="")
    task = program.booster()
    task.push(1)
    task.clear()
    assert program.server.bodies("q") == []
