"""What every `Coordinator` must do."""

from __future__ import annotations

import pytest

from funboost_core.ports.store import StateStore

from .base import StoreSuite, TestClock, together


class CoordinatorSuite(StoreSuite):
    """Members live by their beats; flags, counters and one shared schedule a scope."""

    funboost_topics = ("coordinator",)

    def test_members_live_by_their_beats(self, store: StateStore, clock: TestClock) -> None:
        assert store.coordinator.members("q") == {}
        store.coordinator.beat("q", "m1", {"pid": 1, "name": "\u5317"}, self.unit)
        store.coordinator.beat("q", "m2", {}, self.unit)
        store.coordinator.beat("q2", "m1", {"pid": 3}, self.unit)
        assert store.coordinator.members("q") == {"m1": {"pid": 1, "name": "\u5317"}, "m2": {}}
        clock.advance(self.unit * 0.6)
        store.coordinator.beat("q", "m1", {"pid": 2}, self.unit)
        clock.advance(self.unit * 0.6)
        assert store.coordinator.members("q") == {"m1": {"pid": 2}}

    def test_members_leave(self, store: StateStore) -> None:
        store.coordinator.beat("q", "m1", {}, self.unit)
        store.coordinator.beat("q", "m2", {}, self.unit)
        store.coordinator.leave("q", "m1")
        store.coordinator.leave("q", "nobody")
        assert store.coordinator.members("q") == {"m2": {}}

    def test_flags(self, store: StateStore, clock: TestClock) -> None:
        store.coordinator.set_flag("q", "pause", "1")
        store.coordinator.set_flag("q", "kill:t1", "", self.unit)
        store.coordinator.set_flag("q2", "pause", "2")
        assert store.coordinator.flags("q") == {"pause": "1", "kill:t1": ""}
        store.coordinator.set_flag("q", "pause", "0")
        clock.advance(self.unit * 2)
        assert store.coordinator.flags("q") == {"pause": "0"}
        store.coordinator.set_flag("q", "pause", None)
        store.coordinator.set_flag("q", "never set", None)
        assert store.coordinator.flags("q") == {}
        assert store.coordinator.flags("q2") == {"pause": "2"}

    def test_flag_set_again_takes_the_new_ttl(self, store: StateStore, clock: TestClock) -> None:
        store.coordinator.set_flag("q", "for ever", "1", self.unit)
        store.coordinator.set_flag("q", "for ever", "1")
        store.coordinator.set_flag("q", "for a time", "1")
        store.coordinator.set_flag("q", "for a time", "1", self.unit)
        clock.advance(self.unit * 2)
        assert store.coordinator.flags("q") == {"for ever": "1"}

    def test_counters(self, store: StateStore) -> None:
        assert store.coordinator.add("q", {}) == {}
        assert store.coordinator.add("q", {"a": 0}) == {"a": 0}
        assert store.coordinator.add("q", {"a": 2, "b": -1}) == {"a": 2, "b": -1}
        assert store.coordinator.add("q", {"a": 3, "b": 0}) == {"a": 5, "b": -1}
        assert store.coordinator.add("q2", {"a": 0}) == {"a": 0}
        assert store.coordinator.add("q", {"a": -5}) == {"a": 0}

    def test_counters_are_atomic(self, store: StateStore) -> None:
        answers = together(store.coordinator.add, [("q", {"a": 1})] * 20)
        assert sorted(answer["a"] for answer in answers) == list(range(1, 21))

    def reserve(self, store: StateStore, interval: float, most: int, horizon: float) -> tuple[float, int]:
        """Reserve with `interval` and `horizon` in units; `first` in units too."""
        first, n = store.coordinator.reserve("q", interval * self.unit, most, horizon * self.unit)
        return first / self.unit, n

    def near(self, units: float) -> object:
        """Equal to `units` as far as the clock is good for."""
        return pytest.approx(units, abs=self.tolerance / self.unit)

    def test_reserve_continues_where_the_last_ended(self, store: StateStore, clock: TestClock) -> None:
        assert self.reserve(store, 0.5, 4, 100) == (0, 4)
        assert self.reserve(store, 0.5, 4, 100) == (self.near(2.0), 4)
        clock.advance(self.unit)
        assert self.reserve(store, 0.5, 1, 100) == (self.near(3.0), 1)
        assert store.coordinator.reserve("other", self.unit, 1, 0) == (0, 1)

    def test_reserve_stays_within_the_horizon_but_gives_one(self, store: StateStore) -> None:
        assert self.reserve(store, 0.1, 100, 0.55) == (0, 6)
        assert self.reserve(store, 0.1, 100, 0.5)[1] == 6  # the last lies on the horizon
        assert self.reserve(store, 5, 100, 0.5) == (self.near(1.2), 1)
        assert self.reserve(store, 5, 100, 0) == (self.near(6.2), 1)

    def test_reserve_idle_time_is_not_made_up_for(self, store: StateStore, clock: TestClock) -> None:
        self.reserve(store, 0.5, 2, 100)
        clock.advance(self.unit * 3)
        assert self.reserve(store, 0.5, 2, 100) == (0, 2)
        assert self.reserve(store, 0.5, 2, 100) == (self.near(1.0), 2)

    def test_reserve_takes_a_changed_interval(self, store: StateStore) -> None:
        self.reserve(store, 1, 2, 100)
        assert self.reserve(store, 0.25, 4, 100) == (self.near(2), 4)
        assert self.reserve(store, 0.25, 4, 100) == (self.near(3), 4)

    def test_reserve_is_atomic(self, store: StateStore) -> None:
        blocks = together(self.reserve, [(store, 0.5, 4, 100)] * 12)
        dues = sorted(first + 0.5 * i for first, n in blocks for i in range(n))
        assert dues == [self.near(0.5 * i) for i in range(48)]

    def test_coordinator_crosses_stores(self, store: StateStore, other: StateStore) -> None:
        other.coordinator.beat("q", "m", {"pid": 1}, self.unit)
        other.coordinator.set_flag("q", "pause", "1")
        other.coordinator.add("q", {"a": 1})
        self.reserve(other, 0.5, 4, 100)
        assert store.coordinator.members("q") == {"m": {"pid": 1}}
        assert store.coordinator.flags("q") == {"pause": "1"}
        assert store.coordinator.add("q", {"a": 1}) == {"a": 2}
        assert self.reserve(store, 0.5, 1, 100) == (self.near(2), 1)
