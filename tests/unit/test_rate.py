"""rate: evenly spaced starts; the bound of every sliding second and the mean, at every rate and lateness."""

from __future__ import annotations

import random

import pytest

from funboost_core.policies.rate import Rate, lateness

RATES = [0.5, 0.99, 1, 1.5, 2, 3.7, 10, 33, 49.9, 50, 51, 77, 99, 100, 101, 250, 1000, 3333, 10_000]


def play(qps, lateness, seconds, idle=lambda now: 0.0, most=10**9, rate=None, start=0.0):
    """Start whatever is due, `lateness()` after it is due; the times of all starts."""
    rate, now, starts = rate or Rate(qps), start, []
    while now < start + seconds:
        due, wait = rate.due(now)
        if not due:
            assert wait > 0
            now += wait + lateness()
            continue
        due = min(due, most)
        starts.extend([now] * due)
        rate.used(due, now)
        now += idle(now)
    return starts


def worst_second(starts):
    worst, first = 0, 0
    for last, moment in enumerate(starts):
        while starts[first] <= moment - 1 + 1e-7:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def bound(qps):
    return max(qps + 1, 1.02 * qps) + 1e-6


@pytest.mark.parametrize("qps", RATES)
@pytest.mark.parametrize("lateness", [0, 0.0001, 0.001, 0.01, 0.05, "random", "spikes", "an interval"])
def test_no_sliding_second_exceeds_the_bound(qps, lateness):
    chance = random.Random(qps)
    late = {
        "random": lambda: chance.random() * 0.05,
        "spikes": lambda: 0.05 if chance.random() < 0.02 else chance.random() * 0.001,
        "an interval": lambda: chance.random() * 1.5 / qps,
    }.get(lateness, lambda: lateness)
    starts = play(qps, late, max(5, 20 / qps))
    assert worst_second(starts) <= bound(qps)


@pytest.mark.parametrize("qps", RATES)
@pytest.mark.parametrize("share", [0, 0.001, 0.5, "random"])
def test_the_mean_is_exact_while_the_lateness_is_small(qps, share):
    chance, reach = random.Random(qps), max(0.9 * (1 - qps % 1) / qps, 0.02 - 2 / qps)
    late = (lambda: chance.random() * reach) if share == "random" else (lambda: share * reach)
    seconds = max(10, 1000 / qps)
    starts = play(qps, late, seconds)
    assert abs(len(starts) / seconds - qps) <= max(0.01 * qps, 1.5 / seconds)


@pytest.mark.parametrize("qps", RATES)
def test_nothing_is_caught_up_after_lying_idle(qps):
    chance = random.Random(qps)
    starts = play(
        qps, lambda: chance.random() * 0.002, max(10, 40 / qps), lambda now: 3.0 if chance.random() < 2 / qps else 0.0
    )
    assert worst_second(starts) <= bound(qps)
    rate = Rate(qps)
    rate.used(rate.due(0.0)[0], 0.0)
    due, wait = rate.due(10_000.0)
    assert wait == 0.0
    assert due <= max(1, 0.02 * qps)


@pytest.mark.parametrize("qps", [1, 100, 10_000])
def test_taking_less_than_is_due_keeps_the_bound(qps):
    assert worst_second(play(qps, lambda: 0.01, 10, most=1)) <= bound(qps)


def test_the_first_start_is_due_at_once_and_the_next_an_interval_later():
    rate = Rate(2)
    assert rate.due(10.0) == (1, 0.0)
    rate.used(1, 10.0)
    assert rate.due(10.0) == (0, 0.5)
    due, wait = rate.due(10.4)
    assert due == 0
    assert wait == pytest.approx(0.1)
    assert rate.due(10.5) == (1, 0.0)


def test_skipping_costs_no_start():
    rate = Rate(2)
    rate.used(0, 10.0)
    assert rate.due(10.0) == (1, 0.0)


def test_a_lateness_below_the_interval_keeps_the_grid():
    rate = Rate(1)
    rate.used(1, 0.0)
    rate.used(1, 1.9)
    assert rate.due(1.95) == (0, pytest.approx(0.05))
    assert rate.due(2.0) == (1, 0.0)


@pytest.mark.parametrize(("before", "after"), [(0.01, 1000), (1, 10), (100, 1), (10_000, 0.5), (3, 3)])
def test_a_change_holds_from_the_last_start_on(before, after):
    rate = Rate(before)
    rate.used(1, 100.0)
    rate.change(after)
    assert rate.due(100.0) == (0, pytest.approx(1 / after))
    assert rate.due(100.0 + 1 / after) == (1, 0.0)
    starts = play(after, lambda: 0.0, max(5, 20 / after), rate=rate, start=100.0)
    assert worst_second([100.0, *starts]) <= bound(after) + 1


def test_who_fetches_just_while_another_thread_changes_the_rate_keeps_the_bound(monkeypatch):
    """50 s late are less than an interval of the old rate, and fifty thousand of the new one."""
    starts, rate = [], Rate(0.01)
    rate.used(1, 0.0)

    def fetched_meanwhile(qps):
        starts.append(rate.due(150.0)[0])
        return lateness(qps)

    with monkeypatch.context() as patch:
        patch.setattr("funboost_core.policies.rate.lateness", fetched_meanwhile)
        rate.change(1000)
    starts.append(rate.due(150.0)[0])
    assert 1 <= max(starts) <= bound(1000)


def test_a_change_before_the_first_start_does_not_delay_it():
    rate = Rate(0.01)
    rate.change(5)
    assert rate.due(3.0) == (1, 0.0)


def test_a_slow_schedule_that_rested_begins_afresh():
    rate = Rate(0.01)
    rate.used(1, now=0.0)
    rate.rested(now=198.0)
    assert rate.due(now=198.0) == (1, 0.0)
    rate.used(1, now=198.0)
    assert rate.due(now=200.0) == (0, 98.0)
