"""shared rate: consumers that come, go and die start no more together than one may, and no less."""

from __future__ import annotations

import heapq
import itertools
import random

import pytest
from support.state import Coordinator

from funboost_core.consuming.consumer import Consumer
from funboost_core.policies.rate import Rate
from funboost_core.policies.shared_rate import BLOCK, SharedRate

RATES = [0.5, 1, 3.7, 5, 10, 33, 60, 100, 251, 1000]


class World:
    """Consumers of one schedule, moved from event to event; there is work for all of them unless `work` says otherwise."""

    def __init__(self, qps, lateness=lambda: 0.0):
        self.qps = qps
        self.now = 0.0
        self.lateness = lateness
        self.coordinator = Coordinator(self)
        self.asked = 0
        self.starts = []
        self.failing = False
        self.troubles = []
        self.work = None  # messages that are there; None: always enough
        self._events = []
        self._order = itertools.count()
        self.gone = set()

    def monotonic(self):
        return self.now

    def reserve(self, *arguments):
        self.asked += 1
        if self.failing:
            raise ConnectionError("away")
        return self.coordinator.reserve(*arguments)

    def rate(self, declared=None):
        return SharedRate(self.qps, declared or self.qps, self.reserve, "q", self.monotonic, self.troubles.append)

    def join(self, at=0.0, busy=lambda: 0.0):
        """A consumer that begins at a time; `busy()` seconds pass between a start and its next question."""
        rate = self.rate()
        heapq.heappush(self._events, (at, next(self._order), rate, busy))
        return rate

    def leave(self, rate):
        """It asks nothing any more, whatever it has reserved."""
        self.gone.add(rate)

    def run(self, until):
        while self._events and self._events[0][0] <= until:
            self.now, _, rate, busy = heapq.heappop(self._events)
            if rate not in self.gone:
                heapq.heappush(self._events, (self.now + self._turn(rate, busy), next(self._order), rate, busy))
        self.now = until

    def _turn(self, rate, busy):
        due, wait = rate.due(self.now)
        if not due:
            assert wait > 0
            return wait + self.lateness()
        fetched = due if self.work is None else min(due, self.work)
        if not fetched:
            return 0.01  # it is told when something comes
        started = rate.confirm(min(fetched, 100), self.now)
        rate.used(started, self.now)
        self.starts += [self.now] * started
        if self.work is not None:
            self.work -= started
        return busy() if started else 0.0


def worst_second(starts):
    worst, first = 0, 0
    for last, moment in enumerate(starts):
        while starts[first] <= moment - 1 + 1e-7:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def bound(qps):
    return max(qps + 1, 1.02 * qps) + 1e-6


def held(qps):
    """The most due times that one consumer may hold."""
    return int(BLOCK * qps) + 2


@pytest.mark.parametrize("lateness", ["none", "small", "random", "spikes"])
@pytest.mark.parametrize("qps", RATES)
@pytest.mark.parametrize("consumers", [1, 3, 7])
def test_together_they_keep_the_schedule_of_one(qps, consumers, lateness):
    chance = random.Random(qps)
    reach = max(0.9 * (1 - qps % 1) / qps, 0.02 - 2 / qps)
    world = World(
        qps,
        {
            "none": lambda: 0.0,
            "small": lambda: chance.random() * 0.001,
            "random": lambda: chance.random() * 0.9 * reach,
            "spikes": lambda: 0.3 if chance.random() < 0.02 else 0.0,
        }[lateness],
    )
    for number in range(consumers):
        world.join(number * 0.01)
    seconds = max(12, 60 / qps)
    world.run(seconds)
    assert worst_second(world.starts) <= bound(qps)
    if lateness != "spikes":
        span = world.starts[-1] - world.starts[0]
        assert abs(len(world.starts) - 1 - qps * span) <= max(0.01 * qps * span, 1.5)
        assert world.asked <= len(world.starts) + consumers


@pytest.mark.parametrize("qps", RATES)
def test_coming_and_going_changes_nothing(qps):
    chance = random.Random(qps)
    world = World(qps, lambda: chance.random() * 0.001)
    consumers = [world.join()]
    lost, seconds = 0, max(20, 100 / qps)
    step = seconds / 20
    for number in range(1, 20):
        world.run(number * step)
        if len(consumers) > 1 and chance.random() < 0.5:
            world.leave(consumers.pop(0))
            lost += held(qps)
        else:
            consumers.append(world.join(world.now))
    world.run(seconds)
    assert worst_second(world.starts) <= bound(qps)
    assert len(world.starts) <= qps * seconds + 1
    assert len(world.starts) >= 0.99 * qps * seconds - lost - 2


@pytest.mark.parametrize("qps", RATES)
def test_one_that_dies_wastes_at_most_what_it_holds(qps):
    world = World(qps)
    survivor, victim = world.join(), world.join(0.001)
    warm = max(3, 10 / qps)
    world.run(warm)
    before = len(world.starts)
    world.leave(victim)
    seconds = max(5, 40 / qps)
    world.run(warm + seconds)
    assert len(world.starts) - before >= 0.99 * qps * seconds - held(qps) - 1
    assert survivor not in world.gone


def test_one_that_does_not_keep_up_reserves_only_what_it_uses():
    world = World(100)
    world.join()
    world.join(0.001, busy=lambda: 1.0)
    world.run(20)
    assert len(world.starts) >= 0.99 * 100 * 20 - 5


def test_blocks_save_questions():
    world = World(1000)
    for _ in range(3):
        world.join()
    world.run(20)
    assert world.asked <= len(world.starts) / 100


def test_an_idle_one_reserves_nothing_until_something_comes():
    world = World(10)
    world.work = 0
    world.join()
    world.run(50)
    assert world.asked == 0
    world.work = 1
    world.run(60)
    assert world.starts == [pytest.approx(50, abs=0.02)]
    asked = world.asked
    assert asked <= 2
    world.run(100)
    assert world.asked == asked


def test_what_an_idle_one_found_goes_back_while_the_others_use_the_rate_up():
    world = World(1)
    busy = world.rate()
    assert busy.due(0.0) == (1, 0.0)
    assert busy.confirm(1, 0.0) == 1
    busy.used(1, 0.0)
    world.now = 0.4
    idle = world.rate()
    assert idle.due(0.4) == (1, 0.0)
    assert idle.confirm(1, 0.4) == 0
    assert idle.due(0.4) == (0, pytest.approx(0.6))
    world.now = 1.0
    assert idle.due(1.0) == (1, 0.0)
    assert idle.confirm(1, 1.0) == 1


def test_a_consumer_gives_back_what_the_rate_does_not_let_start(program):
    task = program.task(qps=1, is_using_distributed_frequency_control=True, concurrent_mode="byhand")
    busy, idle = Consumer(task), Consumer(task)
    try:
        program.server.put("q", b'{"x":1}', b'{"x":2}')
        assert [delivery.arguments for delivery in busy.intake.take(5)] == [{"x": 1}]
        assert idle.intake.take(5) == ()
        assert program.server.bodies("q") == [b'{"x":2}']
        program.clock.advance(1)
        assert [delivery.arguments for delivery in idle.intake.take(5)] == [{"x": 2}]
    finally:
        for consumer in (busy, idle):
            consumer.stop()


def test_what_was_skipped_or_put_off_costs_no_start():
    world = World(1)
    rate = world.rate()
    for _ in range(5):
        assert rate.due(0.0) == (1, 0.0)
        assert rate.confirm(1, 0.0) == 1
        rate.used(0, 0.0)
    assert world.asked == 1
    assert rate.due(0.0) == (1, 0.0)


def test_idle_time_is_not_saved_up():
    world = World(10)
    world.work = 1
    for _ in range(3):
        world.join()
    world.run(30)
    world.work = 1000
    world.run(40)
    assert worst_second(world.starts) <= 11
    assert len(world.starts) >= 95


@pytest.mark.parametrize("qps", [100, 1000])
def test_while_the_store_fails_nothing_starts_and_it_is_asked_ever_less_often(qps):
    world = World(qps)
    world.join()
    world.run(5)
    world.failing = True
    before, asked = len(world.starts), world.asked
    world.run(305)
    assert len(world.starts) - before <= held(qps)
    assert 5 <= world.asked - asked <= 25
    assert len(world.troubles) == 1, "it is told once"
    world.failing = False
    world.run(350)
    assert len(world.starts) - before >= qps * 10
    assert worst_second(world.starts) <= bound(qps)
    world.failing = True
    world.run(351)
    assert len(world.troubles) == 2


def test_an_idle_one_whose_store_fails_gives_back_what_it_found():
    world = World(5)
    world.failing = True
    rate = world.rate()
    assert rate.due(0.0) == (1, 0.0)
    assert rate.confirm(1, 0.0) == 0
    due, wait = rate.due(0.0)
    assert due == 0
    assert wait > 0
    world.failing = False
    world.now = wait
    assert rate.due(wait) == (1, 0.0)
    assert rate.confirm(1, wait) == 1


@pytest.mark.parametrize(("before", "after"), [(0.01, 100), (100, 0.5), (1, 1000), (5, 5)])
def test_a_change_holds_at_once_for_all_of_them(before, after):
    world = World(before)
    rates = [world.join() for _ in range(3)]
    world.run(3)
    for rate in rates:
        rate.change(after)
    world.qps = after
    latecomer = world.rate(declared=before)
    world._events = [(world.now, number, rate, lambda: 0.0) for number, rate in enumerate([*rates, latecomer])]
    count = len(world.starts)
    seconds = max(5, 20 / after)
    world.run(world.now + seconds)
    assert abs(len(world.starts) - count - after * seconds) <= max(0.01 * after * seconds, 1)
    assert worst_second(world.starts[count:]) <= bound(after)


def test_back_at_the_declared_rate_it_is_the_declared_schedule():
    world = World(2)
    rate, other = world.rate(), world.rate()
    rate.change(50)
    rate.due(0.0)
    rate.change(2)
    for each in (rate, other):
        each.due(0.0)
    assert rate.confirm(1, 0.0) == 1
    assert other.confirm(1, 0.0) == 0


def test_one_of_them_alone_is_like_a_rate_of_its_own():
    world, alone = World(4), Rate(4)
    rate = world.rate()
    for now in (0.0, 0.1, 0.25, 0.3, 0.5, 0.75, 0.9, 1.0):
        world.now = now
        (due, wait), (other, until) = rate.due(now), alone.due(now)
        assert (due, wait) == (other, pytest.approx(until))
        if due:
            assert rate.confirm(due, now) == due
            rate.used(due, now)
            alone.used(due, now)
